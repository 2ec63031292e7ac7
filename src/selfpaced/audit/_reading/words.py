"""Words of notes and errors: numbers with nouns, and lists."""

import re
from collections.abc import Iterable

# Letters of scripts that are written without blanks between words: Thai and Lao, Burmese, Khmer,
# Japanese and Chinese; for a class of characters of a regular expression.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
UNSPACED_LETTER = re.compile(f"[{UNSPACED}]")
# The largest number of items that a list in a sentence shows.
MOST_ITEMS = 10


def count(n: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "row"), count(1200, "class")
    ('1 row', '1,200 classes')
    """
    return f"{n:,} {noun if n == 1 else plural(noun)}"


def are(n: int) -> str:
    """Return the verb for a number of things.

    >>> are(1), are(0)
    ('is', 'are')
    """
    return "is" if n == 1 else "are"


def plural(noun: str) -> str:
    """Return the plural of a noun that notes and errors use."""
    irregular = {"class": "classes", "index": "indices", "category": "categories"}
    return irregular.get(noun, noun + "s")


def listed(items: Iterable[object], most: int = MOST_ITEMS) -> str:
    """Return the items on one line, separated by commas; "..." stands for those after ``most``.

    >>> listed("abc", 2)
    'a, b, ...'
    """
    shown = [" ".join(str(item).split()) for item in items]
    return ", ".join(shown[:most] + ["..."] * (len(shown) > most))


def printable(name: str) -> str:
    r"""Return the name of a file, with \udcff for each byte of it that is no text.

    >>> printable("b\udcff.png")
    'b\\udcff.png'
    """
    return name.encode("utf-8", "backslashreplace").decode()


def at(name: str, places: Iterable[object]) -> str:
    """Return places with the name of their kind.

    >>> at("row", [4, 9])
    'rows 4, 9'
    """
    shown = list(places)
    return f"{name if len(shown) == 1 else plural(name)} {listed(shown)}"
