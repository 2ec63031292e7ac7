"""Digits with wrong labels: compare plain training, self-paced training and clean labels."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced.audit._reading.idx import read_pair

# The number of images per batch.
BATCH = 128
# The learning rate of Adam.
LEARNING_RATE = 1e-3
# Units of each hidden layer.
HIDDEN = 256
# The number of test images among scikit-learn's 1,797 digits.
TEST_IMAGES = 600
# The number of suspects that are checked and written.
SUSPECTS = 100
# The training on the given labels, some of them wrong, with the mean loss.
PLAIN = "plain"
# The training on the same labels with a pacer.
PACED = "self-paced"
# The training on the true labels, which shows what is possible.
CLEAN = "trained on clean labels"
# The names of the trainings, in the order in which they run.
NAMES = (PLAIN, PACED, CLEAN)

# Called after each epoch with the name of the training and its test accuracy.
Watch = Callable[[str, float], None]


class Split(NamedTuple):
    """Images, float32 in [0, 1] where 1 is ink, shape (n, height, width); labels, int64, (n,)."""

    images: Tensor
    labels: Tensor


class Data(NamedTuple):
    """A data set with a training and a test part."""

    name: str
    train: Split
    test: Split

    @property
    def n_classes(self) -> int:
        """The number of classes; labels are numbered from 0."""
        return 1 + int(max(self.train.labels.max(), self.test.labels.max()))


@dataclass
class Run:
    """One training, with its results.

    Args:
        name: Name of the training.
        model: The network.
        pacer: The pacer; None for plain training.
        accuracies: Test accuracy after each epoch.
        seconds: Duration of the training.
        right: Which test images the model predicts correctly after the last epoch, bool, (n,).
    """

    name: str
    model: nn.Module
    pacer: Pacer | None = None
    accuracies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    right: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.bool))


@dataclass(frozen=True)
class Comparison:
    """Three trainings with the same initial weights.

    Args:
        data: The images with the true labels.
        given: The labels that ``plain`` and ``paced`` were trained on, int64, shape (n,).
        plain: Plain training on the given labels.
        paced: Self-paced training on the given labels.
        clean: Plain training on the true labels.
    """

    data: Data
    given: Tensor
    plain: Run
    paced: Run
    clean: Run

    @property
    def runs(self) -> tuple[Run, Run, Run]:
        """The trainings in the order of the table."""
        return self.plain, self.paced, self.clean

    @property
    def pacer(self) -> Pacer:
        """The pacer of the self-paced training."""
        if self.paced.pacer is None:
            raise ValueError("This comparison has no self-paced run. Pass a Run with a pacer.")
        return self.paced.pacer

    @property
    def planted(self) -> Tensor:
        """Which given labels are not the true ones, bool, shape (n,)."""
        return self.given != self.data.train.labels

    @property
    def suspects(self) -> Tensor:
        """The first 100 suspects, int64, most suspicious first."""
        return self.pacer.suspects(SUSPECTS)


def from_scikit_learn() -> Data:
    """Load scikit-learn's 1,797 digits of 8 x 8 pixels; the test set is always the same 600.

    Raises:
        ModuleNotFoundError: If scikit-learn is not installed; the message names the extra.
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as missing:
        message = 'The digits come with scikit-learn: pip install "selfpaced[sklearn]"'
        raise ModuleNotFoundError(message, name=missing.name) from missing
    bunch = load_digits()
    every = _split(bunch.images, bunch.target, largest=16)
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(every.labels)))
    test, train = order[:TEST_IMAGES], order[TEST_IMAGES:]
    parts = [Split(every.images[part], every.labels[part]) for part in (train, test)]
    return Data("scikit-learn digits", *parts)


def from_folder(folder: Path, limit: int) -> Data:
    """Load idx files with the names of MNIST's, but only the first ``limit`` training images.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is damaged, or if training and test images differ in size.
    """
    images, labels = read_pair(folder, "train")
    train = _split(images[:limit], labels[:limit], largest=255)
    test = _split(*read_pair(folder, "t10k"), largest=255)
    sizes = [tuple(part.images.shape[1:]) for part in (train, test)]
    require(
        sizes[0] == sizes[1],
        f"{folder}: training and test images must be of one size; got {sizes[0]} and {sizes[1]}.",
    )
    return Data(folder.resolve().name, train, test)


def compare(data: Data, given: Tensor, *, epochs: int, seed: int, watch: Watch) -> Comparison:
    """Train on the given labels, plain and self-paced, and on the true labels, plain.

    Args:
        data: Images, true labels and the test set.
        given: The labels to train on, some of them wrong, int64, shape (n,).
        epochs: Number of epochs of each training.
        seed: Seed of the initial weights and of the order of the images, which are the same in
            all three trainings.
        watch: Called after each epoch with the name of the training and its test accuracy.
    """
    noisy = Split(data.train.images, given)
    pacer = Pacer(len(given), columns={"group": given})
    plain = Run(PLAIN, network(data, seed))
    paced = Run(PACED, network(data, seed), pacer)
    clean = Run(CLEAN, network(data, seed))
    for run, train in ((plain, noisy), (paced, noisy), (clean, data.train)):
        _train(run, train, data.test, epochs, seed, watch)
    return Comparison(data, given, plain, paced, clean)


def network(data: Data, seed: int) -> nn.Module:
    """Make an MLP with two hidden layers; the global random state does not change."""
    pixels = data.train.images[0].numel()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return nn.Sequential(
            nn.Flatten(),
            *(nn.Linear(pixels, HIDDEN), nn.ReLU()),
            *(nn.Linear(HIDDEN, HIDDEN), nn.ReLU()),
            nn.Linear(HIDDEN, data.n_classes),
        )


def predict(model: nn.Module, images: Tensor) -> Tensor:
    """Return the model's label for each image, int64, shape (n,)."""
    with torch.no_grad():
        return torch.cat([model(part).argmax(1) for part in torch.split(images, 1000)])


def _train(run: Run, train: Split, test: Split, epochs: int, seed: int, watch: Watch) -> None:
    """Train one network; with a pacer, three lines differ from the plain loop."""
    model, pacer = run.model, run.pacer
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        start = time.perf_counter()
        for index, x, y in _batches(train, generator):
            loss = F.cross_entropy(model(x), y, reduction="none")
            loss = pacer(loss, index) if pacer is not None else loss.mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if pacer is not None:
            pacer.step()
        run.seconds += time.perf_counter() - start
        run.right = predict(model, test.images) == test.labels
        run.accuracies.append(run.right.float().mean().item())
        watch(run.name, run.accuracies[-1])


def _batches(split: Split, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield the batches of one shuffled epoch: index, images and labels."""
    order = torch.randperm(len(split.labels), generator=generator)
    for index in torch.split(order, BATCH):
        yield index, split.images[index], split.labels[index]


def _split(images: NDArray[np.generic], labels: NDArray[np.generic], largest: int) -> Split:
    """Return images with grey values from 0 to ``largest``, and labels, as tensors."""
    pixels = torch.from_numpy(images.astype(np.float32) / largest)
    return Split(pixels, torch.from_numpy(labels.astype(np.int64)))
