"""Questions about the cells of many columns at once, as each call of Arrow takes its time.

A table of 8,000 short columns would need a hundred thousand calls.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from selfpaced.audit._reading.tables.numbers import (
    BOOL,
    CODE,
    MOST_ODD,
    SPECIAL,
    Numbers,
    decimal_sign,
    plain,
)

# The largest number of cells, and of bytes, that are asked at a time.
MOST_CELLS, MOST_BYTES = 100_000, 1 << 26
# Numbers as Arrow reads them: whole ones that fit into 64 bits, and all.
WHOLE = r"^-?[0-9]{1,18}$"
NUMBER = r"^-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"

Test = Callable[[pa.Array], pa.Array]


def groups(columns: Sequence[pa.ChunkedArray]) -> Iterator[tuple[slice, pa.Array]]:
    """Yield groups of columns of text: their places, and all their cells, column by column.

    Args:
        columns: Columns of the same number of rows.

    >>> columns = [pa.chunked_array([["a", "b"]]), pa.chunked_array([["c"], ["d"]])]
    >>> [(place, cells.to_pylist()) for place, cells in groups(columns)]
    [(slice(0, 2, None), ['a', 'b', 'c', 'd'])]
    """
    start, cells, size = 0, 0, 0
    for end, column in enumerate(columns):
        more = len(column), column.nbytes
        if end > start and (cells + more[0] > MOST_CELLS or size + more[1] > MOST_BYTES):
            yield slice(start, end), _joined(columns[start:end])
            start, cells, size = end, 0, 0
        cells, size = cells + more[0], size + more[1]
    if columns:
        yield slice(start, len(columns)), _joined(columns[start:])


def some(columns: Sequence[pa.ChunkedArray], test: Test) -> list[bool]:
    """Return for each column whether a cell passes a test.

    >>> some([pa.chunked_array([["a", None]])], lambda cells: pc.equal(cells, "a"))
    [True]
    """
    found: list[bool] = []
    for place, cells in groups(columns):
        found.extend(bool(flags.any()) for flags in _by_column(test(cells), place))
    return found


def sign_of(columns: Sequence[pa.ChunkedArray], usual: str) -> str:
    """Return the sign before the decimals of a file; see ``decimal_sign``."""
    return decimal_sign((pa.chunked_array([cells]) for _, cells in groups(columns)), usual)


def obvious_numbers(columns: Sequence[pa.ChunkedArray]) -> dict[int, Numbers | None]:
    """Return what ``numbers_in`` does with a decimal point, where it is plain to see, by place.

    >>> found = obvious_numbers([pa.chunked_array([["1", "2"]]), pa.chunked_array([["a", "b"]])])
    >>> found[0].values.to_pylist(), found[1]
    ([1, 2], None)
    """
    found: dict[int, Numbers | None] = {}
    for place, cells in groups(columns):
        if place.stop - place.start > 1:  # else nothing is gained
            here = _obvious(cells, place)
            found |= {place.start + each: numbers for each, numbers in here.items()}
    return found


def _obvious(cells: pa.Array, place: slice) -> dict[int, Numbers | None]:
    """Return the columns of a group that are numbers, and those that are none, by their place."""
    text = pc.utf8_trim_whitespace(cells)
    given = _by_column(text.is_valid(), place)
    whole, number, code, truth, digit, special = (
        _by_column(pc.match_substring_regex(text, pattern), place)
        for pattern in (WHOLE, NUMBER, CODE, BOOL, "[0-9]", SPECIAL)
    )
    open_ = given.any(1) & ~code.any(1)
    floats = open_ & (number == given).all(1)
    ints = floats & (whole == given).all(1)
    few = digit.sum(1) < (1 - MOST_ODD) * given.sum(1)
    none = open_ & few & ~special.any(1) & ~(truth == given).all(1)
    found: dict[int, Numbers | None] = dict.fromkeys(np.flatnonzero(none).tolist())
    for chosen, kind in ((ints, pa.int64()), (floats & ~ints, pa.float64())):
        values = text.filter(pa.array(np.repeat(chosen, given.shape[1]))).cast(kind)
        for at, one in enumerate(np.flatnonzero(chosen).tolist()):
            part = values.slice(at * given.shape[1], given.shape[1])
            found[one] = plain(pa.chunked_array([part]))
    return found


def _by_column(passed: pa.Array, place: slice) -> NDArray[np.bool]:
    """Return what cells passed, shape (columns, rows); a gap passes nothing."""
    flags = passed.fill_null(False).to_numpy(zero_copy_only=False)
    return np.asarray(flags, bool).reshape(place.stop - place.start, -1)


def _joined(columns: Sequence[pa.ChunkedArray]) -> pa.Array:
    """Return the cells of columns as one array."""
    chunks = [chunk for column in columns for chunk in column.chunks]
    if len(chunks) == 1:
        return chunks[0]
    return pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())
