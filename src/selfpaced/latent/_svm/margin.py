"""A latent SVM with margin rescaling as a latent variable model."""

from typing import Generic, TypeVar

import numpy as np

from selfpaced._errors import require
from selfpaced.chain import Floats
from selfpaced.latent._svm.cutting_plane import Cut, Solution, minimise
from selfpaced.latent._svm.structure import Guess, Structure

X = TypeVar("X")
Y = TypeVar("Y")
H = TypeVar("H")

# A guess may score less than the truth by this share of the score; that is rounding error.
ROUNDING = 1e-6


class Margin(Generic[X, Y, H]):
    """The latent model with r(w) = |w|^2 / 2 and f_i = (C / n) xi_i.

    xi_i = max over (y', h') of [Delta(y_i, y') + w . Phi(x_i, y', h')] - w . Phi(x_i, y_i, h_i)

    The parameters are a ``Solution``: w and the guesses of its active cuts. The next fit computes
    the cuts of these guesses for its own latent values and weights, and starts from them.

    Args:
        problem: Features and argmaxes.
        x: Inputs, as the problem reads them.
        y: Labels.
        n: Number of samples.
        C: Weight of the losses against the regulariser; above 0.
        eps: Precision of a fit, as a share of C.
        max_iter: Most cutting planes in one fit.

    Raises:
        ValueError: If the problem returns an array of another shape, or a most violated guess that
            scores less than the truth.
    """

    def __init__(
        self,
        problem: Structure[X, Y, H],
        x: X,
        y: Y,
        n: int,
        *,
        C: float,
        eps: float = 1e-3,
        max_iter: int = 5000,
    ) -> None:
        """Store the problem, its samples and the settings."""
        self.problem, self.x, self.y, self.n = problem, x, y, n
        self.C, self.tolerance, self.max_iter = C, C * eps, max_iter

    def __len__(self) -> int:
        """Return n."""
        return self.n

    def impute(self, w: "Solution[Guess[Y, H]]") -> H:
        """Return the latent values of highest score for the labels."""
        h = self.problem.complete(w.w, self.x, self.y)
        self.require_one_per_sample(h, "complete")
        return h

    def losses(self, w: "Solution[Guess[Y, H]]", h: H) -> Floats:
        """Return (C / n) xi, shape (n,)."""
        guess = self._most_violated(w.w)
        truth = self._score(w.w, self.y, h)
        found = self._delta(guess.y) + self._score(w.w, guess.y, guess.h)
        _require_argmax(found, truth, type(self.problem).__name__)
        return np.asarray(
            self.C / self.n * np.maximum(found - truth, 0.0)
        )  # negative by rounding only

    def regulariser(self, w: "Solution[Guess[Y, H]]") -> float:
        """Return |w|^2 / 2."""
        return float(w.w @ w.w / 2)

    def fit(self, h: H, v: Floats, w0: "Solution[Guess[Y, H]] | None") -> "Solution[Guess[Y, H]]":
        """Return the weighted minimum, to within C eps."""
        c = self.C / self.n * v
        truth = self._joint(c, self.y, h)

        def cut(guess: Guess[Y, H]) -> Cut[Guess[Y, H]]:
            """Return the cut of a guess, for these latent values and weights."""
            a = truth - self._joint(c, guess.y, guess.h)
            return Cut(a, float(c @ self._delta(guess.y)), guess)

        known = () if w0 is None else w0.cuts
        start = np.zeros(len(truth)) if w0 is None else w0.w
        return minimise(
            lambda w: cut(self._most_violated(w)),
            map(cut, known),
            start,
            tol=self.tolerance,
            max_iter=self.max_iter,
        )

    def require_one_per_sample(self, answer: object, method: str) -> None:
        """Raise unless a method of the problem returned one answer per sample."""
        for part in answer if isinstance(answer, tuple) else (answer,):
            shape = np.shape(part)
            require(
                shape[:1] == (self.n,),
                f"{type(self.problem).__name__}.{method} must answer for all {self.n} samples, "
                f"shape ({self.n}, ...); got shape {shape}.",
            )

    def _most_violated(self, w: Floats) -> Guess[Y, H]:
        """Return the guess of highest loss plus score for each sample."""
        guess = Guess(*self.problem.most_violated(w, self.x, self.y))
        self.require_one_per_sample(guess.y, "most_violated")
        self.require_one_per_sample(guess.h, "most_violated")
        return guess

    def _delta(self, guess: Y) -> Floats:
        """Return Delta(y, guess), shape (n,)."""
        return self._numbers(self.problem.loss(self.y, guess), "loss")

    def _score(self, w: Floats, y: Y, h: H) -> Floats:
        """Return w . Phi(x, y, h), shape (n,)."""
        return self._numbers(self.problem.score(w, self.x, y, h), "score")

    def _joint(self, c: Floats, y: Y, h: H) -> Floats:
        """Return sum_i c_i Phi(x_i, y_i, h_i), shape (d,)."""
        joint = np.asarray(self.problem.joint(c, self.x, y, h), dtype=np.float64)
        require(
            joint.ndim == 1,
            f"{type(self.problem).__name__}.joint must return one number per feature, shape (d,); "
            f"got shape {joint.shape}. features returns shape (n, d).",
        )
        return joint

    def _numbers(self, numbers: Floats, method: str) -> Floats:
        """Return what a method returned, float64, or raise unless its shape is (n,)."""
        numbers = np.asarray(numbers, dtype=np.float64)
        require(
            numbers.shape == (self.n,),
            f"{type(self.problem).__name__}.{method} must return one number per sample, shape "
            f"({self.n},); got shape {numbers.shape}.",
        )
        return numbers


def _require_argmax(found: Floats, truth: Floats, owner: str) -> None:
    """Raise if a most violated guess scores less than the truth, which is one of the guesses."""
    rounding = ROUNDING * (1 + np.abs(truth))
    bad = np.flatnonzero(found < truth - rounding)
    if len(bad):
        i = int(bad[0])
        raise ValueError(
            f"{owner}.most_violated is not an argmax: for {len(bad)} samples its guess scores less "
            f"than the truth; at sample {i}, loss + w . Phi is {found[i]:g} for the guess and "
            f"{truth[i]:g} for the truth. Maximise over all latent values and all labels, the true "
            f"label included."
        )
