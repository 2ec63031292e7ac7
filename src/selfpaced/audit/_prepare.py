"""From samples that were read to the numbers and labels that a model is trained on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfpaced._errors import require
from selfpaced.audit._features.fit import Features, fit
from selfpaced.audit._features.table import Encoder
from selfpaced.audit._learning import aims
from selfpaced.audit._learning.inputs import Inputs
from selfpaced.audit._reading import Source
from selfpaced.audit._reading.memory import require_memory
from selfpaced.audit._reading.words import count

# The largest finite float32.
LARGEST = float(np.finfo(np.float32).max)
# Distance between the quartiles of a normal distribution, in standard deviations.
NORMAL_QUARTILES = 1.349
# The number of bytes that a training needs at its peak for a class of a sample: several kinds of
# models keep a probability of each, and the mixture and its judge make copies.
BYTES_PER_PROBABILITY = 64


@dataclass(frozen=True, eq=False)
class Prepared:
    """Samples as numbers, and their labels as a model learns them.

    Args:
        source: The samples as they were read.
        features: How a sample becomes numbers.
        inputs: The samples as learners read them.
        labels: int64 classes from 0, or float32 numbers that were shifted and scaled by ``scale``;
            shape (n,).
        aim: Whether classes or numbers are learned.
        names: The user's names of the classes; None for numbers.
        scale: The center and the unit of the labels, where they are numbers: a label is
            (number - center) / unit. (0, 1) for classes.
        notes: Remarks about the samples and the features, one sentence each.
    """

    source: Source
    features: Features
    inputs: Inputs
    labels: Tensor
    aim: aims.Classes | aims.Numbers
    names: pd.Index | None
    scale: tuple[float, float]
    notes: tuple[str, ...]


def prepare(source: Source, text_model: Path | None = None, memory: int | None = None) -> Prepared:
    """Turn samples and their labels into numbers.

    Args:
        source: The samples as they were read.
        text_model: Folder of a transformers model that turns text into numbers.
        memory: Bytes that may be used. None: the free memory.

    Raises:
        ValueError: If more memory is needed, and for a text model where there is no text.
        FileNotFoundError: If the folder of the text model does not exist.
        ModuleNotFoundError: For ``text_model`` without transformers.
    """
    features, inputs, notes = fit(source, text_model=text_model, memory=memory)
    has_text = isinstance(features.maker, Encoder) and bool(features.maker.readers)
    require(
        text_model is None or has_text,
        f"text_model=... needs a column of text; {source.path} has none. Leave it out.",
    )
    notes = source.notes + notes
    if source.numeric:
        given = source.labels.to_numpy(np.float64)
        center, unit = robust(given)
        _require_range(source, given, unit)
        labels = torch.from_numpy(((given - center) / unit).astype(np.float32))
        aim: aims.Classes | aims.Numbers = aims.Numbers()
        return Prepared(source, features, inputs, labels, aim, None, (center, unit), notes)
    codes, names = pd.factorize(source.labels, sort=True)
    _require_room(source, len(names), memory)
    labels, aim = torch.from_numpy(codes.astype(np.int64)), aims.Classes(len(names))
    return Prepared(source, features, inputs, labels, aim, pd.Index(names), (0.0, 1.0), notes)


def robust(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the median, and the standard deviation estimated from the quartiles.

    The estimate is that of a normal distribution with the same quartiles. A few wrong numbers
    change neither value. If the quartiles are equal, the standard deviation of all numbers is
    returned instead.

    >>> robust(np.array([0.0, 1.0, 2.0, 3.698, 900.0]))
    (2.0, 2.0)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        low, median, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
        unit = (high - low) / NORMAL_QUARTILES or float(values.std())
    return median, unit


def _require_room(source: Source, classes: int, memory: int | None) -> None:
    """Raise if a probability of each class for each sample does not fit into memory."""
    n = len(source)
    name = "" if source.labels.name is None else f" in {source.labels.name}"
    require_memory(
        f"{source.path}: {count(n, 'sample')} of {count(classes, 'class')}{name} need",
        n * classes * BYTES_PER_PROBABILITY,
        "Are the labels classes? Join rare ones, or pass numeric=True if they are numbers.",
        memory,
    )


def _require_range(source: Source, given: NDArray[np.float64], unit: float) -> None:
    """Raise for numbers that float32 cannot hold, before or after they are scaled."""
    low, high = float(given.min()), float(given.max())
    name = "The labels" if source.labels.name is None else source.labels.name
    require(
        unit > 0 and (high - low) / min(unit, 1.0) < LARGEST,
        f"{source.path}: {name} runs from {low:g} to {high:g}, which is too wide, or too narrow, "
        f"to learn. Correct the numbers that are far off, or convert all to another unit.",
    )
