"""The networks of an audit: an MLP, a CNN, and networks of the user."""

import copy
import importlib
from collections.abc import Callable
from math import prod

import torch
from torch import Tensor, distributed, nn

from selfpaced._errors import require
from selfpaced.audit._learning.machine import Dropout

# Units of each hidden layer of the MLP.
HIDDEN = 256
# From this number of features on, the MLP also drops inputs: many features are redundant.
MANY_FEATURES = 100
# The least height and width, in pixels, of images for the CNN: it halves both twice.
LEAST_PIXELS = 8

# Makes a network from the shape of a sample and the number of outputs.
Make = Callable[[tuple[int, ...], int], nn.Module]


def mlp(shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Make a network of two hidden layers with dropout, which slows down memorising labels.

    Args:
        shape: Shape of a sample.
        outputs: Number of classes; 1 for numbers.
    """
    features = prod(shape)
    return nn.Sequential(
        *(nn.Flatten(), Dropout(0.3 if features >= MANY_FEATURES else 0.0)),
        *(nn.Linear(features, HIDDEN), nn.ReLU(), Dropout(0.5)),
        *(nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), Dropout(0.5)),
        nn.Linear(HIDDEN, outputs),
    )


def cnn(shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Make a network of three convolutions and a hidden layer, for images of at least 8 x 8 pixels.

    Args:
        shape: (channels, height, width) of an image.
        outputs: Number of classes.

    Raises:
        ValueError: For another shape, and for smaller images.
    """
    require(
        len(shape) == 3 and min(shape[1:]) >= LEAST_PIXELS,
        f"The CNN expects images, shape (channels, height, width), of {LEAST_PIXELS} pixels a "
        f"side or more; got {shape}. Use a model of your own.",
    )
    return nn.Sequential(
        *(nn.Conv2d(shape[0], 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4)),
        *(nn.Flatten(), Dropout(0.3), nn.Linear(64 * 16, 128), nn.ReLU(), Dropout(0.3)),
        nn.Linear(128, outputs),
    )


# The networks that are not code of the user, by their names.
BUILT_IN: dict[str, Make] = {"mlp": mlp, "cnn": cnn}


class Copies(nn.Module):
    """Copies of a network, each of which leaves out one fold of the rows; predicts their mean.

    Args:
        network: The network that is copied, with its weights.
        count: Number of copies, 2 or more.

    >>> copies = Copies(nn.Linear(4, 3), 2)
    >>> learned, held_out = copies(torch.ones(5, 4), 1)
    >>> learned.shape, held_out.shape, copies(torch.ones(5, 4)).shape
    (torch.Size([1, 5, 3]), torch.Size([5, 3]), torch.Size([5, 3]))
    """

    def __init__(self, network: nn.Module, count: int) -> None:
        """Copy the network."""
        super().__init__()
        self.networks = nn.ModuleList(copy.deepcopy(network) for _ in range(count))

    def forward(
        self, x: Tensor, fold: int | None = None, learned: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Return outputs for rows.

        Args:
            x: The rows, shape (B, ...).
            fold: The fold of all rows; None where they belong to none.
            learned: The same rows as the copies of other folds learn them, such as shifted images;
                None for ``x``.

        Returns:
            With a fold, the logits of all copies but its own, shape (copies - 1, B, classes), with
            gradients, and those of its own copy in eval mode, shape (B, classes), without. Without
            a fold, logits of the mean probabilities, shape (B, classes).
        """
        if fold is None:
            mean = torch.stack([network(x).softmax(1) for network in self.networks]).mean(0)
            return mean.log()
        own = self.networks[fold].eval()
        with torch.no_grad():
            held_out = own(x)
        own.train()
        others = [network for network in self.networks if network is not own]
        seen = x if learned is None else learned
        out = torch.stack([network(seen) for network in others])
        if distributed.is_available() and distributed.is_initialized():
            # DistributedDataParallel expects every parameter in the graph.
            out = out + sum(0 * parameter.sum() for parameter in own.parameters())
        return out, held_out


def build(name: str, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Make a network by its name.

    Args:
        name: "mlp", "cnn", or ``package.module:factory`` of the user.
        shape: Shape of a sample.
        outputs: Number of classes; 1 for numbers.

    Raises:
        ValueError: For the reasons of ``cnn`` and ``factory``, for a factory that fails, and for
            one that does not return a torch module.
    """
    if name in BUILT_IN:
        return BUILT_IN[name](shape, outputs)
    make = factory(name)
    try:
        network = make(shape, outputs)
    except Exception as error:  # the user's code runs: any exception may come
        raise ValueError(
            f"The model {name} could not be made for samples of shape {shape} and {outputs} "
            f"outputs: {error!r}"
        ) from error
    require(
        isinstance(network, nn.Module),
        f"The model {name} must return a torch module; it returned {type(network).__name__}.",
    )
    return network


def factory(name: str) -> Make:
    """Import the function ``package.module:factory`` of the user.

    Raises:
        ValueError: For a name of another form, and for a name that cannot be imported or called.
    """
    module, _, function = name.partition(":")
    require(
        bool(module and function),
        f"model=... expects package.module:factory; got {name!r}. The factory takes the shape of a "
        f"sample and the number of outputs, and returns a torch module.",
    )
    try:
        make = getattr(importlib.import_module(module), function)
    except Exception as error:  # the user's code runs: any exception may come
        raise ValueError(
            f"The model {name} cannot be imported: {error}. Is its folder on PYTHONPATH?"
        ) from error
    require(callable(make), f"The model {name} is not a function; got {type(make).__name__}.")
    return make  # type: ignore[no-any-return]  # the user has to return a module; ``build`` checks
