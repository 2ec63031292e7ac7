"""The cutting planes reach the optimum, and bound how far they are from it."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from selfpaced.chain import Floats
from selfpaced.latent import NotConverged
from selfpaced.latent._svm.cutting_plane import Bundle, Cut, minimise, multipliers


class Hinge:
    """A linear SVM without bias: R(w) = C / n sum max(0, 1 - y x . w)."""

    def __init__(self, seed: int = 0, n: int = 80, d: int = 6, C: float = 20.0) -> None:
        random = np.random.default_rng(seed)
        x = random.normal(size=(n, d))
        y = np.sign(x[:, 0] + 0.7 * random.normal(size=n))
        self.yx, self.c, self.d = y[:, None] * x, C / n, d
        self.asked = 0

    def cut(self, guess: NDArray[np.bool_]) -> Cut[Any]:
        return Cut(self.c * guess @ self.yx, self.c * guess.sum(), guess)

    def at(self, w: Floats) -> Cut[Any]:
        self.asked += 1
        return self.cut(self.yx @ w < 1)

    def P(self, w: Floats) -> float:
        return float(w @ w / 2 + self.c * np.maximum(0, 1 - self.yx @ w).sum())

    def least(self) -> float:
        """The minimum of P, by its dual, which is smooth."""
        gram, n = self.yx @ self.yx.T, len(self.yx)
        done = minimize(
            lambda a: (a @ gram @ a / 2 - a.sum(), gram @ a - 1),
            np.zeros(n),
            jac=True,
            bounds=[(0, self.c)] * n,
            method="L-BFGS-B",
            options={"maxiter": 20_000, "ftol": 1e-15, "gtol": 1e-10},
        )
        return float(-done.fun)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tol", [1.0, 1e-2, 1e-5])
def test_the_minimum_is_reached_to_within_the_tolerance(seed: int, tol: float) -> None:
    hinge = Hinge(seed)
    found = minimise(hinge.at, [], np.zeros(6), tol=tol, max_iter=2000)
    assert found.gap <= tol
    assert -1e-7 <= hinge.P(found.w) - hinge.least() <= found.gap + 1e-7


def test_the_cuts_of_a_solution_speed_up_a_similar_problem() -> None:
    first, similar = Hinge(0), Hinge(0)
    similar.c *= 1.05
    found = minimise(first.at, [], np.zeros(6), tol=1e-3, max_iter=2000)
    again = minimise(similar.at, map(similar.cut, found.cuts), found.w, tol=1e-3, max_iter=2000)
    assert similar.P(again.w) - similar.least() <= 1e-3
    assert again.iterations < found.iterations / 2
    assert found.iterations == first.asked


def test_the_same_problem_takes_one_iteration() -> None:
    hinge = Hinge(1)
    found = minimise(hinge.at, [], np.zeros(6), tol=1e-3, max_iter=2000)
    again = minimise(hinge.at, map(hinge.cut, found.cuts), found.w, tol=1e-3, max_iter=2000)
    assert again.iterations == 1
    assert np.array_equal(again.w, found.w)


def test_a_solver_that_reaches_its_limit_warns_with_the_gap() -> None:
    hinge = Hinge()
    with pytest.warns(NotConverged, match="stopped after 3 iterations with a gap of .*was 1e-06"):
        found = minimise(hinge.at, [], np.zeros(6), tol=1e-6, max_iter=3)
    assert found.iterations == 3
    assert hinge.P(found.w) - hinge.least() <= found.gap


def test_a_problem_without_losses_has_its_minimum_at_0() -> None:
    found = minimise(lambda w: Cut(0 * w, 0.0, None), [], np.ones(4), tol=1e-6, max_iter=50)
    assert np.abs(found.w).max() < 1e-2
    assert found.gap <= 1e-6


def test_multipliers_minimise_the_dual() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(7, 3)), random.random(7)
    alpha = multipliers(a @ a.T, b)
    assert alpha.min() >= 0
    assert alpha.sum() <= 1 + 1e-12
    slope = a @ (alpha @ a) - b  # at the optimum the least slope is where the multipliers are
    least = min(slope.min(), 0.0)
    assert slope[alpha > 1e-6] == pytest.approx(np.full((alpha > 1e-6).sum(), least), abs=1e-6)


def test_multipliers_of_equal_and_tiny_cuts_are_exact() -> None:
    gram, b = np.full((3, 3), 1e-14), np.full(3, 1e-7)
    alpha = multipliers(gram, b)
    assert alpha.sum() == pytest.approx(1.0)


def test_cuts_that_stay_without_a_multiplier_are_dropped() -> None:
    bundle: Bundle[int] = Bundle(2)
    bundle.add(Cut(np.array([0.0, 1.0]), 1.0, 0))
    bundle.add(Cut(np.array([0.0, 1.0]), 0.1, 1))  # never above the first
    for _ in range(30):
        bundle.minimum()
    assert bundle.guesses == [0] == list(bundle.active())
    assert bundle.gram.shape == (1, 1)
