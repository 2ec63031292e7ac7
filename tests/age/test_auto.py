"""Claims about the age that finds the kept share by itself."""

import math
import pickle

import pytest
import torch
from sklearn.datasets import make_classification
from torch import Tensor, nn
from torch.nn import functional as F

from selfpaced import Pacer
from selfpaced.age import Auto
from selfpaced.chain import Population

EVERYTHING = torch.tensor(math.inf)  # the age that keeps all samples
LATE = 20  # a step after any probe


def population(
    difficulty: Tensor, mass: Tensor | None = None, group: Tensor | None = None
) -> Population:
    return Population(difficulty, mass, {} if group is None else {"group": group})


def stuck(difficulty: Tensor) -> Population:
    """A population in which a step changed nothing: the model learns no more."""
    return population(difficulty)._replace(before=difficulty.clone())


def hump(n: int, logit: float, seed: int = 0) -> Tensor:
    noise = torch.randn(n, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.softplus(noise + logit)


def two_humps(easy: int = 600, hard: int = 400) -> Tensor:
    return torch.cat([hump(easy, -4.0), hump(hard, 4.0, seed=1)])


def kept_shares_of(x: Tensor, y: Tensor, epochs: int = 14) -> list[float]:
    """The shares that the default keeps while an MLP learns, rounded to .05 during a probe."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Linear(64, int(y.max()) + 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    pacer = Pacer(len(y), columns={"group": y})
    for _ in range(epochs):
        for index in torch.randperm(len(y)).split(64):
            loss = F.cross_entropy(model(x[index]), y[index], reduction="none")
            optimizer.zero_grad()
            pacer(loss, index).backward()
            optimizer.step()
        pacer.step()
    shares = [(float(str(row["kept_share"])), row["probe"]) for row in pacer.history]
    return [1.0, *(0.5 if probe else share for share, probe in shares)]


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
    loss, rule = hump(2000, -3.0).square(), Auto(doubt=0.0)
    assert rule.cut(stuck(loss)) is None
    assert rule(LATE, stuck(loss)._replace(probes=3), EVERYTHING) == math.inf
    assert rule(4, stuck(loss), EVERYTHING) == math.inf
    probed = rule(5, stuck(loss), EVERYTHING)
    assert float((loss < probed).float().mean()) == pytest.approx(0.5, abs=0.01)


def test_a_probe_is_made_only_where_many_labels_are_in_doubt() -> None:
    loss = hump(2000, -1.0)
    doubted = float((loss > math.log(2)).float().mean())
    assert Auto(doubt=doubted + 0.01)(5, stuck(loss), EVERYTHING) == math.inf
    assert Auto(doubt=doubted - 0.01)(5, stuck(loss), EVERYTHING) < math.inf


def test_a_model_that_still_learns_right_labels_is_not_probed() -> None:
    loss, rule = hump(2000, -0.5), Auto()
    assert rule.probing(5, stuck(loss), EVERYTHING)
    assert not rule.probing(5, stuck(loss)._replace(held_out=True), EVERYTHING)
    for before in (loss / 0.8, loss + 0.01):  # the easiest fall; all that it is sure of fall
        assert not rule.probing(5, population(loss)._replace(before=before), EVERYTHING)
    assert not rule.probing(5, stuck(loss + 0.6), EVERYTHING)  # even the easiest are not learned
    assert not rule.probing(5, population(loss), EVERYTHING)  # nothing is known


def test_a_model_that_is_sure_of_little_is_probed_where_two_humps_begin_to_show() -> None:
    """As with 60 % wrong labels, where even the easiest are less likely than all others together.

    Without a probe such a run kept everything: 45 % instead of 83 % on 4,000 digits.
    """

    def narrow(n: int, logit: float, seed: int) -> Tensor:
        noise = torch.randn(n, generator=torch.Generator().manual_seed(seed))
        return F.softplus(0.4 * noise + logit)

    sure = torch.full((20,), 0.6)  # a few labels that the model is sure of, and no surer now
    for apart, begins in ((0.55, True), (0.3, False)):
        loss = torch.cat([narrow(900, 1.2 - apart, 0), narrow(1100, 1.2 + apart, 1), sure])
        before = torch.cat([loss[:-20], sure - 0.01])
        assert Auto().cut(population(loss)) is None
        assert (Auto(depth=0.9).cut(population(loss)) is not None) == begins
        probing = Auto().probing(6, population(loss)._replace(before=before), EVERYTHING)
        assert probing == begins


def test_a_shallow_valley_between_classes_begins_no_probe() -> None:
    """Class 0 is half learned, classes 1 and 2 are not yet; all labels are right."""
    generator = torch.Generator().manual_seed(0)
    group = torch.arange(3000) % 3
    loss = F.softplus(
        0.5 * torch.randn(3000, generator=generator) + torch.tensor([0.5, 3.0, 3.0])[group]
    )
    loss[:30] = 0.6
    before = loss / 0.98
    before[:30] = 0.59
    known = population(loss, group=group)._replace(before=before)
    previous = EVERYTHING.expand(3)
    assert Auto(depth=0.9).cut(known) is not None
    assert not Auto().probing(6, known, previous)


def test_samples_that_were_not_visited_say_nothing_about_progress() -> None:
    loss = hump(2000, -0.5)
    before = torch.where(torch.arange(2000) % 2 == 0, loss / 0.8, torch.nan)
    assert not Auto().probing(5, population(loss)._replace(before=before), EVERYTHING)


def test_right_labels_that_still_become_easier_are_not_probed_on_clean_data() -> None:
    """Ten classes that an MLP has half learned at step 5: a probe cost three points here."""
    x, y = make_classification(
        2000, 20, n_informative=12, n_classes=10, n_clusters_per_class=1, random_state=0, flip_y=0
    )
    shares = kept_shares_of(torch.tensor(x, dtype=torch.float32), torch.tensor(y))
    assert shares == [1.0] * len(shares)


def test_labels_given_for_the_next_class_are_found_by_a_probe() -> None:
    rng = torch.Generator().manual_seed(0)
    y = torch.randint(6, (1500,), generator=rng)
    x = 2 * torch.randn(6, 8, generator=rng)[y] + torch.randn(1500, 8, generator=rng)
    wrong = torch.rand(1500, generator=rng) < 0.4
    shares = kept_shares_of(x, torch.where(wrong, (y + 1) % 6, y))
    assert shares.index(0.5) >= 5 and shares[-1] == pytest.approx(0.6, abs=0.05)


def test_a_probe_runs_to_its_end_even_if_a_valley_appears() -> None:
    loss, rule = two_humps(), Auto()
    begun, over = stuck(loss)._replace(probes=1), stuck(loss)._replace(probes=3)
    for step in (6, 9):
        assert rule.probing(step, begun, EVERYTHING)
        probing = rule(step, begun, EVERYTHING)
        assert float((loss < probing).float().mean()) == pytest.approx(0.5, abs=0.01)
    assert not rule.probing(7, over, EVERYTHING)
    after = rule(7, over, EVERYTHING)
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
    hard = stuck(hump(2000, 1.0))  # half of it is above ln 2
    rule = Auto()
    assert rule.probing(5, hard, EVERYTHING)
    begun = rule(5, hard, EVERYTHING)
    assert float(begun) > math.log(2)
    assert rule.probing(6, hard._replace(probes=1), begun)
    assert float(rule(6, hard._replace(probes=1), begun)) == float(begun)


def test_only_steps_of_a_probe_are_said_to_be_one() -> None:
    hard = stuck(hump(2000, 1.0))
    begins = [step for step in range(20) if Auto().probing(step, hard, EVERYTHING)]
    assert begins == [5, 6, 7, 8, 9, 10]
    over = hard._replace(probes=3)
    assert not any(Auto().probing(step, over, EVERYTHING) for step in range(8))
    assert not any(Auto(probe=0).probing(step, hard, EVERYTHING) for step in range(8))
    assert not Auto().probing(5, stuck(two_humps()), EVERYTHING)
    assert not Auto().probing(5, None, EVERYTHING)


@pytest.mark.parametrize(("epochs", "last"), [(9, None), (10, 5), (12, 7), (30, 10)])
def test_two_steps_follow_a_probe_where_their_number_is_told(epochs: int, last: int | None) -> None:
    hard = stuck(hump(2000, 1.0))
    for rule in (Auto(epochs=epochs), Auto().within(epochs)):
        begins = [step for step in range(20) if rule.probing(step, hard, EVERYTHING)]
        assert begins == ([] if last is None else list(range(5, last + 1)))
    assert Auto(epochs=30).within(4) == Auto(epochs=30)


def test_the_warm_up_counts_visits_where_steps_are_shorter_than_an_epoch() -> None:
    seen, rule = population(two_humps()), Auto()
    assert rule(30, seen._replace(visits=2.4), EVERYTHING) == math.inf
    assert rule(30, seen._replace(visits=2.6), EVERYTHING) < math.inf
    hard = stuck(hump(2000, -0.5))
    assert not rule.probing(30, hard._replace(visits=4.4), EVERYTHING)
    assert rule.probing(30, hard._replace(visits=4.9), EVERYTHING)


def test_a_probe_waits_for_a_longer_warmup() -> None:
    loss = hump(2000, -1.0)
    rule = Auto(warmup=7, doubt=0.0)
    assert [float(rule(step, stuck(loss), EVERYTHING)) < 1 for step in (5, 6, 7)] == [
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
    assert Auto().cut(population(losses)._replace(held_out=True)) == deep
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
    with pytest.raises(ValueError, match="epochs must be a positive int; got 0"):
        Auto(epochs=0)
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
