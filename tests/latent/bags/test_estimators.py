import pickle
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.kernel_approximation import Nystroem
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from selfpaced.age import Quantile
from selfpaced.chain import Floats
from selfpaced.latent import MISVM, NotConverged, Search, Stop, bags_of, miSVM
from selfpaced.latent._bags.bags import Instances
from selfpaced.latent._bags.hinge import least_squared_hinge
from selfpaced.latent._bags.models import InstanceLabels, Witnesses
from selfpaced.pacing import Constant

BOTH = [MISVM, miSVM]
PLAIN = Search(age=None)
AS_THEY_ARE = FunctionTransformer()


def made(
    n: int, seed: int, shift: float = 4.0
) -> tuple[list[Floats], NDArray[np.int64], list[int]]:
    """Bags of 2 to 6 instances, labels, and one index per bag: the shifted instance of odd bags."""
    random = np.random.default_rng(seed)
    X = [random.normal(size=(random.integers(2, 7), 3)) for _ in range(n)]
    places = [int(random.integers(len(bag))) for bag in X]
    for bag, place in zip(X[1::2], places[1::2], strict=True):
        bag[place] += shift
    return X, np.arange(n) % 2, places


def cost(w: Floats, x: Floats, y: Floats, c: Floats) -> float:
    slack = [max(0.0, 1 - one * (w[:-1] @ row + w[-1])) for row, one in zip(x, y, strict=True)]
    return float(w[:-1] @ w[:-1] / 2 + c @ np.square(slack))


def fit_slowly(x: Floats, y: Floats, c: Floats) -> Floats:
    start = np.zeros(x.shape[1] + 1)
    found = minimize(cost, start, args=(x, y, c), options={"gtol": 1e-9, "maxiter": 1000})
    return np.asarray(found.x)


@pytest.mark.parametrize("seed", range(5))
def test_a_fit_is_the_optimum_of_a_slow_search(seed: int) -> None:
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(30, 3)), random.choice([-1, 1], 30)
    c = random.uniform(0, 2, 30) * (random.uniform(size=30) < 0.8)
    w = least_squared_hinge(x, y, c)
    assert cost(w, x, y, c) <= cost(fit_slowly(x, y, c), x, y, c) + 1e-6
    assert np.allclose(least_squared_hinge(x, y, c, random.normal(size=4)), w, atol=1e-2)


def test_with_weight_on_one_side_only_the_intercept_is_that_side() -> None:
    x, y = np.array([[1.0], [2.0], [9.0]]), np.array([-1, -1, 1])
    assert least_squared_hinge(x, y, np.array([1.0, 1.0, 0.0])) == pytest.approx([0, -1], abs=1e-6)


def test_a_fit_without_enough_steps_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selfpaced.latent._bags.hinge.MAX_STEPS", 1)
    with pytest.warns(NotConverged, match="1 Newton steps were not enough"):
        least_squared_hinge(np.array([[1.0], [-1.0], [0.5]]), np.array([1, -1, -1]), np.ones(3))


def model_of(kind: type, seed: int, C: float = 0.7) -> Any:
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 4, 6)
    side = np.array([1, -1, 1, 1, -1, -1])
    return kind(Instances(random.normal(size=(sizes.sum(), 2)), sizes), side, C)


@pytest.mark.parametrize("seed", range(8))
def test_witnesses_have_the_least_loss(seed: int) -> None:
    model, w = model_of(Witnesses, seed), np.random.default_rng(100 + seed).normal(size=3)
    choices = [range(a, a + m) for a, m in zip(model.bags.starts, model.bags.sizes, strict=True)]
    every = [model.positive[list(h)] for h in product(*choices)]
    least = min(model.losses(w, h).sum() for h in every)
    assert model.losses(w, model.impute(w)).sum() == pytest.approx(least, abs=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_instance_labels_have_the_least_loss_with_a_positive_in_each_bag(seed: int) -> None:
    model, w = model_of(InstanceLabels, seed), np.random.default_rng(100 + seed).normal(size=3)
    w[-1] -= 1.5  # most scores are below 0: some bags have no positive score

    def allowed(h: NDArray[np.int64]) -> bool:
        return all(max(labels) == 1 for labels in model.bags.split(h[model.positive]))

    every = []
    for labels in product([-1, 1], repeat=len(model.positive)):
        h = np.full(len(model.x), -1)
        h[model.positive] = labels
        every += [h] if allowed(h) else []
    least = min(model.losses(w, h).sum() for h in every)
    assert allowed(model.impute(w))
    assert model.losses(w, model.impute(w)).sum() == pytest.approx(least, abs=1e-12)


def test_units_are_positive_bags_and_negative_instances() -> None:
    bags = Instances(np.array([[0.0], [1.0], [2.0], [3.0], [0.5]]), np.array([2, 2, 1]))
    side, w = np.array([-1, 1, 1]), np.array([1.0, 0.0])
    labels = InstanceLabels(bags, side, C=2.0)
    assert labels.unit.tolist() == [0, 1, 2, 2, 3] and labels.side.tolist() == [-1, -1, 1, 1]
    # slacks: 1, 2, then 0 and 4 of the labels +1 and -1, then 1/2; each squared, times C
    assert labels.losses(w, np.array([-1, -1, 1, -1, 1])).tolist() == [2.0, 8.0, 32.0, 0.5]
    one = Witnesses(bags, side, C=2.0)
    assert one.losses(w, np.array([2, 4])).tolist() == [2.0, 8.0, 0.0, 0.5]


@pytest.mark.parametrize("kind", [Witnesses, InstanceLabels])
def test_a_weighted_fit_is_the_optimum_of_a_slow_search(kind: type) -> None:
    model = model_of(kind, 3)
    h, v = model.first(), np.random.default_rng(0).uniform(size=len(model))

    def weighted(w: Floats) -> float:
        return float(model.regulariser(w) + v @ model.losses(w, h))

    slowly = minimize(weighted, np.zeros(3), options={"gtol": 1e-9}).x
    assert weighted(model.fit(h, v, None)) <= weighted(slowly) + 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_the_first_witnesses_come_from_an_svm_of_means(seed: int) -> None:
    model = model_of(Witnesses, seed)
    means = [bag.mean(axis=0) for bag in model.bags.split(model.bags.x)]
    negative = np.delete(model.x, model.positive, axis=0)
    y = np.repeat([1, -1], [len(means), len(negative)])
    w = fit_slowly(np.concatenate([means, negative]), y, np.full(len(y), model.C))
    assert model.first().tolist() == model.impute(w).tolist()


def test_the_first_instance_labels_are_the_labels_of_the_bags() -> None:
    model = model_of(InstanceLabels, 0)
    assert np.flatnonzero(model.first() == 1).tolist() == model.positive.tolist()


@pytest.mark.parametrize("kind", [Witnesses, InstanceLabels])
def test_random_starts_differ_and_have_a_positive_in_each_bag(kind: type) -> None:
    model, random = model_of(kind, 1), np.random.RandomState(0)
    starts = [model.drawn(random) for _ in range(20)]
    assert len({h.tobytes() for h in starts}) > 1
    for h in starts:
        positive = h if kind is Witnesses else np.flatnonzero(h == 1)
        assert set(positive) <= set(model.positive)
        of = np.searchsorted(model.positive[model.bags.starts], positive, side="right")
        assert set(of) == {1, 2, 3}


def misvm_slowly(X: list[Floats], y: NDArray[np.int64], C: float) -> tuple[Floats, list[int]]:
    """The loop of the paper: it starts from means and ends when the witnesses stay the same."""
    negative = [row for bag, label in zip(X, y, strict=True) if label == 0 for row in bag]
    positive = [bag for bag, label in zip(X, y, strict=True) if label == 1]
    chosen, places = [bag.mean(axis=0) for bag in positive], [-1] * len(positive)
    while True:
        x = np.array(chosen + negative)
        signs = np.array([1.0] * len(chosen) + [-1.0] * len(negative))
        w = fit_slowly(x, signs, np.full(len(x), C))
        last, places = places, [int(np.argmax(bag @ w[:-1])) for bag in positive]
        if last == places:
            return w, places
        chosen = [bag[place] for bag, place in zip(positive, places, strict=True)]


@pytest.mark.parametrize("seed", range(3))
def test_a_search_without_an_age_is_the_loop_of_the_paper(seed: int) -> None:
    X, y, _ = made(16, seed, shift=2.0)
    w, places = misvm_slowly(X, y, C=0.5)
    model = MISVM(C=0.5, features=AS_THEY_ARE, search=PLAIN).fit(X, y)
    assert model.witnesses_[1::2].tolist() == places
    assert (model.witnesses_[::2] == -1).all()
    assert model.coef_ == pytest.approx(w[:-1], abs=1e-3)
    assert model.intercept_ == pytest.approx(w[-1], abs=1e-3)


def test_bags_of_one_instance_are_a_linear_svm() -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 4))
    y = (x[:, 0] + random.normal(size=60) > 0).astype(int)
    svm = LinearSVC(dual=False, intercept_scaling=1e4, tol=1e-10).fit(x, y)
    for kind in BOTH:
        model = kind(features=AS_THEY_ARE, search=PLAIN).fit(x[:, None, :], y)
        scores = model.decision_function(x[:, None, :])
        assert scores == pytest.approx(svm.decision_function(x), abs=1e-2)


def test_the_planted_instances_are_found() -> None:
    X, y, places = made(40, 0)
    model = MISVM().fit(X, y)
    assert model.score(X, y) > 0.95
    assert np.mean(model.witnesses_[1::2] == places[1::2]) > 0.9
    labels = miSVM(search=PLAIN).fit(X, y).instance_labels_
    assert np.mean([labels[i][places[i]] for i in range(1, 40, 2)]) > 0.9
    assert not np.concatenate(labels[::2]).any()


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("search", [PLAIN, Search()], ids=["plain", "paced"])
def test_the_objective_is_the_formula_of_the_docstring(kind: Any, search: Search) -> None:
    X, y, _ = made(20, 1, shift=2.0)
    model = kind(C=0.3, search=search).fit(X, y)
    slack = []
    for i, scores in enumerate(model.instance_scores(X)):
        if y[i] == 0:
            signs, used = -np.ones(len(scores)), scores
        elif kind is MISVM:
            signs, used = np.ones(1), scores[[model.witnesses_[i]]]
            assert used[0] == scores.max()
        else:
            signs, used = np.where(model.instance_labels_[i] == 1, 1, -1), scores
        slack += list(np.maximum(0, 1 - signs * used))
    by_hand = model.coef_ @ model.coef_ / 2 + 0.3 * np.square(slack).sum()
    assert model.objective_ == pytest.approx(by_hand, rel=1e-9)
    assert model.converged_


@pytest.mark.parametrize("kind", BOTH)
def test_the_plain_objective_never_rises(kind: Any) -> None:
    X, y, _ = made(30, 2, shift=1.0)
    model = kind(search=PLAIN, n_init=4, random_state=1).fit(X, y)
    objectives = [row.objective for row in model.history_]
    assert (np.diff(objectives) <= 1e-6).all()
    assert model.objective_ <= kind(search=PLAIN).fit(X, y).objective_


@pytest.mark.parametrize("kind", BOTH)
def test_a_seed_repeats_a_fit_and_jobs_change_nothing(kind: Any) -> None:
    X, y, _ = made(20, 3, shift=1.0)
    first, second = (kind(n_init=3, random_state=5, n_jobs=n).fit(X, y) for n in (None, 1))
    assert first.coef_.tolist() == second.coef_.tolist()


@pytest.mark.parametrize("kind", BOTH)
def test_an_age_by_group_keeps_the_same_share_of_both_sides(kind: Any) -> None:
    X, y, _ = made(40, 4, shift=1.0)
    search = Search(age=Quantile(Constant(0.51), by="group"), max_inner=1, stop=Stop(max_outer=4))
    with pytest.warns(NotConverged, match="with 5.% kept"):
        model = kind(search=search).fit(X, y)
    assert [len(v) for v in model.weights_] == [
        1 if label else len(bag) for bag, label in zip(X, y, strict=True)
    ]
    positive, negative = (np.concatenate(model.weights_[side::2]) for side in (1, 0))
    assert positive.sum() == np.ceil(0.51 * len(positive))
    assert negative.sum() == np.ceil(0.51 * len(negative))


def test_labels_may_be_words_and_the_greater_is_positive() -> None:
    X, y, _ = made(20, 0)
    words = np.array(["absent", "present"])[y]
    model = MISVM().fit(X, words)
    assert model.classes_.tolist() == ["absent", "present"]
    assert (model.predict(X) == words).mean() > 0.9
    assert (model.decision_function(X) == [s.max() for s in model.instance_scores(X)]).all()


@pytest.mark.parametrize("kind", BOTH)
def test_it_works_with_cross_validation_grids_clones_and_pickles(kind: Any) -> None:
    X, y, _ = made(40, 5)
    model = kind(C=0.5, features=make_pipeline(StandardScaler(), Nystroem(random_state=0)))
    grid = {"C": [0.1, 1.0], "features__nystroem__n_components": [5, 20]}
    assert GridSearchCV(model, grid, cv=3).fit(X, y).best_score_ > 0.8
    objects = np.empty(len(X), dtype=object)
    objects[:] = X
    assert cross_val_score(clone(model), objects, y, scoring="roc_auc", cv=4).mean() > 0.8
    again = pickle.loads(pickle.dumps(model.fit(X, y)))
    assert (again.predict(X) == model.predict(X)).all()


def test_arguments_are_not_changed() -> None:
    X, y, _ = made(10, 0)
    before, features = [bag.copy() for bag in X], StandardScaler()
    MISVM(features=features).fit(X, y)
    assert all((a == b).all() for a, b in zip(X, before, strict=True))
    assert not hasattr(features, "mean_")


def test_tables_become_bags_in_order_of_appearance() -> None:
    X, y, ids = bags_of(np.arange(8.0).reshape(4, 2), [7, 3, 7, 5], ["a", "b", "a", "a"])
    assert [bag.tolist() for bag in X] == [[[0, 1], [4, 5]], [[2, 3]], [[6, 7]]]
    assert y.tolist() == ["a", "b", "a"] and ids.tolist() == [7, 3, 5]


GOOD: list[Floats] = [np.zeros((2, 3)), np.ones((1, 3)), np.ones((2, 3))]


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([], [], "must be a sequence of bags; got none"),
        ([*GOOD[:2], np.zeros((0, 3))], [0, 1, 1], r"got no instance in \[2\]. Drop them"),
        ([*GOOD[:2], np.zeros((2, 4))], [0, 1, 1], r"bag \[2\] has 4, the first 3"),
        ([*GOOD[:2], np.zeros(3)], [0, 1, 1], r"got shape \(3,\) at bag \[2\]"),
        ([*GOOD[:2], np.full((2, 3), np.nan)], [0, 1, 1], r"2 are not, the first in bag \[2\]"),
        (GOOD, [0, 1], "got 2 labels for 3 bags"),
        (GOOD, [1, 1, 1], r"needs two different labels; y has 1: \[1\]"),
        (GOOD, [0, 1, 2], r"needs two different labels; y has 3: \[0, 1, 2\]"),
        (GOOD, [0.5, 0.1, 0.2], "Unknown label type"),
    ],
)
def test_bad_bags_say_what_to_do(X: Any, y: Any, message: str) -> None:
    for kind in BOTH:
        with pytest.raises(ValueError, match=message):
            kind().fit(X, y)


def test_bad_settings_say_what_they_should_be() -> None:
    with pytest.raises(ValueError, match=r"MISVM: C must be above 0; got -1"):
        MISVM(C=-1).fit(GOOD, [0, 1, 1])
    with pytest.raises(TypeError, match=r"miSVM: n_init must be a positive int; got 1.5"):
        miSVM().set_params(n_init=1.5).fit(GOOD, [0, 1, 1])
    with pytest.raises(ValueError, match=r"was fitted to 3 columns; got 2"):
        MISVM(search=PLAIN).fit(GOOD, [0, 1, 1]).predict([np.zeros((1, 2))])
    with pytest.raises(ValueError, match=r"equally long; got 2, 1 and 2"):
        bags_of([[1.0], [2.0]], [0], [0, 0])
    with pytest.raises(ValueError, match=r"bag \[4\] has more than one"):
        bags_of([[1.0], [2.0]], [4, 4], [0, 1])


def test_masked_bags_and_tables_are_refused() -> None:
    masked = np.ma.masked_array(np.ones((2, 2)), [[True, False], [False, False]])
    with pytest.raises(ValueError, match=r"bags must not be masked; got masks in \[1\]. Impute"):
        MISVM().fit([np.zeros((2, 2)), masked], [0, 1])
    with pytest.raises(
        ValueError,
        match=r"X must be a sequence of bags; got a table. selfpaced.latent.bags_of makes",
    ):
        MISVM().fit(pd.DataFrame({"a": [1.0]}), [1])  # type: ignore[arg-type]  # on purpose
    with pytest.raises(ValueError, match="C must be above 0; got inf"):
        MISVM(C=np.inf).fit([np.zeros((2, 2)), np.ones((1, 2))], [0, 1])
