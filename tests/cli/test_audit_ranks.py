"""Two processes of ``torchrun``: the suspects of one."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import selfpaced
from selfpaced._cli import app
from selfpaced._cli.console import is_main

SOURCE = Path(selfpaced.__file__).parents[1]


def launched(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command in two processes, which end by themselves."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [sys.executable, *launcher, "-m", "selfpaced", "audit", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1", "COLUMNS": "100"},
        check=False,
    )


def test_two_processes_find_what_one_finds(wine: Path, tmp_path: Path) -> None:
    words = [str(wine), "--label", "kind", "--output"]
    two = launched(*words, "two", folder=tmp_path)
    assert two.returncode == 0, two.stderr
    assert two.stdout.count("178 rows") == two.stdout.count("labels are probably wrong") == 1
    one = CliRunner().invoke(app, ["audit", *words, str(tmp_path / "one"), "--quiet"])
    assert one.exit_code == 0, one.output
    suspects = [pd.read_csv(tmp_path / name / "suspects.csv") for name in ("one", "two")]
    assert set(suspects[0]["row"]) == set(suspects[1]["row"]) and len(suspects[0]) > 20
    ours, theirs = (pd.read_parquet(tmp_path / name / "ledger.parquet") for name in ("one", "two"))
    pd.testing.assert_frame_equal(ours, theirs, atol=1e-4, rtol=0)
    assert sorted(os.listdir(tmp_path / "one")) == sorted(os.listdir(tmp_path / "two"))


def test_an_error_is_told_once(wine: Path, tmp_path: Path) -> None:
    result = launched(str(wine), "--label", "kin", "-o", "run", folder=tmp_path)
    assert result.returncode != 0
    assert result.stderr.count("Did you mean 'kind'?") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "rank", "main"), [("RANK", "0", True), ("RANK", "1", False), ("PMI_RANK", "1", False)]
)
def test_the_first_process_speaks(
    monkeypatch: pytest.MonkeyPatch, name: str, rank: str, main: bool
) -> None:
    assert is_main()
    monkeypatch.setenv(name, rank)
    assert is_main() == main
