"""The content of a file: its unpacked bytes, and its text as UTF-8."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path

from selfpaced._errors import require
from selfpaced.audit._reading.memory import LITTLE, free_memory, require_memory, size
from selfpaced.audit._reading.progress import chunks

# The number of bytes that are read or decoded at a time.
CHUNK = 1 << 24
# The number of bytes that reading a table or an array needs at its peak for a byte of the file.
BYTES_PER_BYTE = 7
FEWER = "Give fewer rows, or leave out columns."
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
        ValueError: For a .gz file that is damaged or not a gzip file, and for more bytes than can
            be read in the free memory.
    """
    if path.suffix.lower() != ".gz":
        total = path.stat().st_size
        require_memory(f"{path}: to read it needs", total * BYTES_PER_BYTE, FEWER)
        with path.open("rb") as file:
            return b"".join(chunks(_blocks(file), total))
    most = max(LITTLE, free_memory()) // BYTES_PER_BYTE
    unpacked = bytearray()
    try:
        with gzip.open(path) as file:
            for block in chunks(_blocks(file), None):
                unpacked += block
                require(
                    len(unpacked) <= most,
                    f"{path} unpacks to more than {size(most)}, the most that can be read in the "
                    f"free memory. {FEWER}",
                )
    except (EOFError, gzip.BadGzipFile, zlib.error) as damage:
        raise ValueError(f"{path} is truncated or not a gzip file: {damage}") from damage
    return bytes(unpacked)


def _blocks(file: BufferedIOBase) -> Iterator[bytes]:
    """Yield the bytes of a file in blocks."""
    return iter(lambda: file.read(CHUNK), b"")


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
        raw = _as_utf8(path, raw, form)
    require(
        b"\0" not in raw,
        f"{path} is not text: it contains zero bytes. Save the table as CSV in UTF-8.",
    )
    if form == "utf-8-sig":
        raw = raw.removeprefix(codecs.BOM_UTF8)
    require(bool(raw.strip()), f"{path} is empty. Is it the right file?")
    notes = (NOTES[form],) if form in NOTES else ()
    return raw if raw.endswith(b"\n") else raw + b"\n", notes


def _as_utf8(path: Path, raw: bytes, form: str) -> bytes:
    """Return a text in an encoding as UTF-8; raise for one that is cut short."""
    try:
        return raw.decode(form).encode()
    except UnicodeError as error:
        raise ValueError(
            f"{path} is not the {form.upper()} text that its first bytes announce: {error}. Save "
            f"the table as CSV in UTF-8."
        ) from error


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
