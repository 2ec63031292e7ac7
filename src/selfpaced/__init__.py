"""Self-paced learning for PyTorch: easy first, and a list of the labels that are wrong.

A name is imported when it is first read: ``selfpaced --help`` does not wait for torch.
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

if not TYPE_CHECKING:  # where types are checked, a name that is not above does not exist
    __getattr__, __dir__ = lazy(__name__, _HOMES)
