"""Claims about several trainings one after another."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from selfpaced import Indexed
from selfpaced.audit._learning.aims import Classes
from selfpaced.audit._learning.batches import Rows
from selfpaced.audit._learning.committee import Committee
from selfpaced.audit._learning.estimators import Rounds
from selfpaced.audit._learning.inputs import Inputs
from selfpaced.audit._learning.mixture import power
from selfpaced.audit._learning.networks import mlp
from selfpaced.audit._learning.settings import Settings
from selfpaced.audit._learning.trained import Network
from selfpaced.audit._learning.training import Training

N = 90
# Rounds of the first training, then batches of the second: two epochs of three folds.
PULSES = 3 + 2 * 3


def data() -> tuple[Inputs, Tensor]:
    """Return two blobs of which every tenth label is wrong."""
    generator = torch.Generator().manual_seed(0)
    truth = torch.arange(N) % 2
    x = torch.randn(N, 2, generator=generator) + 3.0 * truth[:, None]
    return Inputs(x.numpy()), torch.where(torch.arange(N) % 10 == 0, 1 - truth, truth)


def network(folds: int = 3, seed: int = 0) -> Training:
    """Return the training of a network with dropout, of two epochs."""
    inputs, labels = data()
    torch.manual_seed(seed)
    settings = Settings(epochs=2, batch_size=32, folds=folds)
    dataset = Indexed(Rows(inputs.dense, labels))
    return Training(dataset, mlp((2,), 2), labels, Classes(2), settings)


def rounds() -> Rounds:
    """Return three rounds of two kinds of estimators."""
    inputs, labels = data()
    settings = Settings(epochs=3, folds=3)
    return Rounds(["logistic", "boosting"], inputs, labels, Classes(2), settings)


def committee(seed: int = 0) -> Committee:
    """Return a training of estimators and one of a network."""
    return Committee([rounds(), network(seed=seed)], data()[1])


@pytest.fixture(scope="module")
def whole() -> Committee:
    """Return a committee that was trained to its end."""
    found = committee()
    assert found.run()
    return found


def flat(state: Any) -> list[Any]:
    """Return all values of a state as lists, numbers and bytes; NaN equals NaN."""
    if isinstance(state, Tensor):
        return [str(state.dtype), tuple(state.shape), state.contiguous().numpy().tobytes()]
    if isinstance(state, dict):
        return [[key, flat(value)] for key, value in state.items()]
    return [flat(each) for each in state] if isinstance(state, list | tuple) else [state]


def test_the_trainings_are_counted_together(whole: Committee) -> None:
    fresh = committee()
    assert (fresh.epochs, fresh.pulses) == (3 + 2, PULSES)
    assert (fresh.epoch, fresh.done) == (0, 0) and fresh.running is fresh.parts[0]
    assert (whole.epoch, whole.done) == (5, PULSES) and whole.running is whole.parts[1]
    seen: list[tuple[int, int, float]] = []
    pulses: list[tuple[int, bool]] = []
    shares: list[float] = []

    def pulse() -> bool:
        pulses.append((fresh.done, fresh.running is fresh.parts[0]))
        shares.append(fresh.progress)
        return False

    assert fresh.run(lambda *epoch: seen.append(epoch), pulse)
    assert [epoch[:2] for epoch in seen] == [(number, 5) for number in range(1, 6)]
    assert [done for done, _ in pulses] == list(range(1, PULSES + 1))
    assert shares == sorted(shares) and shares[1] == pytest.approx(1 / 3) and shares[-1] == 1
    assert [first for _, first in pulses] == [True] * 2 + [False] * (PULSES - 2)


@pytest.mark.parametrize("after", [2, 3])
def test_a_stop_in_the_first_training_or_at_its_end_does_not_begin_the_second(after: int) -> None:
    stopped = committee()
    assert not stopped.run(pulse=lambda: stopped.done == after)
    assert (stopped.parts[0].epoch, stopped.parts[1].done) == (after, 0)


@pytest.mark.parametrize("after", range(PULSES))
def test_a_stopped_committee_continues_bit_for_bit(after: int, whole: Committee) -> None:
    stopped = committee()
    if after:
        assert not stopped.run(pulse=lambda: stopped.done == after)
    resumed = committee(seed=1)
    resumed.load_state_dict(copy.deepcopy(stopped.state_dict()))
    assert resumed.done == stopped.done == after and resumed.run()
    assert resumed.probabilities.tobytes() == whole.probabilities.tobytes()
    assert resumed.shares == whole.shares
    ours, theirs = (flat(each.state_dict()["parts"][1]) for each in (resumed, whole))
    assert ours == theirs
    predicted = [each.mixture(Network).predict(data()[0], 2) for each in (resumed, whole)]
    assert predicted[0].tobytes() == predicted[1].tobytes()


def test_all_kinds_judge_with_the_shares_that_make_the_labels_most_likely(
    whole: Committee,
) -> None:
    kinds = ["logistic", "boosting", "network"]
    assert list(whole.held_out) == list(whole.shares or {}) == kinds and whole.shares is not None
    assert sum(share.weight for share in whole.shares.values()) == pytest.approx(1)
    expected = np.zeros((N, 2))
    for kind, share in whole.shares.items():
        expected += share.weight * power(whole.held_out[kind], share.exponent)
    np.testing.assert_allclose(whole.probabilities, expected)
    np.testing.assert_allclose(whole.probabilities.sum(1), 1)


def test_the_mixture_has_the_models_of_all_trainings(whole: Committee) -> None:
    wrapped: list[nn.Module] = []

    def as_member(module: nn.Module) -> Network:
        wrapped.append(module)
        return Network(module)

    mixture = whole.mixture(as_member)
    assert list(mixture.members) == ["logistic", "boosting", "network"]
    assert wrapped == [whole.parts[1].model] and mixture.shares == whole.shares
    inputs = data()[0]
    expected = np.zeros((N, 2))
    for kind, share in (mixture.shares or {}).items():
        p = mixture.members[kind].predict(inputs, 2)
        expected += share.weight * power(p, share.exponent)
    np.testing.assert_allclose(mixture.predict(inputs, 2), expected)


def test_a_network_that_judges_labels_that_it_learned_has_no_share() -> None:
    alone = Committee([network(folds=0)], data()[1])
    assert alone.run() and alone.held_out == {} and alone.shares is None
    mixture = alone.mixture(Network)
    assert mixture.shares is None and list(mixture.members) == ["network"]
    assert mixture.predict(data()[0], 2).shape == (N, 2)


def test_a_damaged_state_of_one_training_changes_no_other() -> None:
    saved, other = committee(), committee()
    saved.parts[0].run()
    state = saved.state_dict()
    del state["parts"][1]["epoch"]
    before = flat(other.state_dict())
    with pytest.raises(ValueError, match=r"the state is cut short; it lacks \['epoch'\]"):
        other.load_state_dict(state)
    assert flat(other.state_dict()) == before
    with pytest.raises(ValueError, match="Committee: 'parts' of the state must be a list of state"):
        other.load_state_dict(state | {"parts": 3})


def test_a_state_of_other_trainings_is_refused() -> None:
    with pytest.raises(ValueError, match="Committee: the state is cut short; it lacks"):
        committee().load_state_dict({})
    said = (
        r"The run was stopped with 2 kinds of training, and would go on with 1: several processes "
        r"train a network only. Go on with as many processes as before, or begin again with force="
    )
    with pytest.raises(ValueError, match=said):
        Committee([network()], data()[1]).load_state_dict(committee().state_dict())
