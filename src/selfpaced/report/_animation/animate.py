"""A training as a moving picture: what the classifier believes and which samples it learns from."""

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
    """Return the points at which `animate_boundary` needs the classifier's probabilities.

    Args:
        x: The samples, shape ``(n, 2)``.

    Returns:
        A regular grid that holds all samples with a margin, shape ``(m, 2)``: row by row from the
        lower left corner.

    Raises:
        TypeError: When x does not hold numbers.
        ValueError: When x has another shape or is not finite.

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
    """Show how the boundary between classes moves while samples are let in.

    The regions are darker where the classifier is surer. A filled mark is a sample with a weight
    above 0, a hollow one is left out. Of many samples, 1,500 are drawn, all anomalies among them.

    Args:
        x: The samples, shape ``(n, 2)``.
        y: Their classes, ints from 0, shape ``(n,)``.
        frames: One a moment, each with the probabilities at the points of ``grid(x)``.
        path: Of the animation to write, ``.gif``, or ``.mp4`` where ffmpeg is installed.
        title: The headline.
        theme: The colours.
        seconds_per_frame: For how long each frame is shown; the last one stays longer.
        watch: Called with the number of frames done and of all frames, after each.

    Returns:
        The animation, and its last frame as a picture: ``path`` with the suffix ``.png``.

    Raises:
        TypeError: For something else than numbers, frames or a path.
        ValueError: For shapes that don't match, values out of range, or a path that cannot be
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
    target = check_path(path, seconds_per_frame)
    points = check_plane(x)
    labels = check_labels(y, len(points), theme)
    moments = check_frames(frames, len(points))
    shown = check_probabilities(moments, int(labels.max()), theme)
    with style.context("default"):
        scene = Scene(points, labels, shown, title, theme)
        return write(scene, target, seconds_per_frame, watch)


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
    """Show which samples are let in, in the plane in which they spread the most.

    Samples of any dimension are projected once, onto their first two principal components; a
    single dimension is spread upwards at random. The marks are those of `animate_boundary`.

    Args:
        x: The samples, shape ``(n, d)``.
        y: Their classes, ints from 0, shape ``(n,)``.
        frames: One a moment; probabilities are not shown.
        path: Of the animation to write, ``.gif``, or ``.mp4`` where ffmpeg is installed.
        title: The headline.
        theme: The colours.
        seconds_per_frame: For how long each frame is shown; the last one stays longer.
        watch: Called with the number of frames done and of all frames, after each.

    Returns:
        The animation, and its last frame as a picture: ``path`` with the suffix ``.png``.

    Raises:
        TypeError: For something else than numbers, frames or a path.
        ValueError: For shapes that don't match, values out of range, or a path that cannot be
            written. Nothing is written then.
    """
    target = check_path(path, seconds_per_frame)
    samples = check_samples(x)
    labels = check_labels(y, len(samples), theme)
    moments = [replace(f, probabilities=None) for f in check_frames(frames, len(samples))]
    with style.context("default"):
        scene = Scene(_project(samples), labels, moments, title, theme)
        return write(scene, target, seconds_per_frame, watch)


def _project(samples: Floats) -> Floats:
    """Return the first two principal components, shape ``(n, 2)``, with signs made definite."""
    n, d = samples.shape
    centred = samples - samples.mean(0)
    if d == 1:
        return np.column_stack([centred, np.random.default_rng(0).uniform(size=n)])
    _, _, basis = np.linalg.svd(centred if n <= d else centred.T @ centred, full_matrices=False)
    axes = basis[:2]
    largest = np.abs(axes).argmax(1)
    return np.asarray(centred @ (axes * np.sign(axes[[0, 1], largest])[:, None]).T)
