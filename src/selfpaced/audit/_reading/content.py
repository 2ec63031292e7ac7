"""The content of a file: its unpacked bytes, and its text as UTF-8."""

import codecs
import gzip
import zlib
from pathlib import Path

from selfpaced._errors import require

# The number of bytes that are decoded at a time.
CHUNK = 1 << 24
# The first bytes of UTF-16 text.
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Notes on text that is not UTF-8, by encoding.
NOTES = {
    "utf-16": "The file is UTF-16 text.",
    "latin-1": (
        "The file is not UTF-8 text and was read as latin-1. Save it as UTF-8 if letters look "
        "wrong."
    ),
}


def unpack(path: Path) -> bytes:
    """Read all bytes of a file; a .gz file is unpacked.

    Raises:
        ValueError: For a .gz file that is damaged or not a gzip file.
    """
    if path.suffix.lower() != ".gz":
        return path.read_bytes()
    try:
        with gzip.open(path) as file:
            return file.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as damage:
        raise ValueError(f"{path} is truncated or not a gzip file: {damage}") from damage


def encoding_of(raw: bytes) -> str:
    """Return the encoding of a text, by its name in Python.

    UTF-16 has a byte order mark. Text that is not UTF-8 is read as latin-1, in which every byte is
    a character.

    >>> encoding_of("naïve".encode()), encoding_of("naïve".encode("latin-1"))
    ('utf-8', 'latin-1')
    """
    if raw.startswith(UTF_16):
        return "utf-16"
    if not _is_utf8(raw):
        return "latin-1"
    return "utf-8-sig" if raw.startswith(codecs.BOM_UTF8) else "utf-8"


def read_text(path: Path) -> tuple[bytes, tuple[str, ...]]:
    """Read a text file, plain or gzipped, in the encoding of ``encoding_of``.

    Returns:
        The text as UTF-8 that ends in a newline, and notes on its encoding.

    Raises:
        ValueError: For an empty file, and for a file that is not text.
    """
    raw = unpack(path)
    require(bool(raw.strip()), f"{path} is empty. Is it the right file?")
    form = encoding_of(raw)
    if form in NOTES:
        raw = raw.decode(form).encode()
    require(
        b"\0" not in raw,
        f"{path} is not text: it contains zero bytes. Save the table as CSV in UTF-8.",
    )
    if form == "utf-8-sig":
        raw = raw.removeprefix(codecs.BOM_UTF8)
    notes = (NOTES[form],) if form in NOTES else ()
    return raw if raw.endswith(b"\n") else raw + b"\n", notes


def text_of(path: Path) -> str | None:
    """Return a whole file as a text; None for one that is empty or not text."""
    raw = path.read_bytes()
    try:
        text = raw.decode(encoding_of(raw)).strip()
    except UnicodeDecodeError:  # UTF-16 that is cut short
        return None
    return None if not text or "\0" in text else text


def _is_utf8(raw: bytes) -> bool:
    """Say whether all bytes can be read as UTF-8; they are decoded in chunks."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(raw), CHUNK):
            decoder.decode(raw[start : start + CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
