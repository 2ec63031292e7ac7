from itertools import product

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from selfpaced.chain import Population, Weighting
from selfpaced.coupling import CurriculumRegion, RandomOrder, RankInGroup
from selfpaced.weighting import L1L2, Hard, Linear, Polynomial, Welsch

AGE = torch.tensor(1.0, dtype=torch.float64)


def spld_objective(v: np.ndarray, d: np.ndarray, group: np.ndarray, gamma: float) -> float:
    norms = sum(np.linalg.norm(v[group == label]) for label in np.unique(group))
    return float(v @ d - v.sum() - gamma * norms)


@pytest.mark.parametrize("seed", range(25))
def test_diversity_finds_the_optimum_of_an_exhaustive_search(seed: int) -> None:
    random = np.random.default_rng(seed)
    n, gamma = 9, float(random.uniform(0, 1.5))
    d, group = random.uniform(0, 2, n), random.integers(0, 3, n)
    columns = {"group": torch.as_tensor(group)}
    population = Population(torch.as_tensor(d), None, columns)
    shifted = RankInGroup(gamma)(population.difficulty, population, Hard(), AGE)
    v = Hard()(shifted, AGE).numpy()
    ours = spld_objective(v, d, group, gamma)
    best = min(spld_objective(np.array(w), d, group, gamma) for w in product((0.0, 1.0), repeat=n))
    fractional = (spld_objective(w, d, group, gamma) for w in random.uniform(0, 1, (200, n)))
    assert ours == pytest.approx(best, abs=1e-12)
    assert ours <= min(fractional) + 1e-12
    for label in np.unique(group):
        chosen = v[group == label][np.argsort(d[group == label])]
        assert (np.diff(chosen) <= 0).all(), "the selection is a prefix of each group"


def test_no_diversity_is_plain_self_paced_learning() -> None:
    population = Population(torch.rand(20), None, {"group": torch.arange(20) % 4})
    shifted = RankInGroup(0.0)(population.difficulty, population, Hard(), AGE)
    assert torch.equal(shifted, population.difficulty)


def test_ties_within_a_group_rank_by_index() -> None:
    population = Population(torch.ones(3), None, {"group": torch.zeros(3, dtype=torch.int64)})
    shifted = RankInGroup(1.0)(population.difficulty, population, Hard(), AGE)
    assert shifted.tolist() == pytest.approx([0.0, 1 - 1 / (2**0.5 + 1), 1 - 1 / (3**0.5 + 2**0.5)])


@pytest.mark.parametrize("rule", [Linear(), Polynomial(1.5), Welsch(), L1L2()], ids=repr)
@pytest.mark.parametrize("seed", range(3))
def test_the_region_finds_the_optimum_of_slsqp(rule: Weighting, seed: int) -> None:
    random = np.random.default_rng(seed)
    n, limit = 6, 0.25
    d, a = random.uniform(0, 1.2, n), random.uniform(0.1, 1, n)
    population = Population(torch.as_tensor(d), None, {"prior": torch.as_tensor(a)})
    shifted = CurriculumRegion("prior", limit)(population.difficulty, population, rule, AGE)
    v = rule(shifted, AGE).numpy()

    def objective(w: np.ndarray) -> float:
        return float(w @ d + rule.penalty(torch.as_tensor(w), AGE).sum())

    bound = limit * a.sum()
    found = minimize(
        objective,
        np.full(n, limit / 2),
        method="SLSQP",
        bounds=[(1e-9, 1)] * n,
        constraints={"type": "ineq", "fun": lambda w: bound - a @ w},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert a @ v <= bound + 1e-9
    assert objective(v) <= found.fun + 1e-7
    assert (shifted - population.difficulty).abs().max() < 1e-12 or a @ v == pytest.approx(bound)


def test_a_wide_region_changes_nothing() -> None:
    population = Population(torch.rand(5), None, {"prior": torch.rand(5)})
    shifted = CurriculumRegion("prior", 1.0)(population.difficulty, population, Linear(), AGE)
    assert torch.equal(shifted, population.difficulty)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: RankInGroup(-1.0), "strength must be 0 or more"),
        (lambda p: CurriculumRegion("prior", 0.0), "must be above 0"),
        (lambda p: RankInGroup(1.0)(p.difficulty, p, Hard(), AGE), "reads the column 'group'"),
        (
            lambda p: RankInGroup(1.0)(p.difficulty, p, Linear(), AGE),
            "binary weighting; got Lin",
        ),
        (lambda p: CurriculumRegion("a", 0.5)(p.difficulty, p, Linear(), AGE), "reads the column"),
        (lambda p: CurriculumRegion("low", 0.5)(p.difficulty, p, Linear(), AGE), "0 or more"),
        (lambda p: CurriculumRegion("low", 0.5)(p.difficulty, p, Hard(), AGE), "soft weighting"),
    ],
)
def test_bad_settings_say_what_to_do(make: object, message: str) -> None:
    population = Population(torch.rand(3), None, {"low": torch.tensor([-1.0, 0.0, 1.0])})
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make(population)


def test_a_random_order_keeps_as_many_samples_of_each_age() -> None:
    difficulty = torch.arange(8.0)
    age = torch.tensor([3.5, 9.0, 3.5, 9.0, 3.5, 9.0, 3.5, 9.0])
    everyone = Population(difficulty, None, {})
    drawn = RandomOrder(3)(difficulty, everyone, Hard(), age)
    for one in (3.5, 9.0):
        at = age == one
        assert sorted(drawn[at].tolist()) == difficulty[at].tolist()
        assert int((drawn < age)[at].sum()) == int((difficulty < age)[at].sum())
    assert not torch.equal(drawn, difficulty)
    assert torch.equal(drawn, RandomOrder(3)(difficulty, everyone, Hard(), age))
