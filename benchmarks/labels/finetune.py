"""Short fine-tunings with wrong labels: ``python -m benchmarks.labels.finetune``.

Fashion-MNIST's small CNN learns 40,000 rightly labelled images for three epochs. Its last layer is
then made anew, and all of it is tuned for three epochs on 4,000 other images, with wrong labels. By
seed, noise, weights and orders differ.

The default (``Pacer(n, columns={"group": labels})``) beside plain training, as many chosen at
random, and told: the true share of right labels. The default looks for its valley after three
epochs, so that nothing is left out: what counts is that it equals plain training, and its suspects.
Every run appends one line to ``results/finetune.jsonl``; runs that are there are skipped.
``--table`` prints the table.
"""

import copy
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import torch
from sklearn.metrics import average_precision_score
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.labels.first_run import BATCH, LEARNING_RATE, WRONG_SHARE, accuracy, corrupt
from benchmarks.labels.first_run import network as untrained
from benchmarks.labels.suspects import interval
from benchmarks.shared import data
from benchmarks.shared.lines import RESULTS, run_missing
from benchmarks.shared.ways import WAYS, compare, kept_shares
from selfpaced import Pacer

FILE = RESULTS / "finetune.jsonl"
SEEDS, EPOCHS, LAST_LAYER = range(4), 3, -1
N_BEFORE, N_TUNED = 40_000, 4_000


@dataclass(frozen=True)
class Row:
    """All ways on one noise and seed.

    Args:
        accuracy: On the test set, by way.
        ap: Average precision of the default's suspects; None on clean data.
        kept: The default's kept share in the last epoch.
    """

    noise: str
    seed: int
    accuracy: dict[str, float]
    ap: float | None
    kept: float


def train(model: nn.Module, part: data.Split, pacer: Pacer, seed: int) -> nn.Module:
    """Train for three epochs."""
    torch.manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    for _ in range(EPOCHS):
        for index in torch.randperm(len(part.labels)).split(BATCH):
            loss = F.cross_entropy(model(part.images[index]), part.labels[index], reduction="none")
            total = pacer(loss, index)
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
        pacer.step()
    return model


@cache
def pretrained(seed: int) -> nn.Sequential:
    """Return the network that knows the first images, with a last layer that knows nothing."""
    torch.manual_seed(seed)
    model = untrained("fashion")
    before = data.read(data.FASHION, "train", N_BEFORE)
    train(model, before, Pacer(N_BEFORE, age=None), seed)
    model[LAST_LAYER] = untrained("fashion")[LAST_LAYER]
    return model


def execute(noise: str, seed: int) -> Row:
    """Run every way and return the line."""
    images, labels = (
        column[N_BEFORE : N_BEFORE + N_TUNED] for column in data.read(data.FASHION, "train")
    )
    part = data.Split(images, corrupt(labels, noise, seed))
    wrong: Tensor = part.labels != labels
    default = Pacer(N_TUNED, columns={"group": part.labels})
    models = compare(
        default,
        lambda pacer: train(copy.deepcopy(pretrained(seed)), part, pacer, seed),
        1.0 - WRONG_SHARE[noise],
        seed,
    )
    test = data.read(data.FASHION, "t10k")
    ap = float(average_precision_score(wrong, default.ledger.suspicion)) if wrong.any() else None
    right = {way: accuracy(model, test) for way, model in models.items()}
    return Row(noise, seed, right, ap, kept_shares(default)[-2])


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table, a row per noise, means of the seeds."""
    yield (
        f"| noise | accuracy {' / '.join(WAYS)} | default - plain, 95 % | AP | kept in the last |"
    )
    yield "|---" * 5 + "|"
    for noise in dict.fromkeys(row.noise for row in rows):
        seeds = [row for row in rows if row.noise == noise]
        means = [f"{statistics.mean(row.accuracy[way] for row in seeds):.3f}" for way in WAYS]
        gaps = [row.accuracy["default"] - row.accuracy["plain"] for row in seeds]
        found = [row.ap for row in seeds if row.ap is not None]
        yield (
            f"| {noise} | {' / '.join(means)} | {interval(gaps)} | "
            f"{f'{statistics.mean(found):.3f}' if found else '-'} | "
            f"{statistics.mean(row.kept for row in seeds):.2f} |"
        )


if __name__ == "__main__":
    run_missing(
        FILE, Row, ((noise, seed) for seed, noise in product(SEEDS, WRONG_SHARE)), execute, table
    )
