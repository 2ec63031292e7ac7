"""The image tasks: MNIST and Fashion-MNIST, their networks, label noise and test accuracy."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.shared import data
from selfpaced._demo import noise

BATCH = 128  # Samples in a batch.
LEARNING_RATE = 1e-3  # Learning rate of Adam.
CLASSES = 10  # Classes of MNIST and of Fashion-MNIST.
# Share of wrong labels by noise: symmetric (any other class) or pairs (the next class).
WRONG_SHARE = {"clean": 0.0, "sym20": 0.2, "sym40": 0.4, "sym60": 0.6, "pair30": 0.3}


@dataclass(frozen=True)
class Setting:
    """A data set, the number of its first training images to use, and the number of epochs.

    With ``shift`` each image is moved by up to so many pixels in both directions at each visit.
    """

    source: data.Source
    n_train: int
    epochs: int
    shift: int = 0


# The settings by name; `network` makes the network of a setting.
SETTINGS = {
    "mnist": Setting(data.MNIST, n_train=4_000, epochs=30),
    "mnist-shifts": Setting(data.MNIST, n_train=4_000, epochs=30, shift=2),
    "fashion": Setting(data.FASHION, n_train=20_000, epochs=15),
    "fashion-mlp": Setting(data.FASHION, n_train=20_000, epochs=15),
}


def network(setting: str) -> nn.Sequential:
    """Make an MLP, or a small CNN for the setting "fashion"; the input has shape (batch, 784)."""
    if setting != "fashion":
        return nn.Sequential(
            *(nn.Linear(784, 256), nn.ReLU()),
            *(nn.Linear(256, 256), nn.ReLU()),
            nn.Linear(256, CLASSES),
        )
    return nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Flatten(),
        *(nn.Linear(32 * 7 * 7, 128), nn.ReLU()),
        nn.Linear(128, CLASSES),
    )


def with_features(model: nn.Sequential, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the logits, and the activations of the hidden linear layers side by side."""
    hidden = []
    for layer in model:
        x = layer(x)
        if isinstance(layer, nn.ReLU) and x.ndim == 2:
            hidden.append(x)
    return x, torch.cat(hidden, 1)


def shifted(images: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Return images (batch, 784), each moved by up to ``most`` pixels; 0 moves in at the edges."""
    if most == 0:
        return images
    padded = nn.functional.pad(images.view(-1, 28, 28), (most,) * 4)
    n, side = len(images), torch.arange(28)
    down, right = torch.randint(2 * most + 1, (2, n, 1), generator=generator)
    rows, columns = (down + side)[:, :, None], (right + side)[:, None, :]
    return padded[torch.arange(n)[:, None, None], rows, columns].flatten(1)


def corrupt(labels: Tensor, kind: str, seed: int) -> Tensor:
    """Return the labels with a noise of `WRONG_SHARE`; the result depends on the seed only."""
    if kind == "clean":
        return labels
    make = noise.pair if kind.startswith("pair") else noise.symmetric
    wrong = make(labels.numpy(), WRONG_SHARE[kind], CLASSES, seed=seed)
    return torch.as_tensor(wrong)


def corrupted(setting: str, kind: str, seed: int) -> tuple[data.Split, NDArray[np.bool]]:
    """Return the training part of a setting with noisy labels, and a mask of the wrong labels."""
    source, n_train = SETTINGS[setting].source, SETTINGS[setting].n_train
    clean = data.read(source, "train", n_train)
    noisy = corrupt(clean.labels, kind, seed)
    return data.Split(clean.images, noisy), (noisy != clean.labels).numpy()


@torch.no_grad()
def accuracy(model: nn.Module, test: data.Split) -> float:
    """Return the share of test images that the model classifies correctly."""
    hits = [
        (model(images).argmax(1) == labels).sum()
        for images, labels in zip(
            torch.split(test.images, 250), torch.split(test.labels, 250), strict=True
        )
    ]
    return int(torch.stack(hits).sum()) / len(test.labels)
