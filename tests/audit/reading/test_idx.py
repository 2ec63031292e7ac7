"""Claims about idx files."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from selfpaced.audit._reading.idx import read_idx, read_pair


def idx(array: NDArray[np.uint8]) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def folder_of(path: Path, images: int = 3, labels: int = 3) -> Path:
    (path / "train-images-idx3-ubyte").write_bytes(idx(np.zeros((images, 2, 2), np.uint8)))
    (path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(labels, np.uint8)))
    return path


IMAGES = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)


def test_a_plain_file_is_read_in_the_shape_of_its_header(tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(idx(IMAGES))
    np.testing.assert_array_equal(read_idx(tmp_path / "images"), IMAGES)


def test_a_gzipped_file_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "images.gz").write_bytes(gzip.compress(idx(IMAGES)))
    np.testing.assert_array_equal(read_idx(tmp_path / "images.gz"), IMAGES)


@pytest.mark.parametrize("length", [0, 3, 4, 10, 27])
def test_a_truncated_file_is_refused(tmp_path: Path, length: int) -> None:
    (tmp_path / "images").write_bytes(idx(IMAGES)[:length])
    with pytest.raises(ValueError, match="images is truncated"):
        read_idx(tmp_path / "images")


def test_a_truncated_gzip_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images.gz").write_bytes(gzip.compress(idx(IMAGES))[:-12])
    with pytest.raises(ValueError, match="truncated or not a gzip file"):
        read_idx(tmp_path / "images.gz")


def test_a_file_that_only_claims_to_be_gzipped_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images.gz").write_bytes(idx(IMAGES))
    with pytest.raises(ValueError, match="truncated or not a gzip file"):
        read_idx(tmp_path / "images.gz")


def test_bytes_left_over_are_refused(tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(idx(IMAGES) + b"\0")
    with pytest.raises(ValueError, match="too long: expected 28 bytes; got 29"):
        read_idx(tmp_path / "images")


@pytest.mark.parametrize("magic", [b"\0\0\x0d", b"\x89PN", b"\0\x01\x08"])
def test_a_wrong_magic_number_is_refused(tmp_path: Path, magic: bytes) -> None:
    (tmp_path / "images").write_bytes(magic + idx(IMAGES)[3:])
    with pytest.raises(ValueError, match=f"must start with 00 00 08; got {magic.hex(' ')}"):
        read_idx(tmp_path / "images")


@pytest.mark.parametrize("spelling", ["-idx{}-ubyte", ".idx{}-ubyte"])
@pytest.mark.parametrize("packed", [False, True])
def test_both_spellings_are_found_plain_and_gzipped(
    tmp_path: Path, spelling: str, packed: bool
) -> None:
    for what, axes, array in (("images", 3, IMAGES), ("labels", 1, np.array([4, 5, 6], np.uint8))):
        name, raw = f"t10k-{what}{spelling.format(axes)}", idx(array)
        (tmp_path / (name + ".gz" * packed)).write_bytes(gzip.compress(raw) if packed else raw)
    images, labels = read_pair(tmp_path, "t10k")
    np.testing.assert_array_equal(images, IMAGES)
    assert labels.tolist() == [4, 5, 6]


def test_a_missing_file_is_named_in_both_spellings(tmp_path: Path) -> None:
    expected = r"must contain train-images-idx3-ubyte or train-images\.idx3-ubyte, plain or \.gz"
    with pytest.raises(FileNotFoundError, match=expected):
        read_pair(tmp_path, "train")


def test_more_images_than_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"4 images in train-images.* but 3 labels"):
        read_pair(folder_of(tmp_path, images=4), "train")


def test_an_empty_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="contains no images"):
        read_pair(folder_of(tmp_path, images=0, labels=0), "train")


def test_labels_in_place_of_images_are_refused(tmp_path: Path) -> None:
    folder_of(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(np.zeros(3, np.uint8)))
    with pytest.raises(ValueError, match="images must have 3 dimensions and labels 1; got 1 and 1"):
        read_pair(tmp_path, "train")
