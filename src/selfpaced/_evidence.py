"""What a step's losses say about labels: how much they count in the ranking of suspects."""

from collections.abc import Callable

from torch import Tensor

HUGE = 1e15  # a loss of this or more says nothing about those of other samples
POWER = 4  # chosen on texts and digits; see docs/suspects.md

Evidence = Callable[[Tensor], float]  # of the losses of a step, shape (n,): 0 or more, finite


def of_likelihoods(loss: Tensor, classes: int | None = None) -> float:
    """Return the evidence of losses -ln p: the fourth power of their mean.

    Once a model knows most labels by heart, right or wrong, a loss says little. Nor does it before
    the model knows anything: where the number of classes C is known, the evidence is multiplied by
    (p - 1/C) / (1 - 1/C), 0 at least, with p the mean probability of the labels.

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


def of_residuals(loss: Tensor) -> float:
    """Return the evidence of residuals, squared or absolute: one over their median.

    Summed over visits they are then the log-likelihood of a sample's residuals: squared errors that
    of normal ones, absolute errors that of Laplace's. Late ones tell as much as early ones.

    >>> import torch
    >>> of_residuals(torch.tensor([1.0, 2.0, 9.0]))
    0.5
    """
    usual = loss[loss < HUGE]
    return 1 / max(float(usual.median()), 1 / HUGE) if len(usual) else 1.0
