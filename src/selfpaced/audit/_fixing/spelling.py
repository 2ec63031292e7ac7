"""Labels as a table writes them."""

import math
from collections.abc import Sequence


class Spelling:
    """Writes a label as the table does: 7 is "007" where the table says so.

    Args:
        labels: All that stand in the table; None for one that cannot be read.

    >>> spelled = Spelling(["007", "true", None, "Cat"])
    >>> spelled(7), spelled(True), spelled("Cat"), spelled("dog")
    ('007', 'true', 'Cat', 'dog')
    """

    def __init__(self, labels: Sequence[object]) -> None:
        """Look at the labels."""
        there = [label for label in labels if label is not None]
        self._same = {str(label): label for label in there}
        self._like = {key(label): label for label in reversed(there)}
        self._text = all(isinstance(label, str) for label in there)

    def __call__(self, label: object) -> object:
        """Return the label as it stands in the table; one that is new there in the same type."""
        known = self._same.get(str(label), self._like.get(key(label)))
        if known is not None:
            return known
        return str(label) if self._text else key(label)


def key(label: object) -> float | str:
    """Return what all spellings of a label have in common.

    >>> key("007"), key(7), key(" True")
    (7.0, 7.0, 'true')
    """
    text = str(label).strip()
    try:
        number = float(text)
    except ValueError:
        return text.casefold()
    return number if math.isfinite(number) else text.casefold()
