"""Claims about files that unpack to more than fits into memory, and files without end."""

import gzip
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from selfpaced.audit import Options, read
from selfpaced.audit._prepare import prepare
from selfpaced.audit._reading import content, folder_kinds, memory, progress
from selfpaced.audit._reading.tables import shards, workbooks

Little = Callable[[int], None]
LABELLED = Options(label="y")


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Little:
    """Return a function that says how many bytes are free; no file is too small to be refused."""

    def say(n: int) -> None:
        for module in (memory, content, shards, workbooks):
            monkeypatch.setattr(module, "LITTLE", 0)
            monkeypatch.setattr(module, "free_memory", lambda: n)

    return say


def header(shape: tuple[int, ...]) -> bytes:
    """Return the header of an .npy file of float64 numbers."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


def refused(path: Path, options: Options = Options()) -> str:
    """Return the one line with which a file is refused."""
    with pytest.raises(ValueError) as error:
        read(path, options)
    said = str(error.value)
    assert "\n" not in said and str(path) in said
    return said


def test_a_gzip_file_that_unpacks_to_more_than_fits_is_refused(
    tmp_path: Path, free: Little
) -> None:
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"x,y\n" + b"1,a\n" * 100_000))
    free(1_000_000)
    assert "unpacks to more than 0.00 GB" in refused(path, LABELLED)


def test_a_text_that_does_not_fit_is_refused_before_it_is_read(
    tmp_path: Path, free: Little
) -> None:
    path = tmp_path / "large.csv"
    path.write_bytes(b"x,y\n" + b"1,a\n" * 1_000)
    free(20_000)
    assert "to read it needs about 0.00 GB of memory; 0.00 GB are free." in refused(path, LABELLED)


def test_an_array_is_no_larger_than_its_header_says(tmp_path: Path) -> None:
    path, labels = tmp_path / "rows.npy", tmp_path / "labels.npy"
    path.write_bytes(header((10**12, 1000)) + bytes(80))
    np.save(labels, np.arange(10) % 2)
    said = "is cut short: its header announces 8,000,000,000,000,000 bytes, and 80 are there."
    assert said in refused(path, Options(labels=labels))
    with zipfile.ZipFile(tmp_path / "rows.npz", "w") as file:
        file.writestr("X.npy", header((10**12, 1000)) + bytes(80))
        file.writestr("y.npy", header((10,)) + bytes(80))
    assert f"X {said}" in refused(tmp_path / "rows.npz")


def test_an_npz_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, free: Little) -> None:
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, X=np.zeros((100_000, 2)), y=np.arange(100_000) % 2)
    free(1_000_000)
    assert "its arrays need about 0.00 GB of memory" in refused(path)


def test_an_idx_file_reads_what_its_header_announces(tmp_path: Path, free: Little) -> None:
    labels = tmp_path / "labels.npy"
    np.save(labels, np.arange(10) % 2)
    start = b"\0\0\x08\x03" + struct.pack(">3I", 10, 1000, 1000)
    (tmp_path / "a-idx3-ubyte.gz").write_bytes(gzip.compress(start + bytes(100)))
    assert "is truncated: expected" in refused(tmp_path / "a-idx3-ubyte.gz", Options(labels=labels))
    free(1_000)
    said = refused(tmp_path / "a-idx3-ubyte.gz", Options(labels=labels))
    assert "its array needs about 0.02 GB of memory" in said
    (tmp_path / "b-idx-ubyte").write_bytes(b"\0\0\x08\xff" + bytes(4 * 255))
    said = refused(tmp_path / "b-idx-ubyte", Options(labels=labels))
    assert "has at most 64 dimensions; got 255" in said


def test_images_that_become_too_large_are_refused(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.new("L", (4, 4)).save(tmp_path / name / "1.png")
    said = refused(tmp_path, Options(side=1_000_000))
    assert "2 images of 1000000 x 1000000 pixels need about 2,000.00 GB of memory" in said
    assert said.endswith("Give a smaller side=..., or fewer images.")


def test_an_image_bomb_is_left_out(tmp_path: Path) -> None:
    for n, name in enumerate(("cat", "dog", "cat", "dog")):
        (tmp_path / name).mkdir(exist_ok=True)
        Image.new("L", (4, 4), n).save(tmp_path / name / f"{n}.png")
    (tmp_path / "cat" / "bomb.png").write_bytes(png(20_000))
    source = read(tmp_path)
    assert len(source) == 4
    assert "1 image could not be read and is left out: cat/bomb.png." in source.notes


def png(side: int) -> bytes:
    """Return a black image in black and white of 400 megapixels, in a few kilobytes."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def workbook(path: Path, rows: list[list[Any]]) -> Path:
    """Write a workbook."""
    book = openpyxl.Workbook()
    for row in [["x", "y"], *rows]:
        book.worksheets[0].append(row)
    book.save(path)
    return path


def test_a_workbook_that_does_not_fit_is_refused(tmp_path: Path, free: Little) -> None:
    path = workbook(tmp_path / "large.xlsx", [[n, "ab"[n % 2]] for n in range(100)])
    free(4_000)
    assert "rows of sheet 'Sheet' need all free memory" in refused(path, LABELLED)


def test_a_sheet_with_more_rows_than_spreadsheets_have_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MOST_ROWS", 5)
    path = workbook(tmp_path / "long.xlsx", [[n, "ab"[n % 2]] for n in range(100)])
    assert "sheet 'Sheet' has more than 5 rows" in refused(path, LABELLED)


def test_entities_that_multiply_in_a_workbook_are_refused(tmp_path: Path) -> None:
    plain = workbook(tmp_path / "plain.xlsx", [[1, "a"]])
    path = tmp_path / "laughs.xlsx"
    laughs = b"".join(b'<!ENTITY %c "%b">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            body = source.read(name)
            if "sheet1" in name:
                start = b'<!DOCTYPE z [<!ENTITY a "ha ha ha ha ha ha ha ha">' + laughs + b"]>"
                cell = b'<c t="inlineStr"><is><t>&j;</t></is></c>'
                body = start + body[body.index(b"<worksheet") :].replace(b"<row ", cell + b"<row ")
                body = body.replace(cell + b"<row ", b"<row>" + cell + b"</row><row ", 1)
            target.writestr(name, body)
    assert "is no workbook, or damaged" in refused(path, LABELLED)


def test_rows_that_repeat_in_a_parquet_file_are_counted_as_they_unpack(
    tmp_path: Path, free: Little
) -> None:
    path = tmp_path / "rows.parquet"
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(200_000, np.int8)), ["long " * 100])
    parquet.write_table(pa.table({"x": text, "y": np.arange(200_000) % 2}), path)
    assert path.stat().st_size < 100_000
    free(200_000_000)
    said = refused(path, LABELLED)
    assert "131,072 of its 200,000 rows need all free memory" in said


def test_objects_of_very_many_keys_are_refused(tmp_path: Path, free: Little) -> None:
    path = tmp_path / "keys.jsonl"
    path.write_text("".join(f'{{"key {n}": 1, "y": "a"}}\n' for n in range(1_000)))
    free(10_000_000)
    assert "1,001 columns of 1,000 rows need about 0.04 GB of memory" in refused(path, LABELLED)


def test_objects_that_share_no_keys_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    path.write_text("".join(f'{{"key {n}": 1, "y": "a"}}\n' for n in range(6_000)))
    assert "its objects have 6,001 different keys, and each of them few." in refused(path, LABELLED)


def test_lines_may_end_in_cr_alone_and_be_nested_up_to_a_depth(tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    lines = [f'{{"x": {n % 7}, "y": "{"ab"[n % 2]}"}}' for n in range(20)]
    path.write_bytes("\r".join([*lines, '{"x": ' + "[" * 900 + "]" * 900 + "}", ""]).encode())
    source = read(path, LABELLED)
    assert len(source) == 20 and source.lines is not None and source.lines[-1] == 20
    assert any("(line 21): expected a JSON object" in note for note in source.notes)


def test_a_mark_of_the_encoding_alone_is_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "mark.csv"
    path.write_bytes(b"\xef\xbb\xbf\n")
    assert "is empty" in refused(path, LABELLED)


def test_lists_are_no_labels(tmp_path: Path) -> None:
    path = tmp_path / "lists.jsonl"
    path.write_text('{"x": 1, "y": [1]}\n{"x": 2, "y": []}\n')
    assert "column 'y' holds lists, records or bytes, which are no labels" in refused(
        path, LABELLED
    )


def test_classes_without_end_are_refused_before_a_model_is_trained(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("x,y\n" + "".join(f"{n % 7},name {n // 2}\n" for n in range(2_000)))
    source = read(path, LABELLED)
    with pytest.raises(
        ValueError,
        match="2,000 samples of 1,000 classes in y need about 0.13 GB of memory; 0.10 GB are free",
    ):
        prepare(source, memory=100_000_000)


def test_pipes_and_devices_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    for name in ("pipe.csv", "zero.csv"):
        assert "is not a file but a pipe or a device" in refused(tmp_path / name, LABELLED)


def test_links_that_lead_to_the_same_folders_again_and_again_are_refused(tmp_path: Path) -> None:
    data = tmp_path / "0"
    data.mkdir()
    for n in range(1, 40):
        (tmp_path / str(n)).mkdir()
        for name in ("left", "right"):
            (tmp_path / str(n) / name).symlink_to(tmp_path / str(n - 1))
    said = refused(tmp_path / "39")
    assert f"more than {folder_kinds.MOST_AGAIN:,} times" in said


def test_how_far_reading_is_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    monkeypatch.setattr(content, "CHUNK", 400)
    path, told = tmp_path / "a.csv", list[str]()
    path.write_text("x,y\n" + "1,a\n2,b\n3,a\n4,b\n" * 60)
    with progress.listening(told.append):
        read(path, LABELLED)
    assert told == ["0.00 GB of 0.00 GB"] * 3


def test_what_a_container_keeps_of_files_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "memory.max").write_text("4000\n")
    (tmp_path / "memory.current").write_text("3600\n")
    stat = "anon 400\ninactive_file 100\nactive_file 3000\nslab_reclaimable 50\n"
    (tmp_path / "memory.stat").write_text(stat)
    monkeypatch.setattr(memory, "CONTAINER", tmp_path)
    assert list(memory._of_container()) == [3550]
    (tmp_path / "memory.max").write_text("max\n")
    assert list(memory._of_container()) == []
