"""SuperLoss: easy samples above 1, hard ones towards 0."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from selfpaced.errors import require
from selfpaced.weighting.rule import Interval, ScaleFree


@dataclass(frozen=True)
class SuperLoss(ScaleFree):
    r"""The confidence that minimises (d - tau) sigma + lambda (ln sigma)^2.

    .. math:: \sigma = \exp(-W_0(\tfrac12 \max(-2/e, (d - \tau) / \lambda)))

    with :math:`\tau` = age and :math:`\lambda` = strength * age. The weight is 1 at d = age, at
    most e, and grows with the age only for samples harder than it.

    A United States patent application covers SuperLoss: US 2022/0114444 (NAVER, filed in 2021);
    we do not know its status.

    Args:
        strength: The paper's lambda over tau; above 0. A large one brings all weights near 1.

    Raises:
        ValueError: For a strength not above 0.

    References:
        Castells, Weinzaepfel, Revaud, *SuperLoss: A Generic Loss for Robust Curriculum Learning*,
        NeurIPS 2020.

    >>> SuperLoss()(torch.tensor([0.0, 1.0, 4.0]), age=1.0)
    tensor([2.7183, 1.0000, 0.4839])
    """

    strength: float = 1.0
    range: ClassVar[Interval] = Interval(0.0, math.e)
    grows_with_age: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the strength."""
        require(
            0 < self.strength < math.inf,
            f"SuperLoss: strength must be a finite number above 0; got {self.strength}. Use 1.0.",
        )

    def v(self, r: Tensor) -> Tensor:
        """Return the weight sigma at the ratio d / age."""
        return torch.exp(-lambert_w(((r - 1) / self.strength).clamp(min=-2 / math.e) / 2))

    def h(self, v: Tensor) -> Tensor:
        """Return the penalty at age 1."""
        return self.strength * torch.log(v).square() - v

    def G(self, r: Tensor) -> Tensor:
        """Return the latent loss at age 1; by the envelope theorem its gradient is sigma."""
        return self._objective(r) - self._objective(torch.zeros_like(r))

    def _objective(self, r: Tensor) -> Tensor:
        minus_log = lambert_w(((r.detach() - 1) / self.strength).clamp(min=-2 / math.e) / 2)
        sigma = torch.exp(-minus_log)
        product = torch.where(sigma > 0, r - 1, 0.0) * sigma
        return product + self.strength * minus_log.square()


def lambert_w(x: Tensor) -> Tensor:
    """Return the principal branch W with W e^W = x, for x of -1/e or more; dtype and device kept.

    Halley's iteration in float64, started from the series at the branch point -1/e and from
    ln(1 + x) further away. Below -1/e, where floats may put the branch point, it returns -1.

    >>> lambert_w(torch.tensor([-0.5, 0.0, math.e]))
    tensor([-1.,  0.,  1.])
    """
    wide = x.double().clamp(min=-1 / math.e)
    finite = torch.where(wide.isinf(), 1.0, wide)
    p = torch.sqrt((2 * (math.e * finite + 1)).clamp(min=0))
    series = -1 + p - p**2 / 3 + 11 * p**3 / 72
    w = torch.where(finite < 0.5, series, torch.log1p(finite.clamp(min=0)))
    for _ in range(12):
        away = (w + 1).abs() > 1e-7
        at = torch.where(away, w, 0.0)
        error = at - finite * torch.exp(-at)
        step = error / (at + 1 - (at + 2) * error / (2 * at + 2))
        w = torch.where(away, at - step, w)
    return torch.where(wide.isinf(), wide, w).to(x.dtype)
