"""Which settings of a pacer go together."""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from selfpaced._errors import check_groups, check_sample_weight, choose, require
from selfpaced.age import Age, Quantile
from selfpaced.chain import Difficulty, column_of
from selfpaced.coupling import Coupling
from selfpaced.weighting import Weighting


class Settings(Protocol):
    """What of a pacer is looked at."""

    @property
    def n_samples(self) -> int | None:
        """As given to the pacer."""
        ...

    @property
    def weighting(self) -> Weighting:
        """As given to the pacer."""
        ...

    @property
    def age(self) -> Age | None:
        """As given to the pacer."""
        ...

    @property
    def difficulty(self) -> Difficulty:
        """As given to the pacer."""
        ...

    @property
    def couple(self) -> Coupling | None:
        """As given to the pacer."""
        ...

    @property
    def decide(self) -> str:
        """As given to the pacer."""
        ...

    @property
    def reduction(self) -> str:
        """As given to the pacer."""
        ...


def require_fit(pacer: Settings, columns: Mapping[str, Tensor] | None) -> None:
    """Raise where settings contradict each other, before anything is made."""
    columns = columns or {}
    choose("decide", pacer.decide, ("batch", "step"))
    choose("reduction", pacer.reduction, ("mean", "kept", "sum", "none"))
    _require_parts(pacer)
    if pacer.n_samples is None:
        require(
            not columns and pacer.decide == "batch",
            'Pacer: columns and decide="step" are kept by index; give n_samples.',
        )
    require(
        pacer.couple is None or pacer.decide == "step",
        f'Pacer: {pacer.couple!r} ties samples together and needs decide="step".',
    )
    require(
        pacer.age is None or not pacer.age.needs_cut or pacer.weighting.cuts,
        f"Pacer: {pacer.age!r} keeps a share, but {pacer.weighting!r} never reaches 0. Use a "
        f"weighting that cuts, such as Hard() or Linear(), or age=Threshold(pacing).",
    )
    _require_columns(pacer, columns)


def _require_parts(pacer: Settings) -> None:
    """Raise for a part that is not of its kind: a number, a pacing, a class that was not called."""
    kinds = (
        ("weighting", pacer.weighting, ("latent_loss",), "a rule such as Hard()"),
        ("difficulty", pacer.difficulty, ("fold",), "a difficulty such as Loss()"),
        ("age", pacer.age, ("by", "needs_cut"), "an age such as Quantile(Constant(0.5)), or None"),
        ("couple", pacer.couple, ("__call__",), "a coupling such as RankInGroup(0.1), or None"),
    )
    for name, part, signs, example in kinds:
        if part is None and name in ("age", "couple"):
            continue
        lacks = [sign for sign in signs if not hasattr(part, sign)]
        if isinstance(part, type) or lacks:
            why = f", which lacks {' and '.join(lacks)}" if lacks else ", a class; call it"
            raise TypeError(f"Pacer: {name} must be {example}; got {part!r}{why}.")


def _require_columns(pacer: Settings, columns: Mapping[str, Tensor]) -> None:
    """Raise where a column that a part reads is missing or of the wrong kind."""
    by = None if pacer.age is None else pacer.age.by
    if isinstance(pacer.age, Quantile) and by is not None:
        column_of(columns, by, repr(pacer.age))
    if by is not None and by in columns:
        check_groups(by, torch.as_tensor(columns[by]))
    if "sample_weight" in columns:
        check_sample_weight(torch.as_tensor(columns["sample_weight"]))
    tie = getattr(pacer.couple, "by", None)
    if tie is not None:
        column_of(columns, tie, repr(pacer.couple))
    part: object = pacer.difficulty
    while part is not None:
        if hasattr(part, "column"):
            column_of(columns, part.column, repr(part))
        part = getattr(part, "of", None)
