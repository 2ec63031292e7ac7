"""Claims about the commands ``selfpaced demo digits`` and ``selfpaced demo blobs``."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import Result

import selfpaced

Run = Callable[..., Result]
Say = Callable[..., str]
Python = Callable[..., "subprocess.CompletedProcess[str]"]
WriteIdx = Callable[[Path, str, int, int], None]

DIGITS = ("demo", "digits")
BLOBS = ("demo", "blobs")


@pytest.fixture
def idx_folder(tmp_path: Path, write_idx: WriteIdx) -> Path:
    folder = tmp_path / "idx"
    folder.mkdir()
    write_idx(folder, "train", 30, 4)
    write_idx(folder, "t10k", 12, 4)
    return folder


def test_the_demo_prints_three_trainings_and_writes_three_files(done: Say, tmp_path: Path) -> None:
    said = done(*DIGITS, "--epochs", 2, "-o", tmp_path / "new" / "out")
    for words in ("plain", "self-paced", "trained on clean labels", "95% interval", "seconds"):
        assert words in said
    assert "Of the first 100 suspects" in said
    assert "40% of their labels made wrong (symmetric), seed 0" in said
    assert "one seed" in " ".join(said.split())
    written = {path.name for path in (tmp_path / "new" / "out").iterdir()}
    assert written == {"suspects.png", "curves.png", "suspects.csv"}
    assert all(name in said for name in written)
    assert max(len(line) for line in said.splitlines() if "out" not in line) <= 100


def test_the_demo_reads_idx_files(done: Say, idx_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ("--data", idx_folder, "--limit", 20, "--epochs", 1, "--kind", "pair")
    assert "idx: 20 training images" in done(*DIGITS, *options, "-o", out)
    assert len((out / "suspects.csv").read_text().splitlines()) == 21


def test_a_terminal_shows_a_bar_for_each_training(
    done: Say, idx_folder: Path, tmp_path: Path
) -> None:
    options = ("--data", idx_folder, "--epochs", 1, "-o", tmp_path)
    said = done(*DIGITS, *options, FORCE_COLOR="1")
    assert "━━" in said and "1/1" in said


def test_the_number_of_threads_is_restored(run: Run, idx_folder: Path, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run(*DIGITS, "--data", idx_folder, "--epochs", 1, "-o", tmp_path)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("noise", ["-0.1", "1.5", "nan"])
def test_noise_outside_0_to_1_is_refused(refused: Say, tmp_path: Path, noise: str) -> None:
    said = refused(*DIGITS, "--noise", noise, "-o", tmp_path / "out", code=1)
    assert f"The share of wrong labels must be from 0 to 1; got {noise}." in said
    assert not (tmp_path / "out").exists()


def test_an_unknown_kind_is_refused(run: Run) -> None:
    result = run(*DIGITS, "--kind", "odd")
    assert result.exit_code == 2
    assert "'odd' is not one of 'symmetric', 'pair'" in result.stderr


@pytest.mark.parametrize("command", [DIGITS, BLOBS])
def test_an_output_that_is_a_file_is_refused(
    refused: Say, tmp_path: Path, command: tuple[str, str]
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    said = refused(*command, "-o", taken, code=1)
    assert said.startswith("--output: cannot make the folder")
    assert "Not a directory" in refused(*command, "-o", taken / "in", code=1)
    assert taken.read_text() == "mine"


def test_an_output_without_permission_is_refused(
    refused: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    said = refused(*DIGITS, "-o", tmp_path, code=1)
    assert "cannot be written to. Choose another folder." in said


def test_a_file_that_cannot_be_written_is_one_line(
    refused: Say, idx_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "suspects.csv").mkdir()
    words = ("--data", idx_folder, "--epochs", 1, "-o", tmp_path)
    assert "suspects.csv" in refused(*DIGITS, *words, code=1, begun=True)


def test_missing_idx_files_are_one_line(refused: Say, tmp_path: Path) -> None:
    said = refused(*DIGITS, "--data", tmp_path / "absent", "-o", tmp_path, code=1)
    assert "must contain train-images-idx3-ubyte" in said


def test_a_truncated_idx_file_is_one_line(refused: Say, idx_folder: Path, tmp_path: Path) -> None:
    path = idx_folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    said = refused(*DIGITS, "--data", idx_folder, "-o", tmp_path, code=1)
    assert "is truncated" in said


def test_a_wrong_magic_number_is_one_line(refused: Say, idx_folder: Path, tmp_path: Path) -> None:
    path = idx_folder / "train-images-idx3-ubyte"
    path.write_bytes(b"\0\0\x0d" + path.read_bytes()[3:])
    said = refused(*DIGITS, "--data", idx_folder, "-o", tmp_path, code=1)
    assert "must start with 00 00 08" in said


def test_square_brackets_in_a_path_are_not_markup(refused: Say, tmp_path: Path) -> None:
    folder = tmp_path / "[red]data"
    assert "[red]data" in refused(*DIGITS, "--data", folder, "-o", tmp_path, code=1)


def test_without_scikit_learn_the_extra_is_named(
    refused: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    said = refused(*DIGITS, "-o", tmp_path, code=1)
    assert 'pip install "selfpaced[sklearn]"' in said


MAIN = "from selfpaced.__main__ import main; main()"


@pytest.mark.parametrize("absent", ["typer", "rich"])
def test_without_the_cli_extra_the_command_names_it_and_exits_1(
    python: Python, absent: str
) -> None:
    result = python("-c", f"import sys; sys.modules['{absent}'] = None; {MAIN}", "--help")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"The selfpaced command needs {absent}")
    assert 'pip install "selfpaced[cli]"' in result.stderr
    assert result.stderr.count("\n") == 1


def test_another_missing_module_is_not_blamed_on_the_extra(python: Python) -> None:
    result = python("-c", f"import sys; sys.modules['selfpaced._cli'] = None; {MAIN}", "--help")
    assert result.returncode == 1
    assert "selfpaced[cli]" not in result.stderr
    assert "ModuleNotFoundError" in result.stderr


def test_without_matplotlib_the_demo_stops_before_training(python: Python, tmp_path: Path) -> None:
    program = f"import sys; sys.modules['matplotlib'] = None; {MAIN}"
    result = python("-c", program, *DIGITS, "-o", str(tmp_path / "out"))
    assert result.returncode == 1
    assert 'pip install "selfpaced[report]"' in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_help_and_version_load_no_plots_and_no_data(python: Python) -> None:
    program = (
        "import sys; from selfpaced._cli import app; app(sys.argv[1:], standalone_mode=False); "
        "heavy = {'matplotlib', 'sklearn', 'pandas', 'scipy', 'selfpaced._demo'};"
        "heavy &= set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    for option, says in (("--help", "demo"), ("--version", f"selfpaced {selfpaced.__version__}")):
        result = python("-c", program, option)
        assert result.returncode == 0, result.stderr
        assert says in result.stdout


def test_the_module_runs_as_a_program(python: Python) -> None:
    result = python("-m", "selfpaced", "--version")
    assert result.stdout.strip() == f"selfpaced {selfpaced.__version__}"


def test_a_folder_of_idx_files_needs_no_scikit_learn(
    done: Say, idx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    done(*DIGITS, "--data", idx_folder, "--epochs", 1, "-o", tmp_path)
    assert (tmp_path / "suspects.csv").exists()


def test_the_demo_writes_three_animations_and_says_what_they_show(
    done: Say, tmp_path: Path
) -> None:
    said = done(*BLOBS, "--samples", 600, "--epochs", 2, "-o", tmp_path / "new")
    written = {path.name for path in (tmp_path / "new").glob("*.gif")}
    assert written == {"easy_first.gif", "hard_first.gif", "anomalies.gif"}
    assert all(name in said for name in written)
    for words in ("easy first", "all at once", "random order", "hard first", "are left out"):
        assert words in said
    assert max(len(line) for line in said.splitlines() if "new" not in line) <= 100


def test_a_terminal_shows_bars(done: Say, tmp_path: Path) -> None:
    said = done(*BLOBS, "--samples", 200, "--epochs", 1, "-o", tmp_path, FORCE_COLOR="1")
    assert "━━" in said and "easy_first.gif" in said


def test_too_few_points_are_refused(run: Run) -> None:
    result = run(*BLOBS, "--samples", 10)
    assert result.exit_code == 2
    assert "100" in result.stderr
