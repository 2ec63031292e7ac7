"""Base classes of weightings: ``Rule``, and ``ScaleFree`` for rules of the ratio d / age."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from selfpaced._errors import values_can_be_read
from selfpaced.chain import Interval, Number, Weighting

ANY = Interval(-math.inf, math.inf)  # all numbers
NON_NEGATIVE = Interval(0.0, math.inf)  # 0 and more; the default of difficulties and ages
UNIT = Interval(0.0, 1.0)  # from 0 to 1; the default of weights


class Rule:
    """The base class of weightings; subclass it to write your own.

    Its attributes are those of ``chain.Weighting``, with the values of most rules: soft, easy
    first, for difficulties and ages of 0 or more. Override those that differ, and write
    ``__call__``, ``penalty`` and ``latent_loss``. A rule of d / age only is shorter as a
    ``ScaleFree``.
    """

    cuts: ClassVar[bool] = False
    binary: ClassVar[bool] = False
    difficulty_domain: ClassVar[Interval] = NON_NEGATIVE
    age_domain: ClassVar[Interval] = NON_NEGATIVE
    range: ClassVar[Interval] = UNIT
    direction: ClassVar[int] = -1
    scale_free: ClassVar[bool] = True
    grows_with_age: ClassVar[bool] = True


class ScaleFree(Rule, ABC):
    """The base class of weightings that depend only on the ratio r = d / age.

    Then v = v(r), g(v; age) = age h(v) and F(d; age) = age G(r): a subclass writes the three
    functions ``v``, ``h`` and ``G`` of one number. At age 0 the ratio is infinite and v = 0, also
    for d = 0. At an infinite age v = 1 by definition.
    """

    @abstractmethod
    def v(self, r: Tensor) -> Tensor:
        """Return the weight at the ratio d / age, 0 or more."""

    @abstractmethod
    def h(self, v: Tensor) -> Tensor:
        """Return the penalty at age 1."""

    @abstractmethod
    def G(self, r: Tensor) -> Tensor:
        """Return the latent loss at age 1."""

    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return v, shape and dtype of the difficulty; constant under autograd."""
        with torch.no_grad():
            check_domain(self, difficulty, age)
            d, age = widen(difficulty, age)
            v = self.v(torch.where(age > 0, d / age, math.inf))
            return torch.where(age.isinf(), 1.0, v).to(difficulty.dtype)

    def penalty(self, weight: Tensor, age: Number) -> Tensor:
        """Return g(v; age) per sample, shape of the weight."""
        check_age_domain(self, age)
        v, age = widen(weight, age)
        h = self.h(v)
        return torch.where((h == 0) | (age == 0), 0.0, age * h).to(weight.dtype)

    def latent_loss(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return F(d; age), the integral of v from 0 to d; its gradient is v."""
        check_domain(self, difficulty, age)
        d, age = widen(difficulty, age)
        usable = (age > 0) & (age < math.inf)
        safe = torch.where(usable, age, 1.0)  # the gradient must not divide by 0 either
        edge = torch.where(age > 0, d, 0.0)
        return torch.where(usable, safe * self.G(d / safe), edge).to(difficulty.dtype)


def widen(values: Tensor, age: Number) -> tuple[Tensor, Tensor]:
    """Return the values and the age as tensors of at least float32, on the values' device."""
    wide = values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
    return wide, torch.as_tensor(age, dtype=wide.dtype, device=wide.device)


def check_domain(rule: Weighting, difficulty: Tensor, age: Number) -> None:
    """Raise for a difficulty or an age outside the rule's domain, if values can be read."""
    name = type(rule).__name__
    if not difficulty.is_floating_point():
        raise TypeError(
            f"{name} takes floating-point difficulties; got {difficulty.dtype}. Use .float()."
        )
    check_age_domain(rule, age)
    if values_can_be_read(difficulty) and difficulty.numel():
        low = difficulty.min().item()  # NaN if any value is NaN
        if low not in rule.difficulty_domain:
            raise ValueError(
                f"{name} takes difficulties of {rule.difficulty_domain.low:g} or more; got "
                f"{low:g}. Hard() takes negative ones. For this rule, shift the difficulty."
            )


def check_age_domain(rule: Weighting, age: Number) -> None:
    """Raise for a finite age outside the rule's domain, if values can be read."""
    for value in _ends(age) if isinstance(age, Tensor) else (age,):
        if value not in rule.age_domain and value != math.inf:
            raise ValueError(
                f"{type(rule).__name__} takes an age in {rule.age_domain}, or inf to keep all; "
                f"got {value:g}. The age is in the unit of the difficulty."
            )


def _ends(age: Tensor) -> tuple[float, ...]:
    """Return the smallest and the largest finite age; nothing if values cannot be read."""
    if not values_can_be_read(age):
        return ()
    if age.ndim == 0:
        return (age.item(),)
    finite = age[age != math.inf]
    return (finite.min().item(), finite.max().item()) if finite.numel() else ()
