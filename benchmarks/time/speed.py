"""Time to accuracy on Fashion-MNIST, plain and self-paced: ``python -m benchmarks.time.speed``.

60,000 images, the small CNN, Adam with learning rate 1e-3, batches of 128. The test accuracy is
read every 100 steps; the reading is not timed. The target accuracy is plain training's mean over
its last epoch, less .3 points. The time of a run is the first time at which the moving average of
three readings reaches the target. Self-paced training has the default pacer and a ``PacedSampler``
with ``thin=0.8``. It continues until it has visited as many samples as plain training; its accuracy
after as many epochs is shown as well. ``--thin 0`` visits all kept samples.
"""

import argparse
import statistics
import time
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.shared import data
from benchmarks.shared.images import BATCH, LEARNING_RATE, SETTINGS, accuracy, corrupt, network
from selfpaced import PacedSampler, Pacer

EVERY = 100  # Steps between two readings of the accuracy.
SLACK = 0.003  # Accuracy by which the target is below plain training.
TARGET = {"sym40": 0.5, "clean": 0.75}  # Largest ratio of the times that is aimed at, by noise.


@dataclass
class Run:
    """A training with its readings of the accuracy, by seconds of training alone."""

    noise: str
    seed: int
    thin: float | None = None  # None for plain training.
    seconds: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    samples: int = 0
    spent: float = 0.0
    steps: int = 0

    def __post_init__(self) -> None:
        """Make the model, the data and the pacer."""
        source = SETTINGS["fashion"].source
        self.train, self.test = data.read(source, "train"), data.read(source, "t10k")
        self.labels = corrupt(self.train.labels, self.noise, self.seed)
        torch.manual_seed(self.seed)
        self.model = network("fashion")
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=LEARNING_RATE)
        self.pacer = Pacer(len(self.labels), columns={"group": self.labels})
        self.paced = self.thin is not None
        self.sampler = PacedSampler(self.pacer, thin=self.thin or 0.0, seed=self.seed)
        self.shuffle = torch.Generator().manual_seed(self.seed)

    def order(self) -> Tensor:
        """Return the indices of an epoch."""
        if self.paced:
            return torch.tensor(list(self.sampler))
        return torch.randperm(len(self.labels), generator=self.shuffle)

    def epoch(self) -> None:
        """Train for an epoch and read the accuracy on the way."""
        start = time.perf_counter()
        order = self.order()
        for index in order.split(BATCH):
            self.update(index)
            if self.steps % EVERY == 0:
                self.spent += time.perf_counter() - start
                self.seconds.append(self.spent)
                self.accuracy.append(accuracy(self.model, self.test))
                start = time.perf_counter()
        if self.paced:
            self.pacer.step()
        self.samples += len(order)
        self.spent += time.perf_counter() - start

    def update(self, index: Tensor) -> None:
        """Take one training step."""
        x, y = self.train.images[index], self.labels[index]
        loss = F.cross_entropy(self.model(x), y, reduction="none" if self.paced else "mean")
        total = self.pacer(loss, index) if self.paced else loss
        self.optimizer.zero_grad()
        total.backward()
        self.optimizer.step()
        self.steps += 1

    def last(self) -> float:
        """Train for an epoch; return its mean accuracy."""
        before = len(self.accuracy)
        self.epoch()
        return statistics.mean(self.accuracy[before:] or self.accuracy[-1:])

    def reached(self, target: float) -> float | None:
        """Return the seconds until the moving average of three readings reaches the target."""
        for place in range(2, len(self.accuracy)):
            if statistics.mean(self.accuracy[place - 2 : place + 1]) >= target:
                return self.seconds[place]
        return None


def compare(noise: str, seed: int, epochs: int, thin: float) -> float | None:
    """Train both ways, print a row, and return the ratio of the times."""
    plain, paced = Run(noise, seed), Run(noise, seed, thin)
    end = [plain.last() for _ in range(epochs)][-1]
    same_epochs = own = [paced.last() for _ in range(epochs)][-1]
    share = paced.samples / plain.samples
    while paced.samples < plain.samples:
        own = paced.last()
    times = [run.reached(end - SLACK) for run in (plain, paced)]
    ratio = times[1] / times[0] if times[0] and times[1] else None
    shown = ["never" if at is None else f"{at:.0f}" for at in times]
    print(
        f"| {noise} | {seed} | {end:.4f} | {same_epochs:.4f} in {share:.2f} | {own:.4f} | "
        f"{shown[0]} | {shown[1]} | {'-' if ratio is None else f'{ratio:.2f}'} |",
        flush=True,
    )
    return ratio


def main() -> None:
    """Measure all seeds; print the rows and the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--noise", choices=TARGET, nargs="+", default=list(TARGET))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--thin", type=float, default=0.8, help="thin of the PacedSampler")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(
        "| data | seed | plain, last epoch | paced, as many epochs, in a share of the samples | "
        "paced, as many samples | plain to target, s | paced to target, s | ratio |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for noise in options.noise:
        ratios = [compare(noise, seed, options.epochs, options.thin) for seed in options.seeds]
        known = [ratio for ratio in ratios if ratio is not None]
        if len(known) == len(ratios):
            print(f"{noise}: median ratio {statistics.median(known):.2f}, target {TARGET[noise]}")


if __name__ == "__main__":
    main()
