"""Time to accuracy on Fashion-MNIST, plain, self-paced and thinned: ``benchmarks.time.speed``.

60,000 images, the small CNN, Adam with learning rate 1e-3, batches of 128. The test accuracy is
read every 100 steps; the reading is not timed. The target accuracy is plain training's mean over
its last epoch, less .3 points. The time of a run is the first time at which the moving average of
three readings reaches the target. It is given in seconds, and in samples that were run forward and
backward, which do not depend on what else the machine does.

- plain: all samples in 10 epochs (``--epochs``).
- paced: the default pacer and a ``PacedSampler`` with ``thin=0.8``, until it has visited as many
  samples as plain training.
- annealed: the same for 18 epochs, of which the sampler is told: it does not thin the last three.
- infobatch: InfoBatch (Qin et al. 2024), written anew: the score of a sample is its last loss, 3
  before the first; of the samples with a score below the mean of all, a random half is left out,
  and the other half weighs 2. In the last 1/8 of the epochs nothing is left out. As in the
  published code: the number left out is exact, and the loss is divided by the size of the batch.
- bls: the Batch Loss Score (Zhou et al. 2026) by the recipe of ``docs/sampling.md``: the parts of
  this library, with the mean loss of the batch as the loss of each of its samples.
- random: visits as many random samples in each epoch as infobatch did, with weight 1.

Each run appends one line to ``results/speed.jsonl``; finished runs are skipped. With ``--device
cuda`` the images are on the GPU.
"""

import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.shared import data
from benchmarks.shared.images import BATCH, LEARNING_RATE, SETTINGS, accuracy, corrupt, network
from benchmarks.shared.result_lines import RESULTS, parser, read, run_or_print
from selfpaced import PacedSampler, Pacer
from selfpaced._sampling.order import is_thinned
from selfpaced.difficulty import Smoothed

FILE = RESULTS / "speed.jsonl"
METHODS = ("plain", "paced", "annealed", "infobatch", "bls", "random")  # In the order of the runs.
EVERY = 100  # Steps between two readings of the accuracy.
SLACK = 0.003  # Accuracy by which the target is below plain training.
TARGET = {"sym40": 0.55, "clean": 0.65}  # Largest paced / plain aimed at, by noise.
THIN = 0.8  # Share of the well-learned samples that paced training skips.
LONGER = 1.8  # Epochs of annealed training for one of plain training.
HALF = 0.5  # Share of the well-learned samples that InfoBatch and BLS leave out.
UNSEEN = 3.0  # Score of InfoBatch before the first visit.


@dataclass(frozen=True)
class Row:
    """One training.

    Args:
        method: One of ``METHODS``.
        noise: clean or sym40.
        seed: Seed of the noise, the initial weights and the orders.
        epochs: Epochs of plain training in this comparison.
        device: Where it trained.
        seconds: Of training alone, at each reading.
        visits: Samples run forward and backward, at each reading.
        accuracy: Test accuracy at each reading.
        sizes: Samples visited in each epoch.
    """

    method: str
    noise: str
    seed: int
    epochs: int
    device: str
    seconds: list[float]
    visits: list[int]
    accuracy: list[float]
    sizes: list[int]


class Plain:
    """Plain training: what an epoch visits, and which loss is minimised."""

    def __init__(self, labels: Tensor, seed: int, epochs: int) -> None:
        """Keep the labels, shape (n,), and the number of epochs."""
        self.labels, self.epochs, self.epoch = labels, epochs, 0
        self.random = torch.Generator().manual_seed(seed)

    def order(self) -> Tensor:
        """Return the indices of the next epoch, int64, on the CPU."""
        return torch.randperm(len(self.labels), generator=self.random)

    def total(self, loss: Tensor, index: Tensor) -> Tensor:
        """Return the number to minimise for the losses of a batch, shape (B,)."""
        return loss.mean()

    def end(self) -> None:
        """End an epoch."""
        self.epoch += 1

    def goes_on(self, visits: int) -> bool:
        """Return whether another epoch follows after this number of visits."""
        return self.epoch < self.epochs


class Annealed(Plain):
    """A pacer with a thinning sampler that knows the number of epochs."""

    def __init__(self, labels: Tensor, seed: int, epochs: int) -> None:
        """Make the default pacer and the sampler."""
        super().__init__(labels, seed, round(LONGER * epochs))
        self.pacer = Pacer(len(labels), columns={"group": labels}).to(labels.device)
        self.sampler = PacedSampler(self.pacer, thin=THIN, epochs=self.epochs, seed=seed)

    def order(self) -> Tensor:
        """Return what the sampler draws."""
        return torch.tensor(list(self.sampler))

    def total(self, loss: Tensor, index: Tensor) -> Tensor:
        """Return the pacer's loss."""
        weighted: Tensor = self.pacer(loss, index)
        return weighted

    def end(self) -> None:
        """Step the pacer."""
        super().end()
        self.pacer.step()


class Paced(Annealed):
    """The same without a known end: it visits as many samples as plain training."""

    def __init__(self, labels: Tensor, seed: int, epochs: int) -> None:
        """Make the default pacer and the sampler, which is not told the number of epochs."""
        super().__init__(labels, seed, epochs)
        self.most, self.sampler.epochs = epochs * len(labels), None

    def goes_on(self, visits: int) -> bool:
        """Return whether plain training has visited more samples."""
        return visits < self.most


class BatchScored(Annealed):
    """The Batch Loss Score, as ``docs/sampling.md`` has it.

    Checked against the authors' code (github.com/mrazhou/BLS): the score is ``a * score + (1 - a) *
    mean loss of the batch`` with a = .7 in its example; samples with a score below the mean are
    pruned and the end is annealed as in InfoBatch; the loss of a batch is multiplied by the mean
    weight of its samples. Different here: their scores start at 0, ours at the first mean loss, and
    each sample is skipped by a draw of its own. The numbers of the paper were not reproduced.
    """

    def __init__(self, labels: Tensor, seed: int, epochs: int) -> None:
        """Make a pacer that keeps everything, and the sampler."""
        Plain.__init__(self, labels, seed, epochs)
        self.pacer = Pacer(len(labels), age=None, difficulty=Smoothed(0.7)).to(labels.device)
        self.sampler = PacedSampler(self.pacer, thin=HALF, epochs=epochs, seed=seed)

    def total(self, loss: Tensor, index: Tensor) -> Tensor:
        """Return the mean loss times the mean importance of the batch."""
        return super().total(loss.mean().expand(len(index)), index)


class InfoBatch(Plain):
    """InfoBatch, written anew and checked against github.com/NUS-HPC-AI-Lab/InfoBatch.

    The paper's numbers, which are of larger networks, were not reproduced.
    """

    def __init__(self, labels: Tensor, seed: int, epochs: int) -> None:
        """Start with equal scores."""
        super().__init__(labels, seed, epochs)
        self.score = torch.full_like(labels, UNSEEN, dtype=torch.float32)
        self.weight = torch.ones_like(self.score)

    def order(self) -> Tensor:
        """Leave out a random half of the samples below the mean score."""
        self.weight.fill_(1.0)
        order = super().order()
        if not is_thinned(self.epoch, self.epochs):
            return order
        easy = (self.score < self.score.mean()).cpu()
        learned = order[easy[order]]
        stays = learned[: int((1 - HALF) * len(learned))]
        self.weight[stays.to(self.weight.device)] = 1 / (1 - HALF)
        order = torch.cat([order[~easy[order]], stays])
        return order[torch.randperm(len(order), generator=self.random)]

    def total(self, loss: Tensor, index: Tensor) -> Tensor:
        """Remember the losses; return their weighted mean."""
        self.score[index] = loss.detach()
        return (loss * self.weight[index]).mean()


class Random(Plain):
    """Visits as many samples as another run did, at random."""

    def __init__(self, labels: Tensor, seed: int, epochs: int, sizes: list[int]) -> None:
        """Keep the numbers of samples of the epochs."""
        super().__init__(labels, seed, epochs)
        self.sizes = sizes

    def order(self) -> Tensor:
        """Return a random part."""
        return super().order()[: self.sizes[self.epoch]]


Make = Callable[[Tensor, int, int], Plain]
KINDS: dict[str, Make] = {
    "plain": Plain,
    "paced": Paced,
    "annealed": Annealed,
    "infobatch": InfoBatch,
    "bls": BatchScored,
}


@dataclass
class Run:
    """A training that is going on."""

    train: data.Split
    test: data.Split
    model: nn.Module
    way: Plain
    row: Row

    def __post_init__(self) -> None:
        """Make the optimizer; start the clock at 0."""
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=LEARNING_RATE)
        self.spent, self.steps, self.seen = 0.0, 0, 0
        self.device = self.train.labels.device

    def now(self) -> float:
        """Return the time in seconds, when the device has done all its work."""
        torch.get_device_module(self.device).synchronize()
        return time.perf_counter()

    def epoch(self) -> None:
        """Train for an epoch and read the accuracy on the way."""
        start = self.now()
        order = self.way.order()
        for index in order.to(self.device).split(BATCH):
            self.update(index)
            if self.steps % EVERY == 0:
                self.spent += self.now() - start
                self.row.seconds.append(round(self.spent, 3))
                self.row.visits.append(self.seen)
                self.row.accuracy.append(accuracy(self.model, self.test))
                start = self.now()
        self.way.end()
        self.row.sizes.append(len(order))
        self.spent += self.now() - start

    def update(self, index: Tensor) -> None:
        """Take one training step."""
        x, y = self.train.images[index], self.train.labels[index]
        total = self.way.total(F.cross_entropy(self.model(x), y, reduction="none"), index)
        self.optimizer.zero_grad()
        total.backward()
        self.optimizer.step()
        self.steps += 1
        self.seen += len(index)


def execute(method: str, noise: str, seed: int, epochs: int, device: str, *, results: Path) -> Row:
    """Train once; random reads the line of infobatch among the results."""
    source = SETTINGS["fashion"].source
    train, test = (
        data.Split(*(part.to(device) for part in data.read(source, name)))
        for name in ("train", "t10k")
    )
    labels = corrupt(train.labels.cpu(), noise, seed).to(device)
    row = Row(method, noise, seed, epochs, device, [], [], [], [])
    torch.manual_seed(seed)
    model = network("fashion").to(device)
    if method == "random":
        twin = next(x for x in read(results, Row) if key(x) == ("infobatch", *key(row)[1:]))
        way: Plain = Random(labels, seed, epochs, twin.sizes)
    else:
        way = KINDS[method](labels, seed, epochs)
    run = Run(data.Split(train.images, labels), test, model, way, row)
    while way.goes_on(run.seen):
        run.epoch()
    return row


def key(row: Row) -> tuple[object, ...]:
    """Return the arguments of a run."""
    return row.method, row.noise, row.seed, row.epochs, row.device


def last(row: Row) -> float:
    """Return the mean accuracy of the last epoch."""
    begin = sum(row.sizes[:-1])
    return statistics.mean(x for x, at in zip(row.accuracy, row.visits, strict=True) if at > begin)


def reached(row: Row, target: float) -> tuple[float, float]:
    """Return seconds and visits until the moving average of three readings is at the target.

    Both are infinite if it never is.
    """
    for place in range(2, len(row.accuracy)):
        if statistics.mean(row.accuracy[place - 2 : place + 1]) >= target:
            return row.seconds[place], row.visits[place]
    return math.inf, math.inf


def table(rows: list[Row]) -> Iterator[str]:
    """Yield a row for each training, and the medians of each method."""
    yield (
        "| data | method | seed | last epoch, % | visits in all | to target, s | visits to target "
        "| s, relative to plain | visits, relative to plain |"
    )
    yield "|---" * 9 + "|"
    ratios: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for noise, method, row in product(TARGET, METHODS, sorted(rows, key=lambda row: row.seed)):
        twins = [x for x in rows if key(x) == ("plain", *key(row)[1:])]
        if (row.noise, row.method) != (noise, method) or not twins:
            continue
        target = last(twins[0]) - SLACK
        own, base = reached(row, target), reached(twins[0], target)
        ratio = own[0] / base[0], own[1] / base[1]
        ratios.setdefault((noise, method), []).append(ratio)
        yield (
            f"| {noise} | {method} | {row.seed} | {100 * last(row):.1f} | {sum(row.sizes):,} | "
            f"{own[0]:.0f} | {own[1]:,.0f} | {ratio[0]:.2f} | {ratio[1]:.2f} |"
        )
    yield ""
    for (noise, method), found in ratios.items():
        seconds, visits = (statistics.median(column) for column in zip(*found, strict=True))
        aim = f" (target {TARGET[noise]})" if method in ("paced", "annealed") else ""
        yield (
            f"{noise}, {method}, median of {len(found)}: {seconds:.2f} of plain training's "
            f"seconds{aim}, {visits:.2f} of its visits"
        )


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table."""
    options_of = parser(__doc__, FILE)
    options_of.add_argument("--noise", choices=TARGET, nargs="+", default=list(TARGET))
    options_of.add_argument("--method", choices=METHODS, nargs="+", default=list(METHODS))
    options_of.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options_of.add_argument("--epochs", type=int, default=10, help="epochs of plain training")
    options_of.add_argument("--device", default="cpu", help="such as cuda")
    options = options_of.parse_args(arguments)
    planned = (
        (method, noise, seed, options.epochs, options.device)
        for seed, noise, method in product(options.seeds, options.noise, METHODS)
        if method in options.method
    )
    run_or_print(options, Row, planned, partial(execute, results=options.results), table)


if __name__ == "__main__":
    main(sys.argv[1:])
