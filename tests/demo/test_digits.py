"""Claims about the comparison on digits with wrong labels, and its files."""

import csv
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from selfpaced._demo.digits import (
    Comparison,
    Data,
    compare,
    from_folder,
    from_scikit_learn,
    network,
)
from selfpaced._demo.digits_files import write_files

WriteIdx = Callable[[Path, str, int, int], None]
Compared = Callable[[float, int], Comparison]


def test_the_digits_are_always_split_into_the_same_1197_and_600() -> None:
    data, again = from_scikit_learn(), from_scikit_learn()
    assert (len(data.train.labels), len(data.test.labels), data.n_classes) == (1197, 600, 10)
    assert data.train.images.shape[1:] == (8, 8)
    assert data.train.images.min() == 0 and data.train.images.max() == 1
    assert torch.equal(data.train.images, again.train.images)


def test_no_test_digit_is_a_training_digit() -> None:
    data = from_scikit_learn()
    seen = {image.numpy().tobytes() for image in data.train.images}
    assert not any(image.numpy().tobytes() in seen for image in data.test.images)


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "selfpaced\[sklearn\]"'):
        from_scikit_learn()


def test_a_folder_is_limited_in_its_training_images_only(
    tmp_path: Path, write_idx: WriteIdx
) -> None:
    write_idx(tmp_path, "train", 9, 4)
    write_idx(tmp_path, "t10k", 6, 4)
    data = from_folder(tmp_path, limit=5)
    assert (len(data.train.images), len(data.test.images)) == (5, 6)
    assert data.train.labels.tolist() == [0, 1, 2, 0, 1]
    assert data.train.images.max() == 1
    assert data.name == tmp_path.name


def test_images_of_two_sizes_are_refused(tmp_path: Path, write_idx: WriteIdx) -> None:
    write_idx(tmp_path, "train", 9, 4)
    write_idx(tmp_path, "t10k", 6, 5)
    with pytest.raises(ValueError, match=r"must be of one size; got \(4, 4\) and \(5, 5\)"):
        from_folder(tmp_path, limit=5)


def test_all_networks_of_a_seed_begin_with_the_same_weights(tiny: Data) -> None:
    first, again, other = (list(network(tiny, seed).parameters()) for seed in (0, 0, 1))
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_the_global_random_state_does_not_change(compared: Compared) -> None:
    before, numpy_before = torch.get_rng_state(), pickle.dumps(np.random.get_state())  # noqa: NPY002
    compared(0.4, 2)
    assert torch.equal(before, torch.get_rng_state())
    assert numpy_before == pickle.dumps(np.random.get_state())  # noqa: NPY002


def test_a_comparison_can_be_repeated(compared: Compared) -> None:
    first, again = compared(0.4, 2), compared(0.4, 2)
    assert [run.accuracies for run in first.runs] == [run.accuracies for run in again.runs]
    assert torch.equal(first.suspects, again.suspects)


def test_watch_is_called_after_each_epoch_in_order(tiny: Data) -> None:
    watched: list[str] = []
    labels = tiny.train.labels
    compare(tiny, labels, epochs=2, seed=0, watch=lambda name, accuracy: watched.append(name))
    names = ["plain", "self-paced", "trained on clean labels"]
    assert watched == [name for name in names for _ in range(2)]


def test_the_first_epoch_of_self_paced_equals_plain_training(compared: Compared) -> None:
    comparison = compared(0.4, 1)
    assert comparison.plain.accuracies == comparison.paced.accuracies


def test_a_comparison_without_a_pacer_has_no_suspects(compared: Compared) -> None:
    comparison = compared(0.4, 1)
    plain = comparison.plain
    with pytest.raises(ValueError, match="no self-paced run"):
        _ = Comparison(comparison.data, comparison.given, plain, plain, plain).suspects


def test_most_suspects_of_easy_data_were_made_wrong(compared: Compared) -> None:
    comparison = compared(0.2, 12)
    assert comparison.planted[comparison.suspects[:20]].double().mean() > 0.9


def test_the_files_hold_the_suspects_in_order(tmp_path: Path, compared: Compared) -> None:
    comparison = compared(0.4, 4)
    written = write_files(tmp_path, comparison)
    assert [path.name for path in written] == ["suspects.png", "curves.png", "suspects.csv"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written[:2])
    with written[2].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["rank", "index", "given label", "suggested label", "suspicion"]
    assert [int(row["rank"]) for row in rows] == list(range(1, 101))
    assert [int(row["index"]) for row in rows] == comparison.suspects.tolist()
    assert [int(row["given label"]) for row in rows] == comparison.given[
        comparison.suspects
    ].tolist()
    suspicion = [float(row["suspicion"]) for row in rows]
    assert suspicion == sorted(suspicion, reverse=True)
