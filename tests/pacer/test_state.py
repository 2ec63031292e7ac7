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
from selfpaced.age import Quantile, Threshold
from selfpaced.chain import Rows
from selfpaced.difficulty import Loss
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
    assert set(Pacer(2).get_extra_state()) == restore_module.KEYS | {"version"}
    assert set(PacedSampler(Pacer(2)).state_dict()) == sampler_module.KEYS | {"version"}


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
        (
            {"packed": torch.zeros(N, 4)},
            r"'packed' of the state's ledger must be float32 of shape \(20, 5\); got .* \(20, 4\)",
        ),
        ({"dynamics": {}}, r"cut short; it lacks \['correct', 'evidence', 'forgotten'"),
        (
            {"visits": torch.zeros(3)},
            r"'visits' of the state's memory of logits must be int32 of shape \(20,\); got float32",
        ),
        ({"waiting": torch.zeros(N, 9)}, r"'waiting' .* must be float32 of shape \(20, 7\)"),
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


def rows(column: int, value: float) -> Callable[[dict[str, Any]], None]:
    """A change of the first row of the ledger."""

    def change(state: dict[str, Any]) -> None:
        state["ledger"]["packed"][0, column] = value

    return change


def put(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda state: state.update(values)


def in_history(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda state: state["history"][0].update(values)


DAMAGES: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (put(steps=-1), "Pacer: 'steps' of the state must be an int from 0 to .*; got -1. Use a state"),
    (put(steps=True), "'steps' of the state must be an int from 0 to .*; got True"),
    (put(steps=9), r"'history' of the state must be .*, the last of step 9; got \[1, 2, 3\]"),
    (put(steps=2, history=[]), "'steps' of the state must be at least 3, the most visits of a"),
    (put(n_samples=21), "the state is of n_samples=21 and ages .*, the pacer of n_samples=20"),
    (put(n_samples=torch.tensor(N)), r"the state is of n_samples=int64 of shape \(\) and ages"),
    (put(current_age=torch.zeros(2)), r"ages of shape \(2,\), the pacer of n_samples=20 and \(\)"),
    (put(current_age=torch.tensor(math.nan)), r"'current_age' .* none NaN; got \[nan\]"),
    (put(weight=torch.zeros(3)), r"'weight' of the state must be float32 of shape \(20,\)"),
    (
        put(weight=-torch.ones(N)),
        r"'weight' of the state must be .* from 0 to .*; got \[-1.0, -1.0",
    ),
    (
        put(bad=torch.tensor([-1, 0])),
        r"'bad' of the state must be a count and an index; got \[-1, 0",
    ),
    (put(bad=torch.zeros(2)), r"'bad' of the state must be int64 of shape \(2,\); got float32"),
    (put(extra=1), r"Pacer: the state has unknown keys: \['extra'\]"),
    (put(ledger=3), "Pacer: the state's ledger must be a dict; got 3"),
    (put(owners={}), r"Pacer: the state's owners is cut short; it lacks \['dynamics', 'loss'\]"),
    (put(history={}), "'history' of the state must be a list of a dict per step; got {}"),
    (
        in_history(step="1"),
        "'history' of the state must be a list of a dict per step; got a dict of",
    ),
    (in_history(kept_share=1.5), "'history' of the state must be a list of a dict per step"),
    (in_history(age=[1.0]), "'history' of the state must be a list of a dict per step"),
    (in_history(probe=2), "'history' of the state must be a list of a dict per step"),
    (in_history(seen=N + 1), "'history' of the state must be a list of a dict per step"),
    (
        rows(0, math.nan),
        r"'packed' of the state's ledger must be rows of losses, none NaN, of each",
    ),
    (rows(1, 0.25), r"'packed' .* must be rows of visits of each sample; got \[0.25\]"),
    (rows(1, -1.0), r"'packed' .* must be rows of visits of each sample; got \[-1.0\]"),
    (rows(2, math.nan), "'packed' .* must be rows of finite memories of each sample; got .nan."),
    (rows(3, math.nan), "'packed' .* must be rows of totals, none NaN, of each sample"),
    (rows(4, -1.0), "'packed' .* must be rows of evidence of 0 or more of each sample"),
    (
        rows(2, -1.0),
        "Pacer: the state does not fit this pacer. Auto reads difficulties as -ln p and",
    ),
    (rows(2, math.inf), "'packed' .* must be rows of finite memories of each sample; got .inf."),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGES)
def test_a_state_with_a_damaged_value_changes_nothing(
    damage: Callable[[dict[str, Any]], None], said: str
) -> None:
    first, second = Pacer(N), Pacer(N)
    for seed in range(3):
        observe(first, seed)
        first.step()
    state = first.get_extra_state()
    damage(state)
    before = copy.deepcopy(second.get_extra_state())
    with pytest.raises(ValueError, match=said):
        second.load_state_dict({"_extra_state": (state,)})
    assert_equal(second.get_extra_state(), before)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("correct", 9, "'correct' of the state's memory of logits must be at most the visits"),
        ("was_correct", 2, r"'was_correct' .* with values from 0 to 1, none NaN; got \[2"),
        ("target", 3, r"'target' .* with values from 0 to 2, none NaN; got \[3"),
        ("probability", 1.5, r"'probability' .* with values from 0 to 1.001, none NaN; got \[1.5"),
        ("margin_total", math.nan, r"'margin_total' .* none NaN; got \[nan"),
        ("evidence", -1.0, r"'evidence' .* with values from 0 to .*; got \[-1.0"),
        ("waiting", 0.5, "'waiting' .* must be flags of 0 or 1, and targets"),
    ],
)
def test_a_damaged_memory_of_logits_changes_nothing(name: str, value: float, said: str) -> None:
    first, second = trained(), make()
    observe(first, 0)
    state = first.get_extra_state()
    state["ledger"]["dynamics"][name].fill_(value)
    with pytest.raises(ValueError, match=said):
        second.load_state_dict({"_extra_state": (state,)})
    assert second.steps == 0 and second.ledger.dynamics is None


def test_a_row_of_the_history_may_have_values_of_the_user() -> None:
    first, second = trained(), make()
    first.history[-1]["accuracy"] = 0.9
    second.load_state_dict(saved(first))
    assert second.history[-1]["accuracy"] == 0.9


def test_a_history_that_the_user_has_emptied_is_loaded() -> None:
    first, second = trained(), make()
    first.history.clear()
    second.load_state_dict(saved(first))
    assert second.steps == 3 and second.history == []


def test_logits_that_overflow_leave_a_state_that_can_be_loaded() -> None:
    first, second = Pacer(2), Pacer(2)
    logits = torch.tensor([[math.inf, math.inf, 0.0], [-math.inf, 1.0, 2.0]])
    for _ in range(2):
        first.observe(torch.ones(2), ALL[:2], logits, ALL[:2], probabilities=True)
        first.step()
    second.load_state_dict(saved(first))
    assert second.ledger.dynamics is not None
    assert second.ledger.dynamics.probability[0].tolist() == [0.5, 0.5, 0.0]
    assert float(second.ledger.dynamics.margin[0]) == 0.0


class Shaky(Loss):
    """A user's difficulty that is not a number for a sample that is seen for the fifth time."""

    def fold(self, loss: torch.Tensor, rows: Rows) -> torch.Tensor:
        return torch.where(rows.visits < 4, loss, torch.nan)


def test_a_state_that_gives_no_weights_changes_nothing() -> None:
    settings: dict[str, Any] = {"age": Quantile(Constant(0.5)), "difficulty": Shaky()}
    first, second = Pacer(N, **settings), Pacer(N, **settings)
    for seed in range(4):
        first.observe(losses(seed), ALL)
        first.step()
    with pytest.raises(
        ValueError, match="Pacer: the state does not fit this pacer. Its losses and"
    ):
        second.load_state_dict(saved(first))
    assert second.steps == 0 and not second.ledger.visits.any()


def test_a_negative_loss_that_only_the_next_step_would_refuse_changes_nothing() -> None:
    first, second = Pacer(), Pacer()
    first(torch.ones(4))
    first.step()
    state = first.get_extra_state()
    state["ledger"]["packed"][0, 2] = -0.5
    with pytest.raises(ValueError, match="does not fit this pacer. Auto reads .*; got -0.5"):
        second.load_state_dict({"_extra_state": (state,)})
    assert second.steps == 0


def test_the_state_after_the_last_step_of_a_schedule_is_loaded() -> None:
    def made() -> Pacer:
        return Pacer(4, age=Threshold(lambda step: [9.0, 1.0, 2.0][step]))

    pacer = made()
    for _ in range(2):
        pacer(torch.tensor([0.5, 1.5, 2.5, 3.5]), torch.arange(4))
        pacer.step()
    again = made()
    again.load_state_dict(pacer.state_dict())
    assert again.steps == 2 and again.weight.tolist() == [1.0, 1.0, 0.0, 0.0]
