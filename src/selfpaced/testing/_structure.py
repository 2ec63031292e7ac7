"""The check of a latent structural problem, on samples that the user passes."""

from typing import Any

import numpy as np

from selfpaced.chain import Floats
from selfpaced.latent import Guess, Structure
from selfpaced.latent._svm.structure import n_samples_of
from selfpaced.testing._checks import expect

Problem = Structure[Any, Any, Any]

# Number of random parameters w, and of random latent values, with which a problem is tried.
TRIES = 5
# Two scores count as equal if they differ by less than this share; that is rounding error.
ROUNDING = 1e-8


def check_structure(problem: Problem, X: Any, y: Any, *, random_state: int = 0) -> None:
    """Check the methods of a problem on samples.

    Shapes must be right, no other guess may score higher than an argmax, and ``score`` and
    ``joint`` must agree with ``features``.

    Args:
        problem: The problem, as for ``LatentSVM``.
        X: Inputs as for ``LatentSVM.fit``, with samples of each label.
        y: Labels.
        random_state: Seed of the random parameters w.

    Raises:
        AssertionError: If a check fails; the message names the first one.

    >>> import numpy as np
    >>> from selfpaced.latent.problems import Digits
    >>> check_structure(Digits(), np.random.default_rng(0).normal(size=(6, 3, 2)), [0, 1] * 3)
    """
    name, random = type(problem).__name__, np.random.default_rng(random_state)
    x, y = problem.read(X), problem.read_labels(y)
    problem.check(x, y)
    n = n_samples_of(y)
    latent = [problem.start(x, y, random) for _ in range(TRIES)]
    d = _check_features(problem, x, y, latent[0], n)
    zero = problem.loss(y, y)
    expect(np.shape(zero) == (n,) and not np.any(zero), f"{name}.loss of the truth must be 0")
    parameters = random.normal(size=(TRIES, d))
    guesses = [problem.predict(w, x) for w in parameters]
    guesses += [problem.most_violated(w, x, y) for w in parameters]
    guesses += [Guess(y, h) for h in latent]
    for w in parameters:
        _check_score_and_joint(problem, w, x, y, latent[0])
        _check_argmaxes(problem, w, x, y, guesses)


def _check_features(problem: Problem, x: Any, y: Any, h: Any, n: int) -> int:
    """Check the shape of the features, and return their number d."""
    shape = np.shape(problem.features(x, y, h))
    expect(
        len(shape) == 2 and shape[0] == n,
        f"{type(problem).__name__}.features must have shape ({n}, d); got {shape}",
    )
    return int(shape[1])


def _check_score_and_joint(problem: Problem, w: Floats, x: Any, y: Any, h: Any) -> None:
    """Check that ``score`` and ``joint`` agree with ``features``."""
    name, features = type(problem).__name__, np.asarray(problem.features(x, y, h))
    score = problem.score(w, x, y, h)
    expect(np.allclose(score, features @ w), f"{name}.score must be features @ w")
    c = np.linspace(0.5, 1.5, len(features))
    joint = problem.joint(c, x, y, h)
    expect(np.allclose(joint, c @ features), f"{name}.joint must be c @ features")


def _check_argmaxes(problem: Problem, w: Floats, x: Any, y: Any, guesses: list[Any]) -> None:
    """Check that no guess scores higher than the result of an argmax."""
    name, found = type(problem).__name__, problem.predict(w, x)
    truth = problem.score(w, x, y, problem.complete(w, x, y))
    predicted = problem.score(w, x, found.y, found.h)
    guess = problem.most_violated(w, x, y)
    violated = problem.loss(y, guess.y) + problem.score(w, x, guess.y, guess.h)
    expect(_at_least(violated, truth), f"{name}.most_violated: the truth scores more")
    expect(_at_least(predicted, truth), f"{name}.predict: the truth scores more")
    for other in guesses:
        delta, score = problem.loss(y, other.y), problem.score(w, x, other.y, other.h)
        right = delta == 0
        expect(
            _at_least(truth[right], score[right]),
            f"{name}.complete: another latent value scores more",
        )
        expect(_at_least(predicted, score), f"{name}.predict: another guess scores more")
        expect(
            _at_least(violated, delta + score),
            f"{name}.most_violated: another guess has more loss + score",
        )


def _at_least(a: Floats, b: Floats) -> bool:
    """Return whether no entry of a is below that of b, up to rounding."""
    return bool((a >= b - ROUNDING * (1 + np.abs(b))).all())
