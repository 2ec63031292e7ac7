import math
from dataclasses import dataclass

import pytest

from selfpaced.pacing import Constant, Ramp
from selfpaced.testing import check_pacing


@dataclass(frozen=True)
class AlwaysSquareRoot:
    """CurBench's root-p, with the exponent 0.5 for every p."""

    p: float = 3.0

    def __call__(self, progress: float, start: float, stop: float) -> float:
        low, high = start**self.p, stop**self.p
        return float((low + (high - low) * progress) ** 0.5)


def test_the_wrong_root_of_curbench_fails() -> None:
    with pytest.raises(AssertionError, match="starts wrong"):
        check_pacing(Ramp(0.3, 1.0, 10, AlwaysSquareRoot()), 0.3, 1.0)


@dataclass(frozen=True)
class Jumpy:
    def __call__(self, step: int) -> float:
        return float(step % 3)


@dataclass(frozen=True)
class TakesHalves:
    def __call__(self, step: int) -> float:
        return float(step)


@dataclass(frozen=True)
class TakesNegatives:
    def __call__(self, step: int) -> float:
        if isinstance(step, float):
            raise TypeError("no")
        return float(step)


@dataclass(frozen=True)
class Whole:
    def __call__(self, step: int) -> float:
        return 1


@dataclass(frozen=True)
class NeverANumber:
    def __call__(self, step: int) -> float:
        return math.nan


@dataclass(frozen=True)
class Explodes:
    def __call__(self, step: int) -> float:
        return 1.0 if step < 5 else math.inf


@dataclass(frozen=True)
class Counts:
    calls: list[int]

    def __call__(self, step: int) -> float:
        self.calls.append(step)
        return float(len(self.calls))


def test_planted_schedules_fail() -> None:
    with pytest.raises(AssertionError, match="must return floats"):
        check_pacing(Whole(), 1.0)
    with pytest.raises(AssertionError, match="is NaN"):
        check_pacing(NeverANumber(), 1.0)
    with pytest.raises(AssertionError, match="starts wrong"):
        check_pacing(Constant(1.0), 1.001)
    with pytest.raises(AssertionError, match=r"does not end at 2\.0"):
        check_pacing(Constant(1.0), 1.0, 2.0)
    with pytest.raises(AssertionError, match="turns round"):
        check_pacing(Jumpy(), 0.0)
    with pytest.raises(AssertionError, match="becomes infinite within 20 steps"):
        check_pacing(Explodes(), 1.0)
    with pytest.raises(AssertionError, match="depends on more than the step"):
        check_pacing(Counts([]), 1.0)
    with pytest.raises(AssertionError, match=r"takes 0\.5 as a step"):
        check_pacing(TakesHalves(), 0.0)
    with pytest.raises(AssertionError, match="takes -1 as a step"):
        check_pacing(TakesNegatives(), 0.0)


def test_an_infinite_constant_conforms() -> None:
    check_pacing(Constant(math.inf), math.inf, math.inf)
