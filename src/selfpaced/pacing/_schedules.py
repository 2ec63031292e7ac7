"""Schedules: from an integer step to a number, each a closed form of the step."""

import math
from dataclasses import dataclass, field

from selfpaced._errors import require, require_finite, require_positive_int, require_step
from selfpaced.pacing._shapes import Linear, Shape


@dataclass(frozen=True)
class Constant:
    """The same number at every step.

    Raises:
        ValueError: For NaN.

    >>> Constant(0.7)(12)
    0.7
    """

    value: float

    def __post_init__(self) -> None:
        """Check the value: infinity, which keeps everything, is allowed; NaN is not."""
        require(
            not math.isnan(self.value), "Constant: value must be a number; got nan. Give a float."
        )

    def __call__(self, step: int) -> float:
        """Return the value at the step, counted from 0."""
        require_step(step, "Constant")
        return self.value


@dataclass(frozen=True)
class Ramp:
    """From ``start`` at step 0 to ``stop`` at step ``steps``, and ``stop`` at all later steps.

    Args:
        start: Value at step 0.
        stop: Value at step ``steps`` and later; below start for a falling ramp.
        steps: Number of steps from start to stop, a positive int.
        shape: Linear, Root, Geometrical, Steps, Sine, Cosine, Exponential, Logarithmic, or any
            callable (progress, start, stop) -> value.

    Raises:
        ValueError: For steps below 1, and for a start or stop that is not finite or that the shape
            does not take.
        TypeError: For steps or a step that is not an int.

    >>> [Ramp(0.5, 1.0, steps=2)(step) for step in range(4)]
    [0.5, 0.75, 1.0, 1.0]
    """

    start: float
    stop: float
    steps: int
    shape: Shape = field(default_factory=Linear)

    def __post_init__(self) -> None:
        """Check start, stop and steps, and that the shape takes them."""
        require_finite("start", self.start, "Ramp")
        require_finite("stop", self.stop, "Ramp")
        if self.steps == 0:
            message = "Ramp: steps must be a positive int; got 0. "
            raise ValueError(message + "Use pacing.Constant(1.0) for no pacing.")
        require_positive_int("steps", self.steps, "Ramp")
        self.shape(0.5, self.start, self.stop)

    def __call__(self, step: int) -> float:
        """Return the value at the step, counted from 0."""
        require_step(step, "Ramp")
        if step >= self.steps:
            return float(self.stop)
        return self.shape(step / self.steps, self.start, self.stop)


@dataclass(frozen=True)
class Recorded:
    """The values of another run, one per step; the last one repeats.

    It makes the random-order control of a run, which keeps as many samples at every step, chosen at
    random: ``age.Quantile(Recorded((1.0, *shares)))`` with ``difficulty.RandomOrder``. The shares
    are the kept shares in the run's history, which begins at step 1; the 1.0 is for step 0, before
    any data.

    Args:
        values: At least one number, none NaN.

    Raises:
        ValueError: For no values, or a NaN.

    >>> [Recorded((0.3, 0.6, 1.0))(step) for step in (0, 1, 2, 3)]
    [0.3, 0.6, 1.0, 1.0]
    """

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """Check that there is at least one value and no NaN."""
        require(
            len(self.values) > 0 and not any(math.isnan(value) for value in self.values),
            f"Recorded: values must be one or more numbers, none NaN; got {self.values}.",
        )

    def __call__(self, step: int) -> float:
        """Return the value at the step, counted from 0."""
        require_step(step, "Recorded")
        return float(self.values[min(step, len(self.values) - 1)])


@dataclass(frozen=True)
class Geometric:
    """Start times factor^step, never past the limit.

    The classic program's threshold is ``Geometric(0.1, 1.35)``. Kumar's K divided by mu at every
    step, with the age 1/K, is ``Geometric(1 / K0, mu)``; the paper uses mu = 1.3.

    Args:
        start: Value at step 0; above 0.
        factor: Multiplies the value at each step; above 0, below 1 for a falling age.
        limit: The value stops here: an upper limit for a factor of 1 or more, else a lower one.
            None for no limit.

    Raises:
        ValueError: For a start or factor not above 0, and for a limit that the value moves away
            from.

    References:
        Kumar, Packer, Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010.

    >>> round(Geometric(0.1, 1.35)(2), 5)
    0.18225
    >>> Geometric(1.0, 2.0, limit=3.0)(2)
    3.0
    """

    start: float
    factor: float
    limit: float | None = None

    def __post_init__(self) -> None:
        """Check that the value stays positive and moves towards the limit."""
        require_finite("start", self.start, "Geometric")
        require_finite("factor", self.factor, "Geometric")
        require(self.start > 0, f"Geometric: start must be above 0; got {self.start}.")
        require(self.factor > 0, f"Geometric: factor must be above 0; got {self.factor}.")
        if self.limit is not None:
            grows = self.factor >= 1
            allowed = f"{self.start} or more" if grows else f"from 0 to {self.start}"
            require(
                self.limit >= self.start if grows else 0 <= self.limit <= self.start,
                f"Geometric: limit must be {allowed} for this start with factor {self.factor}; "
                f"got {self.limit}.",
            )

    def __call__(self, step: int) -> float:
        """Return the value at the step, counted from 0."""
        require_step(step, "Geometric")
        try:
            value = float(self.start * self.factor**step)
        except OverflowError:
            value = math.inf
        if self.limit is None:
            return value
        return min(value, self.limit) if self.factor >= 1 else max(value, self.limit)
