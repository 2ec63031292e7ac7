"""The search is CCCP without an age, and the founding paper's algorithm with one."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from joblib import parallel_config
from numpy.typing import NDArray

from selfpaced.age import Growing, Quantile, Threshold
from selfpaced.chain import Floats
from selfpaced.latent import NotConverged, Search, Stop, restarts
from selfpaced.latent._search.run import same_latent
from selfpaced.pacing import Constant, Ramp
from selfpaced.weighting import Hard, Linear, Logistic, Welsch

Places = NDArray[np.int64]

PAPER = Stop(min_outer=2, patience=1)


class Centres:
    """k-means in one dimension, with a small ridge on the centres; it records its fits."""

    tolerance = 1e-9

    def __init__(self, x: Floats, k: int = 2, pull: float = 0.01) -> None:
        self.x, self.k, self.pull = x, k, pull
        self.fits: list[tuple[Places, Floats]] = []

    def __len__(self) -> int:
        return len(self.x)

    def impute(self, w: Floats) -> Places:
        return np.asarray(np.abs(self.x[:, None] - w).argmin(1))

    def losses(self, w: Floats, h: Places) -> Floats:
        return (self.x - w[h]) ** 2

    def fit(self, h: Places, v: Floats, w0: Floats | None) -> Floats:
        self.fits.append((h.copy(), v.copy()))
        mass = np.bincount(h, v, self.k) + self.pull
        return np.bincount(h, v * self.x, self.k) / mass

    def regulariser(self, w: Floats) -> float:
        return float(self.pull * w @ w)


def numbers(seed: int = 0) -> Floats:
    random = np.random.default_rng(seed)
    return np.concatenate([random.normal(-2, 1, 30), random.normal(2, 1, 30), [9.0, 11.0]])


def start(seed: int = 0, n: int = 62) -> Places:
    return np.random.default_rng(seed).integers(0, 2, n)


def by_round(history: list[Any]) -> list[list[Any]]:
    rounds: dict[int, list[Any]] = {}
    for row in history:
        rounds.setdefault(row.outer, []).append(row)
    return list(rounds.values())


# --- without an age ----------------------------------------------------------------------------


def test_a_search_without_an_age_is_cccp() -> None:
    model, h = Centres(numbers()), start()
    objectives = []
    while True:
        w = model.fit(h, np.ones(62), None)
        objectives.append(model.regulariser(w) + model.losses(w, h).sum())
        if np.array_equal(model.impute(w), h):
            break
        h = model.impute(w)
    result = Search(age=None)(model, start())
    assert [row.objective for row in result.history] == objectives
    assert np.array_equal(result.w, w)
    assert np.array_equal(result.h, h)
    assert (result.v == 1).all()
    assert all(row.relaxed == row.objective and row.age == math.inf for row in result.history)


def test_the_objective_is_computed_at_the_latent_values_that_w_prefers() -> None:
    model = Centres(numbers(), k=4)
    result = Search(age=None, stop=Stop(1e9, min_outer=1, patience=1))(model, start())
    assert len(result.history) == 2
    h = model.impute(result.w)
    preferred = model.regulariser(result.w) + model.losses(result.w, h).sum()
    assert result.objective == preferred < result.history[-1].objective


# --- with an age -------------------------------------------------------------------------------


def slow(model: Centres, h: Places, factor: float, tol: float) -> list[Floats]:
    """The algorithm as in the paper: no age is skipped, and every fit is made."""
    path = []
    w = model.fit(h, np.ones(len(h)), None)
    h = model.impute(w)
    w = model.fit(h, np.ones(len(h)), None)
    age = math.inf
    for _ in range(300):
        h = model.impute(w)
        loss = model.losses(w, h).astype(np.float32)  # the precision of an age
        if age == math.inf:
            hard = np.sort(loss[loss > 1e-3 * loss.max()])
            age = float(np.float32(hard[math.ceil(len(hard) / 2)]))
        else:
            age = float(np.float32(age) * np.float32(factor))
        last = math.inf
        while True:
            v = (model.losses(w, h).astype(np.float32) < age).astype(float)
            w = model.fit(h, v, None)
            path.append(v)
            relaxed = model.regulariser(w) + v @ model.losses(w, h) - age * v.sum()
            if last - relaxed <= tol:
                break
            last = relaxed
        if v.all():
            break
    return path


def changes(path: list[Floats]) -> list[list[float]]:
    different = [path[0], *(b for a, b in pairwise(path) if not np.array_equal(a, b))]
    return [v.tolist() for v in different]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("factor", [1.1, 1.3])
def test_weights_change_as_in_the_paper_without_idle_rounds(seed: int, factor: float) -> None:
    model = Centres(numbers(seed))
    path = slow(Centres(numbers(seed)), start(seed), factor, model.tolerance)
    result = Search(age=Growing(factor))(model, start(seed))
    found = [v for _, v in model.fits[2:]]
    assert changes(found)[: len(changes(path))] == changes(path)
    assert len(result.history) < len(path) + 3


def test_idle_rounds_of_an_age_are_skipped() -> None:
    model = Centres(np.array([0.0, 0.1, 1.0, 1.1, 1e4]), pull=1e-6)
    result = Search(age=Growing(1.3, start=0.01))(model, np.array([0, 0, 1, 1, 1]))
    assert result.converged
    assert result.history[-1].outer < 20  # 1.3 ** 65 > 1e8 / 0.01


def test_all_weights_are_1_at_the_end() -> None:
    for weighting in (Hard(), Linear(), Welsch()):
        result = Search(weighting=weighting)(Centres(numbers()), start())
        assert result.converged
        assert result.v.tolist() == [1.0] * 62
        assert result.history[-1].relaxed == result.history[-1].objective


@pytest.mark.parametrize("weighting", [Hard(), Linear(), Logistic()])
def test_the_relaxed_objective_falls_within_a_round(weighting: Any) -> None:
    model = Centres(numbers(1))
    result = Search(weighting=weighting)(model, start(1))
    paced = [rows for rows in by_round(result.history) if rows[0].age < math.inf]
    assert max(map(len, paced)) > 1
    for rows in paced:
        for before, after in pairwise(row.relaxed for row in rows):
            assert after <= before + model.tolerance


def test_weights_are_1_where_the_loss_is_below_the_age() -> None:
    model = Centres(numbers(2))
    Search(age=Threshold(Constant(1.5)), stop=Stop(max_outer=6))(model, start(2))
    h, v = model.fits[2]
    w = model.fit(*model.fits[1], None)
    assert v.tolist() == (model.losses(w, h) < 1.5).astype(float).tolist()


def test_the_warm_up_keeps_all_units() -> None:
    for warmup in (1, 3):
        result = Search(warmup=warmup)(Centres(numbers(), k=4), start(3))
        rounds = by_round(result.history)[: warmup + 1]
        assert [rows[0].age for rows in rounds[:-1]] == [math.inf] * warmup
        assert rounds[-1][0].age < math.inf


def test_steps_of_an_age_count_from_1_after_the_warm_up() -> None:
    result = Search(age=Quantile(Ramp(0.5, 1.0, steps=5)))(Centres(numbers()), start())
    shares = [rows[-1].kept_share for rows in by_round(result.history)]
    assert shares[2] == pytest.approx(math.ceil(0.6 * 62) / 62)
    assert shares[-1] == 1.0


def test_a_share_below_1_leaves_out_the_farthest_units_to_the_end() -> None:
    model = Centres(numbers())
    result = Search(age=Quantile(Constant(0.96)))(model, (numbers() > 0).astype(int))
    assert result.converged
    assert np.flatnonzero(result.v == 0).tolist() == [60, 61]
    assert result.objective > result.history[-1].relaxed


def test_groups_have_ages_of_their_own() -> None:
    group = torch.arange(62) % 2
    age = Quantile(Constant(0.5), by="group")
    result = Search(age=age)(Centres(numbers()), start(), columns={"group": group})
    kept = torch.from_numpy(result.v)
    assert [int(kept[group == label].sum()) for label in (0, 1)] == [16, 16]
    assert isinstance(result.history[-1].age, tuple)
    assert len(result.history[-1].age) == 2


# --- when it ends ------------------------------------------------------------------------------


class Plateau:
    """A model whose objective comes from a list; w counts its fits."""

    tolerance = 0.1

    def __init__(self, *objectives: float) -> None:
        self.objectives = objectives

    def __len__(self) -> int:
        return 1

    def impute(self, w: int) -> int:
        return w

    def losses(self, w: int, h: int) -> Floats:
        return np.array([self.objectives[min(w, len(self.objectives)) - 1]])

    def fit(self, h: int, v: Floats, w0: int | None) -> int:
        return (w0 or 0) + 1

    def regulariser(self, w: int) -> float:
        return 0.0


def ends_after(stop: Stop, *objectives: float) -> int:
    return Search(age=None, stop=stop)(Plateau(*objectives), 0).history[-1].outer


def test_the_papers_rule_stops_on_a_plateau_and_more_patience_does_not() -> None:
    plateau = (9.0, 8.95, 3.0, 2.0, 2.0, 2.0, 2.0)
    assert ends_after(PAPER, *plateau) == 2
    assert ends_after(Stop(), *plateau) == 6
    assert ends_after(Stop(min_outer=3, patience=1), *plateau) == 5


def test_a_search_ends_at_once_when_nothing_changes_any_more() -> None:
    model = Centres(numbers())
    waiting = Stop(0.0, min_outer=300, patience=300)
    result = Search(age=None, stop=waiting)(model, start())
    assert result.converged
    assert result.history[-1].outer < 20


def test_the_tolerance_of_stop_overrides_that_of_the_model() -> None:
    slow_fall = tuple(9 - 0.05 * k for k in range(20)) + (8.0,) * 5
    assert ends_after(PAPER, *slow_fall) == 2
    assert ends_after(Stop(0.01, min_outer=2, patience=1), *slow_fall) == 22


def test_a_search_that_reaches_max_outer_warns() -> None:
    with pytest.warns(NotConverged, match="4 rounds were not enough; the last changed the obj"):
        result = Search(age=None, stop=Stop(max_outer=4))(Plateau(9, 8, 7, 6, 5), 0)
    assert not result.converged
    assert result.history[-1].outer == 4


def test_the_same_latent_values_and_weights_are_not_fitted_twice_in_a_row() -> None:
    model = Centres(numbers())
    Search(stop=Stop(patience=5))(model, start())
    fits = [(h.tolist(), v.tolist()) for h, v in model.fits]
    assert all(a != b for a, b in pairwise(fits))


@pytest.mark.parametrize("age", [Growing(1.01), Quantile(Ramp(0.3, 1.0, steps=150))])
def test_a_slow_age_reaches_its_end(age: Any) -> None:
    model = Centres(np.array([0.0, 0.1, 1.0, 1.1, 1e4]), pull=1e-6)
    result = Search(age=age)(model, np.array([0, 0, 1, 1, 1]))
    assert result.converged
    assert result.v.tolist() == [1.0] * 5


def test_no_fit_leaves_out_all_units() -> None:
    model = Centres(np.array([5.0, 5.1, 5.2, 9.0]), k=1, pull=1.0)  # the pull outweighs a unit
    result = Search(age=Growing(1.05, share=0.05))(model, np.zeros(4, dtype=np.int64))
    assert all(v.any() for _, v in model.fits)
    assert result.v.tolist() == [1.0] * 4


def test_soft_weights_of_a_share_skip_ages_that_keep_nothing() -> None:
    class Exact(Centres):
        def losses(self, w: Floats, h: Places) -> Floats:
            return np.where(np.arange(62) < 40, 0.0, super().losses(w, h))

    ramp = Quantile(Ramp(0.3, 1.0, steps=10))
    result = Search(age=ramp, weighting=Linear())(Exact(numbers()), start())
    assert result.v.tolist() == [1.0] * 62


# --- several starts ----------------------------------------------------------------------------


def test_restarts_return_the_best_first_and_jobs_change_nothing() -> None:
    random = np.random.default_rng(0)
    model = Centres(np.arange(62.0) ** 1.5, k=5)
    starts = [random.integers(0, 5, 62) for _ in range(6)]
    alone = restarts(Search(age=None), model, starts)
    objectives = [result.objective for result in alone]
    assert objectives == sorted(objectives)
    assert objectives[0] < objectives[-1]
    with parallel_config(backend="threading"):  # other processes cannot import this class
        together = restarts(Search(age=None), model, starts, n_jobs=2)
    assert [result.objective for result in together] == objectives
    with pytest.raises(ValueError, match="restarts: give at least one start"):
        restarts(Search(), model, [])


def test_latent_values_may_be_arrays_of_objects() -> None:
    def trees(*parents: list[int]) -> Any:
        found = np.empty(len(parents), dtype=object)
        found[:] = [np.array(each) for each in parents]
        return found

    assert same_latent(trees([0, 0], [0, 1, 1]), trees([0, 0], [0, 1, 1]))
    assert not same_latent(trees([0, 0], [0, 1, 1]), trees([0, 0], [0, 1, 2]))
    assert not same_latent((np.zeros(2), None), (np.zeros(2), np.zeros(1)))
    assert same_latent((np.zeros(2), None), (np.zeros(2), None))
    assert same_latent([[1], [2, 3]], [[1], [2, 3]])


# --- bad input ---------------------------------------------------------------------------------


def test_losses_of_another_shape_are_refused() -> None:
    class Wrong(Centres):
        def losses(self, w: Floats, h: Places) -> Floats:
            return super().losses(w, h)[:-1]

    message = r"Wrong.losses must return one loss per unit, shape \(62,\); got \(61,\)"
    with pytest.raises(ValueError, match=message):
        Search()(Wrong(numbers()), start())


def test_losses_that_are_not_finite_are_refused() -> None:
    class Wrong(Centres):
        def losses(self, w: Floats, h: Places) -> Floats:
            return np.where(np.arange(62) < 3, np.nan, super().losses(w, h))

    message = r"Wrong.losses returned 3 losses that are not finite, the first at unit \[0\]"
    with pytest.raises(ValueError, match=message):
        Search()(Wrong(numbers()), start())


def test_an_age_that_keeps_nothing_is_refused() -> None:
    search = Search(age=Threshold(Constant(1e-12)))
    with pytest.raises(ValueError, match="no unit is easy enough at the age .*no later age"):
        search(Centres(numbers()), start())


def test_negative_losses_need_another_age_than_growing() -> None:
    class Likelihood(Centres):
        def losses(self, w: Floats, h: Places) -> Floats:
            return super().losses(w, h) - 5

    with pytest.raises(ValueError, match="Growing takes difficulties of 0 or more; got -4.99"):
        Search()(Likelihood(numbers()), start())
    result = Search(age=Quantile(Ramp(0.5, 1.0, 4)))(Likelihood(numbers()), start())
    assert result.converged


def test_wrong_types_of_age_weighting_and_stop_are_refused() -> None:
    for age in (1.0, Growing):
        with pytest.raises(TypeError, match="age must be an age such as Growing.., or None; got"):
            Search(age=age)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(
        TypeError, match="Search: stop must be a Stop, such as Stop.0.001.; got 0.1"
    ):
        Search(stop=0.1)  # type: ignore[arg-type]  # on purpose
    for weighting in (None, Hard, "hard"):
        with pytest.raises(TypeError, match="weighting must be a rule such as Hard..; got"):
            Search(weighting=weighting)  # type: ignore[arg-type]  # on purpose


def test_columns_must_have_one_number_per_unit() -> None:
    age = Quantile(Constant(0.5), by="group")
    with pytest.raises(ValueError, match=r"column 'group' must .* shape \(62,\); got shape \(3,\)"):
        Search(age=age)(Centres(numbers()), start(), columns={"group": np.arange(3)})
    result = Search(age=age)(Centres(numbers()), start(), columns={"group": np.arange(62) % 2})
    assert result.v.sum() == 32


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="keeps a share, but .* never reaches 0"):
        Search(age=Quantile(Constant(0.5)), weighting=Logistic())
    zero: dict[str, Any]
    for name in ("warmup", "max_inner"):
        zero = {name: 0}
        with pytest.raises(ValueError, match=f"Search: {name} must be a positive int; got 0"):
            Search(**zero)
    for name in ("min_outer", "patience", "max_outer"):
        zero = {name: 0}
        with pytest.raises(ValueError, match=f"Stop: {name} must be a positive int; got 0"):
            Stop(**zero)
    for tol in (-1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="Stop: tol must be 0 or more, or None; got"):
            Stop(tol)
