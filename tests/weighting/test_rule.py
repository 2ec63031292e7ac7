import math

import torch

from selfpaced.chain import Interval
from selfpaced.weighting import Linear


def test_an_open_end_does_not_belong_to_an_interval() -> None:
    assert 0.0 in Interval(0, 1) and 1.0 in Interval(0, 1)
    assert 0.0 not in Interval(0, 1, open_low=True)
    assert 1.0 not in Interval(0, 1, open_high=True)
    assert math.nan not in Interval(-math.inf, math.inf)
    assert str(Interval(0, 1, open_low=True)) == "(0, 1]"


def test_half_precision_is_computed_in_float32() -> None:
    d = torch.tensor([0.1, 0.2, 0.7])
    for dtype in (torch.float16, torch.bfloat16):
        half = Linear()(d.to(dtype), 3.0)
        assert torch.equal(half, Linear()(d.to(dtype).float(), 3.0).to(dtype))


def test_a_difficulty_without_dimensions_is_weighted() -> None:
    assert float(Linear()(torch.tensor(0.5), 1.0)) == 0.5
