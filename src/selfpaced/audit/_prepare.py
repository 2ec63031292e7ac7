"""From what was read to what a model is trained on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfpaced._errors import require
from selfpaced.audit._features.fit import Features, fit
from selfpaced.audit._features.table import Encoder
from selfpaced.audit._learning import aims
from selfpaced.audit._reading import Source

LARGEST = float(np.finfo(np.float32).max)
NORMAL = 1.349  # deviations between the quartiles of a normal distribution


@dataclass(frozen=True, eq=False)
class Prepared:
    """Samples as numbers, and what is to be learnt of each.

    Args:
        source: What was read.
        features: How its samples became numbers.
        rows: The numbers, shape (n, ...); see ``Features.transform``.
        labels: int64 classes from 0, or float32 numbers on the scale; shape (n,).
        aim: What is learnt.
        names: What the user calls the classes; None for numbers.
        scale: The middle and the unit that numbers were brought from; (0, 1) for classes.
        notes: What was noticed while reading and making numbers, a sentence each.
    """

    source: Source
    features: Features
    rows: NDArray[Any]
    labels: Tensor
    aim: aims.Classes | aims.Numbers
    names: pd.Index | None
    scale: tuple[float, float]
    notes: tuple[str, ...]


def prepare(source: Source, text_model: Path | None = None, memory: int | None = None) -> Prepared:
    """Make numbers of samples and of their labels.

    Args:
        source: What was read.
        text_model: Folder of a transformers model that reads text.
        memory: Bytes that may be used. None: what is free.

    Raises:
        ValueError: When it would need more memory, and for a model of text without any text.
        FileNotFoundError: When there is no such folder.
        ModuleNotFoundError: For ``text_model`` without transformers.
    """
    features, rows, notes = fit(source, text_model=text_model, memory=memory)
    read = isinstance(features.maker, Encoder) and bool(features.maker.readers)
    require(
        text_model is None or read,
        f"--text-model reads columns of text; {source.path} has none. Leave it out.",
    )
    notes = source.notes + notes
    if source.numeric:
        given = source.labels.to_numpy(np.float64)
        middle, unit = robust(given)
        _require_range(source, given, unit)
        labels = torch.from_numpy(((given - middle) / unit).astype(np.float32))
        aim: aims.Classes | aims.Numbers = aims.Numbers()
        return Prepared(source, features, rows, labels, aim, None, (middle, unit), notes)
    codes, names = pd.factorize(source.labels, sort=True)
    labels, aim = torch.from_numpy(codes.astype(np.int64)), aims.Classes(len(names))
    return Prepared(source, features, rows, labels, aim, pd.Index(names), (0.0, 1.0), notes)


def robust(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the median, and the deviation of the middle half as if it were of a normal one.

    A few wrong numbers do not move them. Where half of the numbers are the same, the deviation of
    all takes its place.

    >>> robust(np.array([0.0, 1.0, 2.0, 3.698, 900.0]))
    (2.0, 2.0)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
        unit = (high - low) / NORMAL or float(values.std())
    return middle, unit


def _require_range(source: Source, given: NDArray[np.float64], unit: float) -> None:
    """Raise for numbers that float32 does not hold, as they are and on their scale."""
    low, high = float(given.min()), float(given.max())
    name = "The labels" if source.labels.name is None else source.labels.name
    require(
        unit > 0 and (high - low) / min(unit, 1.0) < LARGEST,
        f"{source.path}: {name} runs from {low:g} to {high:g}, which is too wide, or too narrow, "
        f"to learn. Mend the numbers that are far off, or bring all to another unit.",
    )
