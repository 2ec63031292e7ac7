"""Claims about the numbers of a report as small integers."""

import json
from typing import Any

import numpy as np
import pytest

from selfpaced._page.content import Curves, Map, Samples
from selfpaced._page.packing import confusion, curves, one_map, samples


def some(places: Any, n: int = 3, classes: int = 2) -> Samples:
    codes = np.array([0, 1, -1], np.int32)[:n]
    chance = np.array([0.0, 1.0, np.nan], np.float32)[:n]
    names = tuple(map(str, range(classes)))
    return Samples(places, codes, codes, names, chance, np.array([True, False, False])[:n], 9)


def test_places_that_are_counted_need_no_room() -> None:
    arrays: dict[str, Any] = {}
    told = samples(some([7, 8, 9]), arrays)
    assert told["places"] == {"kind": "counted", "first": 7}
    assert "places" not in arrays
    assert (told["n"], told["total"]) == (3, 9)


def test_other_numbers_and_names_are_kept() -> None:
    arrays: dict[str, Any] = {}
    assert samples(some([7, 9, 30]), arrays)["places"] == {"kind": "numbers"}
    assert arrays["places"].tolist() == [7, 9, 30]
    assert samples(some(["a\n.png", "b.png", "c.png"]), arrays)["places"] == {"kind": "texts"}
    assert json.loads(arrays["places"].tobytes()) == ["a\n.png", "b.png", "c.png"]


@pytest.mark.parametrize(("classes", "kind", "none"), [(2, "uint8", 255), (300, "uint16", 65_535)])
def test_classes_take_as_few_bits_as_they_need(classes: int, kind: str, none: int) -> None:
    arrays: dict[str, Any] = {}
    samples(some([1, 2, 3], classes=classes), arrays)
    assert arrays["given"].dtype == kind
    assert arrays["given"].tolist() == [0, 1, none]


def test_a_probability_is_a_byte_and_255_is_none() -> None:
    arrays: dict[str, Any] = {}
    samples(some([1, 2, 3]), arrays)
    assert arrays["probability"].tolist() == [0, 254, 255]
    assert arrays["suspect"].tolist() == [1, 0, 0]


def test_a_map_has_an_empty_edge_and_leaves_out_what_has_no_place() -> None:
    arrays: dict[str, Any] = {}
    across = np.array([0.0, 10.0, np.nan], np.float32)
    up = np.array([1.0, 1.0, 1.0], np.float32)
    told = one_map(Map("m", "x", "y", across, up), 0, arrays)
    low, high = told["across"]
    assert (low, high) == (pytest.approx(-0.3), pytest.approx(10.3))
    places = low + arrays["across0"][:2] / 65_534 * (high - low)
    np.testing.assert_allclose(places, [0, 10], atol=1e-3)
    assert arrays["across0"][2] == arrays["up0"][2] == 65_535
    assert told["up"] == [0.5, 1.5]  # equal values are in the middle


def test_confused_classes_come_most_often_first() -> None:
    assert confusion(np.array([[0, 1], [5, 0]])) == [[1, 0, 5], [0, 1, 1]]


def test_a_missing_number_of_a_curve_is_none() -> None:
    assert curves(Curves({"age": [1.0, float("inf")]}))["series"] == {"age": [1.0, None]}
