"""What a launcher of several processes says in the environment; without torch, for the commands."""

import os

# Environment variables in which launchers (torchrun, Intel MPI, Open MPI, MVAPICH2) put the rank of
# a process, the number of processes, and whatever else they always set. Where one is missing, or
# the numbers make no sense, they are leftovers of something else, such as a batch system.
LAUNCHERS = (
    ("RANK", "WORLD_SIZE", "MASTER_ADDR"),
    ("PMI_RANK", "PMI_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
)
# The start of the variables that ``accelerate launch`` sets.
ACCELERATE = "ACCELERATE_"


def rank_told() -> int | None:
    """Return the rank that a launcher gave this process; None without a launcher."""
    for names in LAUNCHERS:
        rank, size, *others = (os.environ.get(name, "") for name in names)
        if rank.isdecimal() and size.isdecimal() and int(rank) < int(size) and all(others):
            return int(rank)
    return None


def launched() -> bool:
    """Say whether a launcher started this process; there may then be several of them."""
    return rank_told() is not None or any(name.startswith(ACCELERATE) for name in os.environ)


def is_main() -> bool:
    """Say whether this is the only process, or the first of those that a launcher started."""
    return not rank_told()
