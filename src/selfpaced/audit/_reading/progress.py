"""How far reading is, for whoever listens: a line on a terminal while a large file is read."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import TypeVar

from selfpaced.audit._reading.memory import size

# The least time between two reports, in seconds; what takes less time is not reported.
PAUSE = 0.2

Listener = Callable[[str], None]
T = TypeVar("T")
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call ``listener`` with how far reading is, while the block runs.

    >>> from unittest.mock import patch
    >>> told = []
    >>> with listening(told.append), patch(f"{__name__}.PAUSE", 0.0):
    ...     list(steps(["a", "b"], 2, "row"))
    ['a', 'b']
    >>> told
    ['1 of 2 rows', '2 of 2 rows']
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def steps(items: Iterable[T], total: int, noun: str) -> Iterator[T]:
    """Yield items, and tell from time to time how many of them were read.

    Args:
        items: The items.
        total: Their number.
        noun: What they are.
    """
    tell = pacer(lambda done: f"{done:,} of {total:,} {noun}s")
    for done, item in enumerate(items, 1):
        yield item
        tell(done)


def chunks(blocks: Iterable[bytes], total: int | None) -> Iterator[bytes]:
    """Yield blocks of bytes, and tell from time to time how many bytes were read.

    Args:
        blocks: The blocks.
        total: The number of bytes; None if it is not known.
    """
    of = "" if total is None else f" of {size(total)}"
    tell, done = pacer(lambda done: f"{size(done)}{of}"), 0
    for block in blocks:
        yield block
        done += len(block)
        tell(done)


def pacer(text: Callable[[int], str]) -> Callable[[int], None]:
    """Return a function that tells the listener how far reading is, but not too often."""
    listener, last = _listener.get(), monotonic()

    def tell(done: int) -> None:
        nonlocal last
        if listener is not None and monotonic() - last >= PAUSE:
            listener(text(done))
            last = monotonic()

    return tell
