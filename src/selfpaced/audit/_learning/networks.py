"""The networks of an audit: two of ours, and the user's own."""

import importlib
from collections.abc import Callable
from math import prod

from torch import nn

from selfpaced._errors import require
from selfpaced.audit._learning.machine import Dropout

HIDDEN = 256
MANY = 100  # features; so many stand in for each other

Make = Callable[[tuple[int, ...], int], nn.Module]  # of a sample's shape and the number of outputs


def mlp(shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Make two hidden layers with dropout, slow to learn labels by heart.

    Args:
        shape: Of a sample.
        outputs: Number of classes; 1 for numbers.
    """
    features = prod(shape)
    return nn.Sequential(
        *(nn.Flatten(), Dropout(0.3 if features >= MANY else 0.0)),
        *(nn.Linear(features, HIDDEN), nn.ReLU(), Dropout(0.5)),
        *(nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), Dropout(0.5)),
        nn.Linear(HIDDEN, outputs),
    )


def cnn(shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Make three convolutions and a hidden layer, for images of 8 pixels a side or more.

    Args:
        shape: (channels, height, width) of an image.
        outputs: Number of classes.
    """
    require(
        len(shape) == 3 and min(shape[1:]) >= 8,
        f"The CNN expects images (channels, height, width) of 8 pixels a side or more; got "
        f"{shape}. Give a model of your own.",
    )
    return nn.Sequential(
        *(nn.Conv2d(shape[0], 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4)),
        *(nn.Flatten(), Dropout(0.3), nn.Linear(64 * 16, 128), nn.ReLU(), Dropout(0.3)),
        nn.Linear(128, outputs),
    )


def build(name: str, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Make the network of a name.

    Args:
        name: "mlp", "cnn", or ``package.module:factory`` of the user's.
        shape: Of a sample.
        outputs: Number of classes; 1 for numbers.

    Raises:
        ValueError: As ``cnn`` and ``factory`` do, for a factory that fails, and for one that makes
            no torch module.
    """
    ours: dict[str, Make] = {"mlp": mlp, "cnn": cnn}
    if name in ours:
        return ours[name](shape, outputs)
    make = factory(name)
    try:
        network = make(shape, outputs)
    except Exception as error:
        raise ValueError(
            f"The model {name} could not be made of {shape} and {outputs}: {error!r}"
        ) from error
    require(
        isinstance(network, nn.Module),
        f"The model {name} must return a torch module; it returned {type(network).__name__}.",
    )
    return network


def factory(name: str) -> Make:
    """Return the function ``package.module:factory`` of the user's.

    Raises:
        ValueError: For a name of another form, and for what cannot be imported or called.
    """
    module, _, function = name.partition(":")
    require(
        bool(module and function),
        f"--model expects package.module:factory; got {name!r}. The factory takes a sample's shape "
        f"and the number of outputs, and returns a torch module.",
    )
    try:
        make = getattr(importlib.import_module(module), function)
    except Exception as error:  # it is the user's code that runs
        raise ValueError(
            f"The model {name} cannot be imported: {error}. Is its folder on PYTHONPATH?"
        ) from error
    require(callable(make), f"The model {name} is no function; got {type(make).__name__}.")
    return make  # type: ignore[no-any-return]  # what it returns is the user's promise
