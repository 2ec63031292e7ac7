"""Weightings that leave samples out: v is 0 from the age on."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from selfpaced.errors import require
from selfpaced.weighting.rule import (
    ANY,
    Interval,
    Number,
    Rule,
    ScaleFree,
    check_domain,
    widen,
)


@dataclass(frozen=True)
class Hard(Rule):
    r"""All or nothing: v = 1 exactly when the difficulty is below the age.

    .. math:: g(v) = -\lambda v, \qquad F(d) = \min(d, \lambda)

    At d = age both values are optimal; ours is 0, as in the paper. Takes any difficulty.

    References:
        Kumar, Packer, Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010, with
        age 1/K.

    >>> Hard()(torch.tensor([0.5, 1.0, 2.0]), age=1.0)
    tensor([1., 0., 0.])
    """

    cuts: ClassVar[bool] = True
    binary: ClassVar[bool] = True
    difficulty_domain: ClassVar[Interval] = ANY
    age_domain: ClassVar[Interval] = ANY

    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return v, shape and dtype of the difficulty; constant under autograd."""
        return (difficulty < age).to(difficulty.dtype)

    def penalty(self, weight: Tensor, age: Number) -> Tensor:
        """Return g(v; age) per sample, shape of the weight."""
        return -weight * age

    def latent_loss(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return F(d; age), the capped difficulty; its gradient is v."""
        check_domain(self, difficulty, age)
        d, age = widen(difficulty, age)
        return torch.where(d < age, d, age).to(difficulty.dtype)


@dataclass(frozen=True)
class Linear(ScaleFree):
    r"""Weight falls linearly with difficulty and reaches 0 at the age.

    .. math:: v = \max(0, 1 - d / \lambda), \qquad g(v) = \lambda (v^2 / 2 - v)

    References:
        Jiang et al., `Easy Samples First <https://doi.org/10.1145/2647868.2654918>`_, 2014.

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

    Not scale-free: the age lies strictly between 0 and 1. Not monotone in the age either: the
    weight of d = 0.1 peaks at age 0.68 and falls to 0 as the age nears 1. Stop near 0.65, then
    go to an infinite age.

    References:
        Jiang et al., `Easy Samples First <https://doi.org/10.1145/2647868.2654918>`_, 2014.

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
            inside = _inside_unit(age)
            v = torch.log1p(torch.minimum(d, inside) - inside) / torch.log1p(-inside)
            v = torch.where((age > 0) & (d < age), v.clamp(0, 1), 0.0)
            return torch.where(age.isinf(), 1.0, v).to(difficulty.dtype)

    def penalty(self, weight: Tensor, age: Number) -> Tensor:
        """Return g(v; age) per sample, shape of the weight."""
        v, age = widen(weight, age)
        zeta = 1 - _inside_unit(age)
        return (zeta * v - zeta**v / zeta.log()).to(weight.dtype)

    def latent_loss(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return F(d; age), the integral of v from 0 to d; its gradient is v."""
        check_domain(self, difficulty, age)
        d, age = widen(difficulty, age)
        inside = _inside_unit(age)
        zeta = 1 - inside
        x = torch.minimum(d, inside) + zeta
        latent = (torch.xlogy(x, x) - x - torch.xlogy(zeta, zeta) + zeta) / zeta.log()
        latent = torch.where(age > 0, latent, 0.0)
        return torch.where(age.isinf(), d, latent).to(difficulty.dtype)


def _inside_unit(age: Tensor) -> Tensor:
    """Replace the two ages without a logarithm, 0 and infinity, by one that has it."""
    return torch.where((age > 0) & (age < 1), age, 0.5)


@dataclass(frozen=True)
class Mixture(ScaleFree):
    r"""Full weight up to a share of the age, none from the age on, hyperbolic between.

    .. math:: v = \frac{\lambda_2 (\lambda_1 - d)}{d (\lambda_1 - \lambda_2)}
        \text{ for } \lambda_2 < d < \lambda_1, \qquad
        g(v) = -\zeta \ln(v + \zeta / \lambda_1), \qquad
        \zeta = \frac{\lambda_1 \lambda_2}{\lambda_1 - \lambda_2}

    with :math:`\lambda_1` = age and :math:`\lambda_2` = full * age. Near 1 it is ``Hard``.

    Args:
        full: Samples below full * age have weight 1; strictly between 0 and 1.

    Raises:
        ValueError: For a full outside that range.

    References:
        Jiang et al., `Easy Samples First <https://doi.org/10.1145/2647868.2654918>`_, 2014.

    >>> Mixture(full=0.5)(torch.tensor([0.4, 0.75, 1.0]), age=1.0)
    tensor([1.0000, 0.3333, 0.0000])
    """

    full: float = 0.5
    cuts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the share."""
        require(
            0 < self.full < 1,
            f"Mixture: full is a share of the age, between 0 and 1; got {self.full}. Hard() is 1.",
        )

    @property
    def zeta(self) -> float:
        """The paper's zeta at age 1."""
        return self.full / (1 - self.full)

    def v(self, r: Tensor) -> Tensor:
        """Return the weight at the ratio d / age."""
        c = r.clamp(self.full, 1)
        return (self.zeta * (1 - c) / c).clamp(0, 1)

    def h(self, v: Tensor) -> Tensor:
        """Return the penalty at age 1."""
        return -self.zeta * torch.log(v + self.zeta)

    def G(self, r: Tensor) -> Tensor:
        """Return the latent loss at age 1."""
        c = r.clamp(self.full, 1)
        between = torch.log(c / self.full) - (c - self.full)
        return r.clamp(max=self.full) + self.zeta * between


@dataclass(frozen=True)
class Mixture2(ScaleFree):
    r"""Like ``Mixture``, in the square root of the difficulty.

    .. math:: v = \gamma (1 / \sqrt{d} - 1 / \lambda) \text{ for } a < \sqrt{d} < \lambda, \qquad
        g(v) = \frac{\gamma^2}{v + \gamma / \lambda}, \qquad a = \lambda \gamma / (\lambda + \gamma)

    The age is the paper's :math:`\lambda^2`, and gamma is given as a multiple of
    :math:`\lambda`, so that it needs no change as the age grows.

    Args:
        gamma: The paper's gamma over lambda; above 0. At 1 the full weight ends at age / 4.

    Raises:
        ValueError: For a gamma not above 0.

    References:
        Zhao et al., *Self-Paced Learning for Matrix Factorization*, AAAI 2015.

    >>> Mixture2(gamma=1.0)(torch.tensor([0.25, 0.5625, 1.0]), age=1.0)
    tensor([1.0000, 0.3333, 0.0000])
    """

    gamma: float = 1.0
    cuts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the multiple."""
        require(
            0 < self.gamma < math.inf,
            f"Mixture2: gamma must be a finite number above 0; got {self.gamma}. Use 1.0.",
        )

    @property
    def full(self) -> float:
        """The root of the ratio up to which the weight is 1."""
        return self.gamma / (1 + self.gamma)

    def v(self, r: Tensor) -> Tensor:
        """Return the weight at the ratio d / age."""
        return (self.gamma * (1 / self._root(r) - 1)).clamp(0, 1)

    def h(self, v: Tensor) -> Tensor:
        """Return the penalty at age 1."""
        return self.gamma**2 / (v + self.gamma)

    def G(self, r: Tensor) -> Tensor:
        """Return the latent loss at age 1."""
        s, b = self._root(r), self.full
        return r.clamp(max=b**2) + self.gamma * (2 * (s - b) - (s.square() - b**2))

    def _root(self, r: Tensor) -> Tensor:
        return r.clamp(self.full**2, 1).sqrt()


@dataclass(frozen=True)
class Polynomial(ScaleFree):
    r"""A power of the linear weight, with the exponent 1 / (t - 1).

    .. math:: v = (1 - d / \lambda)^{1 / (t - 1)} \text{ for } d < \lambda, \qquad
        g(v) = \lambda (v^t / t - v)

    t = 2 is ``Linear``; a large t comes near ``Hard``, a t near 1 keeps almost nothing.

    Args:
        t: Above 1.

    Raises:
        ValueError: For a t not above 1.

    References:
        Gong et al., *Decomposition-Based Evolutionary Multiobjective Optimization to Self-Paced
        Learning*, 2019; Table 5 of `A Survey on Curriculum Learning
        <https://arxiv.org/abs/2010.13166>`_.

    >>> Polynomial(t=3)(torch.tensor([0.0, 0.75, 1.0]), age=1.0)
    tensor([1.0000, 0.5000, 0.0000])
    """

    t: float = 3.0
    cuts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the order."""
        require(
            1 < self.t < math.inf,
            f"Polynomial: t must be a finite number above 1; got {self.t}. 2 is Linear().",
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
