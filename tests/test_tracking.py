"""The numbers for a logger, compared with numbers computed by hand."""

import math

import pytest
import torch

from selfpaced import Pacer
from selfpaced.age import Quantile, Threshold
from selfpaced.pacing import Constant
from selfpaced.tracking import scalars
from selfpaced.weighting import Linear

LOSS = torch.tensor([0.1, 0.2, 0.4, 0.8, 3.0])


def stepped(pacer: Pacer, loss: torch.Tensor = LOSS) -> Pacer:
    pacer.observe(loss, None if pacer.n_samples is None else torch.arange(len(loss)))
    pacer.step()
    return pacer


def test_the_numbers_of_soft_weights_are_those_computed_by_hand() -> None:
    found = scalars(stepped(Pacer(6, age=Threshold(Constant(1.0)), weighting=Linear())))
    v = [0.9, 0.8, 0.6, 0.2]
    assert found["spl/age"] == 1.0
    assert found["spl/frac_selected"] == pytest.approx(4 / 5)  # the sixth was never seen
    assert found["spl/eff_samples"] == pytest.approx(sum(v) ** 2 / sum(x * x for x in v))
    entropy = -sum(x / sum(v) * math.log(x / sum(v)) for x in v)
    assert found["spl/weight_entropy"] == pytest.approx(entropy / math.log(5))
    quantiles = [found[f"spl/loss_q{q}"] for q in (10, 50, 90)]
    assert quantiles == pytest.approx([0.1, 0.4, 3.0])
    assert "spl/n_suspect" not in found


def test_groups_have_numbers_of_their_own() -> None:
    mass = torch.tensor([1.0, 3.0, 1.0, 1.0, 2.0])
    columns = {"group": torch.tensor([0, 0, 2, 2, 2]), "sample_weight": mass}
    loss = torch.tensor([0.1, 0.9, 0.2, 0.4, 3.0])
    found = scalars(stepped(Pacer(5, age=Threshold(Constant(0.5)), columns=columns), loss))
    assert found["spl/class_0/frac_selected"] == 0.25
    assert found["spl/class_2/frac_selected"] == 0.5
    assert "spl/class_1/frac_selected" not in found  # no sample is of this class


def test_each_group_has_an_age_of_its_own() -> None:
    columns = {"group": torch.tensor([0, 0, 0, 1, 1])}
    found = scalars(stepped(Pacer(5, age=Quantile(Constant(0.5), by="group"), columns=columns)))
    assert found["spl/class_0/age"] < found["spl/class_1/age"] and "spl/age" not in found


def test_many_groups_have_no_numbers_of_their_own() -> None:
    found = scalars(stepped(Pacer(60, columns={"group": torch.arange(60)}), torch.ones(60)))
    assert not any("class" in name for name in found)
    assert found["spl/frac_selected"] == 1.0


def test_suspects_are_counted_where_losses_are_likelihoods() -> None:
    pacer = Pacer(100)
    for step in range(4):
        assert ("spl/n_suspect" in scalars(pacer)) == (step >= 3)  # not during the warm-up
        stepped(pacer, torch.cat([torch.full((90,), 0.01), torch.full((10,), 6.0)]))
    assert scalars(pacer)["spl/n_suspect"] == 10


def test_without_n_samples_there_are_no_numbers_of_weights() -> None:
    found = scalars(stepped(Pacer(age=Quantile(Constant(0.6)))))
    assert found["spl/frac_selected"] == pytest.approx(0.6)
    assert set(found) == {"spl/frac_selected", "spl/age", *(f"spl/loss_q{q}" for q in (10, 50, 90))}


def test_all_numbers_are_finite_whatever_the_losses() -> None:
    for loss in (
        torch.zeros(3),
        torch.tensor([torch.inf] * 3),
        torch.tensor([0.0, 1.0, torch.inf]),
    ):
        pacer = stepped(Pacer(3), loss)
        assert all(type(x) is float and math.isfinite(x) for x in scalars(pacer).values())


def test_where_no_sample_is_kept_there_are_no_numbers_of_weights() -> None:
    found = scalars(stepped(Pacer(5, age=Threshold(Constant(0.0)))))
    assert found["spl/frac_selected"] == 0.0
    assert "spl/eff_samples" not in found and "spl/weight_entropy" not in found
