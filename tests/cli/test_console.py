"""Claims about what commands print, and how they print errors."""

import ast
import errno
import json
import warnings
from pathlib import Path

import pytest
import typer
from rich.table import Table

import selfpaced._cli
from selfpaced._cli.console import (
    Console,
    errors_in_one_line,
    say_json,
    say_stopped,
    say_warning,
)

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("error", [ValueError, FileNotFoundError, OSError])
def test_an_error_that_a_user_can_correct_is_one_line_and_code_2(
    error: type[Exception], capsys: Capture
) -> None:
    with pytest.raises(typer.Exit) as left, errors_in_one_line():
        raise error("correct [this]\nand that")
    assert left.value.exit_code == 2
    assert capsys.readouterr() == ("", "correct [this] and that\n")


def test_a_bug_is_raised_as_it_is(capsys: Capture) -> None:
    with pytest.raises(ZeroDivisionError), errors_in_one_line():
        raise ZeroDivisionError
    assert capsys.readouterr().err == ""


def test_debugging_raises_everything() -> None:
    with pytest.raises(ValueError, match="mine"), errors_in_one_line(debug=True):
        raise ValueError("mine")


def test_an_error_about_a_missing_package_says_how_to_install_it(capsys: Capture) -> None:
    with pytest.raises(typer.Exit), errors_in_one_line():
        raise ModuleNotFoundError("No module named 'skrub'", name="skrub")
    said = 'skrub is needed and not installed: pip install "selfpaced[all]"\n'
    assert capsys.readouterr().err == said
    with pytest.raises(typer.Exit), errors_in_one_line():
        raise ModuleNotFoundError("text_model=... needs it: pip install it", name="it")
    assert capsys.readouterr().err == "--text-model needs it: pip install it\n"


def test_used_up_memory_is_one_line_and_code_2(capsys: Capture) -> None:
    with pytest.raises(typer.Exit) as left, errors_in_one_line():
        raise MemoryError("Unable to allocate 7.11 PiB")
    assert left.value.exit_code == 2
    assert capsys.readouterr().err == (
        "The memory is used up. Give fewer rows, leave out columns, or close other programs.\n"
    )


def test_only_the_first_process_prints(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    for name, value in (("RANK", "1"), ("WORLD_SIZE", "2"), ("MASTER_ADDR", "here")):
        monkeypatch.setenv(name, value)
    with pytest.raises(typer.Exit), errors_in_one_line():
        raise ValueError("mine")
    say_stopped("Stopped.", "again")
    assert capsys.readouterr() == ("", "")


def test_the_command_that_continues_is_on_a_line_of_its_own(capsys: Capture) -> None:
    say_stopped("Stopped. Continue with", "selfpaced audit '[a] b.csv' --resume")
    assert capsys.readouterr().err == (
        "Stopped. Continue with\n  selfpaced audit '[a] b.csv' --resume\n"
    )


def test_text_of_the_user_steers_no_terminal_and_is_no_emoji(capsys: Capture) -> None:
    console, table = Console(), Table("a\x1b[31m")
    table.add_row("\x9b31m\u202e")
    console.print(table)
    console.print(":cat: \x1b]0;title\x07")
    said = capsys.readouterr().out
    assert "\x1b" not in said and "\x9b" not in said and "\u202e" not in said
    assert r"\x9b31m\u202e" in said and said.endswith(":cat: \\x1b]0;title\\x07\n")


def test_only_one_console_is_used() -> None:
    files = Path(selfpaced._cli.__file__).parent.glob("*.py")
    for path in files:
        names = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom) and node.module == "rich.console"
            for alias in node.names
        }
        assert "Console" not in names, path.name


def test_an_error_keeps_the_blanks_of_a_name(capsys: Capture) -> None:
    with pytest.raises(typer.Exit), errors_in_one_line():
        raise ValueError("a  b\x1b.csv is\n  empty")
    assert capsys.readouterr().err == "a  b\\x1b.csv is empty\n"


def test_a_file_above_the_size_limit_is_an_error_of_the_user(capsys: Capture) -> None:
    try:
        try:
            raise OSError(errno.EFBIG, "File too large")
        except OSError as cause:
            raise RuntimeError("unexpected pos") from cause
    except RuntimeError as bug:
        error = bug
    with pytest.raises(typer.Exit) as left, errors_in_one_line():
        raise error
    assert left.value.exit_code == 2
    assert capsys.readouterr().err.startswith("A file could not be written: it would be larger")


def test_json_has_no_control_characters_and_no_nan(capsys: Capture) -> None:
    told = {"a": float("nan"), "b": [float("inf"), 1.5], "c": {"\x7f": "\x1b\u202e"}, "d": (1,)}
    say_json(told)
    said = capsys.readouterr().out
    assert said.isascii() and "\x7f" not in said and said.count("\n") == 1
    expected = {"a": None, "b": [None, 1.5], "c": {"\x7f": "\x1b\u202e"}, "d": [1]}
    assert json.loads(said) == expected


def test_a_warning_is_one_line_unless_quiet(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warnings, "showwarning", say_warning)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for quiet in (False, True):
            with errors_in_one_line(quiet=quiet):
                warnings.warn("two\n lines", stacklevel=1)
    assert capsys.readouterr() == ("", "two lines\n")
