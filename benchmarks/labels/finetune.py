"""Short fine-tunings with wrong labels: ``python -m benchmarks.labels.finetune``.

The small CNN is trained on 40,000 correctly labelled images of Fashion-MNIST for three epochs. Then
its last layer is replaced by a new one, and the whole network is tuned for three epochs on 4,000
other images with wrong labels. The seed changes noise, weights and orders.

The default (``Pacer(n, columns={"group": labels})``) is compared with plain training, with as many
samples drawn at random, and with keeping the true share of right labels (told). The default leaves
nothing out before its fourth epoch, so its accuracy must equal that of plain training; its suspects
are the result. Each run appends one line to ``results/finetune.jsonl``; finished runs are skipped.
"""

import copy
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import torch
from sklearn.metrics import average_precision_score
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.shared import data
from benchmarks.shared.comparison import WAYS, compare, kept_shares
from benchmarks.shared.images import (
    BATCH,
    LEARNING_RATE,
    WRONG_SHARE,
    accuracy,
    corrupt,
    network,
)
from benchmarks.shared.result_lines import RESULTS, interval, parser, run_or_print
from selfpaced import Pacer

FILE = RESULTS / "finetune.jsonl"
SEEDS = range(4)  # Seeds of every noise.
EPOCHS = 3  # Epochs of the training before, and of the fine-tuning.
LAST_LAYER = -1  # Place of the layer that is replaced.
N_BEFORE = 40_000  # Images of the training before.
N_TUNED = 4_000  # Images of the fine-tuning.


@dataclass(frozen=True)
class Row:
    """All ways on one noise and seed.

    Args:
        accuracy: Accuracy on the test set, by way.
        ap: Average precision of the default's suspects; None on clean data.
        kept: Kept share of the default in the last epoch.
    """

    noise: str
    seed: int
    accuracy: dict[str, float]
    ap: float | None
    kept: float


def train(model: nn.Module, part: data.Split, pacer: Pacer, seed: int) -> nn.Module:
    """Train a model for three epochs with a pacer, and return it."""
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
    """Return the network trained on the first images, with an untrained last layer."""
    torch.manual_seed(seed)
    model = network("fashion")
    before = data.read(data.FASHION, "train", N_BEFORE)
    train(model, before, Pacer(N_BEFORE, age=None), seed)
    model[LAST_LAYER] = network("fashion")[LAST_LAYER]
    return model


def execute(noise: str, seed: int) -> Row:
    """Run every way and return the result line."""
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
    planned = ((noise, seed) for seed, noise in product(SEEDS, WRONG_SHARE))
    run_or_print(parser(__doc__, FILE).parse_args(sys.argv[1:]), Row, planned, execute, table)
