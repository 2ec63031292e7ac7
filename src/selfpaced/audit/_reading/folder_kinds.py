"""What a folder contains; nothing slow is imported, as this is asked before anything is read."""

import os
from collections.abc import Iterator
from pathlib import Path

from selfpaced._errors import require
from selfpaced.audit._reading.words import listed

# The suffixes of images.
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
# The suffixes of texts.
TEXTS = (".txt", ".md", ".text")
# Names of parts of a data set; folders and files of these names are no classes.
SPLITS = {"train", "test", "val", "valid", "validation"}
# What the package datasets writes beside its files: their names, and the names of parts.
STATE, DICT = "state.json", "dataset_dict.json"

# The number of times that links may lead to a folder that was seen before.
MOST_AGAIN = 10_000


def walk(path: Path) -> Iterator[Path]:
    """Yield all files in a folder and its subfolders; links to folders are followed.

    Raises:
        ValueError: For a link to a folder that contains it, and for links that lead to the same
            folders again and again.
        OSError: For a folder that cannot be read.
    """
    above = {path: frozenset([path.resolve()])}
    seen, again = set(above[path]), 0
    for folder, names, files in os.walk(path, onerror=_refuse, followlinks=True):
        here = Path(folder)
        for name in names:
            inner = here / name
            real = inner.resolve()
            require(
                real not in above[here],
                f"{inner} is a link to a folder that contains it. Remove the link.",
            )
            above[inner] = above[here] | {real}
            again += real in seen
            seen.add(real)
            require(
                again <= MOST_AGAIN,
                f"{path}: links lead to the same folders more than {MOST_AGAIN:,} times. Remove "
                f"the links.",
            )
        yield from (here / name for name in files if (here / name).is_file())


def _refuse(error: OSError) -> None:
    """Raise the error of a folder that cannot be read."""
    raise error


def holds_texts(path: Path) -> bool:
    """Say whether a folder has subfolders of texts, and no images."""
    found = False
    for file in walk(path):
        suffix = file.suffix.lower()
        if suffix in IMAGES:
            return False
        found = found or (suffix in TEXTS and file.parent != path)
    return found


def holds_shards(path: Path) -> bool:
    """Say whether a folder holds the files of a table.

    Raises:
        ValueError: For a data set of several parts, of which one is needed.
    """
    if (path / DICT).is_file():
        parts = sorted(each.name for each in path.iterdir() if (each / STATE).is_file())
        raise ValueError(
            f"{path} is a data set of the parts {listed(parts)}. Give the folder of one, such as "
            f"{path / (parts or ['train'])[0]}."
        )
    return (path / STATE).is_file() or any(path.glob("*.parquet"))
