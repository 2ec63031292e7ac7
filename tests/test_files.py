import errno
import importlib
import math
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from selfpaced._files import read_parquet, sync_folder, write_parquet, write_text


def test_a_table_keeps_its_types(tmp_path: Path) -> None:
    table = pd.DataFrame({"row": [1, 2], "text": ["é", None], "share": [0.1, math.nan]})
    write_parquet(table, tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(read_parquet(tmp_path / "a.parquet"), table)


def test_a_text_is_written_without_changes(tmp_path: Path) -> None:
    write_text("é\r\n\n", tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_bytes() == "é\r\n\n".encode()


@pytest.mark.parametrize("fails", ["fsync", "replace"])
@pytest.mark.parametrize("kind", ["text", "table"])
def test_an_error_leaves_the_earlier_file_and_nothing_else(
    fails: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no more")

    path = tmp_path / "a"
    path.write_text("old")
    monkeypatch.setattr(os, fails, fail)
    with pytest.raises(OSError, match="no more"):
        write_text("new", path) if kind == "text" else write_parquet(pd.DataFrame(), path)
    assert os.listdir(tmp_path) == ["a"] and path.read_text() == "old"


def test_an_unfinished_file_goes_through_no_link_and_into_no_file_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("selfpaced._files.token_hex", lambda _: "guessed")
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".partial-guessed-a").symlink_to(tmp_path / "mine")
    with pytest.raises(FileExistsError):
        write_text("new", tmp_path / "a")
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize(("number", "passes"), [(errno.EINVAL, True), (errno.EIO, False)])
def test_a_folder_that_cannot_be_flushed_is_an_error_where_flushing_is_possible(
    number: int, passes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with nullcontext() if passes else pytest.raises(OSError, match="Input/output error"):
        sync_folder(tmp_path)


def test_a_table_that_parquet_cannot_hold_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(ValueError, match="Could not convert"):
        write_parquet(pd.DataFrame({"a": [1, "b"]}), path)
    assert os.listdir(tmp_path) == ["a"] and path.read_text() == "old"


def test_a_file_that_is_not_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_text("row,label\n1,cat\n")
    with pytest.raises(ValueError, match=r"a.parquet is not a Parquet file; it begins with b'row"):
        read_parquet(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="a.parquet is not a Parquet file: it is empty."):
        read_parquet(path)


def test_a_parquet_file_that_is_cut_short_or_damaged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(pd.DataFrame({"a": range(1000)}), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(ValueError, match="is a Parquet file that is cut short. Write it again"):
        read_parquet(path)
    path.write_bytes(whole[:100] + whole[-8:])
    with pytest.raises(ValueError, match="a.parquet is a damaged Parquet file: ") as told:
        read_parquet(path)
    assert "\n" not in str(told.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="a.parquet"):
        read_parquet(tmp_path / "a.parquet")


@pytest.mark.parametrize("lacking", ["pandas", "pyarrow"])
def test_a_missing_package_is_named_with_its_extra(
    lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> Any:
        if name == lacking:
            raise ModuleNotFoundError(name=name)
        return importlib.import_module(name)

    monkeypatch.setattr("selfpaced._files.import_module", load)
    with pytest.raises(ModuleNotFoundError, match=r"write_parquet needs .* \"selfpaced\[audit\]\""):
        write_parquet(pd.DataFrame(), tmp_path / "a")
    with pytest.raises(ModuleNotFoundError, match=r"read_parquet needs pandas and pyarrow: pip"):
        read_parquet(tmp_path / "a")
