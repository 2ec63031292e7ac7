"""Claims about the command ``selfpaced fix``."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from selfpaced._cli import app


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "100"})


@pytest.fixture(scope="module")
def folder(wine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert run("audit", wine, "--label", "kind", "-o", folder, "--quiet").exit_code == 0
    return folder


def test_the_suspects_of_a_run_are_replaced(folder: Path, wine: Path, tmp_path: Path) -> None:
    copy, n = tmp_path / "new.csv", len((folder / "suspects.csv").read_text().splitlines()) - 1
    result = run("fix", folder, copy)
    assert result.exit_code == 0
    assert result.stdout == f"{copy}  {n} rows changed; the column selfpaced_was says how.\n"
    assert len(copy.read_text().splitlines()) == len(wine.read_text().splitlines())


def test_the_suspects_of_a_run_are_left_out(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "new.csv"
    assert run("fix", folder, copy, "--drop").stdout.endswith(" rows left out.\n")
    again = run("fix", folder, copy, "--drop")
    assert again.exit_code == 2
    assert again.stderr == f"{copy} exists. Choose another name, or pass --force.\n"
    assert run("fix", folder, copy, "--drop", "--force").exit_code == 0


def test_a_table_that_moved_is_said_with_data(folder: Path, wine: Path, tmp_path: Path) -> None:
    moved, copy = tmp_path / "moved.csv", tmp_path / "new.csv"
    moved.write_bytes(wine.read_bytes())
    assert run("fix", folder, copy, "--data", moved).exit_code == 0
    moved.write_text("\n".join(moved.read_text().splitlines()[:90]))
    result = run("fix", folder, tmp_path / "other.csv", "--data", moved)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert not (tmp_path / "other.csv").exists()


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    result = run("fix", tmp_path, tmp_path / "new.csv")
    assert result.exit_code == 2 and "no config.json" in result.stderr
    debugged = run("fix", tmp_path, tmp_path / "new.csv", "--debug")
    assert isinstance(debugged.exception, FileNotFoundError)
