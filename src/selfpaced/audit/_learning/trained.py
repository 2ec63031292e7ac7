"""A trained model, and its predictions for samples that were read from a file."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from selfpaced._errors import require
from selfpaced.audit._learning.batches import Rows
from selfpaced.audit._reading.columns import require_column
from selfpaced.audit._reading.source import Source
from selfpaced.chain import Floats

if TYPE_CHECKING:  # the import is slow, and audits of arrays do not need it
    from selfpaced.audit._features.fit import Features


# Rows per forward pass when a network predicts.
BATCH = 1_024
# Digits of a predicted number, counted from the leading digit of the spread of the labels.
DIGITS = 6


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained model, with what is needed to read samples for it.

    Args:
        network: A torch module, on any device, or a scikit-learn estimator.
        features: How a sample becomes the numbers that the model takes.
        names: The user's names of the classes, in the order of the outputs; None for numbers.
        scale: The center and the spread of the labels, where they are numbers: an output of the
            model times the spread, plus the center, is a number in the user's unit. (0, 1) for
            classes.
        built: What is needed to build the network again: "network" ("mlp", "cnn", "hgb",
            "logistic" or ``package.module:factory``), "shape" of a sample, number of "outputs".
    """

    network: Any
    features: "Features"
    names: tuple[Any, ...] | None
    scale: tuple[float, float]
    built: dict[str, Any]

    def outputs(self, rows: NDArray[Any]) -> Floats:
        """Return the predictions of the model, without dropout or gradients.

        Args:
            rows: Numbers as ``features.transform`` returns them.

        Returns:
            float64: probabilities of all classes, shape (n, C), or numbers in the user's unit,
            shape (n,).
        """
        classes = None if self.names is None else len(self.names)
        predict = _network_outputs if isinstance(self.network, nn.Module) else estimator_outputs
        center, spread = self.scale
        return predict(self.network, rows, classes) * spread + center

    def predict(self, source: Source) -> pd.DataFrame:
        """Predict the label of each sample.

        Args:
            source: Samples of the same kind as those of the training; a table may have more
                columns.

        Returns:
            A row per sample, in the order of the source: its place ("row", "index" or "file"),
            the ``predicted`` label, and for classes ``confidence``, the probability of that label.

        Raises:
            ValueError: For samples of another kind or shape, and for columns that are missing or
                changed.
        """
        _require_like(self.features, source)
        outputs = self.outputs(self.features.transform(source))
        where = {str(source.where.name): source.where.array}
        if self.names is None:
            digits = DIGITS - int(np.floor(np.log10(self.scale[1])))
            return pd.DataFrame(where | {"predicted": np.round(outputs, digits)})
        labels = pd.Index(list(self.names)).take(outputs.argmax(1))
        return pd.DataFrame(where | {"predicted": labels.array, "confidence": outputs.max(1)})


def estimator_outputs(model: Any, rows: NDArray[Any], classes: int | None) -> Floats:
    """Return the predictions of a scikit-learn estimator.

    A class that the estimator was not fitted to has probability 0.

    Args:
        model: An estimator for rows of shape (n, features) and for classes numbered from 0.
        rows: Shape (n, ...).
        classes: Number of classes C; None for numbers.

    Returns:
        float64: probabilities, shape (n, C), or numbers, shape (n,).
    """
    if classes is None:
        return np.asarray(model.predict(flat(rows)), np.float64).reshape(-1)
    probabilities = np.zeros((len(rows), classes))
    probabilities[:, model.classes_] = model.predict_proba(flat(rows))
    return probabilities


def flat(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Return the rows as float32 of shape (n, features); uint8 values are divided by 255."""
    scaled = rows.astype(np.float32) / 255 if rows.dtype == np.uint8 else rows
    return scaled.reshape(len(rows), -1).astype(np.float32, copy=False)


@torch.no_grad()
def _network_outputs(network: nn.Module, rows: NDArray[Any], classes: int | None) -> Floats:
    """Return the predictions of a network, in the form of ``estimator_outputs``."""
    first = next(network.parameters(), None)
    device = torch.device("cpu") if first is None else first.device
    inputs, batches = Rows(rows, torch.empty(len(rows))), []
    network.eval()
    for start in range(0, len(rows), BATCH):
        x, _ = inputs[start : start + BATCH]
        batches.append(network(x.to(device)).float().cpu().double())
    out = torch.cat(batches)
    wanted = out.reshape(-1) if classes is None else out.softmax(1)[:, :classes]
    return np.asarray(wanted.numpy())


def _require_like(features: "Features", source: Source) -> None:
    """Raise for a missing column that the model was trained on, and for images of another size."""
    if source.kind != features.kind:
        return  # ``Features.transform`` raises for this
    if isinstance(source.features, pd.DataFrame):
        for name in getattr(features.maker, "columns", ()):
            lacking = f"{source.path} lacks a column that the model was trained on"
            require_column(lacking, name, source.features.columns)
    elif source.kind == "images":
        new = source.features.shape[1:]
        sizes = [
            f"{width} x {height} pixels, {'grey' if channels == 1 else 'in colour'}"
            for channels, height, width in (getattr(features.maker, "shape", new), new)
        ]
        require(
            sizes[0] == sizes[1],
            f"The model was trained on images of {sizes[0]}; those of {source.path} are "
            f"{sizes[1]}. Convert them to the size and the colours of the training.",
        )
