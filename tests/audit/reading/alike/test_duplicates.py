"""Claims about equal samples."""

from typing import Any

import numpy as np
import pandas as pd

from selfpaced.audit._reading.alike.duplicates import copies, hashes_of, repeats


def found_in(samples: Any, labels: pd.Series, where: pd.Series) -> Any:
    hashes = hashes_of(samples)
    return repeats(hashes, pd.factorize(hashes)[0], labels, where)


def test_equal_samples_of_different_labels_are_found_in_groups() -> None:
    rows = pd.DataFrame({"a": [1.0, 2.0, 2.0, None, None, 1.0, 3.0], "b": list("xyyzzxw")})
    labels = pd.Series(["n", "p", "q", "p", "p", "n", "n"])
    found, notes = found_in(rows, labels, pd.Series(range(1, 8), name="row"))
    told = {"row": [2, 3], "label": ["p", "q"], "group": [1, 1], "alike": ["equal"] * 2}
    assert found.to_dict("list") == told
    assert notes == (
        "2 samples repeat an earlier sample in all features and the label; all are kept.",
        "2 samples in 1 group are equal in all features but have different labels.",
    )


def test_groups_follow_the_file() -> None:
    images = np.array([3, 1, 3, 1, 2], np.uint8).reshape(5, 1, 1, 1).repeat(4, axis=3)
    labels = pd.Series([0, 1, 1, 0, 0])
    found, _ = found_in(images, labels, pd.Series(range(5), name="index"))
    assert found["index"].tolist() == [0, 2, 1, 3]
    assert found["group"].tolist() == [1, 1, 2, 2]


def test_samples_that_all_differ_give_no_note() -> None:
    rows = pd.DataFrame({"a": [1, 2]})
    found, notes = found_in(rows, pd.Series(["x", "y"]), pd.Series([1, 2], name="row"))
    assert found.empty and list(found.columns) == ["row", "label", "group", "alike"] and notes == ()


def copied(rows: list[float], labels: list[str]) -> list[int] | None:
    found = copies(hashes_of(np.array(rows)[:, None]), pd.Series(labels))
    return None if found is None else found.tolist()


def test_equal_samples_with_equal_labels_are_copies() -> None:
    assert copied([1, 2, 1, 3], ["x", "y", "x", "x"]) == [0, 1, 0, 2]
    assert copied([1, 2, 4, 3], ["x", "y", "x", "x"]) is None


def test_equal_samples_that_were_labelled_one_by_one_are_no_copies() -> None:
    assert copied([1, 2, 1, 2], ["x", "y", "x", "x"]) is None


def test_equal_samples_of_few_values_are_no_copies() -> None:
    rows, labels = [1.0, 2.0] * 10, ["x", "y"] * 10
    assert copied(rows, labels) is None
    assert copied([*rows, *range(3, 9)], [*labels, *"xxxxxx"]) is not None


def test_some_copies_with_another_label_are_copies_all_the_same() -> None:
    rows = [float(each) for each in range(200)]
    labels = ["x", "y"] * 100
    assert copied(rows * 2, [*labels, "z", "z", *labels[2:]]) is not None
    assert copied(rows * 2, [*labels, *["z"] * 10, *labels[10:]]) is None
