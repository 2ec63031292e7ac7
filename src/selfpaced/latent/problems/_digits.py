"""Images that are turned by an unknown angle: the class is the label, the angle latent."""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch.nn.functional import affine_grid, grid_sample

from selfpaced._errors import require, require_positive_int
from selfpaced.chain import Floats
from selfpaced.latent._svm.structure import Guess, Structure

Classes = NDArray[np.int64]
Views = NDArray[np.int64]

# The 11 angles of the founding paper, in degrees.
ANGLES = tuple(float(angle) for angle in range(-60, 61, 12))


@dataclass(frozen=True)
class Digits(Structure[Floats, Classes, Views]):
    r"""Images of one of several classes, each seen at several angles, one of which is right.

    Inputs are features of each image at each angle, shape (n, angles, k), as ``Rotated`` makes
    them; any other views of a sample can take the place of angles. Labels y are 0 to
    ``n_classes - 1``; latent values h are indices of angles. The joint features have a block of
    k + 1 per class:

    .. math:: \Phi(x, y, h) = [0, \ldots, (x_h, 1), \ldots, 0], \text{ at block } y

    The loss is 0 for the right class, else 1.

    Args:
        n_classes: Two or more.
        first: Index of the angle that a search starts from, which makes all its starts the same;
            None for random angles. With the default angles of ``Rotated``, 5 is no turn.

    Raises:
        TypeError: For settings that are not ints.
        ValueError: For inputs of another shape or with NaN, other labels, a class without samples,
            and a first angle that the inputs do not have.

    References:
        Kumar, Packer, Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010, the
        experiment with handwritten digits.

    >>> import numpy as np
    >>> x = np.array([[[0.0], [3.0]], [[-3.0], [1.0]]])  # two samples, two views, one feature
    >>> w = np.array([1.0, 0.0, -1.0, 0.0])  # class 0: the feature; class 1: its opposite
    >>> Digits().predict(w, x)
    Guess(y=array([0, 1]), h=array([1, 0]))
    """

    n_classes: int = 2
    first: int | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        require_positive_int("n_classes", self.n_classes, type(self).__name__)
        require(
            self.n_classes >= 2,
            f"{type(self).__name__}: n_classes must be 2 or more; got {self.n_classes}.",
        )
        if self.first is not None and not isinstance(self.first, int):
            raise TypeError(
                f"{type(self).__name__}: first must be an int or None; got {self.first!r}."
            )
        require(
            self.first is None or self.first >= 0,
            f"{type(self).__name__}: first must be an index of 0 or more, or None; got "
            f"{self.first}.",
        )

    def read(self, x: Any) -> Floats:
        """Return the views, float64, shape (n, angles, k)."""
        views = np.asarray(x, dtype=np.float64)
        require(
            views.ndim == 3,
            f"Digits needs features of each image at each angle, shape (n, angles, k); got shape "
            f"{views.shape}. Rotated().fit(images).transform(images) makes them.",
        )
        require(
            bool(np.isfinite(views).all()),
            f"{type(self).__name__}: the features must be finite numbers.",
        )
        return views

    def check(self, x: Floats, y: Classes) -> None:
        """Raise for labels that are not all classes, and a first angle that is out of range."""
        require(
            len(x) == len(y),
            f"{type(self).__name__}: there are {len(x)} images and {len(y)} labels.",
        )
        found = np.unique(y)
        require(
            np.issubdtype(y.dtype, np.integer) and found.tolist() == [*range(self.n_classes)],
            f"{type(self).__name__}: labels must be the ints 0 to {self.n_classes - 1}, with "
            f"images of each; got {found[:10].tolist()}. Encode them with sklearn's LabelEncoder.",
        )
        require(
            self.first is None or self.first < x.shape[1],
            f"{type(self).__name__}: first={self.first} must be below the number of latent values, "
            f"{x.shape[1]}.",
        )

    def features(self, x: Floats, y: Classes, h: Views) -> Floats:
        """Return Phi(x, y, h), shape (n, n_classes * (k + 1))."""
        block = _at_angles(x, h)
        blocks = np.zeros((len(x), self.n_classes, block.shape[1]))
        blocks[np.arange(len(x)), y] = block
        return blocks.reshape(len(x), -1)

    def score(self, w: Floats, x: Floats, y: Classes, h: Views) -> Floats:
        """Return w . Phi(x, y, h), shape (n,)."""
        return np.asarray((_at_angles(x, h) * self._blocks(w)[y]).sum(1))

    def joint(self, c: Floats, x: Floats, y: Classes, h: Views) -> Floats:
        """Return sum_i c_i Phi(x_i, y_i, h_i), shape (d,)."""
        of_class = c[:, None] * (y[:, None] == np.arange(self.n_classes))
        return np.ravel(of_class.T @ _at_angles(x, h))

    def complete(self, w: Floats, x: Floats, y: Classes) -> Views:
        """Return the angle of highest score for the label."""
        block = self._blocks(w)[y]
        return np.asarray(np.einsum("nak,nk->na", x, block[:, :-1]).argmax(1))

    def most_violated(self, w: Floats, x: Floats, y: Classes) -> Guess[Classes, Views]:
        """Return the class and angle with the highest sum of loss and score."""
        wrong = y[:, None] != np.arange(self.n_classes)
        return _best(self._scores(w, x) + wrong[:, :, None])

    def predict(self, w: Floats, x: Floats) -> Guess[Classes, Views]:
        """Return the class and angle with the highest score."""
        return _best(self._scores(w, x))

    def loss(self, y: Classes, guess: Classes) -> Floats:
        """Return 0 for the right class, else 1."""
        return np.where(y != guess, 1.0, 0.0)

    def start(self, x: Floats, y: Classes, random: np.random.Generator) -> Views:
        """Return ``first`` for all samples, or random angles if it is None."""
        if self.first is None:
            return random.integers(x.shape[1], size=len(x))
        return np.full(len(x), self.first)

    def _blocks(self, w: Floats) -> Floats:
        """Return w as one block per class, shape (n_classes, k + 1)."""
        return w.reshape(self.n_classes, -1)

    def _scores(self, w: Floats, x: Floats) -> Floats:
        """Return the score of each class and angle, shape (n, n_classes, angles)."""
        blocks = self._blocks(w)
        return np.asarray((x @ blocks[:, :-1].T + blocks[:, -1]).transpose(0, 2, 1))


class Rotated(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The principal components of images that are turned by each of several angles.

    The components are fitted to the images without a turn. Images are square; they are turned about
    their middle with bilinear interpolation, and filled with 0 from outside.

    Args:
        n_components: Number of principal components.
        angles: Angles in degrees. A positive angle turns counterclockwise, with the first row at
            the top.

    Attributes:
        mean_: Mean image, shape (pixels,).
        components_: Shape (n_components, pixels), the largest entry of each positive.

    Raises:
        TypeError: For an ``n_components`` that is not an int.
        ValueError: For images that are not square or not finite, and for fewer images or pixels
            than components.

    >>> import numpy as np
    >>> images = np.random.default_rng(0).random((20, 8 * 8))
    >>> Rotated(n_components=3, angles=(-30, 0, 30)).fit_transform(images).shape
    (20, 3, 3)
    """

    def __init__(self, n_components: int = 10, angles: tuple[float, ...] = ANGLES) -> None:
        """Store the settings; ``fit`` checks them."""
        self.n_components = n_components
        self.angles = angles

    def fit(self, images: Any, y: object = None) -> Self:
        """Find the components of images, shape (n, pixels) or (n, side, side)."""
        square = _square(images)
        pixels = square.reshape(len(square), -1)
        require_positive_int("n_components", self.n_components, "Rotated")
        require(
            self.n_components <= min(pixels.shape),
            f"Rotated: n_components={self.n_components} needs at least as many images and pixels; "
            f"got {len(pixels)} images of {pixels.shape[1]} pixels.",
        )
        self.mean_ = pixels.mean(0)
        centred = pixels - self.mean_
        axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, : self.n_components].T
        largest = np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], 1)
        self.components_ = axes * np.sign(largest)
        return self

    def transform(self, images: Any) -> Floats:
        """Return the components at each angle, float64, shape (n, angles, n_components)."""
        check_is_fitted(self)
        square = _square(images)
        require(
            square[0].size == len(self.mean_),
            f"Rotated was fitted to images of {len(self.mean_)} pixels; got {square[0].size}.",
        )
        each = [(turned(square, angle) - self.mean_) @ self.components_.T for angle in self.angles]
        return np.stack(each, axis=1)


def turned(images: Floats, angle: float) -> Floats:
    """Return images turned by an angle, as rows of pixels, shape (n, side * side).

    Args:
        images: Square images, shape (n, side, side).
        angle: Degrees, counterclockwise.
    """
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    rotation = torch.tensor([[[c, -s, 0.0], [s, c, 0.0]]], dtype=torch.float64)
    channels = torch.from_numpy(images)[None]  # one picture with n channels
    grid = affine_grid(rotation, list(channels.shape), align_corners=True)
    found = grid_sample(channels, grid, mode="bilinear", padding_mode="zeros", align_corners=True)
    return found.numpy().reshape(len(images), -1)


def _square(images: Any) -> Floats:
    """Return images as a float64 array of shape (n, side, side)."""
    found = np.asarray(images, dtype=np.float64)
    side = math.isqrt(math.prod(found.shape[1:]))
    require(
        len(found) > 0 and found.shape[1:] in ((side * side,), (side, side)),
        f"Rotated needs square images, shape (n, side * side) or (n, side, side); got "
        f"{found.shape}.",
    )
    require(bool(np.isfinite(found).all()), "Rotated: the pixels must be finite numbers.")
    return found.reshape(-1, side, side)


def _at_angles(x: Floats, h: Views) -> Floats:
    """Return the features at the angles h, and a 1, shape (n, k + 1)."""
    features = x[np.arange(len(x)), h]
    return np.concatenate([features, np.ones((len(x), 1))], axis=1)


def _best(scores: Floats) -> Guess[Classes, Views]:
    """Return the class and angle with the highest score, the first of equal ones."""
    best = scores.reshape(len(scores), -1).argmax(1)
    return Guess(*np.divmod(best, scores.shape[2]))
