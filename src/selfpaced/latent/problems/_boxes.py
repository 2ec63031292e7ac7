"""Images of an object at an unknown place: its class is the label, the box around it latent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from selfpaced._errors import require, require_positive_int
from selfpaced.chain import Floats
from selfpaced.latent.problems._digits import Digits

Indices = NDArray[np.int64]
Maps = Callable[[Floats], Floats]

# The features of a box are not scaled if their length is below this, as in an even area.
MIN_LENGTH = 1e-12


def pixels(images: Floats) -> Floats:
    """Return the grey values unchanged as one map, shape (n, 1, H, W)."""
    return images[:, None]


@dataclass(frozen=True)
class Gradients:
    """Maps of how much the grey value changes in each direction, as HOG features are made of.

    A direction and its opposite count as the same. A change between two directions is divided
    between them.

    Args:
        directions: Number of directions over half a turn; 2 or more.

    Raises:
        TypeError: For a number that is not an int.
        ValueError: For fewer than 2 directions.

    >>> import numpy as np
    >>> edge = np.tile([0.0, 0.0, 1.0, 1.0], (4, 1))  # from left to right
    >>> Gradients(2)(edge[None])[0, :, 0].tolist()
    [[0.0, 0.5, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """

    directions: int = 8

    def __post_init__(self) -> None:
        """Check the number of directions."""
        require_positive_int("directions", self.directions, "Gradients")
        require(
            self.directions >= 2,
            f"Gradients: directions must be 2 or more; got {self.directions}. Each change is "
            f"divided between the two nearest directions.",
        )

    def __call__(self, images: Floats) -> Floats:
        """Return one map per direction, shape (n, directions, H, W)."""
        down, right = np.gradient(images, axis=(1, 2))
        direction = np.arctan2(down, right) / np.pi % 1 * self.directions
        distance = np.abs(direction[:, None] - np.arange(self.directions)[:, None, None])
        distance = np.minimum(distance, self.directions - distance)
        return np.asarray(np.hypot(down, right)[:, None] * np.maximum(0, 1 - distance))


@dataclass(frozen=True)
class Boxes(Digits):
    r"""Images of one of several classes, with the box around the object latent.

    All boxes are squares of one size. They lie on a grid, and h is the index of a box, counted row
    by row. The features of a box are the means of each map over its cells, scaled to length 1, so
    that no box scores higher because of its contrast. They are computed once per fit, shape
    (n, boxes, k). The joint features have a block of k + 1 per class, and the loss is 0 for the
    right class, else 1, as in ``Digits``, with boxes in place of angles.

    Args:
        n_classes: Two or more.
        first: Index of the box that a search starts from; None for random boxes.
        size: Side of a box, in pixels.
        stride: Distance between neighbouring boxes, in pixels.
        cell: Side of a cell, in pixels; it must divide the size.
        maps: A function from images (n, H, W) to maps (n, c, H, W), such as ``Gradients()``. The
            default returns the grey values unchanged.

    Raises:
        TypeError: For settings that are not ints.
        ValueError: For cells that do not divide the box, images of another shape, smaller than the
            box or with NaN, and labels other than 0 to ``n_classes - 1``.

    References:
        Kumar, Packer, Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010, the
        experiment with mammals. Its images and HOG features are not included.

    >>> import numpy as np
    >>> images = np.zeros((1, 3, 3))
    >>> images[0, 1:, 1:] = [[1.0, 2.0], [2.0, 0.0]]
    >>> problem = Boxes(size=2)
    >>> problem.read(images)[0, 3].round(3).tolist()  # the last of four boxes
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
            f"Boxes: cells of {self.cell} pixels do not fill a box of {self.size}; choose a cell "
            f"that divides the size.",
        )

    def read(self, x: Any) -> Floats:
        """Return the features of every box, shape (n, boxes, k)."""
        images = self._images(x)
        maps = np.asarray(self.maps(images), np.float64)
        require(
            maps.ndim == 4 and (len(maps), *maps.shape[2:]) == images.shape,
            f"Boxes: maps must have shape (n, c, H, W); got {maps.shape} for images "
            f"{images.shape}.",
        )
        pooled = sliding_window_view(maps, (self.cell, self.cell), (2, 3)).mean(axis=(4, 5))
        inside = self.size - self.cell + 1
        boxes = sliding_window_view(pooled, (inside, inside), (2, 3))
        boxes = boxes[:, :, :: self.stride, :: self.stride, :: self.cell, :: self.cell]
        n, _, rows, columns = boxes.shape[:4]
        flat = boxes.transpose(0, 2, 3, 1, 4, 5).reshape(n, rows * columns, -1)
        length = np.linalg.norm(flat, axis=2, keepdims=True)
        return flat / np.where(length < MIN_LENGTH, 1.0, length)

    def corners(self, h: Indices, x: Any) -> Indices:
        """Return the row and column of the upper left corner of boxes in images x, shape (n, 2)."""
        columns = (self._images(x).shape[2] - self.size) // self.stride + 1
        return np.stack(np.divmod(h, columns), axis=1) * self.stride

    def _images(self, x: Any) -> Floats:
        """Return images, float64, shape (n, H, W), or raise for those that have no box."""
        images = np.asarray(x, np.float64)
        require(
            images.ndim == 3 and min(images.shape[1:]) >= self.size,
            f"Boxes needs grey images, shape (n, H, W), of {self.size} pixels or more a side; got "
            f"shape {images.shape}. Use a smaller size or larger images.",
        )
        require(bool(np.isfinite(images).all()), "Boxes: the pixels must be finite numbers.")
        return images


class Cluttered(NamedTuple):
    """Images with an object at a known place, to compare with the boxes that are found.

    Args:
        images: Shape (n, size, size).
        corners: Row and column of the object's upper left corner, shape (n, 2).
    """

    images: Floats
    corners: Indices


def cluttered(
    objects: Any,
    size: int,
    *,
    pieces: int = 8,
    piece: int = 4,
    random_state: int | np.random.Generator | None = None,
) -> Cluttered:
    """Put each object at a random place on a canvas of its own, over pieces of random objects.

    Args:
        objects: Grey images, shape (n, h, w).
        size: Side of a canvas, in pixels.
        pieces: Number of pieces on each canvas, each cut from a random place of a random object.
        piece: Side of a piece, in pixels.
        random_state: Seed or generator.

    Raises:
        ValueError: For objects larger than the canvas or smaller than a piece.

    >>> images, corners = cluttered(np.ones((2, 3, 3)), 10, pieces=0, piece=1, random_state=0)
    >>> (row, column), canvas = corners[0], images[0]
    >>> canvas.sum(), canvas[row : row + 3, column : column + 3].sum()
    (np.float64(9.0), np.float64(9.0))
    """
    found, random = np.asarray(objects, np.float64), np.random.default_rng(random_state)
    require(
        found.ndim == 3 and piece <= min(found.shape[1:]) <= max(found.shape[1:]) <= size,
        f"cluttered needs grey images, shape (n, h, w), of {piece} to {size} pixels a side; got "
        f"shape {found.shape}.",
    )
    n, *sides = found.shape
    canvas = np.zeros((n, size, size))
    for _ in range(pieces):
        source, at = random.integers(n, size=n), _random_corners(random, np.array(sides) - piece, n)
        cut = sliding_window_view(found, (piece, piece), (1, 2))[source, at[:, 0], at[:, 1]]
        _paste(canvas, cut, _random_corners(random, np.array([size, size]) - piece, n))
    corners = _random_corners(random, size - np.array(sides), n)
    _paste(canvas, found, corners)
    return Cluttered(canvas, corners)


def overlap(a: Indices, b: Indices, size: int) -> Floats:
    """Return the intersection over union of squares with corners a and b, shape (n,), 0 to 1.

    >>> overlap(np.array([[0, 0], [0, 0]]), np.array([[0, 0], [0, 2]]), 4).round(3).tolist()
    [1.0, 0.333]
    """
    common = np.maximum(0, size - np.abs(a - b)).prod(axis=1)
    return np.asarray(common / (2 * size**2 - common))


def _random_corners(random: np.random.Generator, last: Indices, n: int) -> Indices:
    """Return n random rows and columns from 0 to the last ones, shape (n, 2)."""
    return random.integers(last + 1, size=(n, 2))


def _paste(canvas: Floats, images: Floats, corners: Indices) -> None:
    """Copy one image onto each canvas, in place."""
    _, height, width = images.shape
    rows = corners[:, 0, None, None] + np.arange(height)[:, None]
    columns = corners[:, 1, None, None] + np.arange(width)
    canvas[np.arange(len(canvas))[:, None, None], rows, columns] = images
