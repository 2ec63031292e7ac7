"""Claims about how commands print errors."""

import pytest
import typer

from selfpaced._cli.console import errors_in_one_line, say_stopped

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


def test_only_the_first_process_prints(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(typer.Exit), errors_in_one_line():
        raise ValueError("mine")
    say_stopped("Stopped.", "again")
    assert capsys.readouterr() == ("", "")


def test_the_command_that_continues_is_on_a_line_of_its_own(capsys: Capture) -> None:
    say_stopped("Stopped. Continue with", "selfpaced audit '[a] b.csv' --resume")
    assert capsys.readouterr().err == (
        "Stopped. Continue with\n  selfpaced audit '[a] b.csv' --resume\n"
    )
