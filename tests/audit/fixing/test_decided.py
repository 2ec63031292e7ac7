"""Claims about which labels are to be changed, and who says so."""

from pathlib import Path

import pandas as pd
import pytest

from selfpaced.audit._decisions.store import Decision
from selfpaced.audit._fixing.decided import Choice, from_review, from_suggestions
from selfpaced.audit._fixing.decision_file import from_file, has_decisions, lines_of, read_sheet
from selfpaced.audit._fixing.suspects_file import OURS

GIVEN = {"1": "cat", "2": "cat", "3": "dog"}
SUGGESTED = {"1": "dog", "2": "dog", "3": "cat"}
NAMES = {name: name for name in OURS}


def by(name: str, action: str, label: str | None = None) -> dict[str, Decision]:
    return {name: Decision("", action, label, name, "2026-01-01")}  # type: ignore[arg-type]  # any action


def test_of_a_review_only_changes_count() -> None:
    latest = {"1": by("ann", "change", "dog"), "2": by("ann", "keep"), "3": by("ann", "unsure")}
    choices = from_review(latest, GIVEN, "row")
    assert choices.changes == (Choice("1", "cat", "dog", "ann", "2026-01-01"),)
    assert choices.told == "By the review: 1 to change, 1 to keep, 1 unsure."
    log = choices.log().to_dict("records")
    assert log == [
        {
            "place": "1",
            "given": "cat",
            "new": "dog",
            "decision": "change",
            "reviewer": "ann",
            "time": "2026-01-01",
            "source": "the review",
        }
    ]


def test_reviewers_who_disagree_are_an_error_that_one_of_them_solves() -> None:
    latest = {"1": by("ann", "keep") | by("bob", "change", "dog"), "2": by("bob", "keep")}
    with pytest.raises(ValueError, match="The reviewers disagree about row 1. Decide again in the"):
        from_review(latest, GIVEN, "row")
    assert from_review(latest, GIVEN, "row", "ann").changes == ()
    assert len(from_review(latest, GIVEN, "row", "bob").changes) == 1
    with pytest.raises(ValueError, match="'cem' has decided nothing; there are decisions of ann"):
        from_review(latest, GIVEN, "row", "cem")


def test_reviewers_who_agree_are_one() -> None:
    latest = {"1": by("ann", "change", "dog") | by("bob", "change", "dog") | by("cem", "unsure")}
    assert [each.label for each in from_review(latest, GIVEN, "row").changes] == ["dog"]


def test_a_decision_about_a_sample_that_is_no_longer_there_is_refused() -> None:
    with pytest.raises(ValueError, match="decisions about row 9, which is not in the run any more"):
        from_review({"9": by("ann", "keep")}, GIVEN, "row")


def test_the_suggestions_are_those_of_all_suspects() -> None:
    ledger = pd.DataFrame(
        {
            "row": [1, 2],
            "given": ["cat", "dog"],
            "suspect": [True, False],
            "suggested": ["dog", "cat"],
        }
    )
    choices = from_suggestions(ledger)
    assert choices.changes == (Choice("1", "cat", "dog"),)
    assert choices.told == "By the suggestions, which nobody has checked: 1 to change."
    assert choices.log()["decision"].tolist() == ["suggestion"]


def read(path: Path) -> list[tuple[str, str, str]]:
    """Return the changes that a file decides: place, given and new label."""
    sheet = read_sheet(path, ("row", "decision", "new_label"))
    choices = from_file(path, lines_of(path, sheet, NAMES, "row"), GIVEN, SUGGESTED, "row")
    return [(each.place, each.given, each.label) for each in choices.changes]


TABLE = [
    ["row", "decision", "new_label", "note"],
    ["1", "accept", "", "a, b"],
    ["2.0", "", "fish", ""],
    ["3", "Keep", "", ""],
    ["", "", "", ""],
]
EXPECTED = [("1", "cat", "dog"), ("2", "cat", "fish")]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_tables_with_any_separator_are_read(
    tmp_path: Path, separator: str, encoding: str
) -> None:
    path = tmp_path / "decided.txt"
    lines = [separator.join(f'"{cell}"' for cell in row) for row in TABLE]
    path.write_bytes("\r\n".join(lines).encode(encoding))
    assert read(path) == EXPECTED


def test_workbooks_and_json_lines_are_read(tmp_path: Path) -> None:
    frame = pd.DataFrame(TABLE[1:4], columns=TABLE[0])
    frame.assign(row=[1, 2, 3]).to_excel(tmp_path / "a.xlsx", index=False)
    assert read(tmp_path / "a.xlsx") == EXPECTED
    frame.assign(row=[1, 2, 3], note=None).to_json(
        tmp_path / "a.jsonl", orient="records", lines=True
    )
    assert read(tmp_path / "a.jsonl") == EXPECTED


def test_a_formula_is_read_back_as_the_label_that_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("row,new_label\n1,'=1+1\n")
    assert read(path) == [("1", "cat", "=1+1")]


def test_the_apostrophe_is_taken_off_in_a_workbook_too(tmp_path: Path) -> None:
    pd.DataFrame({"row": [1], "new_label": ["'=1+1"]}).to_excel(tmp_path / "a.xlsx", index=False)
    assert read(tmp_path / "a.xlsx") == [("1", "cat", "=1+1")]


def test_who_decided_is_read_from_a_table_that_was_exported(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("row,decision,reviewer\n1,accept,ann\n")
    sheet = read_sheet(path, ("row", "decision", "new_label"))
    choices = from_file(path, lines_of(path, sheet, NAMES, "row"), GIVEN, SUGGESTED, "row")
    assert choices.log()["reviewer"].tolist() == ["ann"]


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    for name in ("a.json", "a.parquet", "a.ods"):
        (tmp_path / name).write_text("[]")
        with pytest.raises(ValueError, match=f"{name} is no table of decisions: .csv, .tsv, .txt"):
            read(tmp_path / name)


def test_a_change_to_the_given_label_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("row,new_label\n1,cat\n2,dog\n")
    assert read(path) == [("2", "cat", "dog")]


def test_only_filled_cells_are_decisions(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("row,decision\n1, \n2,\n")
    assert not has_decisions(read_sheet(path, ["decision"]), NAMES)
    path.write_text("row,decision\n1,unsure\n2,\n")
    assert has_decisions(read_sheet(path, ["decision"]), NAMES)
    path.write_text("row,fix\n1,yes\n")
    assert not has_decisions(read_sheet(path, ["fix"]), NAMES)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "row,decision\n1,yes\n",
            "says 'yes' about row 1; a decision is one of keep, accept,",
        ),
        ("row,decision\n1,change\n", "says 'change' about row 1, and gives no new label. Write it"),
        (
            "row,decision,new_label\n1,keep,dog\n",
            "says 'keep' about row 1, and gives the new",
        ),
        ("row,decision\n1,keep\n1,accept\n", "decides more than once about row 1. Keep one line"),
        ("row,decision\nx,keep\n", "needs a whole number in the column row; got 'x'"),
        (
            "row,note\n1,a\n",
            "has no column decision or new_label. Add one: decision says keep",
        ),
        ("place,decision\n1,keep\n", "has no column row, which says what each decision is about"),
        ("row,decision\n9,keep\n", "decides about row 9, which the audit did not judge. Remove"),
        ("row,decision\n1,keep,a,b\n", "1 of its lines have more cells than the header"),
    ],
)
def test_what_cannot_be_a_decision_is_an_error(tmp_path: Path, text: str, error: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=error):
        read(path)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"There is no .*none.csv. Check the name"):
        read(tmp_path / "none.csv")
    (tmp_path / "a.jsonl").write_text('{"row": 1}\n[1]\n')
    with pytest.raises(ValueError, match=r"a.jsonl: line 2 is no JSON object"):
        read(tmp_path / "a.jsonl")
    (tmp_path / "b.jsonl").write_text("{")
    with pytest.raises(ValueError, match=r"b.jsonl: line 1 is no JSON"):
        read(tmp_path / "b.jsonl")
    (tmp_path / "a.xlsx").write_bytes(b"no workbook")
    with pytest.raises(ValueError, match=r"a.xlsx"):
        read(tmp_path / "a.xlsx")
