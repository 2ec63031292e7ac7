"""Claims about which folders a run may write to."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from selfpaced.audit._folder.claim import claimed
from selfpaced.audit._folder.files import FILES
from selfpaced.audit._folder.staging import staged


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def claim(folder: Path, *, force: bool, resume: bool) -> None:
    with claimed(folder, force=force, resume=resume):
        pass


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
    (tmp_path / ".partial-2-checkpoint.pt").touch()
    (tmp_path / ".partial-3-predictions.csv").touch()  # another process writes it just now
    claim(tmp_path, force=False, resume=True)
    assert names(tmp_path) == sorted([*FILES, ".partial-3-predictions.csv"])


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

    monkeypatch.setattr("selfpaced.audit._folder.claim.TemporaryFile", refuse)
    with pytest.raises(OSError, match="cannot be written to: Permission denied. Choose another"):
        claim(tmp_path, force=False, resume=False)


def test_a_run_holds_the_lock_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").touch()
    with claimed(tmp_path, force=False, resume=True):
        said = f"{tmp_path} is in use: process {os.getpid()} writes to it. Wait until it has ended"
        for force in (False, True):
            with pytest.raises(BlockingIOError, match=re.escape(said)):
                claim(tmp_path, force=force, resume=not force)
    assert names(tmp_path) == ["checkpoint.pt"]
    claim(tmp_path, force=True, resume=False)


def test_of_two_new_runs_the_second_is_refused(tmp_path: Path) -> None:
    with claimed(tmp_path / "run", force=False, resume=False):
        with pytest.raises(BlockingIOError, match="run is in use"):
            claim(tmp_path / "run", force=False, resume=False)
        (tmp_path / "run" / "summary.md").touch()
    with pytest.raises(FileExistsError, match="run exists"):
        claim(tmp_path / "run", force=False, resume=False)


def test_the_lock_of_a_killed_run_locks_nothing(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys\n"
        "from selfpaced.audit._folder.claim import claimed\n"
        "with claimed(pathlib.Path(sys.argv[1]), force=False, resume=False):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, tmp_path / "run"], check=False)
    assert ended.returncode == -9 and names(tmp_path / "run") == [".lock"]
    claim(tmp_path / "run", force=False, resume=False)
    assert names(tmp_path / "run") == []


def test_a_lock_file_that_is_a_link_is_refused_and_its_target_kept(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "run" / ".lock").symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match="symbolic link"):
        claim(tmp_path / "run", force=False, resume=False)
    assert (tmp_path / "mine").read_text() == "mine"


def test_force_completes_the_switch_of_a_killed_run(tmp_path: Path) -> None:
    (tmp_path / ".selfpaced-moving").mkdir()
    for name in ("config.json", "ledger.parquet"):
        (tmp_path / ".selfpaced-moving" / name).touch()
    claim(tmp_path, force=True, resume=False)
    assert names(tmp_path) == ["config.json", "ledger.parquet"]
