"""Claims about the spelling of labels, and about which labels are the same class."""

import numpy as np
import pytest

from selfpaced.audit._fixing.spelling import Spelling, class_of, key, missing


@pytest.mark.parametrize(
    ("labels", "label", "written"),
    [
        (["A", "a"], "a", "a"),
        (["007", "7"], 7, "7"),
        (["007", "008"], np.int64(8), "008"),
        (["1.0", "2.0"], 1, "1.0"),
        (["no", "true"], np.bool_(True), "true"),
        ([0, 1], "1", 1),
        ([False, True], "True", True),
        (["1.5"], 2.25, "2.25"),
        ([1.5, 2], np.float32(0.1), 0.1),
        (["inf", "nan"], "nan", "nan"),
        (["1,5", "2,5"], 2.5, "2,5"),
        (["1,5", "2"], 3.25, "3,25"),
        (["1.5", "2"], "3,25", "3.25"),
        (["1,5", "low"], "3.25", "3.25"),
        ([1.5, 2.0], "3,25", 3.25),
        (["cat", None, ""], "", ""),
    ],
)
def test_a_label_is_written_as_the_table_writes_it(
    labels: list[object], label: object, written: object
) -> None:
    found = Spelling(labels)(label)
    assert found == written and type(found) is type(written)


def test_a_class_called_nan_is_itself() -> None:
    assert key("NaN") == "nan" and key(float("nan")) == "nan"


@pytest.mark.parametrize(
    ("labels", "label", "known"),
    [
        (["cat", "dog"], "cat", True),
        (["cat", "dog"], "Cat ", True),
        (["cat", "dog"], "cta", False),
        (["007"], 7, True),
        ([1, 2], "2.0", True),
        ([1, 2], "3", False),
        (["1,5"], 1.5, True),
        (["cat", "", None, float("nan")], "", False),
    ],
)
def test_a_label_of_the_table_is_known_however_it_is_spelled(
    labels: list[object], label: object, known: bool
) -> None:
    assert Spelling(labels).knows(label) == known


@pytest.mark.parametrize(
    ("labels", "same"),
    [
        (["1", "1.0", "2"], True),
        (["TRUE", "true", "False"], True),
        ([1, 1.0, 2], True),
        (["1", "1.0", "two"], False),
        (["007", "7", "8"], False),
        (["cat", "Cat", "dog"], False),
        (["TRUE", "true", "maybe"], False),
    ],
)
def test_classes_are_those_that_an_audit_reads(labels: list[object], same: bool) -> None:
    of = class_of([*labels, None, " "])
    assert (of(labels[0]) == of(labels[1])) == same and of(labels[0]) != of(labels[2])


def test_blank_cells_and_numbers_that_are_none_hold_no_label() -> None:
    assert missing("") and missing(float("inf")) and not missing(0) and not missing(False)
