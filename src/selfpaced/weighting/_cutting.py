"""Weightings that leave samples out: v is 0 where the difficulty is at or above the age."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from selfpaced._errors import require
from selfpaced.chain import Interval, Number
from selfpaced.weighting._rule import ANY, Rule, ScaleFree, check_age_domain, check_domain, widen

SERIES_BELOW = 0.01  # below it ``_slack`` uses its Taylor series


@dataclass(frozen=True)
class Hard(Rule):
    r"""All or nothing: v = 1 exactly when the difficulty is below the age.

    .. math:: g(v) = -\lambda v, \qquad F(d) = \min(d, \lambda)

    At d = age both values are optimal; ours is 0. Takes any difficulty and any age (below age 0,
    F is d - age for the samples kept). For speed, values are not checked: NaN gets weight 0, and
    so does an infinite difficulty, at an infinite age too.

    References:
        Kumar, Packer, Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010, with
        age 1/K.

    >>> import torch
    >>> Hard()(torch.tensor([0.5, 1.0, 2.0]), age=1.0)
    tensor([1., 0., 0.])
    """

    cuts: ClassVar[bool] = True
    binary: ClassVar[bool] = True
    difficulty_domain: ClassVar[Interval] = ANY
    age_domain: ClassVar[Interval] = ANY

    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return v, shape and dtype of the difficulty; constant under autograd."""
        return (difficulty < age).to(difficulty)

    def penalty(self, weight: Tensor, age: Number) -> Tensor:
        """Return g(v; age) per sample, shape of the weight."""
        return torch.where(weight == 0, 0.0, -weight * age).to(weight.dtype)

    def latent_loss(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return F(d; age), the difficulty capped at the age; its gradient is v."""
        check_domain(self, difficulty, age)
        d, age = widen(difficulty, age)
        kept, left = d - age.clamp(max=0), age.clamp(min=0)
        return torch.where(d < age, kept, left).to(difficulty.dtype)


@dataclass(frozen=True)
class Linear(ScaleFree):
    r"""Weight falls linearly with difficulty and reaches 0 at the age.

    .. math:: v = \max(0, 1 - d / \lambda), \qquad g(v) = \lambda (v^2 / 2 - v)

    References:
        Jiang et al., `Easy Samples First <https://doi.org/10.1145/2647868.2654918>`_, 2014.

    >>> import torch
    >>> Linear()(torch.tensor([0.0, 1.0, 4.0]), age=2.0)
    tensor([1.0000, 0.5000, 0.0000])
    """

    cuts: ClassVar[bool] = True

    def v(self, r: Tensor) -> Tensor:
        """Return the weight at the ratio d / age."""
        return (1 - r).clamp(min=0)

    def h(self, v: Tensor) -> Tensor:
        """Return the penalty at age 1."""
        return v.square() / 2 - v

    def G(self, r: Tensor) -> Tensor:
        """Return the latent loss at age 1: the minimax concave penalty."""
        c = r.clamp(max=1)
        return c - c.square() / 2


@dataclass(frozen=True)
class Logarithmic(Rule):
    r"""Weight falls with the logarithm of the difficulty; for losses scaled below 1.

    .. math:: v = \ln(d + \zeta) / \ln \zeta \text{ for } d < \lambda, \qquad
        g(v) = \zeta v - \zeta^v / \ln \zeta, \qquad \zeta = 1 - \lambda

    Not scale-free: the age is at least 0 and below 1, or infinite. Not monotone in the age either:
    the weight of d = 0.1 is largest at age 0.68 and falls to 0 as the age approaches 1. Let the age
    grow to about 0.65, then make it infinite.

    References:
        Jiang et al., `Easy Samples First <https://doi.org/10.1145/2647868.2654918>`_, 2014.

    >>> import torch
    >>> Logarithmic()(torch.tensor([0.0, 0.25, 0.5]), age=0.5)
    tensor([1.0000, 0.4150, 0.0000])
    """

    cuts: ClassVar[bool] = True
    age_domain: ClassVar[Interval] = Interval(0.0, 1.0, open_high=True)
    scale_free: ClassVar[bool] = False
    grows_with_age: ClassVar[bool] = False

    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return v, shape and dtype of the difficulty; constant under autograd."""
        with torch.no_grad():
            check_domain(self, difficulty, age)
            d, age = widen(difficulty, age)
            top = _inside_unit(age)
            v = torch.log1p(torch.minimum(d, top) - top) / torch.log1p(-top)
            v = torch.where(d < age, v.clamp(0, 1), 0.0)
            return torch.where(age.isinf(), 1.0, v).to(difficulty.dtype)

    def penalty(self, weight: Tensor, age: Number) -> Tensor:
        """Return g(v; age) per sample, less its value at v = 0; shape of the weight."""
        check_age_domain(self, age)
        v, age = widen(weight, age)
        top = _inside_unit(age)
        log_zeta = torch.log1p(-top)
        g = (1 - top) * v - torch.expm1(v * log_zeta) / log_zeta
        return torch.where(age.isinf() & (v > 0), -math.inf, g).to(weight.dtype)

    def latent_loss(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return F(d; age), the integral of v from 0 to d; its gradient is v."""
        check_domain(self, difficulty, age)
        d, age = widen(difficulty, age)
        top = _inside_unit(age)
        left = top - torch.where(d < top, d, top)  # distance to the age, 0 beyond it
        latent = (_slack(left) - _slack(top)) / torch.log1p(-top)
        latent = torch.where(age > 0, latent, 0.0)
        return torch.where(age.isinf(), d, latent).to(difficulty.dtype)


def _inside_unit(age: Tensor) -> Tensor:
    """Clamp ages into the open interval (0, 1), in which ln(1 - age) is finite and not 0."""
    info = torch.finfo(age.dtype)
    return age.clamp(info.tiny, 1 - info.eps)


def _slack(x: Tensor) -> Tensor:
    """Return (1 - x) ln(1 - x) + x, accurate also near 0, where it is about x^2 / 2."""
    exact = torch.special.xlog1py(1 - x, -x) + x
    series = x.square() * (1 / 2 + x * (1 / 6 + x * (1 / 12 + x / 20)))
    return torch.where(x < SERIES_BELOW, series, exact)


@dataclass(frozen=True)
class Polynomial(ScaleFree):
    r"""A power of the linear weight, with the exponent 1 / (t - 1).

    .. math:: v = (1 - d / \lambda)^{1 / (t - 1)} \text{ for } d < \lambda, \qquad
        g(v) = \lambda (v^t / t - v)

    t = 2 is ``Linear``. A large t approaches ``Hard``; a t near 1 keeps almost nothing.

    Args:
        t: Order of the polynomial; above 1.

    Raises:
        ValueError: For a t not above 1.

    References:
        Gong et al., *Decomposition-Based Evolutionary Multiobjective Optimization to Self-Paced
        Learning*, 2019; Table 5 of `A Survey on Curriculum Learning
        <https://arxiv.org/abs/2010.13166>`_.

    >>> import torch
    >>> Polynomial(t=3)(torch.tensor([0.0, 0.75, 1.0]), age=1.0)
    tensor([1.0000, 0.5000, 0.0000])
    """

    t: float = 3.0
    cuts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check t."""
        require(
            1 < self.t < math.inf,
            f"Polynomial: t must be a finite number above 1; got {self.t}. t=2 is Linear().",
        )

    def v(self, r: Tensor) -> Tensor:
        """Return the weight at the ratio d / age."""
        return (1 - r).clamp(min=0) ** (1 / (self.t - 1))

    def h(self, v: Tensor) -> Tensor:
        """Return the penalty at age 1."""
        return v**self.t / self.t - v

    def G(self, r: Tensor) -> Tensor:
        """Return the latent loss at age 1."""
        u = (1 - r).clamp(min=0)
        return (1 - 1 / self.t) * (1 - u ** (self.t / (self.t - 1)))


@dataclass(frozen=True)
class RandomOrder(Hard):
    """The random-order control of a search: the weights of ``Hard``, permuted over the samples.

    It keeps as many samples as ``Hard``, chosen at random. A weight depends on the difficulties of
    other samples, so ``testing.check_weighting`` does not hold for it.

    Args:
        seed: Seed of the permutation.
    """

    seed: int = 0

    def __call__(self, difficulty: Tensor, age: Tensor | float) -> Tensor:
        """Return v, shape of the difficulty."""
        generator = torch.Generator().manual_seed(self.seed)
        order = torch.randperm(len(difficulty), generator=generator, device="cpu")
        return super().__call__(difficulty, age)[order]
