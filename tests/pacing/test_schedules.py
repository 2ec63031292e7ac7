import math

import pytest

from selfpaced import pacing
from selfpaced.pacing import Constant, Geometric, Ramp, Root


@pytest.mark.parametrize("p", [1, 2, 3, 5.5])
def test_root_has_exponent_one_over_p(p: float) -> None:
    assert Ramp(0.2, 1.0, steps=4, shape=Root(p))(2) == pytest.approx(
        (0.2**p + (1 - 0.2**p) / 2) ** (1 / p)
    )


def test_root_three_half_way_is_not_root_two() -> None:
    assert Ramp(0.0, 1.0, steps=2, shape=Root(3))(1) == pytest.approx(0.5 ** (1 / 3))


def test_geometric_is_the_classic_threshold() -> None:
    threshold = 0.1
    for step in range(10):
        assert Geometric(0.1, 1.35)(step) == pytest.approx(threshold, rel=1e-12)
        threshold *= 1.35


def test_geometric_is_kumars_k_divided_by_mu() -> None:
    k, mu = 8.0, 1.3
    for step in range(5):
        assert Geometric(1 / 8.0, mu)(step) == pytest.approx(1 / k)
        k /= mu


def test_geometric_overflows_to_infinity_and_stops_at_its_limit() -> None:
    assert Geometric(1.0, 2.0)(100_000) == math.inf
    assert Geometric(1.0, 2.0, limit=9.0)(100_000) == 9.0
    assert Geometric(1.0, 0.5, limit=0.1)(50) == 0.1


def test_a_ramp_ends_exactly_on_stop_and_may_fall() -> None:
    assert Ramp(1.0, 0.6, steps=3)(3) == 0.6
    assert Ramp(1.0, 0.6, steps=4)(1) == pytest.approx(0.9)


def test_steps_jump_k_times() -> None:
    values = [Ramp(0.1, 1.0, steps=10, shape=pacing.Steps(3))(step) for step in range(11)]
    assert [round(v, 6) for v in values] == [0.1] * 4 + [0.4] * 3 + [0.7] * 3 + [1.0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Ramp(0.0, 1.0, steps=0), r"Use pacing\.Constant\(1\.0\) for no pacing"),
        (lambda: Ramp(0.0, 1.0, steps=-1), "steps must be a positive int; got -1"),
        (lambda: Ramp(math.nan, 1.0, steps=2), "start must be a finite number"),
        (lambda: Ramp(0.0, 1.0, 2, pacing.Geometrical()), "must be above 0; got 0.0 and 1.0"),
        (lambda: Ramp(-1.0, 1.0, 2, Root(2)), "must be 0 or more"),
        (lambda: Root(0), "p must be greater than 0"),
        (lambda: pacing.Exponential(0), "rate must be above 0"),
        (lambda: pacing.Logarithmic(-1), "rate must be above 0"),
        (lambda: pacing.Recorded(()), r"one or more numbers, none NaN; got \(\)"),
        (lambda: pacing.Recorded((1.0, math.nan)), "one or more numbers, none NaN"),
        (lambda: Geometric(0.0, 2.0), "start must be above 0"),
        (lambda: Geometric(1.0, 0.0), "factor must be above 0"),
        (lambda: Geometric(1.0, 2.0, limit=0.5), "limit must be 1.0 or more .*; got 0.5"),
        (lambda: Geometric(1.0, 0.5, limit=2.0), "limit must be from 0 to 1.0 .*; got 2.0"),
        (lambda: Constant(math.nan), "must be a number; got nan"),
        (lambda: Constant(1.0)(-1), "step must be 0 or more; got -1"),
    ],
)
def test_bad_settings_say_what_to_do(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("step", [0.5, True, "1"])
def test_a_step_is_an_int(step: object) -> None:
    with pytest.raises(TypeError, match="step must be an int"):
        Geometric(1.0, 2.0)(step)  # type: ignore[arg-type]  # the mistake under test


def test_the_number_of_steps_is_an_int() -> None:
    with pytest.raises(TypeError, match="steps must be a positive int; got 2.5"):
        Ramp(0.0, 1.0, steps=2.5)  # type: ignore[arg-type]  # the mistake under test
