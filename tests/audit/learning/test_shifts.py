"""Claims about random shifts of images."""

from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from selfpaced.audit._learning.shifts import pixels_for, shifted


def all_shifts(image: Tensor, most: int) -> set[bytes]:
    """Return all shifted versions of an image of shape (channels, height, width), by NumPy."""
    height, width = image.shape[1:]
    wide = np.pad(image.numpy(), ((0, 0), (most, most), (most, most)), mode="edge")
    places = product(range(2 * most + 1), repeat=2)
    return {
        np.ascontiguousarray(wide[:, down : down + height, right : right + width]).tobytes()
        for down, right in places
    }


@pytest.mark.parametrize("most", [1, 2])
@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_becomes_one_of_its_shifts_and_each_shift_comes(
    most: int, channels: int
) -> None:
    image = torch.arange(channels * 20.0).reshape(channels, 4, 5) ** 2
    batch = image.expand(400, -1, -1, -1)
    torch.manual_seed(0)
    found = [each.numpy().tobytes() for each in shifted(batch, most, 400)]
    assert set(found) == all_shifts(image, most)
    assert max(map(found.count, set(found))) < 3 * 400 / (2 * most + 1) ** 2
    assert image.numpy().tobytes() in found


def test_a_shift_by_hand() -> None:
    image = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]])
    down_and_right = [[1.0, 1.0, 2.0], [1.0, 1.0, 2.0], [4.0, 4.0, 5.0]]
    up = [[4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [7.0, 8.0, 9.0]]
    torch.manual_seed(0)
    found = shifted(image.expand(100, -1, -1, -1), 1, 100)[:, 0].tolist()
    assert down_and_right in found and up in found


def test_images_of_a_batch_are_shifted_on_their_own() -> None:
    images = torch.rand(40, 2, 6, 7)
    found = shifted(images, 1, 40)
    for image, moved in zip(images, found, strict=True):
        assert moved.contiguous().numpy().tobytes() in all_shifts(image, 1)


def test_without_a_shift_nothing_changes() -> None:
    images = torch.rand(3, 1, 8, 8)
    assert torch.equal(shifted(images, 0, 3), images)


@pytest.mark.parametrize("rows", [6, 7])
def test_two_processes_draw_the_shifts_of_one(rows: int) -> None:
    images = torch.rand(rows, 1, 9, 9)
    torch.manual_seed(3)
    alone = shifted(images, 2, rows)
    after = torch.rand(1)
    for process in (0, 1):
        torch.manual_seed(3)
        mine = images[process::2]
        assert torch.equal(shifted(mine, 2, rows, process, 2), alone[process::2])
        assert torch.equal(torch.rand(1), after)


@pytest.mark.parametrize(
    ("size", "pixels"), [((13, 90), 0), ((14, 14), 1), ((28, 28), 2), ((64, 48), 3)]
)
def test_larger_images_are_shifted_by_more_pixels(size: tuple[int, int], pixels: int) -> None:
    assert pixels_for(*size) == pixels
