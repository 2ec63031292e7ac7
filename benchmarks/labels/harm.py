"""Tasks in which leaving out hard samples could do harm: ``python -m benchmarks.labels.harm``.

- tail: MNIST, 1,500 images of the most frequent class and 30 of the rarest (1:50), clean and with
  20 % wrong labels; the MLP of ``first_run``, 30 epochs. Score: recall of the three rarest classes.
  The seed draws the order of the classes.
- flights: 100,000 flights, an MLP, 10 epochs; the two classes overlap. Score: area under the ROC
  curve.

The default (``Pacer(n, columns={"group": labels})``) is compared with plain training, with as many
samples drawn at random, and with keeping the true share of right labels (told). Each run appends
one line to ``results/harm.jsonl``; finished runs are skipped.
"""

import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from sklearn.metrics import recall_score, roc_auc_score
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.shared import data, tables
from benchmarks.shared.comparison import WAYS, compare, kept_shares
from benchmarks.shared.images import BATCH, CLASSES, LEARNING_RATE, corrupt, network
from benchmarks.shared.result_lines import RESULTS, interval, parser, run_or_print
from selfpaced import Pacer

FILE = RESULTS / "harm.jsonl"
TASKS = ("tail clean", "tail sym20", "flights")  # Names of the tasks.
SEEDS = range(5)  # Seeds of every task.
MOST = 1_500  # Images of the most frequent class.
RATIO = 50  # How many times more frequent it is than the rarest class.


@dataclass(frozen=True)
class Row:
    """All ways on one task and seed.

    Args:
        score: Score of the task, by way.
        accuracy: Accuracy on the whole test set, by way.
        kept: Kept share of the default at the end.
    """

    task: str
    seed: int
    score: dict[str, float]
    accuracy: dict[str, float]
    kept: float


@dataclass(frozen=True)
class Task:
    """Data, number of epochs, true share of right labels, and the classes that are scored."""

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor
    epochs: int
    right: float
    rarest: list[int]

    def score(self, logits: Tensor) -> float:
        """Score test logits (n, classes): recall of the rarest classes, or area under the curve."""
        if not self.rarest:
            return float(roc_auc_score(self.y_test, logits[:, 1] - logits[:, 0]))
        named = logits.argmax(1)
        return float(recall_score(self.y_test, named, labels=self.rarest, average="macro"))


def task(name: str, seed: int) -> Task:
    """Read the data and make the task."""
    if name == "flights":
        (x, y), (x_test, y_test) = tables.flights(100_000, 50_000, seed)
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
    """Make the MLP of MNIST, or a smaller one with as many layers for flights."""
    if problem.rarest:
        return network("mnist")
    return nn.Sequential(
        *(nn.Linear(problem.x.shape[1], 128), nn.ReLU()),
        *(nn.Linear(128, 128), nn.ReLU()),
        nn.Linear(128, 2),
    )


def train(problem: Task, pacer: Pacer, seed: int) -> Tensor:
    """Train with a pacer; return the logits of the test set."""
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
    """Run every way and return the result line."""
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
    options = parser(__doc__, FILE).parse_args(sys.argv[1:])
    run_or_print(options, Row, product(TASKS, SEEDS), execute, table)
