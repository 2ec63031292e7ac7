"""Claims about an audit of arrays."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from torch import nn

from selfpaced.audit import Audit, find_label_errors
from selfpaced.audit._learning.training import Settings

NAMES = np.array(["ant", "bee", "cow"])


def blobs(n: int = 300) -> tuple[Any, Any, Any]:
    """Return rows of three blobs, labels of which every tenth is wrong, and which are wrong."""
    rng = np.random.default_rng(0)
    truth = np.arange(n) % 3
    x = rng.normal(size=(n, 4)) + 8 * np.eye(3, 4)[truth]
    wrong = np.arange(n) % 10 == 0
    return x, NAMES[np.where(wrong, (truth + 1) % 3, truth)], wrong


@pytest.fixture(scope="module")
def found() -> Audit:
    x, y, _ = blobs()
    return find_label_errors(x, y)


def test_the_wrong_labels_come_first_and_the_meant_class_is_suggested(found: Audit) -> None:
    _, y, wrong = blobs()
    first = found.table.head(30)
    assert wrong[first.index].mean() >= 0.95
    assert list(found.table.columns) == ["label", "probability", "suggested", "confidence", "loss"]
    truth = NAMES[np.arange(300) % 3]
    assert (first["suggested"] == truth[first.index]).mean() >= 0.95
    assert (found.table["label"].sort_index() == y).all()


def test_the_wrong_labels_are_counted(found: Audit) -> None:
    assert found.count.low <= 30 <= found.count.high
    assert len(found.suspects) == pytest.approx(30, abs=3)
    assert found.confusion is not None
    assert found.confusion.to_numpy().sum() == pytest.approx(30, abs=4)
    assert found.confusion.loc["ant", "bee"] == pytest.approx(10, abs=3)  # meant ant, says bee


def test_the_summary_says_how_many_and_of_which_kind(found: Audit) -> None:
    said = repr(found)
    n = len(found.suspects)
    assert said.startswith(
        f"{n} of 300 labels are probably wrong ({n / 300:.1%}).\nAll in all about"
    )
    assert f"{found.count.estimate:.0f} are wrong ({found.count.low:.0f} to" in said
    assert "labelled bee are probably ant" in said


@pytest.mark.parametrize(
    ("rows", "form", "batch", "rate"),
    [(300, np.asarray, 32, 1e-3), (2000, np.asarray, 128, 1e-3), (300, sparse.csr_array, 32, 3e-4)],
    ids=["few", "many", "sparse"],
)
def test_the_rows_decide_the_default_batch_size_and_learning_rate(
    rows: int, form: Any, batch: int, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[Settings] = []

    def stop(*arguments: Any) -> Any:
        chosen.append(arguments[-1])
        raise KeyboardInterrupt

    monkeypatch.setattr("selfpaced.audit._find.Training", stop)
    x = np.random.default_rng(0).normal(size=(rows, 2))
    with pytest.raises(KeyboardInterrupt):
        find_label_errors(form(x), np.arange(rows) % 2)
    assert (chosen[0].batch_size, chosen[0].learning_rate) == (batch, rate)


def test_the_same_seed_gives_the_same_result_whatever_was_drawn_before(found: Audit) -> None:
    x, y, _ = blobs()
    torch.rand(7)
    pd.testing.assert_frame_equal(find_label_errors(x, y).table, found.table)


def test_a_large_offset_of_the_features_hides_no_suspect(found: Audit) -> None:
    x, y, _ = blobs()
    assert len(find_label_errors(x + 1.7e9, y).suspects) == len(found.suspects)


def test_the_value_of_a_constant_feature_changes_nothing() -> None:
    x, y, _ = blobs()
    first, second = (
        find_label_errors(np.column_stack([x, np.full(300, value)]), y, epochs=2).table
        for value in (0.0, 0.1)  # the mean of 300 times 0.1 is not exactly 0.1
    )
    pd.testing.assert_frame_equal(first, second)


def test_the_seed_also_decides_dropout() -> None:
    def model(features: int, classes: int) -> nn.Module:
        return nn.Sequential(nn.Linear(features, 8), nn.Dropout(0.5), nn.Linear(8, classes))

    x, y, _ = blobs(60)
    one, two = (find_label_errors(x, y, model, epochs=2).table for _ in range(2))
    pd.testing.assert_frame_equal(one, two)


def test_a_last_batch_of_a_single_row_is_left_out() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    x, y, _ = blobs(129)
    assert len(find_label_errors(x, y, model, epochs=2).table) == 129


def test_wrong_labels_of_sparse_rows_are_found() -> None:
    x, y, wrong = blobs()
    table = find_label_errors(sparse.csr_matrix(np.maximum(x, 0)), y).table
    assert wrong[table.index[:30]].mean() >= 0.9


def test_a_model_of_the_user_is_copied_or_made() -> None:
    x, y, wrong = blobs()
    model = nn.Linear(4, 3)
    before = model.weight.clone()
    table = find_label_errors(x, y, model, learning_rate=0.05).table
    assert torch.equal(model.weight, before)
    assert wrong[table.index[:30]].mean() >= 0.9
    made = find_label_errors(x, y, lambda features, classes: nn.Linear(features, classes), epochs=1)
    assert isinstance(made.model, nn.Linear) and made.model.out_features == 3


def test_watch_is_called_after_every_epoch() -> None:
    calls: list[tuple[int, int, float]] = []
    x, y, _ = blobs(30)
    find_label_errors(x, y, epochs=2, watch=lambda *call: calls.append(call))
    assert calls == [(1, 2, 1.0), (2, 2, 1.0)]


BAD: list[tuple[Any, Any, str]] = [
    (np.ones((3, 2)), [0, 1], "needs a label per row; got 3 rows and 2 labels"),
    (np.ones(3), [0, 1, 0], r"shape \(n, features\); got \(3,\)"),
    (np.ones((0, 2)), [], r"shape \(n, features\); got \(0, 2\)"),
    ([["a", "b"]], [0], "expects X to be an array of numbers"),
    ([[1.0], [np.nan]], [0, 1], "got 1 NaN or infinite values in X"),
    (sparse.lil_matrix([[1.0], [np.inf]]), [0, 1], "got 1 NaN or infinite values in X"),
    ([[1.0], [1e300]], [0, 1], "got 1 NaN or infinite values in X, or beyond float32"),
    (np.ones((3, 1)), ["a", "b", float("nan")], r"1 missing labels, at \[2\]"),
    (np.ones((2, 1)), ["a", None], r"1 missing labels, at \[1\]"),
    (np.ones((2, 1)), [0.5, 1.5], "labels are numbers with fractions"),
    (np.ones((2, 1)), ["a", "a"], "needs two classes or more"),
]


@pytest.mark.parametrize(("x", "y", "said"), BAD)
def test_arrays_that_cannot_be_audited_are_refused(x: Any, y: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        find_label_errors(x, y)
