"""Claims about an audit of arrays."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from torch import nn

from selfpaced.audit import Audit, find_label_errors
from selfpaced.audit._learning.mixture import Blend
from selfpaced.audit._learning.networks import Copies
from selfpaced.audit._learning.settings import Settings

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
    """Return the result of a mixture of all kinds of models."""
    x, y, _ = blobs()
    return find_label_errors(x, y, epochs=8)


def test_the_wrong_labels_come_first_and_the_meant_class_is_suggested(found: Audit) -> None:
    _, y, wrong = blobs()
    first = found.table.head(30)
    assert wrong[first.index].mean() >= 0.95
    assert list(found.table.columns) == ["label", "probability", "suggested", "confidence", "loss"]
    truth = NAMES[np.arange(300) % 3]
    assert (first["suggested"] == truth[first.index]).mean() >= 0.95
    assert (found.table["suggested"] != found.table["label"]).all()  # the best other class
    assert (found.table["label"].sort_index() == y).all()


def test_all_kinds_of_models_judge_labels_that_they_did_not_learn(found: Audit) -> None:
    _, y, _ = blobs()
    judged = found.reliability
    assert judged is not None and judged.learned and judged.told_apart
    kinds = ["logistic", "kernel", "boosting", "trees", "network"]
    assert list(judged.learners) == kinds == list(found.model.members)
    assert sum(judged.learners.values()) == pytest.approx(1)
    assert judged.accuracy == pytest.approx(0.9, abs=0.01)
    assert judged.base_accuracy == pytest.approx(1 / 3, abs=0.01)
    assert judged.log_loss < judged.base_log_loss == pytest.approx(np.log(3), abs=0.01)
    assert judged.classes["rows"].to_dict() == pd.Series(y).value_counts().to_dict()
    assert (judged.classes["flagged"] < 0.2).all() and len(judged.withheld) == 0


@pytest.mark.parametrize(
    "asked",
    [
        {"learner": "logistic"},
        {"learner": "kernel"},
        {"learner": "boosting"},
        {"learner": "trees"},
        {"learner": "network", "epochs": 25},
        {"folds": 0, "epochs": 25},
    ],
    ids=str,
)
def test_each_kind_of_model_finds_the_wrong_labels(asked: dict[str, Any]) -> None:
    x, y, wrong = blobs()
    found = find_label_errors(x, y, **asked)
    assert wrong[found.table.index[:30]].mean() >= 0.9
    assert found.count.low <= 30 <= found.count.high
    kind = asked.get("learner", "network")
    if "folds" in asked:
        assert found.reliability is None and isinstance(found.model, nn.Sequential)
    else:
        assert found.reliability is not None and list(found.reliability.learners) == [kind]
        assert isinstance(found.model, Copies if kind == "network" else Blend)


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
    ("rows", "form", "batch", "rate", "folds"),
    [
        (300, np.asarray, 32, 1e-3, 3),
        (2000, np.asarray, 128, 1e-3, 3),
        (20_001, np.asarray, 128, 1e-3, 2),
        (300, sparse.csr_array, 32, 3e-4, 3),
    ],
    ids=["few", "many", "very many", "sparse"],
)
def test_the_rows_decide_the_default_settings_of_a_network(
    rows: int,
    form: Any,
    batch: int,
    rate: float,
    folds: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen: list[Settings] = []

    def stop(*arguments: Any, groups: Any) -> Any:
        chosen.append(arguments[-1])
        raise KeyboardInterrupt

    monkeypatch.setattr("selfpaced.audit._find.Training", stop)
    x = np.random.default_rng(0).normal(size=(rows, 2))
    with pytest.raises(KeyboardInterrupt):
        find_label_errors(form(x), np.arange(rows) % 2, learner="network")
    made = chosen[0]
    assert (made.batch_size, made.learning_rate, made.folds) == (batch, rate, folds)
    assert made.epochs == max(30, -(-600 // -(-rows // batch)))


@pytest.mark.parametrize(
    ("asked", "epochs", "folds"), [({}, 8, 5), ({"epochs": 3, "folds": 2}, 3, 2)], ids=str
)
def test_other_models_have_rounds_and_folds_of_their_own(
    asked: dict[str, Any], epochs: int, folds: int
) -> None:
    x, y, _ = blobs(90)
    seen: list[tuple[int, int]] = []
    found = find_label_errors(
        x, y, learner="logistic", watch=lambda *epoch: seen.append(epoch[:2]), **asked
    )
    assert seen == [(number, epochs) for number in range(1, epochs + 1)]
    assert len(found.model.members["logistic"].estimators) == folds


def test_the_same_seed_gives_the_same_result_whatever_was_drawn_before() -> None:
    x, y, _ = blobs()
    one = find_label_errors(x, y, epochs=2)
    torch.rand(7)
    np.random.default_rng().random()
    pd.testing.assert_frame_equal(find_label_errors(x, y, epochs=2).table, one.table)
    other = find_label_errors(x, y, epochs=2, seed=1).table
    assert not other.sort_index().equals(one.table.sort_index())


def test_a_large_offset_of_the_features_hides_no_suspect() -> None:
    x, y, wrong = blobs()
    found = find_label_errors(x + 1.7e9, y, learner="logistic")
    assert sorted(found.suspects.index) == np.flatnonzero(wrong).tolist()


@pytest.mark.parametrize("learner", ["logistic", "network"])
def test_the_value_of_a_constant_feature_changes_nothing(learner: str) -> None:
    x, y, _ = blobs()
    first, second = (
        find_label_errors(
            np.column_stack([x, np.full(300, value)]), y, learner=learner, epochs=2
        ).table
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


@pytest.mark.parametrize(
    ("learner", "kinds"),
    [("auto", ["words", "bayes"]), ("logistic", ["words", "bayes"]), ("network", ["network"])],
)
def test_wrong_labels_of_sparse_rows_are_found(learner: str, kinds: list[str]) -> None:
    x, y, wrong = blobs()
    rows, epochs = sparse.csr_matrix(np.maximum(x, 0)), 30 if learner == "network" else None
    found = find_label_errors(rows, y, learner=learner, epochs=epochs)
    assert wrong[found.table.index[:30]].mean() >= 0.9
    assert found.reliability is not None and list(found.reliability.learners) == kinds


def test_rows_of_several_dimensions_are_audited() -> None:
    x, y, wrong = blobs()
    found = find_label_errors(x.reshape(300, 2, 2), y, epochs=3)
    assert wrong[found.table.index[:30]].mean() >= 0.9


def test_a_model_of_the_user_is_copied_or_made() -> None:
    x, y, wrong = blobs()
    model = nn.Linear(4, 3)
    before = model.weight.clone()
    found = find_label_errors(x, y, model, learning_rate=0.05, epochs=20)
    assert torch.equal(model.weight, before)
    assert wrong[found.table.index[:30]].mean() >= 0.9
    assert isinstance(found.model, Copies) and len(found.model.networks) == 3
    made = find_label_errors(
        x, y, lambda features, classes: nn.Linear(features, classes), epochs=1, folds=0
    )
    assert isinstance(made.model, nn.Linear) and made.model.out_features == 3


def test_watch_is_called_after_every_epoch_of_all_models() -> None:
    x, y, _ = blobs(30)
    for learner, epochs in (("network", 2), ("auto", 4)):
        calls: list[tuple[int, int, float]] = []
        find_label_errors(
            x, y, learner=learner, epochs=2, watch=lambda *call, to=calls: to.append(call)
        )
        assert calls == [(number, epochs, 1.0) for number in range(1, epochs + 1)]


def test_labels_that_tell_nothing_are_not_called_wrong() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(300, 4)), rng.integers(0, 3, 300)
    found = find_label_errors(x, y, learner="logistic")
    assert found.reliability is not None and not found.reliability.learned
    assert not found.table["probability"].any() and found.suspects.empty
    assert found.count.estimate == found.count.low == 0 and found.count.high > 100


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


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"learner": "forest"}, "learner must be one of .*; got 'forest'"),
    ({"folds": 1}, "folds must be 2 or more, or 0 to judge labels by models that learned them"),
    ({"folds": -1, "learner": "logistic"}, "folds must be 2 or more"),
    ({"folds": 0, "learner": "trees"}, "folds=0 need a network; learner=trees is none, and always"),
    ({"model": nn.Linear(4, 3), "learner": "kernel"}, "need a network; learner=kernel is none"),
    ({"epochs": 0, "learner": "logistic"}, "epochs must be a positive int; got 0"),
]


@pytest.mark.parametrize(("asked", "said"), MISTAKES)
def test_settings_that_do_not_fit_are_refused(asked: dict[str, Any], said: str) -> None:
    x, y, _ = blobs(30)
    with pytest.raises(ValueError, match=said):
        find_label_errors(x, y, **asked)


@pytest.mark.parametrize("learner", ["kernel", "boosting", "trees"])
def test_a_learner_of_dense_rows_refuses_sparse_ones(learner: str) -> None:
    x, y, _ = blobs(30)
    said = f"learner={learner} does not read a sparse X. Use learner='logistic', or X.toarray()"
    with pytest.raises(ValueError, match=said):
        find_label_errors(sparse.csr_array(x), y, learner=learner)


@pytest.mark.parametrize(("x", "y", "said"), BAD)
def test_arrays_that_cannot_be_audited_are_refused(x: Any, y: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        find_label_errors(x, y)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_the_wrong_labels_of_copies_are_found(form: Any) -> None:
    x, y, wrong = blobs(60)
    rows, labels = np.concatenate([x, x]), np.concatenate([y, y])
    found = find_label_errors(form(rows), labels, learner="logistic")
    bad = np.flatnonzero(np.concatenate([wrong, wrong]))
    first = found.table.index[: len(bad)]
    assert len(set(first) & set(bad)) >= 0.9 * len(bad)
    assert len({int(each) % len(y) for each in first}) == len(bad) // 2  # both copies of each


def test_suspects_come_first_and_all_others_by_their_loss(found: Audit) -> None:
    chance, loss = found.table["probability"] > 0.5, found.table["loss"]
    k = int(chance.sum())
    assert chance.iloc[:k].all()
    for part in (loss.iloc[:k], loss.iloc[k:]):
        assert part.is_monotonic_decreasing


def test_settings_of_networks_are_refused_where_none_is_trained() -> None:
    x, y, _ = blobs(30)
    said = "batch_size=... and learning_rate=... are settings of networks, and none is trained"
    with pytest.raises(ValueError, match=said):
        find_label_errors(x, y, learner="trees", batch_size=1)
    with pytest.raises(ValueError, match=said):
        find_label_errors(x, y, learner="trees", learning_rate=0.1)


def test_rows_without_features_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expects rows of features.*got \(4, 0\)"):
        find_label_errors(np.empty((4, 0)), ["a", "b", "a", "b"])
