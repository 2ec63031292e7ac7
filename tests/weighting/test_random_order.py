"""The random-order control keeps as many samples as ``Hard``, but others."""

import torch

from selfpaced.weighting import Hard, RandomOrder


def test_a_random_order_keeps_as_many_other_samples() -> None:
    loss = torch.arange(50.0)
    hard, permuted = Hard()(loss, 20.0), RandomOrder(3)(loss, 20.0)
    assert permuted.sum() == hard.sum() == 20
    assert not torch.equal(permuted, hard)
    assert torch.equal(permuted, RandomOrder(3)(loss, 20.0))
