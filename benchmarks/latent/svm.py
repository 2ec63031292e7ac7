"""The convex step against dlib's: ``python -m benchmarks.latent.svm``.

Digits 2 against 7 (fold 0, 800 images) with fixed latent values (no turn), C = 25 and 150,
eps = .001 for both: the objective |w|^2 / 2 + (C / n) sum xi by our own arithmetic at both
solutions, and the seconds of pairs that take turns. dlib asks its oracle sample by sample. Beside
it a whole CCCP fit and a whole self-paced one of the same case from the same latent values, and
their seconds per inner solve.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import dlib
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.latent.data import Part, digits_pair
from selfpaced.chain import Floats
from selfpaced.latent import Search, Stop
from selfpaced.latent._svm.margin import Margin
from selfpaced.latent.problems import Digits

PAIR, FOLD, CS, EPS, PAIRS = (2, 7), 0, (25.0, 150.0), 1e-3, 7
UPRIGHT = 5  # the place of the angle 0


class Fixed:
    """The problem as dlib's solver asks for it."""

    be_verbose, epsilon = False, EPS

    def __init__(self, part: Part, C: float) -> None:
        """Take the images, of which only what is upright counts for the truth."""
        self.C, self.num_samples = C, len(part.y)
        ones = np.ones((*part.x.shape[:2], 1))
        self.x, self.y = np.concatenate([part.x, ones], axis=2), part.y
        self.block = self.x.shape[2]
        self.num_dimensions = 2 * self.block

    def psi(self, i: int, y: int, h: int) -> "dlib.vector":
        """Return the joint features of a sample."""
        found = np.zeros(self.num_dimensions)
        found[y * self.block : (y + 1) * self.block] = self.x[i, h]
        return dlib.vector(found.tolist())

    def get_truth_joint_feature_vector(self, i: int) -> "dlib.vector":
        """Return the features of the truth."""
        return self.psi(i, int(self.y[i]), UPRIGHT)

    def separation_oracle(self, i: int, w: "dlib.vector") -> tuple[float, "dlib.vector"]:
        """Return loss and features of the most violated guess."""
        scores = self.x[i] @ np.asarray(w).reshape(2, -1).T
        scores[:, 1 - self.y[i]] += 1.0
        h, y = np.unravel_index(scores.argmax(), scores.shape)
        return float(y != self.y[i]), self.psi(i, int(y), int(h))


class Timed(NamedTuple):
    """A result and its seconds."""

    found: Any
    seconds: float


def timed(run: Callable[[], Any]) -> Timed:
    """Run once."""
    began = time.perf_counter()
    found = run()
    return Timed(found, time.perf_counter() - began)


def lines() -> Iterator[str]:
    """Return the tables."""
    part, _ = digits_pair(PAIR, FOLD)
    n = len(part.y)
    upright = np.full(n, UPRIGHT)
    yield "| C | ours | gap at most | dlib | C eps | ours / dlib, seconds | ours, s | dlib, s |"
    yield "|---|---|---|---|---|---|---|---|"
    for C in CS:
        model, theirs = Margin(Digits(), part.x, part.y, n, C=C, eps=EPS), Fixed(part, C)
        pairs = []
        for _ in range(PAIRS):
            ours = timed(lambda m=model: m.fit(upright, np.ones(n), None))  # type: ignore[misc]  # a default
            other = timed(lambda p=theirs: dlib.solve_structural_svm_problem(p))  # type: ignore[misc]
            pairs.append((ours.seconds, other.seconds))
        a, b = np.array(pairs).T
        values = [value(model, w, upright) for w in (ours.found.w, np.asarray(other.found))]
        yield (
            f"| {C:g} | {values[0]:.4f} | {ours.found.gap:.4f} | {values[1]:.4f} | {C * EPS:g} "
            f"| {np.median(a / b):.3f} | {np.median(a):.3f} | {np.median(b):.3f} |"
        )
    yield ""
    yield "| C | search | objective | inner solves | seconds | seconds a solve |"
    yield "|---|---|---|---|---|---|"
    for C in CS:
        model = Margin(Digits(), part.x, part.y, n, C=C, eps=EPS)
        for name, search in (
            ("CCCP", Search(age=None, stop=Stop(min_outer=2, patience=1))),
            ("self-paced", Search(stop=Stop(min_outer=2, patience=1))),
        ):
            whole = timed(lambda s=search, m=model: s(m, upright))  # type: ignore[misc]  # a default
            solves = whole.found.history[-1].fits
            yield (
                f"| {C:g} | {name} | {whole.found.objective:.4f} | {solves} | {whole.seconds:.3f} "
                f"| {whole.seconds / solves:.3f} |"
            )


def value(model: Margin[Any, Any, Any], w: Floats, h: NDArray[np.int64]) -> float:
    """Return |w|^2 / 2 + (C / n) sum xi."""
    problem, x, y = model.problem, model.x, model.y
    guess = problem.most_violated(w, x, y)
    most = problem.loss(y, guess.y) + problem.score(w, x, guess.y, guess.h)
    return float(w @ w / 2 + model.C * (most - problem.score(w, x, y, h)).mean())


def main() -> None:
    """Print the tables; nothing is written."""
    torch.set_num_threads(1)
    for line in lines():
        print(line, flush=True)


if __name__ == "__main__":
    main()
