"""Weightings that stay above 0; their latent losses are robust losses."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from selfpaced.chain import Interval, Number
from selfpaced.weighting._rule import Rule, ScaleFree, check_age_domain, check_domain, widen

LOWEST_AGE = -40.0  # at it the weights of ``Logistic`` equal their limit e^-d to the last bit


@dataclass(frozen=True)
class Logistic(Rule):
    r"""A logistic curve around the age, scaled to 1 at difficulty 0.

    .. math:: v = \frac{1 + e^{-\lambda}}{1 + e^{d - \lambda}}, \qquad
        g(v) = (\mu - v) \ln(\mu - v) + v \ln v - \lambda v, \qquad \mu = 1 + e^{-\lambda}

    Takes any age, also below 0, and is not scale-free. Contrary to what is often said, weights do
    not vanish at age 0: they are 2 / (1 + e^d). As the age goes to -infinity they tend to e^(-d).

    References:
        Xu, Tao, Xu, *Multi-View Self-Paced Learning for Clustering*, IJCAI 2015.

    >>> import torch
    >>> Logistic()(torch.tensor([0.0, 1.0]), age=1.0)
    tensor([1.0000, 0.6839])
    """

    age_domain: ClassVar[Interval] = Interval(-math.inf, math.inf, open_low=True)
    scale_free: ClassVar[bool] = False

    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return v, shape and dtype of the difficulty; constant under autograd."""
        with torch.no_grad():
            check_domain(self, difficulty, age)
            d, age = widen(difficulty, age)
            at = _clamped(age)
            v = torch.exp(_softplus(-at) - _softplus(d - at)).clamp(max=1)
            return torch.where(age.isinf(), 1.0, v).to(difficulty.dtype)

    def penalty(self, weight: Tensor, age: Number) -> Tensor:
        """Return g(v; age) per sample, less its value at v = 0; shape of the weight."""
        check_age_domain(self, age)
        v, age = widen(weight, age)
        at = _clamped(age)
        mu = 1 + torch.exp(-at)
        g = torch.special.xlog1py(mu - v, -v / mu) + torch.xlogy(v, v) - v * _softplus(at)
        return torch.where(age.isinf() & (v > 0), -math.inf, g).to(weight.dtype)

    def latent_loss(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return F(d; age), the integral of v from 0 to d; its gradient is v."""
        check_domain(self, difficulty, age)
        d, age = widen(difficulty, age)
        at = _clamped(age)
        latent = (1 + torch.exp(-at)) * (_softplus(at) - _softplus(at - d))
        return torch.where(age.isinf(), d, latent).to(difficulty.dtype)


def _clamped(age: Tensor) -> Tensor:
    """Return ages of at least LOWEST_AGE; 0 for infinity, where the result is not used."""
    return torch.where(age.isinf(), 0.0, age.clamp(min=LOWEST_AGE))


def _softplus(x: Tensor) -> Tensor:
    """Return ln(1 + e^x) exactly; torch's softplus returns x above 20."""
    return torch.logaddexp(x, torch.zeros_like(x))


@dataclass(frozen=True)
class Welsch(ScaleFree):
    r"""Weight falls exponentially with difficulty.

    .. math:: v = e^{-d / \lambda}, \qquad g(v) = \lambda (1 - v + v \ln v)

    The age is the :math:`\lambda^2` of Fan et al. With the cross-entropy as difficulty and age
    1/q, the latent loss is exactly the generalised cross-entropy (GCE), (1 - p^q) / q. Truncated
    GCE is this rule on the samples that ``Hard`` keeps.

    References:
        Fan et al., *Self-Paced Learning: An Implicit Regularization Perspective*, AAAI 2017;
        Zhang, Sabuncu, *Generalized Cross Entropy Loss*, NeurIPS 2018.

    >>> import torch
    >>> Welsch()(torch.tensor([0.0, 1.0]), age=1.0)
    tensor([1.0000, 0.3679])
    """

    def v(self, r: Tensor) -> Tensor:
        """Return the weight at the ratio d / age."""
        return torch.exp(-r)

    def h(self, v: Tensor) -> Tensor:
        """Return the penalty at age 1."""
        return 1 - v + torch.xlogy(v, v)

    def G(self, r: Tensor) -> Tensor:
        """Return the latent loss at age 1."""
        return -torch.expm1(-r)


@dataclass(frozen=True)
class Cauchy(ScaleFree):
    r"""Weight falls like 1 / d.

    .. math:: v = \frac{1}{1 + d / \lambda}, \qquad g(v) = \lambda (v - 1 - \ln v)

    The age is the :math:`\lambda^2` of Fan et al., normalised to v = 1 at difficulty 0.

    References:
        Fan et al., *Self-Paced Learning: An Implicit Regularization Perspective*, AAAI 2017.

    >>> import torch
    >>> Cauchy()(torch.tensor([0.0, 1.0]), age=1.0)
    tensor([1.0000, 0.5000])
    """

    def v(self, r: Tensor) -> Tensor:
        """Return the weight at the ratio d / age."""
        return 1 / (1 + r)

    def h(self, v: Tensor) -> Tensor:
        """Return the penalty at age 1."""
        return v - 1 - torch.log(v)

    def G(self, r: Tensor) -> Tensor:
        """Return the latent loss at age 1."""
        return torch.log1p(r)


@dataclass(frozen=True)
class Huber(ScaleFree):
    r"""Weight 1 up to the age, then falling like 1 / sqrt(d).

    .. math:: v = \min(1, \sqrt{\lambda / d}), \qquad g(v) = \lambda (1 / v - 1)

    The age is the :math:`\lambda^2` of Fan et al.; with squared residuals as difficulty the
    latent loss is Huber's.

    References:
        Fan et al., *Self-Paced Learning: An Implicit Regularization Perspective*, AAAI 2017.

    >>> import torch
    >>> Huber()(torch.tensor([0.0, 1.0, 4.0]), age=1.0)
    tensor([1.0000, 1.0000, 0.5000])
    """

    def v(self, r: Tensor) -> Tensor:
        """Return the weight at the ratio d / age."""
        return r.clamp(min=1).rsqrt()

    def h(self, v: Tensor) -> Tensor:
        """Return the penalty at age 1."""
        return 1 / v - 1

    def G(self, r: Tensor) -> Tensor:
        """Return the latent loss at age 1."""
        return torch.where(r <= 1, r, 2 * r.clamp(min=1).sqrt() - 1)


@dataclass(frozen=True)
class L1L2(ScaleFree):
    r"""Weight falls smoothly like 1 / sqrt(d): between squared and absolute residuals.

    .. math:: v = \frac{1}{\sqrt{1 + d / \lambda}}, \qquad g(v) = \lambda (1 - v)^2 / v

    The age is the :math:`\lambda^2` of Fan et al., normalised to v = 1 at difficulty 0.

    References:
        Fan et al., *Self-Paced Learning: An Implicit Regularization Perspective*, AAAI 2017.

    >>> import torch
    >>> L1L2()(torch.tensor([0.0, 3.0]), age=1.0)
    tensor([1.0000, 0.5000])
    """

    def v(self, r: Tensor) -> Tensor:
        """Return the weight at the ratio d / age."""
        return (1 + r).rsqrt()

    def h(self, v: Tensor) -> Tensor:
        """Return the penalty at age 1."""
        return (1 - v).square() / v

    def G(self, r: Tensor) -> Tensor:
        """Return the latent loss at age 1."""
        return 2 * ((1 + r).sqrt() - 1)
