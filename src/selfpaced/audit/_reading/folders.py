"""Folders of files with a subfolder for each class: images, or texts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from selfpaced._errors import require
from selfpaced.audit._reading.content import text_of
from selfpaced.audit._reading.folder_kinds import IMAGES, SPLITS, TEXTS, walk
from selfpaced.audit._reading.samples import labelled, no_columns, unlabelled
from selfpaced.audit._reading.source import Options, Source
from selfpaced.audit._reading.words import are, count, listed, printable


def read_images(path: Path, options: Options) -> Source:
    """Read all images of a folder; the class of an image is its first subfolder.

    Raises:
        ValueError: If there are no images, or no folders of classes.
    """
    from selfpaced.audit._reading.pixels import load_images  # Pillow is slow to import

    files, notes = _files(path, options, IMAGES, "image")
    names = [printable(file.relative_to(path).as_posix()) for file in files]
    images = load_images(path, files, names, options)
    where = pd.Series([*np.array(names, object)[images.kept]], name="file")
    own, notes = no_columns(len(where)), notes + images.notes
    if not options.known:
        return unlabelled(path, "images", images.pixels, where, own=own, notes=notes)
    return labelled(
        path,
        "images",
        images.pixels,
        _class_of(where),
        where,
        own=own,
        options=options,
        notes=notes,
        depth=images.depth,
    )


def read_image(path: Path, options: Options) -> Source:
    """Read one image, without a label.

    Raises:
        ValueError: If it cannot be read.
    """
    from selfpaced.audit._reading.pixels import load_images  # as above

    images = load_images(path, [path], [path.name], options)
    where = pd.Series([path.name], name="file")
    own = no_columns(1)
    return unlabelled(path, "images", images.pixels, where, own=own, notes=images.notes)


def read_texts(path: Path, options: Options) -> Source:
    """Read all texts of a folder as a table of one column; the first subfolder is the class.

    Raises:
        ValueError: If there are no texts, or no folders of classes.
    """
    files, notes = _files(path, options, TEXTS, "text")
    read = [text_of(file) for file in files]
    names = np.array([printable(file.relative_to(path).as_posix()) for file in files], object)
    kept = np.array([text is not None for text in read])
    require(bool(kept.any()), f"{path}: none of {count(len(files), 'text')} can be read.")
    notes += _unread([*names[~kept]])
    frame = pd.DataFrame({"text": [text for text in read if text is not None]})
    where = pd.Series([*names[kept]], name="file")
    if not options.known:
        return unlabelled(path, "table", frame, where, own=frame, notes=notes)
    labels = _class_of(where)
    return labelled(path, "table", frame, labels, where, own=frame, options=options, notes=notes)


def _class_of(where: pd.Series) -> pd.Series:
    """Return the first subfolder of each file."""
    return where.str.split("/").str[0].rename(None)


def _files(
    path: Path, options: Options, suffixes: Sequence[str], noun: str
) -> tuple[list[Path], tuple[str, ...]]:
    """Return the files in class folders, sorted, and notes on other files."""
    require(
        options.labels is None,
        f"labels=... needs a single .npy or idx file; {path} has labels of its own. Leave it out.",
    )
    inside = [file.relative_to(path) for file in walk(path)]
    shown = [file for file in inside if not any(part.startswith(".") for part in file.parts)]
    wanted = [file for file in shown if file.suffix.lower() in suffixes]
    require(
        bool(wanted),
        f"{path} contains no {noun}s ({listed(suffixes)}). Give a folder with a subfolder of "
        f"{noun}s for each class.",
    )
    chosen = sorted(file for file in wanted if len(file.parts) > 1 or not options.known)
    classes = {file.parts[0] for file in chosen}
    require(
        bool(chosen),
        f"{path}: its {noun}s are not in a class folder. Put the {noun}s of each class into a "
        f"subfolder of its name.",
    )
    require(
        not options.known or not classes <= SPLITS,
        f"{path}: its subfolders {listed(sorted(classes))} are parts of a data set, not classes. "
        f"Give one of them.",
    )
    others = set(shown) - set(wanted)
    notes = _elsewhere(noun, "outside a class folder", set(wanted) - set(chosen))
    return [path / file for file in chosen], notes + _elsewhere("file", "of another kind", others)


def _elsewhere(noun: str, how: str, files: set[Path]) -> tuple[str, ...]:
    """Return a note on files that are not read; none for no files."""
    if not files:
        return ()
    names = listed(file.as_posix() for file in sorted(files))
    return (f"{count(len(files), noun)} {how} left out: {names}.",)


def _unread(names: list[str]) -> tuple[str, ...]:
    """Return a note on files that are empty or not text; none for no files."""
    if not names:
        return ()
    n = len(names)
    which = f"{count(n, 'file')} {are(n)} empty or not text, and {are(n)} left out"
    return (f"{which}: {listed(names)}.",)
