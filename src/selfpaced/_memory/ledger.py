"""The per-sample memory, addressed by dataset index, with one merge over ranks per step.

A row is six float32 numbers (24 bytes a sample). Five are packed so that a batch gathers once:

    loss      the last loss; NaN for a sample never seen; an infinite one counts as just above
              the largest finite loss of its step. After a first visit it was an overflow, which
              says nothing of the sample: memory, total and evidence stay
    visits    number of steps in which the sample was seen
    memory    what the difficulty keeps of all visits up to the last step
    total     sum of evidence times loss over the visits up to the last step
    evidence  sum of the evidence of those visits, the same for all samples of a step
              (``_evidence.py``); 0 for a first visit, when the model has not seen all samples

The sixth lies apart, because it is all that a batch writes: the loss that waits for ``commit``, or
NaN. Visits within one step count once, and the last one wins.
"""

import math
from collections.abc import Mapping
from copy import copy
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from selfpaced._errors import require, require_positive_int
from selfpaced._evidence import Evidence, of_likelihoods
from selfpaced._memory.columns import Gathered, lasting, place
from selfpaced._memory.dynamics import Dynamics
from selfpaced._memory.features import Features
from selfpaced._memory.given import values_of
from selfpaced._memory.merge import merge_ranks, share_doubt
from selfpaced._public import public
from selfpaced._ranks import rank_here
from selfpaced._saved import Saved
from selfpaced.chain import Difficulty, Population, Rows

# Columns of ``Ledger.committed`` and ``Ledger.packed``; see above.
LOSS = 0  # the last loss
VISITS = 1  # the number of visits; in ``packed`` plus WAITING
MEMORY = 2  # the memory of the difficulty
TOTAL = 3  # the sum of evidence times loss
EVIDENCE = 4  # the sum of evidence
COLUMNS = 5  # the number of columns
WAITING = 0.5  # is added to the visits in ``packed`` while a visit waits for ``commit``
LARGEST = torch.finfo(torch.float32).max  # an infinite loss until ``commit``
MOST = 2**23  # float32 counts visits, and halves of them, up to here
VERSION = 1  # version of the state
NO_FEATURES = (
    "Pacer: this difficulty judges labels by features, and got none. Call "
    "pacer(loss, index, features=h), with the activations h of the model, shape (batch, features)."
)
KEYS = {"packed", "dynamics"}  # the keys of a state


@public("selfpaced")
class Ledger:
    """Rows for n_samples samples, and the user's constant columns.

    It is not a Module and has no buffers: DistributedDataParallel would overwrite the rows of all
    ranks with those of rank 0, and ``.half()`` would cast them.

    Args:
        n_samples: Number of rows; indices run from 0 to n_samples - 1.
        columns: Per-sample constants by name, each of shape (n_samples,).

    Attributes:
        committed: The rows at the last ``commit``, float32, shape (n_samples, 5).
        fresh: The losses that wait for ``commit``, float32, shape (n_samples,); NaN for none.

    Raises:
        ValueError: For a column of another length.
        TypeError: For n_samples that is not an int, and for a column that holds no numbers.

    >>> import torch
    >>> ledger = Ledger(3)
    >>> index = torch.tensor([2])
    >>> ledger.write(index, torch.tensor([0.5]))
    >>> ledger.loss
    tensor([   nan,    nan, 0.5000])
    """

    _more: ClassVar[frozenset[str]] = frozenset()  # keys of a state, besides KEYS

    def __init__(self, n_samples: int, columns: Mapping[str, object] | None = None) -> None:
        """Make rows for samples that are not seen yet."""
        require_positive_int("n_samples", n_samples, "Ledger")
        self.n_samples = n_samples
        with lasting():
            self.columns = {
                name: _column(name, column, n_samples) for name, column in (columns or {}).items()
            }
            self.committed = torch.zeros(n_samples, COLUMNS, dtype=torch.float32)
            self.fresh = torch.full((n_samples,), torch.nan, dtype=torch.float32)
        self.committed[:, LOSS] = torch.nan
        self.dynamics: Dynamics | None = None
        self.features: Features | None = None

    @property
    def packed(self) -> Tensor:
        """The rows with the losses that wait, as a state has them, float32, (n_samples, 5)."""
        packed = self.committed.clone()
        packed[:, LOSS] = self.loss
        packed[:, VISITS] += WAITING * self.waiting
        return packed

    @property
    def loss(self) -> Tensor:
        """The last loss of each sample, float32, shape (n_samples,); NaN for one never seen."""
        return torch.where(self.waiting, self.fresh, self.committed[:, LOSS])

    @property
    def visits(self) -> Tensor:
        """Number of steps in which each sample was seen, int64, shape (n_samples,)."""
        return self.committed[:, VISITS].long() + self.waiting

    @property
    def suspicion(self) -> Tensor:
        """How suspicious each label is, float32, shape (n_samples,); higher is more suspicious.

        This is the mean loss over the visits, weighted by evidence. A first visit counts 0, because
        the model has not seen all samples then. If all evidence is 0, it is the memory. NaN for a
        sample never seen.
        """
        _, visits, memory, total, evidence = self.committed.unbind(1)
        memory = torch.where(visits > 0, memory, torch.nan)
        return torch.where(evidence > 0, total / evidence, memory)

    def suspects(self, k: int) -> Tensor:
        """Return the indices of the k most suspicious samples at the last ``commit``, int64."""
        suspicion = self.suspicion
        judged = int((~suspicion.isnan()).sum())
        ranked = suspicion.nan_to_num(nan=-math.inf, posinf=math.inf)
        order = torch.argsort(ranked, descending=True, stable=True)
        return order[: min(k, judged)]

    def rows(self, index: Tensor) -> Rows:
        """Gather the rows of a batch, without visits that wait for ``commit``."""
        rows = self.committed.index_select(0, index)
        # torch rounds a power of what is not contiguous in another way.
        memory, visits = rows.select(1, MEMORY), rows.select(1, VISITS).contiguous()
        doubt = None if self.features is None else self.features.doubt.index_select(0, index)
        return Rows(index, memory, visits, Gathered(self.columns, index), doubt)

    def write(self, index: Tensor, loss: Tensor, valid: Tensor | None = None) -> None:
        """Keep the losses of a batch until the next ``commit``.

        If an index occurs twice in the batch, the last place wins.

        Args:
            index: Dataset indices, int64, shape (B,); already known to be in range.
            loss: Shape (B,), float32, none NaN where valid.
            valid: Places to write, bool, shape (B,); None for all. Rows of others do not change.
        """
        place([(self.fresh, loss)], index, valid)

    def observe(
        self,
        index: Tensor,
        logits: Tensor,
        target: Tensor,
        probabilities: bool,
        valid: Tensor | None = None,
    ) -> None:
        """Keep logits and targets until the next ``commit``; see ``Dynamics``."""
        if self.dynamics is None:
            classes = logits.shape[1] if probabilities else 0
            self.dynamics = Dynamics(self.n_samples, classes, self.device)
        self.dynamics.write(index, logits, target, valid)

    def keep(self, index: Tensor, features: Tensor, valid: Tensor | None = None) -> None:
        """Keep the features of a batch until the next ``commit``; see ``Features``."""
        if self.features is None:
            self.features = Features(self.n_samples, features.shape[1], self.device)
        self.features.write(index, features, valid)

    def judge(self, labels: str, weight: Tensor, owners: Mapping[str, Tensor]) -> None:
        """Compute the doubt about the labels of the waiting samples, on all ranks.

        Args:
            labels: Name of the column of class labels.
            weight: How much each sample counts in the fit, shape (n_samples,).
            owners: What ``merge`` returned: the features of a sample are known to its owner.
        """
        if self.features is None:
            raise ValueError(NO_FEATURES)
        mine = owners["loss"] == rank_here() if owners else self.waiting
        mine &= self.fresh.abs() < LARGEST  # where the loss overflows, the features may
        at = mine.nonzero().squeeze(1)
        self.features.judge(at, self.columns[labels][at], weight[at])
        if owners:
            share_doubt(self.features, owners["loss"])

    def commit(self, difficulty: Difficulty, evidence: Evidence = of_likelihoods) -> None:
        """Fold the waiting losses into the rows; call this once a step.

        Args:
            difficulty: Computes the memory.
            evidence: Computes how much the losses of the step count in ``suspicion``.
        """
        waiting = self.waiting.nonzero().squeeze(1)
        rows = self.rows(waiting)
        fresh = self.fresh[waiting]
        overflow = (fresh.abs() >= LARGEST) & (rows.visits >= 1)
        loss = _finite(fresh)
        self.committed[waiting, LOSS] = loss
        counted = torch.where(overflow, 0.0, rows.visits.clamp(max=1) * evidence(loss))
        memory = difficulty.fold(loss, rows)
        self.committed[waiting, MEMORY] = torch.where(overflow, rows.memory, memory)
        self.committed[waiting, TOTAL] += difficulty.judged(loss, rows) * counted
        self.committed[waiting, EVIDENCE] += counted
        self.committed[waiting, VISITS] = rows.visits + 1
        self.fresh.fill_(torch.nan)
        if self.dynamics is not None:
            self.dynamics.commit(torch.zeros_like(self.fresh).index_copy(0, waiting, counted))

    @property
    def waiting(self) -> Tensor:
        """Which samples were seen since the last ``commit``, bool, shape (n_samples,)."""
        return ~self.fresh.isnan()

    @property
    def version(self) -> tuple[int, int]:
        """Numbers that change with the rows."""
        return self.committed._version, self.fresh._version

    def merge(self, check: bool = True) -> dict[str, Tensor]:
        """Give every rank the waiting losses of all ranks; see ``merge_ranks``."""
        return merge_ranks(self, check)

    def before(self, difficulty: Difficulty) -> Tensor | None:
        """Return the difficulties before ``commit`` of the samples that wait for it.

        Returns:
            float32, shape (n_samples,); NaN for samples that do not wait, or were never seen.
        """
        again = (self.waiting & (self.committed[:, VISITS] >= 1)).nonzero().squeeze(1)
        rows = self.rows(again)
        before = torch.full_like(self.fresh, torch.nan)
        return before.index_copy(0, again, difficulty(rows.memory, rows))

    def population(self, difficulty: Difficulty) -> tuple[Tensor, Population]:
        """Return the indices of the seen samples, shape (n,), and their population."""
        seen = (self.committed[:, VISITS] >= 1).nonzero().squeeze(1)
        rows = self.rows(seen)
        mass = rows.columns.get("sample_weight")
        if mass is not None and bool((mass > 0).any()):
            mass = (mass / mass.double().mean()).float()  # mean 1, whatever their unit
        d, visits = difficulty(rows.memory, rows), float(rows.visits.mean())
        held_out = difficulty.labels is not None
        return seen, Population(d, mass, rows.columns, visits=visits, held_out=held_out)

    @property
    def device(self) -> torch.device:
        """The device of the rows."""
        return self.fresh.device

    def to(self, device: torch.device) -> Self:
        """Move the rows and columns; dtypes stay."""
        with lasting():
            self.committed, self.fresh = self.committed.to(device), self.fresh.to(device)
            self.columns = {name: column.to(device) for name, column in self.columns.items()}
        if self.dynamics is not None:
            self.dynamics.apply(lambda column: column.to(device))
        if self.features is not None:
            self.features.to(device)
        return self

    def state_dict(self) -> dict[str, Any]:
        """Return copies of the rows, on the CPU; the user's columns are not included."""
        dynamics = None if self.dynamics is None else self.dynamics.state_dict()
        state = {"version": VERSION, "packed": self.packed.to("cpu"), "dynamics": dynamics}
        if self.features is not None:
            state["features"] = self.features.state_dict(self.waiting)
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the rows of a ledger of the same size; on an error nothing changes.

        Raises:
            ValueError: For a state that is cut short, of another size, of a newer version, or
                damaged.
        """
        self._take(self._read(state))

    def _read(self, state: object) -> Self:
        """Return a ledger on the CPU with the rows of a state; this one does not change."""
        keys, name = KEYS | self._more, "state's ledger"
        saved = Saved(state, "Pacer", keys, newest=VERSION, optional={"features"}, name=name)
        made = copy(self)
        packed = _read_rows(saved, self.n_samples)
        waiting = packed[:, VISITS].frac() > 0
        made.fresh = torch.where(waiting, packed[:, LOSS], torch.nan)
        packed[:, VISITS].floor_()
        made.committed = packed
        made.dynamics = None
        if saved["dynamics"] is not None:
            cpu = torch.device("cpu")
            made.dynamics = Dynamics.read(saved["dynamics"], self.n_samples, cpu)
        made.features = None
        if "features" in saved:
            made.features = Features.read(saved["features"], waiting)
        made._read_more(saved)
        return made

    def _read_more(self, saved: Saved) -> None:
        """Take the values of ``_more`` from a state."""

    def _take(self, read: Self) -> None:
        """Take the rows of a ledger that ``_read`` returned."""
        self.committed.copy_(read.committed)
        self.fresh.copy_(read.fresh)
        self.dynamics = read.dynamics
        if self.dynamics is not None:
            self.dynamics.apply(lambda column: column.to(self.device))
        self.features = None if read.features is None else read.features.to(self.device)


def _read_rows(saved: Saved, n_samples: int) -> Tensor:
    """Return a copy of the rows of a state; raise for numbers that no ledger holds."""
    rows = saved.tensor("packed", torch.float32, (n_samples, COLUMNS), nan=True).clone()
    loss, visits, evidence = rows[:, LOSS], rows[:, VISITS], rows[:, EVIDENCE]
    counts = (visits >= 0) & (visits <= MOST) & (visits / WAITING == (visits / WAITING).floor())
    columns = (
        ("visits", visits, counts),
        ("losses, none NaN,", loss, (visits == 0) | ~loss.isnan()),
        ("evidence of 0 or more", evidence, (evidence >= 0) & evidence.isfinite()),
        ("totals, none NaN,", rows[:, TOTAL], ~rows[:, TOTAL].isnan()),
        ("finite memories", rows[:, MEMORY], rows[:, MEMORY].isfinite()),
    )
    for what, column, good in columns:
        bad = column[~good]
        saved.require("packed", not len(bad), f"rows of {what} of each sample", bad[:3].tolist())
    return rows


def _column(name: str, column: object, n_samples: int) -> Tensor:
    """Return a column as a tensor, floats as float32, other numbers as int64, or raise."""
    values = values_of(name, column)
    values = values.clone() if values.is_inference() else values
    require(
        values.shape == (n_samples,),
        f"column {name!r} must have one value per sample, shape ({n_samples},); "
        f"got shape {tuple(values.shape)}.",
    )
    if not values.is_floating_point():
        return values.float() if name == "sample_weight" else values
    bad = values.isnan().nonzero().squeeze(1)
    require(
        len(bad) == 0,
        f"column {name!r} must hold numbers; got NaN at {bad[:5].tolist()}. Fix the data.",
    )
    return values.float()


def _finite(loss: Tensor) -> Tensor:
    """Return the losses of a step with infinite ones just above the largest finite one.

    One overflow then makes a sample hard for a few visits, not for hundreds. If all losses are
    infinite, they stay the largest float32.
    """
    finite = loss[loss.abs() < LARGEST]
    if not len(finite):
        return loss.clamp(-LARGEST, LARGEST)
    above = torch.tensor(math.inf, device=loss.device)
    return loss.clamp(torch.nextafter(finite.min(), -above), torch.nextafter(finite.max(), above))
