"""How notes and errors count and list."""

from collections.abc import Iterable

SHOWN = 10


def count(n: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "row"), count(1200, "class")
    ('1 row', '1,200 classes')
    """
    return f"{n:,} {noun if n == 1 else plural(noun)}"


def are(n: int) -> str:
    """Return the verb for so many.

    >>> are(1), are(0)
    ('is', 'are')
    """
    return "is" if n == 1 else "are"


def plural(noun: str) -> str:
    """Return the plural of one of the few nouns of the notes."""
    irregular = {"class": "classes", "index": "indices", "category": "categories"}
    return irregular.get(noun, noun + "s")


def listed(items: Iterable[object], most: int = SHOWN) -> str:
    """Return the items with commas on one line, cut off after some.

    >>> listed("abc", 2)
    'a, b, ...'
    """
    shown = [" ".join(str(item).split()) for item in items]
    return ", ".join(shown[:most] + ["..."] * (len(shown) > most))


def at(name: str, places: Iterable[object]) -> str:
    """Return where something lies, by the name of the places.

    >>> at("row", [4, 9])
    'rows 4, 9'
    """
    shown = list(places)
    return f"{name if len(shown) == 1 else plural(name)} {listed(shown)}"
