"""What every latent structural problem promises, checked on samples of its own."""

from typing import Any

import numpy as np

from selfpaced.chain import Floats
from selfpaced.latent import Guess, Structure
from selfpaced.latent._svm.structure import count
from selfpaced.testing._checks import expect

Problem = Structure[Any, Any, Any]

TRIES = 5  # directions w, and other latent values for each
SLIP = 1e-8


def check_structure(problem: Problem, X: Any, y: Any, *, random_state: int = 0) -> None:
    """Check a problem: shapes, argmaxes that no other guess beats, and shortcuts that are right.

    Args:
        problem: What ``LatentSVM`` will be given.
        X: Inputs as for ``fit``, some of each label.
        y: Their labels.
        random_state: Of the directions w that are tried.

    Raises:
        AssertionError: Naming the first promise that is broken.

    >>> import numpy as np
    >>> from selfpaced.latent.problems import Digits
    >>> check_structure(Digits(), np.random.default_rng(0).normal(size=(6, 3, 2)), [0, 1] * 3)
    """
    name, random = type(problem).__name__, np.random.default_rng(random_state)
    x, y = problem.read(X), problem.read_labels(y)
    problem.check(x, y)
    n = count(y)
    others = [problem.start(x, y, random) for _ in range(TRIES)]
    d = _check_features(problem, x, y, others[0], n)
    zero = problem.loss(y, y)
    expect(np.shape(zero) == (n,) and not np.any(zero), f"{name}.loss of the truth must be 0")
    directions = random.normal(size=(TRIES, d))
    guesses = [problem.predict(w, x) for w in directions]
    guesses += [problem.most_violated(w, x, y) for w in directions]
    guesses += [Guess(y, h) for h in others]
    for w in directions:
        _check_shortcuts(problem, w, x, y, others[0])
        _check_argmaxes(problem, w, x, y, guesses)


def _check_features(problem: Problem, x: Any, y: Any, h: Any, n: int) -> int:
    """Return d."""
    shape = np.shape(problem.features(x, y, h))
    expect(
        len(shape) == 2 and shape[0] == n,
        f"{type(problem).__name__}.features must have shape ({n}, d); got {shape}",
    )
    return int(shape[1])


def _check_shortcuts(problem: Problem, w: Floats, x: Any, y: Any, h: Any) -> None:
    """Look whether ``score`` and ``joint`` are what follows from ``features``."""
    name, features = type(problem).__name__, np.asarray(problem.features(x, y, h))
    score = problem.score(w, x, y, h)
    expect(np.allclose(score, features @ w), f"{name}.score must be features @ w")
    c = np.linspace(0.5, 1.5, len(features))
    joint = problem.joint(c, x, y, h)
    expect(np.allclose(joint, c @ features), f"{name}.joint must be c @ features")


def _check_argmaxes(problem: Problem, w: Floats, x: Any, y: Any, guesses: list[Any]) -> None:
    """Look for guesses that score more than what an argmax gave."""
    name, found = type(problem).__name__, problem.predict(w, x)
    best = problem.score(w, x, y, problem.complete(w, x, y))
    highest = problem.score(w, x, found.y, found.h)
    guess = problem.most_violated(w, x, y)
    violated = problem.loss(y, guess.y) + problem.score(w, x, guess.y, guess.h)
    expect(_over(violated, best), f"{name}.most_violated: the truth scores more")
    expect(_over(highest, best), f"{name}.predict: the truth scores more")
    for other in guesses:
        delta, score = problem.loss(y, other.y), problem.score(w, x, other.y, other.h)
        right = delta == 0
        expect(_over(best[right], score[right]), f"{name}.complete: another value scores more")
        expect(_over(highest, score), f"{name}.predict: another guess scores more")
        expect(_over(violated, delta + score), f"{name}.most_violated: another guess is worse")


def _over(a: Floats, b: Floats) -> bool:
    """Say whether a is nowhere less than b."""
    return bool((a >= b - SLIP * (1 + np.abs(b))).all())
