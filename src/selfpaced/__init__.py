"""Self-paced learning for PyTorch: easy first, and a list of the labels that are wrong."""

from selfpaced import age, coupling, difficulty, pacing, weighting
from selfpaced._version import __version__
from selfpaced.ledger import Ledger
from selfpaced.loss import SPLLoss
from selfpaced.pacer import Pacer
from selfpaced.reduction import reduce_tokens
from selfpaced.rows import Population, Rows
from selfpaced.sampler import PacedSampler
from selfpaced.sampling import Indexed

__all__ = [
    "Indexed",
    "Ledger",
    "PacedSampler",
    "Pacer",
    "Population",
    "Rows",
    "SPLLoss",
    "__version__",
    "age",
    "coupling",
    "difficulty",
    "pacing",
    "reduce_tokens",
    "weighting",
]
