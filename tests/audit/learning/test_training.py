"""Claims about the training of an audit, and about an audit of a torch dataset."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, TensorDataset

from selfpaced import Indexed
from selfpaced.audit import audit
from selfpaced.audit._learning.aims import Classes, Numbers
from selfpaced.audit._learning.machine import Alone
from selfpaced.audit._learning.networks import mlp
from selfpaced.audit._learning.training import Settings, Training


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


@pytest.mark.parametrize("workers", [0, 1])
def test_a_dataset_is_audited_with_any_model(workers: int) -> None:
    dataset, wrong = data()
    settings: dict[str, Any] = {"batch_size": 16, "learning_rate": 0.01, "workers": workers}
    found = audit(dataset, model(), epochs=12, **settings)
    assert float(wrong[found.table.index[:20].tolist()].float().mean()) >= 0.9
    assert found.count.low <= 20 <= found.count.high
    assert len(found.history) == 12 and not found.model.training


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
    assert float(wrong[found.table.index[:20].tolist()].float().mean()) >= 0.9


@pytest.mark.parametrize("aim", [Classes(2), Numbers()])
def test_a_training_that_diverges_says_what_to_do(aim: Classes | Numbers) -> None:
    dataset, _ = data()
    labels = dataset.tensors[1] if aim.outputs == 2 else dataset.tensors[1].float()
    settings = Settings(epochs=3, batch_size=16, learning_rate=1e30)
    net = mlp((2,), aim.outputs)
    training = Training(Indexed(dataset), net, labels, aim, settings)
    said = r"diverged: .* Lower the learning rate \(learning_rate=\.\.\.\)"
    with pytest.raises(ValueError, match=said) as raised:
        training.run()
    assert "skip_nan" not in str(raised.value)


def test_too_few_logits_are_refused() -> None:
    said = r"a logit for every class, .* at least 2 classes; it returned shape \(128, 1\)"
    with pytest.raises(ValueError, match=said):
        audit(data()[0], nn.Linear(2, 1))


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


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epochs": 0}, "epochs must be"),
        ({"batch_size": -1}, "batch_size must be"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0, and finite; got 0"),
        ({"learning_rate": math.inf}, "learning_rate must be above 0, and finite; got inf"),
        ({"seed": -1}, "seed"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Settings(**settings)


def started(seed: int = 0) -> Training:
    """Return a training before its first batch."""
    dataset, _ = data()
    torch.manual_seed(seed)
    net = mlp((2,), 2)  # it has dropout, so that the state of the random numbers matters
    settings = Settings(epochs=4, batch_size=32)
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


@pytest.mark.parametrize("after", [1, 3, 7, 9, 14])  # an epoch has 7 batches
def test_a_training_that_was_stopped_continues_bit_for_bit(after: int) -> None:
    whole = started()
    assert whole.run()
    calls: list[int] = []

    def pulse() -> bool:
        calls.append(1)
        return len(calls) == after

    stopped = started()
    assert not stopped.run(pulse=pulse)
    assert (stopped.epoch, stopped.position) == (after // 7, after % 7) or after % 7 == 0
    state = stopped.state_dict()
    torch.rand(3)
    resumed = started(seed=1)
    resumed.load_state_dict(state)
    assert resumed.run()
    assert equal(resumed.state_dict(), whole.state_dict())


def test_an_incomplete_state_is_refused() -> None:
    state = {key: value for key, value in started().state_dict().items() if key != "pacer"}
    with pytest.raises(ValueError, match=r"cut short; it lacks \['pacer'\]"):
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


def test_a_state_that_was_saved_after_an_epoch_continues_bit_for_bit() -> None:
    whole, states = started(), []
    whole.run(lambda *_: states.append(copy.deepcopy(whole.state_dict())))
    again = started(seed=1)
    again.load_state_dict(states[1])
    assert again.run() and equal(again.state_dict(), whole.state_dict())
