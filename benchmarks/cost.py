"""What an audit costs over plain training: ``python -m benchmarks.cost``.

The same network, batches and DataLoader, with and without the pacer; the two take turns, and the
median of the ratios is printed. MNIST's MLP (the smaller a step, the more a pacer weighs) and
Fashion-MNIST's CNN, two epochs of 4,000 images, one thread. Judging at the end is included.
"""

import statistics
import time

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from benchmarks import data
from benchmarks.first_run import BATCH, LEARNING_RATE, SETTINGS, network
from selfpaced.audit import audit

EPOCHS, IMAGES, ROUNDS = 2, 4_000, 9


def plain(setting: str, train: data.Split) -> float:
    """Return the seconds of plain training."""
    model, start = network(setting), time.perf_counter()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    for _ in range(EPOCHS):
        for x, y in DataLoader(TensorDataset(*train), batch_size=BATCH, shuffle=True):
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
        pairs = [(plain(setting, train), audited(setting, train)) for _ in range(ROUNDS)]
        ratios = sorted(ours / alone for alone, ours in pairs[1:])
        print(
            f"{setting}: {statistics.median(ratios):.3f} x plain training "
            f"({ratios[0]:.3f} to {ratios[-1]:.3f}), {pairs[-1][0]:.2f} s plain"
        )


if __name__ == "__main__":
    main()
