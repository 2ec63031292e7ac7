"""Claims about folders of texts, and about folders with links."""

from pathlib import Path

import pytest
from PIL import Image

from selfpaced.audit import Options, read


def texts(folder: Path) -> Path:
    for place in range(6):
        file = folder / ("spam" if place % 2 else "ham") / f"{place}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"mail number {place}", encoding="utf-8")
    return folder


def test_a_folder_of_texts_is_a_table_of_texts(tmp_path: Path) -> None:
    (texts(tmp_path) / "spam" / "7.txt").write_bytes("naïve".encode("latin-1"))
    source = read(tmp_path)
    assert source.kind == "table" and source.where.name == "file"
    assert source.where.tolist()[:2] == ["ham/0.txt", "ham/2.txt"]
    assert source.features["text"].tolist()[-1] == "naïve"
    assert source.labels.tolist() == ["ham"] * 3 + ["spam"] * 4


def test_texts_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (texts(tmp_path) / "ham" / "8.txt").write_text(" \n")
    (tmp_path / "ham" / "9.txt").write_bytes(b"a\0b")
    (tmp_path / "lone.txt").write_text("of no class")
    (tmp_path / "ham" / "table.csv").write_text("a\n1\n")
    source = read(tmp_path)
    assert len(source) == 6
    assert source.notes == (
        "1 text outside a class folder left out: lone.txt.",
        "1 file of another kind left out: ham/table.csv.",
        "2 files are empty or not text, and are left out: ham/8.txt, ham/9.txt.",
    )


def test_new_texts_need_no_class(tmp_path: Path) -> None:
    for place in range(3):
        folder = tmp_path / "new"
        folder.mkdir(exist_ok=True)
        (folder / f"{place}.txt").write_text(f"mail {place}")
    source = read(tmp_path, Options(known=False))
    assert source.features["text"].tolist() == ["mail 0", "mail 1", "mail 2"]


def test_parts_are_no_classes(tmp_path: Path) -> None:
    for name in ("train", "test"):
        texts(tmp_path / name)
    with pytest.raises(ValueError, match="subfolders test, train are parts of a data set, not"):
        read(tmp_path)


def test_linked_folders_are_followed_and_loops_are_refused(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "real" / name).mkdir(parents=True)
        for place in range(3):
            Image.new("L", (4, 4), place).save(tmp_path / "real" / name / f"{place}.png")
    linked = tmp_path / "linked"
    linked.mkdir()
    for name in ("cat", "dog"):
        (linked / name).symlink_to(tmp_path / "real" / name, target_is_directory=True)
    assert read(linked).labels.tolist() == ["cat"] * 3 + ["dog"] * 3
    (tmp_path / "real" / "cat" / "up").symlink_to(tmp_path / "real", target_is_directory=True)
    with pytest.raises(ValueError, match="up is a link to a folder that contains it. Remove"):
        read(tmp_path / "real")
