"""Self-paced learning for skorch: nets whose training batches a pacer weighs.

>>> from torch import nn
>>> # in place of NeuralNetClassifier:
>>> net = SelfPacedNetClassifier(nn.Linear, criterion=nn.CrossEntropyLoss)
>>> net.set_params(pacer__reduction="kept").get_params()["pacer__reduction"]
'kept'
"""

from selfpaced._public import publish

try:
    import skorch  # noqa: F401 - only to tell that it is missing
except ImportError as error:
    raise ImportError(
        f'selfpaced.skorch needs skorch ({error}). Install it with: pip install "selfpaced[skorch]"'
    ) from error

from selfpaced.skorch._net import SelfPacedMixin, SelfPacedNetClassifier, SelfPacedNetRegressor

__all__ = ["SelfPacedMixin", "SelfPacedNetClassifier", "SelfPacedNetRegressor"]

publish(__name__)
