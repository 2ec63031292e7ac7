"""DNA as numbers: the letters, and the codes of the words that they form."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfpaced._errors import require

Letters = NDArray[np.uint8]

# The letters of DNA, in the order of their numbers.
LETTERS = "ACGT"
# The number of every other character.
UNKNOWN = 255
# The number of each character, by its ASCII code.
NUMBER_OF = np.full(256, UNKNOWN, dtype=np.uint8)
for _number, _letter in enumerate(LETTERS):
    NUMBER_OF[[ord(_letter), ord(_letter.lower())]] = _number


def letters_of(x: Any) -> Letters:
    """Return sequences as numbers, 0 to 3 for A, C, G, T, shape (n, L).

    Args:
        x: Strings of one length, in upper or lower case, or a uint8 array (n, L) of such numbers.

    Raises:
        TypeError: For inputs of another type.
        ValueError: For no sequences, different lengths, other letters, and numbers above 3.

    >>> letters_of(["ACGT", "ttaa"])
    array([[0, 1, 2, 3],
           [3, 3, 0, 0]], dtype=uint8)
    """
    if isinstance(x, np.ndarray) and x.dtype == np.uint8 and x.ndim == 2:
        require(len(x) > 0, "Motif: there are no sequences.")
        require(
            x.size == 0 or int(x.max()) < len(LETTERS),
            f"Motif: a uint8 array must hold 0 to 3 for A, C, G, T; got {x.max(initial=0)}. Pass "
            f"letters as strings.",
        )
        return x
    return _of_strings(list(x) if isinstance(x, Iterable) and not isinstance(x, str) else [None])


def codes(letters: Letters, width: int) -> NDArray[np.int64]:
    """Return the word of ``width`` letters that begins at each letter, as a number in base 4.

    >>> codes(np.array([[0, 1, 2, 3]], dtype=np.uint8), 2)
    array([[ 1,  6, 11]])
    """
    count = letters.shape[1] - width + 1
    found = np.zeros((len(letters), count), dtype=np.int64)
    for offset in range(width):
        found *= len(LETTERS)
        found += letters[:, offset : offset + count]
    return found


def _of_strings(x: list[Any]) -> Letters:
    """Return strings as numbers, shape (n, L)."""
    if not all(isinstance(one, str) for one in x):
        raise TypeError(
            "Motif needs a list of strings over A, C, G, T, or a uint8 array of shape (n, L) with "
            "0 to 3 for A, C, G, T."
        )
    require(len(x) > 0, "Motif: there are no sequences.")
    lengths = np.array([len(one) for one in x])
    other = np.flatnonzero(lengths != lengths[0])
    require(
        not len(other),
        f"Motif needs sequences of one length; sequence 0 has {lengths[0]} letters, sequence "
        f"{other[:1].tolist()} has {lengths[other[:1]].tolist()}. Cut all to one length.",
    )
    ascii_codes = np.frombuffer("".join(x).encode("ascii", "replace"), dtype=np.uint8)
    letters = NUMBER_OF[ascii_codes].reshape(len(x), lengths[0])
    unknown = np.argwhere(letters == UNKNOWN)
    if len(unknown):
        row, position = unknown[0].tolist()
        raise ValueError(
            f"Motif reads the letters A, C, G, T; sequence {row} has {x[row][position]!r} at "
            f"position {position}. Leave out the sequences with other letters "
            f"({len(np.unique(unknown[:, 0]))} of {len(x)})."
        )
    return letters
