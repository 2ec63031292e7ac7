"""Claims about the predictions of a trained model."""

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
from selfpaced.audit._learning.trained import BATCH, estimator_outputs, flat

FEATURES = Features("images", Pixels((1, 2, 2)))


def trained(network: Any, names: tuple[Any, ...] | None = ("a", "b", "c")) -> Trained:
    scale = (0.0, 1.0) if names is not None else (100.0, 10.0)
    return Trained(network, FEATURES, names, scale, {})


class Share(nn.Module):
    """Returns for each sample the size of its batch, as a share of BATCH; has no parameters."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.full((len(x), 1), len(x) / BATCH)


def test_a_network_predicts_in_batches() -> None:
    outputs = trained(Share(), None).outputs(np.zeros((BATCH + 512, 1), np.float32))
    assert outputs.tolist() == [110.0] * BATCH + [105.0] * 512


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_probabilities_are_those_of_the_logits(kind: torch.dtype) -> None:
    class Logits(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.to(kind)

    rows = np.array([[0, 0, 0], [9, 0, -9]], np.float32)
    outputs = trained(Logits()).outputs(rows)
    np.testing.assert_allclose(outputs, torch.from_numpy(rows).double().softmax(1), rtol=1e-12)
    assert trained(Logits(), ("a", "b")).outputs(rows).shape == (2, 2)  # more outputs than classes


def test_images_are_divided_by_255_for_a_network() -> None:
    images = np.array([[[[0, 51], [255, 0]]]], np.uint8)
    outputs = trained(nn.Flatten(), ("a",)).outputs(images)
    np.testing.assert_allclose(outputs, [[np.exp(0) / np.exp([0, 0.2, 1, 0]).sum()]], rtol=1e-6)


def test_a_network_predicts_without_dropout() -> None:
    network = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 3)).train()
    rows = np.ones((5, 4), np.float32)
    outputs = trained(network).outputs(rows)
    assert (outputs == outputs[0]).all() and not network.training


@dataclass
class Estimator:
    classes_: tuple[int, ...] = (0, 2)

    def predict(self, rows: NDArray[Any]) -> NDArray[Any]:
        return rows[:, :1]

    def predict_proba(self, rows: NDArray[Any]) -> NDArray[Any]:
        return np.stack([rows[:, 0], 1 - rows[:, 0]], 1)


def test_a_class_that_an_estimator_was_not_fitted_to_has_probability_0() -> None:
    rows = np.array([[0.25, 7], [1.0, 7]], np.float32)
    assert estimator_outputs(Estimator(), rows, 3).tolist() == [[0.25, 0, 0.75], [1, 0, 0]]
    assert trained(Estimator(), None).outputs(rows).tolist() == [102.5, 110.0]


def test_rows_for_an_estimator_are_flat() -> None:
    assert flat(np.full((2, 1, 2, 2), 255, np.uint8)).tolist() == [[1.0] * 4] * 2
    rows = np.zeros((2, 3), np.float32)
    assert flat(rows).base is rows  # no copy
