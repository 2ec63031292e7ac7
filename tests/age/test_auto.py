"""Claims about the age that finds the kept share by itself."""

import math
import pickle

import pytest
import torch
from torch import Tensor

from selfpaced.age import Auto
from selfpaced.chain import Population

EVERYTHING = torch.tensor(math.inf)  # the age that keeps all samples
LATE = 20  # a step after any probe


def population(
    difficulty: Tensor, mass: Tensor | None = None, group: Tensor | None = None
) -> Population:
    return Population(difficulty, mass, {} if group is None else {"group": group})


def hump(n: int, logit: float, seed: int = 0) -> Tensor:
    noise = torch.randn(n, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.softplus(noise + logit)


def two_humps(easy: int = 600, hard: int = 400) -> Tensor:
    return torch.cat([hump(easy, -4.0), hump(hard, 4.0, seed=1)])


def test_two_humps_give_a_cut_between_them() -> None:
    loss = two_humps()
    cut = Auto().cut(population(loss))
    assert cut is not None and math.log(2) <= cut
    assert int((loss < cut).sum()) == pytest.approx(600, abs=5)
    assert float(Auto()(3, population(loss), EVERYTHING)) == pytest.approx(cut)


def test_the_first_three_steps_keep_all_samples() -> None:
    for step in (0, 1, 2):
        assert Auto()(step, population(two_humps()), EVERYTHING) == math.inf


def test_one_skewed_hump_gives_no_cut_and_keeps_all_after_the_probe() -> None:
    loss = hump(2000, -3.0).square()
    assert Auto().cut(population(loss)) is None
    assert Auto()(LATE, population(loss), EVERYTHING) == math.inf
    assert Auto(doubt=0.0)(4, population(loss), EVERYTHING) == math.inf
    probed = Auto(doubt=0.0)(5, population(loss), EVERYTHING)
    assert float((loss < probed).float().mean()) == pytest.approx(0.3, abs=0.01)


def test_a_probe_is_made_only_where_many_labels_are_in_doubt() -> None:
    loss = hump(2000, -1.0)
    doubted = float((loss > math.log(2)).float().mean())
    assert Auto(doubt=doubted + 0.01)(5, population(loss), EVERYTHING) == math.inf
    assert Auto(doubt=doubted - 0.01)(5, population(loss), EVERYTHING) < math.inf


def test_a_probe_runs_to_its_end_even_if_a_valley_appears() -> None:
    loss, rule = two_humps(), Auto()
    probed = population(loss)._replace(probed=True)
    for step in (6, 7):
        assert rule.probing(step, probed, EVERYTHING)
        probing = rule(step, probed, EVERYTHING)
        assert float((loss < probing).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert not rule.probing(8, probed, EVERYTHING)
    after = rule(8, probed, EVERYTHING)
    assert float(after) == pytest.approx(rule.cut(population(loss)))


def test_after_a_valley_was_found_there_is_no_probe() -> None:
    loss, rule = two_humps(), Auto()
    found = rule(4, population(loss), EVERYTHING)
    for step in (5, 6, 7):
        assert float(rule(step, population(loss), found)) == pytest.approx(float(found))


def test_the_loss_of_a_valley_does_not_begin_a_probe() -> None:
    loss = torch.linspace(0.01, 0.3, 1000)
    for step in (5, 6, 7):
        assert Auto()(step, population(loss), torch.tensor(2.0)) == math.inf


def test_a_probe_of_a_hard_task_is_a_probe_whatever_its_age() -> None:
    hard = population(hump(2000, 1.0))  # the small share is above ln 2
    rule = Auto()
    assert rule.probing(5, hard, EVERYTHING)
    begun = rule(5, hard, EVERYTHING)
    assert float(begun) > math.log(2)
    assert rule.probing(6, hard._replace(probed=True), begun)
    assert float(rule(6, hard._replace(probed=True), begun)) == float(begun)


def test_only_steps_of_a_probe_are_said_to_be_one() -> None:
    hard = population(hump(2000, 1.0))
    assert [step for step in range(12) if Auto().probing(step, hard, EVERYTHING)] == [5]
    assert not any(Auto(probe=0).probing(step, hard, EVERYTHING) for step in range(12))
    assert not Auto().probing(5, population(two_humps()), EVERYTHING)
    assert not Auto().probing(5, None, EVERYTHING)


def test_a_probe_waits_for_a_longer_warmup() -> None:
    loss = hump(2000, -1.0)
    rule = Auto(warmup=7, doubt=0.0)
    assert [float(rule(step, population(loss), EVERYTHING)) < 1 for step in (5, 6, 7)] == [
        False,
        False,
        True,
    ]


def test_a_probe_only_begins_at_its_first_step() -> None:
    loss = hump(2000, -3.0).square()
    for step in (6, 7, 8):
        assert Auto(doubt=0.0)(step, population(loss), EVERYTHING) == math.inf


@pytest.mark.parametrize("value", [0.0, 1e-30, 0.5, 1e9, math.inf])
@pytest.mark.parametrize("step", [0, 3, LATE])
def test_constant_losses_keep_all(value: float, step: int) -> None:
    assert Auto()(step, population(torch.full((500,), value)), EVERYTHING) == math.inf


@pytest.mark.parametrize("n", [0, 1, 2, 30, 399])
def test_few_samples_never_give_nan(n: int) -> None:
    for step in range(8):
        assert not Auto()(step, population(hump(n, -2.0)), EVERYTHING).isnan()


def test_visited_left_out_samples_stand_for_all_of_them_in_the_histogram() -> None:
    kept, fresh = hump(600, -4.0), hump(40, 6.0, seed=1)
    stale = hump(360, 0.5, seed=2)  # losses of an older model
    losses = torch.cat([kept, fresh, stale])
    expansion = torch.cat([torch.ones(600), torch.full((40,), 10.0), torch.zeros(360)])
    whole = torch.cat([kept, *[fresh] * 10])
    found = Auto().cut(population(losses)._replace(expansion=expansion))
    ones = torch.ones(1000)
    assert found == pytest.approx(Auto().cut(population(whole)._replace(expansion=ones)))
    assert found is not None and Auto().cut(population(losses)) is None


def test_a_mass_and_an_expansion_multiply() -> None:
    losses, twos = two_humps(), torch.full((1000,), 2.0)
    both = population(losses, mass=twos)._replace(expansion=twos)
    fours = population(losses)._replace(expansion=torch.full((1000,), 4.0))
    assert Auto().cut(both) == Auto().cut(fours)


def test_a_flat_valley_is_cut_near_the_right_labels_unless_few_samples_are_visited() -> None:
    losses = torch.cat([hump(600, -5.0), hump(400, 9.0, seed=1)])
    near = Auto().cut(population(losses))
    deep = Auto().cut(population(losses)._replace(expansion=torch.ones(1000)))
    assert near is not None and deep is not None and math.log(2) <= near < deep
    assert int((losses < near).sum()) == int((losses < deep).sum()) == 600


def test_a_mass_of_two_counts_as_two_samples() -> None:
    loss = hump(500, -3.0)
    twice = population(torch.cat([loss, loss]))
    heavy = population(loss, torch.full((500,), 2.0))
    assert torch.equal(Auto()(2, twice, EVERYTHING), Auto()(2, heavy, EVERYTHING))


def test_the_floor_keeps_a_share_of_each_class() -> None:
    loss, group = two_humps(), torch.tensor([0] * 450 + [1] * 550)
    previous = torch.full((3,), math.inf)
    age = Auto()(LATE, population(loss, group=group), previous)
    kept = loss < age[group]
    assert float(kept[450:].float().mean()) == pytest.approx(0.7 * 0.6, abs=0.05)
    assert age.shape == (3,)
    assert age[2] == age[0] < age[1]  # class 2 was never seen and gets the overall age


@pytest.mark.parametrize(("second", "cut"), [(400, False), (440, False), (550, True), (700, True)])
def test_a_valley_between_classes_is_ignored(second: int, cut: bool) -> None:
    loss, group = two_humps(), torch.tensor([0] * (1000 - second) + [1] * second)
    assert bool(Auto()(LATE, population(loss), EVERYTHING).isfinite())
    age = Auto()(LATE, population(loss, group=group), torch.full((2,), math.inf))
    assert bool(age.isfinite().all()) is cut


def test_a_rare_class_not_learned_yet_does_not_hide_wrong_labels() -> None:
    loss, group = two_humps(), torch.tensor([0] * 500 + [1] * 470 + [2] * 30)
    wrong_everywhere = torch.arange(1000) % 5 < 2
    loss = torch.where(wrong_everywhere | (group == 2), 6.0, 0.01) * torch.linspace(0.5, 2, 1000)
    age = Auto()(LATE, population(loss, group=group), torch.full((3,), math.inf))
    assert 0.5 < float((loss < age[group]).float().mean()) < 0.65


def test_the_groups_are_counted_if_the_previous_age_has_none() -> None:
    group = torch.tensor([0] * 600 + [2] * 400)
    assert Auto()(0, population(two_humps(), group=group), EVERYTHING).shape == (3,)


def test_the_warm_up_keeps_all_also_before_data() -> None:
    assert Auto()(0, None, EVERYTHING) == math.inf
    assert Auto()(1, population(two_humps()), EVERYTHING) == math.inf


def test_the_age_is_a_pure_function() -> None:
    seen = population(two_humps())
    before = seen.difficulty.clone()
    assert torch.equal(Auto()(3, seen, EVERYTHING), Auto()(3, seen, torch.tensor(0.1)))
    assert torch.equal(seen.difficulty, before)


def test_settings_pickle_and_eval() -> None:
    rule = Auto(warmup=1, probe=0, by="label")
    assert pickle.loads(pickle.dumps(rule)) == rule
    assert eval(repr(rule)) == rule


@pytest.mark.parametrize("bad", [-1.0, math.nan])
def test_negative_or_nan_difficulties_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="needs 0 or more; got .* Use age=Quantile"):
        Auto()(1, population(torch.tensor([0.5, bad])), EVERYTHING)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="warmup must be a positive int; got 0"):
        Auto(warmup=0)
    with pytest.raises(ValueError, match="probe must be an int of 0 or more; got -1"):
        Auto(probe=-1)
    with pytest.raises(ValueError, match="start must lie between 0 and 1; got 1"):
        Auto(start=1.0)
    with pytest.raises(ValueError, match="depth must lie between 0 and 1; got 0"):
        Auto(depth=0.0)
    with pytest.raises(ValueError, match="floor must be from 0 to 1; got 2"):
        Auto(floor=2.0)


@pytest.mark.parametrize("few", [0, 3])
def test_auto_never_cuts_labels_that_are_likelier_than_all_others(few: int) -> None:
    loss = torch.cat([hump(600, -10.0, 1), hump(400, -4.0, 2), hump(few, 1.0, 3)])
    assert 550 < int((loss < 0.001).sum()) < 650  # there are two humps
    assert Auto().cut(Population(loss, None, {})) is None


@pytest.mark.parametrize("n", [20, 30, 40, 60])
def test_few_samples_of_one_wide_hump_give_no_cut(n: int) -> None:
    alarms = 0
    for seed in range(100):
        generator = torch.Generator().manual_seed(seed)
        wide = torch.randn(n, 3, generator=generator).square().mean(1).sqrt()
        loss = torch.nn.functional.softplus(torch.randn(n, generator=generator) / wide)
        alarms += Auto().cut(Population(loss, None, {})) is not None
    assert alarms <= 2


@pytest.mark.parametrize("n", [40, 100, 4000])
def test_a_small_hump_counts_only_with_enough_samples(n: int) -> None:
    wrong = n // 25
    loss = torch.cat([hump(n - wrong, -4.0, 1), hump(wrong, 4.0, 2)])
    found = Auto().cut(Population(loss, None, {}))
    assert (found is not None) == (n == 4000)
    assert found is None or math.log(2) <= found < 2
