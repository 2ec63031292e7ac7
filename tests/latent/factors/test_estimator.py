import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from joblib import parallel_config
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from selfpaced.age import Deviations, Quantile
from selfpaced.chain import Floats
from selfpaced.latent import NotConverged, SelfPacedFactorisation
from selfpaced.latent._factors import model as factor_model
from selfpaced.latent._factors.model import FactorModel, Factors, Side
from selfpaced.latent._factors.ratings import read_ratings
from selfpaced.pacing import Ramp
from selfpaced.weighting import Mixture2


def planted(seed: int = 0, wrong: int = 60) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Pairs, true ratings of rank 2 with noise, and the same with 4 added to some."""
    random = np.random.default_rng(seed)
    truth = 3 + random.normal(size=(60, 2)) @ random.normal(size=(2, 50))
    pairs = np.argwhere(random.random(truth.shape) < 0.5)
    true = truth[*pairs.T] + 0.3 * random.normal(size=len(pairs))
    given = true.copy()
    given[random.choice(len(true), wrong, replace=False)] += 4.0
    return pairs, true, given


def made(pairs: NDArray[np.int64], given: Floats, **settings: Any) -> FactorModel:
    chosen = {"n_components": 2, "ridge": 0.7, "seed": 0, "tol": 0.0} | settings
    return FactorModel(read_ratings(pairs, given), **chosen)


def fitted(age: Any = Deviations(), **settings: Any) -> SelfPacedFactorisation:
    chosen = {"n_components": 2, "regularisation": 1.0, "random_state": 0} | settings
    return SelfPacedFactorisation(age=age, **chosen)


def test_a_side_is_a_weighted_ridge_regression_per_row() -> None:
    random = np.random.default_rng(0)
    rows, others = random.integers(4, size=30), random.integers(6, size=30)
    v, target, features = random.random(30), random.normal(size=30), random.normal(size=(6, 3))
    v[rows == 2] = 0.0
    found = Side(rows, others, (5, 6)).solve(v, target, features, ridge=0.5)
    for row in range(5):
        at = rows == row
        x = features[others[at]]
        normal = x.T @ (v[at][:, None] * x) + 0.5 * np.eye(3)
        assert found[row] == pytest.approx(np.linalg.solve(normal, x.T @ (v[at] * target[at])))
    assert not found[[2, 4]].any(), "row 2 has no weight, row 4 has no entry"


def test_a_sweep_never_raises_the_weighted_objective() -> None:
    pairs, _, given = planted()
    model, v = made(pairs, given), np.random.default_rng(1).random(len(given))
    w, last = model._start(v), np.inf
    for _ in range(30):
        w = model._swept(w, v)
        now = model.regulariser(w) + float(v @ model.losses(w, None))
        assert now <= last + 1e-9
        last = now


def test_a_fit_ends_where_the_gradient_is_0() -> None:
    pairs, _, given = planted()
    model, v = made(pairs, given, tol=1e-13), np.random.default_rng(1).random(len(given))
    w = model.fit(None, v, None)
    p, q = (torch.tensor(part, requires_grad=True) for part in (w.users, w.items))
    mean = torch.tensor(w.mean, dtype=torch.float64, requires_grad=True)
    i, j = pairs.T
    predicted = mean + p[i, -1] + q[j, -1] + (p[i, :-1] * q[j, :-1]).sum(1)
    loss = torch.from_numpy(v) @ (torch.from_numpy(given) - predicted).square()
    objective = loss + 0.7 * (p.square().sum() + q.square().sum())
    for gradient in torch.autograd.grad(objective, (p, q, mean)):
        assert float(gradient.abs().max()) < 0.01
    assert objective.item() == pytest.approx(
        model.regulariser(w) + float(v @ model.losses(w, None))
    )


def test_a_matrix_of_low_rank_is_completed() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=(30, 2)) @ random.normal(size=(2, 30))
    given = np.where(random.random(truth.shape) < 0.3, np.nan, truth)
    model = fitted(None, regularisation=1e-6, tol=1e-12).fit(given)
    hidden = np.argwhere(np.isnan(given)).T
    assert model.predict(*hidden) == pytest.approx(truth[*hidden], abs=1e-3)


def test_without_an_age_there_is_one_plain_fit() -> None:
    pairs, _, given = planted()
    model = fitted(None).fit(pairs, given)
    assert (model.weights_ == 1).all() and len(model.history_) == 1 and model.converged_
    assert model.objective_ == pytest.approx(
        float(np.square(model.residuals_).sum())
        + sum(
            float(np.square(part).sum())
            for part in (
                *(model.user_factors_, model.item_factors_),
                *(model.user_biases_, model.item_biases_),
            )
        )
    )


def test_wrong_entries_are_left_out_and_ranked_first() -> None:
    pairs, true, given = planted()
    model = fitted().fit(pairs, given)
    wrong = given != true
    assert not model.weights_[wrong].any()
    assert model.weights_[~wrong].mean() > 0.97
    assert wrong[model.suspects_[: wrong.sum()]].all()
    assert sorted(model.suspects_) == list(range(len(given)))
    assert model.converged_


@pytest.mark.parametrize("seed", range(3))
def test_with_wrong_entries_it_predicts_better_than_plain(seed: int) -> None:
    pairs, true, given = planted(seed)
    plain, paced = (fitted(age).fit(pairs, given) for age in (None, Deviations()))
    assert (
        np.square(paced.predict(*pairs.T) - true).mean()
        < 0.5 * np.square(plain.predict(*pairs.T) - true).mean()
    )


@pytest.mark.parametrize("seed", range(3))
def test_without_wrong_entries_it_hardly_differs_from_plain(seed: int) -> None:
    pairs, true, _ = planted(seed)
    plain, paced = (fitted(age).fit(pairs, true) for age in (None, Deviations()))
    assert paced.weights_.mean() > 0.97
    assert paced.score(pairs, true) > plain.score(pairs, true) - 0.002


def test_it_takes_soft_weights_and_growing_ages() -> None:
    pairs, true, given = planted()
    age = Quantile(Ramp(0.5, 0.95, steps=5))
    model = fitted(age, weighting=Mixture2(), max_iter=200).fit(pairs, given)
    assert ((model.weights_ > 0) & (model.weights_ < 1)).any()
    wrong = given != true
    assert model.weights_[wrong].mean() < 0.05 < 0.6 < model.weights_[~wrong].mean()
    shares = [row.kept_share for row in model.history_]
    assert shares[0] == 1.0 and shares[1] < 0.7 < shares[-1]


def test_pairs_sparse_matrices_and_arrays_with_nan_give_the_same_fit() -> None:
    pairs, _, given = planted()
    array = np.full((60, 50), np.nan)
    array[*pairs.T] = given
    ones = [
        fitted().fit(pairs, given),
        fitted().fit(array),
        fitted().fit(sparse.coo_array((given, tuple(pairs.T)), shape=(60, 50))),
        fitted().fit(sparse.csc_matrix((given, tuple(pairs.T)), shape=(60, 50))),
    ]
    for one in ones:
        assert np.array_equal(one.weights_, ones[0].weights_)
        assert np.array_equal(one.entries_, pairs)
        assert one.objective_ == ones[0].objective_
    assert ones[0].score(pairs, given) == ones[0].score(array)


def test_weights_follow_the_order_of_the_pairs() -> None:
    pairs, _, given = planted()
    order = np.random.default_rng(2).permutation(len(given))
    one, other = fitted().fit(pairs, given), fitted().fit(pairs[order], given[order])
    assert np.array_equal(one.weights_[order], other.weights_)


def test_stored_zeros_are_ratings_and_duplicates_add_up() -> None:
    matrix = sparse.coo_array(([0.0, 1.0, 2.0], ([0, 1, 1], [1, 0, 0])), shape=(2, 2))
    ratings = read_ratings(matrix)
    assert ratings.values.tolist() == [0.0, 3.0]
    assert (ratings.users.tolist(), ratings.items.tolist()) == ([0, 1], [1, 0])
    assert matrix.nnz == 3, "the matrix of the user is unchanged"


def test_a_pair_may_be_rated_twice() -> None:
    pairs = np.array([[0, 0], [0, 0], [1, 1]])
    model = fitted(None, regularisation=1e-9, n_components=1).fit(pairs, np.array([1.0, 3.0, 5.0]))
    assert model.predict([0], [0]) == pytest.approx([2.0], abs=1e-3)


def test_unseen_users_and_items_have_no_factors_and_no_bias() -> None:
    model = fitted().fit(*planted()[::2])
    mean, user, item = model.mean_, model.user_biases_[3], model.item_biases_[5]
    predicted = model.predict([3, 1000, 1000], [1000, 5, 1000])
    assert predicted == pytest.approx([mean + user, mean + item, mean])


def test_a_user_without_weight_has_zeros_like_an_unseen_one() -> None:
    pairs, _, given = planted()
    model, v = made(pairs, given, tol=1e-6), np.where(pairs[:, 0] == 7, 0.0, 1.0)
    assert not model.fit(None, v, None).users[7].any()


def test_predictions_are_the_equation_of_the_docstring() -> None:
    w = Factors(3.0, np.array([[2.0, 0.5]]), np.array([[0.0, 0.0], [-1.0, 0.25]]))
    assert w.at(np.array([0]), np.array([1])).tolist() == [3.0 + 0.5 + 0.25 - 2.0]


def test_a_seed_repeats_a_fit_and_jobs_change_nothing() -> None:
    pairs, _, given = planted()
    with parallel_config("threading"):
        one, again, two = (
            fitted(n_init=2, n_jobs=jobs).fit(pairs, given).objective_ for jobs in (1, 1, 2)
        )
    assert one == again == two


def test_of_several_starts_the_lowest_objective_is_kept() -> None:
    pairs, _, given = planted()
    settings = {"age": None, "n_components": 4, "tol": 1e-3}
    seeds = np.random.RandomState(0).randint(2**31 - 1, size=4)
    alone = []
    for seed in seeds.tolist():
        model = made(pairs, given, n_components=4, ridge=1.0, seed=seed, tol=1e-3)
        w = model.fit(None, np.ones(len(given)), None)
        alone.append(model.regulariser(w) + float(model.losses(w, None).sum()))
    assert len(set(alone)) > 1
    assert fitted(**settings, n_init=4).fit(pairs, given).objective_ == pytest.approx(min(alone))


def test_arguments_are_not_changed() -> None:
    pairs, _, given = planted()
    before = pairs.copy(), given.copy()
    fitted().fit(pairs, given)
    assert np.array_equal(pairs, before[0]) and np.array_equal(given, before[1])


def test_it_works_with_clones_pickles_and_grids() -> None:
    pairs, true, _ = planted()
    model = fitted(n_init=2)
    assert clone(model).get_params() == model.get_params()
    kept = pickle.loads(pickle.dumps(model.fit(pairs, true)))
    assert np.array_equal(kept.predict([1], [2]), model.predict([1], [2]))
    grid = GridSearchCV(fitted(None), {"n_components": [1, 2]}, cv=3).fit(pairs, true)
    assert grid.best_params_ == {"n_components": 2}


def test_equal_ratings_are_predicted_by_their_mean() -> None:
    model = fitted().fit(np.full((4, 3), 2.0))
    assert model.predict([0], [0]) == pytest.approx([2.0])
    assert (model.weights_ == 1).all()


def test_a_fit_with_too_few_sweeps_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factor_model, "MAX_SWEEPS", 2)
    with pytest.warns(NotConverged, match=r"2 sweeps were not enough for one fit. Raise tol"):
        fitted(None).fit(*planted()[::2])


def test_a_search_with_too_few_rounds_warns() -> None:
    with pytest.warns(NotConverged, match="Search: 2 rounds were not enough"):
        assert not fitted(max_iter=2).fit(*planted()[::2]).converged_


PAIRS, ONES = np.zeros((3, 2), dtype=np.int64), np.ones(3)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (PAIRS, np.ones(2), r"pairs of user and item, shape \(n, 2\), with n ratings; got shapes"),
        (np.zeros((3, 3), dtype=np.int64), ONES, r"np.column_stack\(\[users, items\]\) makes"),
        (PAIRS - 1, ONES, "users must be integers from 0; got -1"),
        (PAIRS, np.array([1.0, np.nan, np.inf]), r"2 are not, the first is entry \[1\]"),
        (np.ones(3), None, r"needs a matrix of users times items, NaN .*got shape \(3,\)"),
        (np.full((2, 2), np.nan), None, "there are no ratings. Give at least one"),
        (PAIRS[:0], ONES[:0], "there are no ratings"),
    ],
)
def test_bad_ratings_say_what_to_do(X: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fitted().fit(X, y)


def test_users_and_items_must_be_integers() -> None:
    with pytest.raises(TypeError, match=r"users must be integers from 0; got float64. np.unique"):
        fitted().fit(PAIRS.astype(float), ONES)
    model = fitted(None).fit(PAIRS, ONES)
    with pytest.raises(TypeError, match="items must be integers from 0; got <U1"):
        model.predict([0], ["a"])
    with pytest.raises(
        ValueError, match=r"as many users as items, shapes \(n,\); got \(2,\) and \(1"
    ):
        model.predict([0, 0], [0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"regularisation": 0.0}, "regularisation must be above 0; got 0.0"),
        ({"tol": -1.0}, "tol must be 0 or more, and below 1; got -1.0"),
        ({"n_components": 0}, "n_components must be a positive int; got 0"),
        ({"n_init": 0}, "n_init must be a positive int; got 0"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fitted(**settings).fit(PAIRS, ONES)


def test_an_ordinary_fit_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted().fit(*planted()[::2])


def noisy() -> Floats:
    random = np.random.default_rng(0)
    values = random.normal(size=(30, 2)) @ random.normal(size=(2, 20))
    values += 0.3 * random.normal(size=values.shape)
    values[random.random(values.shape) < 0.3] = np.nan
    return values


def test_masked_entries_are_unknown() -> None:
    values = noisy()
    hidden = np.ma.masked_array(np.where(np.isnan(values), -999.0, values), np.isnan(values))
    with_nan = SelfPacedFactorisation(2, age=None, random_state=0).fit(values)
    with_mask = SelfPacedFactorisation(2, age=None, random_state=0).fit(hidden)
    assert np.array_equal(with_nan.residuals_, with_mask.residuals_)


def test_a_search_on_numbers_without_noise_converges() -> None:
    random = np.random.default_rng(0)
    exact = random.normal(size=(60, 2)) @ random.normal(size=(2, 40))
    known = np.where(random.random(exact.shape) < 0.5, exact, np.nan)
    model = SelfPacedFactorisation(2, regularisation=0.1, random_state=0)
    with pytest.warns(UserWarning, match="left out .*% of the ratings. If most of them are right"):
        model.fit(known)
    assert model.converged_


def test_many_ratings_left_out_cause_a_warning() -> None:
    random = np.random.default_rng(0)
    ones = (random.random((80, 60)) < 0.15).astype(float)
    with pytest.warns(UserWarning, match="left out 28% of the ratings. .*use age=None"):
        SelfPacedFactorisation(2, random_state=0).fit(ones)


def test_numbers_with_gaps_are_refused() -> None:
    pairs = np.array([[10**12, 0], [3, 1]])
    with pytest.raises(ValueError, match="2 ratings and numbers up to 1000000000000. np.unique"):
        SelfPacedFactorisation(2).fit(pairs, [1.0, 2.0])


def test_users_and_items_must_be_arrays() -> None:
    model = SelfPacedFactorisation(2, age=None, random_state=0).fit(noisy())
    with pytest.raises(ValueError, match=r"as many users as items, shapes \(n,\); got \(\) and"):
        model.predict(0, 1)
