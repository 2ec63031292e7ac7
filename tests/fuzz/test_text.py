"""Any text of the user is shown as it is, and read back as it was."""

import csv
import io
import itertools
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from hypothesis import assume, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from matplotlib import cbook
from rich.markup import escape

from selfpaced._cli.console import Console
from selfpaced._text import (
    STEERS,
    from_spreadsheet,
    in_picture,
    markdown,
    markdown_line,
    spreadsheet_cell,
    visible,
)
from selfpaced.audit._fixing.suspects_file import OURS, our_names, read_chosen
from selfpaced.audit._folder.tables import csv_text

# Text of the characters that are live somewhere, and any text.
LIVE = "\\`*_{}[]()<>#+-.!|&~$:@=\"'; \n\t\r/0aw猫\x1b\u202e"
TEXT = st.text(alphabet=LIVE) | st.text()
HARMLESS = {"text", "softbreak"}


def inline(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or []]


def shown(tokens: list[Token]) -> str:
    """The text that a page shows; all that is not text must be harmless."""
    children = inline(tokens)
    assert {child.type for child in children} <= HARMLESS, children
    return "".join(child.content for child in children)


def words(text: str) -> str:
    return visible(" ".join(text.split()))


@given(TEXT)
def test_a_line_of_markdown_is_a_paragraph_that_shows_the_text(text: str) -> None:
    assume(words(text))
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = page.parse(markdown_line(text))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert shown(tokens) == words(text)


@given(TEXT)
def test_an_item_of_a_list_shows_the_text(text: str) -> None:
    assume(words(text))
    tokens = MarkdownIt("commonmark").parse(f"- {markdown_line(text)}")
    assert [token.type for token in tokens if token.type.endswith("_open")] == [
        "bullet_list_open",
        "list_item_open",
        "paragraph_open",
    ]
    assert shown(tokens) == words(text)


@given(TEXT, TEXT)
def test_a_cell_of_a_table_shows_the_text(one: str, other: str) -> None:
    lines = ["| a | b |", "| --- | --- |", f"| {markdown(one)} | {markdown(other)} |"]
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse("\n".join(lines))
    cells = [after for before, after in itertools.pairwise(tokens) if before.type == "td_open"]
    assert [shown([cell]) for cell in cells] == [words(one), words(other)]


@given(TEXT)
def test_a_cell_of_a_spreadsheet_is_no_formula_and_read_back(text: str) -> None:
    cell = spreadsheet_cell(text)
    assert from_spreadsheet(cell) == text
    try:
        float(cell)
    except ValueError:
        live = len(cell.lstrip()) > 1 and cell.lstrip()[0] in "=+-@"
        number = cell.rstrip("%").replace(",", "").replace(".", "").lstrip("+-")
        assert not live or number.isdecimal() or set(number) <= set("0123456789eE+-"), cell


@given(TEXT.filter(lambda text: text.strip() and "\0" not in text), TEXT)
def test_labels_of_suspects_are_read_back_from_any_separator(given_: str, note: str) -> None:
    assume(not any("\ud800" <= mark <= "\udfff" for mark in given_ + note))
    table = pd.DataFrame(
        {"row": [1], "fix": ["yes"], "given": [given_], "suggested": ["b"], "=note": [note]}
    )
    with TemporaryDirectory() as folder:
        path = Path(folder, "suspects.csv")
        for separator in ",;\t":
            text = io.StringIO(newline="")
            rows = csv.reader(io.StringIO(csv_text(table, our_names([])), newline=""))
            csv.writer(text, delimiter=separator).writerows(rows)
            path.write_bytes(("\ufeff" + text.getvalue()).encode())
            assert read_chosen(path, {name: name for name in OURS})["given"].tolist() == [given_]


@given(TEXT)
def test_a_terminal_gets_no_control_character_of_the_text(text: str) -> None:
    console = Console()
    said = console.render_str(escape(text)).plain
    assert not STEERS.search(said)
    assert said in (visible(text), visible(text) + "\\")  # rich doubles a backslash at the end


@given(TEXT)
def test_no_text_is_a_formula_of_a_picture(text: str) -> None:
    assert not cbook.is_math_text(in_picture(text))
