"""Self-paced learning for PyTorch: train on easy samples first, and rank probable label errors.

``Pacer`` weighs the losses of a training loop; ``Indexed`` and ``PacedSampler`` feed the loop. The
modules ``weighting``, ``pacing``, ``age``, ``difficulty`` and ``coupling`` have the parts of a
``Pacer``, and ``chain`` defines what each part must do. Names are imported on first access, so that
``selfpaced --help`` does not import torch.
"""

from typing import TYPE_CHECKING

from selfpaced._public import lazy
from selfpaced._version import __version__

if TYPE_CHECKING:
    from selfpaced import age, chain, coupling, difficulty, pacing, weighting
    from selfpaced._classic import SPLLoss
    from selfpaced._memory.ledger import Ledger
    from selfpaced._pacer.pacer import Pacer
    from selfpaced._pacer.reduction import reduce_tokens
    from selfpaced._sampling.indexed import Indexed
    from selfpaced._sampling.paced import PacedSampler

__all__ = [
    "Indexed",
    "Ledger",
    "PacedSampler",
    "Pacer",
    "SPLLoss",
    "__version__",
    "age",
    "chain",
    "coupling",
    "difficulty",
    "pacing",
    "reduce_tokens",
    "weighting",
]

# The module that defines each public name, relative to this package.
_HOMES = {
    "Indexed": "_sampling.indexed",
    "Ledger": "_memory.ledger",
    "PacedSampler": "_sampling.paced",
    "Pacer": "_pacer.pacer",
    "SPLLoss": "_classic",
    "reduce_tokens": "_pacer.reduction",
    **{
        module: module
        for module in ("age", "chain", "coupling", "difficulty", "pacing", "weighting")
    },
}

if not TYPE_CHECKING:  # type checkers do not see this, so that they report unknown names
    __getattr__, __dir__ = lazy(__name__, _HOMES)
