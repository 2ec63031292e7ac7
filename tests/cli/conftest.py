"""What the tests of the commands share: ways to run a command, and a folder to run it in."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import selfpaced
from selfpaced._cli import app

Run = Callable[..., Result]
Say = Callable[..., str]
Python = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, and return it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def run() -> Run:
    """Return a function that runs a command in this process, in a terminal of 100 columns.

    Keywords are further environment variables.
    """

    def call(*words: object, **environment: str) -> Result:
        return CliRunner().invoke(app, list(map(str, words)), env={"COLUMNS": "100", **environment})

    return call


@pytest.fixture(scope="session")
def done(run: Run) -> Say:
    """Return a function that runs a command which must succeed, and returns what it prints."""

    def call(*words: object, **environment: str) -> str:
        result = run(*words, **environment)
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        return result.stdout

    return call


@pytest.fixture(scope="session")
def refused(run: Run) -> Say:
    """Return a function that runs a command which must fail, and returns its one line of error.

    Unless ``begun``, the command must fail before it prints anything else.
    """

    def call(*words: object, code: int = 2, begun: bool = False) -> str:
        result = run(*words)
        assert result.exit_code == code and isinstance(result.exception, SystemExit), result.output
        assert result.stderr.count("\n") == 1 and "Traceback" not in result.output
        assert begun or result.stdout == ""
        return result.stderr.removesuffix("\n")

    return call


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Return the environment of a Python process that imports this package."""
    source = str(Path(selfpaced.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": source, "OMP_NUM_THREADS": "1", "COLUMNS": "100"}


@pytest.fixture(scope="session")
def python(environment: dict[str, str]) -> Python:
    """Return a function that runs Python with arguments, in a folder, in a process of its own."""

    def call(*words: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *words],
            capture_output=True,
            text=True,
            timeout=240,
            cwd=folder,
            env=environment,
            check=False,
        )

    return call
