"""Claims about the training of an audit, and about an audit of a torch dataset."""

import copy
import math
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, TensorDataset

from selfpaced import Indexed, Pacer
from selfpaced.age import Threshold
from selfpaced.audit import audit
from selfpaced.audit._learning import training as module
from selfpaced.audit._learning.aims import Classes, Numbers
from selfpaced.audit._learning.batches import Rows
from selfpaced.audit._learning.machine import Alone
from selfpaced.audit._learning.networks import Copies, mlp
from selfpaced.audit._learning.settings import Settings
from selfpaced.audit._learning.training import Training
from selfpaced.pacing import Constant


def data() -> tuple[TensorDataset, Tensor]:
    """Return two blobs of which every tenth label is wrong, and which labels are wrong."""
    generator = torch.Generator().manual_seed(0)
    truth = torch.arange(200) % 2
    x = torch.randn(200, 2, generator=generator) + 6.0 * truth[:, None]
    wrong = torch.arange(200) % 10 == 0
    return TensorDataset(x, torch.where(wrong, 1 - truth, truth)), wrong


def model() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))


@pytest.mark.parametrize(("workers", "folds"), [(0, None), (1, None), (0, 0), (0, 2)])
def test_a_dataset_is_audited_with_any_model(workers: int, folds: int | None) -> None:
    dataset, wrong = data()
    settings: dict[str, Any] = {"batch_size": 16, "learning_rate": 0.01, "workers": workers}
    found = audit(dataset, model(), epochs=12, folds=folds, **settings)
    assert float(wrong[found.table.index[:20].tolist()].float().mean()) >= 0.9
    assert found.count.low <= 20 <= found.count.high
    assert len(found.history) == 12 and not found.model.training
    assert (found.reliability is None) == (folds == 0)
    if folds == 0:
        assert isinstance(found.model, nn.Sequential)
    else:
        assert isinstance(found.model, Copies) and len(found.model.networks) == (folds or 3)


def test_labels_that_are_passed_are_not_read_from_the_dataset() -> None:
    dataset, _ = data()
    labels = dataset.tensors[1]
    read: list[int] = []

    class Counting(Dataset[Any]):
        def __len__(self) -> int:
            return len(labels)

        def __getitem__(self, index: int) -> Any:
            read.append(index)
            return dataset.tensors[0][index], labels[index]

    audit(Counting(), model(), labels, epochs=1)
    assert len(read) == len(labels)


def test_labels_that_are_passed_are_trained_on() -> None:
    dataset, wrong = data()
    flipped = (1 - dataset.tensors[1]).tolist()
    found = audit(dataset, model(), flipped, epochs=12, batch_size=16, learning_rate=0.01)  # type: ignore[arg-type]  # a list does
    assert int(wrong[found.table.index[:20].tolist()].sum()) >= 18


@pytest.mark.parametrize(("aim", "folds"), [(Classes(2), 0), (Classes(2), 3), (Numbers(), 0)])
def test_a_training_that_diverges_says_what_to_do(aim: Classes | Numbers, folds: int) -> None:
    dataset, _ = data()
    labels = dataset.tensors[1] if aim.outputs == 2 else dataset.tensors[1].float()
    settings = Settings(epochs=3, batch_size=16, learning_rate=1e30, folds=folds)
    net = mlp((2,), aim.outputs)
    training = Training(Indexed(dataset), net, labels, aim, settings)
    said = r"diverged: .* Lower the learning rate \(learning_rate=\.\.\.\)"
    with pytest.raises(ValueError, match=said) as raised:
        training.run()
    assert "skip_nan" not in str(raised.value)


@pytest.mark.parametrize(("folds", "rows"), [(0, "128"), (3, "6[67]")])
def test_too_few_logits_are_refused(folds: int, rows: str) -> None:
    said = rf"a logit for every class, .* at least 2 classes; it returned shape \({rows}, 1\)"
    with pytest.raises(ValueError, match=said):
        audit(data()[0], nn.Linear(2, 1), folds=folds)


LABELS = [
    (torch.zeros(3, dtype=torch.int64), r"shape \(200,\); got torch.int64 of shape \(3,\)"),
    (torch.zeros(200), r"one int64 label per sample, .* got torch.float32"),
    (torch.arange(200) % 2 - 1, "labels from 0; got -1"),
    (torch.zeros(200, dtype=torch.int64), "two classes or more"),
]


@pytest.mark.parametrize(("labels", "said"), LABELS)
def test_labels_that_are_not_classes_are_refused(labels: Tensor, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        audit(data()[0], model(), labels)


def started(seed: int = 0, folds: int = 0, epochs: int = 4) -> Training:
    """Return a training before its first batch; an epoch has 7 batches, with three folds 9."""
    dataset, _ = data()
    torch.manual_seed(seed)
    net = mlp((2,), 2)  # it has dropout, so that the state of the random numbers matters
    settings = Settings(epochs=epochs, batch_size=32, folds=folds)
    return Training(Indexed(dataset), net, dataset.tensors[1], Classes(2), settings)


def equal(one: Any, other: Any) -> bool:
    """Return whether two states are equal bit for bit; NaN equals NaN."""
    if isinstance(one, Tensor):
        return bool(torch.equal(one.nan_to_num(nan=-1.0), other.nan_to_num(nan=-1.0)))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


@pytest.mark.parametrize(
    ("after", "folds"), [(1, 0), (3, 0), (7, 0), (9, 0), (14, 0), (1, 3), (8, 3), (9, 3), (20, 3)]
)
def test_a_training_that_was_stopped_continues_bit_for_bit(after: int, folds: int) -> None:
    whole, size = started(folds=folds), 9 if folds else 7
    assert whole.run() and whole.pulses == whole.done == 4 * size
    calls: list[int] = []

    def pulse() -> bool:
        calls.append(1)
        return len(calls) == after

    stopped = started(folds=folds)
    assert not stopped.run(pulse=pulse) and stopped.done == after
    assert (stopped.epoch, stopped.position) == divmod(after, size) or after % size == 0
    state = stopped.state_dict()
    torch.rand(3)
    resumed = started(seed=1, folds=folds)
    resumed.load_state_dict(state)
    assert resumed.run()
    assert equal(resumed.state_dict(), whole.state_dict())


def test_an_incomplete_state_is_refused() -> None:
    state = {key: value for key, value in started().state_dict().items() if key != "pacer"}
    with pytest.raises(ValueError, match=r"cut short; it lacks \['pacer'\]"):
        started().load_state_dict(state)


def damaged(state: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy of a state with another value at a path such as "optimizer.state.0"."""
    state = copy.deepcopy(state)
    *way, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    part: Any = state
    for key in way:
        part = part[key]
    part[last] = value
    return state


DAMAGES: list[tuple[str, Any, str]] = [
    ("version", 2, "Training: the state is of version 2, newer than 1"),
    ("epoch", 5, "Training: 'epoch' of the state must be an int from 0 to 4; got 5"),
    ("position", 8, "Training: 'position' of the state must be an int from 0 to 7; got 8"),
    ("settings", None, "The state of the training is damaged: it has no settings"),
    (
        "order",
        torch.zeros(3),
        "'order' of the state must be the state of a random number generator",
    ),
    ("random", [], "'random' of the state must be a list of states of random number generators"),
    ("random", [1], "'random' of the state must be the state of a random number generator"),
    ("model", {}, r"Training: 'model' of the state must be a dict with the keys \["),
    ("pacer", {"_extra_state": 3}, "Pacer: the state must be a dict; got 3"),
    ("optimizer/state/0/exp_avg_sq", torch.ones(1), "Adam: 'exp_avg_sq' of the state of a par"),
    ("optimizer/state/99", {}, "Adam: 'state' of the state must be of the parameters 0 to"),
    ("optimizer/param_groups", [], "Adam: 'param_groups' of the state must be one group of"),
]


@pytest.mark.parametrize(("path", "value", "said"), DAMAGES)
def test_a_damaged_state_changes_nothing(path: str, value: Any, said: str) -> None:
    stopped, other = started(), started(seed=1)
    stopped.run(pulse=lambda: stopped.position == 3)
    before = copy.deepcopy(other.state_dict())
    with pytest.raises(ValueError, match=said):
        other.load_state_dict(damaged(stopped.state_dict(), path, value))
    assert equal(other.state_dict(), before)


def test_parameters_of_a_state_must_be_finite() -> None:
    state = copy.deepcopy(started().state_dict())
    name = next(iter(dict(started().model.named_parameters())))
    state["model"][name].fill_(float("nan"))
    with pytest.raises(ValueError, match=f"'model' of the state must be finite in {name}"):
        started().load_state_dict(state)


def test_numbers_are_learned_without_those_that_are_wrong() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 3, generator=generator)
    truth = x @ torch.tensor([0.6, -0.6, 0.5])
    wrong = torch.arange(400) % 8 == 0
    given = torch.where(wrong, truth.roll(8), truth)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 1))
    settings = Settings(epochs=20, batch_size=16, learning_rate=0.02)
    training = Training(Indexed(TensorDataset(x, given)), net, given, Numbers(), settings)
    training.run()
    torch.testing.assert_close(net(x).squeeze(1), truth, atol=0.05, rtol=0)
    assert not training.pacer.weight[wrong & ((given - truth).abs() > 0.5)].any()


def test_a_model_that_returns_several_numbers_per_sample_is_refused() -> None:
    x = torch.randn(8, 3)
    training = Training(
        Indexed(TensorDataset(x, x[:, 0])), nn.Linear(3, 2), x[:, 0], Numbers(), Settings()
    )
    with pytest.raises(ValueError, match=r"one number per sample, shape \(8, 1\); .* \(8, 2\)"):
        training.run()


class HalfPrecision(Alone):
    """A machine that scales the loss, as a training in fp16 does."""

    def backward(self, loss: Tensor) -> None:
        assert self.scaler is not None
        self.scaler.scale(loss).backward()


def test_the_state_of_the_gradient_scaler_is_saved() -> None:
    def training(scale: float) -> Training:
        dataset, _ = data()
        scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        machine = HalfPrecision(torch.device("cpu"), scaler=scaler)
        settings = Settings(epochs=1, batch_size=32)
        return Training(
            Indexed(dataset), model(), dataset.tensors[1], Classes(2), settings, machine
        )

    one, other = training(8.0), training(2.0)
    one.run()
    other.load_state_dict(one.state_dict())
    assert other.machine.scaler is not None and other.machine.scaler.get_scale() == 8.0


@pytest.mark.parametrize("folds", [0, 3])
def test_a_state_that_was_saved_after_an_epoch_continues_bit_for_bit(folds: int) -> None:
    whole, states = started(folds=folds), []
    whole.run(lambda *_: states.append(copy.deepcopy(whole.state_dict())))
    again = started(seed=1, folds=folds)
    again.load_state_dict(states[1])
    assert again.run() and equal(again.state_dict(), whole.state_dict())


class Watching(Classes):
    """Classes whose labels are all kept; records which copy judged each row, and how."""

    def __init__(self, outputs: int) -> None:
        super().__init__(outputs)
        object.__setattr__(self, "judged", {row: [] for row in range(200)})

    judged: dict[int, list[Tensor]]

    def pacer(self, labels: Tensor, *, held_out: bool = False) -> Pacer:
        return Pacer(len(labels), age=Threshold(Constant(math.inf)))

    def total(self, pacer: Pacer, out: Tensor, index: Tensor, *more: Any) -> Tensor:
        held_out = more[-1]
        for place, row in enumerate(index.tolist()):
            self.judged[row].append(held_out[place].clone())
        return super().total(pacer, out, index, *more)


def batch_normalised() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first = nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3))
        return nn.Sequential(first, nn.Linear(16, 2))


@pytest.mark.parametrize("folds", [2, 3])
def test_no_copy_judges_a_label_that_it_learned(
    folds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "spread", lambda labels, *_: np.arange(len(labels)) % folds)
    dataset, _ = data()
    x, labels = dataset.tensors
    aims = []
    for given in (labels, labels.index_fill(0, torch.tensor([3]), 1 - int(labels[3]))):
        aims.append(Watching(2))
        settings = Settings(epochs=5, batch_size=16, learning_rate=0.01, folds=folds)
        data_set = Indexed(TensorDataset(x, given))
        Training(data_set, batch_normalised(), given, aims[-1], settings).run()
    one, other = (aim.judged for aim in aims)
    assert len(one[3]) == 5 and all(map(torch.equal, one[3], other[3]))
    same_fold = [row for row in range(200) if row % folds == 3 % folds]
    assert all(all(map(torch.equal, one[row], other[row])) for row in same_fold)
    others = [row for row in range(200) if row % folds != 3 % folds]
    assert any(not all(map(torch.equal, one[row], other[row])) for row in others)


def test_a_batch_changes_all_copies_but_the_one_that_judges_it() -> None:
    dataset, _ = data()
    settings = Settings(epochs=3, batch_size=16, folds=3)
    labels = dataset.tensors[1]
    training = Training(Indexed(dataset), batch_normalised(), labels, Classes(2), settings)
    update, fold, copies = training._update, training._fold, training.model
    assert isinstance(copies, Copies) and fold is not None
    judges: list[int] = []

    def watched(index: Tensor, x: Tensor) -> None:
        before = [copy.deepcopy(each.state_dict()) for each in copies.networks]
        update(index, x)
        (judge,) = set(fold[index].tolist())
        judges.append(judge)
        for number, (each, was) in enumerate(zip(copies.networks, before, strict=True)):
            same = [torch.equal(value, was[name]) for name, value in each.state_dict().items()]
            assert all(same) if number == judge else not any(same)

    training._update = watched  # type: ignore[method-assign]  # a spy
    assert training.run() and len(judges) == 3 * 15 and set(judges) == {0, 1, 2}


def test_the_held_out_probabilities_are_those_of_the_copy_that_did_not_learn() -> None:
    dataset, _ = data()
    aim, labels = Watching(2), dataset.tensors[1]
    settings = Settings(epochs=1, batch_size=16, folds=3)
    training = Training(Indexed(dataset), model(), labels, aim, settings)
    training.run()
    held_out = training.held_out["network"]
    assert list(training.held_out) == ["network"] and held_out.dtype == np.float32
    expected = torch.stack([aim.judged[row][0].softmax(0) for row in range(200)]).numpy()
    np.testing.assert_allclose(held_out, expected, rtol=1e-5)
    assert started(epochs=1).run() and started().held_out == {}


class Recording(nn.Linear):
    """A network of images of one pixel's height that records what it learns from and judges."""

    seen: ClassVar[list[tuple[bool, Tensor]]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append((self.training, x))
        return super().forward(x.flatten(1))


@pytest.mark.parametrize("folds", [0, 2])
@pytest.mark.parametrize("shift", [0, 1])
def test_images_are_shifted_only_where_they_are_learned(folds: int, shift: int) -> None:
    images = np.zeros((40, 1, 1, 5), np.uint8)
    images[:, 0, 0, 2] = 255
    labels = torch.arange(40) % 2
    settings = Settings(epochs=2, batch_size=10, folds=folds, shift=shift)
    dataset = Indexed(Rows(images, labels))
    Recording.seen.clear()
    Training(dataset, Recording(5, 2), labels, Classes(2), settings).run()
    learned, judged = (
        {int(place) for training, x in Recording.seen if training == which for place in x.argmax(3)}
        for which in (True, False)
    )
    assert learned == ({1, 2, 3} if shift else {2})
    assert judged == ({2} if folds else set())


def test_a_training_with_shifts_continues_bit_for_bit() -> None:
    def shifting() -> Training:
        images = np.random.default_rng(0).integers(0, 255, (40, 1, 6, 6), dtype=np.uint8)
        labels = torch.arange(40) % 2
        settings = Settings(epochs=3, batch_size=8, folds=2, shift=1)
        torch.manual_seed(0)
        net = mlp((1, 6, 6), 2)
        return Training(Indexed(Rows(images, labels)), net, labels, Classes(2), settings)

    whole, stopped, resumed = (shifting() for _ in range(3))
    whole.run()
    stopped.run(pulse=lambda: stopped.done == 7)
    resumed.load_state_dict(copy.deepcopy(stopped.state_dict()))
    assert resumed.run() and equal(resumed.state_dict(), whole.state_dict())


def test_a_row_that_no_batch_had_is_not_judged() -> None:
    generator = torch.Generator().manual_seed(0)
    x, labels = torch.randn(99, 2, generator=generator), torch.arange(99) % 3
    found = audit(TensorDataset(x, labels), nn.Linear(2, 3), epochs=1, batch_size=32)
    assert found.pacer.ledger.visits.eq(0).sum() == 3  # each fold of 33 rows lost one
    unseen = found.pacer.ledger.visits.eq(0).nonzero().squeeze(1).tolist()
    assert sorted(found.table.index[found.table["probability"].isna()]) == unseen
