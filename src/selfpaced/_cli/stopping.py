"""Ctrl-C: once to stop and save, twice to end at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

AGAIN = 0.5  # seconds; what comes sooner is the same request, passed on by a launcher


@dataclass
class Stop:
    """Whether a stop was asked for; call it to know.

    Args:
        number: Of the signal that asked; None for none.
        since: When it came, in seconds of the monotonic clock.
    """

    number: int | None = None
    since: float = 0.0

    def __call__(self) -> bool:
        """Say whether to stop."""
        return self.number is not None

    def hear(self, number: int, _: object) -> None:
        """Take note of a signal; of a second one, end."""
        if self.number is None:
            self.number, self.since = number, monotonic()
        elif monotonic() - self.since > AGAIN:
            raise KeyboardInterrupt

    @property
    def code(self) -> int:
        """The exit code of a process that such a signal ends."""
        return 128 + (signal.SIGINT if self.number is None else self.number)


@contextmanager
def stopping() -> Iterator[Stop]:
    """Yield what tells whether Ctrl-C was pressed, or SIGTERM came, within the block."""
    stop = Stop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, stop.hear)
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
