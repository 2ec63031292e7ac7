"""The base class of a latent structural problem: joint features and the argmaxes over them."""

from abc import ABC, abstractmethod
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from selfpaced._errors import require
from selfpaced._public import public
from selfpaced.chain import Floats

X = TypeVar("X")
Y = TypeVar("Y")
H = TypeVar("H")


@public("selfpaced.latent")
class Guess(NamedTuple, Generic[Y, H]):
    """One label and one latent value per sample.

    Args:
        y: Labels, as ``Structure`` has them.
        h: Latent values, likewise.
    """

    y: Y
    h: H


@public("selfpaced.latent")
class Structure(ABC, Generic[X, Y, H]):
    """Joint features of inputs x, labels y and latent values h, and the argmaxes over them.

    Each method takes n samples at once. ``y`` and ``h`` are arrays whose first axis is the sample,
    or tuples of such arrays; ``x`` is what ``read`` returns. Wrap methods that take one sample each
    with ``OneByOne``.

    ``score`` and ``joint`` call ``features`` by default. A problem with sparse features overrides
    both, so that no array of shape (n, d) is made.
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

        The true label is one of the guesses: the maximum is at least w . Phi(x, y, h) for any h.
        """

    @abstractmethod
    def loss(self, y: Y, guess: Y) -> Floats:
        """Return Delta(y, guess), float64, shape (n,): 0 for the true label, above 0 for others."""

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
        """Return inputs in the form that the other methods take; by default unchanged.

        It is called once per fit and once per prediction.
        """
        return x  # type: ignore[no-any-return]  # X is the type of the inputs unless overridden

    def read_labels(self, y: Any) -> Y:
        """Return labels in the form that the other methods take; by default an array, (n,)."""
        labels = np.asarray(y)
        require(
            labels.ndim == 1,
            f"{type(self).__name__}: labels must be one per sample, shape (n,); got shape "
            f"{labels.shape}.",
        )
        return labels  # type: ignore[return-value]  # Y is an array unless overridden

    def read_latent(self, h: Any) -> H:
        """Return latent values in the form that the other methods take; by default an array."""
        return h if isinstance(h, tuple) else np.asarray(h)  # type: ignore[return-value]  # as above

    def check(self, x: X, y: Y) -> None:
        """Raise ``ValueError`` for data that the problem cannot use; by default none."""


def n_samples_of(labels: Any) -> int:
    """Return the number of samples of labels or latent values: an array, or a tuple of arrays."""
    return len(labels[0] if isinstance(labels, tuple) else labels)
