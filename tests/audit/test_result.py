"""Claims about the result of an audit."""

import math
from dataclasses import replace

import pandas as pd
import pytest
import torch
from sklearn.tree import DecisionTreeClassifier

from selfpaced import Pacer
from selfpaced.audit import Audit
from selfpaced.audit._result import result
from selfpaced.suspects import Count


def test_a_suspect_is_more_probably_wrong_than_right_and_has_another_class(
    classes_found: Audit,
) -> None:
    assert classes_found.suspects.index.tolist() == [3, 1]
    assert not classes_found.numeric


def test_a_number_is_suspect_whatever_is_suggested(numbers_found: Audit) -> None:
    numbers_found.table["suggested"] = numbers_found.table["label"]
    assert numbers_found.suspects.index.tolist() == [2]
    assert numbers_found.numeric


def several(*rows: tuple[str, float, str], high: float = 3.0) -> Audit:
    """Return the result for rows (label, probability, suggested), most suspicious first."""
    table = pd.DataFrame(rows, columns=pd.Index(["label", "probability", "suggested"]))
    table.index = pd.RangeIndex(10, 10 + len(rows), name="index")
    return Audit(table, Count(2.0, 0.0, high), pd.DataFrame(), pd.DataFrame(), None, Pacer(1))


ROWS = (
    ("a", 0.9, "b"),
    ("a", 0.8, "a"),  # no other class is suggested
    ("b", 0.4, "a"),
    ("b", 0.6, "a"),
    ("a", math.nan, "b"),  # never visited
    ("a", 0.3, "b"),
    ("b", 0.1, "a"),
)


def test_the_suspects_come_first_and_then_the_doubtful_rows() -> None:
    found = several(*ROWS).doubtful(100)
    assert found.index.tolist() == [10, 13, 12, 15, 16]
    assert found["suspect"].tolist() == [True, True, False, False, False]
    assert list(found.columns) == ["label", "probability", "suggested", "suspect"]
    assert "suspect" not in several(*ROWS).table


@pytest.mark.parametrize(
    ("high", "n"), [(0.0, 2), (2.0, 2), (2.1, 3), (4.0, 4), (900.0, 5)], ids=str
)
def test_as_many_rows_are_doubtful_as_may_be_wrong(high: float, n: int) -> None:
    assert len(several(*ROWS, high=high).doubtful()) == n


@pytest.mark.parametrize("top", range(1, 7))
def test_top_is_the_number_of_doubtful_rows(top: int) -> None:
    assert several(*ROWS).doubtful(top).index.tolist() == [10, 13, 12, 15, 16][:top]


def test_of_numbers_all_rows_are_listed_in_their_order(numbers_found: Audit) -> None:
    assert numbers_found.doubtful().index.tolist() == [2, 3, 1]
    assert numbers_found.doubtful(9)["suspect"].tolist() == [True, False, False, False]


def test_top_must_be_a_positive_int(classes_found: Audit) -> None:
    with pytest.raises(ValueError, match="doubtful: top must be a positive int; got 0."):
        classes_found.doubtful(0)
    with pytest.raises(TypeError, match="doubtful: top must be a positive int; got 2.5."):
        classes_found.doubtful(2.5)  # type: ignore[arg-type]  # a slip of a user


def test_repr_of_numbers_names_no_classes(numbers_found: Audit) -> None:
    assert repr(numbers_found) == (
        "1 of 4 numbers is probably wrong (25.0%).\nAll in all about 2 are wrong (1 to 3)."
    )


def test_repr_of_classes_names_those_that_are_confused(classes_found: Audit) -> None:
    assert "1 labelled cat is probably dog" in repr(classes_found)


def test_the_result_holds_a_scikit_learn_estimator_unchanged() -> None:
    tree, pacer = DecisionTreeClassifier(), Pacer(3)
    pacer.observe(torch.ones(3), torch.arange(3))
    pacer.step()
    assert result(tree, pacer, torch.zeros(3, dtype=torch.int64), ["ant"]).model is tree


def test_repr_counts_the_kinds_of_errors_that_it_does_not_list(classes_found: Audit) -> None:
    table = pd.concat([classes_found.table] * 7, ignore_index=True)
    table["suggested"] = [f"{place} {label}" for place, label in enumerate(table["suggested"])]
    assert "  23 more of other kinds" in repr(
        replace(classes_found, table=table.assign(probability=1))
    )
