"""SuperLoss: easy samples above 1, hard ones towards 0."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from selfpaced._errors import require
from selfpaced.chain import Interval
from selfpaced.weighting._rule import ScaleFree


@dataclass(frozen=True)
class SuperLoss(ScaleFree):
    r"""The confidence that minimises (d - tau) sigma + lambda (ln sigma)^2.

    .. math:: \sigma = \exp(-W_0(\tfrac12 \max(-2/e, (d - \tau) / \lambda)))

    with :math:`\tau` = age and :math:`\lambda` = strength * age, so that the rule is free of the
    loss's scale. The weight is 1 at d = age, above 1 for easier samples, at most e. It grows with
    the age; at an infinite age it is 1 for all, by definition and not as a limit.

    To get the paper's numbers, fix the age at tau and give strength = lambda / tau: with the
    paper's tau = ln C and lambda = 1 for ten classes, ``SuperLoss(1 / math.log(10))`` at age
    ``math.log(10)``.

    A United States patent application covers SuperLoss: US 2022/0114444 (NAVER, filed in 2021);
    we do not know its status.

    Args:
        strength: The paper's lambda over tau; above 0. A large one brings all weights near 1.

    Raises:
        ValueError: For a strength not above 0.

    References:
        Castells, Weinzaepfel, Revaud, *SuperLoss: A Generic Loss for Robust Curriculum Learning*,
        NeurIPS 2020.

    >>> import torch
    >>> SuperLoss()(torch.tensor([0.0, 1.0, 4.0]), age=1.0)
    tensor([2.7183, 1.0000, 0.4839])
    """

    strength: float = 1.0
    range: ClassVar[Interval] = Interval(0.0, math.e)

    def __post_init__(self) -> None:
        """Check the strength."""
        require(
            0 < self.strength < math.inf,
            f"SuperLoss: strength must be a finite number above 0; got {self.strength}. Use 1.0.",
        )

    def v(self, r: Tensor) -> Tensor:
        """Return the weight sigma at the ratio d / age."""
        return torch.exp(-self._minus_log(r))

    def h(self, v: Tensor) -> Tensor:
        """Return the penalty at age 1."""
        return self.strength * torch.log(v).square() - v

    def G(self, r: Tensor) -> Tensor:
        """Return the latent loss at age 1; by the envelope theorem its gradient is sigma."""
        return self._objective(r) - self._objective(torch.zeros_like(r))

    def _objective(self, r: Tensor) -> Tensor:
        minus_log = self._minus_log(r.detach())
        sigma = torch.exp(-minus_log)
        product = torch.where(sigma > 0, r - 1, 0.0) * sigma
        return product + self.strength * minus_log.square()

    def _minus_log(self, r: Tensor) -> Tensor:
        return lambert_w(((r - 1) / self.strength).clamp(min=-2 / math.e) / 2)


def lambert_w(x: Tensor) -> Tensor:
    """Return the principal branch W with W e^W = x, for x of -1/e or more; dtype and device kept.

    Halley's iteration in float64 (float32 on devices without it), from the series at the branch
    point -1/e and from logarithms further away. Below -1/e, where rounding may put the branch
    point, it returns -1: SciPy's returns NaN there, and at -1/e itself.

    >>> lambert_w(torch.tensor([-0.5, 0.0, math.e]))
    tensor([-1.,  0.,  1.])
    """
    precise = torch.float32 if x.device.type == "mps" else torch.float64
    wide = x.to(precise).clamp(min=-1 / math.e)
    w = _halley(torch.where(wide.isinf(), 1.0, wide))
    return torch.where(wide.isinf(), wide, w).to(x.dtype)


def _halley(x: Tensor) -> Tensor:
    """Solve w e^w = x in the dtype of x; from here four steps reach its precision."""
    p = torch.sqrt((2 * (math.e * x + 1)).clamp(min=0))
    near = -1 + p - p**2 / 3 + 11 * p**3 / 72
    log = torch.log(x.clamp(min=3))
    far = torch.where(x > 3, log - torch.log(log), torch.log1p(x.clamp(min=0)))
    w = torch.where(x < 0.5, near, far)
    flat = math.sqrt(torch.finfo(x.dtype).eps)  # so near -1 the series is exact and a step is 0/0
    for _ in range(4):
        away = (w + 1).abs() > flat
        at = torch.where(away, w, 0.0)
        error = at - x * torch.exp(-at)
        step = error / (at + 1 - (at + 2) * error / (2 * at + 2))
        w = torch.where(away, at - step, w)
    return w
