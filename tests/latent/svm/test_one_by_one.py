"""Methods that take one sample each give the same results as methods that take arrays."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from selfpaced.chain import Floats
from selfpaced.latent import LatentSVM, OneByOne, Search, Stop
from selfpaced.latent.problems import Digits


class Views:
    """``Digits`` for one sample each, by a search over all guesses; h is a tuple of one index."""

    def features(self, x: Floats, y: int, h: tuple[int]) -> Floats:
        blocks = np.zeros((2, x.shape[1] + 1))
        blocks[y] = np.append(x[h[0]], 1.0)
        return blocks.ravel()

    def complete(self, w: Floats, x: Floats, y: int) -> tuple[int]:
        return max(((h,) for h in range(len(x))), key=lambda h: w @ self.features(x, y, h))

    def most_violated(self, w: Floats, x: Floats, y: int) -> tuple[int, tuple[int]]:
        guesses = [(g, (h,)) for g in (0, 1) for h in range(len(x))]
        return max(guesses, key=lambda one: (one[0] != y) + w @ self.features(x, *one))

    def loss(self, y: int, guess: int) -> float:
        return float(y != guess)

    def predict(self, w: Floats, x: Floats) -> tuple[int, tuple[int]]:
        guesses = [(g, (h,)) for g in (0, 1) for h in range(len(x))]
        return max(guesses, key=lambda one: w @ self.features(x, *one))

    def start(self, x: Floats, y: int, random: np.random.Generator) -> tuple[int]:
        return (int(random.integers(len(x))),)


def data(n: int = 30) -> tuple[Floats, NDArray[np.int64]]:
    random = np.random.default_rng(0)
    y = random.integers(2, size=n)
    x = random.normal(size=(n, 3, 2))
    x[np.arange(n), random.integers(3, size=n)] += 2.0 * (2 * y[:, None] - 1)
    return x, y


def test_a_search_over_single_samples_equals_one_over_arrays() -> None:
    x, y = data()
    h = np.random.default_rng(1).integers(3, size=len(y))
    cccp = Search(age=None, stop=Stop(0.01))
    fast = LatentSVM(Digits(), C=10.0, search=cccp).fit(x, y, h)
    start = np.fromiter(((int(one),) for one in h), dtype=object)
    slow = LatentSVM(OneByOne(Views()), C=10.0, search=cccp).fit(list(x), list(y), start)
    assert slow.objective_ == pytest.approx(fast.objective_)
    assert slow.coef_ == pytest.approx(fast.coef_)
    assert [one[0] for one in slow.latent_] == fast.latent_.tolist()
    assert slow.predict(x).tolist() == fast.predict(x).tolist()
    assert slow.score(x, list(y)) == fast.score(x, y)


def test_each_method_equals_that_of_the_arrays() -> None:
    x, y = data(8)
    one, many, random = OneByOne(Views()), Digits(), np.random.default_rng(2)
    w, c = random.normal(size=6), random.normal(size=8)
    each, labels = one.read(x), one.read_labels(y)
    h = one.start(each, labels, random)
    places = np.array([place for (place,) in h])
    assert one.features(each, labels, h) == pytest.approx(many.features(x, y, places))
    assert one.score(w, each, labels, h) == pytest.approx(many.score(w, x, y, places))
    assert one.joint(c, each, labels, h) == pytest.approx(many.joint(c, x, y, places))
    assert one.joint(np.zeros(8), each, labels, h).tolist() == [0.0] * 6
    guess, expected = one.most_violated(w, each, labels), many.most_violated(w, x, y)
    assert guess.y.tolist() == expected.y.tolist()
    assert one.loss(labels, guess.y).tolist() == many.loss(y, expected.y).tolist()


def test_features_of_samples_without_weight_are_not_computed() -> None:
    class Counting(Views):
        asked = 0

        def features(self, x: Floats, y: int, h: tuple[int]) -> Floats:
            Counting.asked += 1
            return super().features(x, y, h)

    x, y = data(8)
    problem = OneByOne(Counting())
    h = np.fromiter(((0,) for _ in y), dtype=object)
    problem.joint(np.eye(8)[3], list(x), problem.read_labels(y), h)
    assert Counting.asked == 1


def test_labels_may_be_sequences() -> None:
    labels = OneByOne(Views()).read_labels([(1, 2), (3, 4)])
    assert labels.shape == (2,)
    assert labels[0] == (1, 2)


def test_bad_problems_say_what_to_do() -> None:
    class Cut:
        features = complete = loss = start = Views.features

    bad: Any = Cut()
    with pytest.raises(TypeError, match="Cut lacks most_violated, predict"):
        OneByOne(bad)

    class Matrix(Views):
        def features(self, x: Floats, y: int, h: tuple[int]) -> Floats:
            return super().features(x, y, h)[None]

    class Ragged(Views):
        def features(self, x: Floats, y: int, h: tuple[int]) -> Floats:
            return np.ones(2 + y)

    x, y = map(list, data(8))
    labels, h = OneByOne(Views()).read_labels(y), np.fromiter(((0,) for _ in y), dtype=object)
    with pytest.raises(ValueError, match=r"features must return one vector, shape \(d,\); got sh"):
        OneByOne(Matrix()).features(x, labels, h)
    with pytest.raises(ValueError, match=r"vectors of one length; got lengths \[2, 3\]"):
        OneByOne(Ragged()).features(x, labels, h)
    with pytest.raises(ValueError, match="there are 8 inputs and 7 labels"):
        LatentSVM(OneByOne(Views())).fit(x, y[:7])
