import math

import pytest
import torch
from torch import Tensor

from selfpaced import Pacer
from selfpaced.age import Auto, Quantile
from selfpaced.difficulty import Loss, Shuffled
from selfpaced.pacing import Constant, Pacing, Ramp, Recorded
from selfpaced.rows import Population
from selfpaced.trace import describe

AGE = torch.tensor(1.0)


def population(difficulty: list[float], mass: list[float] | None = None) -> Population:
    return Population(torch.tensor(difficulty), None if mass is None else torch.tensor(mass), {})


def run(n: int, pacing: Pacing, steps: int, difficulty: Loss | Shuffled) -> Pacer:
    pacer = Pacer(n, age=Quantile(pacing), difficulty=difficulty, decide="step")
    for seed in range(steps):
        pacer(torch.rand(n, generator=torch.Generator().manual_seed(seed)), torch.arange(n))
        pacer.step()
    return pacer


def test_a_soft_weight_above_zero_is_kept_whole() -> None:
    weight = torch.tensor([1.0, 0.5, 0.01, 0.0])
    row = describe(3, AGE, population([1.0, 2.0, 3.0, 4.0]), weight, torch.ones(4))
    assert row["kept_share"] == 0.75


def test_the_kept_share_is_of_mass() -> None:
    weight = torch.tensor([0.2, 0.0])
    row = describe(1, AGE, population([1.0, 2.0], [3.0, 1.0]), weight, torch.ones(2))
    assert row["kept_share"] == 0.75


def test_samples_count_alike_where_none_that_was_seen_has_mass() -> None:
    weight = torch.tensor([1.0, 0.0])
    row = describe(1, AGE, population([1.0, 2.0], [0.0, 0.0]), weight, torch.ones(2))
    assert row["kept_share"] == 0.5


@pytest.mark.parametrize("age", [Auto(), Quantile(Constant(0.5))])
def test_a_step_on_samples_without_mass_is_described_in_numbers(age: Auto | Quantile) -> None:
    columns = {"sample_weight": torch.tensor([0.0, 0.0, 1.0, 1.0])}
    pacer = Pacer(4, age=age, columns=columns)
    for _ in range(4):
        pacer(torch.tensor([1.0, 2.0]), torch.arange(2))
        pacer.step()
        assert 0 <= float(str(pacer.history[-1]["kept_share"])) <= 1
    assert pacer.history[-1]["seen"] == 2


def test_the_row_tells_of_the_last_losses_and_of_the_difficulty() -> None:
    loss = torch.tensor([1.0, 2.0, 6.0])
    row = describe(7, torch.tensor([1.0, 2.0]), population([5.0, 4.0, 9.0]), torch.ones(3), loss)
    assert row == {
        "step": 7,
        "age": [1.0, 2.0],
        "kept_share": 1.0,
        "seen": 3,
        "mean_loss": 3.0,
        "median_difficulty": 5.0,
    }


@pytest.mark.parametrize("pacing", [Constant(0.6), Ramp(0.1, 0.9, steps=12)])
@pytest.mark.parametrize("difficulty", [Loss(), Shuffled()])
def test_kept_shares_replayed_keep_exactly_as_many(
    pacing: Pacing, difficulty: Loss | Shuffled
) -> None:
    original = run(200, pacing, 14, Loss())
    shares = [float(str(row["kept_share"])) for row in original.history]
    again = run(200, Recorded((1.0, *shares)), 14, difficulty)
    assert [row["kept_share"] for row in again.history] == shares
    assert again.weight.sum() == original.weight.sum()


def test_every_count_of_two_hundred_survives_the_replay() -> None:
    shares = [k / 200 for k in range(1, 201)]
    again = run(200, Recorded((1.0, *shares)), 200, Shuffled())
    assert [row["kept_share"] for row in again.history] == shares


def hump(n: int, logit: float, seed: int) -> Tensor:
    noise = torch.randn(n, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.softplus(noise + logit)


@pytest.mark.parametrize("few", [0, 3])
def test_auto_never_cuts_labels_that_are_likelier_than_all_others(few: int) -> None:
    loss = torch.cat([hump(600, -10.0, 1), hump(400, -4.0, 2), hump(few, 1.0, 3)])
    assert 550 < int((loss < 0.001).sum()) < 650  # there are two humps
    assert Auto().cut(Population(loss, None, {})) is None


@pytest.mark.parametrize("n", [20, 30, 40, 60])
def test_auto_raises_no_alarm_on_few_samples_of_one_wide_hump(n: int) -> None:
    alarms = 0
    for seed in range(100):
        generator = torch.Generator().manual_seed(seed)
        wide = torch.randn(n, 3, generator=generator).square().mean(1).sqrt()
        loss = torch.nn.functional.softplus(torch.randn(n, generator=generator) / wide)
        alarms += Auto().cut(Population(loss, None, {})) is not None
    assert alarms <= 2


@pytest.mark.parametrize("n", [40, 100, 4000])
def test_auto_takes_a_hump_for_one_only_where_it_has_enough_samples(n: int) -> None:
    wrong = n // 25
    loss = torch.cat([hump(n - wrong, -4.0, 1), hump(wrong, 4.0, 2)])
    found = Auto().cut(Population(loss, None, {}))
    assert (found is not None) == (n == 4000)
    assert found is None or math.log(2) <= found < 2
