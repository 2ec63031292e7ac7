"""cleanlab's suspects beside ours: ``python -m benchmarks.labels.rival`` (needs ``--group bench``).

The data, noises and seeds of ``suspects``. cleanlab 2.9 scores the held-out probabilities of 5
folds of the same network, after whichever number of epochs and by whichever of its two scores ranks
best, chosen with the truth in its favour. Every run appends one line to ``results/rival.jsonl``;
runs that are there are skipped.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.labels.first_run import BATCH, LEARNING_RATE, SETTINGS, network
from benchmarks.shared.lines import RESULTS, Planned, corrupted, work
from selfpaced.chain import Floats

FILE = RESULTS / "rival.jsonl"
FOLDS = 5
CHOSEN_FROM = (1, 2, 3, 5, 8, 10, 15, 20, 30)  # epochs of cleanlab's classifier


@dataclass(frozen=True)
class Rival:
    """cleanlab on one data set, noise and seed.

    Args:
        ap: Average precision of its better score after its best number of epochs.
        epochs: That number.
        seconds: Of the 5 folds, of as many epochs as ours.
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
    """Return the probabilities of held-out samples, shape (n, classes), by number of epochs."""
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
    """Return the best average precision of cleanlab's scores, and after how many epochs."""
    from cleanlab.rank import get_label_quality_scores

    every = [
        (float(average_precision_score(wrong, -get_label_quality_scores(labels, p, method=by))), k)
        for k, p in probabilities.items()
        for by in ("self_confidence", "normalized_margin")
    ]
    return max(every)


def execute(run: Planned) -> Rival | None:
    """Run the folds and return the line; clean data has none."""
    train, wrong = corrupted(run)
    if not wrong.any():
        return None
    start = time.perf_counter()
    probabilities = held_out(
        lambda: network(run.setting),
        train.images,
        train.labels,
        SETTINGS[run.setting].epochs,
        run.seed,
    )
    seconds = time.perf_counter() - start
    return Rival(*run, *best(probabilities, train.labels.numpy(), wrong), seconds)


if __name__ == "__main__":
    work(__doc__, sys.argv[1:], FILE, Rival, execute)
