"""Claims about labels of several annotators."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from selfpaced.audit import Options, read

WIDE = pd.DataFrame(
    {
        "a": range(8),
        "ann": ["cat", "dog", "cat", "dog", None, "cat", "dog", "cat"],
        "bob": ["cat", "dog", " Cat", "dog", None, "cat", "dog", "cat"],
        "eve": ["dog", "dog", "cat", "cat", None, "cat", "dog", None],
    }
)
ANNOTATORS = Options(annotator=("ann", "bob", "eve"))


def long(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each label, in another order."""
    rows = table.reset_index(names="id").melt(["id", "a"], var_name="who", value_name="kind")
    return rows[rows["kind"].notna()].sort_values("who", ascending=False, kind="stable")


def test_columns_of_labels_become_a_consensus(tmp_path: Path) -> None:
    WIDE.to_csv(tmp_path / "a.csv", index=False)
    source = read(tmp_path / "a.csv", ANNOTATORS)
    assert source.labels.tolist() == ["cat", "dog", "cat", "dog", "cat", "dog", "cat"]
    assert source.where.tolist() == [1, 2, 3, 4, 6, 7, 8]
    assert source.votes is not None and source.votes.shape == (7, 3)
    assert source.votes["bob"].tolist()[2] == "cat" and source.votes["eve"].isna().sum() == 1
    assert list(source.features) == ["a"] and list(source.own) == ["a", "ann", "bob", "eve"]
    assert source.notes[0] == "3 annotators gave 20 labels."
    assert source.notes[1].startswith("Labels that differ in case or blanks are one class: cat (")
    assert any("1 sample has no label and is left out (row 5)" in note for note in source.notes)


def test_a_row_for_each_label_says_the_same(tmp_path: Path) -> None:
    WIDE.to_csv(tmp_path / "wide.csv", index=False)
    rows = long(WIDE)
    rows.to_csv(tmp_path / "long.csv", index=False)
    options = Options(label="kind", item="id", annotator=("who",))
    source, wide = read(tmp_path / "long.csv", options), read(tmp_path / "wide.csv", ANNOTATORS)
    order = rows["id"].unique()
    assert source.features["a"].tolist() == order.tolist()
    by_item = dict(zip(wide.own["a"], wide.labels, strict=True))
    assert source.labels.tolist() == [by_item[item] for item in order]
    assert source.votes is not None and source.votes.columns.tolist() == ["ann", "bob", "eve"]
    first = (~rows.duplicated("id")).to_numpy().nonzero()[0] + 1
    assert source.where.tolist() == first.tolist()


def test_numbers_are_classes(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": range(6), "x": [0, 1, 0, 1, 0, 1], "y": [0.0, 1, 1, 1, None, 1]})
    table.to_csv(tmp_path / "a.csv", index=False)
    source = read(tmp_path / "a.csv", Options(annotator=("x", "y")))
    assert not source.numeric and sorted(source.labels.unique()) == [0, 1]


REFUSED: list[tuple[Options, str]] = [
    (Options(annotator=("ann",)), "names the columns of labels, two or more, in place of label"),
    (Options(annotator=("ann", "bob"), label="eve"), "two or more, in place of label"),
    (Options(annotator=("ann", "bo")), r"^annotator=...: no column 'bo'. Did you mean 'bob'"),
    (Options(item="a"), "^item=... needs label=... and one annotator=..."),
    (Options(item="b", annotator=("ann",), label="bob"), "^item=...: no column 'b'"),
    (Options(item="a", annotator=("ann",), label="bob"), "1 row lack one, the first is row 5"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED)
def test_options_that_do_not_fit_are_refused(tmp_path: Path, options: Any, said: str) -> None:
    WIDE.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ValueError, match=said):
        read(tmp_path / "a.csv", options)


def test_an_annotator_labels_an_item_once(tmp_path: Path) -> None:
    rows = long(WIDE)
    pd.concat([rows, rows.head(1)]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ValueError, match="row 21 labels an item a second time. Remove one"):
        read(tmp_path / "a.csv", Options(label="kind", item="id", annotator=("who",)))


def test_words_among_numbers_are_votes_too(tmp_path: Path) -> None:
    one = [str(place % 3 + 1) if place % 10 else "unknown" for place in range(50)]
    table = pd.DataFrame(
        {
            "a": [place / 8 for place in range(50)],
            "x": one,
            "y": [place % 3 + 1 for place in range(50)],
        }
    )
    table.to_csv(tmp_path / "a.csv", index=False)
    source = read(tmp_path / "a.csv", Options(annotator=("x", "y")))
    assert source.notes[0] == "2 annotators gave 100 labels."
    with pytest.raises(ValueError, match="^annotator=... is for classes; numeric=True is for"):
        read(tmp_path / "a.csv", Options(annotator=("x", "y"), numeric=True))
