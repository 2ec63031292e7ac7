"""The kind of a file: what its name says, and whether its first bytes agree."""

import gzip
import re
import zlib
from pathlib import Path
from typing import Literal, NamedTuple

from selfpaced._errors import require
from selfpaced.audit._reading.folder_kinds import holds_shards, holds_texts

Kind = Literal[
    "delimited",
    "lines",
    "parquet",
    "workbook",
    "shards",
    "images",
    "texts",
    "npz",
    "npy",
    "idx",
    "pair",
]


class Magic(NamedTuple):
    """The first bytes of a kind of file.

    Args:
        start: The bytes.
        what: What a file that starts with them is.
        do: What the user can do with a file that should start otherwise.
        kinds: As what it can be read.
    """

    start: bytes
    what: str
    do: str
    kinds: tuple[Kind, ...] = ()


# The kind of a file by its suffix.
KINDS: dict[str, Kind] = {
    ".csv": "delimited",
    ".tsv": "delimited",
    ".txt": "delimited",
    ".parquet": "parquet",
    ".xlsx": "workbook",
    ".xlsm": "workbook",
    ".jsonl": "lines",
    ".ndjson": "lines",
    ".npz": "npz",
    ".npy": "npy",
}
# The end of the name of an idx file.
IDX = re.compile(r"[.-]idx\d?(-ubyte)?$")
# Suffixes of files that are not read with .gz after them.
NO_GZIP = (".parquet", ".xlsx", ".xlsm", ".npz", ".npy")
# What can be read, for an error.
READ = (
    "CSV, TSV and text tables (.csv, .tsv, .txt), JSON Lines (.jsonl, .ndjson), these with .gz "
    "too, .parquet, .xlsx, .npz, .npy, idx files, folders of Parquet files, and folders with a "
    "subfolder of images or texts for each class"
)
# The first bytes of a gzip file.
GZIP = b"\x1f\x8b"
# The first bytes of files that users confuse with others.
MAGIC = (
    Magic(b"PAR1", "a Parquet file", "Rename it to end in .parquet.", ("parquet",)),
    Magic(b"\x93NUMPY", "a NumPy array", "Rename it to end in .npy.", ("npy",)),
    Magic(
        b"PK\x03\x04",
        "a workbook or a zip archive",
        "Rename it to end in .xlsx, or unpack it.",
        ("npz", "workbook"),
    ),
    Magic(b"\xd0\xcf\x11\xe0", "an old Excel workbook", "Save it as CSV."),
    Magic(GZIP, "a gzip file", "Rename it to end in .gz."),
    Magic(b"%PDF", "a PDF", "Export its table as CSV."),
    Magic(b"\x89PNG", "an image", "Give a folder of images, a subfolder for each class."),
    Magic(b"\xff\xd8\xff", "an image", "Give a folder of images, a subfolder for each class."),
    Magic(b"<!DOCTYPE", "a web page", "Download the file itself."),
    Magic(b"<html", "a web page", "Download the file itself."),
    Magic(b"version https://git-lfs", "a pointer of Git LFS", "Run git lfs pull."),
)
# Kinds of files that must start with their bytes in MAGIC; the others start with none of them.
WITH_MAGIC: tuple[Kind, ...] = ("parquet", "workbook", "npz", "npy")


def kind_of(path: Path) -> Kind:
    """Return the kind of a file or folder.

    Raises:
        FileNotFoundError: If it does not exist.
        ValueError: For an unknown suffix, an empty file, and a file that is not what its name says.
    """
    if path.is_dir():
        return _of_folder(path)
    if not path.exists():
        raise FileNotFoundError(
            f"There is no file or folder {path}. Check the name and the folder."
        )
    require(
        path.is_file(),
        f"{path} is not a file but a pipe or a device, which cannot be read twice. Save what comes "
        f"out of it to a file.",
    )
    kind, start = _by_name(path), _start(path)
    require(bool(start), f"{path} is empty. Is it the right file?")
    found = next((magic for magic in MAGIC if start.startswith(magic.start)), None)
    if kind in WITH_MAGIC:
        agrees = found is not None and kind in found.kinds
    else:
        agrees = found is None
    if not agrees:
        what = "other content" if found is None else found.what
        do = "Is it cut short, or misnamed?" if found is None else found.do
        raise ValueError(f"{path} is not what its name says: it starts like {what}. {do}")
    return kind


def _of_folder(path: Path) -> Kind:
    """Return the kind of a folder."""
    if any(path.glob("train-images?idx3-ubyte*")):
        return "pair"
    if holds_shards(path):
        return "shards"
    return "texts" if holds_texts(path) else "images"


def require_model_folder(folder: Path) -> None:
    """Raise unless the folder of a model that reads text exists."""
    if not folder.is_dir():
        raise FileNotFoundError(
            f"text_model=... expects the folder of a transformers model; there is no folder "
            f"{folder}."
        )


def suffix_of(path: Path) -> str:
    """Return the suffix in lower case, without a final .gz.

    >>> suffix_of(Path("Reviews.CSV.gz"))
    '.csv'
    """
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _by_name(path: Path) -> Kind:
    """Return the kind of file that the name says."""
    if IDX.search(path.name.lower().removesuffix(".gz")):
        return "idx"
    suffix = suffix_of(path)
    packed = path.suffix.lower() == ".gz" and suffix in NO_GZIP
    if suffix in KINDS and not packed:
        return KINDS[suffix]
    do = {
        ".xls": " Save the workbook as CSV.",
        ".json": " Save it as JSON Lines, one object per line.",
    }.get(suffix, " Unpack it first." if packed else "")
    raise ValueError(
        f"{path}: {path.suffix or 'a name without a suffix'} cannot be read.{do} selfpaced reads "
        f"{READ}."
    )


def _start(path: Path) -> bytes:
    """Return the first bytes, unpacked; of a .gz file that is not a gzip file, as they are."""
    with path.open("rb") as file:
        start = file.read(32)
    if path.suffix.lower() != ".gz" or not start.startswith(GZIP):
        return start
    try:
        with gzip.open(path) as file:
            return file.read(32)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}. Copy or download it again.") from error
