"""A trained model that is asked about samples."""

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

if TYPE_CHECKING:  # what makes numbers of columns is heavy, and not needed for arrays
    from selfpaced.audit._features.fit import Features


BATCH = 1_024  # rows that a network is asked about at once
DIGITS = 6  # of a predicted number, counted from the spread of all


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained model, and how it reads samples.

    Args:
        network: A torch module, on any device, or an estimator of scikit-learn.
        features: How a sample becomes the numbers that it reads.
        names: What the user calls the classes, in the order of its outputs; None for numbers.
        scale: The middle and the spread that numbers were brought from; (0, 1) for classes.
        built: What it takes to make the network again: "network" ("mlp", "cnn", "hgb",
            "logistic" or ``package.module:factory``), "shape" of a sample, number of "outputs".
    """

    network: Any
    features: "Features"
    names: tuple[Any, ...] | None
    scale: tuple[float, float]
    built: dict[str, Any]

    def outputs(self, rows: NDArray[Any]) -> Floats:
        """Return what the model says, without dropout or gradients.

        Args:
            rows: As ``features.transform`` returns them.

        Returns:
            float64: probabilities of all classes, shape (n, C), or numbers in the user's unit,
            shape (n,).
        """
        classes = None if self.names is None else len(self.names)
        ask = _ask if isinstance(self.network, nn.Module) else answers
        middle, spread = self.scale
        return ask(self.network, rows, classes) * spread + middle

    def predict(self, source: Source) -> pd.DataFrame:
        """Say which label each sample has.

        Args:
            source: Of the kind that the model learnt from; a table may have more columns.

        Returns:
            A row per sample, in the order of the source: where it is ("row", "index" or "file"),
            ``predicted`` label, and for classes ``confidence``, its probability.

        Raises:
            ValueError: For another kind or shape, and for columns that are missing or changed.
        """
        _require_like(self.features, source)
        said = self.outputs(self.features.transform(source))
        where = {str(source.where.name): source.where.array}
        if self.names is None:
            digits = DIGITS - int(np.floor(np.log10(self.scale[1])))
            return pd.DataFrame(where | {"predicted": np.round(said, digits)})
        labels = pd.Index(list(self.names)).take(said.argmax(1))
        return pd.DataFrame(where | {"predicted": labels.array, "confidence": said.max(1)})


def answers(model: Any, rows: NDArray[Any], classes: int | None) -> Floats:
    """Return what an estimator of scikit-learn says; a class that it never saw has probability 0.

    Args:
        model: Learnt from rows of one axis, and from classes numbered from 0.
        rows: Shape (n, ...).
        classes: How many there are; None for numbers.

    Returns:
        float64, shape (n, classes) or (n,).
    """
    if classes is None:
        return np.asarray(model.predict(flat(rows)), np.float64).reshape(-1)
    said = np.zeros((len(rows), classes))
    said[:, model.classes_] = model.predict_proba(flat(rows))
    return said


def flat(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Return rows of one axis, float32; uint8 from 0 to 255 are brought to 0 to 1."""
    scaled = rows.astype(np.float32) / 255 if rows.dtype == np.uint8 else rows
    return scaled.reshape(len(rows), -1).astype(np.float32, copy=False)


@torch.no_grad()
def _ask(network: nn.Module, rows: NDArray[Any], classes: int | None) -> Floats:
    """Return what a network says, as ``answers`` does."""
    first = next(network.parameters(), None)
    device = torch.device("cpu") if first is None else first.device
    inputs, said = Rows(rows, torch.empty(len(rows))), []
    network.eval()
    for start in range(0, len(rows), BATCH):
        x, _ = inputs[start : start + BATCH]
        said.append(network(x.to(device)).float().cpu().double())
    out = torch.cat(said)
    whole = out.reshape(-1) if classes is None else out.softmax(1)[:, :classes]
    return np.asarray(whole.numpy())


def _require_like(features: "Features", source: Source) -> None:
    """Raise for a column that was learnt from and is not there, and for images of another size."""
    if source.kind != features.kind:
        return  # which ``Features.transform`` tells
    if isinstance(source.features, pd.DataFrame):
        for name in getattr(features.maker, "columns", ()):
            lacking = f"{source.path} lacks what the model learnt from"
            require_column(lacking, name, source.features.columns)
    elif source.kind == "images":
        new = source.features.shape[1:]
        sizes = [
            f"{width} x {height} pixels, {'grey' if channels == 1 else 'in colour'}"
            for channels, height, width in (getattr(features.maker, "shape", new), new)
        ]
        require(
            sizes[0] == sizes[1],
            f"The model learnt from images of {sizes[0]}; those of {source.path} are {sizes[1]}. "
            f"Make them alike.",
        )
