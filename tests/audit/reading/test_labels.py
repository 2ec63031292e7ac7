"""Claims about labels."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from selfpaced.audit._reading.labels import Labels, decide


def decided(values: Any, numeric: bool | None = None) -> Labels:
    labels = pd.Series(values, name="kind")
    return decide(labels, pd.Series(range(1, len(labels) + 1), name="row"), numeric)


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
