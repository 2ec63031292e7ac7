"""A saved state is read value by value; each kind of damage has its message."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from selfpaced._saved import Saved, assign_all, require_generator, shown

CPU = torch.device("cpu")


def saved(value: Any) -> Saved:
    return Saved({"x": value}, "Pacer", {"x"})


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ([1], r"Pacer: the state must be a dict; got \[1\]. Use a state that state_dict\(\) retu"),
        ({"version": 3, "a": 1}, "Pacer: the state is of version 3, newer than 2. Update selfpac"),
        ({"version": 0, "a": 1}, "'version' of the state must be an int from 1 to .*; got 0"),
        ({"version": True, "a": 1}, "'version' of the state must be an int from 1 .*; got True"),
        ({"version": 1}, r"the state is cut short; it lacks \['a'\]. Load a complete state"),
        ({"a": 1, "c": 1, 7: 1}, r"the state has unknown keys: \['c', 7\]. Use a state that stat"),
    ],
)
def test_version_and_keys_are_checked_first(state: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Saved(state, "Pacer", {"a"}, newest=2, optional={"b"})


def test_a_state_without_a_version_is_of_the_first() -> None:
    assert Saved({"a": 1}, "Pacer", {"a"}, newest=2).version == 1
    assert Saved({"a": 1, "version": 2, "b": 0}, "P", {"a"}, newest=2, optional={"b"}).version == 2


READS: list[tuple[Callable[[Saved], object], Any, str]] = [
    (lambda s: s.count("x"), -1, "'x' of the state must be an int from 0 to 2147483647; got -1"),
    (lambda s: s.count("x"), True, "must be an int from 0 to 2147483647; got True"),
    (lambda s: s.count("x"), 1.0, "must be an int from 0 to 2147483647; got 1.0"),
    (lambda s: s.count("x"), 10**400, "an int from 0 to .*; got an int of 1329 bits"),
    (lambda s: s.flag("x"), 1, "must be True or False; got 1"),
    (lambda s: s.number("x"), math.nan, "must be a number; got nan"),
    (lambda s: s.number("x"), 10**400, "must be a number; got an int of 1329 bits"),
    (lambda s: s.number("x", positive=True), math.inf, "a finite number above 0; got inf"),
    (lambda s: s.number("x", positive=True), 0, "a finite number above 0; got 0"),
    (lambda s: s.number("x"), "1", "must be a number; got '1'"),
]


@pytest.mark.parametrize(("read", "value", "said"), READS)
def test_a_value_of_the_wrong_kind_is_named(
    read: Callable[[Saved], object], value: Any, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        read(saved(value))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([1.0, 2.0], r"must be float32 of shape \(2,\); got \[1.0, 2.0\]"),
        (torch.zeros(2).double(), r"must be float32 of shape \(2,\); got float64 of shape \(2,\)"),
        (torch.zeros(3), r"must be float32 of shape \(2,\); got float32 of shape \(3,\)"),
        (torch.zeros(2, 1), r"must be float32 of shape \(2,\); got float32 of shape \(2, 1\)"),
        (torch.zeros(2, device="meta"), r"got float32 of shape \(2,\) \(strided, meta\)"),
        (torch.zeros(2).to_sparse(), r"got float32 of shape \(2,\) \(sparse_coo, cpu\)"),
        (torch.tensor([0.0, 1.5]), r"with values from 0 to 1, none NaN; got \[1.5\]"),
        (torch.tensor([0.0, -1.0]), r"with values from 0 to 1, none NaN; got \[-1.0\]"),
        (torch.tensor([0.0, math.nan]), r"with values from 0 to 1, none NaN; got \[nan\]"),
    ],
)
def test_a_tensor_has_a_type_a_shape_and_limits(value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        saved(value).tensor("x", torch.float32, (2,), low=0, high=1)


def test_integers_are_compared_exactly() -> None:
    index = torch.tensor([2**24 + 1])
    assert saved(index).tensor("x", torch.int64, (None,), low=0, high=2**24 + 1) == 2**24 + 1
    with pytest.raises(ValueError, match="got .16777217."):
        saved(index).tensor("x", torch.int64, (None,), low=0, high=2**24)


def test_nan_may_be_allowed() -> None:
    assert saved(torch.tensor([math.nan])).tensor("x", torch.float32, (1,), nan=True).isnan()


def test_a_nested_value_must_have_the_form_of_the_present_one() -> None:
    now = {"a": torch.zeros(2), "b": {"c": 1}}
    good = {"a": torch.ones(2), "b": {"c": 2}}
    saved(good).require_like("x", good, now)
    for change, said in (
        ({"a": torch.ones(3)}, r"'x.a' of the state must be float32 of shape \(2,\); got float32"),
        ({"b": {}}, r"'x.b' of the state must be a dict with the keys \['c'\]; got {}"),
        ({"b": {"c": 1.0}}, "'x.b.c' of the state must be of int; got 1.0"),
    ):
        with pytest.raises(ValueError, match=said):
            saved(good).require_like("x", good | change, now)


@pytest.mark.parametrize(
    "state", [torch.zeros(9, dtype=torch.uint8), [1], torch.Generator().get_state() * 0 + 255]
)
def test_the_state_of_a_generator_must_be_one_that_it_takes(state: Any) -> None:
    with pytest.raises(ValueError, match="'x' of the state must be the state of a random number g"):
        require_generator(saved(state), "x", state, CPU)


def test_the_state_of_a_generator_is_copied() -> None:
    state = torch.Generator().manual_seed(3).get_state()
    read = require_generator(saved(state), "x", state, CPU)
    assert torch.equal(read, state) and read.data_ptr() != state.data_ptr()


def test_all_is_assigned_in_order() -> None:
    found: list[int] = []
    assign = assign_all([lambda: found.append(1), lambda: found.append(2)])
    assert found == []
    assign()
    assert found == [1, 2]


def test_a_message_stays_short_and_on_one_line() -> None:
    long = shown("a\nb" * 99)
    assert len(long) == 63 and long.endswith("...") and "\n" not in long
    assert shown({"a": torch.zeros(2)}) == "a dict of 1"
    assert shown([torch.zeros(2)]) == "a list of 1"
