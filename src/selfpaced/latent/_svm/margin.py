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

SLIP = 1e-6  # of the scores: a guess that scores less than the truth by no more is a rounding error


class Margin(Generic[X, Y, H]):
    """r(w) = |w|^2 / 2 and f_i = (C / n) xi_i.

    xi_i = max over (y', h') of [Delta(y_i, y') + w . Phi(x_i, y', h')] - w . Phi(x_i, y_i, h_i)

    Its parameters are a ``Solution``: w, and the cuts that hold it in place. The next fit makes
    them anew for its own latent values and weights, and starts from there.

    Args:
        problem: Features and argmaxes.
        x: Inputs, as the problem reads them.
        y: Labels.
        n: How many samples.
        C: What the losses count against the regulariser; above 0.
        eps: To what precision fits are exact, of C.
        max_iter: Guesses at most in one fit.

    Raises:
        ValueError: For an answer of the problem of another shape, and for a guess that scores less
            than the truth.
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
        """Take what is fitted."""
        self.problem, self.x, self.y, self.n = problem, x, y, n
        self.C, self.tolerance, self.max_iter = C, C * eps, max_iter

    def __len__(self) -> int:
        """Return n."""
        return self.n

    def impute(self, w: "Solution[Guess[Y, H]]") -> H:
        """Return the latent values that fit the labels best."""
        h = self.problem.complete(w.w, self.x, self.y)
        self.require_each(h, "complete")
        return h

    def losses(self, w: "Solution[Guess[Y, H]]", h: H) -> Floats:
        """Return (C / n) xi, shape (n,)."""
        guess = self._most_violated(w.w)
        truth = self._score(w.w, self.y, h)
        found = self._delta(guess.y) + self._score(w.w, guess.y, guess.h)
        _require_argmax(found, truth, type(self.problem).__name__)
        return np.asarray(self.C / self.n * np.maximum(found - truth, 0.0))

    def regulariser(self, w: "Solution[Guess[Y, H]]") -> float:
        """Return |w|^2 / 2."""
        return float(w.w @ w.w / 2)

    def fit(self, h: H, v: Floats, w0: "Solution[Guess[Y, H]] | None") -> "Solution[Guess[Y, H]]":
        """Return the minimum, to within C eps."""
        c = self.C / self.n * v
        truth = self._joint(c, self.y, h)

        def cut(guess: Guess[Y, H]) -> Cut[Guess[Y, H]]:
            a = truth - self._joint(c, guess.y, guess.h)
            return Cut(a, float(c @ self._delta(guess.y)), guess)

        known = () if w0 is None else w0.cuts
        start = np.zeros(len(truth)) if w0 is None else w0.w
        return minimise(
            lambda w: cut(self._most_violated(w)),
            map(cut, known),
            start,
            tol=self.tolerance,
            most=self.max_iter,
        )

    def require_each(self, answer: object, method: str) -> None:
        """Raise unless there is one answer per sample."""
        for part in answer if isinstance(answer, tuple) else (answer,):
            shape = np.shape(part)
            require(
                shape[:1] == (self.n,),
                f"{type(self.problem).__name__}.{method} must answer for all {self.n} samples, "
                f"shape ({self.n}, ...); got shape {shape}.",
            )

    def _most_violated(self, w: Floats) -> Guess[Y, H]:
        guess = Guess(*self.problem.most_violated(w, self.x, self.y))
        self.require_each(guess.y, "most_violated")
        self.require_each(guess.h, "most_violated")
        return guess

    def _delta(self, guess: Y) -> Floats:
        return self._each(self.problem.loss(self.y, guess), "loss")

    def _score(self, w: Floats, y: Y, h: H) -> Floats:
        return self._each(self.problem.score(w, self.x, y, h), "score")

    def _joint(self, c: Floats, y: Y, h: H) -> Floats:
        joint = np.asarray(self.problem.joint(c, self.x, y, h), dtype=np.float64)
        require(
            joint.ndim == 1,
            f"{type(self.problem).__name__}.joint must return one number per feature, shape (d,); "
            f"got shape {joint.shape}. features returns shape (n, d).",
        )
        return joint

    def _each(self, numbers: Floats, method: str) -> Floats:
        numbers = np.asarray(numbers, dtype=np.float64)
        require(
            numbers.shape == (self.n,),
            f"{type(self.problem).__name__}.{method} must return one number per sample, shape "
            f"({self.n},); got shape {numbers.shape}.",
        )
        return numbers


def _require_argmax(found: Floats, truth: Floats, owner: str) -> None:
    """Raise for a most violated guess that scores less than the truth, which is a guess too."""
    slip = SLIP * (1 + np.abs(truth))
    bad = np.flatnonzero(found < truth - slip)
    if len(bad):
        i = int(bad[0])
        raise ValueError(
            f"{owner}.most_violated is no argmax: for {len(bad)} samples its guess scores less "
            f"than the truth, at sample {i} loss + w . Phi = {found[i]:g} against {truth[i]:g}. "
            f"Search over all labels, the true one too, and all latent values."
        )
