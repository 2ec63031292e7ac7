import io
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from selfpaced._cli.console import Console
from selfpaced._cli.messages import FIRST, fixed_as_json, table_of, tell_fixed
from selfpaced.audit._fixing.changes import changes_of
from selfpaced.audit._fixing.decided import Choices
from selfpaced.audit._fixing.from_run import Fixed


def drawn(shown: pd.DataFrame, width: int) -> str:
    console = Console()
    console.width, console.file = width, io.StringIO()
    console.print(table_of(shown, width - 1, FIRST, "Look at these first"))
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


def fixed(labels: list[str], new: Mapping[int, object], *, drop: bool = False) -> Fixed:
    choices = Choices("the review", (), kept=2, unsure=1)
    changes = changes_of(labels, new, drop=drop)
    return Fixed(changes, choices, Path("new.csv"), Path("new.csv.changes.csv"))


def told(fixed: Fixed) -> list[str]:
    console = Console()
    console.width, console.file = 80, io.StringIO()
    tell_fixed(fixed, console)
    out = console.file
    assert isinstance(out, io.StringIO)
    return [re.sub(r"\s+", " ", line).strip("│ ") for line in out.getvalue().splitlines()]


def test_each_class_is_shown_before_and_after() -> None:
    labels = ["yes"] * 20 + ["no"] * 9 + ["maybe"] * 2 + ["[red]"]
    new: dict[int, object] = {place: "no" for place in range(14)}
    new |= {14: "maybe", 20: "yes", 29: "no", 30: "no"}
    lines = told(fixed(labels, new))
    assert lines[:2] == [
        "By the review: 0 to change, 2 to keep, 1 unsure.",
        "new.csv 18 labels changed",
    ]
    assert lines[5:9] == [
        "yes │ 20 │ 6 │ no (14), maybe (1)",
        "maybe │ 2 │ 1 │ no (2)",
        "no │ 9 │ 24 │ yes (1)",
        "[red] │ 1 │ 1",
    ]
    assert lines[-1] == "new.csv.changes.csv what changed, and by whom"
    dropped = told(fixed(labels, {31: "no", 20: "yes", 21: "yes"}, drop=True))
    assert "new.csv 3 samples left out" in dropped
    assert dropped[5:7] == ["no │ 9 │ 7 │ 2", "[red] │ 1 │ 0 │ 1"]


@pytest.mark.parametrize(("n", "last"), [(11, "1 more"), (13, "3 more")])
def test_only_the_classes_with_most_changes_are_listed(n: int, last: str) -> None:
    labels = [f"c{place % n}" for place in range(2 * n)]
    lines = told(fixed(labels, {place: "c0" for place in range(1, n)} | {0: "c1"}))
    assert lines[-3].startswith(last)


def test_files_that_got_another_name_are_named() -> None:
    changed = replace(fixed(["a", "b"], {0: "b"}), renamed=("b/[1].png",))
    assert "1 file got a new name, as theirs was taken: b/[1].png" in told(changed)


def test_a_correction_as_json_says_all_that_is_printed() -> None:
    said = fixed_as_json(fixed(["a", "b"], {0: "b"}))
    assert said["classes"] == [
        {"class": "a", "before": 1, "after": 0},
        {"class": "b", "before": 1, "after": 2},
    ]
    assert (said["changed"], said["changes"], said["kept"]) == (1, {"a": {"b": 1}}, 2)
