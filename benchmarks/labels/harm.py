"""Where leaving out the hard could hurt: ``python -m benchmarks.labels.harm``.

- tail: MNIST, 1,500 images of the most frequent class and 30 of the rarest (1:50), clean and with
  20 % wrong labels; the MLP of ``first_run``, 30 epochs. Score: recall of the three rarest classes.
  By seed, the classes are put in another order.
- flights: 100,000 flights, 10 epochs, an MLP; their classes overlap. Score: area under the curve.

The default (``Pacer(n, columns={"group": labels})``) beside plain training, as many chosen at
random, and told: the true share of right labels. Every run appends one line to
``results/harm.jsonl``; runs that are there are skipped. ``--table`` prints the table.
"""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from sklearn.metrics import recall_score, roc_auc_score
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.labels.first_run import BATCH, LEARNING_RATE, corrupt, network
from benchmarks.labels.suspects import interval
from benchmarks.shared import data, flights
from benchmarks.shared.lines import RESULTS, run_missing
from benchmarks.shared.ways import WAYS, compare, kept_shares
from selfpaced import Pacer

FILE = RESULTS / "harm.jsonl"
TASKS, SEEDS = ("tail clean", "tail sym20", "flights"), range(5)
MOST, RATIO, CLASSES = 1_500, 50, 10


@dataclass(frozen=True)
class Row:
    """All ways on one task and seed.

    Args:
        score: By way; see the module.
        accuracy: On all of the test set, by way.
        kept: The default's kept share at the end.
    """

    task: str
    seed: int
    score: dict[str, float]
    accuracy: dict[str, float]
    kept: float


@dataclass(frozen=True)
class Task:
    """What to train on, for how long, and how to score logits (n, classes) of the test set."""

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor
    epochs: int
    right: float
    rarest: list[int]

    def score(self, logits: Tensor) -> float:
        """Return the recall of the rarest classes, or the area under the curve of two."""
        if not self.rarest:
            return float(roc_auc_score(self.y_test, logits[:, 1] - logits[:, 0]))
        named = logits.argmax(1)
        return float(recall_score(self.y_test, named, labels=self.rarest, average="macro"))


def task(name: str, seed: int) -> Task:
    """Make the task."""
    if name == "flights":
        (x, y), (x_test, y_test) = flights.read(100_000, 50_000, seed)
        return Task(x, y, x_test, y_test, epochs=10, right=1.0, rarest=[])
    clean, test = data.read(data.MNIST, "train"), data.read(data.MNIST, "t10k")
    order = np.random.default_rng(seed).permutation(CLASSES)
    wanted = {c: round(MOST * RATIO ** (-rank / (CLASSES - 1))) for rank, c in enumerate(order)}
    rows = torch.cat([(clean.labels == c).nonzero()[:n, 0] for c, n in wanted.items()])
    noise = name.removeprefix("tail ")
    y = corrupt(clean.labels[rows], noise, seed)
    right = float((y == clean.labels[rows]).float().mean())
    rarest = order[-3:].tolist()
    return Task(clean.images[rows], y, test.images, test.labels, 30, right, rarest)


def model_of(problem: Task) -> nn.Module:
    """Make the network: the MLP of MNIST, or one of as many layers for flights."""
    if problem.rarest:
        return network("mnist")
    return nn.Sequential(
        *(nn.Linear(problem.x.shape[1], 128), nn.ReLU()),
        *(nn.Linear(128, 128), nn.ReLU()),
        nn.Linear(128, 2),
    )


def train(problem: Task, pacer: Pacer, seed: int) -> Tensor:
    """Train with a pacer and return the logits of the test set."""
    torch.manual_seed(seed)
    model = model_of(problem)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    for _ in range(problem.epochs):
        for index in torch.randperm(len(problem.y)).split(BATCH):
            loss = F.cross_entropy(model(problem.x[index]), problem.y[index], reduction="none")
            total = pacer(loss, index)
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
        pacer.step()
    with torch.no_grad():
        logits: Tensor = model(problem.x_test)
    return logits


def execute(name: str, seed: int) -> Row:
    """Run every way and return the line."""
    problem = task(name, seed)
    default = Pacer(len(problem.y), columns={"group": problem.y})
    logits = compare(default, lambda pacer: train(problem, pacer, seed), problem.right, seed)
    return Row(
        *(name, seed),
        score={way: problem.score(out) for way, out in logits.items()},
        accuracy={
            way: float((out.argmax(1) == problem.y_test).float().mean())
            for way, out in logits.items()
        },
        kept=kept_shares(default)[-1],
    )


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table, a row per task, means of the seeds."""
    yield (
        "| task | score default / plain / random / told | default - plain, 95 % | accuracy default "
        "/ plain / random / told | kept |"
    )
    yield "|---" * 5 + "|"
    for name in dict.fromkeys(row.task for row in rows):
        seeds = [row for row in rows if row.task == name]
        score = [f"{statistics.mean(row.score[way] for row in seeds):.3f}" for way in WAYS]
        right = [f"{statistics.mean(row.accuracy[way] for row in seeds):.3f}" for way in WAYS]
        gaps = [row.score["default"] - row.score["plain"] for row in seeds]
        yield (
            f"| {name} | {' / '.join(score)} | {interval(gaps)} | {' / '.join(right)} | "
            f"{statistics.mean(row.kept for row in seeds):.2f} |"
        )


if __name__ == "__main__":
    run_missing(FILE, Row, product(TASKS, SEEDS), execute, table)
