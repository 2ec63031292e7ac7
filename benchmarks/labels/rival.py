"""cleanlab on the tasks of ``suspects``: ``python -m benchmarks.labels.rival`` (``--group bench``).

Data, noises and seeds are those of ``suspects``. cleanlab 2.9 scores the held-out probabilities of
5 folds of the same network. The number of epochs and the better of its two scores are chosen with
the true labels, in its favour. Each run appends one line to ``results/rival.jsonl``; finished runs
are skipped. ``python -m benchmarks.labels.suspects --table`` compares the lines with ours.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.shared.images import (
    BATCH,
    LEARNING_RATE,
    SETTINGS,
    WRONG_SHARE,
    corrupted,
    network,
)
from benchmarks.shared.result_lines import RESULTS, parser, run_or_print
from selfpaced.chain import Floats

FILE = RESULTS / "rival.jsonl"
FOLDS = 5  # Folds of the cross-validation.
CHOSEN_FROM = (1, 2, 3, 5, 8, 10, 15, 20, 30)  # Numbers of epochs from which the best is chosen.


@dataclass(frozen=True)
class Rival:
    """cleanlab on one data set, noise and seed.

    Args:
        ap: Average precision of its better score after its best number of epochs.
        epochs: That number of epochs.
        seconds: Time to train the 5 folds, for as many epochs as the audit of ``suspects``.
    """

    setting: str
    noise: str
    seed: int
    ap: float
    epochs: int
    seconds: float


def held_out(
    make: Callable[[], nn.Module],
    x: Tensor,
    y: Tensor,
    epochs: int,
    seed: int,
    learning_rate: float = LEARNING_RATE,
) -> dict[int, Floats]:
    """Return the held-out probabilities of all samples, shape (n, classes), by epochs."""
    kept = {e: np.zeros((len(y), int(y.max()) + 1)) for e in CHOSEN_FROM if e <= epochs}
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for fold, (inside, outside) in enumerate(folds.split(np.zeros(len(y)), y)):
        torch.manual_seed(seed * FOLDS + fold)
        model = make()
        optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
        for epoch in range(1, epochs + 1):
            for batch in torch.from_numpy(inside)[torch.randperm(len(inside))].split(BATCH):
                optimizer.zero_grad()
                F.cross_entropy(model(x[batch]), y[batch]).backward()
                optimizer.step()
            if epoch in kept:
                kept[epoch][outside] = predicted(model, x[outside])
    return kept


@torch.no_grad()
def predicted(model: nn.Module, x: Tensor) -> Floats:
    """Return the probabilities of all classes, shape (n, classes), without dropout."""
    logits = torch.cat([model.eval()(part) for part in x.split(1000)])
    model.train()
    return F.softmax(logits, 1).double().numpy()


def best(
    probabilities: dict[int, Floats], labels: NDArray[np.int64], wrong: NDArray[np.bool]
) -> tuple[float, int]:
    """Return the best average precision of cleanlab's scores, and the number of epochs."""
    from cleanlab.rank import get_label_quality_scores

    every = [
        (float(average_precision_score(wrong, -get_label_quality_scores(labels, p, method=by))), k)
        for k, p in probabilities.items()
        for by in ("self_confidence", "normalized_margin")
    ]
    return max(every)


def execute(setting: str, noise: str, seed: int) -> Rival:
    """Train the folds and return the result line."""
    train, wrong = corrupted(setting, noise, seed)
    start = time.perf_counter()
    probabilities = held_out(
        lambda: network(setting), train.images, train.labels, SETTINGS[setting].epochs, seed
    )
    seconds = time.perf_counter() - start
    ap, epochs = best(probabilities, train.labels.numpy(), wrong)
    return Rival(setting, noise, seed, ap, epochs, seconds)


def table(rows: list[Rival]) -> Iterator[str]:
    """Yield the lines of a Markdown table, a row per setting and noise, means of the seeds."""
    yield "| data | noise | seeds | AP | epochs | seconds |"
    yield "|---" * 6 + "|"
    for setting, noise in dict.fromkeys((row.setting, row.noise) for row in rows):
        seeds = [row for row in rows if (row.setting, row.noise) == (setting, noise)]
        ap, epochs, seconds = (
            statistics.mean(getattr(row, field) for row in seeds)
            for field in ("ap", "epochs", "seconds")
        )
        yield (f"| {setting} | {noise} | {len(seeds)} | {ap:.3f} | {epochs:.1f} | {seconds:.0f} |")


def parse(
    about: str | None, path: Path, noises: list[str], arguments: list[str]
) -> argparse.Namespace:
    """Read the command line of a benchmark whose runs are settings, noises and seeds."""
    made = parser(about, path)
    made.add_argument("--setting", choices=SETTINGS, nargs="+", default=list(SETTINGS))
    made.add_argument("--noise", choices=noises, nargs="+", default=noises)
    made.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    return made.parse_args(arguments)


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table; clean data has no wrong labels to find."""
    noises = [noise for noise in WRONG_SHARE if noise != "clean"]
    options = parse(__doc__, FILE, noises, arguments)
    planned = product(options.setting, options.noise, options.seeds)
    run_or_print(options, Rival, planned, execute, table)


if __name__ == "__main__":
    main(sys.argv[1:])
