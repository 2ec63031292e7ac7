import math

import pytest
import torch

from selfpaced import Ledger
from selfpaced.chain import Rows
from selfpaced.difficulty import LeaveOneOut, Loss, RandomOrder, Reversed, Shifted, Smoothed

DECAY = 0.7


def rows(n: int) -> Rows:
    return Rows(torch.arange(n), torch.zeros(n), torch.zeros(n), {})


def smoothed_over(losses: list[float]) -> float:
    ledger = Ledger(1)
    index = torch.tensor([0])
    for loss in losses:
        ledger.write(index, torch.tensor([loss]))
        ledger.commit(Smoothed(DECAY))
    return float(ledger.rows(index).memory)


def test_smoothed_is_the_weighted_mean_of_the_losses() -> None:
    losses = [3.0, 1.0, 0.5, 2.0]
    weights = [DECAY**age for age in (3, 2, 1, 0)]
    mean = sum(w * x for w, x in zip(weights, losses, strict=True)) / sum(weights)
    assert smoothed_over(losses) == pytest.approx(mean)


def test_smoothed_starts_at_the_first_loss() -> None:
    assert smoothed_over([3.0]) == 3.0


def test_a_decay_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="decay is the weight of the old value and must be"):
        Smoothed(1.0)


def test_a_shift_is_not_smoothed() -> None:
    ledger = Ledger(1, {"prior": torch.tensor([2.0])})
    index, rule = torch.tensor([0]), Shifted("prior", scale=0.5)
    for _ in range(5):
        ledger.write(index, torch.tensor([1.0]))
        ledger.commit(rule)
    assert float(rule(ledger.rows(index).memory, ledger.rows(index))) == pytest.approx(2.0)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="Shifted reads the column 'prior'"):
        Shifted("prior")(torch.ones(1), rows(1))


def test_reversed_puts_hard_first() -> None:
    assert Reversed(Loss())(torch.tensor([1.0, 3.0]), rows(2)).argmin() == 1


def test_a_random_order_ignores_the_loss_and_depends_on_index_and_seed() -> None:
    first = RandomOrder(seed=1)(torch.rand(1000), rows(1000))
    assert torch.equal(first, RandomOrder(seed=1)(torch.zeros(1000), rows(1000)))
    assert not torch.equal(first, RandomOrder(seed=2)(torch.zeros(1000), rows(1000)))


def test_a_random_order_is_uniform_and_uncorrelated_between_seeds() -> None:
    n = 100_000
    a, b = (RandomOrder(seed)(torch.zeros(n), rows(n)) for seed in (1, 2))
    assert torch.histc(a, 10, 0, 1).sub(n / 10).abs().max() < 400
    assert abs(float(torch.corrcoef(torch.stack([a, b]))[0, 1])) < 0.02


@pytest.mark.parametrize("seed", [-1, 21, 100, 2**40])
def test_any_seed_gives_different_numbers(seed: int) -> None:
    assert RandomOrder(seed)(torch.zeros(50), rows(50)).unique().numel() > 40


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.7, 0.95])
def test_numbers_made_once_give_the_bits_of_plain_numbers(
    decay: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = torch.Generator().manual_seed(0)
    loss, memory = torch.rand(2, 300, generator=generator)
    rows = Rows(torch.arange(300), memory, torch.arange(300.0), {})
    made = Smoothed(decay).fold(loss, rows)
    monkeypatch.setattr("selfpaced._errors.values_can_be_read", lambda tensor: False)
    assert torch.equal(Smoothed(decay).fold(loss, rows), made)


def test_a_number_first_used_within_a_transform_can_be_used_outside() -> None:
    rows = Rows(torch.arange(2), torch.ones(2), torch.ones(2), {})
    rule = Smoothed(0.123)
    torch.func.grad(lambda loss: rule.fold(loss, rows).sum())(torch.ones(2))
    with torch.inference_mode():
        rule.fold(torch.ones(2), rows)
    loss = torch.ones(2, requires_grad=True)
    rule.fold(loss, rows).sum().backward()
    assert loss.grad is not None and bool((loss.grad > 0).all())


def test_negative_losses_stay_negative_for_the_age_to_refuse() -> None:
    rows = Ledger(1).rows(torch.tensor([0]))
    rows.doubt = torch.tensor([0.9])
    assert LeaveOneOut()(torch.tensor([-2.0]), rows).tolist() == [-2.0]


@pytest.mark.parametrize("loss", [0.0, 1e-9, 0.7, 80.0, 3e38, math.inf])
@pytest.mark.parametrize("doubt", [-5.0, 0.0, 5.0])
def test_every_loss_gives_a_finite_difficulty(loss: float, doubt: float) -> None:
    rows = Ledger(1).rows(torch.tensor([0]))
    rows.doubt = torch.tensor([doubt])
    assert 0 <= float(LeaveOneOut()(torch.tensor([loss]), rows)) < math.inf


@pytest.mark.parametrize("loss", [1e-3, 0.1, 0.7, 5.0, 30.0])
def test_without_doubt_the_difficulty_is_the_other_one(loss: float) -> None:
    rows = Ledger(1).rows(torch.tensor([0]))
    rows.doubt = torch.zeros(1)
    assert float(LeaveOneOut()(torch.tensor([loss]), rows)) == pytest.approx(loss, rel=1e-4)


def test_a_sharpness_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="sharpness must be above 0; got 0.0"):
        LeaveOneOut(sharpness=0.0)
