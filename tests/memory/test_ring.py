import pytest
import torch

from selfpaced import Pacer
from selfpaced._memory.ring import Ring
from selfpaced.age import Quantile
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant


def write(ring: Ring, losses: list[float]) -> None:
    places = ring.next(len(losses))
    ring.write(places, torch.tensor(losses))


def test_places_are_written_in_turn_and_the_oldest_is_overwritten() -> None:
    ring = Ring(4)
    write(ring, [1.0, 2.0, 3.0])
    write(ring, [4.0, 5.0])
    assert ring.loss.tolist() == [5.0, 2.0, 3.0, 4.0]
    assert int(ring.position) == 5


def test_only_filled_places_are_the_population() -> None:
    ring = Ring(4)
    write(ring, [3.0, 1.0])
    ring.commit(Loss())
    filled, population = ring.population(Loss())
    assert filled.tolist() == [0, 1]
    assert population.difficulty.tolist() == [3.0, 1.0]
    assert population.mass is None


def test_losses_of_earlier_steps_stay_in_the_population() -> None:
    pacer = Pacer(age=Quantile(Constant(0.5)))
    for loss in ([1.0, 2.0], [30.0, 40.0]):
        pacer(torch.tensor(loss))
        pacer.step()
    assert pacer.history[1]["seen"] == 4
    assert float(pacer.current_age) == 30.0


def test_a_place_of_the_ring_has_no_memory() -> None:
    pacer = Pacer(age=None)
    pacer.ledger = Ring(2)
    for loss in ([9.0, 9.0], [1.0, 1.0]):
        pacer(torch.tensor(loss))
        pacer.step()
    assert pacer.history[1]["median_difficulty"] == 1.0


def test_a_saved_ring_does_not_change_when_training_continues() -> None:
    ring = Ring(4)
    write(ring, [1.0, 2.0])
    state = ring.state_dict()
    write(ring, [3.0, 4.0])
    assert int(state["position"]) == 2
    assert state["packed"][:2, 0].tolist() == [1.0, 2.0]
    assert state["packed"][2:, 0].isnan().all()


def test_a_restored_ring_continues_at_its_position_and_does_not_change_the_state() -> None:
    ring, other = Ring(4), Ring(4)
    write(ring, [1.0, 2.0, 3.0])
    state = ring.state_dict()
    other.load_state_dict(state)
    write(other, [4.0, 5.0])
    assert other.loss.tolist() == [5.0, 2.0, 3.0, 4.0]
    assert int(state["position"]) == 3
    assert int(ring.position) == 3


def test_a_ring_moves_with_the_pacer_to_another_device() -> None:
    pacer = Pacer().to("meta")
    assert isinstance(pacer.ledger, Ring)
    assert pacer.ledger.position.device.type == "meta"
    assert pacer.ledger.packed.device.type == "meta"
    assert pacer.ledger.position.dtype == torch.int64


@pytest.mark.parametrize(("source", "target"), [(None, 10_000), (10_000, None)])
def test_a_ring_and_a_ledger_of_its_size_refuse_each_others_state(
    source: int | None, target: int | None
) -> None:
    def trained(n_samples: int | None, loss: float) -> Pacer:
        pacer = Pacer(n_samples, age=Quantile(Constant(0.5)))
        index = None if n_samples is None else torch.arange(4)
        pacer(loss * torch.arange(1.0, 5.0), index)
        pacer.step()
        return pacer

    giver, taker = trained(source, 1.0), trained(target, 10.0)
    packed, age = taker.ledger.packed.clone(), taker.current_age.clone()
    weight, history = taker.weight.clone(), list(taker.history)
    with pytest.raises(ValueError, match=f"the state is of n_samples={source}"):
        taker.load_state_dict(giver.state_dict())
    assert torch.equal(taker.ledger.packed.nan_to_num(-1), packed.nan_to_num(-1))
    assert torch.equal(taker.weight, weight)
    assert torch.equal(taker.current_age, age)
    assert taker.history == history
    assert taker.steps == 1
