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
from selfpaced.audit._fixing.changes import Changes
from selfpaced.audit._fixing.from_run import Request
from selfpaced.audit._fixing.from_run import fix_from as fixed
from selfpaced.audit._folder.files import FILES
from selfpaced.audit._folder.seal import write_config
from selfpaced.audit._folder.write import Written, write
from selfpaced.audit._plan import Plan, from_json
from selfpaced.audit._run import Run

Start = Callable[[Plan, Path], Run]
Write = Callable[..., Written]

# The files of a run that trains estimators on a table without conflicts.
TABLE = {
    "cases.json",
    "config.json",
    "curves.png",
    "features.safetensors",
    "history.parquet",
    "ledger.parquet",
    "report.html",
    "estimators.safetensors",
    "summary.md",
    "suspects.csv",
    "suspects.png",
}


def fix_from(folder: Path, corrected: Path, **more: Any) -> Changes:
    """Write a corrected copy, and return what changed."""
    return fixed(Request(folder, corrected, **more)).changes


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
    plan = Plan(table, Options(label="kind"), learner="logistic", epochs=20)
    return folder, train_and_write(plan, folder), plan


def test_the_folder_holds_every_file_of_a_run(done: tuple[Path, Written, Plan]) -> None:
    folder, result, _ = done
    names = set(os.listdir(folder))
    assert names == TABLE | {"conflicts.csv"} == set(result.files)
    assert names <= set(FILES)
    assert {(folder / name).stat().st_mode & 0o777 for name in names} == {
        folder.stat().st_mode & 0o666
    }


@pytest.mark.parametrize(
    ("learner", "models"),
    [("network", {"model.safetensors"}), ("auto", {"model.safetensors", "estimators.safetensors"})],
)
def test_networks_and_estimators_have_files_of_their_own_that_the_seed_decides(
    wine: Path, train_and_write: Write, tmp_path: Path, learner: str, models: set[str]
) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        train_and_write(Plan(wine, Options(label="kind"), learner=learner, epochs=1), folder)
        torch.rand(7)
    assert set(os.listdir(folders[0])) == TABLE - {"estimators.safetensors"} | models
    for name in os.listdir(folders[0]):
        if name not in ("summary.md", "report.html"):  # they name their folder
            one, two = ((folder / name).read_bytes() for folder in folders)
            assert one == two, name


def test_the_files_can_be_read(done: tuple[Path, Written, Plan]) -> None:
    folder, result, plan = done
    suspects = pd.read_csv(folder / "suspects.csv")
    assert suspects["row"].tolist() == result.suspects["row"].tolist()
    assert list(suspects.columns)[:3] == ["row", "line", "fix"] and len(suspects.columns) == 21
    assert suspects["line"].tolist() == (suspects["row"] + 1).tolist()
    sure = suspects[suspects["fix"] == "yes"]
    assert len(sure) > 20 and (sure["row"] % 5 == 0).mean() > 0.9
    assert (suspects["fix"] == "no").sum() > 0 and (
        suspects["given"] != suspects["suggested"]
    ).all()
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
    for name in ("suspects.csv", "config.json", "estimators.safetensors", "ledger.parquet"):
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_top_is_the_number_of_rows_and_stands_in_the_command(
    done: tuple[Path, Written, Plan], train_and_write: Write, tmp_path: Path
) -> None:
    written = train_and_write(done[2], tmp_path, top=7, more=["--top", "7"])
    assert len(written.suspects) == len(pd.read_csv(tmp_path / "suspects.csv")) == 7
    page = (tmp_path / "summary.md").read_text()
    assert page.endswith(f"--output {tmp_path} --top 7\n```\n")
    assert "The first 7 of " in page


@pytest.mark.parametrize(("word", "begins"), [("rot", b"row,"), ("rosé", b"\xef\xbb\xbfrow,")])
def test_spreadsheets_are_told_of_letters_beyond_ascii(
    wine: Path, train_and_write: Write, tmp_path: Path, word: str, begins: bytes
) -> None:
    lines = wine.read_text().replace("rosé", word).splitlines()
    again = [f"{line.rpartition(',')[0]},{word}" for line in lines[-2:]]
    (tmp_path / "wine.csv").write_text("\n".join([*lines, *again]))
    plan = Plan(tmp_path / "wine.csv", Options(label="kind"), learner="logistic", epochs=1)
    folder = tmp_path / "run"
    folder.mkdir()
    train_and_write(plan, folder)
    for name in ("suspects.csv", "conflicts.csv"):
        assert (folder / name).read_bytes().startswith(begins), name
        assert pd.read_csv(folder / name).columns[0] == "row"


def test_losses_give_another_picture(
    done: tuple[Path, Written, Plan], train_and_write: Write, tmp_path: Path
) -> None:
    folder, _, plan = done
    train_and_write(plan, tmp_path, losses=np.ones((20, 179), np.float32), dark=True)
    assert (folder / "curves.png").read_bytes() != (tmp_path / "curves.png").read_bytes()


def test_a_run_replaces_the_files_of_an_earlier_one(
    wine: Path, train_and_write: Write, tmp_path: Path
) -> None:
    for name in ("conflicts.csv", "model.safetensors", "checkpoint.pt", "mine.txt"):
        (tmp_path / name).touch()
    plan = Plan(wine, Options(label="kind"), learner="logistic", epochs=1)
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


def copied(run: Path, folder: Path) -> None:
    """Copy what a correction needs but the suspects."""
    for name in ("config.json", "ledger.parquet"):
        (folder / name).write_bytes((run / name).read_bytes())


def test_a_table_is_corrected_from_the_suspects_that_are_left(
    done: tuple[Path, Written, Plan], tmp_path: Path
) -> None:
    folder, copy = tmp_path / "run", tmp_path / "fixed.csv"
    folder.mkdir()
    copied(done[0], folder)
    head, *lines = (done[0] / "suspects.csv").read_text().splitlines()
    row, line, fix, _, given, suggested, *_ = lines[1].split(",")
    no = lines[2].replace(",yes,", ",no,", 1)
    (folder / "suspects.csv").write_text(f"{head}\n{lines[1]}\n{no}\n")
    changes = fix_from(folder, copy)
    assert changes.by_class() == {given: {suggested: 1}} and fix == "yes"
    assert copy.read_text().splitlines()[int(row)].endswith(f",{suggested},{given}")
    assert copy.read_text().splitlines()[int(line) - 1].endswith(f",{suggested},{given}")
    assert len(fix_from(folder, copy, drop=True, force=True)) == 1
    assert len(copy.read_text().splitlines()) == 179


def test_suspects_are_found_in_a_table_that_has_changed_since(
    done: tuple[Path, Written, Plan], tmp_path: Path
) -> None:
    folder, table, copy = tmp_path / "run", tmp_path / "wine.csv", tmp_path / "fixed.csv"
    folder.mkdir()
    copied(done[0], folder)
    (folder / "suspects.csv").write_bytes((done[0] / "suspects.csv").read_bytes())
    head, *lines = done[2].path.read_text().splitlines()
    table.write_text("\n".join([head, lines[0], *lines[::-1], lines[5]]) + "\n")
    changes = fix_from(folder, copy, data=table)
    suspects = pd.read_csv(folder / "suspects.csv").query("fix == 'yes'")
    assert len(changes) == len(suspects) > 10
    wanted = {
        f"{lines[row - 1].rpartition(',')[0]},{new},{was}"
        for row, new, was in suspects[["row", "suggested", "given"]].itertuples(index=False)
    }
    assert {line for line in copy.read_text().splitlines()[1:] if line[-1] != ","} == wanted
    row = int(suspects["row"].iloc[0])
    table.write_text("\n".join([head, *lines[: row - 1], *lines[row:]]) + "\n")
    said = f"wine.csv has changed since the audit: row {row} of the audit is not in it any more"
    with pytest.raises(ValueError, match=said):
        fix_from(folder, tmp_path / "other.csv", data=table)


def test_rows_without_a_fingerprint_are_not_corrected(
    done: tuple[Path, Written, Plan], tmp_path: Path
) -> None:
    copied(done[0], tmp_path)
    (tmp_path / "suspects.csv").write_text("row,fix,given,suggested\n32,yes,cat,dog\n")
    ledger = pd.read_parquet(tmp_path / "ledger.parquet")
    ledger.drop(columns="fingerprint").to_parquet(tmp_path / "ledger.parquet")
    with pytest.raises(ValueError, match="ledger.parquet is not the file that the run wrote"):
        fix_from(tmp_path, tmp_path / "fixed.csv")
    write_config(json.loads((tmp_path / "config.json").read_text()), tmp_path)
    with pytest.raises(ValueError, match="ledger.parquet does not say which rows were audited"):
        fix_from(tmp_path, tmp_path / "fixed.csv")


def test_our_columns_are_found_among_those_of_the_user(
    wine: Path, train_and_write: Write, tmp_path: Path
) -> None:
    table = pd.read_csv(wine)
    table.insert(0, "row", range(len(table), 0, -1))
    table["fix"], table["suggested"] = "no", "rot"
    table["decision"], table["new_label"] = "approve", "blau"
    path, folder = tmp_path / "wine.csv", tmp_path / "run"
    table.to_csv(path, index=False)
    folder.mkdir()
    plan = Plan(path, Options(label="kind", ignore=("row",)), learner="logistic")
    train_and_write(plan, folder)
    suspects = pd.read_csv(folder / "suspects.csv")
    assert suspects["row"].tolist() == (179 - suspects["selfpaced_row"]).tolist()
    assert set(suspects["fix"]) == {"no"} and set(suspects["suggested"]) == {"rot"}
    moved = suspects[suspects.columns[::-1]]
    moved.to_csv(folder / "suspects.csv", index=False, sep=";", decimal=",")
    changes = fix_from(folder, tmp_path / "new.csv")
    sure = suspects[suspects["selfpaced_fix"] == "yes"]
    assert len(changes) == len(sure) > 20
    new = pd.read_csv(tmp_path / "new.csv")
    assert new["kind"][sure["selfpaced_row"] - 1].tolist() == sure["selfpaced_suggested"].tolist()


def test_of_a_regression_numbers_may_come_and_go(train_and_write: Write, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=200)
    y = np.where(np.arange(200) % 40, 3 * x, 50 + x)
    path, folder = tmp_path / "a.csv", tmp_path / "run"
    pd.DataFrame({"x": x, "y": y}).to_csv(path, index=False)
    folder.mkdir()
    train_and_write(Plan(path, Options(label="y"), epochs=20), folder)
    changes = fix_from(folder, tmp_path / "new.csv")
    assert len(changes) >= 5 and changes.classes == ()
    assert "50" not in set(pd.read_csv(tmp_path / "new.csv")["y"].round().astype(int).astype(str))


@pytest.mark.parametrize("line", ["32,yes", "32,yes,cat", "32,yes,cat,", "32,yes,cat, "])
def test_a_suspect_without_a_suggestion_is_refused(
    done: tuple[Path, Written, Plan], tmp_path: Path, line: str
) -> None:
    copied(done[0], tmp_path)
    (tmp_path / "suspects.csv").write_text(f"row,fix,given,suggested\n{line}\n")
    said = "suspects.csv has no suggested label for row 32. Write it into the column suggested, or"
    with pytest.raises(ValueError, match=said):
        fix_from(tmp_path, tmp_path / "fixed.csv")


def test_without_suspects_the_copy_is_equal(
    done: tuple[Path, Written, Plan], tmp_path: Path
) -> None:
    copied(done[0], tmp_path)
    (tmp_path / "suspects.csv").write_text("row,fix,given,suggested\n,,,\n")
    assert len(fix_from(tmp_path, tmp_path / "fixed.csv", drop=True)) == 0
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
    copied(done[0], tmp_path)
    with pytest.raises(FileNotFoundError, match="There is no .*suspects.csv. Restore it, or audit"):
        fix_from(tmp_path, copy)
    (tmp_path / "suspects.csv").write_text("row;given;suggested\n32;cat;dog\n")
    with pytest.raises(
        ValueError, match=r"suspects.csv has no column fix, which says for each row"
    ):
        fix_from(tmp_path, copy)
    (tmp_path / "suspects.csv").write_text("row,fix,given,suggested\n32,yes,rot,dgo\n")
    with pytest.raises(ValueError, match="Row 32 of wine.csv has the label '.*', and had 'rot' in"):
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
