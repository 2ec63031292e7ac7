"""Claims about models as plain data."""

import json
import os
import pickle
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from selfpaced.audit._features.numeric import Scale
from selfpaced.audit._plain.pack import Packed, pack, read, unpack, write

VALUES: list[Any] = [
    *(None, True, 3, -1.5, float("inf"), "ü\n", [], [1, [2, (3, "a")]], {"a": 1, 2: [None]}),
    *(Path("a/b.csv"), np.float32, np.dtype("float32"), np.dtype("datetime64[us]")),
    *(pd.DatetimeTZDtype("us", "UTC"), pd.DatetimeTZDtype("ns", "Europe/Berlin")),
    pd.DatetimeTZDtype("s", timezone(timedelta(hours=2))),
]


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_a_value_comes_back_with_its_type(value: Any) -> None:
    again = unpack(pack([value]))[0]
    assert again == value and type(again) is type(value)


ARRAYS = [
    np.arange(6, dtype=np.int32).reshape(2, 3),
    np.zeros((0, 8), np.uint32),
    np.array([True, False]),
    np.array(["a", "bcd"]),
    np.array(["a", None, 1.5], object),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.dtype))
def test_an_array_comes_back_with_its_order_in_memory(array: Any, tmp_path: Path) -> None:
    write({"array": array}, tmp_path / "a")
    again = read(tmp_path / "a")["array"]
    np.testing.assert_array_equal(again, array)
    assert again.dtype == array.dtype and again.strides == array.strides


def test_numbers_of_numpy_become_numbers_of_python_except_float32() -> None:
    again = unpack(pack([np.int64(3), np.float64(0.1), np.bool(True), np.float32(0.1)]))
    assert [type(value) for value in again] == [int, float, bool, np.float32]
    assert again[3] == np.float32(0.1)


def test_a_random_number_generator_goes_on() -> None:
    generator = np.random.default_rng(3)
    again = unpack(pack(generator))
    assert (again.random(5) == generator.random(5)).all()


def test_an_object_that_is_used_twice_is_one_object() -> None:
    scale = Scale(np.zeros(2), np.ones(2))
    one, other = unpack(pack([scale, scale]))
    assert one is other and type(one) is Scale and one.unit.tolist() == [1, 1]


def test_equal_objects_give_equal_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write([Scale(np.zeros(2), np.ones(2)), {"a": 1}], tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


class Evil:
    """Makes a folder if it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


OTHERS = [Evil(Path("a")), Evil, os.system, print, b"a", {1}, 1j]


@pytest.mark.parametrize("value", OTHERS, ids=range(len(OTHERS)))
def test_an_object_of_another_class_is_not_saved(value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="cannot be saved"):
        pack([value])


def test_an_array_of_other_values_is_not_saved() -> None:
    for array in (np.zeros(2, complex), np.zeros(2, "M8[s]"), np.array([["a"]])):
        with pytest.raises(ValueError, match="cannot be saved|to be saved"):
            pack(array)


HOSTILE = [
    *("", "[]", "3", "{}", "[[]]", "[[1, 2, 3]]", '[["list", 5]]', '[["no", []]]', '[["list"]]'),
    '[["list", [{"part": 0}]]]',  # itself
    '[["list", [{"part": -1}]]]',
    '[["list", [{"part": true}]]]',
    '[["list", [[1]]]]',
    '[["object", ["Popen", []]]]',
    '[["object", ["subprocess.Popen", []]]]',
    '[["object", ["Scale", [["__class__", "a"]]]]]',
    '[["object", ["Scale", []]]]',
    '[["object", ["Pipeline", [["memory", "a"]]]]]',
    '[["array", ["a0", false]]]',
    '[["dtype", "O"]]',
    '[["dtype", "datetime64[us, ../../x]"]]',
    '[["type", "object"]]',
    '[["generator", {"state": 3}]]',
    '[["Tree", [3, 2, 1, "a", "b", "c"]]]',
    '[["TreePredictor", []]]',
    "[" * 100_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_text_that_was_not_written_here_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError) as raised:
        unpack(Packed(text, {}))
    assert "\n" not in str(raised.value)


def test_a_pickle_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(pickle.dumps(Evil(tmp_path / "canary")))
    with pytest.raises(ValueError, match="header"):
        read(tmp_path / "a")
    assert not (tmp_path / "canary").exists()


def test_the_text_names_no_module() -> None:
    (part,) = [part for part in json.loads(pack(Scale(np.zeros(1), np.ones(1))).text)[-1:]]
    assert part[0] == "object" and part[1][0] == "Scale"
