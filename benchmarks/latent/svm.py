"""The convex step of a latent SVM against dlib's: ``python -m benchmarks.latent.svm``.

Digits 2 against 7 (fold 0, 800 images) with fixed latent values (no rotation), C = 25 and 150,
eps = .001 for both solvers. Printed are the objective |w|^2 / 2 + (C / n) sum xi at both solutions,
computed here, and the median seconds of alternating pairs. dlib calls its oracle once per sample,
in Python. A second table has a whole CCCP fit and a whole self-paced fit of the same data from the
same latent values, with their seconds per inner solve. No results are kept. Needs ``--group
bench``.
"""

import argparse
import sys
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

PAIR = (2, 7)  # Digits to tell apart.
FOLD = 0  # Fold of the digits.
CS = (25.0, 150.0)  # Values of C.
EPS = 1e-3  # Precision of both solvers.
PAIRS = 7  # Pairs of timed runs.
UPRIGHT = 5  # Index of the angle 0 among the 11 angles.


class Fixed:
    """The problem in the form that dlib's solver expects."""

    be_verbose, epsilon = False, EPS

    def __init__(self, part: Part, C: float) -> None:
        """Store the images; the latent value of the truth is the angle 0."""
        self.C, self.num_samples = C, len(part.y)
        ones = np.ones((*part.x.shape[:2], 1))
        self.x, self.y = np.concatenate([part.x, ones], axis=2), part.y
        self.block = self.x.shape[2]
        self.num_dimensions = 2 * self.block

    def psi(self, i: int, y: int, h: int) -> "dlib.vector":
        """Return the joint features of a sample with a label and a latent value."""
        found = np.zeros(self.num_dimensions)
        found[y * self.block : (y + 1) * self.block] = self.x[i, h]
        return dlib.vector(found.tolist())

    def get_truth_joint_feature_vector(self, i: int) -> "dlib.vector":
        """Return the joint features of a sample with its true label, at the angle 0."""
        return self.psi(i, int(self.y[i]), UPRIGHT)

    def separation_oracle(self, i: int, w: "dlib.vector") -> tuple[float, "dlib.vector"]:
        """Return loss and joint features of the most violated label and latent value."""
        scores = self.x[i] @ np.asarray(w).reshape(2, -1).T
        scores[:, 1 - self.y[i]] += 1.0
        h, y = np.unravel_index(scores.argmax(), scores.shape)
        return float(y != self.y[i]), self.psi(i, int(y), int(h))


class Timed(NamedTuple):
    """The result of a run and its seconds."""

    found: Any
    seconds: float


def timed(run: Callable[[], Any]) -> Timed:
    """Run once and measure the time."""
    began = time.perf_counter()
    found = run()
    return Timed(found, time.perf_counter() - began)


def lines() -> Iterator[str]:
    """Yield the lines of both tables."""
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
    """Return the objective |w|^2 / 2 + (C / n) sum xi."""
    problem, x, y = model.problem, model.x, model.y
    guess = problem.most_violated(w, x, y)
    most = problem.loss(y, guess.y) + problem.score(w, x, guess.y, guess.h)
    return float(w @ w / 2 + model.C * (most - problem.score(w, x, y, h)).mean())


def main(arguments: list[str]) -> None:
    """Print the tables; nothing is written."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args(arguments)
    torch.set_num_threads(1)
    for line in lines():
        print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
