import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from selfpaced.age import Quantile, Spheres, Threshold
from selfpaced.chain import Floats, Population
from selfpaced.latent import NotConverged, SelfPacedKMeans
from selfpaced.latent._clusters.kmeans import KMeansModel
from selfpaced.pacing import Constant

NOTHING = torch.tensor(math.inf)


def clusters(seed: int, n_out: int = 0) -> tuple[Floats, NDArray[np.int64]]:
    """Three round clusters of 80 samples in the plane, then uniform outliers, label -1."""
    random = np.random.default_rng(seed)
    y = np.repeat([0, 1, 2, -1], [80, 80, 80, n_out])
    centres = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]])
    X = centres[y[:240]] + random.normal(size=(240, 2))
    return np.concatenate([X, random.uniform(-15, 25, (n_out, 2))]), y


@parametrize_with_checks([SelfPacedKMeans(n_clusters=3, n_init=2)])  # type: ignore[untyped-decorator]  # sklearn: no types
@pytest.mark.filterwarnings("ignore:Skipping check")
def test_the_estimator_keeps_scikit_learns_contract(
    estimator: SelfPacedKMeans, check: Callable[[SelfPacedKMeans], None]
) -> None:
    check(estimator)


@pytest.mark.parametrize("seed", range(4))
def test_kmeans_without_an_age_is_lloyds_algorithm(seed: int) -> None:
    X, _ = clusters(seed, 10)
    first = X[np.random.default_rng(seed).choice(len(X), 3, replace=False)]
    theirs = KMeans(3, algorithm="lloyd", n_init=1, init=first, tol=0).fit(X)
    ours = SelfPacedKMeans(3, init=first, age=None).fit(X)
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-9, atol=1e-9)
    assert ours.labels_.tolist() == theirs.labels_.tolist()
    assert ours.inertia_ == pytest.approx(theirs.inertia_, rel=1e-9)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), rtol=1e-6, atol=1e-6)
    assert ours.score(X) == pytest.approx(theirs.score(X), rel=1e-9)


def test_two_rounds_by_hand() -> None:
    X = np.array([[0.0], [1.0], [5.0], [6.0], [20.0]])
    keep = Threshold(Constant(10.0))
    model = SelfPacedKMeans(2, init=[[0.0], [6.0]], age=keep).fit(X)
    # The first centres are 0.5 and 31/3. The squared distances of 5, 6 and 20 to 31/3 are 28, 19
    # and 93, above the age of 10: all three are left out, and the centre 31/3 stays.
    assert model.outliers_[0] == 4
    assert model.cluster_centers_[0, 0] == pytest.approx(0.5)


def test_the_centre_of_a_cluster_without_kept_samples_stays() -> None:
    X = np.array([[0.0], [2.0], [10.0]])
    model, h = KMeansModel(X, 2), np.array([0, 0, 1])
    w = model.fit(h, np.ones(3), None)
    assert w.centres.ravel().tolist() == [1.0, 10.0]
    later = model.fit(h, np.array([0.0, 1.0, 0.0]), w)
    assert later.centres.ravel().tolist() == [2.0, 10.0]
    assert model.fit(h, np.array([1.0, 1.0, 0.0]), None).centres.ravel().tolist() == [1.0, 1.0]
    assert model.losses(later, h).tolist() == [4.0, 0.0, 0.0]


@pytest.mark.parametrize("seed", range(3))
def test_outliers_are_found_and_clusters_recovered(seed: int) -> None:
    X, y = clusters(seed, 60)
    inside = y >= 0
    ours = SelfPacedKMeans(3, n_init=5, random_state=0).fit(X)
    plain = KMeans(3, n_init=5, random_state=0).fit(X)
    rand = adjusted_rand_score(y[inside], ours.labels_[inside])
    assert rand > adjusted_rand_score(y[inside], plain.labels_[inside]) + 0.1
    found = y[ours.outliers_] == -1
    assert found.mean() > 0.8
    assert found.sum() > 0.8 * 60


@pytest.mark.parametrize("seed", range(3))
def test_few_samples_of_clean_data_are_left_out(seed: int) -> None:
    X, _ = clusters(seed)
    ours = SelfPacedKMeans(3, n_init=3, random_state=0).fit(X)
    plain = KMeans(3, n_init=3, random_state=0).fit(X)
    assert len(ours.outliers_) <= 0.1 * len(X)
    assert adjusted_rand_score(ours.labels_, plain.labels_) > 0.9


def test_a_given_share_is_trimmed() -> None:
    X, y = clusters(0, 60)
    ours = SelfPacedKMeans(3, age=Quantile(Constant(0.8)), n_init=3, random_state=0).fit(X)
    assert len(ours.outliers_) == 60
    assert (y[ours.outliers_] == -1).mean() > 0.8


def test_the_age_of_spheres_finds_variance_and_share() -> None:
    random = np.random.default_rng(0)
    inside = 4.0 * random.chisquare(5, 4000)
    # Uniform over a ball of radius 40 in 5 dimensions.
    out = 1600 * random.uniform(size=1000) ** (2 / 5)
    volume = math.log(math.pi**2.5 / math.gamma(3.5)) + 5 * math.log(40)
    age = Spheres(volume, dims=5, clusters=1)
    squared = np.concatenate([inside, out])
    variance, share = age.fitted(squared)
    assert variance == pytest.approx(4.0, rel=0.03)
    assert share == pytest.approx(0.2, abs=0.01)
    at = float(age(1, Population(torch.from_numpy(squared), None, {}), NOTHING))
    density = math.log1p(-share) - 2.5 * math.log(2 * math.pi * variance) - at / (2 * variance)
    assert density == pytest.approx(math.log(share) - volume, abs=1e-4)


def test_samples_that_equal_their_centres_are_kept() -> None:
    X = np.repeat([[0.0], [5.0]], 4, axis=0)
    model = SelfPacedKMeans(2, random_state=0).fit(X)
    assert sorted(model.cluster_centers_.ravel()) == [0.0, 5.0]
    assert not len(model.outliers_)
    assert model.objective_ == 0


@pytest.mark.parametrize("far", [0.0, 1e7])
def test_a_far_origin_changes_nothing(far: float) -> None:
    X, _ = clusters(0, 10)
    near = SelfPacedKMeans(3, n_init=2, random_state=0).fit(X)
    away = SelfPacedKMeans(3, n_init=2, random_state=0).fit(X + far)
    assert away.labels_.tolist() == near.labels_.tolist()
    assert away.outliers_.tolist() == near.outliers_.tolist()


def test_a_fit_with_too_few_rounds_warns_once() -> None:
    X, _ = clusters(0, 10)
    with pytest.warns(NotConverged, match="best search had not converged after 1 rounds") as seen:
        SelfPacedKMeans(3, n_init=2, max_iter=1, random_state=0).fit(X)
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_clusters": 0}, "n_clusters must be a positive int; got 0"),
        ({"max_iter": True}, "max_iter must be a positive int; got True"),
        ({"tol": math.nan}, "tol must be 0 or more; got nan"),
        ({"n_clusters": 400}, "should be at least the number of clusters, 400"),
        ({"n_clusters": 2, "init": [[0.0]]}, r"init must be centres of shape \(2, 2\); got"),
    ],
)
def test_bad_settings_say_what_is_expected(settings: dict[str, object], message: str) -> None:
    X, _ = clusters(0)
    with pytest.raises(ValueError, match=message):
        SelfPacedKMeans(**settings).fit(X)  # type: ignore[arg-type]  # on purpose
