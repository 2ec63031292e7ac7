"""Claims about folders of images."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from selfpaced.audit import Options, read


def image(path: Path, size: tuple[int, int] = (10, 8), mode: str = "L", value: Any = 200) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)


def folder(path: Path, mode: str = "L") -> Path:
    for place, name in enumerate(("cat/1.png", "cat/2.png", "dog/3.png", "dog/old/4.png")):
        image(path / name, mode=mode, value=place if mode == "L" else (place, 0, 0))
    return path


def test_the_subfolder_is_the_class(tmp_path: Path) -> None:
    source = read(folder(tmp_path))
    assert source.kind == "images"
    assert isinstance(source.features, np.ndarray) and source.features.dtype == np.uint8
    assert source.features.shape == (4, 1, 8, 10)
    assert source.features[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert source.labels.tolist() == ["cat", "cat", "dog", "dog"]
    assert source.where.name == "file"
    assert source.where.tolist() == ["cat/1.png", "cat/2.png", "dog/3.png", "dog/old/4.png"]
    assert source.notes == ("Images are 10 x 8 pixels, grey.",)


def test_one_in_colour_makes_all_colour(tmp_path: Path) -> None:
    image(folder(tmp_path) / "dog/5.bmp", mode="RGB", value=(255, 0, 7))
    source = read(tmp_path)
    assert isinstance(source.features, np.ndarray)
    assert source.features[2, :, 0, 0].tolist() == [2, 2, 2]
    assert source.features[3, :, 0, 0].tolist() == [255, 0, 7]
    assert source.notes == ("Images are 10 x 8 pixels, in colour.",)


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    image(folder(tmp_path) / "cat/0.png", mode="I;16", value=257 * 90)
    source = read(tmp_path)
    assert isinstance(source.features, np.ndarray) and source.features[0, 0, 0, 0] == 90


def test_all_get_the_reduced_median_size_or_the_chosen_one(tmp_path: Path) -> None:
    for name in ("a/1.png", "a/2.png", "b/3.png"):
        image(tmp_path / name, (640, 480))
    image(tmp_path / "b/4.jpg", (20, 20))
    source = read(tmp_path)
    assert source.features.shape == (4, 1, 48, 64)
    assert source.notes[0] == (
        "Images are 64 x 48 pixels, grey; 4 had another size and were resized. Pass side=... for "
        "images of another width and height."
    )
    chosen = read(tmp_path, Options(side=16))
    assert chosen.features.shape == (4, 1, 16, 16)
    assert chosen.notes[0] == (
        "Images are 16 x 16 pixels, grey; 4 had another size and were resized."
    )


def test_notes_name_unreadable_images_and_other_files(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "dog/bad.png").write_bytes(b"no image")
    whole = (tmp_path / "dog/3.png").read_bytes()
    (tmp_path / "cat/cut.png").write_bytes(whole[:50])
    (tmp_path / "cat/notes.txt").touch()
    (tmp_path / "cat/.DS_Store").touch()
    image(tmp_path / "lone.png")
    source = read(tmp_path)
    assert len(source) == 4
    assert source.notes == (
        "1 image outside a class folder left out: lone.png.",
        "1 file of another kind left out: cat/notes.txt.",
        "Images are 10 x 8 pixels, grey.",
        "2 images could not be read and are left out: cat/cut.png, dog/bad.png.",
    )


def test_new_images_need_no_classes(tmp_path: Path) -> None:
    image(tmp_path / "1.png")
    source = read(tmp_path, Options(known=False))
    assert source.where.tolist() == ["1.png"] and source.labels.empty


def test_folders_that_are_not_classes_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="contains no images"):
        read(tmp_path)
    image(tmp_path / "1.png")
    with pytest.raises(ValueError, match="its images are not in a class folder"):
        read(tmp_path)
    folder(tmp_path / "train")
    with pytest.raises(
        ValueError, match="its subfolders train are parts of a data set, not classes. Give one"
    ):
        read(tmp_path)
    with pytest.raises(
        ValueError, match="labels=... needs a single .npy or idx file; .* has labels of its own"
    ):
        read(tmp_path, Options(labels=tmp_path / "y.npy"))
    with pytest.raises(ValueError, match="side=... must be a positive number of pixels; got 0"):
        read(tmp_path / "train", Options(side=0))


def test_a_folder_of_unreadable_images_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat/1.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match="none of 1 image can be read"):
        read(tmp_path)
