"""Claims about the tables of a run."""

import io
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from selfpaced.audit import Audit, find_label_errors
from selfpaced.audit._fixing.suspects_file import our_names
from selfpaced.audit._folder.tables import csv_text, ledger_table, suspects_table

WHERE = pd.Series([1, 2, 4, 5], name="row")
OWN = pd.DataFrame({"text": ["a", "b", "c", "d"], "price": [0.1, 1 / 3, 1e-7, 2.0]})


def test_the_most_suspicious_come_first_with_the_users_columns(classes_found: Audit) -> None:
    table = suspects_table(classes_found, WHERE, OWN)
    ours = ["row", "fix", "probability", "given", "suggested", "confidence"]
    assert list(table.columns) == [*ours, "text", "price"]
    assert table["fix"].tolist() == ["yes", "yes"]
    assert table["row"].tolist() == [5, 2]
    assert table["given"].tolist() == ["cat", "dog"]
    assert table["suggested"].tolist() == ["dog", "cat"]
    assert table["text"].tolist() == ["d", "b"]


def test_numbers_have_no_confidence(numbers_found: Audit) -> None:
    table = suspects_table(numbers_found, WHERE, OWN)
    ours = ["row", "fix", "probability", "given", "suggested"]
    assert list(table.columns) == [*ours, "text", "price"]
    assert table.iloc[0, :5].tolist() == [4, "yes", 0.99, 900.0, 3.125]


def test_doubtful_rows_follow_with_fix_no(classes_found: Audit, numbers_found: Audit) -> None:
    table = suspects_table(numbers_found, WHERE, OWN)
    assert table["row"].tolist() == [4, 5, 2] and table["fix"].tolist() == ["yes", "no", "no"]
    assert suspects_table(numbers_found, WHERE, OWN, top=1)["row"].tolist() == [4]
    doubted = classes_found.table.assign(probability=[0.9, 0.4, 0.3, 0.2])
    table = suspects_table(replace(classes_found, table=doubted), WHERE, OWN)
    assert table["row"].tolist() == [5, 2] and table["fix"].tolist() == ["yes", "no"]


def test_lines_stand_beside_the_rows(classes_found: Audit) -> None:
    table = suspects_table(classes_found, WHERE, OWN, np.array([2, 3, 7, 9]))
    assert list(table.columns)[:3] == ["row", "line", "fix"]
    assert table["line"].tolist() == [9, 3]


def test_the_columns_are_the_same_without_a_suspect(classes_found: Audit) -> None:
    same = classes_found.table.assign(probability=0.01, suggested=classes_found.table["label"])
    none = replace(classes_found, table=same)
    table, usual = (suspects_table(found, WHERE, OWN) for found in (none, classes_found))
    assert table.empty and list(table.columns) == list(usual.columns)


def test_the_users_columns_keep_their_names_and_ours_get_a_prefix(classes_found: Audit) -> None:
    own = pd.DataFrame([[0] * 5] * 4, columns=pd.Index(["row", "selfpaced_row", "loss", "fix", 7]))
    names = list(suspects_table(classes_found, WHERE, own, np.arange(4)).columns)
    assert names[6:] == ["confidence", "row", "selfpaced_row", "loss", "fix", "7"]
    assert names[:3] == ["selfpaced_selfpaced_row", "line", "selfpaced_fix"]


def test_probabilities_of_the_user_keep_all_their_digits(classes_found: Audit) -> None:
    own = pd.DataFrame({"probability": ["likely"] * 4, "confidence": [1 / 3] * 4})
    text = csv_text(
        suspects_table(classes_found, WHERE, own), our_names(["probability", "confidence"])
    )
    head, first, *_ = text.splitlines()
    assert head.startswith("row,fix,selfpaced_probability,given,suggested,selfpaced_confidence,")
    assert first == "5,yes,0.9877,cat,dog,0.9500,likely,0.3333333333333333"


def test_rows_are_found_by_position_and_not_by_index(classes_found: Audit) -> None:
    where, own = WHERE.set_axis([9, 8, 7, 6]), OWN.set_axis([1, 0, 3, 2])
    assert suspects_table(classes_found, where, own)["text"].tolist() == ["d", "b"]
    assert ledger_table(classes_found, where)["row"].tolist() == WHERE.tolist()


def test_the_user_may_have_no_columns(classes_found: Audit) -> None:
    table = suspects_table(classes_found, WHERE.rename("file"), pd.DataFrame(index=range(4)))
    assert len(table) == 2 and table.columns[0] == "file"


def test_the_ledger_has_all_samples_in_order(classes_found: Audit) -> None:
    table = ledger_table(classes_found, WHERE)
    told = ["probability", "suggested", "confidence", "loss", "weight", "visits"]
    assert list(table.columns) == [
        "row",
        "given",
        "suspect",
        *told,
        "margin",
        "correct",
        "forgotten",
    ]
    assert table["row"].tolist() == [1, 2, 4, 5]
    assert table["given"].tolist() == ["cat", "dog", "dog", "cat"]
    assert table["suspect"].tolist() == [False, True, False, True]
    assert table["probability"].tolist() == [0.01, 0.75, 0.6, 0.98765]
    assert table["visits"].tolist() == [2] * 4
    np.testing.assert_allclose(table["margin"], -table["loss"], rtol=1e-6)
    assert table["weight"].between(0, 1).all()


def test_the_ledger_of_numbers_has_no_margin(numbers_found: Audit) -> None:
    assert "margin" not in ledger_table(numbers_found, WHERE)


def test_columns_of_another_length_are_refused(classes_found: Audit) -> None:
    with pytest.raises(ValueError, match="where needs a row for each of the 4 samples; got 3."):
        suspects_table(classes_found, WHERE[:3], OWN)
    with pytest.raises(ValueError, match="own needs a row for each of the 4 samples; got 2."):
        suspects_table(classes_found, WHERE, OWN[:2])
    with pytest.raises(ValueError, match="lines needs a row for each of the 4 samples; got 1."):
        suspects_table(classes_found, WHERE, OWN, np.arange(1))
    with pytest.raises(ValueError, match="where needs a row for each of the 4 samples; got 1."):
        ledger_table(classes_found, WHERE[:1])


def test_probabilities_have_four_digits_and_the_users_numbers_all_digits(
    classes_found: Audit,
) -> None:
    lines = csv_text(suspects_table(classes_found, WHERE, OWN)).split("\n")
    assert lines == [
        "row,fix,probability,given,suggested,confidence,text,price",
        "5,yes,0.9877,cat,dog,0.9500,d,2.0",
        "2,yes,0.7500,dog,cat,0.8000,b,0.3333333333333333",
        "",
    ]


def test_a_missing_value_is_an_empty_cell() -> None:
    table = pd.DataFrame({"confidence": [math.nan, 1.0], "text": ["a", None]})
    assert csv_text(table) == "confidence,text\n,a\n1.0000,\n"


@pytest.mark.parametrize("text", ['a "b", c', "a\nb", "a\rb", "a\r\nb", "é", "007"])
def test_any_text_is_read_back_unchanged(text: str) -> None:
    written = csv_text(pd.DataFrame({"row": [1], "text": [text]}))
    again = pd.read_csv(io.StringIO(written, newline=""), dtype=str)
    assert again["text"].tolist() == [text]


def test_text_that_a_spreadsheet_would_run_has_an_apostrophe() -> None:
    table = pd.DataFrame(
        {
            "=head": ["=1+1", "'=1", "a\r"],
            "kind": pd.Categorical(["-x", "-1", "-"]),
            "number": [-1.5, 2, 3],
            "own": [b"=1", None, ["=1"]],
        }
    )
    assert csv_text(table) == (
        '"\'=head","kind","number","own"\n"\'=1+1","\'-x",-1.5,"b\'=1\'"\n'
        '"\'\'=1","-1",2.0,""\n"a\r","-",3.0,"[\'=1\']"\n'
    )
    assert csv_text(table[["kind"]], spreadsheet=False) == "kind\n-x\n-1\n-\n"
    assert table["=head"].tolist() == ["=1+1", "'=1", "a\r"]  # the table itself does not change


def test_columns_of_one_name_are_all_written() -> None:
    table = pd.DataFrame([["=a", "=b"]], columns=["x", "x"])
    assert csv_text(table) == "x,x\n'=a,'=b\n"


def test_the_same_run_gives_the_same_bytes() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(["cat", "dog"], 100)
    x = rng.normal(size=(200, 2)) + 6 * (y == "dog")[:, None]
    where, own = pd.Series(range(200), name="index"), pd.DataFrame({"a": x[:, 0]})
    y[:10] = "dog"
    one, two = (find_label_errors(x, y, learner="logistic") for _ in range(2))
    texts = [csv_text(suspects_table(found, where, own)) for found in (one, two)]
    assert texts[0] == texts[1] and texts[0].count("\n") > 1
    pd.testing.assert_frame_equal(ledger_table(one, where), ledger_table(two, where))
