"""SuperLoss: weights above 1 for easy samples, and towards 0 for hard ones."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from selfpaced._errors import require
from selfpaced.chain import Interval
from selfpaced.weighting._rule import ScaleFree

HALLEY_STEPS = 4  # enough from the starts below to reach the precision of float64
SERIES_BELOW = 0.5  # below it Halley's iteration starts from the series at the branch point
LOGARITHM_ABOVE = 3.0  # above it the iteration starts from ln x - ln ln x


@dataclass(frozen=True)
class SuperLoss(ScaleFree):
    r"""The confidence that minimises (d - tau) sigma + lambda (ln sigma)^2.

    .. math:: \sigma = \exp(-W_0(\tfrac12 \max(-2/e, (d - \tau) / \lambda)))

    with :math:`\tau` = age and :math:`\lambda` = strength * age, so that the rule is
    scale-free. The weight is 1 at d = age; easier samples have weights above 1, at most e. It grows
    with the age; at an infinite age it is 1 for all, by definition and not as a limit.

    To get the paper's numbers, fix the age at tau and set strength = lambda / tau. The paper's
    tau = ln C and lambda = 1 are, for ten classes, ``SuperLoss(1 / math.log(10))`` at age
    ``math.log(10)``.

    A United States patent application covers SuperLoss: US 2022/0114444 (NAVER, filed in 2021);
    we do not know its status.

    Args:
        strength: The paper's lambda over tau; above 0. A large strength moves all weights near 1.

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
        """Return the minimum over sigma of the objective, at age 1."""
        minus_log = self._minus_log(r.detach())
        sigma = torch.exp(-minus_log)
        product = torch.where(sigma > 0, r - 1, 0.0) * sigma
        return product + self.strength * minus_log.square()

    def _minus_log(self, r: Tensor) -> Tensor:
        """Return -ln sigma at the ratio d / age."""
        return lambert_w(((r - 1) / self.strength).clamp(min=-2 / math.e) / 2)


def lambert_w(x: Tensor) -> Tensor:
    """Return the principal branch W with W e^W = x, for x of -1/e or more; dtype and device kept.

    Halley's iteration in float64 (float32 on devices without it). It starts from the series at the
    branch point -1/e, or from logarithms further away. Rounding can move the branch point below
    -1/e, so W is -1 there. SciPy's is NaN at -1/e and below.

    >>> lambert_w(torch.tensor([-0.5, 0.0, math.e]))
    tensor([-1.,  0.,  1.])
    """
    precise = torch.float32 if x.device.type == "mps" else torch.float64
    wide = x.to(precise).clamp(min=-1 / math.e)
    w = _halley(torch.where(wide.isinf(), 1.0, wide))
    return torch.where(wide.isinf(), wide, w).to(x.dtype)


def _halley(x: Tensor) -> Tensor:
    """Solve w e^w = x in the dtype of x, to its precision."""
    p = torch.sqrt((2 * (math.e * x + 1)).clamp(min=0))
    near = -1 + p - p**2 / 3 + 11 * p**3 / 72
    log = torch.log(x.clamp(min=LOGARITHM_ABOVE))
    far = torch.where(x > LOGARITHM_ABOVE, log - torch.log(log), torch.log1p(x.clamp(min=0)))
    w = torch.where(x < SERIES_BELOW, near, far)
    flat = math.sqrt(torch.finfo(x.dtype).eps)  # closer to -1 the series is exact, a step 0/0
    for _ in range(HALLEY_STEPS):
        away = (w + 1).abs() > flat
        at = torch.where(away, w, 0.0)
        error = at - x * torch.exp(-at)
        step = error / (at + 1 - (at + 2) * error / (2 * at + 2))
        w = torch.where(away, at - step, w)
    return w
