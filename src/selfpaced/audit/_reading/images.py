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

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
SIDE = 64  # pixels of a side at most
GREY = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L"}
PARTS = {"train", "test", "val", "valid", "validation"}
BROKEN = (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError)


class Found(NamedTuple):
    """An image that can be opened: its file, (width, height), and whether it is grey."""

    file: Path
    size: tuple[int, int]
    grey: bool


def read_images(path: Path, options: Options) -> Source:
    """Read all images of a folder, in one size: grey where all are, in colour otherwise.

    The class is the first subfolder. The size is the median one, made smaller to 64 pixels a side
    at most, or ``options.side``.

    Raises:
        ValueError: When there are no images, or no class folders.
    """
    require(
        options.labels is None,
        f"--labels goes with a lone .npy or idx file; {path} has labels of its own. Leave it out.",
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
        except BROKEN:
            broken.append(image.file)
    require(bool(kept), f"{path}: none of {count(len(files), 'image')} can be read.")
    notes += _said(found, size, grey) + _broken(path, broken)
    images, where = np.stack(arrays), pd.Series(kept, name="file")
    own = no_columns(len(kept))
    if not options.known:
        return unlabelled(path, "images", images, where, own=own, notes=notes)
    labels = where.str.split("/").str[0].rename(None)
    numeric = options.numeric
    return labelled(path, "images", images, labels, where, own=own, numeric=numeric, notes=notes)


def _files(path: Path, known: bool) -> tuple[list[Path], tuple[str, ...]]:
    """Return the images in class folders in order, and notes on other files."""
    inside = [file.relative_to(path) for file in path.rglob("*") if file.is_file()]
    shown = [file for file in inside if not any(part.startswith(".") for part in file.parts)]
    images = [file for file in shown if file.suffix.lower() in SUFFIXES]
    require(
        bool(images),
        f"{path} holds no images ({listed(SUFFIXES)}). Give a folder with a subfolder of images "
        f"for each class.",
    )
    chosen = sorted(file for file in images if len(file.parts) > 1 or not known)
    classes = {file.parts[0] for file in chosen}
    require(
        bool(chosen),
        f"{path}: its images lie outside any class folder. Put those of each class into a "
        f"subfolder of its name.",
    )
    require(
        not known or not classes <= PARTS,
        f"{path}: its subfolders {listed(sorted(classes))} are parts, not classes. Give one of "
        f"them.",
    )
    others = set(shown) - set(images)
    notes = _elsewhere("image", "outside a class folder", set(images) - set(chosen))
    return [path / file for file in chosen], notes + _elsewhere("file", "of another kind", others)


def _elsewhere(noun: str, how: str, files: set[Path]) -> tuple[str, ...]:
    """Return a note on files that are not read."""
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
        except BROKEN:
            broken.append(file)
    return found, broken


def _size(found: list[Found], side: int | None) -> tuple[int, int]:
    """Return the (width, height) of all images."""
    if side is not None:
        require(side >= 1, f"--side must be 1 pixel or more; got {side}.")
        return side, side
    width, height = np.median([image.size for image in found], axis=0)
    smaller = min(1.0, SIDE / max(width, height))
    return max(1, round(width * smaller)), max(1, round(height * smaller))


def _pixels(file: Path, size: tuple[int, int], grey: bool) -> NDArray[np.uint8]:
    """Return an image, uint8, shape (channels, height, width)."""
    with Image.open(file) as opened:
        image: Any = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I"):  # 16 bits: Pillow would cut them off at 255
            image = Image.fromarray((np.asarray(image) / 257).clip(0, 255).astype(np.uint8))
        image = image.convert("L" if grey else "RGB")
        if image.size != size:
            image = image.resize(size, Image.Resampling.BILINEAR)
        pixels = np.asarray(image, np.uint8)
    return pixels[None] if grey else pixels.transpose(2, 0, 1)


def _said(found: list[Found], size: tuple[int, int], grey: bool) -> tuple[str, ...]:
    """Return a note on the size and the colours."""
    colours, other = "grey" if grey else "in colour", sum(image.size != size for image in found)
    resized = f"; {other:,} were of another size; pass --side N for N x N" if other else ""
    return (f"Images are {size[0]} x {size[1]} pixels, {colours}{resized}.",)


def _broken(path: Path, files: list[Path]) -> tuple[str, ...]:
    """Return a note on images that cannot be read."""
    if not files:
        return ()
    names = listed(file.relative_to(path).as_posix() for file in files)
    verb = are(len(files))
    return (f"{count(len(files), 'image')} could not be read and {verb} left out: {names}.",)
