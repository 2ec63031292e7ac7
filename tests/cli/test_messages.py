import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from selfpaced._cli.console import Console
from selfpaced._cli.messages import _table, tell_fixed
from selfpaced.audit._fixing.changes import changes_of


def drawn(shown: pd.DataFrame, width: int) -> str:
    console = Console()
    console.width, console.file = width, io.StringIO()
    console.print(_table(shown, width - 1))
    out = console.file
    assert isinstance(out, io.StringIO)
    return out.getvalue()


@pytest.mark.parametrize("width", [55, 60, 80, 120])
def test_only_the_columns_of_the_user_give_way(width: int) -> None:
    ours: dict[str, list[object]] = {
        "row": [73401],
        "given": ["neutral"],
        "probably": ["negative"],
        "how sure": ["98.2%"],
    }
    own = {"review": ["a long story, told at length"], "who": ["somebody of a long name"]}
    text = drawn(pd.DataFrame(ours | own), width)
    assert all(str(cell) in text for cells in ours.values() for cell in cells)
    assert "│ a long" in text
    assert max(map(len, text.splitlines())) <= width


def test_without_columns_of_the_user_there_are_ours() -> None:
    shown = pd.DataFrame({"index": [3], "given": [1], "probably": [7], "how sure": ["60.0%"]})
    assert "60.0%" in drawn(shown, 40)


def told(labels: list[str], new: Mapping[int, object], *, drop: bool = False) -> list[str]:
    console = Console()
    console.width, console.file = 80, io.StringIO()
    tell_fixed(Path("new.csv"), changes_of(labels, new, drop=drop), console)
    out = console.file
    assert isinstance(out, io.StringIO)
    return out.getvalue().splitlines()


def test_what_becomes_of_each_class_is_one_line() -> None:
    labels = ["yes"] * 20 + ["no"] * 9 + ["maybe"] * 2 + ["[red]"]
    new: dict[int, object] = {place: "no" for place in range(14)}
    new |= {14: "maybe", 20: "yes", 29: "no", 30: "no"}
    assert told(labels, new) == [
        "new.csv  18 rows changed; the column selfpaced_was holds the former labels.",
        "  yes: 15 of 20 become no (14), maybe (1)",
        "  maybe: 2 of 2 become no",
        "  no: 1 of 9 becomes yes",
    ]
    assert told(labels, {31: "no", 20: "yes", 21: "yes"}, drop=True) == [
        "new.csv  3 rows left out.",
        "  no: 2 of 9 are left out",
        "  [red]: 1 of 1 is left out; none is left",
    ]


@pytest.mark.parametrize(("n", "last"), [(11, "  and 1 more class"), (13, "  and 3 more classes")])
def test_only_the_classes_with_most_changes_are_listed(n: int, last: str) -> None:
    labels = [f"c{place % n}" for place in range(2 * n)]
    lines = told(labels, {place: "c0" for place in range(1, n)} | {0: "c1"})
    assert len(lines) == 12 and lines[-1] == last
