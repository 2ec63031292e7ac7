"""Claims about how the process of a command ends: streams, signals, limits and leftovers."""

import os
import resource
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., "subprocess.Popen[str]"]

FAST = ("--label", "kind", "--learner", "logistic", "--epochs", "1", "-o", "run")

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def start(environment: dict[str, str]) -> Start:
    """Return a function that starts the program in the current folder.

    ``env`` has further environment variables; other keywords are those of ``Popen``.
    """

    def call(*words: object, env: dict[str, str] | None = None, **how: Any) -> Any:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
        line = [sys.executable, "-m", "selfpaced", *map(str, words)]
        return subprocess.Popen(line, text=True, env={**environment, **(env or {})}, **pipes)

    return call


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=240)
    return process.returncode, out, err


def test_a_reader_that_leaves_ends_the_command_without_a_word(start: Start, wine: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    code, _, err = ended(start("audit", wine, *FAST, stdout=writing))
    os.close(writing)
    assert (code, err) == (128 + signal.SIGPIPE, "") and not Path("run").exists()


@pytest.mark.parametrize("words", [("audit", *FAST), ("--help",), ("--version",)])
def test_a_full_standard_output_is_one_line(
    start: Start, wine: Path, words: tuple[str, ...]
) -> None:
    data = [wine] if words[0] == "audit" else []
    with Path("/dev/full").open("w") as full:
        code, _, err = ended(start(*words, *data, stdout=full))
    assert code == 2 and err.count("\n") == 1 and "No space left on device" in err


def test_the_work_is_done_without_any_standard_stream(
    environment: dict[str, str], wine: Path
) -> None:
    line = shlex.join([sys.executable, "-m", "selfpaced", "audit", str(wine), *FAST])
    closed = ["bash", "-c", f"exec {line} <&- >&- 2>&-"]
    assert subprocess.run(closed, env=environment, timeout=240, check=False).returncode == 0
    assert Path("run", "summary.md").is_file()


def test_an_output_that_is_not_unicode_gets_characters_written_out(start: Start) -> None:
    rows = "".join(f"{i % 2 + i / 100},{'katze' if i % 2 else '猫'}\n" for i in range(40))
    Path("a.csv").write_text("x,kind\n" + rows, encoding="utf-8")
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    code, out, err = ended(start("audit", "a.csv", *FAST, env=ascii_only))
    assert (code, err) == (0, "") and r"\u732b" in out and out.isascii()


def test_a_file_above_the_size_limit_is_one_line(start: Start, wine: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))

    words = ("audit", wine, "--label", "kind", "--learner", "network", "--epochs", "1", "-o", "run")
    code, _, err = ended(start(*words, "--quiet", preexec_fn=limit))
    assert code == 2 and not Path("run").exists()
    assert err.startswith("A file could not be written: it would be larger than files may be here")
    assert err.count("\n") == 1


SLOW = """
import time, pathlib, selfpaced.audit._prepare as prepare, selfpaced.audit._folder.write as write
def slow(*_, **__):
    pathlib.Path("begun").touch()
    time.sleep(60)
{module}.{name} = slow
from selfpaced.__main__ import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("module", "name", "told"),
    [
        ("prepare", "prepare", "Stopped before the training was saved. Start again with"),
        ("write", "draw", "Stopped; the training is saved in run. Continue with"),
    ],
)
def test_a_signal_while_reading_or_writing_leaves_no_half_files(
    environment: dict[str, str],
    wine: Path,
    number: signal.Signals,
    module: str,
    name: str,
    told: str,
) -> None:
    program = SLOW.format(module=module, name=name)
    process = subprocess.Popen(
        [sys.executable, "-c", program, "audit", str(wine), *FAST, "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    while not Path("begun").exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(number)
    code, out, err = ended(process)
    said, again = err.splitlines()
    assert (code, out, said) == (128 + number, "", told)
    assert again.startswith("  selfpaced audit ") and again.endswith(" --resume") == (
        "Continue" in told
    )
    assert os.listdir() == (["begun"] if "again" in told else sorted(["begun", "run"]))
    assert module == "prepare" or os.listdir("run") == ["checkpoint.pt"]


@pytest.mark.parametrize(
    "left",
    [
        {"RANK": "abc", "WORLD_SIZE": "x", "PMI_RANK": "one"},
        {"LOCAL_RANK": "5", "RANK": "3", "WORLD_SIZE": "4"},
    ],
    ids=str,
)
def test_leftovers_of_a_launcher_do_not_matter(start: Start, wine: Path, left: Any) -> None:
    code, out, err = ended(start("audit", wine, *FAST, env=left))
    assert (code, err) == (0, "") and "178 rows" in out


def test_a_bug_is_a_traceback_whose_text_steers_no_terminal(
    environment: dict[str, str],
) -> None:
    program = (
        "from selfpaced._cli.process import run\n"
        "def bug(): raise RuntimeError('\\x1b[31m\\u202e')\n"
        "run(bug)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback") and "\x1b" not in result.stderr
    assert result.stderr.endswith("RuntimeError: \\x1b[31m\\u202e\n")


@pytest.mark.parametrize("words", [["\x1b[31m"], ["audit", "a.csv", "--\x1b]0;x\x07"]])
def test_an_error_about_the_command_line_steers_no_terminal(start: Start, words: list[str]) -> None:
    code, out, err = ended(start(*words))
    assert code == 2 and out == "" and "\x1b" not in err and r"\x1b" in err


@pytest.mark.parametrize("name", ["-dash.csv", "a 'b'\n\x1b[31m.csv"])
def test_told_commands_run_as_they_are_printed(
    start: Start, environment: dict[str, str], wine: Path, name: str
) -> None:
    Path(name).write_bytes(wine.read_bytes())
    words = ("--label", "kind", "--learner", "logistic", "--epochs", "1")
    code, out, _ = ended(start("audit", *words, "--", name))
    assert code == 0
    fix = out.splitlines()[-1].strip()
    page = next(Path().glob("*-audit/summary.md")).read_text()
    audit = page.splitlines()[-2]
    assert audit.startswith("selfpaced audit ") and fix.startswith("selfpaced fix ")
    python = shlex.join([sys.executable, "-m", "selfpaced"])
    for line in (fix, f"{audit} --force"):
        shell = f'selfpaced() {{ {python} "$@"; }}; {line}'
        result = subprocess.run(
            ["bash", "-c", shell], capture_output=True, text=True, env=environment, check=False
        )
        assert result.returncode == 0, result.stderr
    assert len(list(Path().glob("*-corrected.csv"))) == 1


def test_quiet_commands_print_nothing(start: Start, wine: Path) -> None:
    assert ended(start("audit", wine, *FAST, "--quiet", "--fix", "fixed.csv")) == (0, "", "")
    config = Path("run", "config.json")
    config.write_text(config.read_text().replace('"scikit-learn": "', '"scikit-learn": "0.'))
    code, _, err = ended(start("predict", "run", wine, "-o", "a.csv"))
    assert code == 0 and err.startswith("run was written with scikit-learn 0.")
    assert ended(start("predict", "run", wine, "-o", "b.csv", "--quiet")) == (0, "", "")


@pytest.mark.parametrize("columns", ["1", "wide"])
def test_any_width_of_a_terminal_will_do(start: Start, wine: Path, columns: str) -> None:
    narrow = {"COLUMNS": columns, "TERM": "dumb"}
    code, _, err = ended(start("audit", wine, *FAST, env=narrow))
    assert (code, err) == (0, "")
