"""What logits tell about a sample over time: margin, correctness, forgetting, probabilities."""

import math
from collections.abc import Callable, Iterable
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

from selfpaced._errors import require, values_can_be_read
from selfpaced._memory.columns import lasting, place
from selfpaced._saved import LARGEST_COUNT, Saved

# Columns of ``Dynamics.waiting``.
SEEN = 0  # 1 if a visit waits, else 0
CORRECT = 1  # 1 if the target had the highest logit, else 0
TARGET = 2  # the target
MARGIN = 3  # the target's logit minus the highest other logit
CLASS = 4  # the logit of the first class; those of the other classes follow
# The columns of counts and labels, and those of real numbers.
WHOLE = ("visits", "correct", "forgotten", "was_correct", "target")
REAL = ("margin_total", "evidence", "probability", "waiting")
ROUNDING = 1e-3  # a mean of probabilities is above 1 by less than this
LARGEST = torch.finfo(torch.float32).max


class Dynamics:
    """Per-sample columns that ``Pacer.observe`` fills when it is given logits and targets.

    As with the ledger's losses, a sample counts once a step, and its last visit within a step wins.

    Args:
        n_samples: Number of rows.
        n_classes: Number of classes for which smoothed probabilities are kept; 0 keeps none.
        device: Device of the columns.

    Attributes:
        visits: Number of steps with logits, int32, shape (n_samples,).
        correct: Number of steps in which the target had the highest logit, int32.
        forgotten: Number of times a correct sample was wrong at the next visit, int32 (Toneva et
            al., *An Empirical Study of Example Forgetting*, ICLR 2019); 0 if never learned.
        probability: Mean probability per class over the steps, weighted by evidence (see
            ``Ledger.suspicion``), float32, shape (n_samples, n_classes).
        target: The last target, int32; 0 for none.

    >>> dynamics = Dynamics(2, 0, torch.device("cpu"))
    >>> for logit in (1.0, -1.0):
    ...     dynamics.write(torch.tensor([1]), torch.tensor([[logit, 0.0]]), torch.tensor([0]))
    ...     dynamics.commit(torch.ones(2))
    >>> dynamics.forgotten, dynamics.margin
    (tensor([0, 1], dtype=torch.int32), tensor([nan, 0.]))
    """

    def __init__(self, n_samples: int, n_classes: int, device: torch.device) -> None:
        """Make empty columns."""
        with lasting():
            self._tensors = {
                name: torch.zeros(shape, dtype=kind, device=device)
                for kind, names in ((torch.int32, WHOLE), (torch.float32, REAL))
                for name, shape in _shapes(names, n_samples, n_classes).items()
            }

    @property
    def visits(self) -> Tensor:
        """Number of steps with logits, int32, shape (n_samples,)."""
        return self._tensors["visits"]

    @property
    def correct(self) -> Tensor:
        """Number of steps in which the target had the highest logit, int32, (n_samples,)."""
        return self._tensors["correct"]

    @property
    def forgotten(self) -> Tensor:
        """Number of times a correct sample was wrong at the next visit, int32, (n_samples,)."""
        return self._tensors["forgotten"]

    @property
    def margin(self) -> Tensor:
        """Mean of the target's logit minus the highest other, float32; NaN without a visit.

        The area under the margin of Pleiss et al. (NeurIPS 2020); lower is more suspect.
        """
        return self._tensors["margin_total"] / self.visits

    @property
    def probability(self) -> Tensor:
        """Mean probability per class, float32, shape (n_samples, n_classes)."""
        return self._tensors["probability"]

    @property
    def target(self) -> Tensor:
        """The last target, int32, shape (n_samples,)."""
        return self._tensors["target"]

    @property
    def waiting(self) -> Tensor:
        """The visits that wait for ``commit``, float32, shape (n_samples, 4 + n_classes).

        The columns are SEEN, CORRECT, TARGET, MARGIN and a logit per class. A merge over ranks
        fills it in place.
        """
        return self._tensors["waiting"]

    def write(
        self, index: Tensor, logits: Tensor, target: Tensor, valid: Tensor | None = None
    ) -> None:
        """Keep the valid samples of a batch until ``commit``: logits (B, C), target int64 (B,)."""
        logits = logits.float()
        own = logits.gather(1, target[:, None]).squeeze(1)
        others = logits.scatter(1, target[:, None], -torch.inf).amax(1)
        correct, margin = (own > others).float(), (own - others).nan_to_num()  # inf - inf is 0
        new = torch.stack([torch.ones_like(own), correct, target.float(), margin], 1)
        if self.probability.shape[1]:
            new = torch.cat([new, logits], 1)
        place([(self.waiting, new)], index, valid)

    def commit(self, evidence: Tensor) -> None:
        """Fold the waiting visits into the columns.

        Args:
            evidence: How much this step's visit counts in the probabilities, shape (n_samples,).
        """
        column = self._tensors
        at = self.waiting[:, SEEN].nonzero().squeeze(1)
        new = self.waiting[at]
        correct = new[:, CORRECT].int()
        column["visits"][at] += 1
        column["correct"][at] += correct
        column["forgotten"][at] += column["was_correct"][at] * (1 - correct)
        column["was_correct"][at] = correct
        column["margin_total"][at] += new[:, MARGIN]
        column["target"][at] = new[:, TARGET].int()
        column["evidence"][at] += evidence[at]
        share = (evidence[at] / column["evidence"][at]).nan_to_num(nan=1.0)
        old = self.probability[at]
        probability = F.softmax(new[:, CLASS:].clamp(-LARGEST, LARGEST), 1)  # infinity has none
        column["probability"][at] = old + share[:, None] * (probability - old)
        self.waiting[:, SEEN] = 0

    def apply(self, change: Callable[[Tensor], Tensor]) -> None:
        """Replace every column by the result of ``change``."""
        with lasting():
            self._tensors = {name: change(column) for name, column in self._tensors.items()}

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of all columns, on the CPU."""
        return {name: column.to("cpu", copy=True) for name, column in self._tensors.items()}

    @classmethod
    def read(cls, state: object, n_samples: int, device: torch.device) -> Self:
        """Return the columns that ``state_dict`` returned.

        Raises:
            ValueError: For a state that is cut short, of another size, or damaged.
        """
        saved = Saved(state, "Pacer", {*WHOLE, *REAL}, name="state's memory of logits")
        shape = getattr(saved["probability"], "shape", (0,))
        classes = shape[-1] if len(shape) else 0
        most, targets = LARGEST_COUNT, classes - 1 if classes else LARGEST_COUNT
        shapes, limits = _shapes((*WHOLE, *REAL), n_samples, classes), _limits(most, targets)
        columns = {
            name: saved.tensor(name, dtype, shapes[name], low=low, high=high)
            for dtype, names in ((torch.int32, WHOLE), (torch.float32, REAL))
            for name, low, high in ((name, *limits[name]) for name in names)
        }
        for name in ("correct", "forgotten"):
            few = bool((columns[name] <= columns["visits"]).all())
            saved.require(name, few, "at most the visits", columns[name])
        _require_waiting(saved, columns["waiting"], targets)
        made = cls(n_samples, classes, device)
        for name, column in columns.items():
            made._tensors[name].copy_(column)
        return made


def _limits(most: int, targets: int) -> dict[str, tuple[float, float]]:
    """Return the least and the largest value of each column.

    Args:
        most: The largest number of visits.
        targets: The largest target.
    """
    counts = dict.fromkeys(("visits", "correct", "forgotten"), (0, most))
    finite = dict.fromkeys(("margin_total", "waiting"), (-math.inf, math.inf))
    ones = {"was_correct": (0, 1), "probability": (0, 1 + ROUNDING)}
    return {**counts, **finite, **ones, "target": (0, targets), "evidence": (0, LARGEST)}


def _require_waiting(saved: Saved, waiting: Tensor, targets: int) -> None:
    """Raise unless the waiting visits of a state have flags of 0 or 1 and whole targets."""
    flags, target = waiting[:, [SEEN, CORRECT]], waiting[:, TARGET]
    holds = ((flags == 0) | (flags == 1)).all() and (target == target.floor()).all()
    inside = holds and ((target >= 0) & (target <= targets)).all()
    saved.require("waiting", bool(inside), "flags of 0 or 1, and targets", waiting)


def _shapes(names: Iterable[str], n_samples: int, n_classes: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of these columns."""
    wide = {"probability": n_classes, "waiting": CLASS + n_classes}
    return {name: (n_samples, wide[name]) if name in wide else (n_samples,) for name in names}


def check_logits(loss: Tensor, logits: Tensor, target: Tensor, n_classes: int) -> None:
    """Raise unless each loss has a row of logits and a valid target. Called for every batch.

    Args:
        loss: Shape (B,).
        logits: Shape (B, C).
        target: Class labels, int64, shape (B,).
        n_classes: C of the probabilities kept so far; 0 if none are kept.
    """
    if logits.ndim != 2 or not target.shape == logits.shape[:1] == loss.shape:
        raise ValueError(
            f"Pacer.observe expects logits (batch, classes) and a target per loss; got "
            f"{tuple(logits.shape)} and {tuple(target.shape)} for losses {tuple(loss.shape)}."
        )
    classes = logits.shape[1]
    if n_classes not in (0, classes):
        raise ValueError(
            f"Pacer.observe has kept probabilities of {n_classes} classes; got {classes}. "
            f"Give the same number of classes in every call."
        )
    if target.dtype != torch.int64:
        raise TypeError(f"Pacer.observe expects the target as int64 labels; got {target.dtype}.")
    if values_can_be_read(target):
        low, high = (number.item() for number in target.aminmax())
        if low < 0 or high >= classes:
            bad = target[(target < 0) | (target >= classes)]
            raise ValueError(
                f"Pacer.observe expects targets from 0 to {classes - 1}; got {bad[:5].tolist()}. "
                f"Leave ignored samples out of the call."
            )


def without_nan(logits: Tensor, *, skip_nan: bool) -> Tensor | None:
    """Return which rows have no NaN, bool, shape (B,); None for all. Raise unless NaN is skipped.

    Args:
        logits: Shape (B, C).
        skip_nan: Leave rows with NaN out instead of raising; an accelerator always leaves them out.
    """
    nan = logits.isnan()
    if values_can_be_read(logits):
        if not nan.any():
            return None
        rows = nan.any(1).nonzero().squeeze(1).tolist()
        require(
            skip_nan,
            f"Pacer.observe got NaN logits in rows {rows[:10]}. Lower the learning rate or fix "
            f"the data; skip_nan=True leaves such samples out.",
        )
    return ~nan.any(1)
