"""Claims about the page summary.md."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from selfpaced.audit import Audit
from selfpaced.audit._fixing.suspects_file import our_names
from selfpaced.audit._folder.files import FILES
from selfpaced.audit._folder.summary import summary, worst
from selfpaced.audit._folder.tables import suspects_table
from selfpaced.suspects import Count

NONE = pd.DataFrame()


def page(found: Audit, **given: Any) -> str:
    n = len(found.table)
    own = pd.DataFrame({"text": ["ab | c\n" * 20] * n, "is": found.table["label"].sort_index()})
    standard: dict[str, Any] = {
        "name": "pets.csv",
        "where": pd.Series(range(1, n + 1), name="row"),
        "own": own,
        "notes": (),
        "conflicts": NONE,
        "command": "selfpaced audit pets.csv --label is -o run",
    }
    return summary(found, **(standard | given))


def many(found: Audit, n: int) -> Audit:
    """Return an audit with the same rows n times."""
    table = pd.concat([found.table] * n).set_axis(range(4 * n))
    return replace(found, table=table.rename_axis("index"), count=Count(2.0 * n, n, 3.0 * n))


def test_the_headline_says_how_many_with_the_range(classes_found: Audit) -> None:
    lines = page(classes_found).split("\n")
    assert lines[:3] == [
        "# pets.csv: 2 of 4 labels are probably wrong (50.0%)",
        "",
        "All in all about 2 are wrong (1 to 3).",
    ]


def test_the_headline_of_one_suspect_is_in_the_singular(numbers_found: Audit) -> None:
    found = replace(numbers_found, count=Count(1.2, 0.0, 2.0))
    assert page(found).startswith(
        "# pets.csv: 1 of 4 numbers is probably wrong (25.0%)\n\nAll in all about 1 is wrong "
        "(0 to 2)."
    )


def test_the_headline_says_that_there_are_no_suspects(classes_found: Audit) -> None:
    found = replace(classes_found, table=classes_found.table.assign(probability=0.01))
    said = page(found)
    assert said.startswith("# pets.csv: None of 4 labels looks wrong\n\nAll in all about")
    assert "mistaken" not in said


def test_without_suspects_the_most_doubtful_rows_are_shown(classes_found: Audit) -> None:
    found = replace(classes_found, table=classes_found.table.assign(probability=0.01))
    said = page(found)
    assert (
        "## The most doubtful\n\nNone of these labels is a suspect. Row 1 is the first row after "
        "the header.\n\n| row |"
    ) in said
    assert "| 4 | cat | dog | 1.0% |" in said
    same = found.table.assign(suggested=found.table["label"])
    said = page(replace(found, table=same), conflicts=pd.DataFrame({"row": [1, 2]}))
    assert "Look at these first" not in said and "The most doubtful" not in said
    assert "with different labels. Row 1 is the first row after the header.\n" in said
    assert "\nAll 40 are in `suspects.csv`.\n" in page(many(found, 20))


def test_only_suspects_are_shown_if_there_are_any(numbers_found: Audit) -> None:
    said = page(numbers_found)
    assert "| 3 | 900 | 3.125 | 99.0% |" in said and "3.75" not in said
    assert "\n`suspects.csv` goes on with 2 numbers that are only doubtful.\n" in said
    assert "goes on with 1 number that is only doubtful." in page(numbers_found, top=2)


def test_the_page_says_if_not_all_suspects_are_in_the_file(classes_found: Audit) -> None:
    said = page(many(classes_found, 20), top=25)
    assert "\nThe first 25 of 40 are in `suspects.csv`.\n" in said


@pytest.mark.parametrize(
    ("place", "name", "about"),
    [
        ("row", "pets.csv", "Row 1 is the first row after the header.\n\n"),
        ("row", "pets.tsv.gz", "Row 1 is the first row after the header.\n\n"),
        ("row", "pets.jsonl", "The row is the number of the line.\n\n"),
        ("row", "pets.parquet", "Row 1 is the first row.\n\n"),
        ("index", "pets.npz", "Index 0 is the first sample.\n\n"),
        ("file", "pets", ""),
    ],
)
def test_the_page_says_how_samples_are_counted(
    classes_found: Audit, place: str, name: str, about: str
) -> None:
    said = page(classes_found, where=pd.Series(range(4), name=place), name=name)
    assert f"## Look at these first\n\n{about}| {place} | given |" in said


@pytest.mark.parametrize("name", ["row", "given", "probably", "how sure"])
def test_columns_of_the_user_may_have_the_names_of_ours(classes_found: Audit, name: str) -> None:
    own = pd.DataFrame({name: list("abcd")})
    table = suspects_table(classes_found, pd.Series(range(1, 5), name="row"), own)
    shown = worst(table, our_names([name]), 0.999)
    assert shown.columns.is_unique and shown[name].tolist() == ["d", "b"]


def test_kinds_are_counted(classes_found: Audit) -> None:
    assert "- 1 labelled **cat** is probably **dog**\n" in page(classes_found)
    assert "- 31 labelled **cat** are probably **dog**\n" in page(many(classes_found, 31))


def test_rare_kinds_are_counted_together(classes_found: Audit) -> None:
    found = many(classes_found, 10)
    table = found.table.assign(label=[f"c{place}" for place in range(40)], suggested="other")
    said = page(replace(found, table=table))
    assert said.count("- 1 labelled **") == 8
    assert "- 22 more of other kinds\n" in said


def test_numbers_have_no_kinds_and_no_labels(numbers_found: Audit) -> None:
    said = page(many(numbers_found, 3))
    assert "mistaken for what" not in said
    assert "- `suspects.csv`: the numbers that are probably wrong, most suspicious first" in said
    assert "probability: how probable it is that the given number is wrong\n" in said
    assert "confidence" not in said
    assert "a model can learn numbers by heart" in said


def test_the_most_suspicious_rows_are_a_table_with_short_cells(classes_found: Audit) -> None:
    lines = page(classes_found).split("\n")
    head = lines.index("| row | given | probably | how sure | text |")
    assert lines[head + 1] == "| ---: | --- | --- | --- | --- |"
    text = "ab \\| c " * 8 + "ab…"
    assert lines[head + 2] == f"| 4 | cat | dog | 98.8% | {text} |"


def test_at_most_ten_suspects_are_shown(classes_found: Audit) -> None:
    said = page(many(classes_found, 20))
    assert said.count("| cat | dog |") + said.count("| dog | cat |") == 10
    assert "\nAll 40 are in `suspects.csv`.\n" in said


def test_no_probability_is_shown_as_certain(numbers_found: Audit) -> None:
    found = replace(numbers_found, table=numbers_found.table.assign(probability=1.0))
    assert "| > 99.9% |" in page(found)


def test_characters_of_markdown_are_escaped(classes_found: Audit) -> None:
    own = pd.DataFrame({"text": ["<b> *x* `y` a\\b"] * 4})
    assert "| \\<b> \\*x\\* \\`y\\` a\\\\b |" in page(classes_found, own=own)


def test_a_missing_value_is_an_empty_cell(classes_found: Audit) -> None:
    own = pd.DataFrame({"a": [None] * 4, "b": [np.nan] * 4, "c": pd.array([pd.NA] * 4, "Int64")})
    assert "| 98.8% |  |  |  |" in page(classes_found, own=own)


def test_cells_of_lists_records_and_bytes_are_shown(classes_found: Audit) -> None:
    own = pd.DataFrame({"a": [np.array(["x", "y"])] * 4, "b": [{"n": 1}] * 4, "c": [b"z"] * 4})
    assert "| \\['x' 'y'\\] | {'n': 1} | b'z' |" in page(classes_found, own=own)


HOSTILE = (
    "[x](javascript:1) ![p](http://e.x/p) <img src=x> <http://e.x> &lt; `c` **b** # h \x1b[31m"
)


def test_nothing_of_the_user_is_live_on_the_page(classes_found: Audit) -> None:
    table = classes_found.table.replace({"label": {"cat": HOSTILE}, "suggested": {"cat": HOSTILE}})
    confusion = pd.DataFrame(0.0, index=[HOSTILE, "dog"], columns=[HOSTILE, "dog"])
    found = replace(classes_found, table=table, confusion=confusion)
    own = pd.DataFrame({HOSTILE: [HOSTILE] * 4})
    conflicts = pd.DataFrame({HOSTILE: [HOSTILE]})
    said = page(
        found, name=HOSTILE, own=own, notes=[f"# {HOSTILE}", f"1. {HOSTILE}"], conflicts=conflicts
    )
    assert "\x1b" not in said
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(said)
    inline = [child for token in tokens for child in token.children or []]
    ours = {"text", "strong_open", "strong_close", "code_inline"}
    assert {child.type for child in inline} == ours
    assert all(child.content in FILES for child in inline if child.type == "code_inline")
    assert not any("html" in token.type for token in tokens)
    assert [token.tag for token in tokens if token.type == "heading_open"].count("h1") == 1
    assert [token.content.count("selfpaced") for token in tokens if token.type == "fence"] == [1]
    assert sum(child.content.count("http://e.x/p") for child in inline) > 5  # it is shown


def test_conflicts_and_notes_have_a_section_if_there_are_any(classes_found: Audit) -> None:
    said = page(classes_found)
    assert "contradict" not in said and "Noticed" not in said and "conflicts.csv" not in said
    conflicts = pd.DataFrame({"row": range(1, 13), "label": ["x", "y"] * 6, "group": [1] * 12})
    said = page(classes_found, conflicts=conflicts, notes=["3 rows have no label."])
    assert "12 samples appear more than once, equal or nearly so, with different labels.\n" in said
    assert "| 10 | y | 1 |\n\nAll 12 are in `conflicts.csv`.\n" in said
    assert "## Noticed while reading\n\n- 3 rows have no label.\n" in said
    assert "- `conflicts.csv`: " in said


@pytest.mark.parametrize(("times", "few"), [(99, True), (100, False)])
def test_few_samples_are_a_reason_for_doubt(classes_found: Audit, times: int, few: bool) -> None:
    assert ("**396 samples are few.**" in page(many(classes_found, times))) == few


@pytest.mark.parametrize(("high", "wide"), [(4.0, False), (4.1, True)])
def test_a_wide_range_is_a_reason_for_doubt(
    classes_found: Audit, numbers_found: Audit, high: float, wide: bool
) -> None:
    count = Count(2.0, 0.0, high)
    said = (
        "**The range is wide**, up to 4 for an estimate of 2. The usual cause is classes that "
        "overlap"
    )
    assert (said in page(replace(classes_found, count=count))) == wide
    assert ("errors with long tails" in page(replace(numbers_found, count=count))) == wide


def test_the_files_in_the_folder_are_described(classes_found: Audit) -> None:
    conflicts = pd.DataFrame({"row": [1, 2]})
    said = page(classes_found, conflicts=conflicts)
    assert all(f"- `{name}`: {what}\n" in said for name, what in FILES.items())
    said = page(classes_found, files=["ledger.parquet", "mine.txt"])
    assert (
        "features.safetensors" not in said and "- `ledger.parquet`" in said and "mine" not in said
    )


def test_the_command_ends_the_page(classes_found: Audit) -> None:
    end = "## Again\n\n```\nselfpaced audit pets.csv --label is -o run\n```\n"
    assert page(classes_found).endswith(end)


def test_columns_of_another_length_are_refused(classes_found: Audit) -> None:
    with pytest.raises(ValueError, match="own needs a row for each of the 4 samples; got 0."):
        page(classes_found, own=NONE)
