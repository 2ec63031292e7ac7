"""Digits with latent rotation: ``python -m benchmarks.latent.digits``.

Four pairs of MNIST digits, 2 of 5 folds (800 to train on, 200 to test on), C = 25 and 150, and four
starts (no rotation, and random angles with seeds 1 to 3): 64 runs of each way, from the same
starts. The objective is that of the whole training set at the best latent values for w. A run is
lower or higher than another if their objectives differ by more than C eps, the precision of a fit.
Each run appends one line to ``results/latent_digits.jsonl``; finished runs are skipped.
"""

import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.latent import searches
from benchmarks.latent.data import PAIRS, Part, digits_pair
from benchmarks.latent.searches import AS_MANY, FIXED, as_many, means
from benchmarks.shared.result_lines import RESULTS, machine, parser, run_or_print, versions
from selfpaced.age import Growing
from selfpaced.latent import NotConverged, Search, Stop
from selfpaced.latent._svm.margin import Margin
from selfpaced.latent.problems import Digits
from selfpaced.weighting import RandomOrder

FILE = RESULTS / "latent_digits.jsonl"
EPS = 1e-3  # Precision of a fit.
FOLDS = (0, 1)  # Folds that are used, of five.
CS = (25.0, 150.0)  # Values of C of the latent SVM.
STARTS = (0, 1, 2, 3)  # 0 starts with no rotation, others are seeds of random angles.
UPRIGHT = 5  # Index of the angle 0 among the 11 angles.
WAYS = searches.WAYS | {
    "random order, mu = 1.1, to a fixed point": Search(
        age=Growing(1.1), weighting=RandomOrder(), stop=FIXED
    ),
}
Key = tuple[str, int, float, int, str]  # The fields that identify a row.
NO_LATENT = "no latent values"  # Name of the way that trains and tests without rotation.
BEST_OF = (1, 2, 4, 8, 16)  # Numbers of starts of which the best is taken.
MORE = "CCCP to a fixed point"  # Name of the way that runs from 16 starts.
SLOW_CONTROL = "random order, mu = 1.03, to a fixed point"  # Compared with every way, too.


@dataclass(frozen=True)
class Row:
    """One run.

    Args:
        pair: The two digits, such as "1-7".
        fold: Index of the fold, of five.
        C: Parameter C of the latent SVM.
        start: 0 for no rotation, else the seed of random angles.
        way: Name of the way.
        objective: |w|^2 / 2 + (C / n) sum xi, on the training images.
        train: Share of training images that are classified wrongly.
        test: Share of test images that are classified wrongly.
        solves: Number of inner solves.
        seconds: Processor time.
        versions: Versions of the packages.
        machine: Processor, cores and threads.
    """

    pair: str
    fold: int
    C: float
    start: int
    way: str
    objective: float
    train: float
    test: float
    solves: int
    seconds: float
    versions: dict[str, str]
    machine: dict[str, str | int]


def run(pair: str, fold: int, C: float, start: int, way: str) -> Row:
    """Train and test once; return the result line."""
    digits = (int(pair[0]), int(pair[2]))
    train, test = digits_pair(digits, fold)
    if way == NO_LATENT:
        train, test = (Part(part.x[:, [UPRIGHT]], part.y) for part in (train, test))
    problem = Digits()
    model = Margin(problem, train.x, train.y, len(train.y), C=C, eps=EPS)
    h = first(len(train.y), start) * (way != NO_LATENT)
    search = search_of(way, model, h)
    began = time.process_time()
    found = search(model, h)
    seconds = time.process_time() - began
    errors = [float((problem.predict(found.w.w, x).y != y).mean()) for x, y in (train, test)]
    counts = (found.history[-1].fits, seconds, versions(), machine())
    return Row(pair, fold, C, start, way, found.objective, errors[0], errors[1], *counts)


def first(n: int, start: int) -> NDArray[np.int64]:
    """Return the latent values of a start, shape (n,)."""
    return np.full(n, UPRIGHT) if start == 0 else np.random.default_rng(start).integers(11, size=n)


def search_of(way: str, model: Margin, h: NDArray[np.int64]) -> Search:  # type: ignore[type-arg]  # of digits
    """Return the search of a way; for `AS_MANY`, self-paced learning runs first to count solves."""
    if way == NO_LATENT:
        return Search(age=None, stop=Stop(min_outer=1, patience=1))
    if way == AS_MANY:
        solves = WAYS["self-paced"](model, h).history[-1].fits
        return as_many(solves)
    return WAYS[way]


def table(rows: list[Row]) -> Iterator[str]:
    """Yield Markdown: means by way, comparisons of objectives, best of several starts, errors."""
    of = {(row.pair, row.fold, row.C, row.start, row.way): row for row in rows}
    rows = [row for row in rows if row.start in STARTS]
    names = [*WAYS, AS_MANY, NO_LATENT]
    yield "| way | objective | train, % | test, % | inner solves | seconds |"
    yield "|---|---|---|---|---|---|"
    for way in names:
        mine = [row for row in rows if row.way == way]
        if mine:
            mean = means(mine)
            wrong = f"{100 * mean[1]:.2f} | {100 * mean[2]:.2f}"
            yield f"| {way} | {mean[0]:.3f} | {wrong} | {mean[3]:.1f} | {mean[4]:.2f} |"
    for other in ("CCCP", AS_MANY, MORE, SLOW_CONTROL):
        yield ""
        yield f"Objective lower / higher / equal to within C eps, against **{other}**:"
        yield ""
        pairs = ["-".join(map(str, pair)) for pair in PAIRS]
        yield f"| way | {' | '.join(pairs)} | all |"
        yield "|---|" + "---|" * (len(pairs) + 1)
        for way in names:
            if way not in (other, NO_LATENT):
                scores = [score(of, way, other, {pair}) for pair in pairs]
                yield f"| {way} | {' | '.join(scores)} | {score(of, way, other, set(pairs))} |"
    yield ""
    yield from best_of(of)
    yield ""
    yield "Test errors by pair, %:"
    yield ""
    yield f"| way | {' | '.join(pairs)} |"
    yield "|---|" + "---|" * len(pairs)
    for way in names:
        errors = [[row.test for row in rows if row.way == way and row.pair == p] for p in pairs]
        if all(errors):
            yield f"| {way} | {' | '.join(f'{100 * np.mean(e):.2f}' for e in errors)} |"


def best_of(of: Mapping[Key, Row]) -> Iterator[str]:
    """Yield a table of the best objective of several starts, and its cost."""
    yield "Mean objective of the best of so many starts (inner solves and seconds of all of them):"
    yield ""
    yield f"| way | {' | '.join(map(str, BEST_OF))} |"
    yield "|---|" + "---|" * len(BEST_OF)
    cases = sorted({key[:3] for key in of})
    for way in (*WAYS, AS_MANY):
        cells = []
        for k in BEST_OF:
            runs = [[of.get((*case, start, way)) for start in range(k)] for case in cases]
            there = [[row for row in some if row is not None] for some in runs]
            if any(len(some) < k for some in there):
                cells.append("")
                continue
            lowest = np.mean([min(row.objective for row in some) for some in there])
            solves = np.mean([sum(row.solves for row in some) for some in there])
            seconds = np.mean([sum(row.seconds for row in some) for some in there])
            cells.append(f"{lowest:.3f} ({solves:.0f}, {seconds:.1f} s)")
        yield f"| {way} | {' | '.join(cells)} |"


def score(of: Mapping[Key, Row], way: str, other: str, pairs: set[str]) -> str:
    """Return in how many runs the objective of a way is lower, higher and equal to another's."""
    lower = higher = equal = 0
    for key, row in of.items():
        against = of.get((*key[:4], other))
        if key[4] != way or row.pair not in pairs or key[3] not in STARTS or against is None:
            continue
        gain = against.objective - row.objective
        lower, higher = lower + (gain > row.C * EPS), higher + (gain < -row.C * EPS)
        equal += abs(gain) <= row.C * EPS
    return f"{lower} / {higher} / {equal}"


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table."""
    warnings.simplefilter("ignore", NotConverged)  # CCCP with a limit on its solves warns
    planned = [
        ("-".join(map(str, pair)), fold, C, start, way)
        for way in (*WAYS, AS_MANY, NO_LATENT)
        for pair in PAIRS
        for fold in FOLDS
        for C in CS
        for start in {MORE: range(BEST_OF[-1]), NO_LATENT: (0,)}.get(way, STARTS)
    ]
    run_or_print(parser(__doc__, FILE).parse_args(arguments), Row, planned, run, table)


if __name__ == "__main__":
    main(sys.argv[1:])
