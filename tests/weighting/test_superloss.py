import math

import numpy as np
import pytest
import torch
from scipy.special import lambertw

from selfpaced.weighting import SuperLoss
from selfpaced.weighting.superloss import lambert_w


def test_lambert_w_agrees_with_scipy_away_from_the_branch_point() -> None:
    x = np.concatenate([np.linspace(-0.3678, 2, 3001), np.logspace(0, 30, 300)])
    ours = lambert_w(torch.as_tensor(x)).numpy()
    assert np.allclose(ours, lambertw(x).real, rtol=3e-8)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_lambert_w_is_minus_one_at_and_below_the_branch_point(dtype: torch.dtype) -> None:
    at = torch.tensor([-1 / math.e, -0.5, -10.0], dtype=dtype)
    w = lambert_w(at)
    assert w.dtype == dtype
    assert w[1:].tolist() == [-1, -1]
    rounding = abs(float(at[0]) + 1 / math.e)  # W leaves the branch point like a square root
    assert abs(float(w[0]) + 1) <= math.sqrt(2 * math.e * rounding) + torch.finfo(dtype).eps


def test_the_weight_is_e_at_the_clamp_and_stationary_beyond_it() -> None:
    d, age, strength = torch.linspace(0, 5, 400, dtype=torch.float64), 1.0, 0.5
    sigma = SuperLoss(strength)(d, age)
    beta = (d - age) / (strength * age)
    assert torch.allclose(sigma[beta < -2 / math.e], torch.tensor(math.e, dtype=torch.float64))
    stationary = (d - age) + 2 * strength * age * sigma.log() / sigma
    assert float(stationary[beta > -0.7].abs().max()) < 1e-7


def test_a_strength_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="strength must be a finite number above 0"):
        SuperLoss(0.0)
