"""A folder of images, with a subfolder for each class."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from selfpaced._errors import require
from selfpaced.audit._reading.samples import labelled, no_columns, unlabelled
from selfpaced.audit._reading.source import Options, Source
from selfpaced.audit._reading.words import are, count, listed

# The suffixes of images.
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
# The largest width and height in pixels, unless the user chooses a size.
LARGEST_SIDE = 64
# Modes of Pillow for images without colour.
GREY = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L"}
# Names of folders that are parts of a data set and not classes.
PARTS = {"train", "test", "val", "valid", "validation"}
# What Pillow raises for files that it cannot read.
UNREADABLE = (
    UnidentifiedImageError,
    OSError,
    SyntaxError,
    ValueError,
    Image.DecompressionBombError,
)


class Found(NamedTuple):
    """An image that can be opened: its file, its (width, height), and whether it is grey."""

    file: Path
    size: tuple[int, int]
    grey: bool


def read_images(path: Path, options: Options) -> Source:
    """Read all images of a folder in one size, in grey if all are grey, else in colour.

    The class of an image is its first subfolder. The size is ``options.side``, or the median size,
    reduced to at most 64 pixels per side.

    Raises:
        ValueError: If there are no images, or no folders of classes.
    """
    require(
        options.labels is None,
        f"labels=... needs a single .npy or idx file; {path} has labels of its own. Leave it out.",
    )
    files, notes = _files(path, options.known)
    found, broken = _open(files)
    require(bool(found), f"{path}: none of {count(len(files), 'image')} can be read.")
    size, grey = _size(found, options.side), all(image.grey for image in found)
    arrays, kept = [], []
    for image in found:
        try:
            arrays.append(_pixels(image.file, size, grey))
            kept.append(image.file.relative_to(path).as_posix())
        except UNREADABLE:
            broken.append(image.file)
    require(bool(kept), f"{path}: none of {count(len(files), 'image')} can be read.")
    may_choose = options.known and options.side is None  # else the size is that of a model
    notes += _size_note(found, size, grey, may_choose) + _broken(path, broken)
    images, where = np.stack(arrays), pd.Series(kept, name="file")
    own = no_columns(len(kept))
    if not options.known:
        return unlabelled(path, "images", images, where, own=own, notes=notes)
    labels = where.str.split("/").str[0].rename(None)
    numeric = options.numeric
    return labelled(path, "images", images, labels, where, own=own, numeric=numeric, notes=notes)


def _files(path: Path, known: bool) -> tuple[list[Path], tuple[str, ...]]:
    """Return the images in class folders, sorted, and notes on other files."""
    inside = [file.relative_to(path) for file in path.rglob("*") if file.is_file()]
    shown = [file for file in inside if not any(part.startswith(".") for part in file.parts)]
    images = [file for file in shown if file.suffix.lower() in SUFFIXES]
    require(
        bool(images),
        f"{path} contains no images ({listed(SUFFIXES)}). Give a folder with a subfolder of images "
        f"for each class.",
    )
    chosen = sorted(file for file in images if len(file.parts) > 1 or not known)
    classes = {file.parts[0] for file in chosen}
    require(
        bool(chosen),
        f"{path}: its images are not in a class folder. Put the images of each class into a "
        f"subfolder of its name.",
    )
    require(
        not known or not classes <= PARTS,
        f"{path}: its subfolders {listed(sorted(classes))} are parts of a data set, not classes. "
        f"Give one of them.",
    )
    others = set(shown) - set(images)
    notes = _elsewhere("image", "outside a class folder", set(images) - set(chosen))
    return [path / file for file in chosen], notes + _elsewhere("file", "of another kind", others)


def _elsewhere(noun: str, how: str, files: set[Path]) -> tuple[str, ...]:
    """Return a note on files that are not read; none for no files."""
    if not files:
        return ()
    names = listed(file.as_posix() for file in sorted(files))
    return (f"{count(len(files), noun)} {how} left out: {names}.",)


def _open(files: list[Path]) -> tuple[list[Found], list[Path]]:
    """Return the images that can be opened, and those that cannot."""
    found, broken = [], []
    for file in files:
        try:
            with Image.open(file) as image:
                found.append(Found(file, image.size, image.mode in GREY))
        except UNREADABLE:
            broken.append(file)
    return found, broken


def _size(found: list[Found], side: int | None) -> tuple[int, int]:
    """Return the (width, height) of all images."""
    if side is not None:
        require(side >= 1, f"side=... must be a positive number of pixels; got {side}.")
        return side, side
    width, height = np.median([image.size for image in found], axis=0)
    smaller = min(1.0, LARGEST_SIDE / max(width, height))
    return max(1, round(width * smaller)), max(1, round(height * smaller))


def _pixels(file: Path, size: tuple[int, int], grey: bool) -> NDArray[np.uint8]:
    """Return an image, uint8, shape (channels, height, width)."""
    with Image.open(file) as opened:
        image: Any = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I"):  # 16 bits: Pillow would set all above 255 to 255
            image = Image.fromarray((np.asarray(image) / 257).clip(0, 255).astype(np.uint8))
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


def _broken(path: Path, files: list[Path]) -> tuple[str, ...]:
    """Return a note on images that cannot be read; none for no images."""
    if not files:
        return ()
    names = listed(file.relative_to(path).as_posix() for file in files)
    verb = are(len(files))
    return (f"{count(len(files), 'image')} could not be read and {verb} left out: {names}.",)
