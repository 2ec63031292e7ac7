"""The places of all samples on the maps of a report, as columns of the ledger."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfpaced._page.content import Map
from selfpaced.audit._cases.space import flattened
from selfpaced.audit._result import SUSPECT, Audit

# The columns of the ledger that hold places on the maps.
X, Y = "map_x", "map_y"
CONFIDENCE, VARIABILITY = "mean_probability", "variability"


def places(
    found: Audit, rows: NDArray[np.float32], losses: NDArray[Any] | None
) -> dict[str, NDArray[np.float32]]:
    """Return the places of all samples on the maps, by the column of the ledger.

    Args:
        found: The result of an audit of n samples.
        rows: Places of the samples in the space of the model, shape (n, d).
        losses: Losses after each epoch, shape (epochs, n); None if they were not kept.

    Returns:
        ``map_x`` and ``map_y``: the samples on the two axes that separate best what the models
        predict. Of classes, with losses: ``mean_probability``, the mean over the epochs of the
        probability of the label, and ``variability``, its standard deviation.
    """
    table = found.table.sort_index()
    doubted = (table["probability"] > SUSPECT).to_numpy()
    predicted = table["suggested"].where(doubted, table["label"])
    if found.numeric:
        targets = table["suggested"].to_numpy(np.float64)
    else:
        targets = pd.factorize(predicted)[0]
    flat = flattened(rows, targets, numeric=found.numeric).astype(np.float32)
    columns = {X: flat[:, 0], Y: flat[:, 1]}
    if losses is not None and not found.numeric:
        columns |= _over_epochs(losses)
    return columns


def _over_epochs(losses: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
    """Return the mean and the standard deviation of exp(-loss) over the epochs."""
    n, seen = losses.shape[1], np.zeros(losses.shape[1])
    total, squares = np.zeros(n), np.zeros(n)
    for row in losses:  # an epoch at a time, for the memory
        p = np.exp(-row.astype(np.float64))
        known = np.isfinite(p)
        total[known] += p[known]
        squares[known] += p[known] ** 2
        seen += known
    with np.errstate(invalid="ignore"):
        mean = total / seen
        spread = np.sqrt(np.clip(squares / seen - mean**2, 0, None))
    return {CONFIDENCE: mean.astype(np.float32), VARIABILITY: spread.astype(np.float32)}


def maps_of(ledger: pd.DataFrame, *, numeric: bool) -> list[Map]:
    """Return the maps that a ledger has the places for."""
    found = []
    if {X, Y} <= set(ledger):
        about = (
            "Samples that the model takes for alike are near each other. The axes are the two that "
            "separate best what the models predict; they have no unit."
        )
        found.append(Map("What the model sees", "", "", *_both(ledger, X, Y), about))
    if {CONFIDENCE, VARIABILITY} <= set(ledger):
        about = (
            "How probable the label was to the model, on average over the epochs, and how much "
            "that changed. Low and to the left: the model never learned the label."
        )
        x, y = "standard deviation of the probability", "mean probability of the label"
        places = _both(ledger, VARIABILITY, CONFIDENCE)
        found.append(Map("Confidence and variability", x, y, *places, about))
    if numeric:
        about = "A number far from the diagonal is far from what the model predicts."
        numbers = _both(ledger, "suggested", "given")
        found.append(
            Map("Given and predicted", "predicted number", "given number", *numbers, about)
        )
    return found


def _both(ledger: pd.DataFrame, x: str, y: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return two columns as float32."""
    return ledger[x].to_numpy(np.float32), ledger[y].to_numpy(np.float32)
