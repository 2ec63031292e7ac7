"""The control leaves out as many as the search does, others."""

import torch

from selfpaced.latent._search.control import Scattered
from selfpaced.weighting import Hard


def test_a_scattered_choice_keeps_as_many_others() -> None:
    loss = torch.arange(50.0)
    hard, scattered = Hard()(loss, 20.0), Scattered(3)(loss, 20.0)
    assert scattered.sum() == hard.sum() == 20
    assert not torch.equal(scattered, hard)
    assert torch.equal(scattered, Scattered(3)(loss, 20.0))
