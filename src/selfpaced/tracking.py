"""Numbers that describe a step, for any logger."""

import math

import torch
from torch import Tensor

from selfpaced._pacer.pacer import Pacer
from selfpaced.suspects import Judge

__all__ = ["scalars"]

GROUPS = 50  # with more groups than this, no group has numbers of its own
QUANTILES = (10, 50, 90)  # the quantiles of the losses that are reported, in percent


@torch.no_grad()
def scalars(pacer: Pacer) -> dict[str, float]:
    """Return numbers that describe the last step; none before the first step.

    Pass them to your logger once an epoch, after ``pacer.step()``. For the samples seen so far:

    - ``spl/age``, or ``spl/class_k/age`` for ages per group. Missing while the age is infinite and
      everything is kept.
    - ``spl/frac_selected``: the kept share. ``spl/class_k/frac_selected``: the kept share of a
      group's mass.
    - ``spl/loss_q10``, ``spl/loss_q50``, ``spl/loss_q90``: quantiles of the last losses.
    - ``spl/eff_samples``: the effective number of samples of the weights v, Kish's
      (sum v)^2 / sum v^2.
    - ``spl/weight_entropy``: the entropy of v / sum v, divided by log n. It is 1 if all n samples
      have the same weight, and 0 if one sample has all the weight.
    - ``spl/n_suspect``: the number of labels that ``suspects.Judge`` finds more probably wrong than
      right. Only for an age with ``judges_from``, such as ``Auto()`` after its warm-up, whose
      losses are -ln p.

    Without ``n_samples``, weights and suspects are unknown and missing. With more than 50 groups no
    group has numbers of its own. No name is a prefix of another, because some loggers make folders
    of names.

    Args:
        pacer: Of any settings.

    Returns:
        Finite numbers by name.

    >>> pacer = Pacer(4)
    >>> pacer.observe(torch.tensor([0.1, 0.2, 0.3, 3.0]), torch.arange(4))
    >>> scalars(pacer)
    {}
    >>> pacer.step()
    >>> found = scalars(pacer)
    >>> found["spl/frac_selected"], found["spl/eff_samples"], "spl/age" in found
    (1.0, 4.0, False)
    """
    if not pacer.history:
        return {}
    found = {"spl/frac_selected": torch.tensor(pacer.history[-1]["kept_share"])}
    found |= _by_group("age", pacer.current_age)
    seen, _ = pacer.ledger.population(pacer.difficulty)
    found |= _quantiles(pacer.ledger.loss[seen])
    if pacer.n_samples is not None:
        found |= _of_weights(pacer.weight[seen].double())
        found |= _by_group("frac_selected", _shares(pacer, seen))
        first = None if pacer.age is None else pacer.age.judges_from
        if first is not None and pacer.steps >= first:
            found["spl/n_suspect"] = (Judge().judge(pacer).probability > 0.5).sum()
    numbers = {name: float(number) for name, number in found.items()}
    return {name: number for name, number in numbers.items() if math.isfinite(number)}


def _by_group(name: str, values: Tensor) -> dict[str, Tensor]:
    """Return one number per group, or the only number, by name."""
    if values.ndim == 0:
        return {f"spl/{name}": values}
    few = values if len(values) <= GROUPS else values[:0]
    return {f"spl/class_{k}/{name}": value for k, value in enumerate(few)}


def _quantiles(loss: Tensor) -> dict[str, Tensor]:
    """Return quantiles of the losses; unlike torch's, for any number of losses."""
    places = {q: math.ceil(q / 100 * len(loss)) for q in QUANTILES}
    return {f"spl/loss_q{q}": loss.kthvalue(max(place, 1)).values for q, place in places.items()}


def _of_weights(v: Tensor) -> dict[str, Tensor]:
    """Return the effective number of samples of the weights, and their normalised entropy."""
    p = v / v.sum()
    entropy = torch.special.entr(p).sum() / math.log(max(len(v), 2))
    return {"spl/eff_samples": 1 / p.square().sum(), "spl/weight_entropy": entropy}


def _shares(pacer: Pacer, seen: Tensor) -> Tensor:
    """Return the kept share of each group's mass, float64, shape (groups,); NaN without mass."""
    columns = pacer.ledger.columns
    if "group" not in columns:
        return torch.zeros(0, dtype=torch.float64)
    group = columns["group"][seen]
    mass = columns["sample_weight"][seen] if "sample_weight" in columns else torch.ones(len(seen))
    mass = mass.double().to(group.device)
    kept = mass * (pacer.weight[seen] > 0)
    groups = int(columns["group"].max()) + 1
    return group.bincount(kept, groups) / group.bincount(mass, groups)
