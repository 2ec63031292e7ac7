import math

import torch

from selfpaced.age._cut import cut


def test_equal_masses_change_nothing() -> None:
    of = torch.rand(50)
    for share in (0.1, 0.5, 0.9):
        assert cut(of, share, torch.full((50,), 3.0)) == cut(of, share)


def test_mass_fills_the_share() -> None:
    assert cut(torch.tensor([1.0, 2.0, 3.0]), 0.5, torch.tensor([1.0, 1.0, 8.0])) == math.inf
    assert cut(torch.tensor([1.0, 2.0, 3.0]), 0.5, torch.tensor([5.0, 1.0, 4.0])) == 2.0


def test_nothing_keeps_all() -> None:
    assert cut(torch.empty(0), 0.5) == math.inf
    assert cut(torch.empty(0), 0.5, torch.empty(0)) == math.inf
