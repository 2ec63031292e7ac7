"""Time to accuracy on Fashion-MNIST, plain and self-paced: ``python -m benchmarks.speed``.

60,000 images, the small CNN, Adam 1e-3, batch 128. Test accuracy every 100 steps, outside the
clock. The target is the mean of plain training's last epoch less .3 points; a run's time is that at
which a moving average of three readings first reaches it. ``sym40`` has 40 % symmetric noise and
the default pacer with a ``PacedSampler``, nothing tuned; ``clean`` has thinning by half besides.
"""

import argparse
import statistics
import time
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks import data
from benchmarks.first_run import BATCH, LEARNING_RATE, SETTINGS, accuracy, corrupt, network
from selfpaced import PacedSampler, Pacer

EVERY, SLACK = 100, 0.003
THIN = {"sym40": 0.0, "clean": 0.5}
TARGET = {"sym40": 0.5, "clean": 0.75}


@dataclass
class Run:
    """A training with its readings: accuracy over the seconds of training alone."""

    noise: str
    paced: bool
    seed: int
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
        self.sampler = PacedSampler(self.pacer, thin=THIN[self.noise], seed=self.seed)
        self.shuffle = torch.Generator().manual_seed(self.seed)

    def order(self) -> Tensor:
        """Return the indices of an epoch."""
        if self.paced:
            return torch.tensor(list(self.sampler))
        return torch.randperm(len(self.labels), generator=self.shuffle)

    def epoch(self) -> None:
        """Train for an epoch, and read on the way."""
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
        """Take one step."""
        x, y = self.train.images[index], self.labels[index]
        loss = F.cross_entropy(self.model(x), y, reduction="none" if self.paced else "mean")
        total = self.pacer(loss, index) if self.paced else loss
        self.optimizer.zero_grad()
        total.backward()
        self.optimizer.step()
        self.steps += 1

    def end(self, epochs: int) -> float:
        """Train, and return the mean accuracy over the last epoch."""
        for _ in range(epochs - 1):
            self.epoch()
        before = len(self.accuracy)
        self.epoch()
        return statistics.mean(self.accuracy[before:])

    def reached(self, target: float) -> float | None:
        """Return the seconds until the moving average of three reaches the target."""
        for place in range(2, len(self.accuracy)):
            if statistics.mean(self.accuracy[place - 2 : place + 1]) >= target:
                return self.seconds[place]
        return None


def compare(noise: str, seed: int, epochs: int) -> float | None:
    """Train both ways, print a row, return the ratio of the times."""
    plain, paced = (Run(noise, way, seed) for way in (False, True))
    end, own = plain.end(epochs), paced.end(epochs)
    times = [run.reached(end - SLACK) for run in (plain, paced)]
    ratio = times[1] / times[0] if times[0] and times[1] else None
    shown = ["never" if at is None else f"{at:.0f}" for at in times]
    share = paced.samples / plain.samples
    print(
        f"| {noise} | {seed} | {end:.4f} | {own:.4f} | {shown[0]} | {shown[1]} | "
        f"{'-' if ratio is None else f'{ratio:.2f}'} | {plain.spent:.0f} | "
        f"{paced.spent:.0f} | {share:.2f} |",
        flush=True,
    )
    return ratio


def main() -> None:
    """Measure all seeds and print the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--noise", choices=THIN, nargs="+", default=list(THIN))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(
        "| data | seed | plain, last epoch | paced, last epoch | plain to target, s | "
        "paced to target, s | ratio | plain in all, s | paced in all, s | share of samples |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for noise in options.noise:
        ratios = [compare(noise, seed, options.epochs) for seed in options.seeds]
        known = [ratio for ratio in ratios if ratio is not None]
        if len(known) == len(ratios):
            print(f"{noise}: median ratio {statistics.median(known):.2f}, target {TARGET[noise]}")


if __name__ == "__main__":
    main()
