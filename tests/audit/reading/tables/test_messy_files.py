"""Claims about messy files: no row, class or column is lost without a word."""

import gzip
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from selfpaced.audit import Options, Source, read

ROWS = 40
NAMES = ["size", "count", "colour", "kind"]


def cells(place: int) -> list[str]:
    """Return the cells of a row: a decimal, a whole number, a category and the label."""
    colour = ("red", "green", "blue")[place % 3]
    return [f"{place * 0.25 + 0.5:.2f}", str(place * 37 % 11), colour, ("cat", "dog")[place % 2]]


def table(rows: list[list[str]] | None = None, sep: str = ",", names: list[str] = NAMES) -> str:
    """Return a table as text."""
    found = [cells(place) for place in range(ROWS)] if rows is None else rows
    return "\n".join(sep.join(row) for row in [names, *found]) + "\n"


def changed(column: int, values: dict[int, str]) -> str:
    """Return the table with other cells in a column, by row from 0."""
    rows = [cells(place) for place in range(ROWS)]
    for place, value in values.items():
        rows[place][column] = value
    return table(rows)


class Messy(NamedTuple):
    """A file that is read.

    Args:
        name: The name of the file.
        content: Its text or bytes.
        told: What a note says; "" for nothing.
        rows: The rows that are read.
        classes: The classes.
        columns: The columns that the model learns from.
        lost: The rows that are left out, which notes count.
    """

    name: str
    content: str | bytes
    told: str = ""
    rows: int = ROWS
    classes: tuple[Any, ...] = ("cat", "dog")
    columns: tuple[str, ...] = ("size", "count", "colour")
    lost: int = 0


LINES = table().splitlines()
DECIMAL_COMMAS = table([[each.replace(".", ",") for each in cells(p)] for p in range(ROWS)], ";")
OBJECTS = [json.dumps(dict(zip(NAMES, cells(place), strict=True))) for place in range(ROWS)]
READ = {
    "plain": Messy("a.csv", table()),
    "byte order mark": Messy("a.csv", b"\xef\xbb\xbf" + table().encode()),
    "utf-16": Messy("a.csv", table().encode("utf-16"), "UTF-16"),
    "latin-1": Messy("a.csv", table().replace("red", "rosé").encode("latin-1"), "latin-1"),
    "carriage returns": Messy("a.csv", table().replace("\n", "\r\n")),
    "decimal commas": Messy("a.csv", DECIMAL_COMMAS, "decimal commas"),
    "tabs in a .csv": Messy("a.csv", table(sep="\t"), "separated by tabs"),
    "bars": Messy("a.txt", table(sep="|"), "separated by bars"),
    "commas in a .txt": Messy("a.txt", table(), "separated by commas"),
    "sep= in the first line": Messy("a.csv", "sep=;\n" + table(sep=";"), "names its separator"),
    "comments": Messy("a.csv", "# made in May\n# by hand\n" + table(), "2 lines of comment"),
    "trailing separators": Messy(
        "a.csv", "\n".join([LINES[0], *(f"{line}," for line in LINES[1:])]), "one more separator"
    ),
    "row names of R": Messy(
        "a.csv",
        "\n".join([LINES[0], *(f"{place},{line}" for place, line in enumerate(LINES[1:], 1))]),
        "lacks a name for the first column",
    ),
    "quoted fields": Messy("a.csv", changed(2, {0: '"red, dark"', 3: '"a ""red"""'})),
    "backslashes": Messy(
        "a.csv", changed(2, {0: r'"a \"red\", dark"', 3: r'"so \"red\""'}), "written as"
    ),
    "text of two lines": Messy("a.csv", changed(2, {0: '"two\nlines"'})),
    "stray quotes": Messy("a.tsv", table(sep="\t").replace("red", '"red'), "out of place"),
    "blank lines": Messy("a.csv", table().replace("\n", "\n\n")),
    "blanks around names": Messy("a.csv", table(names=[" size", "count ", " colour", " kind "])),
    "a column without a name": Messy(
        "a.csv",
        table(names=["", *NAMES[1:]]),
        "1 column without a name: column 1",
        columns=("column 1", "count", "colour"),
    ),
    "a row too long": Messy(
        "a.csv",
        table() + "1,2,3,cat,5\n",
        "1 row could not be read and is left out (line 42)",
        lost=1,
    ),
    "labels in other cases": Messy("a.csv", changed(3, {0: "Cat", 2: " cat"}), "one class: cat"),
    "a missing label": Messy(
        "a.csv", changed(3, {4: ""}), "1 sample has no label", rows=39, lost=1
    ),
    "NA as a class": Messy(
        "a.csv",
        table([[*cells(p)[:3], ("NA", "ZA", "BW")[p % 3]] for p in range(ROWS)]),
        "NA in column 'kind' is read as a class",
        classes=("BW", "NA", "ZA"),
        columns=("size", "count"),
    ),
    "a dash in numbers": Messy("a.csv", changed(0, {7: "-"}), "Column 'size': 1 cell is not a"),
    "thousands": Messy("a.csv", changed(0, {7: '"1,163.74"'}), "separators of thousands: size"),
    "currencies": Messy(
        "a.csv", table([[f"${p}.50", *cells(p)[1:]] for p in range(ROWS)]), "currencies: size"
    ),
    "percent signs": Messy(
        "a.csv", table([[f"{p / 8}%", *cells(p)[1:]] for p in range(ROWS)]), "percent signs: size"
    ),
    "infinite numbers": Messy("a.csv", changed(0, {3: "inf", 5: "-inf"})),
    "codes": Messy(
        "a.csv",
        table([[f"{p:03}", *cells(p)[1:]] for p in range(ROWS)]),
        "like an id, is left out: size",
        columns=("count", "colour"),
    ),
    "another spelling of the label": Messy(
        "a.csv",
        table([[*cells(p)[:2], "CD"[p % 2], cells(p)[3]] for p in range(ROWS)]),
        "says the same as the label is left out: colour",
        columns=("size", "count"),
    ),
    "an empty column": Messy(
        "a.csv",
        table([[cells(p)[0], "", *cells(p)[2:]] for p in range(ROWS)]),
        "1 column without any value is left out: count",
        columns=("size", "colour"),
    ),
    "a packed file": Messy("a.csv.gz", gzip.compress(table().encode())),
    "a broken object": Messy(
        "a.jsonl",
        "\n".join([*OBJECTS[:20], '{"size": 1,', *OBJECTS[20:]]),
        "1 row could not be read",
        lost=1,
    ),
    "objects without a key": Messy("a.jsonl", "\n".join([*OBJECTS, '{"kind": "cat"}']), rows=41),
}
REFUSED = {
    "two columns of a name": (
        table(names=["size", "size", "c", "kind"]),
        "'size' appears more than",
    ),
    "one class": (table([[*cells(p)[:3], "cat"] for p in range(ROWS)]), "all labels are cat"),
    "a header only": (table([]), "has a header but no rows"),
    "an empty file": ("\n \n", "is empty. Is it the right file"),
    "zero bytes": (table() + "\0\0", "is not text: it contains zero bytes"),
    "many rows too long": (
        table([cells(p) if p % 3 else [*cells(p), "5"] for p in range(ROWS)]),
        r"14 rows of 40 could not be read \(lines 2, 5, .*expected 4 columns, got 5",
    ),
    "several labels": (
        table([[*cells(p)[:3], ("cat", "dog", "cat;dog")[p % 3]] for p in range(ROWS)]),
        "labels such as 'cat;dog' name several classes",
    ),
    "no label twice": (
        table([[*cells(p)[:3], f"kind {p}"] for p in range(ROWS)]),
        "no two samples have the same label",
    ),
}


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def unread(source: Source) -> int:
    """Return the number of rows that notes say are left out."""
    told = [note for note in source.notes if "could not be read" in note or "no label" in note]
    return sum(int(note.split()[0]) for note in told)


@pytest.mark.parametrize("messy", READ.values(), ids=READ)
def test_nothing_is_lost_without_a_word(tmp_path: Path, messy: Messy) -> None:
    source = read(written(tmp_path, messy.name, messy.content), Options(label="kind"))
    assert len(source) == messy.rows == len(source.labels) == len(source.own)
    assert unread(source) == messy.lost
    assert tuple(sorted(source.labels.unique())) == messy.classes
    learned = [name for name in source.features if name != "column 1" or messy.columns[0] == name]
    assert tuple(learned) == messy.columns
    assert not messy.told or any(messy.told in note for note in source.notes), source.notes
    if "size" in messy.columns and "size" in source.features:
        given = source.features["size"].dtype
        assert given.kind in "fi", given


@pytest.mark.parametrize(("content", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_with_the_reason(
    tmp_path: Path, content: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        read(written(tmp_path, "a.csv", content), Options(label="kind"))
