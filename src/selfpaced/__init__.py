"""Self-paced learning for PyTorch: easy first, and a list of the labels that are wrong.

A name is imported when it is first read: ``selfpaced --help`` does not wait for torch.
"""

from typing import TYPE_CHECKING

from selfpaced._version import __version__

if TYPE_CHECKING:
    from selfpaced import age, coupling, difficulty, pacing, weighting
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

_HOMES = {
    "Indexed": "sampling",
    "Ledger": "ledger",
    "PacedSampler": "sampler",
    "Pacer": "pacer",
    "Population": "rows",
    "Rows": "rows",
    "SPLLoss": "loss",
    "reduce_tokens": "reduction",
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
