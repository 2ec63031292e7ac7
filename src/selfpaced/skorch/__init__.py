"""Self-paced learning in skorch: a net whose batches are weighed by a pacer.

>>> from torch import nn
>>> net = SelfPacedNetClassifier(nn.Linear, criterion=nn.CrossEntropyLoss)  # NeuralNetClassifier's
>>> net.set_params(pacer__reduction="kept").get_params()["pacer__reduction"]
'kept'
"""

from selfpaced._public import publish

try:
    import skorch  # noqa: F401 - the one thing that may be missing
except ImportError as error:
    raise ImportError(
        f'selfpaced.skorch needs skorch ({error}). Install it with: pip install "selfpaced[skorch]"'
    ) from error

from selfpaced.skorch._net import SelfPacedMixin, SelfPacedNetClassifier, SelfPacedNetRegressor

__all__ = ["SelfPacedMixin", "SelfPacedNetClassifier", "SelfPacedNetRegressor"]

publish(__name__)
