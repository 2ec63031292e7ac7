"""A space in which samples that the model takes for alike are near each other."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from selfpaced.audit._learning.batches import Rows
from selfpaced.audit._learning.inputs import Inputs, flat
from selfpaced.audit._learning.networks import Copies
from selfpaced.audit._learning.trained import Network, Trained
from selfpaced.chain import Floats

# The largest number of dimensions of the space.
DIMENSIONS = 50
# Rows per forward pass.
BATCH = 1_024
# How far the covariance within classes is shrunk towards a sphere; and the least part of the
# covariance between classes that is added to it, where samples of a class are all equal.
SHRINKAGE, TINY = 0.1, 1e-6
# The largest number of samples from which a projection is computed; it is applied to all.
MOST_ROWS = 20_000


def space(trained: Trained, inputs: Inputs) -> NDArray[np.float32]:
    """Return a place of each sample, shape (n, d) with d of 50 at most.

    For images it is what the last layer of the network reads; for other samples, the features. More
    dimensions than 50 are reduced by principal components.

    Args:
        trained: The model of the run.
        inputs: The samples as learners read them, n of them.
    """
    network = trained.model.members.get("network")
    rows = None
    if inputs.dense.ndim > 2 and isinstance(network, Network):
        rows = last_inputs(network.module, inputs.dense)
    rows = flat(inputs.dense) if rows is None else rows
    return reduced(rows, DIMENSIONS) if rows.shape[1] > DIMENSIONS else rows


@torch.no_grad()
def last_inputs(network: nn.Module, rows: NDArray[Any]) -> NDArray[np.float32] | None:
    """Return what the last linear layer of a network reads, shape (n, d); None without one.

    Args:
        network: The network; of several copies, the first one is asked.
        rows: The samples, shape (n, ...).
    """
    module = network.networks[0] if isinstance(network, Copies) else network
    seen: list[Tensor] = []
    hooks = [
        layer.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        for layer in module.modules()
        if isinstance(layer, nn.Linear)
    ]
    parts, data = [], Rows(rows, torch.empty(len(rows)))
    device = next((each.device for each in module.parameters()), torch.device("cpu"))
    module.eval()
    try:
        for start in range(0, len(rows), BATCH):
            seen.clear()
            module(data[start : start + BATCH][0].to(device))
            if not seen or seen[-1].ndim != 2:
                return None
            parts.append(seen[-1].float().cpu().numpy())
    finally:
        for hook in hooks:
            hook.remove()
    return np.concatenate(parts)


def reduced(rows: NDArray[np.float32], dimensions: int) -> NDArray[np.float32]:
    """Return rows on their first principal components, shape (n, dimensions).

    The components are those of 20,000 rows at most, spread over all.
    """
    # Not at the top: scikit-learn is slow to import.
    from sklearn.decomposition import PCA

    some = rows[:: max(1, len(rows) // MOST_ROWS)]
    kept = min(dimensions, *some.shape)
    with np.errstate(invalid="ignore"):  # equal rows have no variance to take shares of
        components = PCA(kept, svd_solver="randomized", random_state=0).fit(some)
    return np.asarray(components.transform(rows))


def flattened(rows: NDArray[np.float32], predicted: NDArray[Any], *, numeric: bool) -> Floats:
    """Return rows on the two axes that separate best what a model predicts, shape (n, 2).

    Of numbers, and of two classes, the second axis is the first principal component of what the
    first axis does not show.

    Args:
        rows: Places of the samples, shape (n, d).
        predicted: The class of each as the model predicts it, in integers, or its number.
        numeric: Whether numbers are predicted.
    """
    every = slice(None, None, max(1, len(rows) // MOST_ROWS))
    axes = _separating(rows[every].astype(np.float64), predicted[every], numeric=numeric)
    if axes.shape[1] < 2:
        axes = _with_component(rows[every].astype(np.float64), axes)
    return np.asarray((rows @ axes.astype(np.float32)).astype(np.float64))


def _separating(rows: Floats, predicted: NDArray[Any], *, numeric: bool) -> Floats:
    """Return the axes that separate predictions, shape (d, 2), (d, 1) or (d, 0).

    Of classes they are those of a linear discriminant analysis whose covariance within the classes
    is shrunk towards that of a sphere; of numbers it is the direction of the covariance with them.
    """
    centered = rows - rows.mean(0)
    if numeric:
        axis = centered.T @ (predicted - predicted.mean())
        return axis[:, None] if np.abs(axis).max() > 0 else np.empty((rows.shape[1], 0))
    _, codes, sizes = np.unique(predicted, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        return np.empty((rows.shape[1], 0))
    means = np.zeros((len(sizes), rows.shape[1]))
    np.add.at(means, codes, centered)
    means /= sizes[:, None]
    inside = centered - means[codes]
    within, between = inside.T @ inside, (means * sizes[:, None]).T @ means
    sphere = (np.trace(within) + TINY * np.trace(between)) / len(within) or 1.0
    shrunk = (1 - SHRINKAGE) * within + SHRINKAGE * sphere * np.eye(len(within))
    squares, vectors = np.linalg.eigh(shrunk)
    whitened = vectors / np.sqrt(squares)
    _, best = np.linalg.eigh(whitened.T @ between @ whitened)
    return np.asarray(whitened @ best[:, ::-1][:, : min(2, len(sizes) - 1)])


def _with_component(rows: Floats, axes: Floats) -> Floats:
    """Return axes with principal components of what they do not show, two in all."""
    rows = rows - rows.mean(0)
    basis = np.linalg.qr(axes)[0]
    rest = rows - rows @ basis @ basis.T
    _, vectors = np.linalg.eigh(rest.T @ rest)
    both = np.hstack([axes, vectors[:, ::-1][:, : min(2, len(axes)) - axes.shape[1]]])
    return np.pad(both, ((0, 0), (0, 2 - both.shape[1])))
