"""The frame of an animation, and the checks of all arguments before anything is drawn."""

import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from operator import index
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from selfpaced._errors import require
from selfpaced.report._drawing import Floats, Numbers, as_floats
from selfpaced.report._theme import Theme

Ints = NDArray[np.int64]

# The number of points of the grid along each side.
GRID = 100
# The margin on each side of the samples, as a share of their span.
MARGIN = 0.06
# The shapes of the marks, which tell classes with the same colour apart, as matplotlib names them.
SHAPES = ("o", "^", "s", "D")
# The largest number of samples that are drawn; all anomalies are drawn even if there are more.
MOST_DRAWN = 1500
# The least number of samples of a class that are drawn, if the class has as many.
LEAST_OF_A_CLASS = 10
# The shortest and the longest time that a frame can be shown, in seconds.
SHORTEST_FRAME = 0.02
LONGEST_FRAME = 60


@dataclass(frozen=True, eq=False)
class Frame:
    """One moment of a training.

    Args:
        epoch: The epoch that has just ended.
        age: The age in the unit of the difficulty; ``inf`` keeps all samples.
        weight: Weights of 0 or more, shape ``(n,)``; a sample with weight 0 is left out.
        probabilities: Probability of each class at the points of ``grid(x)``, shape ``(m, C)``;
            None for an embedding.
        anomalies: Indices of the samples to draw with a ring.
        note: A short subtitle.

    >>> import numpy as np
    >>> Frame(epoch=1, age=0.3, weight=np.ones(4)).note
    ''
    """

    epoch: int
    age: float
    weight: Numbers
    probabilities: Numbers | None = None
    anomalies: Sequence[int] = ()
    note: str = ""


def limits(points: Floats) -> Floats:
    """Return the lower and the upper ends of both axes, shape ``(2, 2)``, with a margin."""
    low, high = points.min(0), points.max(0)
    span = high - low
    span = np.maximum(span, 1e-3 * (span.max() or 1000.0))
    middle = (low + high) / 2
    half = (0.5 + MARGIN) * span
    return np.stack([middle - half, middle + half])


def choose_drawn(labels: Ints, ringed: Ints) -> Ints:
    """Return the indices of the samples to draw; later ones are drawn over earlier ones.

    If there are many samples, these are a fixed selection that keeps the shares of the classes. It
    includes every ringed sample, and ten samples of each class or all of a smaller class.
    """
    order = np.random.default_rng(0).permutation(len(labels))
    if len(labels) <= MOST_DRAWN:
        return order
    few = [order[labels[order] == label][:LEAST_OF_A_CLASS] for label in np.unique(labels)]
    forced = np.unique(np.concatenate([ringed, *few]))
    rest = order[~np.isin(order, forced)]
    rest = rest[np.argsort(labels[rest], kind="stable")]
    n_rest = max(MOST_DRAWN - len(forced), 0)
    spread = rest[np.linspace(0, len(rest) - 1, n_rest).round().astype(np.int64)]
    return order[np.isin(order, np.concatenate([forced, spread]))]


def find_ringed(frames: Sequence[Frame]) -> Ints:
    """Return the indices of the samples that have a ring in any frame, sorted."""
    return np.unique([place for frame in frames for place in frame.anomalies]).astype(np.int64)


def kept_share(frame: Frame) -> float:
    """Return the share of the samples that a frame keeps."""
    return float((np.asarray(frame.weight) > 0).mean())


def check_path(path: str | Path, seconds_per_frame: float) -> Path:
    """Return the path, or raise unless an animation can be written there."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path must be a str or a Path; got {path!r}.")
    require(
        SHORTEST_FRAME <= seconds_per_frame <= LONGEST_FRAME,
        f"seconds_per_frame must be from {SHORTEST_FRAME} to {LONGEST_FRAME}; got "
        f"{seconds_per_frame}.",
    )
    target = Path(path)
    kind, folder = target.suffix.lower(), target.parent
    require(
        kind in (".gif", ".mp4"),
        f"An animation is written as .gif or .mp4; got {target.name!r}. Change the suffix.",
    )
    require(folder.is_dir(), f"The folder {str(folder)!r} does not exist. Create it first.")
    require(
        os.access(folder, os.W_OK) and not target.is_dir(),
        f"{str(target)!r} cannot be written. Choose a folder that you can write to, and a new "
        f"name.",
    )
    require(
        kind == ".gif" or shutil.which("ffmpeg") is not None,
        "An .mp4 needs ffmpeg, which is not on the PATH. Install it, or write a .gif.",
    )
    return target


def check_samples(x: Numbers) -> Floats:
    """Return the samples, or raise unless x holds finite samples, shape ``(n, d)``."""
    samples = _as_numbers(x, "x")
    require(
        samples.ndim == 2 and samples.size > 0,
        f"x must hold one row per sample, shape (n, d); got shape {samples.shape}. "
        f"Flatten each sample to one row.",
    )
    bad = np.flatnonzero(~np.isfinite(samples).all(1))
    require(
        len(bad) == 0,
        f"x must be finite; got NaN or inf in rows {bad[:5].tolist()}. Replace the values, or "
        f"leave out the rows.",
    )
    return samples


def check_plane(x: Numbers) -> Floats:
    """Return the samples, or raise unless x holds finite samples with two features."""
    shape = _as_numbers(x, "x").shape
    require(
        len(shape) == 2 and shape[1] == 2,
        f"animate_boundary needs samples with two features, x of shape (n, 2); got shape {shape}. "
        f"Use animate_embedding for other numbers of features.",
    )
    return check_samples(x)


def check_labels(y: Numbers, n: int, theme: Theme) -> Ints:
    """Return the classes, or raise unless y holds one per sample, and two or more that differ.

    A theme can draw a limited number of classes so that they differ in colour or in shape.
    """
    labels = y.detach().cpu().numpy() if isinstance(y, Tensor) else np.asarray(y)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"y must hold ints, one class per sample; got {labels.dtype}.")
    require(
        labels.shape == (n,),
        f"y must hold one class for each of the {n} samples; got shape {labels.shape}.",
    )
    n_classes, most = len(np.unique(labels)), _most_classes(theme)
    require(n_classes >= 2, f"y must hold at least 2 classes; got {n_classes}. Add samples.")
    require(
        labels.min() >= 0 and labels.max() < most,
        f"y must hold classes from 0 to {most - 1}, as many as can be told apart; got "
        f"{labels.min()} to {labels.max()}. Number them from 0, or group them.",
    )
    return labels.astype(np.int64)


def check_frames(frames: Sequence[Frame], n: int) -> list[Frame]:
    """Return the frames with NumPy arrays, or raise unless there are frames for n samples."""
    if not isinstance(frames, Sequence) or not all(isinstance(frame, Frame) for frame in frames):
        raise TypeError(f"frames must be a list of Frame; got {type(frames).__name__}.")
    require(len(frames) > 0, "An animation needs at least one frame; got 0.")
    return [_check_frame(place, frame, n) for place, frame in enumerate(frames)]


def check_probabilities(frames: Sequence[Frame], highest: int, theme: Theme) -> list[Frame]:
    """Return the frames with NumPy arrays of probabilities, or raise unless all frames have them.

    Args:
        frames: The frames that `check_frames` returned.
        highest: The highest class.
        theme: The colours, which limit the number of classes.
    """
    all_values = []
    for place, frame in enumerate(frames):
        where = f"frames[{place}].probabilities"
        if frame.probabilities is None:
            raise ValueError(
                f"{where} is missing. Pass the probabilities of the classifier at the points of "
                f"grid(x)."
            )
        values, most = _as_numbers(frame.probabilities, where), _most_classes(theme)
        require(
            values.ndim == 2 and len(values) == GRID**2 and highest < values.shape[1] <= most,
            f"{where} must have shape ({GRID**2}, C), one row for each point of grid(x), and C "
            f"from {highest + 1} to {most}; got shape {values.shape}.",
        )
        require(
            bool((values >= 0).all()) and np.allclose(values.sum(1), 1, atol=0.02),
            f"{where} must be 0 or more and sum to 1 in each row. Apply a softmax to logits.",
        )
        all_values.append(values)
    widths = sorted({values.shape[1] for values in all_values})
    require(
        len(widths) == 1,
        f"All frames must have probabilities of the same classes; got {widths} columns.",
    )
    return [
        replace(frame, probabilities=values)
        for frame, values in zip(frames, all_values, strict=True)
    ]


def _most_classes(theme: Theme) -> int:
    """Return the number of classes that differ in colour or in shape."""
    return len(theme.colours) * len(SHAPES)


def _check_frame(place: int, frame: Frame, n: int) -> Frame:
    """Return the frame with NumPy arrays, or raise unless it fits n samples."""
    where = f"frames[{place}]"
    weight = _as_numbers(frame.weight, f"{where}.weight")
    require(
        weight.shape == (n,),
        f"{where}.weight must hold one value for each of the {n} samples; got shape "
        f"{weight.shape}.",
    )
    require(
        bool(np.isfinite(weight).all() and (weight >= 0).all()),
        f"{where}.weight must be finite and 0 or more. Use 0 for a sample that is left out.",
    )
    if not isinstance(frame.epoch, Integral) or not isinstance(frame.age, Real):
        raise TypeError(
            f"{where} needs an int epoch and a float age; got {frame.epoch!r} and {frame.age!r}."
        )
    require(not math.isnan(frame.age), f"{where}.age must be a number; got nan.")
    return replace(frame, weight=weight, anomalies=_check_anomalies(frame.anomalies, n, where))


def _check_anomalies(anomalies: Sequence[int], n: int, where: str) -> list[int]:
    """Return the indices of the anomalies, or raise unless they are indices of n samples."""
    try:
        indices = [index(anomaly) for anomaly in anomalies]
    except TypeError as wrong:
        raise TypeError(f"{where}.anomalies must be a list of ints: {wrong}.") from None
    bad = [place for place in indices if not 0 <= place < n]
    require(not bad, f"{where}.anomalies must be indices from 0 to {n - 1}; got {bad[:5]}.")
    return indices


def _as_numbers(values: Numbers, name: str) -> Floats:
    """Return the values as float64, or raise if they are not numbers."""
    try:
        return as_floats(values)
    except (TypeError, ValueError) as wrong:
        raise TypeError(f"{name} must hold numbers; got {type(values).__name__}: {wrong}") from None
