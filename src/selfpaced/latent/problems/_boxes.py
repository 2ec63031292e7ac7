"""Images with an object somewhere: what it is was written down, where it is was not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from selfpaced._errors import require, require_positive_int
from selfpaced.chain import Floats
from selfpaced.latent.problems._digits import Digits

Places = NDArray[np.int64]
Maps = Callable[[Floats], Floats]

FAINT = 1e-12  # length of a window's features below which they stay as they are


def pixels(images: Floats) -> Floats:
    """Return grey values as they are, shape (n, 1, H, W): one map."""
    return images[:, None]


@dataclass(frozen=True)
class Gradients:
    """How much the grey value changes in each direction, the ingredient of HOG.

    A direction and its opposite are one; between two directions the change is shared.

    Args:
        directions: How many, over half a turn.

    Raises:
        TypeError: For a number that is no int.

    >>> import numpy as np
    >>> edge = np.tile([0.0, 0.0, 1.0, 1.0], (4, 1))  # from left to right
    >>> Gradients(2)(edge[None])[0, :, 0].tolist()
    [[0.0, 0.5, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """

    directions: int = 8

    def __post_init__(self) -> None:
        """Check the number."""
        require_positive_int("directions", self.directions, "Gradients")
        require(
            self.directions >= 2,
            f"Gradients: directions must be 2 or more; got {self.directions}. A change between two "
            f"directions is shared.",
        )

    def __call__(self, images: Floats) -> Floats:
        """Return a map per direction, shape (n, directions, H, W)."""
        down, right = np.gradient(images, axis=(1, 2))
        place = np.arctan2(down, right) / np.pi % 1 * self.directions
        apart = np.abs(place[:, None] - np.arange(self.directions)[:, None, None])
        apart = np.minimum(apart, self.directions - apart)
        return np.asarray(np.hypot(down, right)[:, None] * np.maximum(0, 1 - apart))


@dataclass(frozen=True)
class Boxes(Digits):
    r"""Images of one of several classes, with the box around the object latent.

    All boxes are squares of one size; h counts their places on a grid, row by row. A box's features
    are the means of each map over cells of it, scaled to length 1, so that no box wins by its
    contrast. They are made once a fit, shape (n, places, k). The joint features have a block of
    k + 1 per class, and the loss is 0 for the right class, else 1: ``Digits``, with boxes for
    angles.

    Args:
        n_classes: Two or more.
        first: Place of the box that a search starts from; None for random ones.
        size: Side of a box, in pixels.
        stride: From one place to the next.
        cell: Side of a cell, which divides the size; 1 for every pixel.
        maps: From images (n, H, W) to maps (n, c, H, W): ``pixels``, ``Gradients()``, or any other.

    Raises:
        TypeError: For settings that are no ints.
        ValueError: For cells that do not divide the box, images of another shape, smaller than the
            box or with NaN, and labels other than 0 to ``n_classes - 1``.

    References:
        Kumar, Packer, Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010, the
        experiment with mammals, whose images and HOG features are not part of this.

    >>> import numpy as np
    >>> images = np.zeros((1, 3, 3))
    >>> images[0, 1:, 1:] = [[1.0, 2.0], [2.0, 0.0]]
    >>> problem = Boxes(size=2)
    >>> problem.read(images)[0, 3].round(3).tolist()  # the last of four places
    [0.333, 0.667, 0.667, 0.0]
    >>> problem.corners(np.array([3]), images).tolist()
    [[1, 1]]
    """

    size: int = 8
    stride: int = 1
    cell: int = 1
    maps: Maps = pixels

    def __post_init__(self) -> None:
        """Check the settings."""
        super().__post_init__()
        for name in ("size", "stride", "cell"):
            require_positive_int(name, getattr(self, name), "Boxes")
        require(
            self.size % self.cell == 0,
            f"Boxes: cells of {self.cell} pixels do not fill a box of {self.size}; choose a "
            f"divisor.",
        )

    def read(self, x: Any) -> Floats:
        """Return the features of every box, shape (n, places, k)."""
        images = self._images(x)
        maps = np.asarray(self.maps(images), np.float64)
        require(
            maps.ndim == 4 and (len(maps), *maps.shape[2:]) == images.shape,
            f"Boxes: maps must have shape (n, c, H, W); got {maps.shape} of images {images.shape}.",
        )
        pooled = sliding_window_view(maps, (self.cell, self.cell), (2, 3)).mean(axis=(4, 5))
        inside = self.size - self.cell + 1
        boxes = sliding_window_view(pooled, (inside, inside), (2, 3))
        boxes = boxes[:, :, :: self.stride, :: self.stride, :: self.cell, :: self.cell]
        n, _, rows, columns = boxes.shape[:4]
        flat = boxes.transpose(0, 2, 3, 1, 4, 5).reshape(n, rows * columns, -1)
        length = np.linalg.norm(flat, axis=2, keepdims=True)
        return flat / np.where(length < FAINT, 1.0, length)

    def corners(self, h: Places, x: Any) -> Places:
        """Return the upper left corners of boxes in images x, rows and columns, shape (n, 2)."""
        columns = (self._images(x).shape[2] - self.size) // self.stride + 1
        return np.stack(np.divmod(h, columns), axis=1) * self.stride

    def _images(self, x: Any) -> Floats:
        images = np.asarray(x, np.float64)
        require(
            images.ndim == 3 and min(images.shape[1:]) >= self.size,
            f"Boxes needs grey images, shape (n, H, W), of {self.size} pixels or more a side; got "
            f"shape {images.shape}.",
        )
        require(bool(np.isfinite(images).all()), "Boxes: the pixels must be finite numbers.")
        return images


class Cluttered(NamedTuple):
    """Images with an object at a place that is known here, to check what was found.

    Args:
        images: Shape (n, size, size).
        corners: Row and column of the object's upper left corner, shape (n, 2).
    """

    images: Floats
    corners: Places


def cluttered(
    objects: Any,
    size: int,
    *,
    pieces: int = 8,
    piece: int = 4,
    random_state: int | np.random.Generator | None = None,
) -> Cluttered:
    """Put each object somewhere on a canvas of its own, over pieces of other objects.

    Args:
        objects: Grey images, shape (n, h, w).
        size: Side of a canvas.
        pieces: On each canvas, cut from anywhere of any object.
        piece: Side of a piece.
        random_state: Seed or generator.

    Raises:
        ValueError: For objects that do not fit, and pieces larger than they.

    >>> images, corners = cluttered(np.ones((2, 3, 3)), 10, pieces=0, piece=1, random_state=0)
    >>> (row, column), canvas = corners[0], images[0]
    >>> canvas.sum(), canvas[row : row + 3, column : column + 3].sum()
    (np.float64(9.0), np.float64(9.0))
    """
    stamps, random = np.asarray(objects, np.float64), np.random.default_rng(random_state)
    require(
        stamps.ndim == 3 and piece <= min(stamps.shape[1:]) <= max(stamps.shape[1:]) <= size,
        f"cluttered needs grey images, shape (n, h, w), of {piece} to {size} pixels a side; got "
        f"shape {stamps.shape}.",
    )
    n, *sides = stamps.shape
    canvas = np.zeros((n, size, size))
    for _ in range(pieces):
        of, at = random.integers(n, size=n), _anywhere(random, np.array(sides) - piece, n)
        cut = sliding_window_view(stamps, (piece, piece), (1, 2))[of, at[:, 0], at[:, 1]]
        _put(canvas, cut, _anywhere(random, np.array([size, size]) - piece, n))
    corners = _anywhere(random, size - np.array(sides), n)
    _put(canvas, stamps, corners)
    return Cluttered(canvas, corners)


def overlap(a: Places, b: Places, size: int) -> Floats:
    """Return the intersection over union of squares at corners a and b, shape (n,), 0 to 1.

    >>> overlap(np.array([[0, 0], [0, 0]]), np.array([[0, 0], [0, 2]]), 4).round(3).tolist()
    [1.0, 0.333]
    """
    common = np.maximum(0, size - np.abs(a - b)).prod(axis=1)
    return np.asarray(common / (2 * size**2 - common))


def _anywhere(random: np.random.Generator, room: Places, n: int) -> Places:
    """Return n places, from 0 to the room, in both directions."""
    return random.integers(room + 1, size=(n, 2))


def _put(canvas: Floats, stamps: Floats, corners: Places) -> None:
    """Lay one stamp on each canvas."""
    _, height, width = stamps.shape
    rows = corners[:, 0, None, None] + np.arange(height)[:, None]
    columns = corners[:, 1, None, None] + np.arange(width)
    canvas[np.arange(len(canvas))[:, None, None], rows, columns] = stamps
