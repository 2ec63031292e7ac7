"""Checkpoints of one process, compared right after loading: later steps would hide losses."""

import copy
import io
import math
import pickle
from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch

from selfpaced import PacedSampler, Pacer
from selfpaced._pacer import state as restore_module
from selfpaced._pacer.history import History
from selfpaced._sampling import paced as sampler_module
from selfpaced.age import Quantile
from selfpaced.pacing import Constant
from selfpaced.weighting import Linear

N = 20
ALL = torch.arange(N)
Decide = Literal["batch", "step"]
Copier = Callable[[Pacer], Pacer]


def make(decide: Decide = "batch", n_samples: int | None = N) -> Pacer:
    return Pacer(n_samples, age=Quantile(Constant(0.5)), decide=decide, weighting=Linear())


def losses(seed: int) -> torch.Tensor:
    return torch.rand(N, generator=torch.Generator().manual_seed(seed))


def trained(decide: Decide = "batch", n_samples: int | None = N) -> Pacer:
    pacer = make(decide, n_samples)
    for seed in range(3):
        index = torch.randperm(N, generator=torch.Generator().manual_seed(seed))[:15]
        pacer(losses(seed)[index], None if n_samples is None else index)
        pacer.step()
    return pacer


def observe(pacer: Pacer, seed: int) -> None:
    logits = torch.randn(N, 3, generator=torch.Generator().manual_seed(seed))
    pacer.observe(losses(seed), ALL, logits, ALL % 3, probabilities=True)


def saved(pacer: Pacer) -> dict[str, Any]:
    file = io.BytesIO()
    torch.save(pacer.state_dict(), file)
    file.seek(0)
    state: dict[str, Any] = torch.load(file)
    return state


def assert_same(pacer: Pacer, packed: torch.Tensor, other: Pacer) -> None:
    torch.testing.assert_close(other.ledger.packed, packed, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(other.weight, pacer.weight)
    assert torch.equal(other.current_age, pacer.current_age)
    assert other.history == pacer.history
    assert other.steps == pacer.steps


@pytest.mark.parametrize(("decide", "n_samples"), [("batch", N), ("step", N), ("batch", None)])
def test_the_first_batch_after_loading_weighs_as_before(
    decide: Decide, n_samples: int | None
) -> None:
    first, second = trained(decide, n_samples), make(decide, n_samples)
    assert math.isfinite(float(first.current_age))
    second.load_state_dict(saved(first))
    assert_same(first, first.ledger.packed, second)
    index = None if n_samples is None else ALL
    before = make(decide, n_samples)(losses(9), index).item()
    expected = first(losses(9), index).item()
    assert second(losses(9), index).item() == expected != before


def test_losses_that_wait_for_the_step_are_in_the_checkpoint() -> None:
    first, second = trained(), make()
    first(losses(7), ALL)
    second.load_state_dict(saved(first))
    assert second.ledger.waiting.all()
    first.step(), second.step()
    assert_same(first, first.ledger.packed, second)


def test_what_was_computed_from_logits_is_in_the_checkpoint() -> None:
    first, second = trained(), make()
    for seed in range(3):
        observe(first, seed)
        first.step()
    observe(first, 3)
    second.load_state_dict(saved(first))
    one, other = first.ledger.dynamics, second.ledger.dynamics
    assert one is not None and other is not None
    assert int(other.visits.sum()) == 3 * N and int(other.correct.sum()) > 0
    for _ in range(2):
        for name in ("visits", "correct", "forgotten", "margin", "probability"):
            assert torch.equal(getattr(one, name), getattr(other, name)), name
        first.step(), second.step()
        observe(first, 4)
        observe(second, 4)


def test_a_checkpoint_without_logits_removes_the_dynamics() -> None:
    first, second = trained(), make()
    observe(second, 0)
    second.load_state_dict(saved(first))
    assert second.ledger.dynamics is None


def test_a_bad_sample_that_is_not_reported_yet_is_in_the_checkpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("selfpaced._pacer.pacer.values_can_be_read", lambda tensor: False)
    first, second = trained(), make()
    first(torch.tensor([math.nan, 1.0]), torch.tensor([7, 3]))
    second.load_state_dict(saved(first))
    with pytest.raises(ValueError, match="met 1 bad samples.* first at index 7"):
        second.step()


def test_a_restored_history_is_still_a_table() -> None:
    pacer = make()
    pacer.load_state_dict(saved(trained()))
    assert type(pacer.history) is History
    assert pacer.history.to_frame()["step"].tolist() == [1, 2, 3]


def test_a_saved_state_does_not_change_when_training_continues() -> None:
    pacer = trained("step")
    observe(pacer, 0)
    state = pacer.state_dict()
    frozen = copy.deepcopy(state)
    for seed in range(4, 7):
        pacer(losses(seed) + seed, ALL)
        observe(pacer, seed)
        pacer._bad += 1
        with pytest.raises(ValueError, match="bad samples"):
            pacer.step()
        pacer.step()
    pacer._bad += 1
    assert_equal(state["_extra_state"][0], frozen["_extra_state"][0])


def test_a_restored_run_does_not_change_the_state_that_it_loaded() -> None:
    first, second = trained("step"), make("step")
    observe(first, 0)
    state = first.state_dict()
    frozen = copy.deepcopy(state)
    second.load_state_dict(state)
    for seed in range(4, 6):
        observe(second, seed)
        second.step()
    assert_equal(state["_extra_state"][0], frozen["_extra_state"][0])


def assert_equal(one: object, other: object) -> None:
    if isinstance(one, dict):
        assert isinstance(other, dict) and one.keys() == other.keys()
        for key in one:
            assert_equal(one[key], other[key])
    elif isinstance(one, torch.Tensor):
        assert isinstance(other, torch.Tensor)
        torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)
    else:
        assert one == other


@pytest.mark.parametrize("decide", ["batch", "step"])
@pytest.mark.parametrize("copier", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_a_copy_has_the_whole_state_and_shares_none_of_it(decide: Decide, copier: Copier) -> None:
    pacer = trained(decide)
    packed = pacer.ledger.packed.clone()
    weight, age, shares = pacer.weight.tolist(), float(pacer.current_age), list(pacer.history)
    assert math.isfinite(age) and min(weight) == 0 and len(shares) == 3
    other = copier(pacer)
    expected = pacer(losses(9), ALL).item()
    pacer.step()
    torch.testing.assert_close(other.ledger.packed, packed, rtol=0, atol=0, equal_nan=True)
    assert (other.weight.tolist(), float(other.current_age), list(other.history)) == (
        weight,
        age,
        shares,
    )
    assert (other.steps, type(other.history)) == (3, History)
    assert other(losses(9), ALL).item() == expected


def test_a_state_that_is_cut_short_changes_nothing() -> None:
    pacer = Pacer(4)
    pacer.observe(torch.rand(4), torch.arange(4))
    pacer.step()
    state = Pacer(4).get_extra_state()
    del state["bad"]
    before = pacer.ledger.packed.clone()
    with pytest.raises(ValueError, match=r"is cut short; it lacks \['bad'\]"):
        pacer.set_extra_state(state)
    assert torch.equal(pacer.ledger.packed, before)


def test_every_key_of_a_state_is_required() -> None:
    assert set(Pacer(2).get_extra_state()) == restore_module.KEYS
    assert set(PacedSampler(Pacer(2)).state_dict()) == sampler_module.KEYS


def test_a_state_of_the_first_version_is_still_loaded() -> None:
    first, second = trained(), make()
    observe(first, 0)
    state = first.get_extra_state()
    del state["version"]
    second.load_state_dict({"_extra_state": state})
    assert_same(first, first.ledger.packed, second)


def test_a_state_of_a_newer_version_is_refused() -> None:
    state = trained().get_extra_state() | {"version": 9}
    with pytest.raises(ValueError, match="Pacer: the state is of version 9, newer than 2. Update"):
        make().load_state_dict({"_extra_state": (state,)})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"packed": torch.zeros(N, 4)}, r"rows of shape \(20, 4\), the pacer of \(20, 5\)"),
        ({"dynamics": {}}, r"cut short; it lacks \['correct', 'evidence', 'forgotten'"),
        ({"visits": torch.zeros(3)}, r"columns \['visits'\] from logits do not fit 20 samples"),
        ({"waiting": torch.zeros(N, 9)}, r"columns \['waiting'\] .* and 3 classes"),
    ],
)
def test_a_damaged_state_changes_nothing(change: dict[str, Any], said: str) -> None:
    first, second = trained(), make()
    observe(first, 0)
    state = first.get_extra_state()
    ledger = state["ledger"]
    ledger |= change if set(change) <= set(ledger) else {"dynamics": ledger["dynamics"] | change}
    with pytest.raises(ValueError, match=said):
        second.load_state_dict({"_extra_state": (state,)})
    assert second.steps == 0 and not second.ledger.visits.any()
