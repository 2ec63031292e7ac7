"""Evidence: what a loss says about a label, and how much the losses of a step count."""

from collections.abc import Callable

import torch
from torch import Tensor

SMALLEST_LOSS = 1e-7  # smaller losses count as this, so that their log-odds are finite
LARGEST_LOSS = 700.0  # larger losses count as this, so that their log-odds are finite
HUGE = 1e15  # larger losses are left out of means and medians; also the largest evidence
POWER = 4  # exponent of the mean loss; chosen on texts and digits, see docs/suspects.md
# Exponent of one over the mean held-out loss; chosen on tables of KEEL.
HELD_OUT_POWER = 8

Evidence = Callable[[Tensor], float]  # from the losses of a step, shape (n,), to 0 <= x < inf


def log_odds(loss: Tensor) -> Tensor:
    """Return ln((1 - p) / p) for losses -ln p, any shape; below 0 where p is above one half.

    >>> log_odds(torch.tensor([0.1, 3.0]))
    tensor([-2.2522,  2.9489])
    """
    loss = loss.clamp(SMALLEST_LOSS, LARGEST_LOSS)
    return loss + (-torch.expm1(-loss)).log()


def of_likelihoods(loss: Tensor, classes: int | None = None) -> float:
    """Return the evidence of losses -ln p: the fourth power of their mean.

    A loss says little once the model has memorised most labels, right or wrong. It also says little
    before the model has learned anything: where the number of classes C is known, the evidence is
    multiplied by max(0, (p - 1/C) / (1 - 1/C)), with p the mean probability of the labels.

    >>> import torch
    >>> of_likelihoods(torch.tensor([1.0, 3.0]))
    16.0
    """
    usual = loss[loss < HUGE].double()
    power = min(float(usual.mean()) ** POWER, HUGE) if len(usual) else 1.0
    if not classes or classes == 1:
        return power
    p = float((-loss.double().clamp(min=0)).exp().mean())
    return power * max(0.0, (p * classes - 1) / (classes - 1))


def of_held_out_likelihoods(loss: Tensor) -> float:
    """Return the evidence of losses -ln p of a model that did not see the labels.

    It falls with their mean: such a model learns no label by heart, so the better it predicts, the
    more a loss says. In data where it begins to learn others' labels by heart, its mean loss rises.

    >>> import torch
    >>> of_held_out_likelihoods(torch.tensor([1.0, 3.0])) == 2.0**-HELD_OUT_POWER
    True
    """
    usual = loss[loss < HUGE].double()
    return 1 / max(float(usual.mean()) ** HELD_OUT_POWER, 1 / HUGE) if len(usual) else 1.0


def of_residuals(loss: Tensor) -> float:
    """Return the evidence of squared or absolute residuals: one over their median.

    Summed over visits, residuals times evidence are, up to sign and constants, the log-likelihood
    of a sample's residuals: of normal ones for squared errors, of Laplace ones for absolute errors.
    Late steps count as much as early ones.

    >>> import torch
    >>> of_residuals(torch.tensor([1.0, 2.0, 9.0]))
    0.5
    """
    usual = loss[loss < HUGE]
    return 1 / max(float(usual.median()), 1 / HUGE) if len(usual) else 1.0
