"""A check that cannot fail is no check: each one meets a planted mistake in this folder."""

import math
from dataclasses import dataclass

import pytest

from selfpaced.testing import check_settings
from selfpaced.weighting import Linear


@dataclass(frozen=True)
class Holds:
    inner: object
    limit: float = math.inf


class OtherRepr(Holds):
    def __repr__(self) -> str:
        return "OtherRepr(1)"


class Unspeakable(Holds):
    def __repr__(self) -> str:
        return "<unspeakable>"


class Forgetful(Holds):
    def __getstate__(self) -> dict[str, object]:
        return {"inner": None}


def test_settings_inside_settings_and_infinite_ones_conform() -> None:
    check_settings(Holds(Holds(Linear(), 1.0)))


def test_planted_settings_fail() -> None:
    with pytest.raises(AssertionError, match="cannot be pickled"):
        check_settings(Holds(lambda: None))
    with pytest.raises(AssertionError, match="does not survive pickling"):
        check_settings(Forgetful(1))
    with pytest.raises(AssertionError, match="is another object"):
        check_settings(OtherRepr(2))
    with pytest.raises(AssertionError, match="eval of <unspeakable> fails"):
        check_settings(Unspeakable(1))
