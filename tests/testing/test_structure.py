"""The ready-made problems pass check_structure, and it finds each error of a broken one."""

from typing import Any

import numpy as np
import pytest

from selfpaced.chain import Floats
from selfpaced.latent import Guess, Structure, problems
from selfpaced.latent.problems import Boxes, Digits, Mentions, Motif
from selfpaced.latent.problems._mentions import made_mentions
from selfpaced.testing import check_structure


def views() -> tuple[Floats, list[int]]:
    return np.random.default_rng(0).normal(size=(12, 4, 3)), [0, 1] * 6


def sequences() -> tuple[list[str], list[int]]:
    letters = np.random.default_rng(0).choice(list("ACGT"), size=(12, 20))
    return ["".join(row) for row in letters], [-1, 1] * 6


def images() -> tuple[Floats, list[int]]:
    return np.random.default_rng(0).random((12, 8, 8)), [0, 1] * 6


SAMPLES: dict[str, tuple[Structure[Any, Any, Any], Any]] = {
    "Boxes": (Boxes(size=4, cell=2), images()),
    "Mentions": (Mentions(), made_mentions(8, random_state=0)),
    "Digits": (Digits(), views()),
    "Motif": (Motif(length=4, order=2), sequences()),
}


def test_discovery_finds_every_problem() -> None:
    public = [getattr(problems, name) for name in problems.__all__]
    found = {one.__name__ for one in public if isinstance(one, type) and issubclass(one, Structure)}
    assert found == set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_ready_made_problems_pass_the_check(name: str) -> None:
    problem, (X, y) = SAMPLES[name]
    check_structure(problem, X, y)


class Broken(Digits):
    """A problem with one error; the attribute ``broken`` names it."""

    broken = ""

    def features(self, x: Any, y: Any, h: Any) -> Any:
        features = super().features(x, y, h)
        return features.T if self.broken == "features" else features

    def score(self, w: Any, x: Any, y: Any, h: Any) -> Any:
        return super().score(w, x, y, h) + (self.broken == "score")

    def joint(self, c: Any, x: Any, y: Any, h: Any) -> Any:
        return super().joint(c, x, y, h) + (self.broken == "joint")

    def complete(self, w: Any, x: Any, y: Any) -> Any:
        h = super().complete(w, x, y)
        return 0 * h if self.broken == "complete" else h

    def most_violated(self, w: Any, x: Any, y: Any) -> Any:
        guess = super().most_violated(w, x, y)
        if self.broken == "truth":
            return Guess(1 - y, 0 * guess.h)
        return super().predict(w, x) if self.broken == "loss" else guess

    def loss(self, y: Any, guess: Any) -> Any:
        return super().loss(y, guess) * (3 if self.broken == "loss" else 1) + (
            self.broken == "zero"
        )

    def predict(self, w: Any, x: Any) -> Any:
        found = super().predict(w, x)
        return Guess(found.y, 0 * found.h) if self.broken == "predict" else found


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("features", r"features must have shape \(12, d\); got \(8, 12\)"),
        ("score", "score must be features @ w"),
        ("joint", "joint must be c @ features"),
        ("complete", "complete: another latent value scores more"),
        ("truth", "most_violated: the truth scores more"),
        ("loss", r"most_violated: another guess has more loss \+ score"),
        ("zero", "loss of the truth must be 0"),
        ("predict", "predict: the truth scores more"),
    ],
)
def test_the_message_names_the_error(broken: str, message: str) -> None:
    problem = Broken()
    object.__setattr__(problem, "broken", broken)
    with pytest.raises(AssertionError, match=f"Broken.{message}"):
        check_structure(problem, *views())
