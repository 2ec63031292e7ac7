"""Claims about a trained model that is asked about samples."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from selfpaced.audit import Trained
from selfpaced.audit._features.fit import Features
from selfpaced.audit._features.numeric import Pixels
from selfpaced.audit._learning.trained import BATCH, answers, flat

FEATURES = Features("images", Pixels((1, 2, 2)))


def trained(network: Any, names: tuple[Any, ...] | None = ("a", "b", "c")) -> Trained:
    scale = (0.0, 1.0) if names is not None else (100.0, 10.0)
    return Trained(network, FEATURES, names, scale, {})


class Share(nn.Module):
    """Gives each sample's share of the batch it came in, without parameters."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.full((len(x), 1), len(x) / BATCH)


def test_samples_are_asked_about_in_batches() -> None:
    said = trained(Share(), None).outputs(np.zeros((BATCH + 512, 1), np.float32))
    assert said.tolist() == [110.0] * BATCH + [105.0] * 512


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_probabilities_are_those_of_the_logits(kind: torch.dtype) -> None:
    class Logits(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.to(kind)

    rows = np.array([[0, 0, 0], [9, 0, -9]], np.float32)
    said = trained(Logits()).outputs(rows)
    np.testing.assert_allclose(said, torch.from_numpy(rows).double().softmax(1), rtol=1e-12)
    assert trained(Logits(), ("a", "b")).outputs(rows).shape == (2, 2)  # more outputs than classes


def test_images_are_brought_to_0_to_1_for_a_network() -> None:
    images = np.array([[[[0, 51], [255, 0]]]], np.uint8)
    said = trained(nn.Flatten(), ("a",)).outputs(images)
    np.testing.assert_allclose(said, [[np.exp(0) / np.exp([0, 0.2, 1, 0]).sum()]], rtol=1e-6)


def test_no_dropout_and_no_gradient() -> None:
    network = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 3)).train()
    rows = np.ones((5, 4), np.float32)
    said = trained(network).outputs(rows)
    assert (said == said[0]).all() and not network.training


@dataclass
class Estimator:
    classes_: tuple[int, ...] = (0, 2)

    def predict(self, rows: NDArray[Any]) -> NDArray[Any]:
        return rows[:, :1]

    def predict_proba(self, rows: NDArray[Any]) -> NDArray[Any]:
        return np.stack([rows[:, 0], 1 - rows[:, 0]], 1)


def test_an_estimator_gives_a_class_that_it_never_saw_nothing() -> None:
    rows = np.array([[0.25, 7], [1.0, 7]], np.float32)
    assert answers(Estimator(), rows, 3).tolist() == [[0.25, 0, 0.75], [1, 0, 0]]
    assert trained(Estimator(), None).outputs(rows).tolist() == [102.5, 110.0]


def test_rows_for_an_estimator_have_one_axis() -> None:
    assert flat(np.full((2, 1, 2, 2), 255, np.uint8)).tolist() == [[1.0] * 4] * 2
    rows = np.zeros((2, 3), np.float32)
    assert flat(rows).base is rows  # no copy
