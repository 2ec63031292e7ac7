"""Claims about what an audit imports, and when: mistakes are told at once, and a spinner shown."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Python = Callable[..., "subprocess.CompletedProcess[str]"]

HEAVY = ["torch", "numpy", "pandas", "scipy", "sklearn", "skrub", "pyarrow", "matplotlib"]
HEAVY += ["PIL", "accelerate", "safetensors", "psutil", "transformers"]
# Runs a command; prints what was imported when the spinner appeared, and at the end.
PROGRAM = """
import json, sys
from selfpaced._cli import app, audit_run

class Spy(audit_run.Console):
    def status(self, text, **more):
        spinners.append((str(text).split()[0], list(sys.modules)))
        return super().status(text, **more)

spinners = []
audit_run.Console = Spy
app(sys.argv[1:] + ["--quiet"], standalone_mode=False)
print(json.dumps(spinners + [("end", list(sys.modules))]))
"""
WORDS = ("good", "bad", "broke", "great", "slow", "fast", "price")


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Return a folder with a table of 60 rows: columns of numbers, of text, and of categories."""
    lines = ["ears,legs,said,colour,kind,weight"]
    for i in range(60):
        said = " ".join(WORDS[(i * k) % 7] for k in (1, 2, 3)) + f" {i}"
        lines.append(
            f"{i % 2 + i / 100},{i % 5},{said},{('red', 'blue')[i // 2 % 2]},{i % 2},{i / 7}"
        )
    (tmp_path / "pets.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    return tmp_path


MISTAKES = [
    ("nope.csv", "There is no file or folder nope.csv"),
    ("empty.csv --label kind", "empty.csv is empty"),
    ("pets.csv --label kind --epochs 0", "epochs must be a positive int; got 0"),
    ("pets.csv --label kind --seed -1", "seed must be an int from 0"),
    ("pets.csv --label kind --sheet May", "--sheet needs a workbook (.xlsx)"),
    ("pets.csv --label kind --text-model nowhere", "there is no folder nowhere"),
    ("pets.csv --label kind --output full", "full exists. Choose another folder"),
    ("pets.csv --label kind --top 0", "--top must be a positive number of rows; got 0"),
    ("pets.csv --label kind --resume", "holds no checkpoint.pt"),
    ("pets.csv --label kind --drop", "--drop needs --fix FILE"),
    ("pets.csv --label kind --json --quiet", "Choose --json or --quiet"),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES)
def test_paths_and_options_are_checked_before_anything_heavy_is_imported(
    python: Python, pets: Path, words: str, said: str
) -> None:
    result = python("-X", "importtime", "-m", "selfpaced", "audit", *words.split(), folder=pets)
    lines = result.stderr.splitlines()
    told = [line for line in lines if not line.startswith("import time:")]
    assert result.returncode == 2 and len(told) == 1 and said in told[0]
    loaded = {line.split("|")[-1].strip() for line in lines}
    assert "selfpaced.audit._plan" in loaded
    assert not loaded & set(HEAVY)


def test_a_table_without_a_label_is_refused_before_torch_is_imported(
    python: Python, pets: Path
) -> None:
    result = python("-X", "importtime", "-m", "selfpaced", "audit", "pets.csv", folder=pets)
    loaded = {line.split("|")[-1].strip() for line in result.stderr.splitlines()}
    assert result.returncode == 2 and "which column holds the labels?" in result.stderr
    assert "pandas" in loaded and not loaded & {"torch", "sklearn", "matplotlib"}


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        ("--label kind --ignore said --ignore colour --ignore weight", set()),
        ("--label weight --numbers --ignore said --ignore colour", set()),
        ("--label kind --ignore colour --ignore weight", set()),
        ("--label kind --ignore said --ignore weight", {"skrub"}),
    ],
    ids=["numbers", "a regression", "text", "categories"],
)
def test_an_audit_imports_only_what_its_data_need(
    python: Python, pets: Path, words: str, needed: set[str]
) -> None:
    asked = f"audit pets.csv {words} --epochs 1"
    result = python("-c", PROGRAM, *asked.split(), folder=pets)
    assert result.returncode == 0, result.stderr
    (first, at_once), (then, before_writing), (_, at_the_end) = json.loads(result.stdout)
    assert (first, then) == ("Reading", "Writing")
    assert not set(at_once) & set(HEAVY)
    assert set(at_the_end) & {"skrub", "accelerate", "transformers"} == needed
    assert "torch" in at_the_end and "matplotlib" in at_the_end
    assert "skrub" in needed or "matplotlib" not in before_writing
