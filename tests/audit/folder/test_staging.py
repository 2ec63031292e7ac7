"""Claims about the switch from one result in a folder to the next."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

from selfpaced._files import write_parquet, write_text
from selfpaced.audit._folder.files import FILES
from selfpaced.audit._folder.lock import locked
from selfpaced.audit._folder.staging import settle, staged

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


def test_config_is_moved_first_and_the_summary_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, moved = os.replace, list[str]()

    def remember(source: Path, target: Path) -> None:
        moved.append(target.name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", remember)
    with staged(tmp_path) as stage:
        for name in FILES:
            (stage / name).touch()
    assert moved[:2] == [".selfpaced-ready", ".selfpaced-moving"]
    assert sorted(moved[2:]) == sorted(FILES)
    assert (moved[2], moved[-1]) == ("config.json", "summary.md")


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


def test_the_checkpoint_is_removed_when_the_run_is_over(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").touch()
    with staged(tmp_path) as stage:
        (stage / "summary.md").touch()
    assert names(tmp_path) == ["summary.md"]


def test_a_table_written_in_a_stage_leaves_no_other_file(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        write_parquet(pd.DataFrame({"a": [1]}), stage / "ledger.parquet")
    assert names(tmp_path) == ["ledger.parquet"]


class Killed(BaseException):
    """The end of a process, at a step of a switch."""


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("steps", range(12))
def test_a_kill_at_any_step_leaves_the_old_result_or_the_new_one(
    steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = dict.fromkeys(("config.json", "summary.md", "conflicts.csv", "checkpoint.pt"), "old")
    new = dict.fromkeys(("config.json", "summary.md", "suspects.csv", "ledger.parquet"), "new")
    mine, left = {"mine.txt": "mine"}, iter(range(steps))
    for name, text in (old | mine).items():
        (tmp_path / name).write_text(text)

    def or_killed(step: Callable[..., None]) -> Callable[..., None]:
        def take(*given: Any, **settings: Any) -> None:
            if next(left, None) is None:
                raise Killed
            step(*given, **settings)

        return take

    with monkeypatch.context() as patch:
        for owner, name in ((os, "replace"), (Path, "unlink"), (Path, "rmdir")):
            patch.setattr(owner, name, or_killed(getattr(owner, name)))
        with suppress(Killed), staged(tmp_path) as stage:
            for name, text in new.items():
                (stage / name).write_text(text)
    settle(tmp_path)
    assert content(tmp_path) == (old if steps == 0 else new) | mine


def test_a_reader_waits_for_a_process_that_switches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("selfpaced.audit._folder.staging.SWITCHING", 0.1)
    (tmp_path / ".selfpaced-moving").mkdir()
    (tmp_path / ".selfpaced-moving" / "config.json").touch()
    with locked(tmp_path), pytest.raises(BlockingIOError, match="is in use: process"):
        settle(tmp_path)
    settle(tmp_path)
    assert names(tmp_path) == ["config.json"]


def test_a_link_in_the_place_of_a_switch_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".selfpaced-ready").symlink_to(tmp_path / "mine")
    settle(tmp_path / "run")
    assert names(tmp_path / "mine") == ["a.txt"]
