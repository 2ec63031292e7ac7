import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from selfpaced._sampling.order import chosen, is_thinned, shuffled, thinned

WEIGHT = (torch.arange(1000) % 3 > 0).float()


def test_the_kept_are_visited_in_every_epoch() -> None:
    for epoch in range(12):
        assert bool(chosen(WEIGHT, epoch, revisit=0.1, seed=0)[WEIGHT > 0].all())


@pytest.mark.parametrize("revisit", [1.0, 0.7, 0.5, 0.3, 0.1, 0.01])
def test_the_others_are_visited_once_a_turn(revisit: float) -> None:
    turn = math.ceil(1 / revisit)
    for start in (0, 7):
        epochs = range(start, start + turn)
        visits = torch.stack([chosen(WEIGHT, e, revisit, seed=3) for e in epochs]).sum(0)
        assert bool((visits[WEIGHT == 0] >= 1).all())
        assert float(visits[WEIGHT == 0].float().mean()) == pytest.approx(turn * revisit, abs=0.05)


def test_a_tiny_share_is_rounded_up_to_one_place() -> None:
    others = torch.zeros(100_000)
    visits = torch.stack([chosen(others, e, 1e-5, seed=0) for e in range(50)]).sum()
    assert 100 < int(visits) < 220  # 1 / 32768 each time


def test_about_the_share_of_the_others_is_visited_each_time() -> None:
    others = torch.zeros(10_000)
    shares = [chosen(others, e, revisit=0.1, seed=0).float().mean() for e in range(10)]
    assert min(shares) > 0.09 and max(shares) < 0.11


def test_without_revisits_left_out_samples_are_not_visited() -> None:
    assert torch.equal(chosen(WEIGHT, 5, revisit=0.0, seed=0), WEIGHT > 0)


def test_only_easy_samples_are_thinned_and_each_epoch_draws_anew() -> None:
    easy = torch.arange(10_000) < 6000
    first, again, second = (thinned(easy, e, thin=0.25, seed=0) for e in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, second)
    assert not bool(first[6000:].any())
    assert float(first[:6000].float().mean()) == pytest.approx(0.25, abs=0.03)


@given(st.integers(1, 500))
def test_seven_eighths_of_the_epochs_are_thinned_and_they_are_the_first(epochs: int) -> None:
    found = [is_thinned(epoch, epochs) for epoch in range(2 * epochs)]
    assert sum(found) == epochs * 7 // 8 and found == sorted(found, reverse=True)
    assert is_thinned(epochs, None)


@given(st.integers(1, 60), st.integers(0, 200), st.integers(0, 5))
def test_an_order_of_fixed_length_repeats_samples_evenly(n: int, length: int, epoch: int) -> None:
    who = torch.arange(100) < n
    counts = np.bincount(shuffled(who, epoch, seed=1, length=length), minlength=100)
    assert counts.sum() == length
    assert counts[n:].sum() == 0
    assert counts[:n].max() - counts[:n].min() <= 1


def test_an_order_is_shuffled_by_epoch_and_seed() -> None:
    who = torch.ones(500, dtype=torch.bool)
    orders = [shuffled(who, epoch, seed).tolist() for epoch in (0, 1) for seed in (0, 1)]
    assert all(sorted(order) == list(range(500)) for order in orders)
    assert len({str(order) for order in orders}) == 4
    assert shuffled(who, 0, 0).tolist() == orders[0]


def test_no_visited_samples_make_an_empty_order() -> None:
    assert shuffled(torch.zeros(5, dtype=torch.bool), 0, 0).tolist() == []
    assert shuffled(torch.zeros(5, dtype=torch.bool), 0, 0, length=4).tolist() == []
