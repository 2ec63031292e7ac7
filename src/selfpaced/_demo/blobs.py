"""The classic self-paced program on two blobs, and the orders that it is compared with."""

import itertools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

from selfpaced._classic import SPLLoss
from selfpaced._pacer.pacer import Pacer
from selfpaced._sampling.indexed import Indexed
from selfpaced.age import Quantile
from selfpaced.chain import Difficulty
from selfpaced.difficulty import Loss, RandomOrder, Reversed
from selfpaced.pacing import Recorded
from selfpaced.report import Frame, grid

# The number of points per batch.
BATCH = 32
# The learning rate of Adam.
LEARNING_RATE = 1e-3
# The order of the classic program: points with small losses first.
EASY = "easy first"
# A control: as many points as the classic program keeps, chosen at random.
RANDOM = "random order"
# A control: as many points as the classic program keeps, those with the largest losses.
HARD = "hard first"
# Plain training: all points in every epoch.
PLAIN = "all at once"


class Blobs(NamedTuple):
    """Points of two unit Gaussians, at (0, 0) and (3, 3); one point has the wrong label.

    Args:
        x: Coordinates of the points, float32, shape (n, 2).
        y: The labels to train on, int64, shape (n,).
        planted: Index of the point with the wrong label, which is the point farthest from (3, 3);
            -1 if no label is wrong.
    """

    x: Tensor
    y: Tensor
    planted: int


def blobs(n: int = 10_000, *, seed: int = 0, plant: bool = True) -> Blobs:
    """Draw the points: the first half has class 0, the rest class 1.

    Args:
        n: Number of points.
        seed: Seed of the points.
        plant: Give one point the wrong label.

    >>> x, y, planted = blobs(100)
    >>> int(y[planted]), int(y[:50].sum())
    (1, 1)
    """
    y = (torch.arange(n) >= n // 2).long()
    x = torch.randn(n, 2, generator=torch.Generator().manual_seed(seed)) + 3.0 * y[:, None]
    if not plant:
        return Blobs(x, y, -1)
    planted = int((x - 3.0).norm(dim=1).argmax())
    y[planted] = 1 - y[planted]
    return Blobs(x, y, planted)


class Order(Protocol):
    """The order in which samples are used: the loss of a batch, the age and the weights."""

    @property
    def age(self) -> float:
        """The age of this epoch."""
        ...

    @property
    def weight(self) -> Tensor:
        """The weights of this epoch, shape (n,)."""
        ...

    def __call__(self, log_p: Tensor, y: Tensor, index: Tensor) -> Tensor:
        """Return the loss of a batch, a scalar."""
        ...

    def grow(self) -> None:
        """End the epoch: set the age and the weights of the next one."""
        ...


class Classic:
    """Easy first with the classic loss: a threshold of 0.1 that is multiplied by 1.35 per epoch."""

    def __init__(self, data: Blobs) -> None:
        """Start with no sample kept."""
        self.criterion = SPLLoss(n_samples=len(data.y))

    @property
    def age(self) -> float:
        """The threshold of this epoch, in the unit of the loss."""
        return self.criterion.threshold

    @property
    def weight(self) -> Tensor:
        """The weights: 1 for a sample kept at its last visit, else 0; int32, shape (n,)."""
        return self.criterion.v.clone()

    def __call__(self, log_p: Tensor, y: Tensor, index: Tensor) -> Tensor:
        """Return the loss of a batch, a scalar."""
        loss: Tensor = self.criterion(log_p, y, index)
        return loss

    def grow(self) -> None:
        """End the epoch: raise the threshold."""
        self.criterion.increase_threshold()


class Control:
    """A control: each epoch keeps as many samples as another run kept, in another order.

    Args:
        data: The data to train on.
        shares: The kept share of the other run in each epoch.
        difficulty: Decides which samples come first: ``RandomOrder``, or ``Reversed`` for hard
            first.
        model: The model whose losses choose the samples of the first epoch.
    """

    def __init__(
        self, data: Blobs, shares: list[float], difficulty: Difficulty, model: nn.Module
    ) -> None:
        """Choose the samples of the first epoch."""
        age = Quantile(Recorded((1.0, *shares)))
        self.pacer = Pacer(len(data.y), age=age, difficulty=difficulty, decide="step")
        loss = F.nll_loss(model(data.x), data.y, reduction="none")
        self.pacer.observe(loss, torch.arange(len(data.y)))
        self.grow()

    @property
    def age(self) -> float:
        """The age of this epoch, in the unit of the difficulty."""
        return float(self.pacer.current_age)

    @property
    def weight(self) -> Tensor:
        """The weights of this epoch, float32, shape (n,)."""
        return self.pacer.weight.clone()

    def __call__(self, log_p: Tensor, y: Tensor, index: Tensor) -> Tensor:
        """Return the loss of a batch, a scalar."""
        loss: Tensor = self.pacer(F.nll_loss(log_p, y, reduction="none"), index)
        return loss

    def grow(self) -> None:
        """End the epoch: choose the samples of the next one."""
        with warnings.catch_warnings():  # the other run may begin with epochs that keep nothing
            warnings.filterwarnings("ignore", "All .* samples of this step had weight 0")
            self.pacer.step()


@dataclass(eq=False)
class Run:
    """A training: a frame and the test accuracy of each epoch."""

    frames: list[Frame] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)

    @property
    def shares(self) -> list[float]:
        """The kept share of each epoch."""
        return [float((torch.as_tensor(frame.weight) > 0).double().mean()) for frame in self.frames]


def linear(seed: int) -> nn.Sequential:
    """Make the linear model; the global random state does not change."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return nn.Sequential(nn.Linear(2, 2), nn.LogSoftmax(dim=1))


def order_of(name: str, data: Blobs, model: nn.Module, shares: list[float], seed: int) -> Order:
    """Make an order by its name; the controls keep the given share of the samples per epoch."""
    if name == EASY:
        return Classic(data)
    if name == RANDOM:
        return Control(data, shares, RandomOrder(seed), model)
    if name == HARD:
        return Control(data, shares, Reversed(Loss()), model)
    return Control(data, [1.0], Loss(), model)


def loader_of(data: Blobs, seed: int) -> DataLoader[list[Tensor]]:
    """Make a loader of shuffled batches of index, x and y; a batch is read by one indexing."""
    dataset = Indexed(TensorDataset(data.x, data.y))
    generator = torch.Generator().manual_seed(seed)
    batches = BatchSampler(RandomSampler(dataset, generator=generator), BATCH, drop_last=False)
    return DataLoader(dataset, batch_size=None, sampler=batches, generator=generator)


def epochs(data: Blobs, model: nn.Module, order: Order, seed: int) -> Iterator[Frame]:
    """Train without end, and yield a frame after each epoch; the caller stops the iteration."""
    loader = loader_of(data, seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
    points = torch.from_numpy(grid(data.x))
    for number in itertools.count(1):
        for index, x, y in loader:
            optimizer.zero_grad()
            order(model(x), y, index).backward()
            optimizer.step()
        with torch.no_grad():
            yield Frame(number, order.age, order.weight, model(points).exp())
        order.grow()
