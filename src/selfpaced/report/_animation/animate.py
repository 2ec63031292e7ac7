"""Animations of a training: the predictions of a classifier, and the samples that are kept."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib import style
from numpy.typing import NDArray

from selfpaced.report._animation.film import Watch, write
from selfpaced.report._animation.frames import (
    GRID,
    Frame,
    check_frames,
    check_labels,
    check_path,
    check_plane,
    check_probabilities,
    check_samples,
    limits,
)
from selfpaced.report._animation.scene import Scene
from selfpaced.report._drawing import Floats, Numbers
from selfpaced.report._theme import LIGHT, Theme

__all__ = ["Frame", "animate_boundary", "animate_embedding", "grid"]


def grid(x: Numbers) -> NDArray[np.float32]:
    """Return the points at which `animate_boundary` needs the probabilities of the classifier.

    Args:
        x: The samples, shape ``(n, 2)``.

    Returns:
        A regular grid of points that covers all samples with a margin, shape ``(m, 2)``: row by
        row from the lower left corner.

    Raises:
        TypeError: If x does not hold numbers.
        ValueError: If x has another shape or is not finite.

    >>> grid([[0.0, 0.0], [1.0, 2.0]]).shape
    (10000, 2)
    """
    (x0, y0), (x1, y1) = limits(check_plane(x))
    across, up = np.meshgrid(np.linspace(x0, x1, GRID), np.linspace(y0, y1, GRID))
    return np.stack([across.ravel(), up.ravel()], 1).astype(np.float32)


def animate_boundary(
    x: Numbers,
    y: Numbers,
    frames: Sequence[Frame],
    path: str | Path,
    *,
    title: str = "",
    theme: Theme = LIGHT,
    seconds_per_frame: float = 0.6,
    watch: Watch | None = None,
) -> list[Path]:
    """Animate the decision boundary of a classifier and the samples that are kept.

    A region has the colour of the predicted class; it is darker where the probability is higher. A
    filled mark is a sample with a weight above 0, a hollow mark a sample that is left out. If there
    are more than 1,500 samples, about 1,500 of them are drawn, and always all anomalies.

    Args:
        x: The samples, shape ``(n, 2)``.
        y: Their classes, ints from 0, shape ``(n,)``.
        frames: One frame per moment, each with the probabilities at the points of ``grid(x)``.
        path: The file to write: ``.gif``, or ``.mp4`` if ffmpeg is installed.
        title: The title above the picture.
        theme: The colours.
        seconds_per_frame: How long each frame is shown; the last one is shown longer.
        watch: Called after each frame with the number of frames done and of all frames.

    Returns:
        The paths of the animation and of a picture of its last frame, which is ``path`` with the
        suffix ``.png``.

    Raises:
        TypeError: For arguments that are not numbers, frames or a path.
        ValueError: For shapes that do not match, values out of range, and a path that cannot be
            written. Nothing is written then.

    >>> import numpy as np
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> x = np.array([[0.0, 0.0], [1.0, 1.0]])
    >>> right = grid(x).sum(1) > 1
    >>> frame = Frame(1, 0.5, np.ones(2), np.stack([~right, right], 1))
    >>> with TemporaryDirectory() as folder:
    ...     [made.name for made in animate_boundary(x, [0, 1], [frame], Path(folder, "a.gif"))]
    ['a.gif', 'a.png']
    """
    return _animate(
        *(x, y, frames, path),
        boundary=True,
        title=title,
        theme=theme,
        seconds_per_frame=seconds_per_frame,
        watch=watch,
    )


def animate_embedding(
    x: Numbers,
    y: Numbers,
    frames: Sequence[Frame],
    path: str | Path,
    *,
    title: str = "",
    theme: Theme = LIGHT,
    seconds_per_frame: float = 0.6,
    watch: Watch | None = None,
) -> list[Path]:
    """Animate the samples that are kept, on their first two principal components.

    Samples of any dimension are projected once. If there is only one dimension, the second
    coordinate is random. The marks are those of `animate_boundary`.

    Args:
        x: The samples, shape ``(n, d)``.
        y: Their classes, ints from 0, shape ``(n,)``.
        frames: One frame per moment; probabilities are not shown.
        path: The file to write: ``.gif``, or ``.mp4`` if ffmpeg is installed.
        title: The title above the picture.
        theme: The colours.
        seconds_per_frame: How long each frame is shown; the last one is shown longer.
        watch: Called after each frame with the number of frames done and of all frames.

    Returns:
        The paths of the animation and of a picture of its last frame, which is ``path`` with the
        suffix ``.png``.

    Raises:
        TypeError: For arguments that are not numbers, frames or a path.
        ValueError: For shapes that do not match, values out of range, and a path that cannot be
            written. Nothing is written then.
    """
    return _animate(
        *(x, y, frames, path),
        boundary=False,
        title=title,
        theme=theme,
        seconds_per_frame=seconds_per_frame,
        watch=watch,
    )


def _animate(
    x: Numbers,
    y: Numbers,
    frames: Sequence[Frame],
    path: str | Path,
    *,
    boundary: bool,
    title: str,
    theme: Theme,
    seconds_per_frame: float,
    watch: Watch | None,
) -> list[Path]:
    """Check all arguments, then draw and write: with the regions, or projected without them."""
    target = check_path(path, seconds_per_frame)
    points = check_plane(x) if boundary else check_samples(x)
    labels = check_labels(y, len(points), theme)
    shown = check_frames(frames, len(points))
    if boundary:
        shown = check_probabilities(shown, int(labels.max()), theme)
    else:
        shown = [replace(frame, probabilities=None) for frame in shown]
        points = _project(points)
    with style.context("default"):
        scene = Scene(points, labels, shown, title, theme)
        return write(scene, target, seconds_per_frame, watch)


def _project(samples: Floats) -> Floats:
    """Return the samples on their first two principal components, shape ``(n, 2)``.

    The sign of a component is chosen so that its largest coefficient is positive. A single
    dimension is centred, and the second coordinate is drawn at random.
    """
    n, d = samples.shape
    centred = samples - samples.mean(0)
    if d == 1:
        return np.column_stack([centred, np.random.default_rng(0).uniform(size=n)])
    _, _, basis = np.linalg.svd(centred if n <= d else centred.T @ centred, full_matrices=False)
    axes = basis[:2]
    largest = np.abs(axes).argmax(1)
    return np.asarray(centred @ (axes * np.sign(axes[[0, 1], largest])[:, None]).T)
