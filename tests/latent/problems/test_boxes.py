from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from selfpaced.chain import Floats
from selfpaced.latent import LatentSVM, Search
from selfpaced.latent.problems import Boxes, Gradients
from selfpaced.latent.problems._boxes import cluttered, overlap, pixels

CLASSES = (0, 1, 7)


def window(image: Floats, row: int, column: int, size: int, cell: int) -> Floats:
    """The means of the cells of a box, scaled to length 1."""
    cells = [
        image[row + i : row + i + cell, column + j : column + j + cell].mean()
        for i in range(0, size, cell)
        for j in range(0, size, cell)
    ]
    return np.asarray(np.array(cells) / np.linalg.norm(cells))


@pytest.mark.parametrize(("size", "stride", "cell"), [(3, 1, 1), (4, 1, 2), (4, 3, 4), (2, 2, 1)])
def test_the_features_of_a_box_are_the_means_of_its_cells(
    size: int, stride: int, cell: int
) -> None:
    images = np.random.default_rng(0).random((2, 7, 9))
    problem = Boxes(size=size, stride=stride, cell=cell)
    found = problem.read(images)
    corners = [
        (r, c) for r in range(0, 8 - size, stride) for c in range(0, 10 - size, stride)
    ]  # row by row
    slow = [[window(image, r, c, size, cell) for r, c in corners] for image in images]
    assert found == pytest.approx(np.array(slow))
    every = np.arange(len(corners))
    assert problem.corners(every, images).tolist() == [list(corner) for corner in corners]


def test_the_features_of_a_box_are_those_of_each_map_in_order() -> None:
    images = np.random.default_rng(0).random((1, 6, 6))
    maps = Gradients(3)
    both = Boxes(size=4, cell=2, maps=maps).read(images)[0, 4]  # the middle one of 3 x 3
    each = maps(images)[0, :, 1:5, 1:5].reshape(3, 2, 2, 2, 2).mean(axis=(2, 4)).ravel()
    assert both == pytest.approx(each / np.linalg.norm(each))


def test_a_box_without_any_grey_value_has_features_of_0() -> None:
    assert not Boxes(size=2).read(np.zeros((1, 3, 3))).any()


def test_gradients_give_the_direction_of_an_edge_but_not_its_sign() -> None:
    edge = np.zeros((8, 8))
    edge[:, 4:] = 1.0
    strength = [Gradients(4)(image[None])[0].sum(axis=(1, 2)) for image in (edge, -edge, edge.T)]
    assert strength[0].tolist() == strength[1].tolist() == [8.0, 0.0, 0.0, 0.0]
    assert strength[2].tolist() == [0.0, 0.0, 8.0, 0.0]
    slope = np.add.outer(np.arange(8.0), 2 * np.arange(8.0))  # between two directions
    shared = Gradients(4)(slope[None])[0, :, 4, 4]
    assert shared.sum() == pytest.approx(5**0.5)
    assert shared[0] > 0 < shared[1] and shared[2] == shared[3] == 0


@pytest.mark.parametrize("seed", range(5))
def test_the_argmaxes_equal_a_search_over_all_classes_and_boxes(seed: int) -> None:
    random = np.random.default_rng(seed)
    problem, images = Boxes(3, size=3, stride=2), random.random((4, 6, 8))
    x, y = problem.read(images), random.integers(3, size=4)
    w = random.normal(size=3 * (9 + 1))
    boxes = range(x.shape[1])
    violated, predicted = problem.most_violated(w, x, y), problem.predict(w, x)
    completed = problem.complete(w, x, y)
    for i in range(4):
        corners = problem.corners(np.array(boxes), images).tolist()
        score = {
            (k, h): w[10 * k : 10 * k + 9] @ window(images[i], row, column, 3, 1) + w[10 * k + 9]
            for k in range(3)
            for h, (row, column) in enumerate(corners)
        }
        assert (predicted.y[i], predicted.h[i]) == max(score, key=lambda one: score[one])
        assert completed[i] == max(boxes, key=lambda h: score[y[i], h])
        with_loss = {(k, h): s + (k != y[i]) for (k, h), s in score.items()}
        assert (violated.y[i], violated.h[i]) == max(with_loss, key=lambda one: with_loss[one])


def digits(part: slice, seed: int) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Cluttered digits, their classes, and the corners of their boxes."""
    found = load_digits()
    chosen = np.isin(found.target, CLASSES)
    objects = found.images[chosen][part] / 16
    y = np.searchsorted(CLASSES, found.target[chosen][part])
    images, corners = cluttered(objects, 12, pieces=4, piece=3, random_state=seed)
    return images, y, corners


@pytest.mark.parametrize("search", [Search(age=None), Search()], ids=["plain", "paced"])
def test_objects_are_found_without_labeled_boxes(search: Search) -> None:
    images, y, corners = digits(slice(150), 0)
    problem = Boxes(len(CLASSES), cell=2, maps=Gradients())
    model = LatentSVM(problem, C=30.0, eps=1e-2, search=search, random_state=0)
    model.fit(images, y)
    assert (overlap(problem.corners(model.latent_, images), corners, 8) >= 0.5).mean() > 0.9
    others, labels, truth = digits(slice(150, 350), 1)
    found = problem.corners(model.predict_latent(others), others)
    at_random = np.random.default_rng(0).integers(5, size=truth.shape)
    assert (overlap(at_random, truth, 8) >= 0.5).mean() < 0.5
    assert (overlap(found, truth, 8) >= 0.5).mean() > 0.9
    assert model.score(others, labels) > 0.95


def test_objects_lie_over_the_clutter() -> None:
    objects = np.random.default_rng(0).random((50, 5, 4)) + 1
    images, corners = cluttered(objects, 9, pieces=3, piece=2, random_state=0)
    for image, (row, column), one in zip(images, corners, objects, strict=True):
        assert (image[row : row + 5, column : column + 4] == one).all()
    outside = (images > 0).sum(axis=(1, 2)) - 20
    assert (outside <= 3 * 4).all() and (outside > 0).any()
    assert set(corners[:, 0]) == set(range(5)) and set(corners[:, 1]) == set(range(6))
    again = cluttered(objects, 9, pieces=3, piece=2, random_state=0)
    assert (again.images == images).all()


def test_overlap_is_intersection_over_union() -> None:
    a, b = np.array([[0, 0], [2, 3], [0, 0]]), np.array([[1, 2], [2, 3], [0, 4]])
    assert overlap(a, b, 4) == pytest.approx([6 / 26, 1.0, 0.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Boxes(size=8, cell=3), "cells of 3 pixels do not fill a box of 8"),
        (lambda: Boxes(size=0), "Boxes: size must be a positive int; got 0"),
        (lambda: Gradients(0), "Gradients: directions must be a positive int; got 0"),
        (lambda: Boxes().read(np.zeros((2, 64))), r"got shape \(2, 64\)"),
        (lambda: Boxes().read(np.zeros((2, 9, 7))), "of 8 pixels or more a side"),
        (lambda: Boxes(size=2).read(np.full((1, 3, 3), np.nan)), "must be finite numbers"),
        (
            lambda: Boxes(size=2, maps=lambda x: x[:, None, :, :-1]).read(np.zeros((1, 3, 3))),
            r"maps must have shape \(n, c, H, W\); got \(1, 1, 3, 2\)",
        ),
        (lambda: Gradients(1), "Gradients: directions must be 2 or more; got 1"),
        (
            lambda: Boxes(size=2, maps=lambda images: images).read(np.zeros((1, 3, 3))),
            r"maps must have shape \(n, c, H, W\); got \(1, 3, 3\)",
        ),
        (lambda: cluttered(np.zeros((1, 8, 8)), 7), "of 4 to 7 pixels a side"),
        (lambda: cluttered(np.zeros((1, 3, 3)), 9), "of 4 to 9 pixels a side"),
    ],
)
def test_bad_images_say_what_to_do(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_every_class_needs_images() -> None:
    problem = Boxes(3, size=2)
    with pytest.raises(ValueError, match="labels must be the ints 0 to 2"):
        LatentSVM(problem).fit(np.zeros((2, 3, 3)), [0, 1])


def test_pixels_are_one_map() -> None:
    assert pixels(np.zeros((2, 3, 4))).shape == (2, 1, 3, 4)
