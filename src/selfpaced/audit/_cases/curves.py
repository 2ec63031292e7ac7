"""The curves of a training, and the losses of suspects and of others after each epoch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfpaced._page.content import SERIES, Curves
from selfpaced.audit._result import Audit

# The number of bins of the losses, and the share of the losses that they show.
BINS, SHOWN = 40, 0.995


def curves(found: Audit, losses: NDArray[Any] | None) -> dict[str, Any]:
    """Return the curves of a training as values that JSON can hold.

    Args:
        found: The result of an audit of n samples.
        losses: Losses after each epoch, shape (epochs, n); None if they were not kept.
    """
    told: dict[str, Any] = {"series": _series(found.history)}
    if losses is None or not np.isfinite(losses).any():
        return told
    suspect = np.zeros(losses.shape[1], bool)
    suspect[found.suspects.index] = True
    top = float(np.quantile(losses[np.isfinite(losses)], SHOWN)) or 1.0
    edges = np.linspace(0, top, BINS + 1)
    told["edges"] = [round(float(edge), 6) for edge in edges]
    for name, which in (("suspects", suspect), ("others", ~suspect)):
        told[name] = [_counts(row[which], edges) for row in losses]
    return told


def _series(history: pd.DataFrame) -> dict[str, list[float | None]]:
    """Return the numbers after each epoch; None for none. Ages of several groups are left out."""
    series = {}
    for column, name in SERIES.items():
        if column not in history:
            continue
        values = [one if np.isscalar(one) else np.nan for one in history[column]]
        numbers = np.asarray(values, np.float64)
        if np.isfinite(numbers).any():
            series[name] = [float(v) if np.isfinite(v) else None for v in numbers]
    return series


def _counts(losses: NDArray[Any], edges: NDArray[np.float64]) -> list[int]:
    """Return how many losses are in each bin; those above the last edge count in the last bin."""
    known = losses[np.isfinite(losses)].clip(edges[0], edges[-1])
    return [int(n) for n in np.histogram(known, edges)[0]]


def curves_from(told: Mapping[str, Any]) -> Curves:
    """Return the curves that ``curves`` wrote."""
    series = {
        name: [np.nan if value is None else value for value in values]
        for name, values in told["series"].items()
    }
    if "edges" not in told:
        return Curves(series)
    counts = (np.asarray(told[name], np.int32) for name in ("suspects", "others"))
    return Curves(series, np.asarray(told["edges"], np.float32), *counts)
