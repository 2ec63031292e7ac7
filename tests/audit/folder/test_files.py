"""Claims about the files of a run and its folder."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

from selfpaced._files import write_parquet, write_text
from selfpaced.audit._folder.files import FILES, claim, staged

# The error for a full disk.
FULL = (
    "The disk is full: nothing of the results was written to .*. Free some space and go on with "
    "resume=True"
)
# The device of Linux on which every write fails as on a full disk.
DEVICE = Path("/dev/full")


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_files_move_into_the_folder_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with staged(tmp_path) as stage:
        (stage / "a.txt").write_text("new")
        (stage / "b.txt").write_text("new")
        assert stage.parent == tmp_path and stage.name.startswith(".partial-")
        assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt", "b.txt"]
    assert (tmp_path / "a.txt").read_text() == "new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_block_that_raises_changes_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(error), staged(tmp_path) as stage:
        (stage / "a.txt").write_text("new")
        raise error
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_the_summary_is_moved_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[str] = []
    monkeypatch.setattr(os, "replace", lambda source, target: moved.append(Path(target).name))
    with staged(tmp_path) as stage:
        for name in FILES:
            (stage / name).touch()
    assert sorted(moved) == sorted(FILES) and moved[-1] == "summary.md"


def test_a_folder_with_the_name_of_a_file_is_refused_before_anything_moves(tmp_path: Path) -> None:
    (tmp_path / "b.txt").mkdir()
    said = (
        "b.txt is a folder, and a run writes a file of that name. Move it away and go on with "
        "resume=True"
    )
    with pytest.raises(IsADirectoryError, match=said), staged(tmp_path) as stage:
        (stage / "a.txt").touch()
        (stage / "b.txt").touch()
    assert names(tmp_path) == ["b.txt"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_the_error_for_a_full_disk_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(OSError, match=FULL) as raised, staged(tmp_path) as stage:
        monkeypatch.setattr(os, "fsync", full)
        write_text("new", stage / "a.txt")
    assert "\n" not in str(raised.value) and str(tmp_path) in str(raised.value)
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def save_tensor(path: Path) -> None:
    with path.open("wb") as file:
        torch.save(torch.zeros(100_000), file)


def raise_as_safetensors_does(path: Path) -> None:
    raise RuntimeError("I/O error: No space left on device (os error 28)")


@pytest.mark.skipif(not DEVICE.exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_text("new"),
        lambda path: pd.DataFrame({"a": range(100_000)}).to_parquet(path),
        lambda path: Figure().savefig(path, format="png"),
        save_tensor,
        raise_as_safetensors_does,
    ],
    ids=["text", "parquet", "picture", "tensor", "safetensors"],
)
def test_every_writer_raises_the_same_error_for_a_full_disk(
    tmp_path: Path, write: Callable[[Path], object]
) -> None:
    with pytest.raises(OSError, match=FULL), staged(tmp_path) as stage:
        (stage / "a").symlink_to(DEVICE)
        write(stage / "a")
    assert names(tmp_path) == []


def test_other_errors_are_raised_unchanged(tmp_path: Path) -> None:
    with pytest.raises(PermissionError, match="mine"), staged(tmp_path):
        raise PermissionError("mine")


def test_a_new_folder_is_created_with_its_parents(tmp_path: Path) -> None:
    claim(tmp_path / "a" / "b", force=False, resume=False)
    assert names(tmp_path / "a" / "b") == []
    claim(tmp_path / "a" / "b", force=False, resume=False)


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    said = (
        "exists. Choose another folder, or pass force=True to replace an earlier run, or "
        "resume=True to go on with it."
    )
    with pytest.raises(FileExistsError, match=said):
        claim(tmp_path, force=False, resume=False)


def test_force_keeps_the_files_of_a_run_until_the_next_run_is_over(tmp_path: Path) -> None:
    for name in (*FILES, "mine.txt", "suspects.csv.bak"):
        (tmp_path / name).touch()
    (tmp_path / ".partial-1").mkdir()
    (tmp_path / ".partial-1" / "a").touch()
    (tmp_path / ".partial-7-history.parquet").touch()
    claim(tmp_path, force=True, resume=False)
    assert names(tmp_path) == sorted([*FILES, "mine.txt", "suspects.csv.bak"])
    with staged(tmp_path) as stage:
        (stage / "ledger.parquet").touch()
    assert names(tmp_path) == ["ledger.parquet", "mine.txt", "suspects.csv.bak"]


def test_force_accepts_the_folder_of_a_run_that_was_stopped(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").touch()
    claim(tmp_path, force=True, resume=False)
    assert names(tmp_path) == ["checkpoint.pt"]


def test_the_checkpoint_is_removed_when_the_run_is_over(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").touch()
    with staged(tmp_path) as stage:
        (stage / "summary.md").touch()
    assert names(tmp_path) == ["summary.md"]


def test_force_refuses_a_folder_that_is_not_a_run(tmp_path: Path) -> None:
    (tmp_path / "config.json").touch()
    with pytest.raises(FileExistsError, match="holds config.json, but no earlier run. Choose"):
        claim(tmp_path, force=True, resume=False)
    assert names(tmp_path) == ["config.json"]


def test_a_link_is_removed_but_not_its_target(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.pt").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.pt").symlink_to(tmp_path / "mine" / "model.pt")
    (tmp_path / "run" / ".partial-1").symlink_to(tmp_path / "mine")
    claim(tmp_path / "run", force=True, resume=False)
    with staged(tmp_path / "run") as stage:
        (stage / "summary.md").touch()
    assert names(tmp_path / "run") == ["summary.md"] and names(tmp_path / "mine") == ["model.pt"]


def test_resume_removes_only_partly_written_files(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).touch()
    (tmp_path / ".partial-1").mkdir()
    claim(tmp_path, force=False, resume=True)
    assert names(tmp_path) == sorted(FILES)


def test_force_with_resume_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Choose force=True or resume=True; got both."):
        claim(tmp_path, force=True, resume=True)


def test_a_path_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    said = "run is a file, and a run writes to a folder. Choose another name."
    for force in (False, True):
        with pytest.raises(NotADirectoryError, match=said):
            claim(tmp_path / "run", force=force, resume=False)


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="run cannot be written to: Not a directory. Choose another"):
        claim(tmp_path / "file" / "run", force=False, resume=False)


def test_a_folder_that_cannot_be_written_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("selfpaced.audit._folder.files.TemporaryFile", refuse)
    with pytest.raises(OSError, match="cannot be written to: Permission denied. Choose another"):
        claim(tmp_path, force=False, resume=False)


def test_a_table_written_in_a_stage_leaves_no_other_file(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        write_parquet(pd.DataFrame({"a": [1]}), stage / "ledger.parquet")
    assert names(tmp_path) == ["ledger.parquet"]
