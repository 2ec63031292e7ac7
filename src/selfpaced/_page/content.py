"""What a report shows of a run, as plain values: the page knows nothing of audits and pacers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# What the numbers of a history are called, in the order in which they are drawn.
SERIES = {
    "kept_share": "kept share",
    "mean_loss": "mean loss",
    "median_difficulty": "median difficulty",
    "age": "age",
}


@dataclass(frozen=True)
class Shown:
    """A sample as a person sees it: a text, an image or a row of a table.

    Args:
        place: Its row, file or index, as text.
        text: The whole text; "" for other data.
        image: The picture as a data URI; "" for other data, and if it cannot be shown.
        row: (name, value) of each column; () for other data.
    """

    place: str
    text: str = ""
    image: str = ""
    row: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Neighbour:
    """One of the samples nearest to another.

    Args:
        sample: The sample.
        label: Its given label.
    """

    sample: Shown
    label: str


@dataclass(frozen=True)
class Case:
    """A sample whose label may be wrong.

    Args:
        sample: The sample.
        suspect: Whether its label is more probably wrong than right; else it is only doubtful.
        given: Its label; "" if it is not known.
        suggested: The label that the models suggest; "" for none.
        probability: How probable it is that the label is wrong, in [0, 1]; None if only losses are
            known.
        probabilities: (class, probability) of the most probable classes and of the given one, the
            most probable first; () for numbers.
        differs: (column, value, usual value) of the columns that differ most from the nearest
            samples with the same label.
        neighbours: The nearest samples, the nearest first.
        line: The line of the file on which it starts, from 1; None for data without lines.
    """

    sample: Shown
    suspect: bool
    given: str
    suggested: str
    probability: float | None
    probabilities: tuple[tuple[str, float], ...] = ()
    differs: tuple[tuple[str, str, str], ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    line: int | None = None


@dataclass(frozen=True)
class Gallery:
    """The samples to look at, the most suspicious first.

    Args:
        name: The name of the data, such as ``pets.csv``.
        noun: What a sample is called: "row", "text", "image" or "sample".
        place: What the place of a sample is: its "row", "file" or "index".
        classes: The names of all classes; () for numbers.
        cases: The samples.
        more: How many further samples the list has, which are not among the cases.
        most: The largest probability of a wrong label that is shown; higher ones are said to be
            above it.
    """

    name: str
    noun: str
    place: str
    classes: tuple[str, ...]
    cases: tuple[Case, ...]
    more: int = 0
    most: float = 0.999


@dataclass(frozen=True, eq=False)
class Map:
    """A picture of all samples as points.

    Args:
        name: What the picture is called.
        x: The name of the horizontal axis; "" if it has no meaning of its own.
        y: The name of the vertical axis.
        across: Horizontal places, shape (n,); NaN for a sample that is not drawn.
        up: Vertical places, shape (n,).
        about: How to read the picture, in a sentence.
    """

    name: str
    x: str
    y: str
    across: NDArray[np.float32]
    up: NDArray[np.float32]
    about: str = ""


@dataclass(frozen=True, eq=False)
class Samples:
    """The samples that the maps show.

    Args:
        places: The row, file or index of each, n of them.
        given: The class of each in ``names``, shape (n,); -1 for none.
        suggested: The suggested class of each, shape (n,).
        names: The names of the classes; () for numbers.
        probability: How probable it is that the label is wrong, shape (n,); NaN if not judged.
        suspect: Whether the sample is a suspect, shape (n,).
        total: The number of samples of the run; more than n if some were left out of the maps.
    """

    places: Sequence[int] | Sequence[str]
    given: NDArray[np.int32]
    suggested: NDArray[np.int32]
    names: tuple[str, ...]
    probability: NDArray[np.float32]
    suspect: NDArray[np.bool_]
    total: int


@dataclass(frozen=True, eq=False)
class Curves:
    """The training, epoch by epoch.

    Args:
        series: The values after each epoch, by name, such as "kept share"; NaN for none.
        edges: The limits of the bins of the losses, shape (bins + 1,); empty without losses.
        suspects: How many suspects have a loss in each bin, shape (epochs, bins).
        others: The same of all other samples.
    """

    series: Mapping[str, Sequence[float]]
    edges: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    suspects: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 0), np.int32))
    others: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 0), np.int32))


@dataclass(frozen=True, eq=False)
class Report:
    """All that a page says about a run; texts are plain, and escaped by the page.

    Args:
        title: The name of the data.
        headline: What was found, in a sentence without a full stop.
        told: What may be concluded, and what not; a sentence or a few each.
        facts: (name, value) of the numbers that matter most, a handful.
        doubts: Reasons to doubt the result, a sentence or a few each.
        gallery: The samples to look at.
        samples: The samples of the maps; None without maps.
        maps: Pictures of the samples.
        meant: How many suspects have a label (columns) where another class is suggested (rows),
            shape (C, C), for the classes of ``gallery.classes``; None for numbers.
        panel: How well each class is predicted: a row of texts per class.
        heads: The heads of the columns of ``panel``.
        curves: The training.
        how: (name, value) that say how the report was made, such as the command and versions.
        decided: What people decided so far, by place: "keep", "change to dog" or "unsure".
    """

    title: str
    headline: str
    told: Sequence[str]
    facts: Sequence[tuple[str, str]]
    doubts: Sequence[str]
    gallery: Gallery
    samples: Samples | None = None
    maps: Sequence[Map] = ()
    meant: NDArray[np.int64] | None = None
    panel: Sequence[Sequence[str]] = ()
    heads: Sequence[str] = ()
    curves: Curves | None = None
    how: Sequence[tuple[str, str]] = ()
    decided: Mapping[str, str] = field(default_factory=dict[str, str])
