"""Claims about terminals without all letters, homes that cannot be written to, and odd paths."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from selfpaced._cli.surroundings import keep_home_clean

Do = Callable[..., "subprocess.CompletedProcess[bytes]"]
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """A table with letters beyond ASCII in its path, its header, its cells and its labels."""
    path = tmp_path / "Bücher" / "Größen.csv"
    path.parent.mkdir()
    kinds = ["Bär", "Kätzchen"]
    cells = [(3 * (n % 2) + n / 100, ["grün", "weiß"][n % 3 > 0], kinds[n % 2]) for n in range(60)]
    rows = [",".join(map(str, row)) for row in cells]
    path.write_text("\n".join(["größe,färbung,tier", *rows, ""]), encoding="utf-8")
    return path


@pytest.fixture
def selfpaced(environment: dict[str, str], tmp_path: Path) -> Do:
    """Return a function that runs the command line in a process, with further variables."""

    def call(*words: object, **more: str) -> "subprocess.CompletedProcess[bytes]":
        env = {key: value for key, value in environment.items() if key != "MPLCONFIGDIR"} | more
        command = [sys.executable, "-m", "selfpaced", *map(str, words)]
        return subprocess.run(
            command, capture_output=True, timeout=240, cwd=tmp_path, env=env, check=False
        )

    return call


def test_an_audit_and_its_model_leave_nothing_in_the_home(
    selfpaced: Do, animals: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for words in (["audit", animals, "--label", "tier", "-o", "run"], ["predict", "run", animals]):
        ran = selfpaced(*words, "--quiet", HOME=str(home))
        assert (ran.returncode, ran.stderr) == (0, b"")
    assert list(home.iterdir()) == [] and (tmp_path / "predictions.csv").is_file()


def test_a_home_is_not_needed_and_neither_are_letters(
    selfpaced: Do, animals: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.write_text("a file, in which nobody can make a folder")
    run = tmp_path / "Läufe"
    words = ["audit", animals, "--label", "tier", "-o", run]
    ran = selfpaced(*words, HOME=str(home), **C_LOCALE)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert rb"tier: B\xe4r (30), K\xe4tzchen (30)" in ran.stdout
    assert "| größe | färbung |" in (run / "summary.md").read_text(encoding="utf-8")


def test_an_error_in_letters_that_a_terminal_lacks_is_one_line(
    selfpaced: Do, animals: Path
) -> None:
    ran = selfpaced("audit", animals, "--label", "tor", **C_LOCALE)
    assert (ran.returncode, ran.stderr.count(b"\n")) == (2, 1)
    assert rb"The columns are gr\xf6\xdfe, f\xe4rbung, tier." in ran.stderr


def test_a_path_that_is_no_text_is_read(selfpaced: Do, animals: Path, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff.csv"))
    animals.rename(path)
    ran = selfpaced("audit", path, "--label", "tier", "-o", tmp_path / "run")
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert r"b\\udcff.csv" in (tmp_path / "run" / "summary.md").read_text(encoding="utf-8")


def test_a_folder_that_matplotlib_has_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "matplotlib").mkdir(parents=True)
    keep_home_clean()
    assert os.environ["MPLCONFIGDIR"] == ""
    (tmp_path / "config" / "matplotlib").rmdir()
    keep_home_clean()
    assert Path(os.environ["MPLCONFIGDIR"]).is_dir()
