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
from selfpaced.audit._learning.inputs import Inputs
from selfpaced.audit._learning.mixture import Blend, Share
from selfpaced.audit._learning.networks import Copies
from selfpaced.audit._learning.trained import BATCH, Network

FEATURES = Features("images", Pixels((1, 2, 2)))


def trained(network: Any, names: tuple[Any, ...] | None = ("a", "b", "c")) -> Trained:
    """Return a model of a network alone."""
    scale = (0.0, 1.0) if names is not None else (100.0, 10.0)
    return Trained(Blend({"network": Network(network)}, None), FEATURES, names, scale, {})


class ShareOfBatch(nn.Module):
    """Returns for each sample the size of its batch, as a share of BATCH; has no parameters."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.full((len(x), 1), len(x) / BATCH)


def test_a_network_predicts_in_batches() -> None:
    outputs = trained(ShareOfBatch(), None).outputs(Inputs(np.zeros((BATCH + 512, 1), np.float32)))
    assert outputs.tolist() == [110.0] * BATCH + [105.0] * 512


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_probabilities_are_those_of_the_logits(kind: torch.dtype) -> None:
    class Logits(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.to(kind)

    rows = np.array([[0, 0, 0], [9, 0, -9]], np.float32)
    outputs = trained(Logits()).outputs(Inputs(rows))
    np.testing.assert_allclose(outputs, torch.from_numpy(rows).double().softmax(1), rtol=1e-12)
    two = trained(Logits(), ("a", "b")).outputs(Inputs(rows))  # more outputs than classes
    assert (two == outputs[:, :2]).all()


def test_images_are_divided_by_255_for_a_network() -> None:
    images = np.array([[[[0, 51], [255, 0]]]], np.uint8)
    outputs = trained(nn.Flatten(), ("a",)).outputs(Inputs(images))
    np.testing.assert_allclose(outputs, [[np.exp(0) / np.exp([0, 0.2, 1, 0]).sum()]], rtol=1e-6)


def test_a_network_predicts_without_dropout() -> None:
    network = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 3)).train()
    rows = np.ones((5, 4), np.float32)
    outputs = trained(network).outputs(Inputs(rows))
    assert (outputs == outputs[0]).all() and not network.training


def test_copies_predict_the_mean_of_their_probabilities() -> None:
    copies = Copies(nn.Linear(4, 3), 3)
    with torch.no_grad():
        for parameter in copies.networks[0].parameters():
            parameter.add_(1.0)
    rows = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
    each = [each(torch.from_numpy(rows)).softmax(1).detach().numpy() for each in copies.networks]
    np.testing.assert_allclose(
        trained(copies).outputs(Inputs(rows)), np.mean(each, axis=0), rtol=1e-5
    )


@dataclass
class Fixed:
    """A member of a mixture that predicts the same for all samples."""

    outputs: Any

    def predict(self, inputs: Inputs, classes: int | None) -> NDArray[Any]:
        assert classes is None or classes == len(self.outputs)
        return np.array([self.outputs] * len(inputs))


INPUTS = Inputs(np.zeros((2, 1), np.float32))


def test_a_mixture_predicts_the_weighted_mean_of_its_members() -> None:
    shares = {"trees": Share(0.75, 1.0), "network": Share(0.25, 1.0)}
    mixture = Blend({"trees": Fixed([0.2, 0.8]), "network": Fixed([0.6, 0.4])}, shares)
    model = Trained(mixture, FEATURES, ("a", "b"), (0.0, 1.0), {})
    np.testing.assert_allclose(model.outputs(INPUTS), [[0.3, 0.7]] * 2)


def test_predicted_numbers_get_the_unit_of_the_user() -> None:
    model = Trained(Blend({"trees": Fixed(0.5)}, None), FEATURES, None, (100.0, 10.0), {})
    assert model.outputs(INPUTS).tolist() == [105.0] * 2
