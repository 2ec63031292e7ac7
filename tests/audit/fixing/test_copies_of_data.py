"""Claims about corrected arrays, and folders with a subfolder for each class."""

import gzip
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selfpaced.audit._fixing.array_copy import fix_labels, fix_npz
from selfpaced.audit._fixing.changes import Wanted
from selfpaced.audit._fixing.folder_copy import copy_folder, moves_of, require_folder
from selfpaced.audit._fixing.folder_move import MANIFEST, complete, move, read_manifest, undo
from selfpaced.audit._reading.idx import read_idx

X = np.arange(12.0).reshape(4, 3)


def wanted(new: dict[int, object], given: dict[int, object] | None = None, **more: Any) -> Wanted:
    return Wanted("a.npz", "", new, given or {}, more.pop("drop", False), **more)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_of_an_npz_file_only_the_labels_change(tmp_path: Path, save: Any) -> None:
    path, copy = tmp_path / "a.npz", tmp_path / "b.npz"
    save(path, X=X, y=np.array([3, 3, 8, 8], np.int16), other=np.arange(9))
    changes = fix_npz(path, copy, wanted({2: "8"}, {2: "3"}))
    assert changes.by_class() == {"3": {"8": 1}}
    with np.load(copy) as made:
        assert made["y"].tolist() == [3, 8, 8, 8]
        assert made["y"].dtype == np.int16
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(copy) as after:
        assert before.read("X.npy") == after.read("X.npy")
        assert before.read("other.npy") == after.read("other.npy")
        kinds = [[member.compress_type for member in each.infolist()] for each in (before, after)]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize(
    ("labels", "new"),
    [
        (np.array([0, 0, 1, 1], np.uint8), "300"),
        (np.array([True, False, True, True]), "2"),
        (np.array([0, 0, 1, 1]), "dog"),
        (np.array([0, 0, 1, 1]), "0.5"),
    ],
)
def test_a_label_that_the_type_does_not_hold_is_refused(
    tmp_path: Path, labels: np.ndarray, new: str
) -> None:
    np.savez(tmp_path / "a.npz", X=X, y=labels)
    with pytest.raises(ValueError, match=rf"a.npz has labels of type {labels.dtype}, which does"):
        fix_npz(tmp_path / "a.npz", tmp_path / "b.npz", wanted({1: new}, force=True))
    assert not (tmp_path / "b.npz").exists()


@pytest.mark.parametrize("new", ["False", "false", "0"])
def test_truth_values_stay_truth_values(tmp_path: Path, new: str) -> None:
    np.savez(tmp_path / "a.npz", X=X, y=np.array([True, False, True, True]))
    fix_npz(tmp_path / "a.npz", tmp_path / "b.npz", wanted({1: new}, force=True))
    with np.load(tmp_path / "b.npz") as made:
        assert made["y"].tolist() == [False, False, True, True]
        assert made["y"].dtype == bool


def test_numbers_keep_their_type_beside_a_gap(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=X, y=np.array([0.5, 2.5, np.nan, 9.5], np.float32))
    fix_npz(tmp_path / "a.npz", tmp_path / "b.npz", wanted({4: "1.25"}, numeric=True))
    with np.load(tmp_path / "b.npz") as made:
        assert made["y"].dtype == np.float32
        np.testing.assert_array_equal(made["y"], np.array([0.5, 2.5, np.nan, 1.25], np.float32))


def test_text_labels_may_become_longer_and_keep_their_shape(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.npz", tmp_path / "b.npz"
    np.savez(path, X=X, y=np.array([["cat"], ["cat"], ["elephant"], ["cat"]])[:, :])
    fix_npz(path, copy, wanted({1: "elephant"}))
    with np.load(copy) as made:
        assert made["y"].tolist() == [["elephant"], ["cat"], ["elephant"], ["cat"]]


def test_rows_are_left_out_of_features_and_labels(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.npz", tmp_path / "b.npz"
    np.savez(path, X=X, y=[0, 0, 1, 1], other=np.arange(9))
    fix_npz(path, copy, wanted({1: "1"}, drop=True))
    with np.load(copy) as made:
        np.testing.assert_array_equal(made["X"], X[1:])
        assert made["y"].tolist() == [0, 1, 1]
    np.savez(path, X=X, y=[0, 0, 1, 1], weight=np.ones(4))
    with pytest.raises(ValueError, match="has as many rows in weight as labels: drop=True would"):
        fix_npz(path, tmp_path / "c.npz", wanted({1: "1"}, drop=True))
    assert not (tmp_path / "c.npz").exists()


def test_labels_that_changed_since_the_audit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, X=X, y=[0, 0, 1, 1])
    with pytest.raises(ValueError, match="Row 1 of a.npz has the label 0, and had '1' in the"):
        fix_npz(path, tmp_path / "b.npz", wanted({1: "0"}, {1: "1"}))


def test_a_file_of_labels_is_copied_in_its_format(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", np.array(["a", "b", "b"]))
    fix_labels(tmp_path / "y.npy", tmp_path / "new.npy", wanted({3: "a"}))
    assert np.load(tmp_path / "new.npy").tolist() == ["a", "b", "a"]
    raw = b"\0\0\x08\x01\0\0\0\x03" + bytes([1, 2, 2])
    for name, text in (("y-idx1-ubyte", raw), ("y-idx1-ubyte.gz", gzip.compress(raw))):
        (tmp_path / name).write_bytes(text)
        fix_labels(tmp_path / name, tmp_path / f"new-{name}", wanted({2: "1"}))
        assert read_idx(tmp_path / f"new-{name}").tolist() == [1, 1, 2]
        with pytest.raises(ValueError, match="has labels of type uint8, which does not hold"):
            fix_labels(tmp_path / name, tmp_path / "x", wanted({2: "300"}, force=True))
    with pytest.raises(ValueError, match="y.npy holds labels only: drop=True would leave rows out"):
        fix_labels(tmp_path / "y.npy", tmp_path / "x", wanted({1: "b"}, drop=True))
    assert not (tmp_path / "x").exists()


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Return a folder of two classes whose files have the same names, and of other files."""
    folder = tmp_path / "pets"
    for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/deep/3.png", "notes.md", "cat/.x"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def tree(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_text() for file in files}


def settings(**more: bool) -> Wanted:
    drop = more.pop("drop", False)
    return Wanted("pets", "", {}, {}, drop, force=more.pop("force", False))


def test_a_copy_of_a_folder_has_files_in_their_new_classes(pets: Path, tmp_path: Path) -> None:
    before = tree(pets)
    moves = moves_of(pets, TWO, settings(force=True))
    assert moves.changes.by_class() == {"cat": {"dog": 2}}
    assert moves.renamed == ("dog/1-from-cat.png",)
    copy_folder(pets, tmp_path / "new", moves)
    assert tree(pets) == before
    assert tree(tmp_path / "new") == {
        "dog/1-from-cat.png": "cat/1.png",
        "dog/2.png": "cat/2.png",
        "dog/1.png": "dog/1.png",
        "dog/deep/3.png": "dog/deep/3.png",
        "notes.md": "notes.md",
        "cat/.x": "cat/.x",
    }


def test_files_keep_their_place_below_the_class(pets: Path) -> None:
    moves = moves_of(pets, {"dog/deep/3.png": ("dog", "cat")}, settings())
    assert moves.to == {"dog/deep/3.png": "cat/deep/3.png"}


def test_files_are_left_out_of_a_copy(pets: Path, tmp_path: Path) -> None:
    moves = moves_of(pets, {"cat/1.png": ("cat", "dog")}, settings(drop=True))
    copy_folder(pets, tmp_path / "new", moves)
    assert set(tree(pets)) - set(tree(tmp_path / "new")) == {"cat/1.png"}


def test_a_copy_that_fails_leaves_nothing(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("No space left on device")

    moves = moves_of(pets, {"cat/1.png": ("cat", "dog")}, settings())
    monkeypatch.setattr("selfpaced.audit._fixing.folder_copy.copy2", fail)
    with pytest.raises(OSError, match="No space"):
        copy_folder(pets, tmp_path / "new", moves)
    assert [path.name for path in tmp_path.iterdir()] == ["pets"]


@pytest.mark.parametrize("label", ["..", "a/b", " ", ".hidden", "a\\b"])
def test_a_label_that_is_no_name_of_a_folder_is_refused(pets: Path, label: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a folder. Choose another label"):
        moves_of(pets, {"cat/1.png": ("cat", label)}, settings(force=True))


def test_a_file_that_is_gone_is_named(pets: Path) -> None:
    with pytest.raises(ValueError, match="pets has changed since the audit: cat/9.png is not in"):
        moves_of(pets, {"cat/9.png": ("cat", "dog")}, settings())


def test_classes_come_and_go_only_with_force(pets: Path) -> None:
    with pytest.raises(ValueError, match="a label becomes 'bird' for row"):
        moves_of(pets, {"cat/1.png": ("cat", "bird")}, settings())
    with pytest.raises(ValueError, match="would have no row left of the class 'cat'"):
        moves_of(pets, TWO, settings())


def test_a_copy_never_replaces_a_folder(pets: Path, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError, match="exists, and a folder of data is never replaced"):
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "a").write_text("")
        require_folder(pets, tmp_path / "full")
    for inside in (pets, pets / "new", tmp_path):
        with pytest.raises(ValueError, match="are inside each other. Choose another folder"):
            require_folder(pets, inside)
    with pytest.raises(FileNotFoundError, match="There is no folder .*none for new"):
        require_folder(pets, tmp_path / "none" / "new")
    (tmp_path / "empty").mkdir()
    require_folder(pets, tmp_path / "empty")


TWO = {"cat/1.png": ("cat", "dog"), "cat/2.png": ("cat", "dog")}
TO = {"cat/1.png": "dog/1-from-cat.png", "cat/2.png": "bird/2.png"}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def test_a_move_can_be_undone(pets: Path, run: Path) -> None:
    before = tree(pets)
    move(run, pets, TO)
    assert tree(pets)["bird/2.png"] == "cat/2.png"
    assert "cat/1.png" not in tree(pets)
    with pytest.raises(FileExistsError, match="were moved before: see moved.jsonl. Pass undo=True"):
        move(run, pets, TO)
    assert undo(run) == 2
    assert tree(pets) == before
    assert not (pets / "bird").exists()
    with pytest.raises(FileNotFoundError, match="no files of this run were moved"):
        undo(run)


@pytest.mark.parametrize("done", [0, 1, 2])
def test_a_move_that_was_killed_can_be_completed_and_undone(
    pets: Path, run: Path, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    before, rename, calls = tree(pets), __import__("os").rename, 0

    def killed(*names: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > done:
            raise KeyboardInterrupt
        rename(*names)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("os.rename", killed)
        move(run, pets, TO)
        raise KeyboardInterrupt  # after the last move
    complete(read_manifest(run))
    assert tree(pets)["bird/2.png"] == "cat/2.png"
    undo(run)
    assert tree(pets) == before


def test_an_undo_that_would_replace_or_miss_a_file_moves_nothing(pets: Path, run: Path) -> None:
    move(run, pets, TO)
    after = tree(pets)
    (pets / "cat" / "1.png").write_text("new")
    with pytest.raises(ValueError, match="has other files now where cat/1.png is to go back"):
        undo(run)
    (pets / "cat" / "1.png").unlink()
    assert tree(pets) == after
    (pets / "bird" / "2.png").unlink()
    with pytest.raises(ValueError, match="does not have bird/2.png any more. Restore the 1 file"):
        undo(run)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"version": 2, "folder": "."}',
        '{"version": 1, "folder": "."}\n{"from": "../a", "to": "b"}',
        '{"version": 1, "folder": "."}\n{"from": "a", "to": "/b"}',
    ],
)
def test_a_manifest_that_is_damaged_moves_nothing(run: Path, text: str) -> None:
    (run / MANIFEST).write_text(text)
    with pytest.raises(ValueError, match=r"moved.jsonl is (damaged|not a manifest)"):
        undo(run)
