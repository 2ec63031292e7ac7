"""How a text file is written as a table: where it begins, its separator and its quotes."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from selfpaced._errors import require
from selfpaced.audit._reading.kinds import suffix_of
from selfpaced.audit._reading.words import at, count

# The separators of columns, with their names in notes and errors.
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# A first line of spreadsheets that names the separator, such as "sep=;".
NAMED = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
# The start of a line of comment.
COMMENT = "#"
# A number, or a date.
NUMBER = re.compile(r"[-+]?[0-9][-0-9.:/e+]*")
# The number of bytes and lines at the head of a file by which the separator is found.
HEAD_BYTES, HEAD = 1 << 20, 100
# The share of their rows that must have one field more than the header.
MOST_EQUAL = 0.9
# The largest number of characters of a field: the largest C long on all platforms.
LONGEST_FIELD = 2**31 - 1
# A quotation mark inside a field as programs other than spreadsheets write it.
ESCAPED = r"\""
# From this number of lines on that quotes join to others, although each of them has as many fields
# as the header, the quotes are text. Texts of several lines have other numbers of separators.
MOST_JOINED = 10
# The bytes of a quotation mark and of the end of a line.
QUOTE, NEWLINE = ord('"'), ord("\n")
# The notes on quotes.
QUOTES_ESCAPED = r"Quotation marks inside fields are written as \"."
QUOTES_ORDINARY = 'Quotation marks " are out of place, and are read as text.'
QUOTES_OPEN = 'A quotation mark " is not closed: rows after it may be read as one.'


@dataclass(frozen=True)
class Dialect:
    """How a text file is written as a table.

    Args:
        skipped: The number of lines before the header.
        separator: The separator of the columns.
        quoted: Whether fields may be in quotation marks.
        escaped: Whether a quotation mark inside a field has a backslash before it.
        trailing: Whether each row but the header ends in one more separator.
        unnamed: Whether the first column has no name, and no place in the header.
        one_line: Whether each row is known to be one line.
    """

    skipped: int = 0
    separator: str = ","
    quoted: bool = True
    escaped: bool = False
    trailing: bool = False
    unnamed: bool = False
    one_line: bool = field(default=False, compare=False)

    def reader(self, lines: Iterable[str], *, strict: bool = False) -> Any:
        """Return a csv reader of lines, each with its end; use it in ``long_fields``."""
        if not self.quoted:
            return csv.reader(lines, delimiter=self.separator, quoting=csv.QUOTE_NONE)
        escape = "\\" if self.escaped else None
        return csv.reader(
            lines,
            delimiter=self.separator,
            escapechar=escape,
            doublequote=not self.escaped,
            strict=strict,
        )

    def writer(self, file: TextIO) -> Any:
        """Return a csv writer to a file; its lines end in CR and LF."""
        if not self.quoted:
            return csv.writer(
                file, delimiter=self.separator, quoting=csv.QUOTE_NONE, quotechar=None
            )
        escape = "\\" if self.escaped else None
        return csv.writer(
            file, delimiter=self.separator, escapechar=escape, doublequote=not self.escaped
        )

    def value(self, field: str) -> str:
        """Return the value of a field, which may be in quotation marks where these are text."""
        wrapped = not self.quoted and len(field) > 1 and field[0] == field[-1] == '"'
        return field[1:-1] if wrapped else field

    def names(self, header: Sequence[str]) -> list[str]:
        """Return the names of the columns; one without a name is called by its number, from 1."""
        fields = [*[""] * self.unnamed, *header, *[""] * self.trailing]
        return [name.strip() or f"column {place}" for place, name in enumerate(fields, 1)]


@contextmanager
def long_fields() -> Iterator[None]:
    """Let csv read fields of any length, and restore the limit, which is that of the process."""
    before = csv.field_size_limit(LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def dialect_of(path: Path, data: bytes) -> tuple[Dialect, tuple[str, ...]]:
    r"""Return how a file is written, and notes on what is unusual about it.

    Args:
        path: The file; its suffix tells the usual separator.
        data: Its text as UTF-8, with a line that is not blank; it ends in a newline.

    Raises:
        ValueError: For a file of comments alone.

    >>> found, notes = dialect_of(Path("a.csv"), b"# made in 2024\na;b\n1;2\n")
    >>> found.skipped, found.separator, found.one_line
    (1, ';', True)
    """
    head = list(io.StringIO(data[:HEAD_BYTES].decode(errors="ignore"), newline=""))
    skipped, named, notes = _start(path, head)
    require(
        any(line.strip() for line in head[skipped:]),
        f"{path} has lines of comment, but no header. Is it the right file?",
    )
    head, usual = head[skipped:][:HEAD], _usual(path)
    with long_fields():
        signs = [named] if named else [usual, *(sign for sign in SEPARATORS if sign != usual)]
        found = max((Dialect(skipped, sign) for sign in signs), key=lambda each: _equal(each, head))
        if found.separator != usual and not named:
            notes += (f"The columns are separated by {SEPARATORS[found.separator]}.",)
        if _in_place(data, found.separator):
            found = replace(found, one_line=True)
        else:
            found, told = _quotes(found, data)
            notes += told
        return _edges(found, head, notes)


def _usual(path: Path) -> str:
    """Return the usual separator of a suffix."""
    return "," if suffix_of(path) == ".csv" else "\t"


def _start(path: Path, head: list[str]) -> tuple[int, str | None, tuple[str, ...]]:
    """Return the number of lines before the header, the separator if one names it, and notes."""
    place, comments, named = 0, [], None
    for place, line in enumerate(head):
        sign = NAMED.fullmatch(line.strip("\r\n "))
        if sign is not None and named is None:
            named = sign[1]
        elif line.startswith(COMMENT) and not _is_header(path, head[place:]):
            comments.append(place + 1)
        elif line.strip():
            break
    notes: tuple[str, ...] = ()
    if named:
        notes = (f"{path.name} names its separator: {named!r}.",)
    if comments:
        notes += (f"{count(len(comments), 'line')} of comment left out ({at('line', comments)}).",)
    return place, named, notes


def _is_header(path: Path, lines: list[str]) -> bool:
    """Say whether a line that looks like a comment is the header, and the next line a row.

    It has as many fields as the next line, and the next line is no header: one has no number where
    the line after it has some.
    """
    following, after = ([line for line in lines[1:] if line.strip()] + ["", ""])[:2]
    for sign in (_usual(path), *SEPARATORS):
        if lines[0].count(sign) == following.count(sign) > 0:
            return _has_number(following, sign) or not _has_number(after, sign)
    return False


def _has_number(line: str, separator: str) -> bool:
    """Say whether a field of a line is a number."""
    return any(NUMBER.fullmatch(each.strip(' "\r\n')) for each in line.split(separator))


def _equal(dialect: Dialect, head: list[str]) -> float:
    """Return the share of rows with as many fields as the header, or one more; 0 for one field."""
    rows = [len(fields) for fields in dialect.reader(head) if fields][:HEAD]
    if not rows or rows[0] < 2:
        return 0.0
    return sum(n - rows[0] in (0, 1) for n in rows) / len(rows)


def _in_place(data: bytes, separator: str) -> bool:
    """Say whether quotation marks begin and end fields or are doubled, and join no lines."""
    if data.count(b"\r") != data.count(b"\r\n"):  # a line may end in \r alone
        return False
    if b'"' not in data:
        return True
    edge = np.zeros(256, bool)
    edge[[*separator.encode(), *b'\r\n"']] = True
    raw = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(raw == QUOTE)
    opening, closing = quotes[::2], quotes[1::2]  # the last byte is the end of a line
    opening = opening[opening > 0]
    if not (edge[raw[opening - 1]].all() and edge[raw[closing + 1]].all()):
        return False
    before = np.searchsorted(quotes, np.flatnonzero(raw == NEWLINE))
    return not (before % 2).any()


def _quotes(found: Dialect, data: bytes) -> tuple[Dialect, tuple[str, ...]]:
    """Return how quotation marks are used, and a note if it is not the usual way."""
    lines = list(io.StringIO(data.decode(), newline=""))[found.skipped :]
    plain = replace(found, quoted=False)
    widths = {len(fields) for fields in plain.reader(lines) if fields}
    joined, most = _joined(found, lines), 1 if found.separator == "\t" else MOST_JOINED
    if len(widths) == 1 and (joined is None or joined >= most):
        return plain, (QUOTES_ORDINARY,)
    if joined is not None:
        return found, ()
    escaped = replace(found, escaped=True)
    if ESCAPED.encode() in data and _joined(escaped, lines) is not None:
        return escaped, (QUOTES_ESCAPED,)
    return found, (QUOTES_OPEN,)


def _joined(dialect: Dialect, lines: list[str]) -> int | None:
    """Return how many lines do not begin a row; None if quotation marks are out of place.

    They are in place if each begins or ends a field, or is doubled inside of one.
    """
    reader, joined, before = dialect.reader(lines, strict=True), 0, 0
    try:
        for _ in reader:
            joined += reader.line_num - before - 1
            before = reader.line_num
    except csv.Error:
        return None
    return joined


def _edges(
    found: Dialect, head: list[str], notes: tuple[str, ...]
) -> tuple[Dialect, tuple[str, ...]]:
    """Return the dialect with what rows have beside the columns of the header, and notes."""
    header, *rows = [fields for fields in found.reader(head) if fields]
    longer = [fields for fields in rows if len(fields) == len(header) + 1]
    if not rows or len(longer) < MOST_EQUAL * len(rows):
        return found, notes
    if not any(fields[-1].strip() for fields in longer):
        return replace(found, trailing=True), (*notes, "Each row ends in one more separator.")
    note = "The header lacks a name for the first column, as R writes it."
    return replace(found, unnamed=True), (*notes, note)
