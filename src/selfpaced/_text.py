"""Text of the user stays text: on terminals, in shells, Markdown, HTML, tables and pictures."""

import math
import re
import shlex
from collections.abc import Iterable
from html import escape
from pathlib import Path

# Characters that steer a terminal, change the direction of text or end a line, but for the line
# feed and the tab; and surrogates, which stand for bytes of a file name that are not UTF-8. For a
# class of characters of a regular expression.
STEERING = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
STEERS = re.compile(f"[{STEERING}]")
# What a word of a shell cannot show as it is.
HIDDEN = re.compile(rf"[\n\t{STEERING}]")
# What is live anywhere in a line of Markdown: marks, entities, formulas, and addresses.
LIVE = re.compile(
    r"[\\`*\[\]<|~&$@]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
    r"|(?i::(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\.)"
)
# What is live at the start of a line of Markdown: headings, lists, quotes and rules.
STARTS = re.compile(r"^(\d{1,9}(?=[.)])|(?=[#=>])|(?=[+-](?!\.?\d)))")
# Text that a spreadsheet takes for a formula, with the apostrophes that may stand before it.
FORMULA = re.compile(r"'*\s*[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20].", re.DOTALL)
# A plain number, which is no formula.
NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?%?")


def visible(text: str) -> str:
    r"""Return text whose control characters, marks of direction and surrogates are written out.

    Line feeds and tabs stay as they are.

    >>> print(visible("\x1b[31mred\u202e\r"))
    \x1b[31mred\u202e\r
    """
    return STEERS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def on_one_line(text: str) -> str:
    r"""Return text in which a line break, with the blanks around it, is one blank.

    >>> on_one_line("a  b.csv\n   is empty\n")
    'a  b.csv is empty'
    """
    return re.sub(r"\s*\n\s*", " ", text.strip())


def shell_line(words: Iterable[str]) -> str:
    r"""Return words as a line of a shell; control characters are written as octal numbers.

    >>> print(shell_line(["rm", "my pets.csv", "\x1b'.csv"]))
    rm 'my pets.csv' $'\033\'.csv'
    """
    return " ".join(map(_shell_word, words))


def operand(path: Path) -> str:
    """Return a path as a word that no command takes for an option.

    >>> operand(Path("-pets.csv")), operand(Path("pets.csv"))
    ('./-pets.csv', 'pets.csv')
    """
    text = str(path)
    return f"./{text}" if text.startswith("-") else text


def markdown(text: str) -> str:
    r"""Return text for the middle of a line of Markdown, which shows it as it is.

    >>> print(markdown("[x](http://y) *a|b* snake_case"))
    \[x\](http\://y) \*a\|b\* snake_case
    """
    return LIVE.sub(r"\\\g<0>", visible(" ".join(text.split())))


def markdown_line(text: str) -> str:
    r"""Return text for a line of Markdown, or for an item of a list, which shows it as it is.

    >>> print(markdown_line("# one"), markdown_line("1. two"), markdown_line("-3"))
    \# one 1\. two -3
    """
    return STARTS.sub(r"\g<1>\\", markdown(text), count=1)


def spreadsheet_cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: an apostrophe stands before one.

    Plain numbers stay as they are. ``from_spreadsheet`` gives the text back.

    >>> spreadsheet_cell("=1+1"), spreadsheet_cell("-3.5e2"), spreadsheet_cell("'=1")
    ("'=1+1", '-3.5e2', "''=1")
    """
    return f"'{text}" if _is_formula(text) else text


def from_spreadsheet(cell: str) -> str:
    """Return the text of a cell that ``spreadsheet_cell`` wrote.

    >>> from_spreadsheet("'=1+1"), from_spreadsheet("'tis")
    ('=1+1', "'tis")
    """
    return cell[1:] if cell.startswith("'") and _is_formula(cell[1:]) else cell


def html(value: object) -> str:
    r"""Return text for HTML, which shows it as it is; control characters are written out.

    >>> html("<b>\x1b")
    '&lt;b&gt;\\x1b'
    """
    return escape(visible(str(value)))


def html_table(heads: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """Return a table in HTML for a notebook; all cells are text.

    >>> html_table(["class"], [["<b>"]])
    '<table><thead><tr><th>class</th></tr></thead><tbody><tr><td>&lt;b&gt;</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{html(name)}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{html(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_line(values: Iterable[float], name: str) -> str:
    """Return a small line of numbers as SVG for a notebook, in the colour of the text.

    Numbers that are not finite are left out.

    >>> "<polyline" in html_line([1.0, 0.5], "loss"), html_line([], "loss")
    (True, '')
    """
    known = [(at, value) for at, value in enumerate(values) if math.isfinite(value)]
    if not known:
        return ""
    numbers = [value for _, value in known]
    low, high, last = min(numbers), max(numbers), max(1, known[-1][0])
    points = " ".join(
        f"{118 * at / last + 1:.1f},{29 - 28 * (value - low) / ((high - low) or 1):.1f}"
        for at, value in known
    )
    line = f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
    label = f"{name}: {numbers[0]:.4g} at first, {numbers[-1]:.4g} at last"
    return f'<svg width="120" height="30" role="img"><title>{html(label)}</title>{line}</svg>'


def in_picture(text: str) -> str:
    r"""Return text for a picture: a dollar sign is escaped, so that no formula is drawn.

    >>> print(in_picture("$5 or $6"))
    \$5 or \$6
    """
    return visible(text).replace("$", r"\$")


def _is_formula(text: str) -> bool:
    """Say whether a spreadsheet may take text for a formula, or it looks like one quoted."""
    return bool(FORMULA.match(text)) and not NUMBER.fullmatch(text)


def _shell_word(word: str) -> str:
    """Return a word of a shell, quoted where it needs to be."""
    if not HIDDEN.search(word):
        return shlex.quote(word)
    escaped = re.sub(r"[\\']", r"\\\g<0>", word)
    return "$'" + HIDDEN.sub(lambda found: _octal(found[0]), escaped) + "'"


def _octal(character: str) -> str:
    """Return the bytes of a character as octal numbers; a surrogate may stand for one byte."""
    byte = "\udc80" <= character <= "\udcff"
    raw = character.encode("utf-8", "surrogateescape" if byte else "surrogatepass")
    return "".join(f"\\{each:03o}" for each in raw)
