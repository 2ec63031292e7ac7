"""What several test files build."""

import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
from sklearn.datasets import load_wine

torch.set_num_threads(1)  # tests run side by side: threads would only wait for each other

# A shell that starts the tests in the background has Ctrl-C ignored; programs are tested with it.
signal.signal(signal.SIGINT, signal.default_int_handler)

WriteIdx = Callable[[Path, str, int, int], None]
Spawn = Callable[[Callable[[int, int, str], None], int], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def write_idx() -> WriteIdx:
    """Return a function that writes n white images of a size, with the labels 0, 1, 2, 0, ..."""

    def write(folder: Path, part: str, n: int, size: int) -> None:
        n_bytes, side = n.to_bytes(4, "big"), size.to_bytes(4, "big")
        images, labels = b"\xff" * (n * size * size), bytes(place % 3 for place in range(n))
        header = b"\0\0\x08\x03" + n_bytes + side + side
        (folder / f"{part}-images-idx3-ubyte").write_bytes(header + images)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + n_bytes + labels)

    return write


@pytest.fixture(scope="session")
def spawn(tmp_path_factory: pytest.TempPathFactory) -> Spawn:
    """Return a function that runs ``main(rank, port, folder)`` in some processes.

    Each saves a dict as ``folder/rank.pt``; the function returns them in order.
    """

    def run(main: Callable[[int, int, str], None], world: int) -> list[dict[str, Any]]:
        folder = tmp_path_factory.mktemp("ranks")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        mp.spawn(  # type: ignore[attr-defined, no-untyped-call]  # torch gives it no types
            main, args=(port, str(folder)), nprocs=world
        )
        return [torch.load(folder / f"{rank}.pt") for rank in range(world)]

    return run


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a table of 178 wines; the label of every fifth, rows 5, 10, ..., is wrong."""
    data = load_wine(as_frame=True)
    codes = data.target.to_numpy()
    wrong = np.arange(1, len(codes) + 1) % 5 == 0
    kinds = np.array(["red", "rosé", "white"])[np.where(wrong, (codes + 1) % 3, codes)]
    path = tmp_path_factory.mktemp("wine") / "wine.csv"
    data.data.assign(kind=kinds).to_csv(path, index=False)
    return path
