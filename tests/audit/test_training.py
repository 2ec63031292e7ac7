"""Claims about an audit of a torch dataset."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, TensorDataset

from selfpaced.audit import audit
from selfpaced.audit.training import Settings


def data() -> tuple[TensorDataset, Tensor]:
    """Two blobs with every tenth label wrong, and which are."""
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


def test_labels_given_are_not_read_from_the_dataset() -> None:
    dataset, _ = data()
    labels = dataset.tensors[1]
    asked: list[int] = []

    class Counting(Dataset[Any]):
        def __len__(self) -> int:
            return len(labels)

        def __getitem__(self, index: int) -> Any:
            asked.append(index)
            return dataset.tensors[0][index], labels[index]

    audit(Counting(), model(), labels, epochs=1)
    assert len(asked) == len(labels)


def test_labels_given_are_those_that_are_trained_on() -> None:
    dataset, wrong = data()
    flipped = (1 - dataset.tensors[1]).tolist()
    found = audit(dataset, model(), flipped, epochs=12, batch_size=16, learning_rate=0.01)  # type: ignore[arg-type]  # a list does
    assert float(wrong[found.table.index[:20].tolist()].float().mean()) >= 0.9


def test_too_few_logits_are_told() -> None:
    with pytest.raises(ValueError, match=r"at least 2; the model gives \(128, 1\)"):
        audit(data()[0], nn.Linear(2, 1))


LABELS = [
    (torch.zeros(3, dtype=torch.int64), r"shape \(200,\); got torch.int64 of shape \(3,\)"),
    (torch.zeros(200), r"one int64 label per sample, .* got torch.float32"),
    (torch.arange(200) % 2 - 1, "labels from 0; got -1"),
    (torch.zeros(200, dtype=torch.int64), "two classes or more"),
]


@pytest.mark.parametrize(("labels", "said"), LABELS)
def test_labels_that_are_no_classes_are_refused(labels: Tensor, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        audit(data()[0], model(), labels)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epochs": 0}, "epochs must be"),
        ({"batch_size": -1}, "batch_size must be"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0; got 0"),
        ({"seed": -1}, "seed"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Settings(**settings)
