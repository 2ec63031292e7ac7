"""Wrong target values in a regression: ``python -m benchmarks.labels.regression``.

- diamonds: the logarithm of the price of 20,000 diamonds, from weight, shape and quality; 0, 10, 20
  and 40 % of the targets are replaced by those of other diamonds, drawn at random. Score: R2 on
  20,000 other diamonds.
- delays: minutes of delay of 50,000 flights, from what is known before departure. The targets are
  right but have a long tail, for which ``Deviations`` was not made (its documentation says so).
  Score: R2 on 50,000 other flights.

``Pacer(n, age=Deviations())`` is compared with plain training, with as many samples drawn at
random, and with keeping the true share of right targets (told). An MLP on targets of mean 0 and
standard deviation 1, squared errors, 20 epochs. Each run appends one line to
``results/regression.jsonl``; finished runs are skipped.
"""

import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.metrics import average_precision_score, r2_score
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.shared import tables
from benchmarks.shared.comparison import WAYS, compare, kept_shares
from benchmarks.shared.images import BATCH, LEARNING_RATE
from benchmarks.shared.result_lines import RESULTS, interval, parser, run_or_print
from selfpaced import Pacer
from selfpaced.age import Deviations

FILE = RESULTS / "regression.jsonl"
SHARES = {"diamonds": (0.0, 0.1, 0.2, 0.4), "delays": (0.0,)}  # Shares of wrong targets by table.
SEEDS = range(5)  # Seeds of every table and share.
EPOCHS = 20  # Epochs of every training.
N = 20_000  # Diamonds to train on, and as many to test on.
N_FLIGHTS = 50_000  # Flights to train on, and as many to test on.


@dataclass(frozen=True)
class Row:
    """All ways on one table, share of wrong targets and seed.

    Args:
        r2: R2 on the test set, by way.
        ap: Average precision of the default's suspects; None if all targets are right.
        kept: Kept share of the default at the end.
    """

    table: str
    share: float
    seed: int
    r2: dict[str, float]
    ap: float | None
    kept: float


@dataclass(frozen=True)
class Task:
    """Features (n, d) and targets (n,), float32; training targets have mean 0 and deviation 1."""

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor


def task(name: str, seed: int) -> Task:
    """Read a table; the seed draws the rows."""
    if name == "delays":
        (x, y), (x_test, y_test) = tables.delays(N_FLIGHTS, N_FLIGHTS, seed)
    else:
        x, y = tables.diamonds()
        rows = torch.from_numpy(np.random.default_rng(seed).permutation(len(y)))
        inside, outside = rows[:N], rows[N : 2 * N]
        x, y, x_test, y_test = x[inside], y[inside], x[outside], y[outside]
    mean, deviation = y.mean(), y.std()
    return Task(x, (y - mean) / deviation, x_test, (y_test - mean) / deviation)


def corrupt(y: Tensor, share: float, seed: int) -> Tensor:
    """Replace the targets of a share of the rows by targets of other rows, drawn at random."""
    random = np.random.default_rng(seed)
    chosen = torch.from_numpy(random.choice(len(y), round(share * len(y)), replace=False))
    wrong = y.clone()
    wrong[chosen] = y[torch.from_numpy(random.integers(len(y), size=len(chosen)))]
    return wrong


def train(problem: Task, y: Tensor, pacer: Pacer, seed: int) -> float:
    """Train with a pacer; return R2 on the test set."""
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
    """Run every way and return the result line."""
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
    planned = (
        (name, share, seed) for name, shares in SHARES.items() for share in shares for seed in SEEDS
    )
    run_or_print(parser(__doc__, FILE).parse_args(sys.argv[1:]), Row, planned, execute, table)
