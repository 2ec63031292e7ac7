"""Self-paced nets train as skorch does where nothing is left out, and can be resumed."""

import pickle
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNet, NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import Callback, Checkpoint, EpochScoring, LoadInitState, PrintLog
from skorch.dataset import Dataset, ValidSplit
from skorch.helper import predefined_split
from skorch.scoring import loss_scoring
from torch import Tensor, nn
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import IterableDataset, Subset, TensorDataset, WeightedRandomSampler

from selfpaced import PacedSampler
from selfpaced.age import Auto, Deviations, Quantile
from selfpaced.pacing import Constant
from selfpaced.skorch import SelfPacedMixin, SelfPacedNetClassifier, SelfPacedNetRegressor
from selfpaced.tracking import scalars

Arrays = tuple[NDArray[np.float32], NDArray[np.int64]]
HALF = Quantile(Constant(0.5))


class Net(nn.Module):
    """Two layers and dropout: one random number drawn too many would change the training."""

    def __init__(self, outputs: int = 2, softmax: bool = False) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Dropout(0.1))
        self.last = nn.Linear(16, outputs)
        self.softmax = softmax

    def forward(self, X: Tensor) -> Tensor:
        scores: Tensor = self.last(self.layers(X))
        return scores.softmax(1) if self.softmax else scores


def plain(kind: Any, **settings: Any) -> Any:
    """A net of the kind, with the same initial parameters at each call."""
    torch.manual_seed(0)
    chosen = {"criterion": nn.CrossEntropyLoss, "max_epochs": 4, "lr": 0.1, "verbose": 0}
    chosen |= {"batch_size": 16, "iterator_train__shuffle": True}
    return kind(Net, **(chosen | settings))


paced = partial(plain, SelfPacedNetClassifier)


def fitted(net: Any, X: Any, y: Any) -> Any:
    torch.manual_seed(1)
    return net.fit(X, y)


def parameters(net: Any) -> Tensor:
    return torch.cat([p.detach().flatten() for p in net.module_.parameters()])


@pytest.fixture(scope="module")
def blobs() -> Arrays:
    """Two blobs of 60; the labels of rows 3 and 90 are wrong."""
    y = np.repeat([0, 1], 60)
    X = np.random.default_rng(0).normal(size=(120, 2)) + 6 * y[:, None]
    y[[3, 90]] = 1 - y[[3, 90]]
    return X.astype(np.float32), y


KINDS: list[tuple[Any, Any, dict[str, Any]]] = [
    (NeuralNetClassifier, SelfPacedNetClassifier, {}),
    (
        NeuralNetClassifier,
        SelfPacedNetClassifier,
        {"criterion__weight": torch.tensor([1.0, 3.0])},
    ),
    (
        NeuralNetClassifier,
        SelfPacedNetClassifier,
        {"criterion": nn.NLLLoss, "module__softmax": True},
    ),
    (NeuralNetClassifier, SelfPacedNetClassifier, {"criterion__reduction": "sum", "lr": 0.01}),
    (
        NeuralNetRegressor,
        SelfPacedNetRegressor,
        {"criterion": nn.MSELoss, "module__outputs": 1, "lr": 0.01},
    ),
    (
        NeuralNetRegressor,
        SelfPacedNetRegressor,
        {"criterion": nn.L1Loss, "module__outputs": 3, "lr": 0.01},
    ),
]


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_without_an_age_it_is_skorchs_own_training(blobs: Arrays, kind: int) -> None:
    host, ours, settings = KINDS[kind]
    X, y = blobs
    target = y if host is NeuralNetClassifier else X[:, :1].repeat(settings["module__outputs"], 1)
    own = fitted(plain(host, **settings), X, target)
    net = fitted(plain(ours, pacer__age=None, **settings), X, target)
    torch.testing.assert_close(parameters(net), parameters(own))
    for name in ("train_loss", "valid_loss"):
        np.testing.assert_allclose(net.history[:, name], own.history[:, name], rtol=1e-5)
    assert (net.weights_ == 1).all()
    assert loss_scoring(net, X, target) == pytest.approx(loss_scoring(own, X, target), rel=1e-5)


def test_it_leaves_out_wrong_labels_and_names_their_rows(blobs: Arrays) -> None:
    most = Quantile(Constant(0.95))
    net = fitted(paced(train_split=None, max_epochs=10, pacer__age=most), *blobs)
    assert set(net.suspects_[:2]) == {3, 90}
    assert sorted(net.suspects_) == list(range(120)) and net.suspects_.dtype == np.int64
    assert net.weights_[[3, 90]].tolist() == [0.0, 0.0] and net.weights_.mean() > 0.9
    assert net.difficulty_[[3, 90]].min() > np.nanmedian(net.difficulty_)
    assert net.weights_.dtype == net.difficulty_.dtype == np.float64


def test_attributes_are_by_row_of_x_when_a_part_validates(blobs: Arrays) -> None:
    X, y = blobs
    split = ValidSplit(0.25, stratified=True, random_state=3)
    net = fitted(paced(train_split=split, max_epochs=10), X, y)
    train, valid = split(Dataset(X, y), y)
    assert sorted(net.suspects_) == sorted(train.indices)
    assert np.isnan(net.difficulty_[valid.indices]).all()
    assert not np.isnan(net.difficulty_[train.indices]).any()
    assert (net.weights_[valid.indices] == 1).all() and len(net.weights_) == 120
    wrong = {3, 90} & set(train.indices)
    assert wrong and set(net.suspects_[: len(wrong)]) == wrong


def test_each_batch_is_weighed_by_its_own_rows(blobs: Arrays) -> None:
    X, y = blobs

    class Asking(Callback):  # type: ignore[misc]  # skorch has no types
        """Compares the batch that a callback is shown with the rows that the net remembers."""

        def on_batch_end(self, net: Any, batch: Any, training: bool, **_: Any) -> None:
            if training:
                shown, labels = batch
                rows = net.pacer_.rows[net.places_]
                assert torch.equal(shown, torch.from_numpy(X)[rows])
                assert torch.equal(labels, torch.from_numpy(y)[rows])

    net = fitted(paced(callbacks=[Asking()], iterator_train__num_workers=1, max_epochs=1), X, y)
    assert int(net.pacer_.ledger.visits.sum()) == 96


def test_the_data_may_be_a_dataset_or_a_part_of_one(blobs: Arrays) -> None:
    X, y = torch.from_numpy(blobs[0]), torch.from_numpy(blobs[1])
    part = Subset(TensorDataset(X, y), list(range(119, -1, -1)))
    net = fitted(paced(train_split=None, max_epochs=10), part, None)
    assert set(net.suspects_[:2]) == {119 - 3, 119 - 90}
    assert net.pacer_.current_age.shape == (2,)
    held = predefined_split(TensorDataset(X[:9], y[:9]))
    net = fitted(paced(train_split=held), X, y)
    assert len(net.suspects_) == 120
    nested = lambda whole, _: (Subset(Subset(whole, range(100)), [3, 5, 90]), None)  # noqa: E731
    net = fitted(paced(train_split=nested, max_epochs=1), X, y)
    assert sorted(net.suspects_) == [3, 5, 90] and len(net.weights_) == 120


def test_items_may_need_the_users_collate_function(blobs: Arrays) -> None:
    class Records(TensorDataset):
        """Items that need the user's own collate function, fetched in one call."""

        def __getitems__(self, places: list[int]) -> list[dict[str, Tensor]]:
            return [{"x": self.tensors[0][place], "y": self.tensors[1][place]} for place in places]

    def collate(items: list[dict[str, Tensor]]) -> tuple[Tensor, Tensor]:
        return torch.stack([i["x"] for i in items]), torch.stack([i["y"] for i in items])

    records = Records(*map(torch.from_numpy, blobs))
    net = paced(train_split=None, iterator_train__collate_fn=collate, max_epochs=10)
    assert set(fitted(net, records, None).suspects_[:2]) == {3, 90}


def test_a_collate_function_that_sorts_is_refused(blobs: Arrays) -> None:
    def sorting(items: list[Any]) -> Any:
        x, y = zip(*sorted(items, key=lambda item: float(item[0][0])), strict=True)
        return torch.from_numpy(np.stack(x)), torch.tensor(y)

    with pytest.raises(ValueError, match="changes the order of the samples"):
        paced(iterator_train__collate_fn=sorting).fit(*blobs)


def test_classifiers_protect_classes_and_regressors_use_deviations(blobs: Arrays) -> None:
    X, y = blobs
    net = fitted(paced(classes=[4, 7]), X, y)
    assert net.pacer_.age == Auto() and net.pacer_.current_age.shape == (2,)
    target = X.sum(1, keepdims=True)
    regressor = partial(plain, SelfPacedNetRegressor, module__outputs=1, max_epochs=1, lr=0.01)
    for criterion, power in ((nn.MSELoss, 2.0), (nn.L1Loss, 1.0)):
        net = fitted(regressor(criterion=criterion), X, target)
        assert net.pacer_.age == Deviations(power=power)
    assert "group" not in net.pacer_.ledger.columns


def test_wrong_targets_are_left_out(blobs: Arrays) -> None:
    X = blobs[0]
    target = X.sum(1, keepdims=True)
    target[[5, 70]] += 100.0
    net = plain(SelfPacedNetRegressor, criterion=nn.MSELoss, module__outputs=1, train_split=None)
    net = fitted(net.set_params(max_epochs=20, lr=0.01), X, target)
    assert set(net.suspects_[:2]) == {5, 70} and not net.weights_[[5, 70]].any()


def test_the_mixin_works_with_any_net(blobs: Arrays) -> None:
    class Binary(SelfPacedMixin, NeuralNetBinaryClassifier):  # type: ignore[misc]  # untyped
        pass

    class Any_(SelfPacedMixin, NeuralNet):  # type: ignore[misc]  # untyped
        pass

    X, y = blobs
    torch.manual_seed(0)
    module = nn.Sequential(Net(1), nn.Flatten(0))
    binary = Binary(module, train_split=None, lr=0.3, verbose=0, batch_size=16, max_epochs=10)
    binary = fitted(binary, X, y.astype(np.float32))
    assert {3, 90} <= set(binary.suspects_[:5]) and binary.pacer_.current_age.shape == (2,)
    assert fitted(plain(Any_), X, y).pacer_.current_age.ndim == 0


def test_class_weights_do_not_change_the_difficulty(blobs: Arrays) -> None:
    settings: dict[str, Any] = {"train_split": None, "pacer__age": None, "max_epochs": 1}
    weight = torch.tensor([0.0, 1000.0])
    net = fitted(paced(criterion__weight=weight, lr=0.0, **settings), *blobs)
    own = fitted(paced(lr=0.0, **settings), *blobs)
    ones = blobs[1] == 1
    np.testing.assert_allclose(net.difficulty_[ones], own.difficulty_[ones], rtol=1e-4)
    assert not net.difficulty_[~ones].any()


def test_tags_raise_a_warning_with_the_default_age(blobs: Arrays) -> None:
    X, y = blobs
    tags = np.stack([y, 1 - y], 1).astype(np.float32)
    make = partial(plain, type("Tags", (SelfPacedMixin, NeuralNet), {}), train_split=None)
    with pytest.warns(UserWarning, match="targets are tags.* give pacer__age=Quantile"):
        make(criterion=nn.BCEWithLogitsLoss).fit(X, tags)
    make(criterion=nn.BCEWithLogitsLoss, pacer__age=HALF).fit(X, tags)  # no warning


def test_losses_slightly_below_zero_count_as_zero_difficulty(blobs: Arrays) -> None:
    class Sure(nn.Module):
        """Gives the label of nearly all rows probability 1: skorch makes that -ln(1 + eps)."""

        def __init__(self) -> None:
            super().__init__()
            self.free = nn.Parameter(torch.zeros(()))

        def forward(self, X: Tensor) -> Tensor:
            first = (X.sum(1, keepdim=True) < 5).float()
            return torch.cat([first, 1 - first], 1) + 0 * self.free

    torch.manual_seed(0)
    net = SelfPacedNetClassifier(Sure, verbose=0, train_split=None, lr=0.0, max_epochs=6)
    net.fit(*blobs)
    assert net.history[0, "batches", 0, "train_loss"] > 0
    assert np.nanmin(net.difficulty_) == 0 and set(net.suspects_[:2]) == {3, 90}


def test_the_history_has_all_our_numbers_and_the_table_has_one(blobs: Arrays) -> None:
    rows: list[str] = []
    settings: dict[str, Any] = {"callbacks__print_log__sink": rows.append, "pacer__age": HALF}
    scoring = EpochScoring("accuracy", on_train=True, name="train_acc", lower_is_better=False)
    net = fitted(paced(callbacks=[scoring], **settings), *blobs)
    said = scalars(net.pacer_)
    assert {name: net.history[-1, name] for name in said} == said
    assert [row["spl/frac_selected"] for row in net.history] == [0.5] * 4
    assert "spl/frac_selected" in rows[0] and "spl/loss_q10" not in rows[0]
    assert len(rows) == 6 and rows[0].count("spl/") == 1
    assert net.history[-1, "train_acc"] > 0.8
    assert isinstance(dict(net.callbacks_)["print_log"], PrintLog)


def test_train_loss_is_what_is_minimised_and_valid_loss_the_mean(blobs: Arrays) -> None:
    net = fitted(paced(pacer__age=HALF, lr=0.0, max_epochs=3), *blobs)
    first, *_, last = net.history[:, "train_loss"]
    assert last < 0.7 * first  # the easier half, over all of the batch
    assert len(set(net.history[:, "valid_loss"])) == 1


def test_fit_starts_anew_and_partial_fit_continues(blobs: Arrays) -> None:
    net = fitted(paced(), *blobs)
    once = net.pacer_.ledger.packed.clone()
    torch.manual_seed(1)
    net.partial_fit(*blobs)
    assert net.pacer_.steps == 8 and len(net.history) == 8
    assert int(net.pacer_.ledger.visits.max()) == 8
    torch.manual_seed(0)
    torch.testing.assert_close(fitted(net, *blobs).pacer_.ledger.visits.max(), torch.tensor(4))
    assert once.shape == net.pacer_.ledger.packed.shape
    warm = fitted(paced(warm_start=True), *blobs)
    assert fitted(warm, *blobs).pacer_.steps == 8


def test_continuing_with_other_rows_is_refused(blobs: Arrays) -> None:
    X, y = blobs
    net = fitted(paced(max_epochs=1, train_split=None), X, y)
    for rows, labels in ((X, 1 - y), (X[:100], y[:100])):
        with pytest.raises(ValueError, match="the pacer remembers other samples"):
            net.partial_fit(rows, labels)
    assert fitted(net, X[:100], y[:100]).pacer_.n_samples == 100
    drawn = fitted(paced(max_epochs=1, train_split=ValidSplit(0.2)), X, y)
    with pytest.raises(ValueError, match="the same rows, targets and train_split"):
        drawn.partial_fit(X, y)


def test_a_regression_continues_with_the_same_targets_only(blobs: Arrays) -> None:
    X, _ = blobs
    settings: dict[str, Any] = {"criterion": nn.MSELoss, "module__outputs": 1, "lr": 1e-3}
    settings["train_split"] = None
    net = fitted(plain(SelfPacedNetRegressor, max_epochs=1, **settings), X, X[:, :1])
    assert net.partial_fit(X, X[:, :1]).pacer_.steps == 2
    with pytest.raises(ValueError, match="the pacer remembers other samples"):
        net.partial_fit(X[::-1], X[::-1, :1])


class Kept(TorchDataset[Any]):
    """A dataset with or without an attribute ``targets``."""

    def __init__(self, X: Any, y: Any, *, targets: bool) -> None:
        self.rows, self.kinds = X, y
        if targets:
            self.targets = y

    def __len__(self) -> int:
        return len(self.kinds)

    def __getitem__(self, place: int) -> Any:
        return self.rows[place], self.kinds[place]


@pytest.mark.parametrize("split", [None, ValidSplit(0.2, random_state=0)])
def test_labels_that_a_dataset_keeps_make_groups(blobs: Arrays, split: Any) -> None:
    X, y = blobs
    net = paced(max_epochs=1, train_split=split, classes=[0, 1])
    net = fitted(net, Kept(X, y, targets=True), None)
    rows = net.pacer_.rows.numpy()
    np.testing.assert_array_equal(net.pacer_.ledger.columns["group"].numpy(), y[rows])


def test_labels_that_need_loading_raise_a_warning(blobs: Arrays) -> None:
    net = paced(max_epochs=1, train_split=None)
    with pytest.warns(UserWarning, match=r"labels of the dataset are not known .* Give y to fit"):
        fitted(net, Kept(*blobs, targets=False), None)
    assert "group" not in net.pacer_.ledger.columns


@pytest.mark.parametrize("weight", [None, torch.tensor([1.0, 3.0])])
def test_ignored_labels_train_as_in_skorch(blobs: Arrays, weight: Tensor | None) -> None:
    X, y = blobs[0], np.where(np.arange(len(blobs[1])) % 5 == 0, -100, blobs[1])
    settings: dict[str, Any] = {"criterion__weight": weight, "train_split": None}
    own = fitted(plain(NeuralNet, **settings), X, y)
    ours = fitted(paced(classes=[0, 1], pacer__age=None, **settings), X, y)
    torch.testing.assert_close(parameters(ours), parameters(own))
    assert ours.history[-1, "train_loss"] == pytest.approx(own.history[-1, "train_loss"])


def test_a_loaded_pacer_without_data_says_what_to_do(blobs: Arrays, tmp_path: Path) -> None:
    X, y = blobs
    path = str(tmp_path / "pacer.pt")
    first = fitted(paced(max_epochs=1, train_split=None), X, y)
    first.save_params(f_pacer=path)
    second = paced(max_epochs=1, train_split=None).initialize()
    second.load_params(f_pacer=path)
    with pytest.raises(NotFittedError, match=r"waits for its rows. Call partial_fit"):
        _ = second.suspects_
    second.partial_fit(X, y, epochs=0)
    np.testing.assert_array_equal(second.suspects_, first.suspects_)


def test_settings_can_change_between_fits(blobs: Arrays) -> None:
    net = fitted(paced(), *blobs)
    age = Quantile(Constant(0.5), by="group")
    net.set_params(pacer__age=age)
    net.partial_fit(*blobs)
    assert net.pacer_.age == age and net.history[-1, "spl/frac_selected"] == 0.5
    assert net.pacer_.steps == 8


def test_columns_have_one_value_per_row_given_to_fit(blobs: Arrays) -> None:
    X, y = blobs
    mass = np.arange(120, dtype=np.float32)
    net = fitted(paced(pacer__columns={"sample_weight": mass}), X, y)
    kept = net.pacer_.ledger.columns["sample_weight"]
    assert torch.equal(kept, torch.from_numpy(mass)[net.pacer_.rows])
    with pytest.raises(ValueError, match=r"one value per row of X, shape \(120,\); got shape \(5,"):
        paced(pacer__columns={"sample_weight": mass[:5]}).fit(X, y)


def run(folder: Path, sampler: Any, epochs: int, blobs: Arrays) -> Any:
    """Train some epochs after the last checkpoint, with the data in a fixed order."""
    kept = Checkpoint(monitor=None, f_pacer="pacer.pt", dirname=str(folder))
    settings = {"iterator_train__sampler": sampler} if sampler else {}
    callbacks = [kept, LoadInitState(kept)]
    net = paced(callbacks=callbacks, iterator_train__shuffle=False, max_epochs=epochs, **settings)
    net.set_params(module__outputs=2, pacer__age=Quantile(Constant(0.8)))
    net.initialize().module_.layers[2].p = 0.0  # the random state of dropout is not saved
    return fitted(net.set_params(warm_start=True), *blobs)


@pytest.mark.parametrize("sampler", [None, partial(PacedSampler, thin=0.3)])
def test_a_run_continues_from_a_checkpoint(blobs: Arrays, tmp_path: Path, sampler: Any) -> None:
    whole = run(tmp_path / "whole", sampler, 6, blobs)
    run(tmp_path / "parts", sampler, 2, blobs)
    second = run(tmp_path / "parts", sampler, 4, blobs)
    assert len(second.history) == second.pacer_.steps == 6
    assert torch.equal(second.pacer_.ledger.packed, whole.pacer_.ledger.packed)
    assert torch.equal(parameters(second), parameters(whole))
    assert list(second.pacer_.history) == list(whole.pacer_.history)


def test_saved_parameters_can_be_loaded_before_and_after_fitting(
    blobs: Arrays, tmp_path: Path
) -> None:
    files = {f"f_{part}": str(tmp_path / part) for part in ("params", "pacer", "history")}
    net = fitted(paced(), *blobs)
    net.save_params(**files)
    fresh = paced().initialize()
    fresh.load_params(**files)
    fresh.partial_fit(*blobs)
    assert fresh.pacer_.steps == len(fresh.history) == 8
    fresh.load_params(**files)
    assert fresh.pacer_.steps == 4
    np.testing.assert_array_equal(fresh.suspects_, net.suspects_)


def test_it_pickles_with_its_memory(blobs: Arrays) -> None:
    net = fitted(paced(), *blobs)
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(again.suspects_, net.suspects_)
    np.testing.assert_array_equal(again.weights_, net.weights_)
    again.partial_fit(*blobs)
    assert again.pacer_.steps == 8 and net.pacer_.steps == 4


def test_a_grid_search_and_a_pipeline_can_set_its_settings(blobs: Arrays) -> None:
    net = paced(max_epochs=3, train_split=None)
    copy = clone(net.set_params(pacer__age=HALF))
    assert copy.get_params()["pacer__age"] == HALF
    grid = {"selfpacednetclassifier__pacer__age": [HALF, Auto()]}
    found = GridSearchCV(make_pipeline(StandardScaler(), net), grid, cv=2).fit(*blobs)
    assert found.best_score_ > 0.9
    best = found.best_estimator_[-1]
    assert best.pacer_.age in (HALF, Auto()) and set(best.suspects_[:2]) == {3, 90}


def test_a_paced_sampler_skips_samples_without_weight(blobs: Arrays) -> None:
    sampler = partial(PacedSampler, revisit=0.0)
    settings: dict[str, Any] = {"iterator_train__sampler": sampler, "pacer__age": HALF}
    net = paced(iterator_train__shuffle=False, **settings)
    net = fitted(net, *blobs)
    sizes = [sum(b["train_batch_size"] for b in row["batches"][:-2]) for row in net.history]
    assert sizes[0] == 96 and sizes[1:] == [48, 48, 48]
    assert clone(net).get_params()["iterator_train__sampler"].func is PacedSampler


def test_the_users_own_sampler_is_used(blobs: Arrays) -> None:
    drawn = [float(row % 12 == 0) for row in range(120)]
    chosen = WeightedRandomSampler(drawn, 60)
    net = paced(iterator_train__shuffle=False, iterator_train__sampler=chosen, train_split=None)
    net = fitted(net, *blobs)
    assert set(np.flatnonzero(~np.isnan(net.difficulty_))) <= set(range(0, 120, 12))


def test_a_prediction_in_training_mode_works(blobs: Arrays) -> None:
    net = fitted(paced(iterator_train__shuffle=False), *blobs)
    assert net.forward(blobs[0], training=True).shape == (120, 2)
    assert len(net.predict(blobs[0])) == 120


def test_the_users_criterion_may_return_a_loss_per_sample(blobs: Arrays) -> None:
    class Own(nn.Module):
        def forward(self, scores: Tensor, y: Tensor) -> Tensor:
            return nn.functional.cross_entropy(scores, y, reduction="none")

    own, known = fitted(paced(criterion=Own), *blobs), fitted(paced(), *blobs)
    torch.testing.assert_close(parameters(own), parameters(known))
    np.testing.assert_allclose(own.history[:, "valid_loss"], known.history[:, "valid_loss"], 1e-5)
    made = nn.CrossEntropyLoss()
    fitted(paced(criterion=made), *blobs)
    assert made.reduction == "mean"


class Mean(nn.Module):
    """A criterion that returns the mean only."""

    def forward(self, scores: Tensor, y: Tensor) -> Tensor:
        return nn.functional.cross_entropy(scores, y)


class Stream(IterableDataset[Any]):
    """Data without a length."""

    def __iter__(self) -> Any:
        return iter([])


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (
            {"criterion": Mean},
            ValueError,
            r"expects one loss per sample, shape \(16, ...\); got shape \(\)",
        ),
        (
            {"pacer__reduction": "none"},
            ValueError,
            'pacer__reduction="none" returns one per sample',
        ),
        ({"pacer__agee": HALF}, TypeError, "agee"),
        ({"pacer_age": HALF}, ValueError, "did you mean pacer__age"),
        (
            {"iterator_train__batch_size": None, "iterator_train__shuffle": False},
            TypeError,
            "a DataLoader of torch that makes batches; got DataLoader with batch_size=None",
        ),
        ({"iterator_train": lambda *_, **__: [1]}, TypeError, "batches; got list"),
    ],
)
def test_mistakes_raise(
    blobs: Arrays, settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        paced(**settings).fit(*blobs)


def test_data_without_a_length_is_refused() -> None:
    with pytest.raises(TypeError, match="Indexed expects a map-style dataset"):
        paced(train_split=None).fit(Stream(), None)


@pytest.mark.parametrize("name", ["suspects_", "weights_", "difficulty_"])
def test_before_fitting_there_are_no_attributes(name: str) -> None:
    made: Callable[[], Any] = lambda: getattr(paced().initialize(), name)  # noqa: E731
    with pytest.raises(NotFittedError, match="has seen no data yet: call fit first"):
        made()
    assert not hasattr(paced(), name)


def test_arguments_of_fit_reach_the_module() -> None:
    class Scaled(nn.Linear):
        def forward(self, X: Tensor, scale: float = 1.0) -> Tensor:
            return super().forward(X) * scale

    X, y = np.zeros((4, 2), np.float32), np.array([0, 1, 0, 1])
    settings: dict[str, Any] = {"train_split": None, "verbose": 0, "max_epochs": 1, "lr": 0.0}
    kind = partial(SelfPacedNetClassifier, Scaled, module__in_features=2, module__out_features=2)
    net = kind(criterion=nn.CrossEntropyLoss, **settings)
    net.fit(X, y, scale=0.0)
    np.testing.assert_allclose(net.difficulty_, np.log(2), rtol=1e-6)


def test_a_few_lines_make_the_example_better(
    run_example: Callable[[str], str], added_lines: Callable[[str, str], list[str]]
) -> None:
    names = ("skorch_plain.py", "skorch_paced.py")
    assert len([line for line in added_lines(*names) if line]) <= 8
    printed = [re.findall(r"([0-9.]+)%", run_example(name)) for name in names]
    (plain,), (accuracy, mislabeled) = [[float(share) for share in line] for line in printed]
    assert accuracy > plain + 5 and mislabeled >= 95


def test_without_skorch_the_error_names_the_extra(import_error: Callable[[str, str], str]) -> None:
    assert 'pip install "selfpaced[skorch]"' in import_error("selfpaced.skorch", "skorch")
