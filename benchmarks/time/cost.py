"""What an audit costs over plain training: ``python -m benchmarks.time.cost``.

The same network with and without the pacer; the ways take turns, and the median of the ratios is
printed. Plain training loads as most do, item by item, and once as the audit does: a batch is one
indexing. MNIST's MLP (the smaller a step, the more a pacer weighs) and Fashion-MNIST's CNN, six
epochs of 4,000 images, one thread. Judging at the end is included.
"""

import statistics
import time

import torch
from torch.nn import functional as F
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

from benchmarks.labels.first_run import BATCH, LEARNING_RATE, SETTINGS, network
from benchmarks.shared import data
from selfpaced.audit import audit

EPOCHS, IMAGES, ROUNDS = 6, 4_000, 9


def plain(setting: str, train: data.Split, *, at_once: bool = False) -> float:
    """Return the seconds of plain training."""
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
    audit(TensorDataset(*train), model, train.labels, epochs=EPOCHS, batch_size=BATCH)
    return time.perf_counter() - start


def main() -> None:
    """Print a line per network."""
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
