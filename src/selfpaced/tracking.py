"""A step as flat numbers, for whatever logger a run has."""

import math

import torch
from torch import Tensor

from selfpaced._pacer.pacer import Pacer
from selfpaced.suspects import Judge

__all__ = ["scalars"]

GROUPS = 50  # where there are more, none has a chart of its own
QUANTILES = (10, 50, 90)


@torch.no_grad()
def scalars(pacer: Pacer) -> dict[str, float]:
    """Return what a chart of the run shows of the last step; nothing before the first.

    Give it to your logger once an epoch, after ``pacer.step()``. Of the samples seen so far:

    - ``spl/age``, or ``spl/class_k/age`` where ages are per group: left out while it is infinite,
      which keeps everything;
    - ``spl/frac_selected``: the kept share; ``spl/class_k/frac_selected``: of a group's mass;
    - ``spl/loss_q10``, ``spl/loss_q50``, ``spl/loss_q90``: quantiles of the last losses;
    - ``spl/eff_samples``: how many samples of equal weight the weights v are worth, Kish's
      (sum v)^2 / sum v^2;
    - ``spl/weight_entropy``: the entropy of v / sum v, of log n: 1 where all n weigh alike, 0 where
      one has all the weight;
    - ``spl/n_suspect``: how many labels are more probably wrong than right, by ``suspects.Judge``;
      for ``age=Auto()``, whose losses are -ln p, once it has warmed up.

    Without ``n_samples`` weights and suspects are unknown and left out. Of more than 50 groups none
    has numbers of its own. No name is the beginning of another: some loggers make folders of them.

    Args:
        pacer: Of any settings.

    Returns:
        Finite numbers by name.

    >>> pacer = Pacer(4)
    >>> pacer.observe(torch.tensor([0.1, 0.2, 0.3, 3.0]), torch.arange(4))
    >>> scalars(pacer)
    {}
    >>> pacer.step()
    >>> said = scalars(pacer)
    >>> said["spl/frac_selected"], said["spl/eff_samples"], "spl/age" in said
    (1.0, 4.0, False)
    """
    if not pacer.history:
        return {}
    said = {"spl/frac_selected": torch.tensor(pacer.history[-1]["kept_share"])}
    said |= _by_group("age", pacer.current_age)
    seen, _ = pacer.ledger.population(pacer.difficulty)
    said |= _quantiles(pacer.ledger.loss[seen])
    if pacer.n_samples is not None:
        said |= _of_weights(pacer.weight[seen].double())
        said |= _by_group("frac_selected", _shares(pacer, seen))
        first = None if pacer.age is None else pacer.age.judges_from
        if first is not None and pacer.steps >= first:
            said["spl/n_suspect"] = (Judge()(pacer).probability > 0.5).sum()
    numbers = {name: float(number) for name, number in said.items()}
    return {name: number for name, number in numbers.items() if math.isfinite(number)}


def _by_group(name: str, values: Tensor) -> dict[str, Tensor]:
    """Return one number per group, or the only one, by name."""
    if values.ndim == 0:
        return {f"spl/{name}": values}
    few = values if len(values) <= GROUPS else values[:0]
    return {f"spl/class_{k}/{name}": value for k, value in enumerate(few)}


def _quantiles(loss: Tensor) -> dict[str, Tensor]:
    """Return the losses at some shares of all, of any number of losses, unlike torch's."""
    places = {q: math.ceil(q / 100 * len(loss)) for q in QUANTILES}
    return {f"spl/loss_q{q}": loss.kthvalue(max(place, 1)).values for q, place in places.items()}


def _of_weights(v: Tensor) -> dict[str, Tensor]:
    """Return how many samples the weights are worth, and how evenly they are spread."""
    p = v / v.sum()
    entropy = torch.special.entr(p).sum() / math.log(max(len(v), 2))
    return {"spl/eff_samples": 1 / p.square().sum(), "spl/weight_entropy": entropy}


def _shares(pacer: Pacer, seen: Tensor) -> Tensor:
    """Return the kept share of each group's mass, float64, shape (groups,); NaN for no mass."""
    columns = pacer.ledger.columns
    if "group" not in columns:
        return torch.zeros(0, dtype=torch.float64)
    group = columns["group"][seen]
    mass = columns["sample_weight"][seen] if "sample_weight" in columns else torch.ones(len(seen))
    mass = mass.double().to(group.device)
    kept = mass * (pacer.weight[seen] > 0)
    groups = int(columns["group"].max()) + 1
    return group.bincount(kept, groups) / group.bincount(mass, groups)
