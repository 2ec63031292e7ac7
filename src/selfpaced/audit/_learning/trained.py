"""A trained model, and its predictions for samples that were read from a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from selfpaced._errors import require
from selfpaced.audit._learning.batches import Rows
from selfpaced.audit._learning.inputs import Inputs
from selfpaced.audit._learning.mixture import Blend
from selfpaced.audit._reading.source import Source
from selfpaced.audit._reading.tables.columns import require_column
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
        model: The mixture of the models that were trained; a network alone is a mixture of one.
        features: How a sample becomes the numbers that the model takes.
        names: The user's names of the classes, in the order of the outputs; None for numbers.
        scale: The center and the spread of the labels, where they are numbers: an output of the
            model times the spread, plus the center, is a number in the user's unit. (0, 1) for
            classes.
        built: What is needed to build the model again: the "members" of the mixture and their
            "shares" (weight and exponent; None for a single one), the "network" ("mlp", "cnn" or
            ``package.module:factory``), its number of "folds", the "shape" of a sample and the
            number of "outputs".
        folder: The folder that it was loaded from; None for a model that was trained just now.
    """

    model: Blend
    features: "Features"
    names: tuple[Any, ...] | None
    scale: tuple[float, float]
    built: dict[str, Any]
    folder: Path | None = None

    def outputs(self, inputs: Inputs) -> Floats:
        """Return the predictions of the model, without dropout or gradients.

        Args:
            inputs: Samples as ``features.inputs`` returns them.

        Returns:
            float64: probabilities of all classes, shape (n, C), or numbers in the user's unit,
            shape (n,).
        """
        center, spread = self.scale
        with _sound(self.folder):
            return self.model.predict(inputs, self._classes) * spread + center

    @property
    def _classes(self) -> int | None:
        """The number of classes; None for numbers."""
        return None if self.names is None else len(self.names)

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
        return self.table(source, self.outputs(self.inputs(source)))

    def inputs(self, source: Source) -> Inputs:
        """Return samples as the model reads them.

        Raises:
            ValueError: As ``predict`` does.
        """
        with _sound(self.folder):
            _require_like(self.features, source)
            return self.features.inputs(source)

    def table(self, source: Source, outputs: Floats) -> pd.DataFrame:
        """Return what ``predict`` returns, from ``outputs`` of the samples."""
        where = {str(source.where.name): source.where.array}
        if self.names is None:
            digits = DIGITS - int(np.floor(np.log10(self.scale[1])))
            return pd.DataFrame(where | {"predicted": np.round(outputs, digits)})
        labels = pd.Index(list(self.names)).take(outputs.argmax(1))
        return pd.DataFrame(where | {"predicted": labels.array, "confidence": outputs.max(1)})


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network as a member of a ``Blend``.

    Args:
        module: The network, on any device.
    """

    module: nn.Module

    @torch.no_grad()
    def predict(self, inputs: Inputs, classes: int | None) -> Floats:
        """Return its predictions.

        Args:
            inputs: The samples; their dense numbers are read.
            classes: Number of classes C; None for numbers.

        Returns:
            float64: probabilities, shape (n, C), or numbers, shape (n,).
        """
        first = next(self.module.parameters(), None)
        device = torch.device("cpu") if first is None else first.device
        n = len(inputs)
        rows, batches = Rows(inputs.dense, torch.empty(n)), []
        self.module.eval()
        for start in range(0, n, BATCH):
            x, _ = rows[start : start + BATCH]
            batches.append(self.module(x.to(device)).float().cpu().double())
        out = torch.cat(batches)
        wanted = out.reshape(-1) if classes is None else out.softmax(1)[:, :classes]
        return np.asarray(wanted.numpy())


@contextmanager
def _sound(folder: Path | None) -> Iterator[None]:
    """Turn the errors of a loaded model whose parts do not fit each other into one line."""
    try:
        yield
    except (OSError, ImportError, MemoryError):
        raise
    except Exception as error:  # whoever changed the files chooses what is raised
        ours = isinstance(error, ValueError) and "\n" not in str(error)
        if folder is None or ours:
            raise
        reason = " ".join(str(error).split())
        raise ValueError(
            f"The model in {folder} cannot read these samples ({type(error).__name__}: {reason}). "
            f"Was a file of the folder changed?"
        ) from error


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
