"""Claims about arrays: .npz, .npy and idx files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from selfpaced.audit import Options, read

WriteIdx = Callable[[Path, str, int, int], None]
X, Y = np.arange(12.0).reshape(6, 2), np.array(["a", "b"] * 3)


def npz(path: Path, **arrays: Any) -> Path:
    np.savez(path / "data.npz", **arrays)
    return path / "data.npz"


def npy(path: Path, array: Any, name: str = "X.npy") -> Path:
    np.save(path / name, array)
    return path / name


def test_an_npz_file_of_x_and_y_is_read(tmp_path: Path) -> None:
    source = read(npz(tmp_path, X=X, y=Y[:, None]))
    assert (source.kind, len(source), source.own.shape) == ("array", 6, (6, 0))
    np.testing.assert_array_equal(source.features, X)
    assert source.labels.tolist() == Y.tolist()
    assert (source.where.name, source.where.tolist()) == ("index", [0, 1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("given", "kind", "dtype"),
    [
        (X.astype(np.float32), "array", np.float32),
        (X.astype(np.int64), "array", np.float64),
        (X.astype(np.uint8), "array", np.float32),
        (X > 3, "array", np.float32),
        (np.ones((6, 4, 5)), "array", np.float64),
        (np.ones((6, 4, 5), np.uint8), "images", np.uint8),
    ],
)
def test_numbers_are_floats_and_bytes_of_many_axes_images(
    tmp_path: Path, given: Any, kind: str, dtype: Any
) -> None:
    source = read(npz(tmp_path, X=given, y=Y))
    assert (source.kind, source.features.dtype) == (kind, dtype)


@pytest.mark.parametrize("shape", [(6, 8, 9), (6, 1, 8, 9), (6, 8, 9, 1)])
def test_images_get_their_channels_first(tmp_path: Path, shape: tuple[int, ...]) -> None:
    source = read(npz(tmp_path, X=np.zeros(shape, np.uint8), y=Y))
    assert source.features.shape == (6, 1, 8, 9)


def test_a_lone_array_takes_its_labels_from_a_file(tmp_path: Path) -> None:
    rows = npy(tmp_path, X)
    table = tmp_path / "y.csv"
    pd.DataFrame({"kind": Y, "other": 1}).to_csv(table, index=False)
    alone = tmp_path / "alone.csv"
    pd.DataFrame({"kind": Y}).to_csv(alone, index=False)
    for options in (
        Options(labels=npy(tmp_path, Y, "y.npy")),
        Options(labels=table, label="kind"),
        Options(labels=alone),
    ):
        assert read(rows, options).labels.tolist() == Y.tolist()
    assert len(read(rows, Options(known=False))) == 6


def test_idx_files_are_read_alone_and_as_a_folder(tmp_path: Path, write_idx: WriteIdx) -> None:
    write_idx(tmp_path, "train", 9, 4)
    images, labels = tmp_path / "train-images-idx3-ubyte", tmp_path / "train-labels-idx1-ubyte"
    for source in (read(tmp_path), read(images, Options(labels=labels))):
        assert (source.kind, source.features.shape) == ("images", (9, 1, 4, 4))
        assert source.labels.tolist() == [0, 1, 2] * 3
        assert len(source.conflicts) == 9  # all are white
    assert read(images, Options(known=False)).labels.empty


def test_samples_without_a_label_are_left_out(tmp_path: Path) -> None:
    source = read(npz(tmp_path, X=X, y=np.array([1, 2, np.nan, 1, 2, 1])))
    assert source.where.tolist() == [0, 1, 3, 4, 5] and source.features.shape == (5, 2)
    assert source.labels.tolist() == [1, 2, 1, 2, 1]


def test_the_arrays_of_a_keras_file_are_found_by_their_names(tmp_path: Path) -> None:
    names = {"x_train": X, "y_train": Y, "x_test": X[:2], "y_test": Y[:2]}
    source = read(npz(tmp_path, **names))
    assert source.labels.tolist() == Y.tolist()
    assert source.notes == ("Read x_train and y_train; left out: x_test, y_test.",)
    images = np.zeros((6, 4, 4), np.uint8)
    assert read(npz(tmp_path, train_images=images, train_labels=Y)).kind == "images"
    assert len(read(npz(tmp_path, x=X), Options(known=False))) == 6


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"a": X, "y": Y}, r"must contain X and y or x and y or .*; it contains a, y. Save it with"),
    ({"X": X, "labels": Y}, r"it contains X, labels. Save it with np.savez"),
    ({"X": X, "y": Y[:5]}, "every row needs a label; got 6 rows and 5 labels"),
    (
        {"X": X, "y": np.array([1, "a"] * 3, object)},
        r"contains Python objects, which are not loaded",
    ),
    ({"X": X, "y": np.ones((6, 2))}, r"labels must have the shape \(n,\); got \(6, 2\)"),
    ({"X": X[0], "y": Y}, r"features must have the shape \(n, ...\); got \(2,\)"),
    ({"X": Y[:, None], "y": Y}, "features must be numbers; got <U1"),
]


@pytest.mark.parametrize(("arrays", "said"), REFUSED)
def test_wrong_arrays_are_errors(tmp_path: Path, arrays: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(npz(tmp_path, **arrays))


def test_wrong_files_of_labels_are_errors(tmp_path: Path, write_idx: WriteIdx) -> None:
    rows, pair = npy(tmp_path, X), npz(tmp_path, X=X, y=Y)
    with pytest.raises(ValueError, match="has no labels. Pass labels=... with an .npy or idx file"):
        read(rows)
    with pytest.raises(
        ValueError, match="labels=... needs a single .npy or idx file; .* has labels of its own"
    ):
        read(pair, Options(labels=rows))
    with pytest.raises(ValueError, match="labels=... expects an .npy or idx file, or a table; got"):
        read(rows, Options(labels=pair))
    table = tmp_path / "y.csv"
    table.write_text("kind\n" + "a\nb\n" * 8 + "a,b\n")
    with pytest.raises(ValueError, match="1 row could not be read, so that labels and rows do not"):
        read(rows, Options(labels=table))


@pytest.mark.parametrize("name", ["X.npy", "data.npz"])
def test_a_damaged_file_is_an_error(tmp_path: Path, name: str) -> None:
    path = npy(tmp_path, X) if name == "X.npy" else npz(tmp_path, X=X, y=Y)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ValueError, match=f"{name}"):
        read(path)
