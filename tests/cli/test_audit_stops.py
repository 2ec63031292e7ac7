"""Claims about an audit that is stopped: it prints how to continue, and continues exactly."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from selfpaced._cli.progress import Stop, stopping
from selfpaced.audit import _run

Run = Callable[..., Result]
Say = Callable[..., str]

STOP = (signal.SIGINT, signal.SIGTERM)

pytestmark = pytest.mark.usefixtures("here")


def interrupt(monkeypatch: pytest.MonkeyPatch, after: int, act: Callable[[], None]) -> None:
    """Call ``act`` in the training, after some batches."""
    train, calls = _run.Run.train, []

    def interrupted(self: _run.Run, watch: object, pulse: Callable[[], bool]) -> bool:
        def count() -> bool:
            calls.append(1)
            if len(calls) == after:
                act()
            return pulse()

        return train(self, None, count)

    monkeypatch.setattr(
        _run.Run, "train", lambda self, watch=None, pulse=None: interrupted(self, watch, pulse)
    )


@pytest.mark.parametrize(
    ("flags", "after", "number"),
    [
        (("--top", "7", "--learner", "logistic"), 4, signal.SIGINT),
        (("--json", "--learner", "network"), 9, signal.SIGTERM),  # of six batches an epoch
        (("--learner", "auto"), 1, signal.SIGINT),
        (("--learner", "auto"), 2, signal.SIGTERM),  # the last of two rounds
        (("--learner", "auto"), 5, signal.SIGINT),
    ],
)
def test_the_printed_command_continues_the_run_to_the_same_bytes(
    run: Run,
    done: Say,
    wine: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    flags: tuple[str, ...],
    after: int,
) -> None:
    epochs = 6 if "logistic" in flags else 2
    words = (wine, "--label", "kind", "--epochs", epochs, "--seed", 2, "-o", "run", *flags)
    with monkeypatch.context() as patch:
        interrupt(patch, after, lambda: os.kill(os.getpid(), number))
        stopped = run("audit", *words, "--fix", "new.csv")
    assert stopped.exit_code == 128 + number
    told, again = stopped.stderr.splitlines()
    assert told == "Stopped; the training is saved in run. Continue with"
    assert again.endswith("--resume") and os.listdir("run") == ["checkpoint.pt"]
    assert ("--json" in flags) == (stopped.stdout == "")
    assert (
        signal.getsignal(number)
        == {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}[
            signal.Signals(number)
        ]
    )

    resumed = done(*shlex.split(again)[1:])
    assert "--json" in flags or "Continuing after" in resumed
    done("audit", wine, "--label", "kind", "--epochs", epochs, "--seed", 2, "-o", "whole", *flags)
    for name in ("suspects.csv", "ledger.parquet", "history.parquet", "curves.png", "config.json"):
        assert Path("run", name).read_bytes() == Path("whole", name).read_bytes(), name
    assert "checkpoint.pt" not in os.listdir("run") and Path("new.csv").is_file()
    assert ("--top" in flags) == (len(Path("run/suspects.csv").read_text().splitlines()) == 8)
    assert ("--top" in flags) == ("--top 7" in again)


def test_a_second_signal_ends_at_once(
    run: Run, wine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("selfpaced._cli.progress.SAME_REQUEST", -1.0)
    monkeypatch.setattr("selfpaced.audit._run.MINUTE", 0.0)

    def twice() -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        interrupt(patch, 16, twice)  # of six batches an epoch
        words = ("--label", "kind", "--folds", 0, "--epochs", 6, "-o", "run")
        result = run("audit", wine, *words)
    assert result.exit_code == 130
    assert "Stopped; the training is saved in run. Continue with" in result.stderr
    resumed = run(*shlex.split(result.stderr.splitlines()[1])[1:])
    assert "Continuing after 2 of 6 epochs" in resumed.stdout


def test_a_run_that_saved_nothing_starts_again(
    run: Run, wine: Path, monkeypatch: pytest.MonkeyPatch, here: Path
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("selfpaced.audit._prepare.prepare", interrupted)
    result = run("audit", wine, "--label", "kind", "-o", "run")
    assert result.exit_code == 130 and not (here / "run").exists()
    told, again = result.stderr.splitlines()
    assert told == "Stopped before the training was saved. Start again with"
    assert again == f"  selfpaced audit {wine} --label kind --output run"


def test_a_run_continues_only_with_the_same_settings_and_samples(
    run: Run, done: Say, refused: Say, wine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Path("some.csv")
    table.write_bytes(wine.read_bytes())
    with monkeypatch.context() as patch:
        interrupt(patch, 4, lambda: os.kill(os.getpid(), signal.SIGINT))
        run("audit", table, "--label", "kind", "-o", "run", "--learner", "logistic")
    words = ("audit", table, "--label", "kind", "-o", "run", "--learner", "logistic")
    assert "it differs in --seed (0, then 3)" in refused(
        *words, "--resume", "--seed", 3, begun=True
    )
    with table.open("a") as file:
        file.write(wine.read_text().splitlines()[-1] + "\n")
    changed = refused(*words, "--resume", begun=True)
    assert "some.csv has changed since the run in run was stopped" in changed
    assert os.listdir("run") == ["checkpoint.pt"]
    done(*words, "--force", "--epochs", 1)
    assert "The run in run is over" in refused(*words, "--resume", "--epochs", 1)


def test_signals_in_quick_succession_are_one_request() -> None:
    stop = Stop()
    assert not stop() and stop.code == 130
    stop.receive(signal.SIGTERM, None)
    stop.receive(signal.SIGTERM, None)
    assert stop() and stop.code == 143


def test_handlers_are_restored_after_an_error() -> None:
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


def test_control_c_stops_the_program(environment: dict[str, str], wine: Path, here: Path) -> None:
    Path("net_that_tells.py").write_text(NET)
    words = ["audit", str(wine), "--label", "kind", "--epochs", "100000", "-o", "run"]
    process = subprocess.Popen(
        [sys.executable, "-m", "selfpaced", *words, "--model", "net_that_tells:make"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, "PYTHONPATH": f"{environment['PYTHONPATH']}:{here}"},
    )
    while not Path("begun").exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "Continue with" in told and Path("run", "checkpoint.pt").is_file()
