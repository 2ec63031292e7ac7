"""The bytes of a file: unpacked, and as UTF-8 text."""

import codecs
import gzip
import zlib
from pathlib import Path

from selfpaced._errors import require

CHUNK = 1 << 24
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
NOTES = {
    "utf-16": "The file is UTF-16 text.",
    "latin-1": (
        "The file is not UTF-8 text and was read as latin-1; save it as UTF-8 where letters look "
        "wrong."
    ),
}


def unpack(path: Path) -> bytes:
    """Read a file whole, unpacking .gz.

    Raises:
        ValueError: When a .gz file is damaged or none.
    """
    if path.suffix.lower() != ".gz":
        return path.read_bytes()
    try:
        with gzip.open(path) as file:
            return file.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as damage:
        raise ValueError(f"{path} is cut short or no gzip file: {damage}") from damage


def encoding_of(raw: bytes) -> str:
    """Return how a text is written, in Python's words.

    UTF-16 is told by its mark; what is not UTF-8 is taken for latin-1, in which every byte is a
    character.

    >>> encoding_of("naïve".encode()), encoding_of("naïve".encode("latin-1"))
    ('utf-8', 'latin-1')
    """
    if raw.startswith(UTF_16):
        return "utf-16"
    if not _is_utf8(raw):
        return "latin-1"
    return "utf-8-sig" if raw.startswith(codecs.BOM_UTF8) else "utf-8"


def read_text(path: Path) -> tuple[bytes, tuple[str, ...]]:
    """Read a file of text, plain or gzipped; see ``encoding_of``.

    Returns:
        The text as UTF-8 that ends in a newline, and notes on what it was.

    Raises:
        ValueError: When it is empty, or no text.
    """
    raw = unpack(path)
    require(bool(raw.strip()), f"{path} is empty. Is it the right file?")
    form = encoding_of(raw)
    if form in NOTES:
        raw = raw.decode(form).encode()
    require(
        b"\0" not in raw,
        f"{path} is no text: it holds zero bytes. Save the table as CSV in UTF-8.",
    )
    if form == "utf-8-sig":
        raw = raw.removeprefix(codecs.BOM_UTF8)
    notes = (NOTES[form],) if form in NOTES else ()
    return raw if raw.endswith(b"\n") else raw + b"\n", notes


def _is_utf8(raw: bytes) -> bool:
    """Say whether all of it can be read as UTF-8, a chunk at a time."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(raw), CHUNK):
            decoder.decode(raw[start : start + CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
