"""Claims about labels."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from selfpaced.audit._reading.labels.decide import Labels, decide


def decided(
    values: Any, numeric: bool | None = None, features: Any = None, *, exact: bool = False
) -> Labels:
    labels = pd.Series(values, name="kind")
    where = pd.Series(range(1, len(labels) + 1), name="row")
    rows = np.zeros((len(labels), 1)) if features is None else features
    return decide(labels, where, numeric, rows, exact=exact)


def test_missing_blank_and_infinite_labels_are_left_out_with_a_note() -> None:
    found = decided(["a", None, " ", "b", "a", "b"])
    assert found.kept.tolist() == [True, False, False, True, True, True]
    assert found.values.tolist() == ["a", "b", "a", "b"]
    assert found.notes == ("2 samples have no label and are left out (rows 2, 3).",)
    assert decided([0.5, np.inf, 0.7]).notes[0] == (
        "1 sample has no label and is left out (row 2)."
    )


@pytest.mark.parametrize(
    ("values", "numeric"),
    [
        ([0.5, 1.5, 0.5], True),
        ([1.0, 2.0, 1.0], False),
        ([True, False, True], False),
        (["1", "2", "1"], False),
        (np.arange(40) % 21, True),
        (np.arange(40) % 20, False),
        (np.arange(420) % 21, False),  # 5 % are not over 5 %
        (np.arange(419) % 21, True),
    ],
)
def test_fractions_and_many_whole_numbers_are_numbers(values: Any, numeric: bool) -> None:
    assert decided(values).numeric is numeric


def test_a_note_on_numbers_says_how_to_treat_them_as_classes() -> None:
    assert decided([0.5, 1.5, 0.5]).notes == (
        "The labels are numbers with 2 different values, and are learned as a regression. Pass "
        "numeric=False to treat them as classes.",
    )
    assert decided([0.5, 1.5, 0.5], numeric=False).notes == (
        "1 class has a single sample, too few to learn from: 1.5.",
    )


def test_whole_numbers_are_classes_without_a_point() -> None:
    found = decided([1.0, 2.0, np.nan, 1.0])
    assert found.values.tolist() == [1, 2, 1] and found.values.dtype == np.int64
    gaps = decided(pd.array([3, None, 4, 3], dtype="Int64"))
    assert gaps.values.tolist() == [3, 4, 3] and gaps.values.dtype == np.int64


def test_the_choice_of_the_user_is_kept() -> None:
    assert decided([1, 2, 1], numeric=True).values.dtype == np.float64
    assert decided(["1", "2.5"], numeric=True).values.tolist() == [1.0, 2.5]
    assert not decided(np.arange(40) % 30, numeric=False).numeric


@pytest.mark.parametrize(
    ("values", "numeric", "said"),
    [
        ([None, " "], None, "Column 'kind': every label is missing. Is it the right column"),
        (
            ["a", "a", None],
            None,
            "Column 'kind': all labels are a; at least two classes are needed",
        ),
        ([2.5, 2.5], None, "all labels are 2.5; at least two classes are needed"),
        (
            ["a", "b", "c"],
            None,
            "no two samples have the same label, so the labels are not classes",
        ),
        (
            ["1", None, "b"],
            True,
            r"must be numbers; got 'b' \(row 3\). Correct it, or pass numeric=False",
        ),
    ],
)
def test_labels_that_cannot_be_learned_are_errors(
    values: Any, numeric: bool | None, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        decided(values, numeric)


def test_labels_that_differ_in_case_or_blanks_are_one_class() -> None:
    found = decided(["dog", "Dog", "dog ", "dog", "cat", "big  cat", "Big Cat", "cat"])
    assert found.values.tolist() == [*["dog"] * 4, "cat", "Big Cat", "Big Cat", "cat"]
    assert found.notes == (
        "Labels that differ in case or blanks are one class: dog ('dog' 2, 'Dog' 1, 'dog ' 1), "
        "Big Cat ('Big Cat' 1, 'big  cat' 1). Pass exact=True to keep them apart.",
    )
    apart = decided(["dog", "Dog", "dog", "Dog"], exact=True)
    assert apart.values.tolist() == ["dog", "Dog", "dog", "Dog"] and apart.notes == ()


def test_the_most_frequent_spelling_stands_for_the_class() -> None:
    found = decided(["DOG", "dog", "DOG", "cat", "cat", " cat", " cat", " cat"])
    assert found.values.tolist() == ["DOG"] * 3 + ["cat"] * 5


def codes(*, ordered: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return 60 numbers, and features that follow them, or that only tell them apart."""
    draw = np.random.default_rng(0)
    numbers = draw.integers(0, 60, 600)
    place = numbers if ordered else draw.permutation(60)[numbers]
    return numbers, place[:, None] + draw.normal(size=(600, 2))


@pytest.mark.parametrize("ordered", [True, False])
def test_whole_numbers_whose_order_tells_nothing_are_classes(ordered: bool) -> None:
    numbers, features = codes(ordered=ordered)
    found = decided(numbers, features=features)
    assert found.numeric is ordered
    if not ordered:
        assert found.notes == (
            "The labels are 60 whole numbers whose order tells nothing about the samples, and are "
            "learned as classes. Pass numeric=True for a regression.",
        )
    assert decided(numbers, numeric=True, features=features).numeric


def test_codes_are_told_by_texts_and_by_categories() -> None:
    numbers, _ = codes(ordered=False)
    words = np.random.default_rng(1).permutation([f"w{place}" for place in range(60)])
    texts = pd.DataFrame({"text": [f"the {words[each]} is here" for each in numbers]})
    assert not decided(numbers, features=texts).numeric


def test_numbers_that_are_not_predicted_stay_numbers() -> None:
    draw = np.random.default_rng(0)
    assert decided(draw.integers(0, 60, 600), features=draw.normal(size=(600, 3))).numeric


def test_labels_of_text_that_are_mostly_numbers_are_numbers() -> None:
    found = decided([f"{each}.5" for each in range(20)] + ["-", "n/a"])
    assert found.numeric and found.kept.tolist() == [True] * 20 + [False] * 2
    assert found.notes[0] == (
        "Column 'kind': 2 cells are not numbers and count as gaps: '-', 'n/a' (rows 21, 22)."
    )
    grades = decided(["1", "2", "3"] * 10 + ["unknown"] * 2)
    assert not grades.numeric and "unknown" in grades.values.tolist()
