"""Claims about the changes of a corrected copy: how they are counted, and which are refused."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfpaced.audit._fixing.changes import Changes, Wanted, changes_of

LABELS = [*["setosa"] * 4, *["virginica"] * 3, *["versicolor"] * 2]


def wanted(suggested: Mapping[int, object], **settings: Any) -> Wanted:
    """The changes to make in iris.csv, by row from 1."""
    standard: dict[str, Any] = {"given": {}, "drop": False}
    return Wanted("iris.csv", "species", suggested, **standard | settings)


def table(changes: Changes) -> list[tuple[object, ...]]:
    return [tuple(each) for each in changes.classes]


def test_the_rows_of_each_class_are_counted() -> None:
    suggested = {1: "virginica", 2: "virginica", 3: "versicolor", 5: "setosa"}
    changes = wanted(suggested).changes(LABELS)
    assert table(changes) == [
        ("setosa", 4, {"virginica": 2, "versicolor": 1}, 2),
        ("virginica", 3, {"setosa": 1}, 4),
        ("versicolor", 2, {}, 3),
    ]
    assert len(changes) == 4 and [each.changed for each in changes.classes] == [3, 1, 0]
    assert changes.by_class() == {
        "setosa": {"virginica": 2, "versicolor": 1},
        "virginica": {"setosa": 1},
    }


def test_rows_that_are_left_out_become_nothing() -> None:
    changes = wanted({1: "virginica", 5: "setosa"}, drop=True).changes(LABELS)
    assert table(changes) == [
        ("setosa", 4, {"virginica": 1}, 3),
        ("virginica", 3, {"setosa": 1}, 2),
        ("versicolor", 2, {}, 2),
    ]
    assert changes.drop


def test_rows_without_a_label_are_no_class() -> None:
    changes = changes_of(["a", "", None, "a", float("nan")], {1: "a"})
    assert table(changes) == [("a", 2, {}, 3)] and len(changes) == 1


def test_spellings_of_a_number_are_one_class_under_the_first_spelling() -> None:
    changes = changes_of(["1.0", "1", "2", "2.0"], {1: "2"})
    assert table(changes) == [("1.0", 2, {"2": 1}, 1), ("2", 2, {}, 3)]
    assert changes_of([1, 2, 1], {0: 2}).by_class() == {"1": {"2": 1}}


def test_numbers_have_no_classes() -> None:
    changes = wanted({1: 7.5}, numeric=True).changes([1.5, 2.5])
    assert changes.classes == () and changes.by_class() == {} and len(changes) == 1


@given(
    st.lists(st.sampled_from("abcd"), min_size=1),
    st.dictionaries(st.integers(1, 30), st.sampled_from("abcd")),
    st.booleans(),
)
def test_the_counts_are_those_of_the_copy(
    labels: list[str], new: dict[int, str], drop: bool
) -> None:
    suggested: dict[int, object] = {row: to for row, to in new.items() if row <= len(labels)}
    changes = wanted(suggested, drop=drop, force=True).changes(labels)
    copy = [changes.new.get(place, label) for place, label in enumerate(labels)]
    if drop:
        copy = [label for place, label in enumerate(labels) if place not in changes.new]
    left = Counter(copy)
    assert {each.given: each.rows for each in changes.classes} == Counter(labels)
    assert {each.given: each.left for each in changes.classes} | left == {
        label: left[label] for label in {*labels, *left}
    }
    assert sum(each.changed for each in changes.classes) == len(changes)
    assert json.loads(json.dumps(changes.by_class())) == changes.by_class()


def test_a_row_that_is_suggested_its_own_label_does_not_change() -> None:
    assert wanted({1: "setosa", 2: "virginica"}).changes(LABELS).new == {1: "virginica"}
    assert len(wanted({1: "setosa", 2: "virginica"}, drop=True).changes(LABELS)) == 2


def test_a_label_that_no_row_has_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValueError) as error:
        wanted({7: "virginca"}).changes(LABELS)
    assert str(error.value) == (
        "By suspects.csv, a label becomes 'virginca' for row 7, which is not a class of iris.csv; "
        "did you mean 'virginica'? Correct it, or pass force=True to add the class."
    )
    with pytest.raises(ValueError) as error:
        wanted({7: "?"}).changes(LABELS)
    assert str(error.value) == (
        "By suspects.csv, a label becomes '?' for row 7, which is not a class of iris.csv. Correct "
        "it, or pass force=True to add the class."
    )


def test_all_labels_that_no_row_has_are_counted_and_the_first_five_named() -> None:
    bad: dict[int, object] = {row: "setsa" for row in range(1, 8)}
    with pytest.raises(ValueError) as error:
        wanted({**bad, 1: "x", 9: "setosa"}).changes(LABELS)
    assert str(error.value) == (
        "By suspects.csv, labels become ones that are not classes of iris.csv: 'x' for row 1, "
        "'setsa' for row 2 (did you mean 'setosa'?), 'setsa' for row 3 (did you mean 'setosa'?), "
        "'setsa' for row 4 (did you mean 'setosa'?), 'setsa' for row 5 (did you mean 'setosa'?) "
        "and 2 more. "
        "Correct them, or pass force=True to add the classes."
    )


def test_with_force_a_class_is_added() -> None:
    changes = wanted({7: "virginca"}, force=True).changes(LABELS)
    assert changes.by_class() == {"virginica": {"virginca": 1}}


def test_where_rows_are_left_out_their_suggested_labels_do_not_matter() -> None:
    assert len(wanted({7: "virginca"}, drop=True).changes(LABELS)) == 1


@pytest.mark.parametrize("drop", [False, True])
def test_a_class_that_loses_all_its_rows_is_refused(drop: bool) -> None:
    all_of_it: dict[int, object] = {8: "setosa", 9: "setosa"}
    with pytest.raises(ValueError) as error:
        wanted(all_of_it, drop=drop).changes(LABELS)
    assert str(error.value) == (
        "The copy of iris.csv would have no row left of the class 'versicolor' (2 rows). Keep "
        "the given label where it is right, or pass force=True to give up the class."
    )
    changes = wanted(all_of_it, drop=drop, force=True).changes(LABELS)
    assert changes.classes[2].left == 0
    if not drop:  # another row becomes the class
        assert wanted({**all_of_it, 1: "versicolor"}).changes(LABELS).classes[2].left == 1


def test_all_classes_that_lose_their_rows_are_counted_and_the_first_five_named() -> None:
    labels = [*"abcdefg", "x"]
    with pytest.raises(ValueError) as error:
        wanted({row: "x" for row in range(1, 8)}).changes(labels)
    assert (
        "no row left of the classes 'a' (1 row), 'b' (1 row), 'c' (1 row), 'd' (1 row), 'e' (1 "
        "row) and 2 more. Keep the given label where it is right, or pass "
        "force=True to give up the classes."
    ) in str(error.value)


def test_numbers_may_come_and_go() -> None:
    assert len(wanted({1: "7.5", 2: "8"}, numeric=True).changes(["1", "2"])) == 2
