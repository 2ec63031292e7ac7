import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from selfpaced.age import EachView, Quantile, Threshold, Usual
from selfpaced.age._usual import usual
from selfpaced.chain import Floats, Population
from selfpaced.latent import MultiViewSelfPacedClustering, NotConverged
from selfpaced.latent._clusters.views import ManyViewsModel, ViewCentres, nearest
from selfpaced.pacing import Constant, Ramp
from selfpaced.weighting import Hard, Logistic


def two_views(seed: int, noise: float) -> tuple[list[Floats], NDArray[np.int64], NDArray[np.bool]]:
    """Three clusters of 300 samples; some samples are noise in the first view."""
    random = np.random.default_rng(seed)
    y = random.integers(3, size=300)
    views = [2 * random.normal(size=(3, 4))[y] + random.normal(size=(300, 4)) for _ in range(2)]
    bad = random.random(300) < noise
    views[0][bad] = random.uniform(-10, 10, (int(bad.sum()), 4))
    return views, y, bad


def unit(view: Floats) -> Floats:
    away = view - view.mean(axis=0)
    return np.asarray(away / np.sqrt((away**2).sum(axis=1).mean()))


def test_without_an_age_it_is_kmeans_on_the_columns_of_all_views() -> None:
    views, _, _ = two_views(0, 0.1)
    ours = MultiViewSelfPacedClustering(3, age=None, n_init=4, random_state=0).fit(views)
    joined = np.hstack([unit(view) for view in views])
    theirs = KMeans(3, n_init=4, random_state=0).fit(joined)
    assert adjusted_rand_score(ours.labels_, theirs.labels_) == 1
    assert ours.objective_ == pytest.approx(10 * theirs.inertia_, rel=1e-9)
    assert (ours.view_weights_ == 1).all()
    assert ours.predict(views).tolist() == ours.labels_.tolist()
    for view, centres in zip(views, ours.cluster_centers_, strict=True):
        means = [view[ours.labels_ == k].mean(axis=0) for k in range(3)]
        np.testing.assert_allclose(centres, means, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_noise_in_a_view_has_a_low_weight_in_that_view_only(seed: int) -> None:
    views, y, bad = two_views(seed, 0.3)
    ours = MultiViewSelfPacedClustering(3, n_init=4, random_state=0).fit(views)
    plain = MultiViewSelfPacedClustering(3, age=None, n_init=4, random_state=0).fit(views)
    first, other = ours.view_weights_
    assert first[bad].mean() < 0.15 < 0.85 < first[~bad].mean()
    assert other[bad].mean() == pytest.approx(other[~bad].mean(), abs=0.15)
    assert adjusted_rand_score(y, ours.labels_) > adjusted_rand_score(y, plain.labels_) + 0.05
    assert ours.difficulty_.shape == ours.view_weights_.shape == (2, 300)


def test_weights_are_those_of_the_paper() -> None:
    views, _, _ = two_views(0, 0.3)
    age = 4.0
    ours = MultiViewSelfPacedClustering(3, age=Threshold(Constant(age)), n_init=1, random_state=0)
    ours.fit(views)
    smooth = (1 + math.exp(-age)) / (1 + np.exp(ours.difficulty_ - age))
    np.testing.assert_allclose(ours.view_weights_, smooth, atol=0.02)


def test_labels_depend_on_the_weights_or_on_all_views_if_all_weights_are_0() -> None:
    squared = np.array([[[0.0, 9.0], [0.0, 9.0], [0.0, 9.0]], [[4.0, 0.0], [4.0, 0.0], [4.0, 0.0]]])
    v = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    assert nearest(squared, v).tolist() == [0, 1, 0]


def test_centres_are_weighted_means_view_by_view() -> None:
    views = (np.array([[0.0], [2.0], [9.0]]), np.array([[1.0], [5.0], [7.0]]))
    model, h = ManyViewsModel(views, 2), np.array([0, 0, 1])
    w = model.fit(h, np.array([1.0, 1.0, 1.0, 3.0, 1.0, 1.0]), None)
    assert [c.ravel().tolist() for c in w.centres] == [[1.0, 9.0], [2.0, 7.0]]
    assert model.losses(w, h).tolist() == [1.0, 1.0, 0.0, 1.0, 9.0, 0.0]
    assert model.columns["view"].tolist() == [0, 0, 0, 1, 1, 1]
    without = model.fit(h, np.array([1.0, 1.0, 0.0, 1.0, 1.0, 1.0]), w)
    assert without.centres[0].ravel().tolist() == [1.0, 9.0], "the centre of an empty cluster stays"


def test_a_step_never_raises_the_weighted_loss() -> None:
    views, _, _ = two_views(1, 0.3)
    model = ManyViewsModel(tuple(views), 3)
    random = np.random.default_rng(0)
    v, h = random.uniform(size=len(model)), random.integers(3, size=300)
    w: ViewCentres | None = None
    seen = []
    for _ in range(10):
        w = model.fit(h, v, w)
        seen.append(v @ model.losses(w, h))
        h = model.impute(w)
        seen.append(v @ model.losses(w, h))
    assert (np.diff(seen) <= 1e-9).all()


def test_each_view_has_its_own_age() -> None:
    loss, view = torch.tensor([1.0, 2.0, 10.0, 20.0]), torch.tensor([0, 0, 1, 1])
    nothing = torch.full((2,), math.inf)
    age = EachView(Constant(0.5))(1, Population(loss, None, {"view": view}), nothing)
    assert age.tolist() == [2.0, 20.0]


@pytest.mark.parametrize("seed", range(3))
def test_clean_views_keep_nearly_all_weight(seed: int) -> None:
    views, y, _ = two_views(seed, 0.0)
    ours = MultiViewSelfPacedClustering(3, n_init=4, random_state=0).fit(views)
    plain = MultiViewSelfPacedClustering(3, age=None, n_init=4, random_state=0).fit(views)
    assert ours.view_weights_.mean() > 0.95
    assert adjusted_rand_score(y, ours.labels_) > adjusted_rand_score(y, plain.labels_) - 0.02


@pytest.mark.parametrize("freedom", [2, 5, 64])
def test_usual_leaves_out_one_in_a_hundred_of_a_chi_square(freedom: int) -> None:
    loss = np.random.default_rng(0).chisquare(freedom, 20_000)
    assert (loss >= usual(loss, 2.5)).mean() == pytest.approx(0.01, abs=0.004)


def test_usual_finds_many_outliers() -> None:
    random = np.random.default_rng(0)
    loss = np.concatenate([random.chisquare(5, 700), random.uniform(60, 90, 300)])
    assert 15 < usual(loss, 2.5) < 25
    view = torch.tensor([0] * 700 + [1] * 300)
    nothing = torch.full((2,), math.inf)
    age = Usual()(1, Population(torch.from_numpy(loss), None, {"view": view}), nothing)
    assert (age > torch.tensor([15.0, 60.0])).all()
    assert usual(np.ones(10), 2.5) == math.inf


def test_usual_refuses_negative_losses_and_a_limit_of_0() -> None:
    with pytest.raises(ValueError, match=r"limit must be a number above 0; got 0\.0"):
        Usual(0.0)
    with pytest.raises(ValueError, match="losses of 0 or more, squared distances; got -1"):
        Usual(by=None)(1, Population(torch.tensor([-1.0]), None, {}), torch.tensor(math.inf))


def test_hard_weights_keep_the_share_in_each_view() -> None:
    views, _, _ = two_views(0, 0.3)
    ours = MultiViewSelfPacedClustering(
        3, age=Quantile(Constant(0.8), by="view"), weighting=Hard(), n_init=2, random_state=0
    ).fit(views)
    assert ours.view_weights_.sum(axis=1).tolist() == [240.0, 240.0]


def test_with_a_final_share_of_1_all_weights_end_at_1() -> None:
    views, _, _ = two_views(0, 0.0)
    ours = MultiViewSelfPacedClustering(
        3, age=EachView(Ramp(0.5, 1.0, 4)), weighting=Logistic(), n_init=2, random_state=0
    ).fit(views)
    assert (ours.view_weights_ == 1).all()
    assert ours.history_[0].kept_share == 1
    assert any(isinstance(row.age, tuple) and max(row.age) < math.inf for row in ours.history_)


def test_the_unit_of_a_view_changes_nothing() -> None:
    views, _, _ = two_views(0, 0.2)
    near = MultiViewSelfPacedClustering(3, n_init=2, random_state=0).fit(views)
    far = MultiViewSelfPacedClustering(3, n_init=2, random_state=0)
    far.fit([1000 * views[0] + 3, views[1]])
    assert far.labels_.tolist() == near.labels_.tolist()
    np.testing.assert_allclose(far.view_weights_, near.view_weights_, atol=1e-6)
    again = clone(far).fit(views)
    assert again.labels_.tolist() == near.labels_.tolist()


def test_new_samples_get_their_labels_from_the_views_without_outliers() -> None:
    views, _, bad = two_views(2, 0.3)
    ours = MultiViewSelfPacedClustering(3, n_init=4, random_state=0).fit(views)
    spoiled = [views[0].copy(), views[1]]
    spoiled[0][~bad] = 50.0
    nearest = ((views[1][:, None] - ours.cluster_centers_[1]) ** 2).sum(axis=2).argmin(axis=1)
    assert ours.predict(spoiled)[~bad].tolist() == nearest[~bad].tolist()
    assert (ours.predict(views) == ours.labels_).mean() > 0.95


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_clusters": 0}, "n_clusters must be a positive int; got 0"),
        ({"scale": 0.0}, "scale must be a number above 0; got 0.0"),
        ({"tol": math.inf}, "tol must be 0 or more; got inf"),
        ({"n_clusters": 400}, "should be at least the number of clusters, 400"),
    ],
)
def test_bad_settings_say_what_is_expected(settings: dict[str, object], message: str) -> None:
    views, _, _ = two_views(0, 0.0)
    with pytest.raises(ValueError, match=message):
        MultiViewSelfPacedClustering(**settings).fit(views)  # type: ignore[arg-type]  # on purpose


def test_bad_views_say_what_is_expected() -> None:
    views, _, _ = two_views(0, 0.0)
    model = MultiViewSelfPacedClustering(3, n_init=1, random_state=0)
    with pytest.raises(TypeError, match="takes a list of arrays, one per view; got"):
        model.fit(views[0])  # type: ignore[arg-type]  # on purpose
    with pytest.raises(ValueError, match="give at least one view"):
        model.fit([])
    with pytest.raises(
        ValueError, match=r"have the same samples, in the same order; got \[300, 299\]"
    ):
        model.fit([views[0], views[1][1:]])
    with pytest.raises(ValueError, match="in view 1 all samples are equal"):
        model.fit([views[0], np.ones((300, 2))])
    with pytest.raises(ValueError, match=r"views have \[4\] columns; fit had \[4, 4\]"):
        model.fit(views).predict(views[:1])


def test_a_fit_with_too_few_rounds_warns() -> None:
    views, _, _ = two_views(0, 0.3)
    with pytest.warns(NotConverged, match="had not converged after 2 rounds"):
        MultiViewSelfPacedClustering(3, n_init=2, max_iter=2, random_state=0).fit(views)
