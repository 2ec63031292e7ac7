"""Shapes: the curves of a ramp from start to stop."""

import math
from dataclasses import dataclass
from typing import Protocol

from selfpaced._errors import require, require_finite, require_positive_int

LARGEST_RATE = 500  # largest rate of a shape; e^rate has to be finite
ROUNDING = 1e-9  # a jump of ``Steps`` may come early by this part of a jump, for rounding errors


class Shape(Protocol):
    """A curve from start to stop; progress runs from 0 to 1."""

    def __call__(self, progress: float, start: float, stop: float) -> float:
        """Return the value at this progress, from 0 to 1."""
        ...


@dataclass(frozen=True)
class Linear:
    """Equal increments: start + (stop - start) progress.

    >>> Linear()(0.25, 0.0, 1.0)
    0.25
    """

    def __call__(self, progress: float, start: float, stop: float) -> float:
        """Return the value at this progress, from 0 to 1."""
        return start + (stop - start) * progress


@dataclass(frozen=True)
class Root:
    r"""Fast first, slow later: (start^p + (stop^p - start^p) progress)^(1/p).

    With p = 2 this is the competence of Platanios et al. (2019). The exponent is 1/p, not 1/2 for
    every p. Start and stop must be 0 or more.

    Raises:
        ValueError: For a p not above 0, and for a start or stop below 0.

    References:
        Wang, Chen, Zhu, `A Survey on Curriculum Learning <https://arxiv.org/abs/2010.13166>`_,
        2021, eq. 3 and 4.

    >>> round(Root(3)(0.5, 0.0, 1.0), 3)
    0.794
    """

    p: float = 2.0

    def __post_init__(self) -> None:
        """Check the exponent."""
        require_finite("p", self.p, "Root")
        require(self.p > 0, f"Root: p must be greater than 0; got {self.p}. Use 2 or 3.")

    def __call__(self, progress: float, start: float, stop: float) -> float:
        """Return the value at this progress, from 0 to 1."""
        require(
            start >= 0 and stop >= 0,
            f"Root: start and stop must be 0 or more; got {start} and {stop}. Use Linear().",
        )
        low, high = start**self.p, stop**self.p
        return float((low + (high - low) * progress) ** (1 / self.p))


@dataclass(frozen=True)
class Geometrical:
    """Equal factors: start^(1 - progress) stop^progress, with start and stop above 0.

    Raises:
        ValueError: For a start or stop not above 0.

    References:
        Wang, Chen, Zhu, `A Survey on Curriculum Learning <https://arxiv.org/abs/2010.13166>`_,
        2021, eq. 5.

    >>> Geometrical()(0.5, 0.25, 1.0)
    0.5
    """

    def __call__(self, progress: float, start: float, stop: float) -> float:
        """Return the value at this progress, from 0 to 1."""
        require(
            start > 0 and stop > 0,
            f"Geometrical: start and stop must be above 0; got {start} and {stop}. Use Linear().",
        )
        return float(start ** (1 - progress) * stop**progress)


@dataclass(frozen=True)
class Steps:
    """Baby steps: k equal jumps, the last one at the end, to stop.

    Raises:
        ValueError: For a k below 1.
        TypeError: For a k that is not an int.

    >>> [Steps(2)(progress, 0.0, 1.0) for progress in (0.0, 0.25, 0.5, 0.75, 1.0)]
    [0.0, 0.0, 0.5, 0.5, 1.0]
    """

    k: int

    def __post_init__(self) -> None:
        """Check the number of jumps."""
        require_positive_int("k", self.k, "Steps")

    def __call__(self, progress: float, start: float, stop: float) -> float:
        """Return the value at this progress, from 0 to 1."""
        return start + (stop - start) * math.floor(progress * self.k + ROUNDING) / self.k


@dataclass(frozen=True)
class Sine:
    """Fast first: start + (stop - start) sin(pi progress / 2).

    >>> round(Sine()(0.5, 0.0, 1.0), 3)
    0.707
    """

    def __call__(self, progress: float, start: float, stop: float) -> float:
        """Return the value at this progress, from 0 to 1."""
        return start + (stop - start) * math.sin(math.pi / 2 * progress)


@dataclass(frozen=True)
class Cosine:
    """Slow first: start + (stop - start) (1 - cos(pi progress / 2)).

    >>> round(Cosine()(0.5, 0.0, 1.0), 3)
    0.293
    """

    def __call__(self, progress: float, start: float, stop: float) -> float:
        """Return the value at this progress, from 0 to 1."""
        return start + (stop - start) * (1 - math.cos(math.pi / 2 * progress))


@dataclass(frozen=True)
class Exponential:
    """Slow first, then steep: start + (stop - start) (e^(rate p) - 1) / (e^rate - 1).

    Here p is the progress.

    Raises:
        ValueError: For a rate not above 0 or above 500.

    References:
        Wu, Dyer, Neyshabur, `When Do Curricula Work? <https://arxiv.org/abs/2012.03107>`_, 2021
        (rate 10).

    >>> round(Exponential()(0.5, 0.0, 1.0), 4)
    0.0067
    """

    rate: float = 10.0

    def __post_init__(self) -> None:
        """Check the rate."""
        _require_rate(self.rate, "Exponential")

    def __call__(self, progress: float, start: float, stop: float) -> float:
        """Return the value at this progress, from 0 to 1."""
        share = math.expm1(self.rate * progress) / math.expm1(self.rate)
        return start + (stop - start) * share


@dataclass(frozen=True)
class Logarithmic:
    """Steep first, then slow: start + (stop - start) (1 + ln(p + e^(-rate)) / rate).

    Here p is the progress. The value does not go beyond stop.

    Raises:
        ValueError: For a rate not above 0 or above 500.

    References:
        Wu, Dyer, Neyshabur, `When Do Curricula Work? <https://arxiv.org/abs/2012.03107>`_, 2021
        (rate 10).

    >>> round(Logarithmic()(0.5, 0.0, 1.0), 3)
    0.931
    """

    rate: float = 10.0

    def __post_init__(self) -> None:
        """Check the rate."""
        _require_rate(self.rate, "Logarithmic")

    def __call__(self, progress: float, start: float, stop: float) -> float:
        """Return the value at this progress, from 0 to 1."""
        share = 1 + math.log(progress + math.exp(-self.rate)) / self.rate
        return start + (stop - start) * min(max(share, 0.0), 1.0)


def _require_rate(rate: float, owner: str) -> None:
    """Raise unless the rate is above 0 and at most LARGEST_RATE."""
    require(
        0 < rate <= LARGEST_RATE,
        f"{owner}: rate must be above 0 and at most {LARGEST_RATE}; got {rate}. Use 10.",
    )
