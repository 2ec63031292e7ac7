"""What several test files build."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)  # tests run side by side: threads would only wait for each other

WriteIdx = Callable[[Path, str, int, int], None]


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
