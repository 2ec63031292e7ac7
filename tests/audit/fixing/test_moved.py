"""Claims about finding the rows of an audit in a table that has changed since."""

import re

import numpy as np
import pytest

from selfpaced.audit._fixing.moved import places

# Rows 2 and 3 have the same cells.
AUDITED = {1: 11, 2: 22, 3: 22, 5: 55}


def find(rows: list[int], now: list[int]) -> dict[int, int]:
    return places("pets.csv", rows, AUDITED, np.array(now, np.uint64))


def test_rows_that_have_not_moved_are_where_they_were() -> None:
    assert find([1, 2, 3, 5], [11, 22, 22, 44, 55]) == {1: 1, 2: 2, 3: 3, 5: 5}


def test_a_moved_row_is_found_by_its_cells() -> None:
    assert find([5, 1], [55, 7, 11, 22, 22]) == {5: 1, 1: 3}


def test_equal_rows_keep_their_order() -> None:
    assert find([2, 3], [7, 22, 22, 11]) == {2: 2, 3: 3}
    assert find([3], [22, 7, 7, 7, 22]) == {3: 5}
    assert find([2, 3], [7, 7, 22, 22]) == {2: 3, 3: 4}


def test_of_equal_rows_that_became_more_or_fewer_only_those_in_place_are_found() -> None:
    assert find([2], [11, 22, 22, 22]) == {2: 2}
    said = "pets.csv has changed since the audit: row 3 of the audit is not in it any more"
    with pytest.raises(ValueError, match=said):
        find([2, 3], [11, 22])


def test_every_row_that_is_lost_is_named() -> None:
    said = (
        "pets.csv has changed since the audit: rows 1, 5 of the audit are not in it any more, or "
        "changed. Restore the file, keep the label of them in suspects.csv or in the review, or "
        "audit again."
    )
    with pytest.raises(ValueError, match=re.escape(said)):
        find([1, 2, 5], [9, 22, 22])


def test_a_row_that_was_not_audited_is_refused() -> None:
    said = "The audit of pets.csv did not judge row 4. Decide nothing about it."
    with pytest.raises(ValueError, match=re.escape(said)):
        find([1, 4], [11, 22, 22, 44, 55])


def test_many_equal_rows_are_found_fast() -> None:
    n = 100_000
    same = dict.fromkeys(range(1, n + 1), 7)
    found = places("pets.csv", range(1, n + 1), same, np.array([1, *[7] * n], np.uint64))
    assert found[1] == 2 and found[n] == n + 1
