"""The changes of a corrected copy: which are wanted, what they do to each class, and refusals."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfpaced._errors import choose, require
from selfpaced.audit._fixing.moved import places
from selfpaced.audit._fixing.spelling import Spelling, class_of, key, missing
from selfpaced.audit._reading.words import count

# The column of a corrected copy that holds the former labels.
WAS = "selfpaced_was"
# The largest number of rows or classes that an error names.
MOST_NAMED = 5


class OfClass(NamedTuple):
    """What happens to the rows of a class.

    Args:
        given: The class, as the table spells it.
        rows: How many rows of the table have it.
        to: How many of them get which label; those that are left out, by the suggested label.
        left: How many rows of the copy have it, with those that become it.
    """

    given: object
    rows: int
    to: dict[object, int]
    left: int

    @property
    def changed(self) -> int:
        """The number of its rows that get another label, or are left out."""
        return sum(self.to.values())


@dataclass(frozen=True)
class Changes:
    """What a corrected copy changes.

    Args:
        new: The new label of each changed row, by the position of the row, from 0; of each row that
            is left out, the suggested label.
        classes: What happens to each class of the table, in the order in which they first appear;
            empty for a regression, whose labels are numbers.
        drop: Whether the rows are left out instead of getting the new label.

    >>> changes = changes_of(["cat", "dog", "dog"], {1: "cat"})
    >>> len(changes), changes.by_class()
    (1, {'dog': {'cat': 1}})
    >>> [tuple(of_class) for of_class in changes.classes]
    [('cat', 1, {}, 2), ('dog', 2, {'cat': 1}, 1)]
    """

    new: Mapping[int, object]
    classes: tuple[OfClass, ...]
    drop: bool

    def __len__(self) -> int:
        """Return the number of rows that are changed or left out."""
        return len(self.new)

    def by_class(self) -> dict[str, dict[str, int]]:
        """Return how many rows of each class get which label, as values that JSON can hold."""
        return {
            str(each.given): {str(label): n for label, n in each.to.items()}
            for each in self.classes
            if each.to
        }


def changes_of(
    labels: Sequence[object],
    new: Mapping[int, object],
    *,
    drop: bool = False,
    numeric: bool = False,
) -> Changes:
    """Return the changes, counted by class.

    Args:
        labels: The labels of all rows; None for a row that cannot be read.
        new: The new labels by position, as the table spells them.
        drop: Leave out the rows instead.
        numeric: Whether the labels are numbers: then there are no classes.
    """
    if numeric:
        return Changes(new, (), drop)
    of, there = class_of(labels), [label for label in labels if not missing(label)]
    names = {of(label): label for label in (*reversed([*new.values()]), *reversed(there))}
    before = Counter(map(of, there))
    pairs = Counter((of(labels[place]), of(label)) for place, label in new.items())
    left = before - Counter(of(labels[place]) for place in new)
    if not drop:
        left += Counter(map(of, new.values()))
    classes = []
    for given, rows in before.items():
        to = {names[label]: n for (was, label), n in pairs.most_common() if was == given}
        classes.append(OfClass(names[given], rows, to, left[given]))
    return Changes(new, tuple(classes), drop)


@dataclass(frozen=True)
class Wanted:
    """The changes to make in a table.

    Args:
        name: The name of the table, for errors.
        label: The column of the labels.
        suggested: The new label of each row to change, by its number, from 1.
        given: The labels of the audit by row; rows may be missing.
        drop: Leave out the rows instead.
        numeric: Whether the labels are numbers (a regression): then there are no classes to keep.
        force: Allow a class to lose all its rows, and labels that are no class of the table.
        sheet: The sheet of a workbook; None for the first one with rows.
        audited: The fingerprints of the rows of the audit, as ``moved.places`` takes them; None if
            the rows are where ``suggested`` says.
        origin: What says which labels change, for errors.
    """

    name: str
    label: str
    suggested: Mapping[int, object]
    given: Mapping[int, object]
    drop: bool
    numeric: bool = False
    force: bool = False
    sheet: str | None = None
    audited: Mapping[int, int] | None = None
    origin: str = "suspects.csv"

    def check_columns(self, columns: Sequence[str]) -> None:
        """Raise for a table without the column of labels, or with the column to be added."""
        choose("label", self.label, tuple(columns))
        require(
            self.drop or WAS not in columns,
            f"{self.name} has a column {WAS} from an earlier correction. Remove or rename it.",
        )

    def found(self, now: NDArray[np.uint64]) -> "Wanted":
        """Return the changes at the rows where those of the audit are now.

        Args:
            now: The fingerprints of all rows of the table, shape (n,).

        Raises:
            ValueError: For rows that cannot be found.
        """
        if self.audited is None:
            return self
        at = places(self.name, self.suggested, self.audited, now)
        suggested = {at[row]: label for row, label in self.suggested.items()}
        given = {at[row]: label for row, label in self.given.items() if row in at}
        return replace(self, suggested=suggested, given=given, audited=None)

    def changes(self, labels: Sequence[object]) -> Changes:
        """Return the changes; new labels are spelled as in the table.

        A row whose suggested label is the one that it has does not change.

        Args:
            labels: The labels of all rows; None for a row that cannot be read.

        Raises:
            ValueError: For a table that has changed since the audit; without ``force``, if a label
                is no class of the table, and if a class loses all its rows.
        """
        for row in self.suggested:
            self._require_unchanged(row, labels)
        spelled, free = Spelling(labels), self.force or self.numeric
        if not free and not self.drop:
            self._require_known(spelled, labels)
        new = {row - 1: spelled(label) for row, label in self.suggested.items()}
        if not self.drop:
            new = {place: label for place, label in new.items() if label != labels[place]}
        changes = changes_of(labels, new, drop=self.drop, numeric=self.numeric)
        if not free:
            self._require_rows(changes.classes)
        return changes

    def _require_unchanged(self, row: int, labels: Sequence[object]) -> None:
        """Raise unless the table has this row, with the label that it had in the audit."""
        n = len(labels)
        was = labels[row - 1] if 1 <= row <= n else None
        problem = "cannot be read" if was is None else ""
        if not 1 <= row <= n:
            problem = f"does not exist in the table, which has {n} rows"
        elif was is not None and row in self.given and key(was) != key(self.given[row]):
            problem = f"has the label {was!r}, and had {self.given[row]!r} in the audit"
        require(
            not problem,
            f"Row {row} of {self.name} {problem}. Was the file changed since the audit?",
        )

    def _require_known(self, spelled: Spelling, labels: Sequence[object]) -> None:
        """Raise if a suggested label is no class of the table; the error names the nearest one."""
        known = list(dict.fromkeys(str(label) for label in labels if not missing(label)))
        named, bad = [], [each for each in self.suggested.items() if not spelled.knows(each[1])]
        for row, label in bad[:MOST_NAMED]:
            near = difflib.get_close_matches(str(label), known, n=1)
            named.append((f"{str(label)!r} for row {row}", near))
        if len(bad) == 1:
            what, near = named[0]
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise ValueError(
                f"By {self.origin}, a label becomes {what}, which is not a class of "
                f"{self.name}{hint} Correct it, or pass force=True to add the class."
            )
        hints = (what + (f" (did you mean {near[0]!r}?)" if near else "") for what, near in named)
        require(
            not bad,
            f"By {self.origin}, labels become ones that are not classes of {self.name}: "
            f"{_listed(hints, len(bad))}. Correct them, or pass force=True to add the classes.",
        )

    def _require_rows(self, classes: Iterable[OfClass]) -> None:
        """Raise if no row of the copy has one of the classes any more."""
        empty = [each for each in classes if each.left == 0]
        named = (f"{str(each.given)!r} ({count(each.rows, 'row')})" for each in empty)
        word = "class" if len(empty) == 1 else "classes"
        require(
            not empty,
            f"The copy of {self.name} would have no row left of the {word} "
            f"{_listed(named, len(empty))}. Keep the given label where it is right, or pass "
            f"force=True to give up the {word}.",
        )


def _listed(named: Iterable[str], n: int) -> str:
    """Return the first items of n on one line, and how many more there are."""
    shown = list(named)[:MOST_NAMED]
    return ", ".join(shown) + (f" and {n - len(shown):,} more" if n > len(shown) else "")
