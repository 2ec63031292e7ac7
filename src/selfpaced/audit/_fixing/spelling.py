"""How a table spells its labels, and which labels are the same class."""

import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

import pyarrow as pa

from selfpaced.audit._reading.labels.decide import spelt
from selfpaced.audit._reading.tables.numbers import CODE, numbers_in

# Text that is a number with a decimal comma.
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


class Spelling:
    """Spells a label as the table does: 7 becomes "007" if the table has "007".

    Args:
        labels: The labels of the table; None for a row that cannot be read.

    >>> spelled = Spelling(["007", "true", None, "Cat"])
    >>> spelled(7), spelled(True), spelled("Cat"), spelled("dog")
    ('007', 'true', 'Cat', 'dog')
    >>> spelled.knows(7), spelled.knows("dog")
    (True, False)
    """

    def __init__(self, labels: Sequence[object]) -> None:
        """Store the spellings of the labels."""
        there = [label for label in labels if not missing(label)]
        self._same = {str(label): label for label in there}
        self._like = {key(label): label for label in reversed(there)}
        self._text = all(isinstance(label, str) for label in there)
        self._numbers = all(isinstance(like, float) for like in self._like)
        self._comma = any(DECIMAL_COMMA.fullmatch(text.strip()) for text in self._same)

    def __call__(self, label: object) -> object:
        """Return the label as the table spells it; a new label gets the type of the others."""
        known = self._known(label)
        if known is not None:
            return known
        if not self._text:
            return key(label)
        if self._numbers and isinstance(key(label), float):
            return str(label).replace(".", ",") if self._comma else str(label).replace(",", ".")
        return str(label)

    def knows(self, label: object) -> bool:
        """Say whether a row of the table has this label."""
        return self._known(label) is not None

    def _known(self, label: object) -> object:
        """Return the label of the table that is spelled alike; None if there is none."""
        return self._same.get(str(label), self._like.get(key(label)))


def key(label: object) -> float | str:
    """Return a value that is equal for all spellings of a label.

    >>> key("007"), key(7), key("2,5"), key(" True"), key("$1,000.50")
    (7.0, 7.0, 2.5, 'true', 1000.5)
    """
    text = str(label).strip()
    try:
        number = float(text.replace(",", ".") if DECIMAL_COMMA.fullmatch(text) else text)
    except ValueError:
        marked = _marked(text)
        return spelt(text) if marked is None else marked
    return number if math.isfinite(number) else spelt(text)


@lru_cache(maxsize=4096)
def _marked(text: str) -> float | None:
    """Return a number with marks, such as 5%, as an audit reads it; None for other text."""
    if not any(map(str.isdigit, text)) or text[-1:].isalpha():
        return None
    found = numbers_in(pa.chunked_array([[text]]))
    return None if found is None else float(found.values[0].as_py())


def class_of(labels: Sequence[object]) -> Callable[[object], float | str]:
    """Return the function that maps a label to its class, as an audit reads this table.

    Numbers, and the words true and false, are one class however they are spelled. Other labels are
    one class only if they are the same text.

    >>> [class_of(labels)(labels[0]) for labels in (["1.0", "1"], ["A", "a"], ["007", "7"])]
    [1.0, 'A', '007']
    """
    there = [label for label in labels if not missing(label)]
    keys = {key(label) for label in there}
    codes = any(isinstance(label, str) and re.match(CODE, label.strip()) for label in there)
    numbers = all(isinstance(value, float) for value in keys) and not codes
    return key if numbers or keys <= {"true", "false"} else str


def missing(label: object) -> bool:
    """Say whether a cell holds no label.

    >>> missing(None), missing(" "), missing(float("nan")), missing("nan")
    (True, True, True, False)
    """
    if isinstance(label, float):
        return not math.isfinite(label)
    return label is None or (isinstance(label, str) and not label.strip())
