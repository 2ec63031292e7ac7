"""Write the frames of a scene to a file: a GIF, or an MP4 with ffmpeg."""

import math
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryDirectory
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from selfpaced.report._animation.scene import Scene

# The last frame is shown for at least this time, in seconds.
LAST_FRAME_SECONDS = 2.5
# The number of colours of a GIF.
GIF_COLOURS = 256

# Called after each frame with the number of frames done and of all frames.
Watch = Callable[[int, int], None]


def write(scene: Scene, path: Path, seconds_per_frame: float, watch: Watch | None) -> list[Path]:
    """Write the animation and a picture of its last frame, both or neither.

    Args:
        scene: The frames to draw.
        path: The animation, ``.gif`` or ``.mp4``.
        seconds_per_frame: How long each frame is shown.
        watch: Called after each frame with the number of frames done and of all frames.

    Returns:
        The paths of the animation and of the picture, a PNG beside it.

    Raises:
        RuntimeError: If ffmpeg fails.
    """
    targets = [path, path.with_suffix(".png")]
    encode = _encode_gif if path.suffix.lower() == ".gif" else _encode_mp4
    last = max(LAST_FRAME_SECONDS, seconds_per_frame)
    seconds = [seconds_per_frame] * (len(scene.frames) - 1) + [last]
    with TemporaryDirectory(dir=path.parent, prefix=".selfpaced-") as folder:
        made = [Path(folder, target.name) for target in targets]
        encode(scene, made[0], seconds, watch)
        Image.fromarray(scene.render(len(seconds) - 1)).save(made[1])
        for source, target in zip(made, targets, strict=True):
            os.replace(source, target)
    return targets


def _pictures(scene: Scene, watch: Watch | None) -> Iterator[NDArray[np.uint8]]:
    """Draw the frames one after the other, as pixels of shape ``(height, width, 3)``."""
    n_frames = len(scene.frames)
    for place in range(n_frames):
        yield scene.render(place)
        if watch is not None:
            watch(place + 1, n_frames)


def _encode_gif(scene: Scene, path: Path, seconds: list[float], watch: Watch | None) -> None:
    """Write a GIF that loops for ever."""
    palette = Palette(scene)
    pictures = (palette.apply(picture) for picture in _pictures(scene, watch))
    with path.open("wb") as file:
        next(pictures).save(
            file,
            format="GIF",
            save_all=True,
            append_images=pictures,
            duration=[round(1000 * second) for second in seconds],
            loop=0,
            disposal=1,
        )


class Palette:
    """The 256 colours of a GIF: the exact colours of the flat areas, and approximate other ones.

    All frames share one palette. So the parts that do not move are equal in all frames, and the
    file is small.

    Args:
        scene: The other colours are chosen from its first, middle and last frame.
    """

    def __init__(self, scene: Scene) -> None:
        """Choose the colours."""
        some = np.concatenate([scene.render(place) for place in scene.some])
        room = GIF_COLOURS - len(scene.colours)
        adapted = Image.fromarray(some).quantize(room, dither=Image.Dither.NONE).getpalette() or []
        self._colours = np.concatenate([scene.colours, np.reshape(adapted, (-1, 3))]).astype(float)
        self._known = np.full(1 << 24, -1, np.int16)  # the index of each 24-bit colour seen so far

    def apply(self, picture: NDArray[np.uint8]) -> Image.Image:
        """Return a picture, shape ``(height, width, 3)``, in the nearest colours of the palette."""
        codes = picture.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
        new = np.unique(codes[self._known[codes] < 0])
        parts = np.stack([new >> 16, new >> 8 & 255, new & 255], 1)
        distance = (self._colours**2).sum(1) - 2 * parts @ self._colours.T
        self._known[new] = distance.argmin(1)
        height, width, _ = picture.shape
        image = Image.frombytes("P", (width, height), self._known[codes].astype(np.uint8).tobytes())
        image.putpalette(self._colours.astype(np.uint8).tobytes())
        return image


def _encode_mp4(scene: Scene, path: Path, seconds: list[float], watch: Watch | None) -> None:
    """Write an MP4: pixels are piped to ffmpeg."""
    height, width, _ = scene.render(0).shape
    command = [
        *("ffmpeg", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"),
        *("-s", f"{width}x{height}", "-framerate", f"{1 / seconds[0]:.6f}", "-i", "-"),
        *("-r", "25", "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(path)),
    ]
    log = path.with_name("ffmpeg.log")
    with (
        log.open("wb") as errors,
        suppress(BrokenPipeError),  # ffmpeg stopped: its exit code and its log say why
        subprocess.Popen(command, stdin=PIPE, stderr=errors) as process,
    ):
        stream = cast("IO[bytes]", process.stdin)
        for second, picture in zip(seconds, _pictures(scene, watch), strict=True):
            stream.write(picture.tobytes() * math.ceil(second / seconds[0]))
    if process.returncode != 0:
        reason = log.read_text(encoding="utf-8", errors="replace").strip()
        raise RuntimeError(f"ffmpeg failed with exit code {process.returncode}: {reason}")
