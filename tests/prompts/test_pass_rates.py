"""Pass rates become losses, and a band of pass rates is kept."""

import asyncio
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import nn

from selfpaced import Pacer
from selfpaced.age import Quantile, Threshold
from selfpaced.coupling import RandomOrder
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant
from selfpaced.prompts import AsyncPassRates, Band, PassRates


def given(completions: list[float | None], **columns: object) -> list[float | None]:
    return completions


async def waited(completions: list[float | None], **columns: object) -> list[float | None]:
    await asyncio.sleep(0)
    return completions


def judged(rates: list[float], band: Band, **settings: Any) -> Pacer:
    """A pacer that has observed each of these pass rates once."""
    pacer = Pacer(len(rates), difficulty=band, age=Threshold(Constant(0.0)), **settings)
    pacer.observe(1 - torch.tensor(rates), torch.arange(len(rates)))
    pacer.step()
    return pacer


def test_a_band_keeps_what_is_inside_with_its_edges() -> None:
    rates = [place / 10 for place in range(11)]
    assert judged(rates, Band(0.2, 0.8)).weight.tolist() == [0] * 2 + [1] * 7 + [0] * 2


def test_a_band_of_everything_keeps_everything() -> None:
    assert judged([0.0, 0.3, 1.0], Band(0.0, 1.0)).weight.tolist() == [1, 1, 1]


def test_the_short_form_of_a_band_is_the_long_one() -> None:
    band = Band(0.3, 0.6)
    short, long = band.pacer(9), Pacer(9, difficulty=band, age=Threshold(Constant(0.0)))
    assert repr(short) == repr(long)


def test_a_share_keeps_the_prompts_nearest_to_the_middle() -> None:
    band = Band(0.25, 0.75, of=Loss())
    pacer = Pacer(4, difficulty=band, age=Quantile(Constant(0.5)))
    pacer.observe(torch.tensor([0.0, 0.6, 0.5, 1.0]), torch.arange(4))
    pacer.step()
    assert pacer.weight.tolist() == [0, 1, 1, 0]


def test_a_prompt_never_seen_is_kept() -> None:
    pacer = Band(0.2, 0.8).pacer(3)
    pacer.observe(torch.tensor([1.0]), torch.tensor([1]))
    pacer.step()
    assert pacer.weight.tolist() == [1, 0, 1]


def test_a_band_pickles_and_its_repr_makes_it() -> None:
    band = Band(0.1, 0.9, of=Loss())
    assert pickle.loads(pickle.dumps(band)) == band == eval(repr(band))


@pytest.mark.parametrize("edges", [(-0.1, 0.5), (0.6, 0.5), (0.5, 1.1)])
def test_edges_that_are_no_pass_rates_are_refused(edges: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="0 <= low <= high <= 1; got"):
        Band(*edges)


def test_the_random_order_control_keeps_as_many() -> None:
    rates = torch.linspace(0, 1, 200).tolist()
    plain = judged(rates, Band(0.2, 0.8))
    control = judged(rates, Band(0.2, 0.8), couple=RandomOrder(1), decide="step")
    assert control.weight.sum() == plain.weight.sum()
    both = float((control.weight * plain.weight).sum() / plain.weight.sum())
    assert both == pytest.approx(float(plain.weight.mean()), abs=0.1)  # as expected at random
    other = judged(rates, Band(0.2, 0.8), couple=RandomOrder(2), decide="step")
    assert not torch.equal(other.weight, control.weight)


def test_the_pass_rate_is_the_mean_over_the_completions_of_a_prompt() -> None:
    rates = PassRates(Pacer(4, difficulty=Loss()), given)
    said = rates(completions=[1.0, 0.0, 0.0, 1.0, 1.0], sample_index=[2, 2, 0, 2, 0])
    assert said == [1.0, 0.0, 0.0, 1.0, 1.0]
    rates(completions=[1.0, 1.0], sample_index=[0, 0])
    rates.step()
    torch.testing.assert_close(
        rates.rate, torch.tensor([3 / 4, torch.nan, 2 / 3, torch.nan]), equal_nan=True
    )
    torch.testing.assert_close(rates.pacer.ledger.loss[2], torch.tensor(1 / 3))
    rates(completions=[0.0], sample_index=[0])  # a step forgets the completions before it
    rates.step()
    assert rates.rate[0] == 0.0


def test_a_threshold_decides_what_passes() -> None:
    rates = PassRates(Pacer(1), given, threshold=0.5)
    rates(completions=[0.5, 0.49, 7.0, -3.0], sample_index=[0] * 4)
    rates.step()
    assert rates.rate.tolist() == [0.5]


def test_a_scale_maps_rewards_to_shares() -> None:
    rates = PassRates(Pacer(1), given, scale=(-1.0, 3.0))
    rates(completions=[-1.0, 3.0, 2.0], sample_index=[0] * 3)
    rates.step()
    assert rates.rate.tolist() == pytest.approx([(0 + 1 + 0.75) / 3])


@pytest.mark.parametrize("unknown", [None, float("nan")])
@pytest.mark.parametrize("threshold", [None, 0.5])
def test_a_completion_without_a_reward_does_not_count(
    unknown: float | None, threshold: float | None
) -> None:
    rates = PassRates(Pacer(2), given, threshold=threshold)
    rates(completions=[1.0, unknown, unknown], sample_index=[0, 0, 1])
    rates.step()
    assert rates.rate[0] == 1.0
    assert rates.rate[1].isnan()
    rates(completions=[unknown], sample_index=[1])
    rates.step()  # nothing was scored: no step
    assert rates.pacer.steps == 1


def test_prompts_without_an_index_are_not_remembered() -> None:
    rates = PassRates(Pacer(2), given)
    assert rates(completions=[1.0]) == [1.0]
    assert rates.batches == 0


def test_the_name_is_that_of_the_reward_function() -> None:
    assert PassRates(Pacer(2), given).__name__ == "given"
    assert PassRates(Pacer(2), partial(given)).__name__ == "given"
    assert AsyncPassRates(Pacer(2), waited).__name__ == "waited"


def test_an_async_reward_is_awaited_and_remembered() -> None:
    rates = AsyncPassRates(Pacer(1), waited)
    assert asyncio.run(rates(completions=[1.0, 0.0], sample_index=[0, 0])) == [1.0, 0.0]
    rates.step()
    assert rates.rate.tolist() == [0.5]


def test_scalars_give_the_shares_never_and_always_solved() -> None:
    rates = PassRates(Band(0.2, 0.8).pacer(5), given)
    assert rates.scalars() == {}
    for first in (0.0, 1.0):  # prompt 3 is solved the second time
        index = [0, 1, 2, 2, 3]
        rates(completions=[0.0, 1.0, 1.0, 0.0, first], sample_index=index)
        rates.step()
    said = rates.scalars()
    assert said["spl/frac_never_solved"] == said["spl/frac_always_solved"] == 0.25
    assert said["spl/pass_rate"] == pytest.approx((0 + 1 + 0.5 + 1) / 4)
    assert said["spl/frac_selected"] == 0.5  # prompts 2 and 3
    assert said["spl/loss_q50"] == 0.0


def test_the_state_has_what_was_recorded_since_the_step() -> None:
    rates, other = PassRates(Pacer(2), given), PassRates(Pacer(2), given)
    rates(completions=[1.0, 0.0], sample_index=[0, 0])
    other.load_state_dict(rates.state_dict())
    assert other.batches == 1
    other.step()
    assert other.rate[0] == 0.5


def test_a_state_that_does_not_fit_is_refused() -> None:
    rates = PassRates(Pacer(2), given)
    with pytest.raises(ValueError, match="the state is for 2 prompts, the pacer for 3"):
        PassRates(Pacer(3), given).load_state_dict(rates.state_dict())
    with pytest.raises(ValueError, match=r"cut short; it lacks \['batches', 'completions'\]"):
        rates.load_state_dict({"passes": torch.zeros(2)})


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            {"passes": torch.tensor([0.0, 3.0])},
            "'passes' of the state must be at most 1 per complet",
        ),
        ({"passes": torch.tensor([0.0, torch.nan])}, r"'passes' .* none NaN; got \[nan\]"),
        (
            {"completions": torch.tensor([0.0, 1.0])},
            "'completions' .* must be int64 of .*; got flo",
        ),
        ({"completions": torch.tensor([-1, 1])}, r"'completions' .* from 0 to inf.*; got \[-1\]"),
        (
            {"batches": 0.5},
            "PassRates: 'batches' of the state must be an int from 0 to .*; got 0.5",
        ),
        ({"version": 2}, "PassRates: the state is of version 2, newer than 1. Update selfpaced"),
    ],
)
def test_a_damaged_state_changes_nothing(damage: Any, said: str) -> None:
    rates, other = PassRates(Pacer(2), given), PassRates(Pacer(2), given)
    rates(completions=[1.0, 0.0], sample_index=[1, 1])
    with pytest.raises(ValueError, match=said):
        other.load_state_dict(rates.state_dict() | damage)
    assert other.batches == 0 and not other._passes.any() and not other._completions.any()


def test_a_state_of_before_it_had_a_version_is_still_loaded() -> None:
    rates, other = PassRates(Pacer(2), given), PassRates(Pacer(2), given)
    rates(completions=[1.0], sample_index=[1])
    state = rates.state_dict()
    del state["version"]
    other.load_state_dict(state)
    assert other.batches == 1


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(TypeError, match="expects a Pacer; got function"):
        PassRates(given, Pacer(2))  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(ValueError, match=r"make it as Pacer\(len\(dataset\)\)"):
        PassRates(Pacer(), given)
    with pytest.raises(TypeError, match="wraps a reward function; got Linear"):
        PassRates(Pacer(2), nn.Linear(1, 1))
    with pytest.raises(TypeError, match="the reward function is async. Use AsyncPassRates"):
        PassRates(Pacer(2), waited)
    with pytest.raises(TypeError, match="the reward function is not async. Use PassRates"):
        AsyncPassRates(Pacer(2), given)
    with pytest.raises(ValueError, match=r"low < high; got \(1.0, 1.0\)"):
        PassRates(Pacer(2), given, scale=(1.0, 1.0))


def test_rewards_outside_the_scale_are_refused() -> None:
    rates = PassRates(Pacer(2), given)
    with pytest.raises(ValueError, match=r"from 0.0 to 1.0; got \[2.0\]. Give the threshold"):
        rates(completions=[2.0], sample_index=[0])
    with pytest.raises(ValueError, match="index 2 is out of range for n_samples=2"):
        rates(completions=[1.0], sample_index=[2])
    with pytest.raises(ValueError, match="given returned 1 rewards for 2 completions"):
        rates(completions=[1.0], sample_index=[0, 1])
    assert rates.batches == 0


def rank_main(rank: int, folder: Path) -> dict[str, Any]:
    dist.init_process_group("gloo")
    rates = PassRates(Band(0.2, 0.8).pacer(4), given)
    if rank == 0:  # each rank has some completions of prompt 1, and another prompt
        rates(completions=[1.0, 1.0, 0.0, 0.0], sample_index=[1, 1, 0, 0])
    else:
        rates(completions=[0.0, None, 1.0, 1.0], sample_index=[1, 2, 3, 3])
    recorded = rates.state_dict()
    other = PassRates(Band(0.2, 0.8).pacer(4), given)
    other.load_state_dict(recorded)
    for each in (rates, other):
        each.step()
    return {"rate": rates.rate, "weight": rates.pacer.weight, "loaded": other.rate}


def test_ranks_add_up_the_completions_of_a_prompt(run_ranks: Callable[..., Any]) -> None:
    for saved in run_ranks(rank_main):
        expected = torch.tensor([0.0, 2 / 3, torch.nan, 1.0])
        torch.testing.assert_close(saved["rate"], expected, equal_nan=True)
        torch.testing.assert_close(saved["loaded"], expected, equal_nan=True)
        assert saved["weight"].tolist() == [0, 1, 1, 0]
