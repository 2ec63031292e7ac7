"""Claims about how commands speak of errors."""

import pytest
import typer

from selfpaced._cli.console import refusing, say_stopped

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("error", [ValueError, FileNotFoundError, OSError])
def test_what_a_user_can_mend_is_one_line_and_code_2(
    error: type[Exception], capsys: Capture
) -> None:
    with pytest.raises(typer.Exit) as left, refusing():
        raise error("mend [this]\nand that")
    assert left.value.exit_code == 2
    assert capsys.readouterr() == ("", "mend [this] and that\n")


def test_a_bug_is_raised_as_it_is(capsys: Capture) -> None:
    with pytest.raises(ZeroDivisionError), refusing():
        raise ZeroDivisionError
    assert capsys.readouterr().err == ""


def test_debugging_raises_everything() -> None:
    with pytest.raises(ValueError, match="mine"), refusing(debug=True):
        raise ValueError("mine")


def test_a_package_that_is_missing_is_told_with_what_to_do(capsys: Capture) -> None:
    with pytest.raises(typer.Exit), refusing():
        raise ModuleNotFoundError("No module named 'skrub'", name="skrub")
    said = 'skrub is needed and not installed: pip install "selfpaced[all]"\n'
    assert capsys.readouterr().err == said
    with pytest.raises(typer.Exit), refusing():
        raise ModuleNotFoundError("--text-model needs it: pip install it", name="it")
    assert capsys.readouterr().err == "--text-model needs it: pip install it\n"


def test_only_the_first_process_speaks(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(typer.Exit), refusing():
        raise ValueError("mine")
    say_stopped("Stopped.", "again")
    assert capsys.readouterr() == ("", "")


def test_what_to_type_is_on_a_line_of_its_own(capsys: Capture) -> None:
    say_stopped("Stopped. Go on with", "selfpaced audit '[a] b.csv' --resume")
    assert capsys.readouterr().err == (
        "Stopped. Go on with\n  selfpaced audit '[a] b.csv' --resume\n"
    )
