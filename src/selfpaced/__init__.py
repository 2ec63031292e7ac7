"""Self-paced learning for PyTorch: easy first, and a list of the labels that are wrong.

A name is imported when it is first read: ``selfpaced --help`` does not wait for torch.
"""

from typing import TYPE_CHECKING

from selfpaced._version import __version__

if TYPE_CHECKING:
    from selfpaced import age, coupling, difficulty, pacing, weighting
    from selfpaced._classic import SPLLoss
    from selfpaced._memory.ledger import Ledger
    from selfpaced._pacer.pacer import Pacer
    from selfpaced._pacer.reduction import reduce_tokens
    from selfpaced._sampling.indexed import Indexed
    from selfpaced._sampling.paced import PacedSampler
    from selfpaced.chain import Population, Rows

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

_HOMES = {
    "Indexed": "_sampling.indexed",
    "Ledger": "_memory.ledger",
    "PacedSampler": "_sampling.paced",
    "Pacer": "_pacer.pacer",
    "Population": "chain",
    "Rows": "chain",
    "SPLLoss": "_classic",
    "reduce_tokens": "_pacer.reduction",
}  # the other public names are modules

if not TYPE_CHECKING:  # where types are checked, a name that is not above does not exist

    def __getattr__(name: str) -> object:
        """Import a public name when it is first read, and keep it."""
        from importlib import import_module

        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = import_module(f"{__name__}.{_HOMES.get(name, name)}")
        globals()[name] = getattr(module, name) if name in _HOMES else module
        return globals()[name]

    def __dir__() -> list[str]:
        """Return what is there, and what is imported when it is read."""
        return sorted({*globals(), *__all__})
