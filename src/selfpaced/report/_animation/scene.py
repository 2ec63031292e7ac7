"""The picture of a frame: the map of the samples, the curve of the kept share, and the texts.

All artists are created once, before the first frame. Later only their data change, so that the
layout is the same in all frames.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from numpy.typing import NDArray

from selfpaced.report._animation.frames import (
    Frame,
    Ints,
    choose_drawn,
    find_ringed,
    kept_share,
)
from selfpaced.report._animation.marks import Marks, Regions, look, make_shades, rgb
from selfpaced.report._drawing import Floats
from selfpaced.report._theme import Theme

# The width of the picture in pixels.
WIDTH = 760
# The resolution of the picture in pixels per inch.
DPI = 100
# The axes of the samples: left, bottom, width and height in pixels, from the lower left corner.
MAP = (46, 34, 536, 422)
# The axes of the kept share: left, bottom, width and height in pixels.
CURVE = (640, 52, 100, 92)
# The upper end of the axes of the samples, in pixels.
TOP = MAP[1] + MAP[3]
# The left end of the column to the right of the samples, in pixels.
SIDE = 600
# The right end of this column, in pixels.
END = 740
# Above this number of classes, the legend of the classes has two columns.
MANY_CLASSES = 10


class Part(Protocol):
    """A part of the picture that changes from frame to frame.

    Attributes:
        moving: The artists that change.
    """

    @property
    def moving(self) -> list[Artist]:
        """The artists that change."""
        ...

    def show(self, place: int) -> None:
        """Change the data of the artists to those of a frame, given by its index."""


class Scene:
    """The frames of a training, drawn one at a time.

    Args:
        points: Coordinates of the samples, shape ``(n, 2)``.
        labels: Classes of the samples, shape ``(n,)``.
        frames: The frames, with NumPy arrays.
        title: The title above the picture.
        theme: The colours.

    Attributes:
        frames: The frames.
        colours: The colours of the flat areas: red, green and blue from 0 to 255.
    """

    def __init__(
        self, points: Floats, labels: Ints, frames: Sequence[Frame], title: str, theme: Theme
    ) -> None:
        """Lay out the canvas."""
        self.frames = frames
        drawn = choose_drawn(labels, find_ringed(frames))
        few = len(drawn) < len(labels)
        remark = f"{len(drawn):,} of {len(labels):,} samples drawn" if few else ""
        remarks = bool(remark) or any(frame.note for frame in frames)
        self._height = TOP + 44 + 26 * remarks + 30 * bool(title)
        self._figure = Figure((WIDTH / DPI, self._height / DPI), DPI, facecolor=theme.background)
        self._canvas = FigureCanvasAgg(self._figure)
        axes = self._axes(MAP)
        axes.tick_params(color=theme.grid, labelcolor=theme.muted, labelsize=8)
        axes.set_facecolor(theme.background)
        axes.spines[:].set_color(theme.grid)
        self._parts: list[Part] = [Marks(axes, points, labels, frames, theme)]
        flat = theme.background, theme.ink, theme.muted, theme.grid, *theme.colours
        self.colours = [rgb(colour) for colour in flat]
        self._add_regions(axes, theme)
        self._parts.append(Curve(self._axes(CURVE), frames, theme))
        self._parts.append(Head(self._figure, frames, title, remark, theme))
        _add_legends(self._figure, labels, frames, theme)
        moving = [artist for part in self._parts for artist in part.moving]
        self._moving = sorted([*moving, *axes.spines.values()], key=lambda one: one.get_zorder())
        self._still = self._draw_still()
        self._kept: dict[int, NDArray[np.uint8]] = {}

    def render(self, place: int) -> NDArray[np.uint8]:
        """Draw a frame, given by its index; return its pixels, shape ``(height, width, 3)``."""
        if place in self._kept:
            return self._kept[place]
        for part in self._parts:
            part.show(place)
        self._canvas.restore_region(self._still)  # type: ignore[no-untyped-call]  # no types
        for artist in self._moving:
            artist.draw(self._canvas.get_renderer())  # type: ignore[no-untyped-call]  # no types
        pixels = self._canvas.buffer_rgba()  # type: ignore[no-untyped-call]  # no types
        picture = np.asarray(pixels)[..., :3].copy()
        if place in self.some:
            self._kept[place] = picture
        return picture

    @property
    def some(self) -> list[int]:
        """The indices of the first, the middle and the last frame, whose pixels are kept."""
        last = len(self.frames) - 1
        return sorted({0, last // 2, last})

    def _draw_still(self) -> object:
        """Draw the parts that do not change, and return their pixels."""
        for artist in self._moving:
            artist.set_animated(True)
        self._canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib types it only in part
        still: object = self._canvas.copy_from_bbox(self._figure.bbox)  # type: ignore[no-untyped-call]  # no types
        return still

    def _add_regions(self, axes: Axes, theme: Theme) -> None:
        """Add the regions if the frames have probabilities; otherwise remove the ticks.

        Without probabilities the axes are principal components, which have no unit.
        """
        fields = [np.asarray(f.probabilities) for f in self.frames if f.probabilities is not None]
        if not fields:
            axes.set(xticks=[], yticks=[])
            return
        shades = make_shades(fields[0].shape[1], theme)
        self.colours += shades.reshape(-1, 3).tolist()
        self._parts.append(Regions(axes, MAP[2:], fields, shades, theme))

    def _axes(self, box: tuple[int, int, int, int]) -> Axes:
        """Add axes at a box of left, bottom, width and height in whole pixels."""
        left, bottom, width, height = box
        across, up = WIDTH, self._height
        return self._figure.add_axes((left / across, bottom / up, width / across, height / up))


class Curve:
    """The curve of the kept share up to the current frame, on axes that do not change.

    Args:
        axes: The axes to draw on.
        frames: All frames.
        theme: The colours.
    """

    def __init__(self, axes: Axes, frames: Sequence[Frame], theme: Theme) -> None:
        """Set up the axes, and add an empty curve."""
        self._shares = [100 * kept_share(frame) for frame in frames]
        last = len(frames) - 1
        axes.set(xlim=(-0.06 * max(last, 1), 1.06 * max(last, 1)), ylim=(-6, 106))
        axes.set_facecolor(theme.background)
        axes.set_title("kept so far", loc="left", fontsize=9, color=theme.ink, pad=6)
        axes.set_yticks([0, 50, 100], ["0 %", "50 %", "100 %"])
        axes.set_xticks([0, last] if last else [0], [str(frames[i].epoch) for i in {0, last}])
        axes.set_xlabel("epoch", fontsize=8.5, color=theme.muted, labelpad=-8)
        axes.tick_params(color=theme.grid, labelcolor=theme.muted, labelsize=8)
        axes.grid(axis="y", color=theme.grid, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[:].set_visible(False)
        (self._line,) = axes.plot([], [], color=theme.ink, linewidth=1.6, clip_on=False)
        (self._dot,) = axes.plot([], [], "o", color=theme.ink, markersize=6, clip_on=False)
        self.moving: list[Artist] = [self._line, self._dot]

    def show(self, place: int) -> None:
        """Draw the kept shares up to a frame."""
        self._line.set_data(range(place + 1), self._shares[: place + 1])
        self._dot.set_data([place], [self._shares[place]])


class Head:
    """The texts above the map: from top to bottom the title, the state of the training, the note.

    Args:
        figure: The figure to write on.
        frames: All frames.
        title: The title above the picture.
        remark: A text to the right of the note.
        theme: The colours.
    """

    def __init__(
        self, figure: Figure, frames: Sequence[Frame], title: str, remark: str, theme: Theme
    ) -> None:
        """Write the texts that do not change; leave room for the widest of those that do."""
        self._figure, self._frames, left, top = figure, frames, MAP[0], TOP + 14
        end = self._write(END, top, remark, 8.5, theme.muted)
        end.set_horizontalalignment("right")
        self._note = self._write(left, top, "", 9.5, theme.muted)
        self._room = end.get_window_extent().x0 - left - 20
        top += 26 * (bool(remark) or any(frame.note for frame in frames))
        self._columns: list[Text] = []
        for column in zip(*map(_state, frames), strict=True):
            text = self._write(left, top, max(column, key=len), 12, theme.ink)
            left += math.ceil(text.get_window_extent().width) + 26
            self._columns.append(text)
        _fit(self._write(MAP[0], top + 32, "", 14, theme.ink, "bold"), title, END - MAP[0])
        self.moving: list[Artist] = [self._note, *self._columns]

    def show(self, place: int) -> None:
        """Write the state and the note of a frame, given by its index."""
        for text, words in zip(self._columns, _state(self._frames[place]), strict=True):
            text.set_text(words)
        _fit(self._note, self._frames[place].note, self._room)

    def _write(
        self, x: float, y: float, words: str, size: float, colour: str, weight: str = "normal"
    ) -> Text:
        """Write words at x and y in pixels."""
        place = x / WIDTH, y / self._figure.bbox.height
        text = self._figure.text(*place, words, color=colour, fontsize=size, fontweight=weight)
        text.set_parse_math(False)
        return text


def _fit(text: Text, words: str, room: float) -> None:
    """Write words on one line; words that need more room than there is are cut off."""
    words = " ".join(words.split())
    text.set_text(words)
    width = text.get_window_extent().width
    if width > room:
        text.set_text(words[: int(0.95 * len(words) * room / width) - 1] + "…")


def _state(frame: Frame) -> tuple[str, str, str]:
    """Return epoch, age and kept share as text; 0 % and 100 % only if they are exact."""
    share = 100 * kept_share(frame)
    kept = f"{min(max(share, 1), 99):.0f}" if 0 < share < 100 else f"{share:.0f}"
    age = "∞" if math.isinf(frame.age) else f"{frame.age:.3g}"
    return f"epoch {frame.epoch}", f"age {age}", f"kept {kept} %"


def _add_legends(figure: Figure, labels: Ints, frames: Sequence[Frame], theme: Theme) -> None:
    """Add the legend of filled, hollow and ringed marks, and below it the legend of the classes."""
    states = {
        "included": _mark("o", theme.muted, theme.muted),
        "left out": _mark("o", "none", theme.muted),
    }
    if len(find_ringed(frames)):
        states["anomaly"] = _mark("o", "none", theme.ink, 10, 2)
    classes = np.unique(labels).tolist()
    wide = len(classes) > MANY_CLASSES
    marks = {str(c) if wide else f"class {c}": _mark(*look(c, theme)) for c in classes}
    _add_legend(figure, states, TOP + 6, 1, theme)
    _add_legend(figure, marks, TOP - 20 - 19 * len(states), 2 if wide else 1, theme)


def _add_legend(
    figure: Figure, marks: dict[str, Line2D], top: float, columns: int, theme: Theme
) -> None:
    """Add a legend in the column to the right; its top is given in pixels."""
    figure.legend(
        list(marks.values()),
        list(marks),
        loc="upper left",
        bbox_to_anchor=(SIDE / WIDTH, top / figure.bbox.height),
        ncols=columns,
        frameon=False,
        fontsize=9.5,
        labelcolor=theme.ink,
        borderaxespad=0,
        handletextpad=0.4,
        labelspacing=0.4,
    )


def _mark(shape: str, face: str, edge: str, size: float = 6.5, width: float = 1.0) -> Line2D:
    """Return a mark for a legend."""
    line = Line2D([], [], linestyle="", marker=shape, markersize=size)
    line.set(markerfacecolor=face, markeredgecolor=edge, markeredgewidth=width)
    return line
