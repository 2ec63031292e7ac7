"""Checks of the settings of a pacer."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from selfpaced._errors import check_groups, check_sample_weight, choose, column_of, require
from selfpaced.chain import Age, Coupling, Difficulty, Weighting


class Settings(Protocol):
    """The settings of a pacer that are checked."""

    @property
    def n_samples(self) -> int | None:
        """As in ``Pacer``."""
        ...

    @property
    def weighting(self) -> Weighting:
        """As in ``Pacer``."""
        ...

    @property
    def age(self) -> Age | None:
        """As in ``Pacer``."""
        ...

    @property
    def difficulty(self) -> Difficulty:
        """As in ``Pacer``."""
        ...

    @property
    def couple(self) -> Coupling | None:
        """As in ``Pacer``."""
        ...

    @property
    def decide(self) -> str:
        """As in ``Pacer``."""
        ...

    @property
    def reduction(self) -> str:
        """As in ``Pacer``."""
        ...


def require_fit(pacer: Settings, columns: Mapping[str, Tensor] | None) -> None:
    """Raise if settings of a pacer do not fit together."""
    columns = columns or {}
    choose("decide", pacer.decide, ("batch", "step"))
    choose("reduction", pacer.reduction, ("mean", "kept", "sum", "none"))
    _require_parts(pacer)
    if pacer.n_samples is None:
        require(
            not columns and pacer.decide == "batch",
            'Pacer: columns and decide="step" need a dataset index; give n_samples.',
        )
    require(
        pacer.couple is None or pacer.decide == "step",
        f'Pacer: {pacer.couple!r} ties samples together and needs decide="step".',
    )
    require(
        pacer.age is None or not pacer.age.needs_cut or pacer.weighting.cuts,
        f"Pacer: {pacer.age!r} leaves samples out, but {pacer.weighting!r} never reaches 0. Use a "
        f"weighting that cuts, such as Hard() or Linear(), or age=Threshold(pacing).",
    )
    _require_columns(pacer, columns)


def _require_parts(pacer: Settings) -> None:
    """Raise for a part of the wrong kind, such as a number, a pacing or a class."""
    require_part("Pacer", WEIGHTING, pacer.weighting)
    require_part("Pacer", DIFFICULTY, pacer.difficulty)
    if pacer.age is not None:
        require_part("Pacer", AGE, pacer.age)
    if pacer.couple is not None:
        require_part("Pacer", COUPLING, pacer.couple)


class Kind(NamedTuple):
    """A kind of part of the chain.

    Args:
        name: The argument that takes it.
        signs: Members by which it is recognised.
        example: What to pass, for the error message.
        base: The class to subclass for your own, for the error message.
    """

    name: str
    signs: tuple[str, ...]
    example: str
    base: str


# The kinds of the four parts that a pacer takes.
WEIGHTING = Kind(
    "weighting", ("penalty", "latent_loss", "cuts"), "a rule such as Hard()", "weighting.Rule"
)
DIFFICULTY = Kind(
    "difficulty", ("fold", "reads"), "a difficulty such as Loss()", "chain.Difficulty"
)
AGE = Kind(
    "age",
    ("by", "first", "evidence", "settle"),
    "an age such as Quantile(Constant(0.5)), or None",
    "chain.Age",
)
COUPLING = Kind(
    "couple", ("reads",), "a coupling such as RankInGroup(0.1), or None", "chain.Coupling"
)


def require_part(owner: str, kind: Kind, part: object) -> None:
    """Raise ``TypeError`` unless an object is a part of this kind."""
    wrong = f"{owner}: {kind.name} must be {kind.example}; got {part!r}"
    if isinstance(part, type):
        raise TypeError(f"{wrong}, a class; call it to make an instance.")
    lacks = [sign for sign in kind.signs if not hasattr(part, sign)]
    if lacks:
        raise TypeError(
            f"{wrong}, which lacks {' and '.join(lacks)}. To write your own, subclass "
            f"selfpaced.{kind.base}; docs/extend.md has an example."
        )


def _require_columns(pacer: Settings, columns: Mapping[str, Tensor]) -> None:
    """Raise if a column that a part reads is missing or of the wrong kind."""
    for part in (pacer.age, pacer.couple, pacer.difficulty):
        for name in () if part is None else part.reads:
            column_of(columns, name, repr(part))
    by = None if pacer.age is None else pacer.age.by
    if by is not None and by in columns:
        check_groups(by, torch.as_tensor(columns[by]))
    if "sample_weight" in columns:
        check_sample_weight(torch.as_tensor(columns["sample_weight"]))
