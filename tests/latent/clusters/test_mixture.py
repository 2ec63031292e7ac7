import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from joblib import parallel_config
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.utils.estimator_checks import parametrize_with_checks

from selfpaced.age import Background, Quantile, Spheres
from selfpaced.age._background import likeliest, log_volume, odds
from selfpaced.chain import Floats, Population
from selfpaced.latent import NotConverged, Search, SelfPacedGaussianMixture, Stop
from selfpaced.latent._clusters.mixture import SHAPES, GaussianModel
from selfpaced.pacing import Constant

NOTHING = torch.tensor(math.inf)


def clusters(seed: int, n_out: int = 0) -> tuple[Floats, NDArray[np.int64]]:
    """Two overlapping clusters of 150 samples in the plane, then uniform outliers, label -1."""
    random = np.random.default_rng(seed)
    y = np.repeat([0, 1, -1], [150, 150, n_out])
    X = random.normal(size=(300, 2)) * [1.5, 0.7] + 3.5 * y[:300, None]
    return np.concatenate([X, random.uniform(-12, 16, (n_out, 2))]), y


@parametrize_with_checks([SelfPacedGaussianMixture(n_init=2)])  # type: ignore[untyped-decorator]  # sklearn: no types
@pytest.mark.filterwarnings("ignore:Skipping check")
def test_the_estimator_keeps_scikit_learns_contract(
    estimator: SelfPacedGaussianMixture, check: Callable[[SelfPacedGaussianMixture], None]
) -> None:
    check(estimator)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mixture_without_an_age_is_em_in_every_round(shape: str) -> None:
    X, _ = clusters(0, 20)
    rounds = 12
    theirs = GaussianMixture(3, covariance_type=shape, tol=0, max_iter=rounds, random_state=1)
    with pytest.warns(ConvergenceWarning):
        theirs.fit(X)
    ours = SelfPacedGaussianMixture(
        3, covariance_type=shape, age=None, n_init=1, tol=0, max_iter=rounds + 1, random_state=1
    )
    with pytest.warns(NotConverged):
        ours.fit(X)
    for name in ("weights_", "means_", "covariances_"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-9)
    np.testing.assert_allclose(-ours.difficulty_, theirs.score_samples(X), rtol=1e-9)
    np.testing.assert_allclose(ours.mixture_.precisions_, theirs.precisions_, rtol=1e-6, atol=1e-9)
    assert (ours.sample_weights_ == 1).all()


def test_the_weighted_m_step_is_em_on_repeated_samples() -> None:
    X, _ = clusters(1)
    random = np.random.default_rng(0)
    r, v = random.dirichlet([1.0, 1.0], len(X)), random.integers(0, 4, len(X))
    weighted = GaussianModel(X, "full", 0.0).fit(r, v.astype(float), None)
    repeated = GaussianModel(X.repeat(v, axis=0), "full", 0.0)
    plain = repeated.fit(r.repeat(v, axis=0), np.ones(len(repeated)), None)
    for ours, slow in zip(weighted[:4], plain[:4], strict=True):
        np.testing.assert_allclose(ours, slow, rtol=1e-10)


def test_a_step_never_raises_the_weighted_loss() -> None:
    X, _ = clusters(2)
    model, v = GaussianModel(X, "full", 1e-9), np.random.default_rng(0).uniform(size=len(X))
    h = np.eye(2)[(X[:, 1] > 0).astype(int)]
    seen = []
    w = None
    for _ in range(30):
        w = model.fit(h, v, w)
        seen.append(v @ model.losses(w, h))
        h = model.impute(w)
    assert (np.diff(seen) <= 1e-7).all()
    assert seen[-1] < seen[0] - 1


def test_losses_are_minus_the_logarithm_of_the_density() -> None:
    X = np.array([[-1.0], [1.0]])
    w = GaussianModel(X, "full", 0.0).fit(np.ones((2, 1)), np.ones(2), None)
    nats = 0.5 * math.log(2 * math.pi) + 0.5  # of a standard normal at one standard deviation
    assert GaussianModel(X, "full", 0.0).losses(w, np.ones((2, 1))).tolist() == pytest.approx(
        [nats, nats]
    )


@pytest.mark.parametrize("seed", range(3))
def test_outliers_are_found_and_clusters_recovered(seed: int) -> None:
    X, y = clusters(seed, 75)
    inside = y >= 0
    ours = SelfPacedGaussianMixture(2, n_init=3, random_state=0).fit(X)
    plain = GaussianMixture(2, n_init=3, random_state=0).fit(X)
    rand = adjusted_rand_score(y[inside], ours.labels_[inside])
    assert rand > adjusted_rand_score(y[inside], plain.predict(X)[inside]) + 0.2
    assert rand > 0.85
    found = y[ours.outliers_] == -1
    assert found.mean() > 0.9
    assert found.sum() > 0.7 * 75
    assert (np.diff(ours.difficulty_[ours.outliers_]) <= 0).all(), "hardest first"
    assert set(ours.outliers_) == set(np.flatnonzero(ours.sample_weights_ == 0))


@pytest.mark.parametrize("seed", range(3))
def test_hardly_any_sample_of_clean_data_is_left_out(seed: int) -> None:
    X, _ = clusters(seed)
    ours = SelfPacedGaussianMixture(2, n_init=2, random_state=0).fit(X)
    plain = GaussianMixture(2, n_init=2, random_state=0, tol=1e-6, max_iter=500).fit(X)
    assert len(ours.outliers_) <= 5
    assert adjusted_rand_score(ours.predict(X), plain.predict(X)) > 0.95


def test_a_given_share_is_kept() -> None:
    X, y = clusters(0, 75)
    age = Quantile(Constant(0.8))
    ours = SelfPacedGaussianMixture(2, age=age, n_init=2, random_state=0).fit(X)
    assert len(ours.outliers_) == 75
    assert (y[ours.outliers_] == -1).mean() > 0.85


def test_the_result_depends_on_the_seed_only() -> None:
    X, _ = clusters(0, 30)
    one = SelfPacedGaussianMixture(2, n_init=3, random_state=4).fit(X)
    with parallel_config(backend="threading"):
        two = SelfPacedGaussianMixture(2, n_init=3, random_state=4, n_jobs=2).fit(X)
    assert one.objective_ == two.objective_
    assert one.labels_.tolist() == two.labels_.tolist()
    assert one.history_[-1].kept_share == 1 - len(one.outliers_) / len(X)


def test_the_likeliest_share_is_found_by_a_search_over_shares() -> None:
    excess = np.random.default_rng(0).normal(-2, 4, 400)

    def cost(share: float) -> float:
        return -float(np.log1p(share * np.expm1(excess)).sum())

    slow = minimize_scalar(cost, bounds=(1 / 400, 0.5), method="bounded").x
    assert likeliest(excess) == pytest.approx(slow, abs=1e-4)
    assert likeliest(np.full(100, -5.0)) == pytest.approx(0.01, rel=1e-4)
    assert likeliest(np.full(100, 1e6)) == pytest.approx(0.5, rel=1e-4)


def test_at_the_age_mixture_and_background_are_equally_likely() -> None:
    loss = np.concatenate([np.linspace(0, 3, 80), np.full(20, 30.0)])
    age = Background(6.0)
    cut = float(age(1, Population(torch.from_numpy(loss), None, {}), NOTHING))
    e = age.share(loss)
    assert e == pytest.approx(0.2, abs=0.05)
    assert math.log(1 - e) - cut == pytest.approx(math.log(e) - 6.0, abs=1e-5)
    assert odds(0.5) == 0


def test_at_least_half_are_kept_at_any_background() -> None:
    loss = torch.arange(10, dtype=torch.float64)
    age = Background(-100.0)(1, Population(loss, None, {}), NOTHING)
    assert int((loss < age).sum()) == 5
    assert Background(1.0)(0, None, NOTHING).isinf()


def test_the_volume_is_that_of_the_smaller_box() -> None:
    turn = np.array([[1.0, -1.0], [1.0, 1.0]]) / math.sqrt(2)
    box = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 1.0], [4.0, 1.0]])
    assert log_volume(box) == pytest.approx(math.log(4))
    assert log_volume(box @ turn) == pytest.approx(math.log(4))
    assert log_volume(np.column_stack([box, np.ones(4)])) == pytest.approx(math.log(4))


def test_an_age_that_needs_the_data_says_what_to_do() -> None:
    X, _ = clusters(0)
    h = np.eye(2)[np.arange(len(X)) % 2]
    with pytest.raises(ValueError, match=r"Background does not know the data yet.*\.of\(X, K\)"):
        Search(age=Background())(GaussianModel(X, "full", 1e-6), h)
    assert Background(2.0).of(X, 3) == Background(2.0)
    assert Background().of(X, 3).log_volume == log_volume(X)
    result = Search(age=Background().of(X, 2), stop=Stop(1e-2))(GaussianModel(X, "full", 1e-6), h)
    assert result.v.mean() > 0.95


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_components": 0}, "n_components must be a positive int; got 0"),
        ({"n_init": 1.5}, "n_init must be a positive int; got 1.5"),
        ({"covariance_type": "ful"}, "Did you mean 'full'"),
        ({"tol": -1.0}, "tol must be 0 or more; got -1.0"),
        ({"reg_covar": -1.0}, "reg_covar must be 0 or more"),
        ({"n_components": 400}, "should be at least the number of clusters, 400"),
    ],
)
def test_bad_settings_say_what_is_expected(settings: dict[str, object], message: str) -> None:
    X, _ = clusters(0)
    with pytest.raises(ValueError, match=message):
        SelfPacedGaussianMixture(**settings).fit(X)  # type: ignore[arg-type]  # on purpose


def test_a_component_with_too_few_samples_is_refused() -> None:
    X = np.zeros((10, 2))
    for shape in ("full", "diag"):
        with pytest.raises(ValueError, match=r"not positive definite.*raise reg_covar"):
            GaussianModel(X, shape, 0.0).fit(np.ones((10, 1)), np.ones(10), None)


@pytest.mark.parametrize("age", [Background, Spheres])
def test_an_infinite_volume_is_refused(age: type[Background] | type[Spheres]) -> None:
    with pytest.raises(ValueError, match="log_volume must be a finite number"):
        age(math.inf)
