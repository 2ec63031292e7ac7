"""Claims about the kind of a file."""

import gzip
from pathlib import Path

import pytest

from selfpaced.audit._reading.kinds import kind_of


def packed(raw: bytes) -> bytes:
    """Compress without the time: every process must collect tests of the same name."""
    return gzip.compress(raw, mtime=0)


@pytest.mark.parametrize(
    ("name", "start", "kind"),
    [
        ("a.csv", b"a,b", "delimited"),
        ("a.TSV.gz", packed(b"a\tb"), "delimited"),
        ("a.ndjson", b"{}", "lines"),
        ("a.parquet", b"PAR1", "parquet"),
        ("a.npz", b"PK\x03\x04", "npz"),
        ("a.xlsx", b"PK\x03\x04", "workbook"),
        ("a.npy", b"\x93NUMPY", "npy"),
        ("t10k-images-idx3-ubyte", b"\0\0\x08\x03", "idx"),
        ("t10k-images.idx3-ubyte.gz", packed(b"\0\0\x08\x03"), "idx"),
    ],
)
def test_the_name_says_what_it_is(tmp_path: Path, name: str, start: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(start)
    assert kind_of(tmp_path / name) == kind


def test_a_folder_is_of_images_or_of_idx_files(tmp_path: Path) -> None:
    assert kind_of(tmp_path) == "images"
    (tmp_path / "train-images.idx3-ubyte.gz").touch()
    assert kind_of(tmp_path) == "pair"


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file or folder .*a\.csv\. Check the name"):
        kind_of(tmp_path / "a.csv")


REFUSED = [
    ("a.csv", b"", r"a\.csv is empty"),
    ("a.csv", b"PAR1", "starts like a Parquet file. Rename it to end in .parquet"),
    ("a.csv", b"PK\x03\x04", "starts like a workbook or a zip archive. Rename it to end in .xlsx"),
    ("a.csv", b"\xd0\xcf\x11\xe0", "starts like an old Excel workbook. Save it as CSV"),
    ("a.csv", b"\x1f\x8b", "starts like a gzip file. Rename it to end in .gz"),
    ("a.csv", b"\x89PNG", "starts like an image. Give a folder of images"),
    ("a.tsv", b"\xff\xd8\xff", "starts like an image. Give a folder of images"),
    ("a.csv", b"%PDF-1.7", "starts like a PDF. Export its table as CSV"),
    ("a.csv", b"\x93NUMPY", "starts like a NumPy array. Rename it to end in .npy"),
    ("a.csv", b"<!DOCTYPE html>", "starts like a web page. Download the file itself"),
    ("a.csv", b"<html>", "starts like a web page. Download the file itself"),
    ("a.csv", b"version https://git-lfs.github.com", "a pointer of Git LFS. Run git lfs pull"),
    ("a.csv.gz", packed(b"a,b" * 99)[:9], r"a\.csv\.gz is damaged: .* Copy or download it"),
    ("a.csv.gz", packed(b"a,b")[:10] + b"\xff" * 40, r"a\.csv\.gz is damaged: Error -3 "),
    ("a.csv.gz", packed(b"%PDF-1.7"), "starts like a PDF. Export its table as CSV"),
    ("a.parquet", b"a,b", "starts like other content. Is it cut short, or misnamed"),
    ("a.npz", b"\x93NUMPY", "starts like a NumPy array. Rename it to end in .npy"),
    ("a.npy", b"PK\x03\x04", "starts like a workbook or a zip archive"),
    (
        "a.json",
        b"[]",
        ".json cannot be read. Save it as JSON Lines, one object per line. selfpaced reads",
    ),
    ("a.npz.gz", b"\x1f\x8b", ".gz cannot be read. Unpack it first. selfpaced reads CSV, TSV"),
    ("a", b"x", "a name without a suffix cannot be read. selfpaced reads"),
]


@pytest.mark.parametrize(("name", "start", "said"), REFUSED)
def test_a_file_that_is_not_what_its_name_says_is_an_error(
    tmp_path: Path, name: str, start: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(start)
    with pytest.raises(ValueError, match=said):
        kind_of(tmp_path / name)
