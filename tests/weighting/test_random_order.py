"""The control leaves out as many as the search does, others."""

import torch

from selfpaced.weighting import Hard, RandomOrder


def test_a_scattered_choice_keeps_as_many_others() -> None:
    loss = torch.arange(50.0)
    hard, scattered = Hard()(loss, 20.0), RandomOrder(3)(loss, 20.0)
    assert scattered.sum() == hard.sum() == 20
    assert not torch.equal(scattered, hard)
    assert torch.equal(scattered, RandomOrder(3)(loss, 20.0))
