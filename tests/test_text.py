"""Claims about text of the user: nothing in it is live where it is shown."""

import subprocess
from pathlib import Path

import pytest

from selfpaced._text import (
    from_spreadsheet,
    in_picture,
    markdown,
    markdown_line,
    on_one_line,
    operand,
    shell_line,
    spreadsheet_cell,
    visible,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("over\rwritten\x08\x7f", r"over\rwritten\x08\x7f"),
        ("abc\u202edcba\u2066", r"abc\u202edcba\u2066"),
        ("a\u2028b\x85c", r"a\u2028b\x85c"),
        ("\udcff.csv", r"\udcff.csv"),
        ("naïve 猫 👩\u200d👧\n\tline", "naïve 猫 👩\u200d👧\n\tline"),
    ],
)
def test_control_characters_and_marks_of_direction_are_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_line_break_becomes_a_blank_and_other_blanks_stay() -> None:
    assert on_one_line(" two  blanks.csv\n    is empty.\r\n") == "two  blanks.csv is empty."


ODD = ["-dash", "", "my pets", "it's", 'a"b', "a\nb\t", "\x1b[31m'\\", "$HOME `x`", "ä猫", "\u202e"]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_reads_the_words_of_a_line_back(shell: str) -> None:
    words = [*ODD, "\udcff\udcfe"]
    line = shell_line(["printf", "%s\\0", *words])
    assert visible(line) == line and "\n" not in line
    try:
        said = subprocess.run([shell, "-c", line], capture_output=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip(f"there is no {shell}")
    assert said.decode("utf-8", "surrogateescape").split("\0")[:-1] == words


def test_plain_words_are_quoted_as_ever() -> None:
    assert shell_line(["a.csv", "my pets.csv", "it's"]) == """a.csv 'my pets.csv' 'it'"'"'s'"""


def test_a_path_that_begins_with_a_dash_is_no_option() -> None:
    assert operand(Path("./-a.csv")) == "./-a.csv" and operand(Path("a-.csv")) == "a-.csv"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("[x](javascript:alert(1))", r"\[x\](javascript:alert(1))"),
        ("![p](http://e.x/p.png)", r"!\[p\](http\://e.x/p.png)"),
        ("<img src=x> &amp; a|b $x$", r"\<img src=x> \&amp; a\|b \$x\$"),
        ("a_b _c_ **d** `e` ~~f~~", r"a_b \_c\_ \*\*d\*\* \`e\` \~\~f\~\~"),
        ("www.e.x me@e.x MAILTO:me", r"www\.e.x me\@e.x MAILTO\:me"),
        ("C:\\new", r"C:\\new"),
        ("\x1b", r"\\x1b"),
        ("1.5 or -2, at 12:30!", "1.5 or -2, at 12:30!"),
    ],
)
def test_what_is_live_in_a_line_of_markdown_is_escaped(text: str, safe: str) -> None:
    assert markdown(text) == safe


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("# a", r"\# a"),
        ("- a", r"\- a"),
        ("+ a", r"\+ a"),
        ("---", r"\---"),
        ("===", r"\==="),
        ("> a", r"\> a"),
        ("10) a", r"10\) a"),
        ("7. a", r"7\. a"),
        ("-1.5", "-1.5"),
        ("> 90%", r"\> 90%"),
        ("a # b", "a # b"),
    ],
)
def test_what_begins_a_block_of_markdown_is_escaped(text: str, safe: str) -> None:
    assert markdown_line(text) == safe


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+x", "-x", "@SUM(1)", "\tx", "\r=1", "'=1", "''-x", " =1", "-", "=", "\uff1d1"],
)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    cell = spreadsheet_cell(text)
    assert cell == (text if len(text) == 1 else f"'{text}")
    assert from_spreadsheet(cell) == text


@pytest.mark.parametrize(
    "text", ["-1", "+5", "-3.5e2", "-1,5", "+.5", "-12%", "1-2", "a=b", "'tis", "", "me@e.x"]
)
def test_numbers_and_other_text_stay_as_they_are(text: str) -> None:
    assert spreadsheet_cell(text) == from_spreadsheet(text) == text


def test_no_formula_is_drawn() -> None:
    assert in_picture("$\\frac$ \x1b") == r"\$\frac\$ \x1b"
