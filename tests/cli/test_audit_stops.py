"""Claims about an audit that is stopped: it says how to go on, and goes on to the bit."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import selfpaced
from selfpaced._cli import app
from selfpaced._cli.progress import Stop, stopping
from selfpaced.audit._run import Run

SOURCE = Path(selfpaced.__file__).parents[1]
STOP = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test begins in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["audit", *map(str, arguments)], env={"COLUMNS": "100"})


def interrupt(monkeypatch: pytest.MonkeyPatch, after: int, act: Callable[[], None]) -> None:
    """Have something happen in the training, after some batches."""
    train, calls = Run.train, []

    def interrupted(self: Run, watch: object, pulse: Callable[[], bool]) -> bool:
        def count() -> bool:
            calls.append(1)
            if len(calls) == after:
                act()
            return pulse()

        return train(self, None, count)

    monkeypatch.setattr(
        Run, "train", lambda self, watch=None, pulse=None: interrupted(self, watch, pulse)
    )


@pytest.mark.parametrize("number", STOP)
@pytest.mark.parametrize("flags", [(), ("--json",), ("--estimator", "logistic")])
def test_the_command_that_is_told_goes_on_to_the_bit(
    wine: Path, monkeypatch: pytest.MonkeyPatch, number: int, flags: tuple[str, ...]
) -> None:
    words = (wine, "--label", "kind", "--epochs", 6, "--seed", 2, "-o", "run", *flags)
    with monkeypatch.context() as patch:
        interrupt(patch, 4, lambda: os.kill(os.getpid(), number))
        stopped = run(*words, "--fix", "new.csv")
    assert stopped.exit_code == 128 + number
    told, again = stopped.stderr.splitlines()
    assert told == "Stopped; the training is saved in run. Go on with"
    assert again.endswith("--resume") and os.listdir("run") == ["checkpoint.pt"]
    assert ("--json" in flags) == (stopped.stdout == "")
    assert (
        signal.getsignal(number)
        == {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}[
            signal.Signals(number)
        ]
    )

    resumed = CliRunner().invoke(app, shlex.split(again)[1:])
    assert resumed.exit_code == 0, resumed.output
    assert "--json" in flags or "Going on after" in resumed.stdout
    whole = run(wine, "--label", "kind", "--epochs", 6, "--seed", 2, "-o", "whole", *flags)
    assert whole.exit_code == 0
    for name in ("suspects.csv", "ledger.parquet", "history.parquet", "curves.png", "config.json"):
        assert Path("run", name).read_bytes() == Path("whole", name).read_bytes(), name
    assert "checkpoint.pt" not in os.listdir("run") and Path("new.csv").is_file()


def test_a_second_time_ends_at_once(wine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selfpaced._cli.progress.AGAIN", -1.0)
    monkeypatch.setattr("selfpaced.audit._run.MINUTE", 0.0)

    def twice() -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        interrupt(patch, 16, twice)  # of six batches an epoch
        result = run(wine, "--label", "kind", "--epochs", 6, "-o", "run")
    assert result.exit_code == 130
    assert "Stopped; the training is saved in run. Go on with" in result.stderr
    resumed = CliRunner().invoke(app, shlex.split(result.stderr.splitlines()[1])[1:])
    assert "Going on after 2 of 6 epochs" in resumed.stdout


def test_before_anything_is_saved_it_begins_again(
    wine: Path, monkeypatch: pytest.MonkeyPatch, here: Path
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("selfpaced.audit._prepare.prepare", interrupted)
    result = run(wine, "--label", "kind", "-o", "run")
    assert result.exit_code == 130 and not (here / "run").exists()
    told, again = result.stderr.splitlines()
    assert told == "Stopped before the training was saved. Begin again with"
    assert again == f"  selfpaced audit {wine} --label kind --output run"


def test_a_run_is_only_gone_on_with_as_it_was_begun(
    wine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Path("some.csv")
    table.write_bytes(wine.read_bytes())
    with monkeypatch.context() as patch:
        interrupt(patch, 4, lambda: os.kill(os.getpid(), signal.SIGINT))
        run(table, "--label", "kind", "-o", "run")
    other = run(table, "--label", "kind", "-o", "run", "--resume", "--seed", 3)
    assert other.exit_code == 2
    assert "it differs in --seed (0, then 3)" in other.stderr
    with table.open("a") as file:
        file.write(wine.read_text().splitlines()[-1] + "\n")
    changed = run(table, "--label", "kind", "-o", "run", "--resume")
    assert changed.exit_code == 2
    assert "some.csv has changed since the run in run was stopped" in changed.stderr
    assert os.listdir("run") == ["checkpoint.pt"]
    over = run(table, "--label", "kind", "-o", "run", "--force", "--epochs", 1)
    assert over.exit_code == 0
    done = run(table, "--label", "kind", "-o", "run", "--resume", "--epochs", 1)
    assert done.exit_code == 2 and "The run in run is over" in done.stderr


def test_signals_that_a_launcher_passes_on_are_one() -> None:
    stop = Stop()
    assert not stop() and stop.code == 130
    stop.hear(signal.SIGTERM, None)
    stop.hear(signal.SIGTERM, None)
    assert stop() and stop.code == 143


def test_handlers_are_put_back_after_an_error() -> None:
    before = [signal.getsignal(number) for number in STOP]
    with pytest.raises(ValueError, match="mine"), stopping():
        assert [signal.getsignal(number) for number in STOP] != before
        raise ValueError("mine")
    assert [signal.getsignal(number) for number in STOP] == before


NET = """
from pathlib import Path
from torch import nn

class Net(nn.Linear):
    def forward(self, x):
        Path("begun").touch()
        return super().forward(x)

def make(shape, outputs):
    return Net(shape[0], outputs)
"""


def test_control_c_stops_the_program(wine: Path, here: Path) -> None:
    Path("net_that_tells.py").write_text(NET)
    words = ["audit", str(wine), "--label", "kind", "--epochs", "100000", "-o", "run"]
    process = subprocess.Popen(
        [sys.executable, "-m", "selfpaced", *words, "--model", "net_that_tells:make"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{SOURCE}:{here}", "OMP_NUM_THREADS": "1"},
    )
    while not Path("begun").exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "Go on with" in told and Path("run", "checkpoint.pt").is_file()
