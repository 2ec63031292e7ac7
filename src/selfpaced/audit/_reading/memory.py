"""Memory: how much is free, and what is refused before it is asked for."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# Where Linux says how much memory a container may use, and how much it uses.
CONTAINER = Path("/sys/fs/cgroup")
# The lines of memory.stat with memory that is given back.
CACHED = ("inactive_file", "active_file", "slab_reclaimable")
# This many bytes are never refused.
LITTLE = 50_000_000


class TooLarge(ValueError):
    """More memory is needed than is free."""


def free_memory() -> int:
    """Return the number of bytes that this process can still use.

    It is the least of what is free on the machine, in its container, and within its own limit.

    >>> 0 < free_memory() < 1 << 60
    True
    """
    import psutil  # not at the top: small files are read without it

    process = psutil.Process()
    most = [int(psutil.virtual_memory().available), *_of_container()]
    with suppress(AttributeError, psutil.Error):  # only Linux has limits
        limit = process.rlimit(psutil.RLIMIT_AS)[0]
        if limit != psutil.RLIM_INFINITY:
            most.append(int(limit) - int(process.memory_info().vms))
    return max(0, min(most))


def require_memory(what: str, needed: int, do: str, free: int | None = None) -> None:
    """Raise if more memory is needed than is free; little memory is not looked at.

    Args:
        what: What needs it: the start of the error, up to "about 3.40 GB of memory".
        needed: The number of bytes.
        do: What the user can do.
        free: The number of bytes that may be used. None: the free memory.

    >>> try:
    ...     require_memory("a.csv needs", 3 * 10**9, "Cut it.", free=10**9)
    ... except TooLarge as error:
    ...     print(error)
    a.csv needs about 3.00 GB of memory; 1.00 GB are free. Cut it.
    """
    if free is None and needed <= LITTLE:
        return
    free = free_memory() if free is None else free
    if needed > free:
        raise TooLarge(f"{what} about {size(needed)} of memory; {size(free)} are free. {do}")


def size(n: int) -> str:
    """Return a number of bytes in a unit that fits.

    >>> size(3_400_000_000), size(0), size(8 * 10**15)
    ('3.40 GB', '0.00 GB', '8,000.00 TB')
    """
    return f"{n / 1e9:,.2f} GB" if n < 10**13 else f"{n / 1e12:,.2f} TB"


def _of_container() -> Iterator[int]:
    """Yield the memory that the container of this process has left; nothing without a limit."""
    with suppress(OSError, ValueError):  # there is no container, or no limit
        limit, used = (
            int((CONTAINER / name).read_text(encoding="ascii"))
            for name in ("memory.max", "memory.current")
        )
        stat = (CONTAINER / "memory.stat").read_text(encoding="ascii").split()
        # What the kernel keeps of files, and gives back as soon as it is needed.
        cached = (int(stat[stat.index(name) + 1]) for name in CACHED if name in stat)
        yield limit - used + sum(cached)
