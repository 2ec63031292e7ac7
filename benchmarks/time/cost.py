"""What an audit costs over plain training: ``python -m benchmarks.time.cost``.

The same network is audited and trained plainly, in alternation; the median of the ratios is
printed. Plain training is measured twice: it loads item by item, as most programs do, or it indexes
a whole batch at once, as the audit does. The networks are MNIST's MLP (the smaller a training step,
the larger the share of the pacer) and Fashion-MNIST's CNN; six epochs of 4,000 images, one thread.
The judgement at the end of the audit is included.
"""

import argparse
import statistics
import time

import torch
from torch.nn import functional as F
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

from benchmarks.shared import data
from benchmarks.shared.images import BATCH, LEARNING_RATE, SETTINGS, network
from selfpaced.audit import audit

EPOCHS = 6  # Epochs of every training.
IMAGES = 4_000  # Training images.
ROUNDS = 9  # Repetitions, of which the first is a warm-up.


def plain(setting: str, train: data.Split, *, at_once: bool = False) -> float:
    """Return the seconds of plain training; ``at_once`` indexes a whole batch."""
    model, start = network(setting), time.perf_counter()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    whole = TensorDataset(*train)
    batches = DataLoader(whole, batch_size=BATCH, shuffle=True)
    if at_once:
        batches = DataLoader(whole, None, sampler=BatchSampler(RandomSampler(whole), BATCH, False))
    for _ in range(EPOCHS):
        for x, y in batches:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return time.perf_counter() - start


def audited(setting: str, train: data.Split) -> float:
    """Return the seconds of an audit."""
    model, start = network(setting), time.perf_counter()
    dataset = TensorDataset(*train)
    audit(dataset, model, train.labels, folds=0, epochs=EPOCHS, batch_size=BATCH)
    return time.perf_counter() - start


def main() -> None:
    """Print two lines per network."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    torch.set_num_threads(1)
    for setting in ("mnist", "fashion"):
        train = data.read(SETTINGS[setting].source, "train", IMAGES)
        times = [
            (audited(setting, train), plain(setting, train), plain(setting, train, at_once=True))
            for _ in range(ROUNDS)
        ]
        for way, name in enumerate(("plain training", "with the audit's loading"), start=1):
            ratios = sorted(row[0] / row[way] for row in times[1:])
            print(
                f"{setting}: {statistics.median(ratios):.3f} x {name} "
                f"({ratios[0]:.3f} to {ratios[-1]:.3f}), {times[-1][way]:.2f} s plain"
            )


if __name__ == "__main__":
    main()
