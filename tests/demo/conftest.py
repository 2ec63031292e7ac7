"""A small comparison that several tests of the demo share."""

from collections.abc import Callable

import pytest
import torch

from selfpaced._demo import noise
from selfpaced._demo.digits import Comparison, Data, Split, compare

Compared = Callable[[float, int], Comparison]


@pytest.fixture(scope="session")
def tiny() -> Data:
    """Return images of 4 x 4 pixels in three classes; the class is the row that is bright."""
    labels = torch.arange(240) % 3
    images = torch.rand(240, 4, 4, generator=torch.Generator().manual_seed(0)) / 2
    images[torch.arange(240), labels] += 0.5
    return Data("tiny", Split(images[:180], labels[:180]), Split(images[180:], labels[180:]))


@pytest.fixture(scope="session")
def compared(tiny: Data) -> Compared:
    """Return a function of the share of wrong labels and of epochs that trains on the tiny data."""

    def comparison(share: float, epochs: int) -> Comparison:
        given = torch.from_numpy(noise.symmetric(tiny.train.labels.numpy(), share, 3))
        return compare(tiny, given, epochs=epochs, seed=0, watch=lambda name, accuracy: None)

    return comparison
