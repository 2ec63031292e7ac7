"""Claims about an audit in two processes of ``torchrun``: it finds what one process finds."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd

Say = Callable[..., str]
Python = Callable[..., "subprocess.CompletedProcess[str]"]

# The start of a command in two processes.
TWO = (
    *("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
    *("-m", "selfpaced", "audit"),
)


def test_two_processes_find_what_one_finds(
    python: Python, done: Say, wine: Path, tmp_path: Path
) -> None:
    words = [str(wine), "--label", "kind", "--learner", "network", "--epochs", "15", "--output"]
    two = python(*TWO, *words, "two", folder=tmp_path)
    assert two.returncode == 0, two.stderr
    assert two.stdout.count("178 rows") == two.stdout.count("of 178 labels are ") == 1
    done("audit", *words, tmp_path / "one", "--quiet")
    suspects = [pd.read_csv(tmp_path / name / "suspects.csv") for name in ("one", "two")]
    assert set(suspects[0]["row"]) == set(suspects[1]["row"]) and len(suspects[0]) > 20
    ours, theirs = (pd.read_parquet(tmp_path / name / "ledger.parquet") for name in ("one", "two"))
    pd.testing.assert_frame_equal(ours, theirs, atol=1e-4, rtol=0)
    assert sorted(os.listdir(tmp_path / "one")) == sorted(os.listdir(tmp_path / "two"))


def test_an_error_is_printed_once(python: Python, wine: Path, tmp_path: Path) -> None:
    result = python(*TWO, str(wine), "--label", "kin", "-o", "run", folder=tmp_path)
    assert result.returncode != 0
    assert result.stderr.count("Did you mean 'kind'?") == 1
    assert not (tmp_path / "run").exists()
