"""``Auto``: the age that finds the valley between right and wrong labels, and cuts there."""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from selfpaced._errors import require, require_positive_int
from selfpaced.age._quantile import cut
from selfpaced.age._valley import COARSE, LOWEST, histogram, logit, quantile, valley
from selfpaced.chain import Age, Floats, Population

CERTAIN = math.log(2)  # the loss -ln p of a label that is as likely as all others together
AFTER = 2  # number of steps that have to follow a probe, in which its effect is made good
LATE = 2  # times the first step of a probe, the model has learned labels by heart
HALF = 0.5  # of a visit: not every epoch visits every sample, as without the last small batch
LOST = 0.25  # a class is lost if its kept share is below this fraction of the overall kept share
MAJORITY = 0.5  # a valley separates classes if lost classes are over this share of what it cuts
EASIEST = 0.1  # a model learns if this easiest share of the samples falls in a step
PROGRESS = 0.87  # to below this fraction of its difficulty,
AGREEMENT = 0.9  # or if more than this share of the labels that it is sure of becomes easier
SHALLOW = 0.9  # a valley of this depth is none yet, but a sign of two humps


@dataclass(frozen=True)
class Auto(Age):
    """Keep everything, look for a valley between right and wrong labels, and cut there.

    For losses that are -ln p of the label (cross-entropy). On the logit scale the losses of right
    and of wrong labels form two humps, and the valley between them is the cut; no noise rate has to
    be known. The first ``warmup`` steps keep everything, so a fine-tuning of three epochs is plain
    training. After that the age is at the valley if there is one; otherwise everything is kept.

    Wrong labels that look like right ones (one class given for another) form no valley at first. So
    if there is none from step ``probe_at`` on, many labels are not the model's answer and it no
    longer learns the others, the next ``probe`` steps keep only a share. The losses of wrong labels
    that are left out then grow away from those of right labels that are only hard, and a valley
    opens between them.

    A model that is still learning right labels makes its easiest samples easier at every step.
    Where labels contradict each other it cannot: the loss of a right label stays above
    -ln(1 - rate). That difference begins a probe or not; where samples are not remembered one by
    one (a ``Pacer`` without ``n_samples``) it is not known, and there is no probe.

    A valley is flat and wide if the humps are far apart. The cut is its edge on the side of the
    right labels: doubtful labels are not memorised, and a sample that is left out by mistake comes
    back at its next visit. If a sampler visits only some of the samples that are left out, those
    stand for all of them (the other losses are of an older model). The cut is then the deepest
    point of the valley, because a mistake would last longer. So it is with ``LeaveOneOut``, whose
    classifier learns no label by heart: there the deepest point makes the fewest mistakes, and no
    probe is needed.

    With a column of class labels, ``floor`` protects each class: an easy share of it is always
    kept. A valley that separates whole classes from others, as in a model that has learned only the
    frequent classes, is then ignored. Without the column nothing protects a rare or hard class.

    Args:
        warmup: Number of steps that keep everything; 1 or more.
        probe_at: The first step at which a probe may begin, or the end of the warm-up if that is
            later. It begins at twice that step at the latest, and there is at most one.
        probe: Number of steps of the probe; 0 for none.
        start: The share that a probe keeps, between 0 and 1.
        doubt: A probe begins only if more than this share of the labels is less likely than all
            others together (-ln p above ln 2); from 0 to 1.
        floor: Each class keeps at least this fraction of the overall kept share; 0 for none.
        depth: The density in a valley is below this fraction of the lower hump; between 0 and 1.
        by: Name of the column of class labels; the column may be missing.
        epochs: Number of steps of the run, where it is known. A probe then only begins if at least
            two steps follow it.

    Raises:
        TypeError: For a warmup that is not an int.
        ValueError: For settings outside those ranges, and for negative difficulties.

    >>> import math
    >>> import torch
    >>> from selfpaced.chain import Population
    >>> loss = torch.cat([torch.full((600,), 0.01), torch.full((400,), 6.0)])
    >>> loss = loss * torch.linspace(0.5, 2, 1000)
    >>> age = Auto()(3, Population(loss, None, {}), torch.tensor(math.inf))
    >>> int((loss < age).sum())
    600
    """

    warmup: int = 3
    probe_at: int = 5
    probe: int = 3
    start: float = 0.5
    doubt: float = 0.25
    floor: float = 0.7
    depth: float = 0.8
    by: str = "group"
    epochs: int | None = None
    needs_cut = True
    reads = ()  # the column is optional: without it no class is protected

    def __post_init__(self) -> None:
        """Check the settings."""
        require_positive_int("warmup", self.warmup, "Auto")
        require_positive_int("probe_at", self.probe_at, "Auto")
        require(
            type(self.probe) is int and self.probe >= 0,
            f"Auto: probe must be an int of 0 or more; got {self.probe!r}.",
        )
        if self.epochs is not None:
            require_positive_int("epochs", self.epochs, "Auto")
        for name, value in (("start", self.start), ("depth", self.depth)):
            require(0 < value < 1, f"Auto: {name} must lie between 0 and 1; got {value}.")
        for name, value in (("floor", self.floor), ("doubt", self.doubt)):
            require(0 <= value <= 1, f"Auto: {name} must be from 0 to 1; got {value}.")

    @property
    def judges_from(self) -> int:
        """The end of the warm-up; before it the losses tell little about labels."""
        return self.warmup

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        """Return the age for the next step; a pure function of its arguments.

        Args:
            step: Index of the next step, from 0.
            population: The samples seen so far; None before there is data.
            previous: The last age, shape () or (groups,); infinite if all samples were kept.

        Returns:
            float32, shape () or (groups,); infinite to keep all samples. The number of groups is
            that of ``previous``, or the largest label + 1 for a ``previous`` of shape ().
        """
        if population is None:
            return torch.full_like(previous, math.inf)
        _require_losses(population.difficulty)
        if self.by in population.columns and previous.ndim == 0:
            groups = int(population.columns[self.by].max()) + 1 if len(population.difficulty) else 0
            previous = previous.expand(groups)
        if step < self.warmup or _visits(population, step) < self.warmup - HALF:
            return torch.full_like(previous, math.inf, dtype=torch.float32)
        share, age = self._target(step, population, previous)
        ages = torch.full_like(previous, age, dtype=torch.float32)
        if math.isfinite(age) and previous.ndim:
            labels, counts = self._by_class(population)
            floor = torch.from_numpy(quantile(counts, LOWEST[::COARSE], self.floor * share))
            ages[labels] = ages[labels].maximum(floor.to(ages))
        return ages

    def cut(self, population: Population) -> float | None:
        """Return the difficulty at the valley; None if there is only one hump."""
        _require_losses(population.difficulty)
        return self._valley(histogram(population), _near(population))

    def within(self, steps: int) -> Self:
        """Return this age for a run of this many steps, if ``epochs`` does not say so already."""
        return self if self.epochs is not None else replace(self, epochs=int(steps))

    def probing(self, step: int, population: Population | None, previous: Tensor) -> bool:
        """Return whether the next step is one of a probe.

        The probe begins if there is no valley, more than ``doubt`` of the labels are in doubt, and
        the model makes no progress. It runs to its end, even if a valley appears.
        """
        if population is None or population.held_out or self.probe <= population.probes:
            return False
        if population.probes:
            return True
        first, visits = max(self.probe_at, self.warmup), _visits(population, step)
        ends = math.inf if self.epochs is None else self.epochs - self.probe - AFTER
        if not first <= step <= ends or not first - HALF <= visits <= LATE * first + HALF:
            return False
        counts = histogram(population)
        doubted = counts[LOWEST[:-1] > CERTAIN].sum() > self.doubt * counts.sum()
        if not doubted:
            return False
        sooner = replace(self, depth=max(self.depth, SHALLOW))
        if _learns(population, sooner._found(population, counts, previous) is not None):
            return False
        return self._found(population, counts, previous) is None

    def _target(self, step: int, population: Population, previous: Tensor) -> tuple[float, float]:
        """Return the share to keep and the age that keeps it."""
        counts = histogram(population)
        if self.probing(step, population, previous):
            return self.start, float(quantile(counts, LOWEST, self.start))
        found = self._found(population, counts, previous)
        if found is None:
            return 1.0, math.inf
        return float(counts[LOWEST[:-1] < found].sum() / counts.sum()), found

    def _found(self, population: Population, counts: Floats, previous: Tensor) -> float | None:
        """Return the loss at the valley; None if there is none, or if it separates classes."""
        found = self._valley(counts, _near(population))
        if found is None or not previous.ndim:
            return found
        return None if _between_classes(found, self._by_class(population)[1]) else found

    def _valley(self, counts: Floats, near: bool) -> float | None:
        """Return the loss at the valley of a histogram; None if there is none."""
        seen = np.flatnonzero(counts)[::-1]
        if not len(seen):
            return None
        middle = (LOWEST[seen] + LOWEST[seen + 1]) / 2
        at = valley(-logit(middle), counts[seen], self.depth, near)
        return None if at is None else float(np.logaddexp(0.0, -at))

    def _by_class(self, population: Population) -> tuple[Tensor, Floats]:
        """Return the classes seen so far, shape (C,), and their histograms, shape (C, bins)."""
        group = population.columns[self.by]
        there = group.bincount() > 0
        labels = there.nonzero().squeeze(1)
        counts = histogram(population, (there.cumsum(0) - 1)[group], len(labels))
        counted = counts.any(1)  # a class whose samples all count 0 has no histogram
        return labels[torch.from_numpy(counted).to(labels.device)], counts[counted]


def _near(population: Population) -> bool:
    """Return whether the cut is the edge of the valley, and not its deepest point."""
    return population.expansion is None and not population.held_out


def _visits(population: Population, step: int) -> float:
    """Return how often a sample was visited in the mean: once a step where it is not known."""
    return step if population.visits is None else population.visits


def _learns(population: Population, shallow: bool) -> bool:
    """Return whether the model still learns right labels, as far as one step can show it.

    A model that is sure of no label has hardly begun, or most of its labels are wrong. In the
    second case the losses begin to form two humps.

    Args:
        population: The samples seen so far.
        shallow: Whether there is a valley, if only a shallow one.
    """
    if population.before is None:
        return True
    both = ~population.before.isnan()
    before, now = population.before[both], population.difficulty[both]
    sure = before <= CERTAIN
    if not sure.any():
        return True
    easiest, was = cut(now, EASIEST), cut(before, EASIEST)
    agree = float((now < before)[sure].float().mean())
    begins = easiest > CERTAIN and not shallow
    return easiest < PROGRESS * was or begins or agree > AGREEMENT


def _between_classes(at: float, counts: Floats) -> bool:
    """Return whether a valley separates learned classes from classes not learned yet.

    It does if most samples beyond it belong to lost classes, of which little would be kept. Wrong
    labels, in contrast, lie beyond it in every class.

    Args:
        at: The difficulty at the valley.
        counts: Histograms of the classes seen so far, shape (classes, bins).
    """
    kept, total = counts[:, LOWEST[:-1:COARSE] < at].sum(1), counts.sum(1)
    lost = kept / total < LOST * kept.sum() / total.sum()
    beyond = total - kept
    return bool(beyond[lost].sum() > MAJORITY * beyond.sum())


def _require_losses(difficulty: Tensor) -> None:
    """Raise unless all difficulties are 0 or more, as losses -ln p are."""
    if len(difficulty):
        lowest = float(difficulty.min())
        require(
            lowest >= 0,
            f"Auto reads difficulties as -ln p and needs 0 or more; got {lowest:g}. "
            f"Use age=Quantile(pacing) for other losses.",
        )
