"""Images as arrays of one size: from files, or from the bytes of a table."""

import io
import math
import struct
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from selfpaced._errors import require
from selfpaced.audit._reading.memory import require_memory
from selfpaced.audit._reading.progress import steps
from selfpaced.audit._reading.source import Options
from selfpaced.audit._reading.words import are, count, listed

# The largest width and height in pixels, unless the user chooses a size.
LARGEST_SIDE = 64
# Modes of Pillow for images without colour.
GREY = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L"}
# Usual numbers of bits per pixel.
DEPTHS = (8, 10, 12, 14, 16)
# What Pillow raises for files that it cannot read.
UNREADABLE = (
    *(UnidentifiedImageError, OSError, EOFError, SyntaxError, ValueError, TypeError),
    *(ArithmeticError, LookupError, AttributeError, struct.error, zlib.error),
    *(NotImplementedError, Image.DecompressionBombError),
)


class Images(NamedTuple):
    """Images of one size.

    Args:
        pixels: uint8, shape (k, channels, height, width).
        kept: Whether an image could be read, shape (n,); k are True.
        depth: Bits per pixel before they became 8.
        notes: On size, colours and depth, and on images that could not be read.
    """

    pixels: NDArray[np.uint8]
    kept: NDArray[np.bool]
    depth: int
    notes: tuple[str, ...]


class Found(NamedTuple):
    """An image that can be opened.

    Args:
        place: Its position among all images.
        size: (width, height).
        grey: Whether it is grey.
        most: The largest value of an image with more than 8 bits per pixel; 255 for others.
    """

    place: int
    size: tuple[int, int]
    grey: bool
    most: int


def load_images(
    path: Path, images: Sequence[Path | bytes | None], names: Sequence[object], options: Options
) -> Images:
    """Read images in one size, in grey if all are grey, else in colour.

    The size is ``options.side``, or the median size, reduced to at most 64 pixels per side.

    Args:
        path: What contains the images, for messages.
        images: The file or the bytes of each image; None for a gap.
        names: The name of each image, for notes.
        options: The size, and the number of bits per pixel.

    Raises:
        ValueError: If no image can be read.
    """
    found = _open(images)
    require(bool(found), f"{path}: none of {count(len(images), 'image')} can be read.")
    size, grey = _size(found, options.side), all(image.grey for image in found)
    depth = _depth(found)
    if options.depth is not None:
        require(
            DEPTHS[0] < options.depth <= DEPTHS[-1] and (depth > DEPTHS[0] or not options.known),
            f"depth=... is for images with 9 to 16 bits per pixel; those of {path} have {depth}, "
            f"and got depth={options.depth}. Leave it out.",
        )
        depth = options.depth
    pixels, kept = _resized(path, images, found, size, grey, 2**depth - 1)
    require(bool(kept.any()), f"{path}: none of {count(len(images), 'image')} can be read.")
    may_choose = options.known and options.side is None  # else the size is that of a model
    notes = _size_note(found, size, grey, may_choose)
    notes += _broken([name for name, read in zip(names, kept, strict=True) if not read])
    if depth > DEPTHS[0]:
        notes += (f"Images have {depth} bits per pixel, and were rescaled to {DEPTHS[0]}.",)
    return Images(pixels, kept, depth, notes)


def _resized(  # what is read, and how
    path: Path,
    images: Sequence[Path | bytes | None],
    found: list[Found],
    size: tuple[int, int],
    grey: bool,
    most: int,
) -> tuple[NDArray[np.uint8], NDArray[np.bool]]:
    """Return the images that can be read, and which these are; see ``Images`` and ``_pixels``."""
    shape = (len(found), 1 if grey else 3, size[1], size[0])
    what = f"{path}: {count(len(found), 'image')} of {size[0]} x {size[1]} pixels need"
    require_memory(what, math.prod(shape), "Give a smaller side=..., or fewer images.")
    pixels, kept, n = np.empty(shape, np.uint8), np.zeros(len(images), dtype=bool), 0
    for image in steps(found, len(found), "image"):
        try:
            pixels[n] = _pixels(images[image.place], size, grey, most)
        except UNREADABLE:
            continue
        kept[image.place], n = True, n + 1
    return pixels[:n], kept


def opened(image: Path | bytes | None) -> Image.Image:
    """Open an image.

    Raises:
        Exception: One of UNREADABLE, if it cannot be read.
    """
    if image is None or (isinstance(image, Path) and not image.is_file()):
        raise ValueError("a gap, or a pipe or a device, which may have no end")
    with warnings.catch_warnings():
        # On an image of many pixels; one of twice as many is an error, and left out.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        found = Image.open(io.BytesIO(image) if isinstance(image, bytes) else image)
    if found.mode == "F":
        found.close()
        raise ValueError("an image of floating-point numbers")
    return found


def _open(images: Sequence[Path | bytes | None]) -> list[Found]:
    """Return the images that can be opened."""
    found = []
    for place, each in enumerate(steps(images, len(images), "image header")):
        try:
            with opened(each) as image:
                found.append(Found(place, image.size, image.mode in GREY, _most(image)))
        except UNREADABLE:
            continue
    return found


def _most(image: Image.Image) -> int:
    """Return the largest value of an image with more than 8 bits per pixel; 255 for others."""
    return int(np.asarray(image).max()) if image.mode.startswith("I") else 255


def _depth(found: list[Found]) -> int:
    """Return the smallest usual number of bits that holds all values."""
    most = max(image.most for image in found)
    return next((depth for depth in DEPTHS if most < 2**depth), most.bit_length())


def _size(found: list[Found], side: int | None) -> tuple[int, int]:
    """Return the (width, height) of all images."""
    if side is not None:
        require(side >= 1, f"side=... must be a positive number of pixels; got {side}.")
        return side, side
    width, height = np.median([image.size for image in found], axis=0)
    smaller = min(1.0, LARGEST_SIDE / max(width, height))
    return max(1, round(width * smaller)), max(1, round(height * smaller))


def _pixels(
    source: Path | bytes | None, size: tuple[int, int], grey: bool, most: int
) -> NDArray[np.uint8]:
    """Return an image, uint8, shape (channels, height, width).

    Args:
        source: The file or the bytes.
        size: (width, height) of the result.
        grey: Whether the result is grey.
        most: What an image with more than 8 bits per pixel may have at most; it becomes 255.
    """
    with opened(source) as file:
        image: Any = ImageOps.exif_transpose(file)
        if image.mode.startswith("I"):  # Pillow would set all above 255 to 255
            values = np.asarray(image) * (255 / most)
            image = Image.fromarray(values.clip(0, 255).astype(np.uint8))
        image = image.convert("L" if grey else "RGB")
        if image.size != size:
            image = image.resize(size, Image.Resampling.BILINEAR)
        pixels = np.asarray(image, np.uint8)
    return pixels[None] if grey else pixels.transpose(2, 0, 1)


def _size_note(
    found: list[Found], size: tuple[int, int], grey: bool, may_choose: bool
) -> tuple[str, ...]:
    """Return a note on the size and the colours; it says how to choose a size, if one may."""
    colours, resized = "grey" if grey else "in colour", sum(image.size != size for image in found)
    note = f"Images are {size[0]} x {size[1]} pixels, {colours}"
    if resized:
        note += f"; {resized:,} had another size and were resized"
    if resized and may_choose:
        note += ". Pass side=... for images of another width and height"
    return (f"{note}.",)


def _broken(names: list[object]) -> tuple[str, ...]:
    """Return a note on images that cannot be read; none for no images."""
    if not names:
        return ()
    n = len(names)
    return (f"{count(n, 'image')} could not be read and {are(n)} left out: {listed(names)}.",)
