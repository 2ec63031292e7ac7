"""Latent structural problems whose methods take one sample each."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from selfpaced._errors import require
from selfpaced._public import public
from selfpaced.chain import Floats
from selfpaced.latent._svm.structure import Guess, Structure

Objects = NDArray[np.object_]
X_contra = TypeVar("X_contra", contravariant=True)
Y = TypeVar("Y")
H = TypeVar("H")


@public("selfpaced.latent")
class SampleProblem(Protocol[X_contra, Y, H]):
    """The methods of a ``Structure``, each for one input, one label and one latent value.

    Labels and latent values may be of any type for which ``==`` returns one bool: numbers, strings,
    tuples, frozen dataclasses.
    """

    def features(self, x: X_contra, y: Y, h: H) -> ArrayLike:
        """Return Phi(x, y, h), shape (d,)."""
        ...

    def complete(self, w: Floats, x: X_contra, y: Y) -> H:
        """Return argmax over h of w . Phi(x, y, h)."""
        ...

    def most_violated(self, w: Floats, x: X_contra, y: Y) -> tuple[Y, H]:
        """Return argmax over (guess, h) of loss(y, guess) + w . Phi(x, guess, h)."""
        ...

    def loss(self, y: Y, guess: Y) -> float:
        """Return Delta(y, guess): 0 for the true label, above 0 for others."""
        ...

    def predict(self, w: Floats, x: X_contra) -> tuple[Y, H]:
        """Return argmax over (y, h) of w . Phi(x, y, h)."""
        ...

    def start(self, x: X_contra, y: Y, random: np.random.Generator) -> H:
        """Return a latent value to start a search from."""
        ...


@public("selfpaced.latent")
class OneByOne(Structure[Sequence[Any], Objects, Objects]):
    """A problem for n samples, made from methods that take one sample each.

    The methods are called in a loop. This is the easy way to write a problem of your own; a
    ``Structure``, whose methods take and return arrays, is faster. Labels and latent values become
    object arrays of shape (n,).

    Args:
        of_one: An object with the methods of ``SampleProblem``.

    Raises:
        TypeError: For an object that lacks a method.
        ValueError: For feature vectors of different shapes, and if there is not one label per
            input.

    >>> import numpy as np
    >>> class Sign:  # is the number above 0? the latent value is not used
    ...     def features(self, x, y, h): return [x * y]
    ...     def complete(self, w, x, y): return 0
    ...     def most_violated(self, w, x, y):
    ...         return max(((g, 0) for g in (-1, 1)), key=lambda s: (s[0] != y) + w[0] * x * s[0])
    ...     def loss(self, y, guess): return float(y != guess)
    ...     def predict(self, w, x): return (1 if w[0] * x > 0 else -1), 0
    ...     def start(self, x, y, random): return 0
    >>> OneByOne(Sign()).predict(np.array([2.0]), [3.0, -0.5]).y
    array([1, -1], dtype=object)
    """

    def __init__(self, of_one: SampleProblem[Any, Any, Any]) -> None:
        """Store the object that has the methods."""
        methods = ("features", "complete", "most_violated", "loss", "predict", "start")
        missing = [name for name in methods if not callable(getattr(of_one, name, None))]
        if missing:
            raise TypeError(
                f"OneByOne needs an object with the methods {', '.join(methods)}; "
                f"{type(of_one).__name__} lacks {', '.join(missing)}."
            )
        self.of_one = of_one

    def __repr__(self) -> str:
        """Return the expression that makes it."""
        return f"OneByOne({self.of_one!r})"

    def read(self, x: Iterable[Any]) -> Sequence[Any]:
        """Return the inputs as a sequence."""
        return x if isinstance(x, Sequence) else list(x)

    def read_labels(self, y: Iterable[Any]) -> Objects:
        """Return the labels as an object array, shape (n,)."""
        return object_array(y)

    def read_latent(self, h: Iterable[Any]) -> Objects:
        """Return latent values as an object array, shape (n,)."""
        return object_array(h)

    def check(self, x: Sequence[Any], y: Objects) -> None:
        """Raise unless there is one label per input."""
        require(len(x) == len(y), f"OneByOne: there are {len(x)} inputs and {len(y)} labels.")

    def features(self, x: Sequence[Any], y: Objects, h: Objects) -> Floats:
        """Return Phi(x, y, h), shape (n, d)."""
        each = [self._phi(*one) for one in zip(x, y, h, strict=True)]
        sizes = sorted({len(phi) for phi in each})
        require(
            len(sizes) == 1,
            f"OneByOne: {type(self.of_one).__name__}.features must return vectors of one length; "
            f"got lengths {sizes[:5]}.",
        )
        return np.stack(each)

    def score(self, w: Floats, x: Sequence[Any], y: Objects, h: Objects) -> Floats:
        """Return w . Phi(x, y, h), shape (n,)."""
        return np.array([w @ self._phi(*one) for one in zip(x, y, h, strict=True)])

    def joint(self, c: Floats, x: Sequence[Any], y: Objects, h: Objects) -> Floats:
        """Return sum_i c_i Phi(x_i, y_i, h_i), shape (d,); features with c_i = 0 are not made."""
        rows = np.flatnonzero(c).tolist() or [0]  # one vector is needed to know d
        return np.asarray(sum(c[i] * self._phi(x[i], y[i], h[i]) for i in rows))

    def complete(self, w: Floats, x: Sequence[Any], y: Objects) -> Objects:
        """Return argmax over h of w . Phi(x, y, h)."""
        return object_array(self.of_one.complete(w, *one) for one in zip(x, y, strict=True))

    def most_violated(self, w: Floats, x: Sequence[Any], y: Objects) -> Guess[Objects, Objects]:
        """Return argmax over (guess, h) of loss(y, guess) + w . Phi(x, guess, h)."""
        return _guess(self.of_one.most_violated(w, *one) for one in zip(x, y, strict=True))

    def loss(self, y: Objects, guess: Objects) -> Floats:
        """Return Delta(y, guess), shape (n,)."""
        return np.array([self.of_one.loss(*one) for one in zip(y, guess, strict=True)], np.float64)

    def predict(self, w: Floats, x: Sequence[Any]) -> Guess[Objects, Objects]:
        """Return argmax over (y, h) of w . Phi(x, y, h)."""
        return _guess(self.of_one.predict(w, one) for one in x)

    def start(self, x: Sequence[Any], y: Objects, random: np.random.Generator) -> Objects:
        """Return latent values to start a search from."""
        return object_array(self.of_one.start(*one, random) for one in zip(x, y, strict=True))

    def _phi(self, x: object, y: object, h: object) -> Floats:
        """Return Phi(x, y, h) of one sample, float64, shape (d,)."""
        phi = np.asarray(self.of_one.features(x, y, h), dtype=np.float64)
        require(
            phi.ndim == 1,
            f"OneByOne: {type(self.of_one).__name__}.features must return one vector, shape (d,); "
            f"got shape {phi.shape}.",
        )
        return phi


def object_array(items: Iterable[Any]) -> Objects:
    """Return the items as an object array, shape (n,); a sequence stays one item."""
    return np.fromiter(items, dtype=object)


def _guess(pairs: Iterable[tuple[Any, Any]]) -> Guess[Objects, Objects]:
    """Return pairs of a label and a latent value as two arrays."""
    each = list(pairs)
    return Guess(object_array(y for y, _ in each), object_array(h for _, h in each))
