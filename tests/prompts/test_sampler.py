"""Batches of prompts: the kept ones, drawn with the current weights, in epochs of one length."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from selfpaced import Pacer
from selfpaced.prompts import PromptSampler
from selfpaced.prompts._sampler import Place, next_prompts


def keep(pacer: Pacer, *kept: int) -> None:
    pacer.weight.zero_()
    pacer.weight[list(kept)] = 1.0


def batches(sampler: PromptSampler) -> list[list[int]]:
    """The prompts of each batch of an epoch."""
    size = sampler.mini_repeat_count * sampler.batch_size
    order = np.array(list(sampler)).reshape(-1, sampler.repeat_count, size)
    assert (order == order[:, :1]).all()
    grouped = order[:, 0].reshape(len(order), sampler.batch_size, sampler.mini_repeat_count)
    assert (grouped == grouped[..., :1]).all()
    return [[int(prompt) for prompt in batch] for batch in grouped[..., 0]]


@pytest.mark.parametrize("n", [7, 12])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_an_epoch_has_the_same_length_for_any_number_of_kept(n: int, batch_size: int) -> None:
    pacer = Pacer(n)
    sampler = PromptSampler(pacer, 2, batch_size, 3)
    for kept in (range(n), range(2), ()):
        keep(pacer, *kept)
        assert len(list(sampler)) == len(sampler) == n // batch_size * batch_size * 6


def test_only_kept_prompts_are_drawn_and_equally_often() -> None:
    pacer = Pacer(12)
    keep(pacer, 1, 4, 6, 7, 10, 11)
    drawn = [
        prompt for batch in batches(PromptSampler(pacer, 2, 3, revisit=0.0)) for prompt in batch
    ]
    assert sorted(drawn) == sorted([1, 4, 6, 7, 10, 11] * 2)


def test_a_batch_has_no_prompt_twice_even_if_few_are_kept() -> None:
    pacer = Pacer(12)
    keep(pacer, 1, 4)
    sampler = PromptSampler(pacer, 2, 4, revisit=0.0)
    epochs = [batches(sampler) for _ in range(6)]
    others = set()
    for batch in (batch for epoch in epochs for batch in epoch):
        assert len(set(batch)) == 4
        assert {1, 4} <= set(batch)
        others |= set(batch) - {1, 4}
    assert others == set(range(12)) - {1, 4}  # other prompts fill each batch


def test_other_prompts_fill_batches_if_none_is_kept() -> None:
    pacer = Pacer(12)
    keep(pacer)
    drawn = batches(PromptSampler(pacer, 2, 4, revisit=0.0))
    assert len({prompt for batch in drawn for prompt in batch}) > 4


def test_each_left_out_prompt_is_revisited_once_in_four_epochs() -> None:
    pacer = Pacer(400)
    keep(pacer, *range(200))
    sampler = PromptSampler(pacer, 2, 4, revisit=0.25)
    visits = torch.zeros(400, dtype=torch.int64)
    for _ in range(4):
        for batch in batches(sampler):
            visits[batch] += 1
    assert visits[200:].tolist() == [1] * 200
    assert visits[:200].min() >= 4


def test_a_batch_is_drawn_with_the_current_weights() -> None:
    pacer = Pacer(12)
    iterator = iter(PromptSampler(pacer, 2, 3, revisit=0.0, shuffle=False))
    assert list(islice(iterator, 6)) == [0, 0, 1, 1, 2, 2]
    keep(pacer, 5, 9, 10)
    assert list(islice(iterator, 6)) == [5, 5, 9, 9, 10, 10]


def test_epochs_have_different_orders_and_set_epoch_selects_one() -> None:
    sampler = PromptSampler(Pacer(12), 2, 3)
    epochs = [list(sampler) for _ in range(3)]
    assert epochs[0] != epochs[1] != epochs[2]
    for epoch in (2, 0, 1):
        other = PromptSampler(Pacer(12), 2, 3)
        other.set_epoch(epoch)
        assert list(other) == epochs[epoch]


@pytest.mark.parametrize("taken", [0, 1, 6, 7, 25])
def test_a_loaded_sampler_repeats_the_drawn_batches_and_continues(taken: int) -> None:
    pacer, kept = Pacer(12), (1, 4, 6, 7, 10)
    sampler = PromptSampler(pacer, 2, 3)
    list(sampler)
    sampler.set_epoch(1)
    iterator = iter(sampler)
    begin = list(islice(iterator, taken))
    state = sampler.state_dict() if taken else None
    keep(pacer, *kept)  # after the first batches were drawn
    whole = begin + list(iterator)
    if state is None:
        return
    again = Pacer(12)
    keep(again, *kept)
    loaded = PromptSampler(again, 2, 3)
    loaded.load_state_dict(state)
    loaded.set_epoch(1)
    assert list(loaded) == whole
    assert list(loaded) == list(sampler)  # and the epoch after it


def test_a_loaded_epoch_that_is_over_is_not_repeated() -> None:
    sampler, loaded = PromptSampler(Pacer(12), 2, 3), PromptSampler(Pacer(12), 2, 3)
    list(sampler)
    loaded.load_state_dict(sampler.state_dict())
    loaded.set_epoch(1)
    assert list(loaded) == list(sampler)


def test_a_state_can_be_read_without_running_code(tmp_path: Any) -> None:
    sampler = PromptSampler(Pacer(12), 2, 3)
    next(iter(sampler))
    torch.save(sampler.state_dict(), tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert state["drawn"].shape == (3,)


def test_next_prompts_agrees_with_a_simple_walk() -> None:
    def order_of(round: int) -> NDArray[np.int64]:
        return np.random.default_rng([7, round]).permutation(9)

    def walked(kept: NDArray[np.bool_], n: int) -> list[int]:
        places = (prompt for round in range(100) for prompt in order_of(round) if kept[prompt])
        return [int(prompt) for prompt in islice(places, n)]

    kept = np.arange(9) % 2 == 0  # 5 of 9; batches of 5 end with the rounds
    at, found = Place(0, 0), []
    for _ in range(4):
        batch, at = next_prompts(5, at, lambda round: kept, order_of)
        found += batch.tolist()
    assert found == walked(kept, 20)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 13}, "a batch of 13 prompts needs at least as many prompts; got 12"),
        ({"revisit": 1.5}, "revisit must be from 0 to 1; got 1.5"),
        ({"seed": -1}, "seed must be an int from 0"),
        ({"repeat_count": 0}, "repeat_count must be a positive int; got 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PromptSampler(Pacer(12), 2, **settings)


def test_a_pacer_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="expects a Pacer; got list"):
        PromptSampler([1, 2], 2)  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(ValueError, match=r"make it as Pacer\(len\(dataset\)\)"):
        PromptSampler(Pacer(), 2)


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    sampler = PromptSampler(Pacer(12), 2, 3)
    state = sampler.state_dict()
    whole = list(PromptSampler(Pacer(12), 2, 3))
    for change, message in (
        ({"version": 2}, "newer than 1"),
        ({"n_samples": 13}, "the state is for 13 prompts"),
        ({"batch_size": 4}, "batches of 4, the sampler for 12 in batches of 3"),
        ({"drawn": torch.tensor([0, 1])}, "'drawn' of the state must be batches of 3, at most 4"),
        ({"drawn": torch.tensor([0, 1, 12])}, r"with values from 0 to 11, none NaN; got \[12\]"),
        ({"drawn": torch.tensor([0, 1, 0])}, "'drawn' of the state must be batches of different"),
        ({"drawn": torch.zeros(3)}, r"'drawn' .* must be int64 of shape \(n,\); got float32"),
        ({"epoch": -1}, "'epoch' of the state must be an int from 0 to 100000; got -1"),
        ({"round": None}, "'round' of the state must be an int from 0 to .*; got None"),
        ({"place": 13}, "'place' of the state must be an int from 0 to 12; got 13"),
        ({"seed": 1}, r"the state has unknown keys: \['seed'\]"),
    ):
        with pytest.raises(ValueError, match=message):
            sampler.load_state_dict({**state, **change})
    with pytest.raises(ValueError, match=r"cut short; it lacks \['drawn'\]"):
        sampler.load_state_dict({key: state[key] for key in state if key != "drawn"})
    assert list(sampler) == whole
