"""Claims about the space of the samples, their neighbours, and the columns that differ."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from selfpaced.audit._cases.near import Columns, neighbours
from selfpaced.audit._cases.space import flattened, last_inputs, reduced
from selfpaced.audit._learning.networks import Copies


def test_the_last_linear_layer_tells_where_images_are() -> None:
    torch.manual_seed(0)
    first, last = nn.Linear(4, 3), nn.Linear(3, 2)
    network = nn.Sequential(nn.Flatten(), first, nn.ReLU(), last)
    rows = np.arange(3 * 4, dtype=np.float32).reshape(3, 1, 2, 2)
    found, copied = last_inputs(network, rows), last_inputs(Copies(network, 2), rows)
    assert found is not None and copied is not None
    expected = first(torch.from_numpy(rows).flatten(1)).relu().detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(copied, expected, rtol=1e-6)
    assert last_inputs(nn.Flatten(), rows) is None


def test_more_dimensions_become_principal_components() -> None:
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(300, 2)).astype(np.float32)
    rows = flat @ rng.normal(size=(2, 60)).astype(np.float32)
    found = reduced(rows, 5)
    assert found.shape == (300, 5)
    far = np.linalg.norm(rows[0] - rows[1])
    np.testing.assert_allclose(np.linalg.norm(found[0] - found[1]), far, rtol=1e-3)
    assert np.isfinite(reduced(np.ones((20, 60), np.float32), 5)).all()


def test_a_map_separates_what_is_predicted() -> None:
    rng = np.random.default_rng(0)
    classes = np.arange(300) % 3
    rows = rng.normal(size=(300, 6)).astype(np.float32)
    rows[:, 0] *= 50  # wide, and tells nothing
    rows[:, 1:3] += 6 * np.eye(3)[classes][:, :2]
    flat = flattened(rows, classes, numeric=False)
    centres = np.stack([flat[classes == k].mean(0) for k in range(3)])
    spread = np.stack([flat[classes == k].std(0) for k in range(3)]).max()
    apart = [np.linalg.norm(centres[a] - centres[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert min(apart) > 3 * spread


@pytest.mark.parametrize("predicted", [np.zeros(50, int), np.arange(50) % 2])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_a_map_has_two_axes_however_little_there_is(predicted: np.ndarray, width: int) -> None:
    rows = np.random.default_rng(0).normal(size=(50, width)).astype(np.float32)
    for numeric in (False, True):
        flat = flattened(rows, predicted.astype(float) if numeric else predicted, numeric=numeric)
        assert flat.shape == (50, 2)
        assert np.isfinite(flat).all()
    assert np.isfinite(flattened(np.ones((50, width), np.float32), predicted, numeric=False)).all()


def test_neighbours_are_those_of_a_slow_search() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 4)).astype(np.float32)
    labels = np.arange(60) % 3
    found = list(neighbours(rows, labels, [5, 17]))
    for place, near in zip((5, 17), found, strict=True):
        far = ((rows - rows[place]) ** 2).sum(1)
        far[place] = np.inf
        assert near.any.tolist() == np.argsort(far)[:3].tolist()
        own = np.where(labels == labels[place], far, np.inf)
        assert near.alike.tolist() == np.argsort(own)[:10].tolist()


def test_a_sample_that_is_alone_has_no_neighbours() -> None:
    near = next(neighbours(np.zeros((1, 2), np.float32), np.zeros(1, int), [0]))
    assert near.any.tolist() == near.alike.tolist() == []


def test_columns_that_differ_come_with_their_usual_values() -> None:
    frame = pd.DataFrame(
        {
            "size": [1.0, 2.0, 3.0, 4.0, 40.0],
            "same": [1, 2, 3, 2, 2],
            "kind": ["a", "a", "a", "b", "c"],
            "gap": [None, "x", "x", "x", None],
        }
    )
    found = Columns(frame).different(4, np.array([0, 1, 2, 3]))
    assert found == [("size", 40.0, 2.5), ("kind", "c", "a")]
    assert Columns(frame).different(4, np.array([], int)) == []


def test_numbers_near_the_largest_are_not_compared() -> None:
    frame = pd.DataFrame({"a": [1.7e308, -1.7e308, 1.7e308, 1.0], "b": [9.0, 1.0, 2.0, 3.0]})
    assert Columns(frame).different(0, np.array([1, 2, 3])) == [("b", 9.0, 2.0)]
