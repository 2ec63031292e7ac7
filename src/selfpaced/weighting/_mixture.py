"""Weightings with weight 1 up to a fraction of the age and weight 0 from the age on."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from selfpaced._errors import require
from selfpaced.weighting._rule import ScaleFree


@dataclass(frozen=True)
class Mixture(ScaleFree):
    r"""Weight 1 up to a fraction of the age, 0 from the age on, hyperbolic between.

    .. math:: v = \frac{\lambda_2 (\lambda_1 - d)}{d (\lambda_1 - \lambda_2)}
        \text{ for } \lambda_2 < d < \lambda_1, \qquad
        g(v) = -\zeta \ln(v + \zeta / \lambda_1), \qquad
        \zeta = \frac{\lambda_1 \lambda_2}{\lambda_1 - \lambda_2}

    with :math:`\lambda_1` = age and :math:`\lambda_2` = full * age. Near full = 1 it is close
    to ``Hard``.

    Args:
        full: Samples with a difficulty up to full * age have weight 1; strictly between 0 and 1.

    Raises:
        ValueError: For a full outside that range.

    References:
        Jiang et al., `Easy Samples First <https://doi.org/10.1145/2647868.2654918>`_, 2014.

    >>> import torch
    >>> Mixture(full=0.5)(torch.tensor([0.4, 0.75, 1.0]), age=1.0)
    tensor([1.0000, 0.3333, 0.0000])
    """

    full: float = 0.5
    cuts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the fraction."""
        require(
            0 < self.full < 1,
            f"Mixture: full must lie between 0 and 1; got {self.full}. Use Hard() for 1.",
        )

    @property
    def zeta(self) -> float:
        """The paper's zeta at age 1."""
        return self.full / (1 - self.full)

    def v(self, r: Tensor) -> Tensor:
        """Return the weight at the ratio d / age."""
        c = r.clamp(self.full, 1)
        return torch.where(r <= self.full, 1.0, self.zeta * (1 - c) / c)

    def h(self, v: Tensor) -> Tensor:
        """Return the penalty at age 1."""
        return -self.zeta * torch.log(v + self.zeta)

    def G(self, r: Tensor) -> Tensor:
        """Return the latent loss at age 1."""
        c = r.clamp(self.full, 1)
        between = torch.log(c / self.full) - (c - self.full)
        return torch.where(r <= self.full, r, self.full + self.zeta * between)


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

    >>> import torch
    >>> Mixture2(gamma=1.0)(torch.tensor([0.25, 0.5625, 1.0]), age=1.0)
    tensor([1.0000, 0.3333, 0.0000])
    """

    gamma: float = 1.0
    cuts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check gamma."""
        require(
            0 < self.gamma < math.inf,
            f"Mixture2: gamma must be a finite number above 0; got {self.gamma}. Use 1.0.",
        )

    @property
    def full(self) -> float:
        """The square root of the ratio d / age up to which the weight is 1."""
        return self.gamma / (1 + self.gamma)

    def v(self, r: Tensor) -> Tensor:
        """Return the weight at the ratio d / age."""
        between = self.gamma * (1 / self._root(r) - 1)
        return torch.where(r <= self.full**2, 1.0, between.clamp(max=1))

    def h(self, v: Tensor) -> Tensor:
        """Return the penalty at age 1."""
        return self.gamma**2 / (v + self.gamma)

    def G(self, r: Tensor) -> Tensor:
        """Return the latent loss at age 1."""
        s, b = self._root(r), self.full
        between = 2 * (s - b) - (s.square() - b**2)
        return torch.where(r <= b**2, r, b**2 + self.gamma * between)

    def _root(self, r: Tensor) -> Tensor:
        """Return the square root of the ratio, clamped to where the weight falls."""
        return r.clamp(self.full**2, 1).sqrt()
