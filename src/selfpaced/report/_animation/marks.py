"""The samples and the regions of an animation: the look of classes, weights and anomalies."""

from collections.abc import Sequence
from itertools import product
from typing import cast

import numpy as np
from contourpy import contour_generator
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgb
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path as Outline
from matplotlib.text import Annotation
from matplotlib.transforms import IdentityTransform
from numpy.typing import NDArray

from selfpaced.report._animation.frames import (
    GRID,
    SHAPES,
    Frame,
    Ints,
    choose_drawn,
    find_ringed,
    limits,
)
from selfpaced.report._drawing import Floats
from selfpaced.report._theme import POINTS_PER_INCH, Theme

# The largest number of colours of all regions together: what the palette of a GIF has room for.
MOST_SHADES = 140
# The largest number of shades of the region of one class.
MOST_LEVELS = 24
# Up to this number of ringed samples, each ring has the index of its sample beside it.
MOST_NAMED = 5
# The distances of an index from its ring, as multiples of the usual distance, in order of trial.
DISTANCES = (1.0, 1.8, 2.6)
# The usual distance of an index from its ring, in pixels: across and up.
ACROSS = 56
UP = 44


def look(label: int, theme: Theme) -> tuple[str, str, str]:
    """Return shape, colour and edge colour of a class; no two classes share shape and colour.

    >>> from selfpaced.report._theme import LIGHT
    >>> look(0, LIGHT)[:2], look(5, LIGHT)[:2]
    (('o', '#0072B2'), ('^', '#0072B2'))
    """
    turn, place = divmod(label, len(theme.colours))
    colour = theme.colours[place]
    edge = 0.72 * np.array(rgb(colour)) + 0.28 * np.array(rgb(theme.ink))
    red, green, blue = edge.round().astype(int).tolist()
    return SHAPES[(place + turn) % len(SHAPES)], colour, f"#{red:02X}{green:02X}{blue:02X}"


def rgb(colour: str) -> list[int]:
    """Return red, green and blue of a colour, from 0 to 255."""
    return [round(255 * part) for part in to_rgb(colour)]


def make_shades(n_classes: int, theme: Theme) -> NDArray[np.uint8]:
    """Return the shades of the regions, from unsure to sure, shape ``(C, levels, 3)``."""
    levels = min(MOST_SHADES // n_classes, MOST_LEVELS)
    paper = np.array(rgb(theme.background))
    full = np.array([rgb(look(label, theme)[1]) for label in range(n_classes)])
    strength = np.linspace(0.03, 0.34, levels)[:, None]
    return np.asarray(paper + strength * (full[:, None] - paper)).round().astype(np.uint8)


class Regions:
    """The regions of the predicted classes; the shade is darker where the probability is higher.

    Args:
        axes: The axes to draw on, with their limits set.
        size: Width and height of the axes in pixels.
        probabilities: The probabilities of each frame, shape ``(GRID**2, C)``.
        shades: The colours, shape ``(C, levels, 3)``.
        theme: Gives the colour of the lines between the regions.
    """

    def __init__(
        self,
        axes: Axes,
        size: tuple[int, int],
        probabilities: Sequence[Floats],
        shades: NDArray[np.uint8],
        theme: Theme,
    ) -> None:
        """Add the image and the lines."""
        self._probabilities, self._shades = probabilities, shades
        self._size = size
        (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
        self._x, self._y = np.linspace(x0, x1, GRID), np.linspace(y0, y1, GRID)
        self._image = axes.imshow(
            np.zeros((size[1], size[0], 3), np.uint8),
            extent=(x0, x1, y0, y1),
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            zorder=0,
        )
        self._border = LineCollection([], colors=theme.ink, linewidths=1.3, zorder=0.5)
        axes.add_collection(self._border, autolim=False)
        self.moving: list[Artist] = [self._image, self._border]

    def show(self, place: int) -> None:
        """Draw the regions of a frame and the lines between them."""
        n_classes, levels, _ = self._shades.shape
        fields = self._probabilities[place].T.astype(np.float32).reshape(n_classes, GRID, GRID)
        width, height = self._size
        fine = _stretch(_stretch(fields, width).swapaxes(1, 2), height).swapaxes(1, 2)
        sure = (fine.max(0) * n_classes - 1) / (n_classes - 1)  # 0 for chance, 1 for certainty
        level = (sure.clip(0, 1) * (levels - 1)).round().astype(np.int64)
        self._image.set_data(self._shades[fine.argmax(0), level])
        lines: list[Floats] = []
        for label in range(n_classes if n_classes > 2 else 1):
            lead = fields[label] - np.delete(fields, label, 0).max(0)
            lines += cast("list[Floats]", contour_generator(self._x, self._y, lead).lines(0.0))
        self._border.set_segments(lines)


class Marks:
    """The samples: filled if they are kept, hollow if left out, with a ring if anomalies.

    Args:
        axes: The axes to draw on; their limits are set.
        points: Coordinates of the samples, shape ``(n, 2)``.
        labels: Classes of the samples, shape ``(n,)``.
        frames: All frames.
        theme: The colours.
    """

    def __init__(
        self, axes: Axes, points: Floats, labels: Ints, frames: Sequence[Frame], theme: Theme
    ) -> None:
        """Add the marks, the rings and the indices beside the rings."""
        self._frames, self._points, ringed = frames, points, find_ringed(frames)
        (x0, y0), (x1, y1) = limits(points)
        axes.set(xlim=(x0, x1), ylim=(y0, y1))
        self._drawn = choose_drawn(labels, ringed)
        looks = [look(label, theme) for label in labels[self._drawn].tolist()]
        self._shapes = [_outline(shape) for shape, _, _ in looks]
        self._colours = np.array([to_rgb(colour) for _, colour, _ in looks])
        self._edges = np.array([to_rgb(edge) for _, _, edge in looks])
        size = min(max(24000 / len(looks), 17.0), 60.0)  # square points
        self._marks = PathCollection(self._shapes, [size], offset_transform=axes.transData)
        self._marks.set(transform=IdentityTransform(), linewidths=0.9)
        axes.add_collection(self._marks, autolim=False)
        self._rings = [
            axes.scatter([], [], s=330, facecolors="none", edgecolors=colour, linewidths=width)
            for colour, width in ((theme.background, 5.5), (theme.ink, 2.4))
        ]
        named = ringed.tolist() if len(ringed) <= MOST_NAMED else []
        self._names = _add_names(axes, points, named, theme)
        self.moving: list[Artist] = [self._marks, *self._rings, *self._names.values()]

    def show(self, place: int) -> None:
        """Fill the marks of the samples that a frame keeps, and draw rings around its anomalies."""
        frame = self._frames[place]
        kept = np.asarray(frame.weight)[self._drawn] > 0
        order = np.argsort(kept, kind="stable")  # kept samples are drawn over those left out
        self._marks.set(
            paths=[self._shapes[place] for place in order],
            offsets=self._points[self._drawn[order]],
            facecolor=np.column_stack([self._colours[order], kept[order]]),
            edgecolor=self._edges[order],
        )
        for ring in self._rings:
            ring.set_offsets(self._points[np.asarray(frame.anomalies, np.int64)])
        for index, name in self._names.items():
            name.set_visible(index in frame.anomalies)


def _outline(shape: str) -> Outline:
    """Return the outline of a mark."""
    style = MarkerStyle(shape)
    return style.get_path().transformed(style.get_transform())


def _stretch(fields: NDArray[np.float32], pixels: int) -> NDArray[np.float32]:
    """Interpolate linearly along the last axis, at the centres of the pixels."""
    at = (np.arange(pixels) + 0.5) / pixels * (fields.shape[-1] - 1)
    left = at.astype(np.int64)
    low, high = fields[..., left], fields[..., left + 1]
    return np.asarray(low + (at - left).astype(fields.dtype) * (high - low))


def _add_names(axes: Axes, points: Floats, named: list[int], theme: Theme) -> dict[int, Annotation]:
    """Write the index beside each of a few rings, where it covers no other ring or index."""
    rings = axes.transData.transform(points[named]) if named else np.empty((0, 2))
    taken, names = list(rings), {}
    for index, ring in zip(named, rings, strict=True):
        size = np.array([9 * len(str(index)) + 26, 28])
        places = _places(axes, ring, size)
        free = [p for p in places if all((abs(p - other) > size).any() for other in taken)]
        place = (free or places)[0]
        taken.append(place)
        names[index] = _add_name(axes, f"#{index}", points[index], place - ring, theme)
    return names


def _places(axes: Axes, ring: Floats, size: Ints) -> list[Floats]:
    """Return the places around a ring where text stays inside the axes; the best comes first.

    Near places come before far ones, and of these, places near the middle of the axes come first.
    """
    (low, high), places = axes.get_window_extent().get_points(), []
    for scale in DISTANCES:
        across, up = ACROSS * scale, UP * scale
        steps = product((-across, 0, across), (-up, 0, up))
        around = [ring + step for step in steps if any(step)]
        places += sorted(around, key=lambda place: float(np.hypot(*(place - (low + high) / 2))))
    inside = [p for p in places if (p - size / 2 > low).all() and (p + size / 2 < high).all()]
    return inside or places


def _add_name(axes: Axes, name: str, point: Floats, step: Floats, theme: Theme) -> Annotation:
    """Write text at a distance from a point, given in pixels, with an arrow to the point."""
    box = {"boxstyle": "round,pad=0.25", "fc": theme.background, "ec": theme.ink, "lw": 0.9}
    return axes.annotate(
        name,
        (point[0], point[1]),
        xytext=tuple(step * POINTS_PER_INCH / axes.figure.dpi),
        textcoords="offset points",
        color=theme.ink,
        fontsize=9.5,
        fontweight="bold",
        ha="center",
        va="center",
        bbox=box,
        arrowprops={"arrowstyle": "-|>", "color": theme.ink, "shrinkB": 11, "lw": 1.4},
    )
