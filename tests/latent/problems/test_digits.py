"""Turned images, and the argmaxes over classes and angles."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from selfpaced.chain import Floats
from selfpaced.latent import LatentSVM, Search, Stop
from selfpaced.latent.problems import Digits, Rotated
from selfpaced.latent.problems._digits import ANGLES, turned


def phi(n_classes: int, views: Floats, y: int, h: int) -> Floats:
    """One block per class: the features at angle h, and a 1."""
    blocks = [np.append(views[h], 1.0) * (k == y) for k in range(n_classes)]
    return np.concatenate(blocks)


@pytest.mark.parametrize("seed", range(10))
def test_features_and_argmaxes_equal_a_search_over_all_guesses(seed: int) -> None:
    random = np.random.default_rng(seed)
    n, angles, k, classes = 5, int(random.integers(1, 5)), 3, int(random.integers(2, 4))
    problem, x = Digits(classes), random.normal(size=(n, angles, k))
    y, h = random.integers(classes, size=n), random.integers(angles, size=n)
    w, c = random.normal(size=classes * (k + 1)), random.normal(size=n)
    slow = np.array([phi(classes, *one) for one in zip(x, y, h, strict=True)])
    assert np.array_equal(problem.features(x, y, h), slow)
    assert problem.score(w, x, y, h) == pytest.approx(slow @ w)
    assert problem.joint(c, x, y, h) == pytest.approx(c @ slow)
    everything = [(g, a) for g in range(classes) for a in range(angles)]
    guess, predicted = problem.most_violated(w, x, y), problem.predict(w, x)
    for i in range(n):
        scores = {(g, a): w @ phi(classes, x[i], g, a) for g, a in everything}
        violated = {(g, a): s + (g != y[i]) for (g, a), s in scores.items()}
        of_truth = {a: s for (g, a), s in scores.items() if g == y[i]}
        assert (guess.y[i], guess.h[i]) == max(violated, key=lambda one: violated[one])
        assert (predicted.y[i], predicted.h[i]) == max(scores, key=lambda one: scores[one])
        assert problem.complete(w, x, y)[i] == max(of_truth, key=lambda a: of_truth[a])


def test_the_loss_is_0_for_the_right_class_and_1_for_others() -> None:
    assert Digits().loss(np.array([0, 1, 1]), np.array([0, 0, 1])).tolist() == [0.0, 1.0, 0.0]


def test_a_search_starts_from_the_given_angle_or_from_random_ones() -> None:
    x, y = np.zeros((300, 11, 2)), np.zeros(300, dtype=np.int64)
    named = Digits(first=ANGLES.index(0.0)).start(x, y, np.random.default_rng(0))
    assert set(named.tolist()) == {5}
    assert set(Digits().start(x, y, np.random.default_rng(0)).tolist()) == set(range(11))


def test_a_turn_is_counterclockwise_about_the_middle() -> None:
    images = np.random.default_rng(0).random((3, 6, 6))
    assert turned(images, 0.0).reshape(3, 6, 6) == pytest.approx(images)
    assert turned(images, 90.0).reshape(3, 6, 6) == pytest.approx(np.rot90(images, axes=(1, 2)))
    assert turned(images, -90.0).reshape(3, 6, 6) == pytest.approx(np.rot90(images, 3, (1, 2)))


def test_pixels_from_outside_the_image_are_0() -> None:
    corner = turned(np.ones((1, 9, 9)), 45.0).reshape(9, 9)
    assert corner[0, 0] == 0.0
    assert corner[4, 4] == pytest.approx(1.0)


def test_components_are_fitted_to_the_images_without_a_turn() -> None:
    images = load_digits().data[:200]
    ours = Rotated(4, angles=(-24.0, 0.0)).fit(images)
    pca = PCA(4, svd_solver="full").fit(images)
    signs = np.sign((ours.components_ * pca.components_).sum(1))
    found = ours.transform(images)
    assert found.shape == (200, 2, 4)
    assert found[:, 1] == pytest.approx(pca.transform(images) * signs, abs=1e-8)
    back = turned(images.reshape(-1, 8, 8), -24.0)
    assert found[:, 0] == pytest.approx(pca.transform(back) * signs, abs=1e-8)
    assert ours.transform(images.reshape(-1, 8, 8)) == pytest.approx(found)
    assert (ours.components_.max(1) == np.abs(ours.components_).max(1)).all()


def test_latent_angles_lower_the_error_on_turned_digits() -> None:
    data = load_digits()
    few = np.flatnonzero(np.isin(data.target, (1, 7)))
    y, images = (data.target[few] == 7).astype(np.int64), data.images[few]
    way = np.random.default_rng(0).choice([-40.0, 0.0, 40.0], len(few))
    for angle in (-40.0, 40.0):
        images[way == angle] = turned(images[way == angle], angle).reshape(-1, 8, 8)
    train, test = slice(0, 240), slice(240, None)
    cccp = Search(age=None, stop=Stop(0.05, min_outer=3))

    def wrong(*angles: float) -> float:
        svm = LatentSVM(Digits(first=len(angles) // 2), C=25.0, search=cccp)
        model = make_pipeline(clone(Rotated(6, angles)), svm)
        return 1 - float(model.fit(images[train] / 16, y[train]).score(images[test] / 16, y[test]))

    assert wrong(-40.0, 0.0, 40.0) < wrong(0.0) / 2  # 4 % and 17 %


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: Digits(1), ValueError, "n_classes must be 2 or more; got 1"),
        (lambda: Digits("2"), TypeError, "n_classes must be a positive int"),  # type: ignore[arg-type]  # on purpose
        (
            lambda: Digits(first=-1),
            ValueError,
            "first must be an index of 0 or more, or None; got -1",
        ),
        (lambda: Digits(first=0.5), TypeError, "first must be an int or None; got 0.5"),  # type: ignore[arg-type]  # on purpose
        (lambda: Digits().read(np.zeros((4, 9))), ValueError, r"got shape \(4, 9\). Rotated\(\)"),
        (lambda: Digits().read([[[np.nan]]]), ValueError, "the features must be finite"),
        (lambda: Rotated().fit(np.zeros((20, 10))), ValueError, r"square images.*got \(20, 10\)"),
        (lambda: Rotated().fit(np.zeros((0, 9))), ValueError, r"square images.*got \(0, 9\)"),
        (lambda: Rotated().fit(np.full((20, 16), np.inf)), ValueError, "pixels must be finite"),
        (lambda: Rotated(10).fit(np.zeros((5, 16))), ValueError, "got 5 images of 16 pixels"),
        (lambda: Rotated(2.0).fit(np.zeros((5, 16))), TypeError, "n_components must be a"),  # type: ignore[arg-type]  # on purpose
        (
            lambda: Rotated(2).fit(np.eye(16)).transform(np.zeros((1, 9))),
            ValueError,
            "fitted to images of 16 pixels; got 9",
        ),
    ],
)
def test_bad_images_and_settings_say_what_to_do(make: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        make()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([2, 7], "ints 0 to 1, with images of each; got"),
        ([0, 0], "ints 0 to 1, with images of each; got"),
        ([0.0, 1.0], "ints 0 to 1"),
        ([0, 1, 1], "there are 2 images and 3 labels"),
    ],
)
def test_bad_labels_say_what_to_do(y: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LatentSVM(Digits()).fit(np.zeros((2, 3, 1)), np.array(y))


def test_a_first_angle_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="first=3 must be below the number of latent values, 3"):
        LatentSVM(Digits(first=3)).fit(np.zeros((2, 3, 1)), np.array([0, 1]))
