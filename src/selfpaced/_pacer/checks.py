"""What a pacer refuses: settings that do not fit together, and batches of a wrong shape."""

import difflib
import warnings
from collections.abc import Mapping
from typing import NamedTuple, NoReturn, Protocol

import torch
from torch import Tensor

from selfpaced._errors import check_groups, check_sample_weight, choose, column_of, require
from selfpaced._memory.features import Features, check_features
from selfpaced._memory.given import values_of
from selfpaced._memory.ledger import NO_FEATURES
from selfpaced.chain import Age, Coupling, Difficulty, Weighting

NO_INDEX = (
    "Pacer(n_samples) needs the dataset index of each loss, int64 of shape (batch,). "
    "Indexed(dataset) yields it. Or make a Pacer() without n_samples."
)


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


def require_fit(pacer: Settings, columns: Mapping[str, object] | None) -> None:
    """Raise if settings of a pacer do not fit together."""
    columns = columns or {}
    _require_size(pacer.n_samples)
    choose("decide", pacer.decide, ("batch", "step"))
    choose("reduction", pacer.reduction, ("mean", "kept", "sum", "none"))
    _require_parts(pacer)
    _require_passed_on(pacer.difficulty)
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


def _require_size(n_samples: object) -> None:
    """Raise ``TypeError`` for a dataset in place of its size."""
    if n_samples is not None and not isinstance(n_samples, int):
        raise TypeError(
            f"Pacer expects the number of samples, an int, or None; got "
            f"{type(n_samples).__name__}. Make it as Pacer(len(dataset))."
        )


def _require_parts(pacer: Settings) -> None:
    """Raise for a part of the wrong kind, such as a number, a pacing or a class."""
    require_part("Pacer", WEIGHTING, pacer.weighting)
    require_part("Pacer", DIFFICULTY, pacer.difficulty)
    if pacer.age is not None:
        require_part("Pacer", AGE, pacer.age)
    if pacer.couple is not None:
        require_part("Pacer", COUPLING, pacer.couple)


def _require_passed_on(difficulty: Difficulty) -> None:
    """Raise if a difficulty of another one hides that the other one needs features."""
    inner = getattr(difficulty, "of", None)
    needed = getattr(inner, "labels", None)
    require(
        needed is None or difficulty.labels == needed,
        f"Pacer: {difficulty!r} is a difficulty of one that judges by features. Return of.labels "
        f"from its property labels, or leave the other one out.",
    )


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
    "difficulty",
    ("fold", "reads", "labels", "judged"),
    "a difficulty such as Loss()",
    "chain.Difficulty",
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


def _require_columns(pacer: Settings, columns: Mapping[str, object]) -> None:
    """Raise if a column that a part reads is missing or of the wrong kind."""
    known = ["group", "sample_weight"]
    for part in (pacer.age, pacer.couple, pacer.difficulty):
        for name in () if part is None else part.reads:
            column_of(columns, name, repr(part))
            known.append(name)
    by, labels = None if pacer.age is None else pacer.age.by, pacer.difficulty.labels
    for groups in {by, labels} - {None}:
        if groups in columns:
            check_groups(str(groups), values_of(str(groups), columns[str(groups)]))
    if "sample_weight" in columns:
        check_sample_weight(values_of("sample_weight", columns["sample_weight"]))
    known = known if by is None else [*known, by]
    _warn_of_unread([name for name in columns if name not in known], sorted({*known}))


def _warn_of_unread(unread: list[str], known: list[str]) -> None:
    """Warn of columns that no part reads: a misspelt one would be without effect."""
    for name in unread:
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        warnings.warn(
            f"Pacer: no part reads the column {name!r}.{hint} Columns that are read: "
            f"{', '.join(map(repr, known))}.",
            stacklevel=5,
        )


def about_tags(what: str, example: str) -> str:
    """Return the warning of an adapter whose default age meets labels that are tags.

    Args:
        what: What the host calls labels.
        example: How its user gives an age; {} stands for the age.
    """
    age = "Quantile(Ramp(1.0, 0.7, steps=5))"
    return (
        f"The {what} are tags, several per sample. The default age finds no gap between losses of "
        f"right and wrong tags: it ranks suspects, and leaves hardly any out. To leave out 30 % of "
        f"the samples, give {example.format(age)}."
    )


def check_losses(loss: Tensor) -> None:
    """Raise unless there is one floating-point loss per sample, and at least one.

    Called for every batch, so a message is only built when a check fails.
    """
    if not isinstance(loss, Tensor) or not loss.is_floating_point():
        came = loss.dtype if isinstance(loss, Tensor) else type(loss).__name__
        raise TypeError(f"Pacer expects a floating-point tensor of losses; got {came}.")
    if loss.ndim != 1:
        raise ValueError(
            f"Pacer expects one loss per sample, shape (batch,); got shape {tuple(loss.shape)}. "
            f'Pass reduction="none" to your loss function. For sequences, call '
            f"reduce_tokens(loss, mask)."
        )
    if loss.shape[0] == 0:
        raise ValueError("Pacer got an empty batch, shape (0,). Skip empty batches.")


def check_index(index: Tensor, loss: Tensor) -> None:
    """Raise unless there is one int64 index per loss. Called for every batch."""
    if not isinstance(index, Tensor) or index.dtype != torch.int64:
        came = index.dtype if isinstance(index, Tensor) else type(index).__name__
        raise TypeError(
            f"Pacer expects the index as an int64 tensor; got {came}. "
            f"Indexed(dataset) yields one. Floats cannot represent every index."
        )
    if index.shape != loss.shape:
        raise ValueError(
            f"Pacer expects one index per loss, shape {tuple(loss.shape)}; "
            f"got shape {tuple(index.shape)}."
        )


def require_features(
    difficulty: Difficulty, features: Tensor | None, loss: Tensor, known: Features | None
) -> Tensor:
    """Return the features of a batch; raise if the difficulty needs them, and only if it does."""
    if features is None:
        raise ValueError(NO_FEATURES)
    if difficulty.labels is None:
        raise ValueError(
            f"Pacer got features, but {difficulty!r} does not read them. Make it with "
            f"difficulty=LeaveOneOut()."
        )
    check_features(features, loss, known)
    return features


def check_score(score: Tensor, loss: Tensor) -> None:
    """Raise unless there is one difficulty per loss. Called for every batch."""
    if score.shape != loss.shape:
        raise ValueError(
            f"Pacer expects one difficulty per loss, shape {tuple(loss.shape)}; "
            f"got shape {tuple(score.shape)}."
        )


def raise_out_of_range(index: Tensor, n_samples: int) -> NoReturn:
    """Raise ``ValueError`` that names the first index out of range."""
    bad = index[(index < 0) | (index >= n_samples)][0].item()
    raise ValueError(
        f"index {bad} is out of range for n_samples={n_samples}. Give the size of the dataset that "
        f"yields the indices. Of a Subset, such as a part of random_split, index the part itself, "
        f"Indexed(part), or make Pacer(n) with the size of the whole dataset."
    )


def raise_nan(loss: Tensor, index: Tensor | None) -> NoReturn:
    """Raise ``ValueError`` that names up to ten samples with a NaN loss."""
    places = loss.isnan().nonzero().squeeze(1)
    where = places if index is None else index[places]
    what = "places in the batch" if index is None else "dataset indices"
    raise ValueError(
        f"Pacer got a NaN loss at {what} {where[:10].tolist()}. Lower the learning rate or "
        f"fix the data; skip_nan=True leaves such samples out."
    )
