"""What a latent structural problem tells the latent SVM: features, and the searches over them."""

from abc import ABC, abstractmethod
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from selfpaced._errors import require
from selfpaced._public import public
from selfpaced.chain import Floats

X = TypeVar("X")
Y = TypeVar("Y")
H = TypeVar("H")


def count(labels: Any) -> int:
    """Return of how many samples labels or latent values are: arrays, or tuples of them."""
    return len(labels[0] if isinstance(labels, tuple) else labels)


@public("selfpaced.latent")
class Guess(NamedTuple, Generic[Y, H]):
    """Labels with latent values, one of each per sample."""

    y: Y
    h: H


@public("selfpaced.latent")
class Structure(ABC, Generic[X, Y, H]):
    """Joint features of inputs x, labels y and latent values h, and the argmaxes over them.

    Each method answers for n samples at once. ``y`` and ``h`` are arrays whose first axis is the
    sample, or tuples of such arrays; ``x`` is whatever the problem makes of its inputs. For methods
    that take one sample each there is ``OneByOne``.

    ``score`` and ``joint`` follow from ``features``; a problem whose features are sparse overrides
    them, so that no (n, d) array is ever made.
    """

    @abstractmethod
    def features(self, x: X, y: Y, h: H) -> Floats:
        """Return Phi(x, y, h), float64, shape (n, d)."""

    @abstractmethod
    def complete(self, w: Floats, x: X, y: Y) -> H:
        """Return argmax over h of w . Phi(x, y, h)."""

    @abstractmethod
    def most_violated(self, w: Floats, x: X, y: Y) -> Guess[Y, H]:
        """Return argmax over (guess, h) of loss(y, guess) + w . Phi(x, guess, h).

        The truth is among the guesses: the maximum is never less than w . Phi(x, y, h) of any h.
        """

    @abstractmethod
    def loss(self, y: Y, guess: Y) -> Floats:
        """Return Delta(y, guess), float64, shape (n,): 0 for the truth, else more."""

    @abstractmethod
    def predict(self, w: Floats, x: X) -> Guess[Y, H]:
        """Return argmax over (y, h) of w . Phi(x, y, h)."""

    @abstractmethod
    def start(self, x: X, y: Y, random: np.random.Generator) -> H:
        """Return latent values to start a search from."""

    def score(self, w: Floats, x: X, y: Y, h: H) -> Floats:
        """Return w . Phi(x, y, h), float64, shape (n,)."""
        return self.features(x, y, h) @ w

    def joint(self, c: Floats, x: X, y: Y, h: H) -> Floats:
        """Return sum_i c_i Phi(x_i, y_i, h_i), float64, shape (d,)."""
        return c @ self.features(x, y, h)

    def read(self, x: Any) -> X:
        """Return inputs as the other methods take them; called once a fit and once a predict."""
        return x  # type: ignore[no-any-return]  # the user's inputs as they are

    def read_labels(self, y: Any) -> Y:
        """Return labels as the other methods take them; by default numbers, shape (n,)."""
        labels = np.asarray(y)
        require(
            labels.ndim == 1,
            f"{type(self).__name__}: labels must be one per sample, shape (n,); got shape "
            f"{labels.shape}.",
        )
        return labels  # type: ignore[return-value]  # Y is an array unless overridden

    def read_latent(self, h: Any) -> H:
        """Return latent values that a user gives as the other methods take them."""
        return h if isinstance(h, tuple) else np.asarray(h)  # type: ignore[return-value]  # likewise

    def check(self, x: X, y: Y) -> None:  # most problems have nothing to add
        """Raise ``ValueError`` for data that the problem is not made for."""
