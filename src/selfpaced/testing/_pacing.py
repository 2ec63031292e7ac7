"""What every schedule promises."""

import itertools
import math

from selfpaced.pacing import Pacing
from selfpaced.testing._settings import check_settings, expect


def check_pacing(pacing: Pacing, start: float, stop: float | None = None, steps: int = 20) -> None:
    """Check a schedule: a pure, monotone function of an integer step.

    Args:
        pacing: The schedule.
        start: What it is at step 0.
        stop: What it is at ``steps`` and later; None where it never ends.
        steps: How far to look.

    Raises:
        AssertionError: Naming the first promise that is broken.

    >>> from selfpaced.pacing import Ramp
    >>> check_pacing(Ramp(0.3, 1.0, steps=10), start=0.3, stop=1.0, steps=10)
    """
    check_settings(pacing)
    values = [pacing(step) for step in range(steps + 1)]
    expect(all(type(v) is float for v in values), f"{pacing!r} must return floats")
    expect(not any(math.isnan(v) for v in values), f"{pacing!r} is NaN")
    expect(math.isclose(values[0], start, rel_tol=1e-9, abs_tol=1e-9), f"{pacing!r} starts wrong")
    if stop is not None:
        expect(pacing(steps) == stop == pacing(10 * steps), f"{pacing!r} does not end at {stop}")
    pairs = list(itertools.pairwise(values))
    one_way = all(a <= b for a, b in pairs) or all(a >= b for a, b in pairs)
    expect(one_way, f"{pacing!r} turns round")
    finite = all(math.isfinite(v) for v in values)
    expect(finite or math.isinf(start), f"{pacing!r} becomes infinite within {steps} steps")
    backwards = [pacing(step) for step in reversed(range(steps + 1))]
    expect(backwards[::-1] == values, f"{pacing!r} depends on more than the step")
    for bad in (0.5, -1):
        _expect_refusal(pacing, bad)


def _expect_refusal(pacing: Pacing, step: float) -> None:
    try:
        pacing(step)  # type: ignore[arg-type]  # the mistake that must be refused
    except (TypeError, ValueError):
        return
    raise AssertionError(f"{pacing!r} takes {step} as a step")
