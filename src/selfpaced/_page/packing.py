"""The numbers of a report as small integers, which a page holds and its script unpacks."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfpaced._page.content import Curves, Map, Samples

# A coordinate is a whole number up to this one; the next one stands for a point that is not drawn.
LARGEST = 65_534
# A probability is a whole number up to this one; the next one stands for none.
CERTAIN = 254
# The width of the empty edge of a map, as a share of the range of the values.
EDGE = 0.03
# The largest whole number of a place.
LARGEST_PLACE = 2**31 - 1
# The largest number of samples on a map.
MOST_POINTS = 100_000

Arrays = dict[str, NDArray[Any]]


def packed(values: object) -> NDArray[np.uint8]:
    """Return values that JSON can hold as bytes of JSON, which deflate well."""
    raw = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return np.frombuffer(raw.encode("utf-8", "backslashreplace"), np.uint8)


def samples(shown: Samples, arrays: Arrays) -> dict[str, Any]:
    """Return the samples of the maps as values for JSON, and add their numbers to the arrays."""
    n = len(shown.suspect)
    few = len(shown.names) < 255
    arrays["given"] = _codes(shown.given, few=few)
    arrays["suggested"] = _codes(shown.suggested, few=few)
    known = np.isfinite(shown.probability)
    chance = np.round(np.where(known, shown.probability, 0) * CERTAIN)
    arrays["probability"] = np.where(known, chance, CERTAIN + 1).astype(np.uint8)
    arrays["suspect"] = shown.suspect.astype(np.uint8)
    return {
        "n": n,
        "total": shown.total,
        "names": list(shown.names),
        "places": _places(shown.places, arrays),
    }


def _codes(codes: NDArray[np.int32], *, few: bool) -> NDArray[Any]:
    """Return classes in 8 bits if they are few, else in 16; the largest number stands for none."""
    none = 255 if few else 65_535
    whole = np.where(codes < 0, none, codes).clip(0, none)
    return whole.astype(np.uint8 if few else np.uint16)


def _places(places: Sequence[int] | Sequence[str], arrays: Arrays) -> dict[str, Any]:
    """Return how the places are held: counted from the first one, as numbers, or as texts.

    >>> _places([4, 5, 6], {})
    {'kind': 'counted', 'first': 4}
    """
    numbers = [place for place in places if isinstance(place, int) and place <= LARGEST_PLACE]
    if len(numbers) < len(places) or not numbers:
        arrays["places"] = packed([str(place) for place in places])
        return {"kind": "texts"}
    row = np.asarray(numbers, np.int64)
    if (np.diff(row) == 1).all():
        return {"kind": "counted", "first": numbers[0]}
    arrays["places"] = row.astype(np.int32)
    return {"kind": "numbers"}


def one_map(shown: Map, number: int, arrays: Arrays) -> dict[str, Any]:
    """Return a map as values for JSON, and add its places to the arrays, in 16 bits each."""
    drawn = np.isfinite(shown.across) & np.isfinite(shown.up)
    told: dict[str, Any] = {"name": shown.name, "x": shown.x, "y": shown.y, "about": shown.about}
    for axis, values in (("across", shown.across), ("up", shown.up)):
        low, high = _range(values[drawn])
        share = (np.where(drawn, values, low).astype(np.float64) - low) / (high - low)
        whole = np.where(drawn, np.round(share * LARGEST), LARGEST + 1).astype(np.uint16)
        arrays[f"{axis}{number}"] = whole
        told[axis] = [low, high]
    return told


def _range(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return the limits of an axis: a little below the least value, and above the largest."""
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    edge = EDGE * (high - low) or 0.5
    return low - edge, high + edge


def confusion(meant: NDArray[np.int64]) -> list[list[int]]:
    """Return (meant, given, number) of all pairs of classes that are confused, most often first."""
    pairs = [[int(m), int(g), int(meant[m, g])] for m, g in np.argwhere(meant > 0)]
    return sorted(pairs, key=lambda pair: -pair[2])


def curves(shown: Curves) -> dict[str, Any]:
    """Return the curves as values for JSON; None stands for a missing number."""
    series = {
        name: [float(value) if np.isfinite(value) else None for value in values]
        for name, values in shown.series.items()
    }
    return {
        "series": series,
        "edges": [float(edge) for edge in shown.edges],
        "suspects": shown.suspects.tolist(),
        "others": shown.others.tolist(),
    }


def chosen(suspect: NDArray[np.bool_], most: int = MOST_POINTS) -> NDArray[np.int64]:
    """Return the positions of the samples that a map shows, in rising order.

    Args:
        suspect: Whether each sample is a suspect, shape (n,).
        most: The largest number of samples.

    Returns:
        All, or suspects, half of ``most`` at most, and others that are drawn at random.
    """
    if len(suspect) <= most:
        return np.arange(len(suspect))
    draw = np.random.default_rng(0)
    first = np.flatnonzero(suspect)
    if len(first) > most // 2:
        first = draw.choice(first, most // 2, replace=False)
    others = np.flatnonzero(~suspect)
    rest = draw.choice(others, min(len(others), most - len(first)), replace=False)
    return np.sort(np.concatenate([first, rest]))
