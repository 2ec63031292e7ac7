"""Claims about the classic program on two blobs and its controls."""

from itertools import islice

import pytest
import torch
from torch.nn import functional as F

from selfpaced._demo.blobs import EASY, HARD, PLAIN, RANDOM, Blobs, blobs, epochs, linear, order_of

SHARES = [0.1, 0.3, 1.0]


@pytest.fixture(scope="module")
def data() -> Blobs:
    return blobs(300, seed=3)


def test_the_blobs_are_unit_gaussians_at_0_and_3() -> None:
    x, y, _ = blobs(20_000, plant=False)
    for label, centre in ((0, 0.0), (1, 3.0)):
        assert x[y == label].mean(0) == pytest.approx([centre, centre], abs=0.05)
        assert x[y == label].var(0) == pytest.approx([1.0, 1.0], abs=0.05)


def test_only_the_label_of_the_point_farthest_from_the_other_blob_is_wrong(data: Blobs) -> None:
    right = blobs(300, seed=3, plant=False)
    assert (data.y != right.y).nonzero().squeeze(1).tolist() == [data.planted]
    assert int((data.x - 3).norm(dim=1).argmax()) == data.planted
    assert int(data.y[data.planted]) == 1


def test_easy_first_keeps_what_is_below_the_growing_threshold(data: Blobs) -> None:
    model = linear(7)
    order = order_of(EASY, data, model, [], seed=0)
    ages = []
    for frame in islice(epochs(data, model, order, seed=0), 3):
        ages.append(frame.age)
        loss = F.nll_loss(model(data.x), data.y, reduction="none")
        kept = torch.as_tensor(frame.weight) > 0
        assert loss[kept].mean() < loss[~kept].mean()
    assert ages == pytest.approx([0.1, 0.135, 0.18225])


@pytest.mark.parametrize("name", [RANDOM, HARD])
def test_a_control_keeps_the_given_shares(data: Blobs, name: str) -> None:
    model = linear(7)
    order = order_of(name, data, model, SHARES, seed=0)
    kept = [
        float((torch.as_tensor(frame.weight) > 0).float().mean())
        for frame in islice(epochs(data, model, order, seed=0), 4)
    ]
    assert kept == pytest.approx([0.1, 0.3, 1.0, 1.0])


def test_hard_first_begins_with_the_largest_losses(data: Blobs) -> None:
    model = linear(7)
    order = order_of(HARD, data, model, SHARES, seed=0)
    loss = F.nll_loss(model(data.x), data.y, reduction="none")
    hardest = loss.topk(30).indices.sort().values
    assert torch.equal((order.weight > 0).nonzero().squeeze(1), hardest)


def test_all_at_once_is_plain_training(data: Blobs) -> None:
    model, plain = linear(7), linear(7)
    frame = next(iter(epochs(data, model, order_of(PLAIN, data, model, [], seed=0), seed=5)))
    assert bool((torch.as_tensor(frame.weight) == 1).all())
    optimizer = torch.optim.Adam(plain.parameters(), lr=1e-3)
    generator = torch.Generator().manual_seed(5)
    # The loader draws a seed for its workers first.
    torch.empty((), dtype=torch.int64).random_(generator=generator)
    for index in torch.randperm(300, generator=generator).split(32):
        optimizer.zero_grad()
        F.nll_loss(plain(data.x[index]), data.y[index]).backward()
        optimizer.step()
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_global_random_state_does_not_change(data: Blobs) -> None:
    before = torch.get_rng_state()
    model = linear(1)
    next(iter(epochs(data, model, order_of(EASY, data, model, [], seed=0), seed=0)))
    assert torch.equal(torch.get_rng_state(), before)
