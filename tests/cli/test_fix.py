"""Claims about the command ``selfpaced fix``."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

Run = Callable[..., Result]
Say = Callable[..., str]


@pytest.fixture(scope="module")
def folder(done: Say, wine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    done("audit", wine, "--label", "kind", "--learner", "logistic", "-o", folder, "--quiet")
    return folder


def test_the_suspects_of_a_run_get_new_labels(
    done: Say, folder: Path, wine: Path, tmp_path: Path
) -> None:
    copy, suspects = tmp_path / "new.csv", pd.read_csv(folder / "suspects.csv")
    suspects = suspects[suspects["fix"] == "yes"]
    said, n = done("fix", folder, copy), len(suspects)
    assert said.startswith(
        f"By suspects.csv, which nobody has checked: {n} to change.\n{copy}  {n} labels changed; "
        f"the column selfpaced_was holds the former ones\n"
    )
    old, new = pd.read_csv(wine)["kind"], pd.read_csv(copy)["kind"]
    assert len(old) == len(new) and (old != new).sum() == n
    for name in set(old):
        before, after = (old == name).sum(), (new == name).sum()
        assert re.search(rf"{name}\s+│\s+{before}\s+│\s+{after}\s+│", said)
    log = pd.read_csv(f"{copy}.changes.csv", keep_default_na=False)
    assert log["place"].tolist() == suspects["row"].tolist()
    assert set(log["decision"]) == {"suggestion"} and set(log["reviewer"]) == {""}


def test_only_lines_with_yes_are_changed(
    done: Say, refused: Say, folder: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "run"
    shutil.copytree(folder, copied)
    suspects = pd.read_csv(copied / "suspects.csv")
    suspects["fix"] = ["no"] * (len(suspects) - 1) + ["yes"]  # the least suspicious one
    suspects.to_csv(copied / "suspects.csv", index=False)
    row, given, suggested = suspects.iloc[-1][["row", "given", "suggested"]]
    said = done("fix", copied, tmp_path / "new.csv")
    assert said.startswith("By suspects.csv: 1 to change.\n") and "1 label changed" in said
    assert f"{suggested} (1)" in said
    new = pd.read_csv(tmp_path / "new.csv")
    assert new["selfpaced_was"].dropna().to_dict() == {row - 1: given}
    suspects.drop(columns="fix").to_csv(copied / "suspects.csv", index=False)
    assert "suspects.csv has no column fix" in refused("fix", copied, tmp_path / "other.csv")


def test_the_suspects_of_a_run_are_left_out(
    done: Say, refused: Say, folder: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "new.csv"
    assert f"{copy}  30 samples left out\n" in done("fix", folder, copy, "--drop")
    said = f"{copy} exists. Choose another name, or pass --force."
    assert refused("fix", folder, copy, "--drop") == said
    done("fix", folder, copy, "--drop", "--force")


def test_data_says_where_a_moved_table_is(
    done: Say, refused: Say, folder: Path, wine: Path, tmp_path: Path
) -> None:
    moved, copy = tmp_path / "moved.csv", tmp_path / "new.csv"
    moved.write_bytes(wine.read_bytes())
    done("fix", folder, copy, "--data", moved)
    moved.write_text("\n".join(moved.read_text().splitlines()[:90]))
    refused("fix", folder, tmp_path / "other.csv", "--data", moved)
    assert not (tmp_path / "other.csv").exists()


def test_a_missing_table_is_one_line_that_names_the_flag(
    done: Say, refused: Say, here: Path
) -> None:
    rows = "".join(f"{n % 2}.{n},{'ab'[n % 2]}\n" for n in range(40))
    Path("a.csv").write_text(f"x,y\n{rows}")
    done("audit", "a.csv", "--label", "y", "--learner", "logistic", "-o", "run", "--quiet")
    Path("a.csv").unlink()
    said = refused("fix", "run", "new.csv")
    assert "There is no a.csv" in said and "--data" in said


def test_a_folder_without_a_run_is_an_error(run: Run, refused: Say, tmp_path: Path) -> None:
    assert "no config.json" in refused("fix", tmp_path, tmp_path / "new.csv")
    debugged = run("fix", tmp_path, tmp_path / "new.csv", "--debug")
    assert isinstance(debugged.exception, FileNotFoundError)


def clusters(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of two clusters, and labels of which those of rows 4 and 7 are wrong."""
    labels = np.arange(n) % 2
    rows = np.random.default_rng(0).normal(size=(n, 3)) + 8 * labels[:, None]
    labels[[4, 7]] = 1 - labels[[4, 7]]
    return rows, labels


def test_arrays_are_corrected_in_their_own_format(done: Say, refused: Say, here: Path) -> None:
    rows, labels = clusters()
    np.savez("a.npz", X=rows, y=labels, name=np.array("kept"))
    done("audit", "a.npz", "--learner", "logistic", "-o", "run", "--quiet")
    said = done("fix", "run", "b.npz")
    assert "b.npz  2 labels changed\n" in said and "selfpaced_was" not in said
    with np.load("b.npz") as made:
        assert made["y"].tolist() == (np.arange(60) % 2).tolist()
        assert made["name"] == "kept"
    assert "must be a .npz file; got b.npy" in refused("fix", "run", "b.npy")
    assert "b.npz exists" in refused("fix", "run", "b.npz")
    assert "is the data itself" in refused("fix", "run", "a.npz", "--force")
    np.save("x.npy", rows)
    for name in ("y.npy", "y.csv"):
        np.save(name, labels) if name == "y.npy" else Path(name).write_text(
            "y\n" + "\n".join(map(str, labels))
        )
        folder = f"run-{name}"
        words = ("x.npy", "--labels", name, "--learner", "logistic", "-o", folder, "--quiet")
        done("audit", *words)
        done("fix", folder, f"new-{name}")
    right = (np.arange(60) % 2).tolist()
    assert np.load("new-y.npy").tolist() == right
    assert pd.read_csv("new-y.csv")["y"].tolist() == right


def test_a_folder_is_copied_moved_and_moved_back(done: Say, refused: Say, here: Path) -> None:
    words = {"good": "great wonderful lovely film", "bad": "awful boring terrible film"}
    for place in range(60):
        kind = ("good", "bad")[place % 2]
        label = kind if place not in (4, 7) else ("bad", "good")[place % 2]
        path = Path("films", label, f"{place}.txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{words[kind]} number {place} of the year")
    before = sorted(Path("films").rglob("*.txt"))
    done("audit", "films", "--learner", "logistic", "-o", "run", "--quiet")
    assert "2 labels changed" in done("fix", "run", "copy")
    assert Path("copy/good/4.txt").is_file() and Path("copy/bad/7.txt").is_file()
    assert sorted(Path("films").rglob("*.txt")) == before
    assert "a folder of data is never replaced" in refused("fix", "run", "copy", "--force")
    assert "2 labels changed" in done("fix", "run", "--move")
    assert Path("films/good/4.txt").is_file() and not Path("films/bad/4.txt").exists()
    log = pd.read_csv("run/moved.changes.csv")
    assert sorted(log["place"]) == ["bad/4.txt", "good/7.txt"]
    assert "were moved before: see moved.jsonl. Pass --undo" in refused("fix", "run", "--move")
    assert done("fix", "run", "--undo") == "2 files are back where they were.\n"
    assert sorted(Path("films").rglob("*.txt")) == before
    assert "2 samples left out" in done("fix", "run", "less", "--drop")
    assert len(list(Path("less").rglob("*.txt"))) == 58
