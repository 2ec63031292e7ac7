import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

import selfpaced
from selfpaced._cli import app

WriteIdx = Callable[[Path, str, int, int], None]
SOURCE = Path(selfpaced.__file__).parents[1]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["demo", "digits", *arguments], env={"COLUMNS": "100"})


def python(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE), "COLUMNS": "100"},
        check=False,
    )


@pytest.fixture
def idx_folder(tmp_path: Path, write_idx: WriteIdx) -> Path:
    folder = tmp_path / "idx"
    folder.mkdir()
    write_idx(folder, "train", 30, 4)
    write_idx(folder, "t10k", 12, 4)
    return folder


def assert_one_line(result: Result, says: str) -> None:
    """The command failed with one line on stderr, and no traceback."""
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.count("\n") == 1
    assert says in result.stderr


def test_the_demo_prints_three_trainings_and_writes_three_files(tmp_path: Path) -> None:
    result = run("--epochs", "2", "-o", str(tmp_path / "new" / "out"))
    assert result.exit_code == 0, result.output
    for words in ("plain", "self-paced", "trained on clean labels", "95% interval", "seconds"):
        assert words in result.stdout
    assert "Of the first 100 suspects" in result.stdout
    assert "40% of their labels made wrong (symmetric), seed 0" in result.stdout
    assert "one seed" in " ".join(result.stdout.split())
    written = {path.name for path in (tmp_path / "new" / "out").iterdir()}
    assert written == {"suspects.png", "curves.png", "suspects.csv"}
    assert all(name in result.stdout for name in written)
    assert max(len(line) for line in result.stdout.splitlines() if "out" not in line) <= 100


def test_the_demo_reads_idx_files(idx_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ("--data", str(idx_folder), "--limit", "20", "--epochs", "1", "--kind", "pair")
    result = run(*options, "-o", str(out))
    assert result.exit_code == 0, result.output
    assert "idx: 20 training images" in result.stdout
    assert len((out / "suspects.csv").read_text().splitlines()) == 21


def test_a_terminal_shows_a_bar_for_each_training(idx_folder: Path, tmp_path: Path) -> None:
    options = ["--data", str(idx_folder), "--epochs", "1", "-o", str(tmp_path)]
    seen = {"COLUMNS": "100", "FORCE_COLOR": "1"}
    result = CliRunner().invoke(app, ["demo", "digits", *options], env=seen)
    assert result.exit_code == 0, result.output
    assert "━━" in result.stdout and "1/1" in result.stdout


def test_the_number_of_threads_is_put_back(idx_folder: Path, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run("--data", str(idx_folder), "--epochs", "1", "-o", str(tmp_path))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("noise", ["-0.1", "1.5", "nan"])
def test_noise_outside_0_to_1_is_refused(tmp_path: Path, noise: str) -> None:
    result = run("--noise", noise, "-o", str(tmp_path / "out"))
    assert_one_line(result, f"The share of wrong labels must be from 0 to 1; got {noise}.")
    assert not (tmp_path / "out").exists()


def test_an_unknown_kind_is_refused() -> None:
    result = run("--kind", "odd")
    assert result.exit_code == 2
    assert "'odd' is not one of 'symmetric', 'pair'" in result.stderr


def test_an_output_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    assert_one_line(run("-o", str(tmp_path / "taken")), "--output: cannot make the folder")
    assert_one_line(run("-o", str(tmp_path / "taken" / "in")), "Not a directory")
    assert (tmp_path / "taken").read_text() == "mine"


def test_an_output_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    assert_one_line(run("-o", str(tmp_path)), "cannot be written to. Choose another folder.")


def test_a_file_that_cannot_be_written_is_one_line(idx_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "suspects.csv").mkdir()
    result = run("--data", str(idx_folder), "--epochs", "1", "-o", str(tmp_path))
    assert_one_line(result, "suspects.csv")


def test_missing_idx_files_are_one_line(tmp_path: Path) -> None:
    result = run("--data", str(tmp_path / "absent"), "-o", str(tmp_path))
    assert_one_line(result, "must hold train-images-idx3-ubyte")


def test_a_truncated_idx_file_is_one_line(idx_folder: Path, tmp_path: Path) -> None:
    path = idx_folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    assert_one_line(run("--data", str(idx_folder), "-o", str(tmp_path)), "is cut short")


def test_a_wrong_magic_number_is_one_line(idx_folder: Path, tmp_path: Path) -> None:
    path = idx_folder / "train-images-idx3-ubyte"
    path.write_bytes(b"\0\0\x0d" + path.read_bytes()[3:])
    assert_one_line(run("--data", str(idx_folder), "-o", str(tmp_path)), "must begin with 00 00 08")


def test_square_brackets_in_a_path_are_not_markup(tmp_path: Path) -> None:
    folder = tmp_path / "[red]data"
    assert_one_line(run("--data", str(folder), "-o", str(tmp_path)), "[red]data")


def test_without_scikit_learn_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert_one_line(run("-o", str(tmp_path)), 'pip install "selfpaced[sklearn]"')


MAIN = "from selfpaced.__main__ import main; main()"


@pytest.mark.parametrize("absent", ["typer", "rich"])
def test_without_the_cli_extra_the_command_names_it_and_exits_1(absent: str) -> None:
    result = python(f"import sys; sys.modules['{absent}'] = None; {MAIN}", "--help")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"The selfpaced command needs {absent}")
    assert 'pip install "selfpaced[cli]"' in result.stderr
    assert result.stderr.count("\n") == 1


def test_another_missing_module_is_not_blamed_on_the_extra() -> None:
    result = python(f"import sys; sys.modules['selfpaced._cli'] = None; {MAIN}", "--help")
    assert result.returncode == 1
    assert "selfpaced[cli]" not in result.stderr
    assert "ModuleNotFoundError" in result.stderr


def test_without_matplotlib_the_demo_stops_before_training(tmp_path: Path) -> None:
    program = f"import sys; sys.modules['matplotlib'] = None; {MAIN}"
    result = python(program, "demo", "digits", "-o", str(tmp_path / "out"))
    assert result.returncode == 1
    assert 'pip install "selfpaced[report]"' in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_help_and_version_load_no_plots_and_no_data() -> None:
    program = (
        "import sys; from selfpaced._cli import app; app([sys.argv[1]], standalone_mode=False); "
        "heavy = {'matplotlib', 'sklearn', 'pandas', 'scipy', 'selfpaced._demo'};"
        "heavy &= set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    for option, says in (("--help", "demo"), ("--version", f"selfpaced {selfpaced.__version__}")):
        result = python(program, option)
        assert result.returncode == 0, result.stderr
        assert says in result.stdout


def test_the_module_runs_as_a_program() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "selfpaced", "--version"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        check=False,
    )
    assert result.stdout.strip() == f"selfpaced {selfpaced.__version__}"


def test_a_folder_of_idx_files_needs_no_scikit_learn(
    idx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    result = run("--data", str(idx_folder), "--epochs", "1", "-o", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "suspects.csv").exists()


def animate(*arguments: str, **seen: str) -> Result:
    return CliRunner().invoke(app, ["demo", "blobs", *arguments], env={"COLUMNS": "100", **seen})


def test_the_demo_writes_three_animations_and_says_what_they_show(tmp_path: Path) -> None:
    result = animate("--samples", "600", "--epochs", "2", "-o", str(tmp_path / "new"))
    assert result.exit_code == 0, result.output
    written = {path.name for path in (tmp_path / "new").glob("*.gif")}
    assert written == {"easy_first.gif", "hard_first.gif", "anomalies.gif"}
    assert all(name in result.stdout for name in written)
    for words in ("easy first", "all at once", "random order", "hard first", "are left out"):
        assert words in result.stdout
    assert max(len(line) for line in result.stdout.splitlines() if "new" not in line) <= 100


def test_a_terminal_shows_bars(tmp_path: Path) -> None:
    result = animate("--samples", "200", "--epochs", "1", "-o", str(tmp_path), FORCE_COLOR="1")
    assert result.exit_code == 0, result.output
    assert "━━" in result.stdout and "easy_first.gif" in result.stdout


def test_an_output_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    result = animate("-o", str(tmp_path / "taken"))
    assert result.exit_code == 1
    assert result.stderr.startswith("--output: cannot make the folder")
    assert result.stderr.count("\n") == 1
    assert (tmp_path / "taken").read_text() == "mine"


def test_too_few_points_are_refused() -> None:
    result = animate("--samples", "10")
    assert result.exit_code == 2
    assert "100" in result.stderr
