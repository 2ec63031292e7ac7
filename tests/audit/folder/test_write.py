"""Claims about writing the folder of a run, and about the corrected copy of a table."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from selfpaced.audit import Options, load, read
from selfpaced.audit._folder.files import FILES
from selfpaced.audit._folder.write import Written, fix_from, write
from selfpaced.audit._plan import Plan, from_json
from selfpaced.audit._run import Run

Start = Callable[[Plan, Path], Run]
Write = Callable[..., Written]

# The files of a run that trains a network on a table without conflicts.
TABLE = {
    "config.json",
    "curves.png",
    "features.joblib",
    "history.parquet",
    "ledger.parquet",
    "model.safetensors",
    "summary.md",
    "suspects.csv",
    "suspects.png",
}


@pytest.fixture(scope="module")
def table(wine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the table of wines, with the last row again with another label."""
    path = tmp_path_factory.mktemp("data") / "wine.csv"
    text = wine.read_text()
    last = text.splitlines()[-1].rpartition(",")[0]
    path.write_text(f"{text}{last},red\n")
    return path


@pytest.fixture(scope="module")
def train_and_write(start: Start) -> Write:
    """Return a function that trains a run to its end and writes its files."""

    def write_run(plan: Plan, folder: Path, **settings: Any) -> Written:
        run = start(plan, folder)
        run.train()
        return write(folder, plan, run.prepared, *run.conclude(), **settings)

    return write_run


@pytest.fixture(scope="module")
def done(
    table: Path, train_and_write: Write, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Written, Plan]:
    """Return the folder of a finished run, what was written, and its plan."""
    folder = tmp_path_factory.mktemp("run")
    plan = Plan(table, Options(label="kind"), epochs=20)
    return folder, train_and_write(plan, folder), plan


def test_the_folder_holds_every_file_of_a_run(done: tuple[Path, Written, Plan]) -> None:
    folder, result, _ = done
    names = set(os.listdir(folder))
    assert names == TABLE | {"conflicts.csv"} == set(result.files)
    assert names <= set(FILES)
    assert {(folder / name).stat().st_mode & 0o777 for name in names} == {
        folder.stat().st_mode & 0o666
    }


def test_the_files_can_be_read(done: tuple[Path, Written, Plan]) -> None:
    folder, result, plan = done
    suspects = pd.read_csv(folder / "suspects.csv")
    assert suspects["row"].tolist() == result.suspects["row"].tolist() and result.own == 14
    assert len(suspects) > 20 and (suspects["row"] % 5 == 0).mean() > 0.9
    assert len(pd.read_parquet(folder / "ledger.parquet")) == 179
    assert len(pd.read_parquet(folder / "history.parquet")) == 20
    assert pd.read_csv(folder / "conflicts.csv")["row"].tolist() == [178, 179]
    assert f"selfpaced audit {plan.path} --label kind" in (folder / "summary.md").read_text()
    predictions = load(folder).predict(read(plan.path, Options(known=False)))
    first = suspects.iloc[0]
    assert predictions["predicted"].iloc[first["row"] - 1] == first["suggested"] != first["given"]


def test_the_config_is_enough_to_repeat_the_run(done: tuple[Path, Written, Plan]) -> None:
    folder, _, plan = done
    saved = json.loads((folder / "config.json").read_text())["run"]
    assert from_json(saved) == plan
    assert saved["settings"]["learning_rate"] == 1e-3 and saved["samples"] == 179


def test_the_same_seed_gives_the_same_bytes_in_any_folder(
    done: tuple[Path, Written, Plan], train_and_write: Write, tmp_path: Path
) -> None:
    folder, _, plan = done
    torch.rand(7)
    np.random.default_rng().random()
    train_and_write(plan, tmp_path)
    for name in ("suspects.csv", "config.json", "model.safetensors", "ledger.parquet"):
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_losses_give_another_picture(
    done: tuple[Path, Written, Plan], train_and_write: Write, tmp_path: Path
) -> None:
    folder, _, plan = done
    train_and_write(plan, tmp_path, losses=np.ones((20, 179), np.float32), dark=True)
    assert (folder / "curves.png").read_bytes() != (tmp_path / "curves.png").read_bytes()


def test_a_run_replaces_the_files_of_an_earlier_one(
    wine: Path, train_and_write: Write, tmp_path: Path
) -> None:
    for name in ("conflicts.csv", "model.joblib", "checkpoint.pt", "mine.txt"):
        (tmp_path / name).touch()
    plan = Plan(wine, Options(label="kind"), epochs=1)
    assert "conflicts.csv" not in train_and_write(plan, tmp_path).files
    assert set(os.listdir(tmp_path)) == TABLE | {"mine.txt"}


def test_a_full_disk_leaves_the_checkpoint(
    done: tuple[Path, Written, Plan],
    start: Start,
    full_disk: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = done[2]
    run = start(plan, tmp_path)
    run.train()
    monkeypatch.setattr("selfpaced.audit._folder.write.write_parquet", full_disk)
    with pytest.raises(OSError, match="disk is full: nothing of the results was written"):
        write(tmp_path, plan, run.prepared, *run.conclude())
    assert os.listdir(tmp_path) == ["checkpoint.pt"]
    monkeypatch.undo()
    again = start(plan, tmp_path)
    again.resume()
    assert again.train()
    write(tmp_path, plan, again.prepared, *again.conclude())
    assert (tmp_path / "suspects.csv").read_bytes() == (done[0] / "suspects.csv").read_bytes()


def test_a_table_is_corrected_from_the_suspects_that_are_left(
    done: tuple[Path, Written, Plan], tmp_path: Path
) -> None:
    folder, copy = tmp_path / "run", tmp_path / "fixed.csv"
    folder.mkdir()
    (folder / "config.json").write_bytes((done[0] / "config.json").read_bytes())
    head, *lines = (done[0] / "suspects.csv").read_text().splitlines()
    row, _, given, suggested, *_ = lines[1].split(",")
    (folder / "suspects.csv").write_text(f"{head}\n{lines[1]}\n")
    assert fix_from(folder, copy) == 1
    assert copy.read_text().splitlines()[int(row)].endswith(f",{suggested},{given}")
    assert fix_from(folder, copy, drop=True, force=True) == 1
    assert len(copy.read_text().splitlines()) == 179


@pytest.mark.parametrize("line", ["32", "32,cat", "32,cat,", "32,cat, "])
def test_a_suspect_without_a_suggestion_is_refused(
    done: tuple[Path, Written, Plan], tmp_path: Path, line: str
) -> None:
    (tmp_path / "config.json").write_bytes((done[0] / "config.json").read_bytes())
    (tmp_path / "suspects.csv").write_text(f"row,given,suggested\n{line}\n")
    said = "suspects.csv suggests no label for row 32. Correct or delete such lines"
    with pytest.raises(ValueError, match=said):
        fix_from(tmp_path, tmp_path / "fixed.csv")


def test_without_suspects_the_copy_is_equal(
    done: tuple[Path, Written, Plan], tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_bytes((done[0] / "config.json").read_bytes())
    (tmp_path / "suspects.csv").write_text("row,given,suggested\n,,\n")
    assert fix_from(tmp_path, tmp_path / "fixed.csv", drop=True) == 0
    assert (tmp_path / "fixed.csv").read_bytes() == done[2].path.read_bytes()


def test_tables_that_cannot_be_corrected_are_refused(
    done: tuple[Path, Written, Plan], tmp_path: Path
) -> None:
    copy = tmp_path / "fixed.csv"
    with pytest.raises(FileNotFoundError, match="no config.json"):
        fix_from(tmp_path, copy)
    said = r"There is no .*gone.csv, which the run in .* audited. Pass data=\.\.\. with its path"
    with pytest.raises(FileNotFoundError, match=said):
        fix_from(done[0], copy, data=tmp_path / "gone.csv")
    (tmp_path / "config.json").write_bytes((done[0] / "config.json").read_bytes())
    with pytest.raises(ValueError, match="suspects.csv cannot be read"):
        fix_from(tmp_path, copy)
    (tmp_path / "suspects.csv").write_text("row;given;suggested\n32;cat;dog\n")
    with pytest.raises(ValueError, match=r"suspects.csv needs the columns row, given and suggest"):
        fix_from(tmp_path, copy)
    config = json.loads((done[0] / "config.json").read_text())
    config["run"]["options"]["label"] = None
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "suspects.csv").write_text("row,given,suggested\n32,cat,dog\n")
    with pytest.raises(ValueError, match="has no column of labels. Correct the labels where they"):
        fix_from(tmp_path, copy)
    config["run"] = {}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="config.json does not say which table was audited"):
        fix_from(tmp_path, copy)
    assert not copy.exists()
