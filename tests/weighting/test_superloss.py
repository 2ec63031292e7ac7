import math

import numpy as np
import pytest
import torch
from scipy.special import lambertw

from selfpaced.weighting import SuperLoss
from selfpaced.weighting._superloss import _halley, lambert_w


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


def test_lambert_w_is_finite_between_its_branch_point_and_huge_numbers() -> None:
    x = torch.cat([torch.linspace(-1 / math.e, 1, 4001), torch.logspace(0, 38, 400)])
    for dtype in (torch.bfloat16, torch.float32, torch.float64):
        w = lambert_w(x.to(dtype).clamp(max=torch.finfo(dtype).max))
        assert w.isfinite().all()
        assert (w.diff() >= 0).all()
    assert lambert_w(torch.tensor([math.inf])).tolist() == [math.inf]


def test_float32_is_enough_for_devices_without_float64() -> None:
    x = torch.cat([torch.linspace(-0.36, 2, 3001), torch.logspace(0, 38, 400)])
    torch.testing.assert_close(_halley(x), lambert_w(x), rtol=1e-5, atol=1e-5)
    assert _halley(torch.tensor([-1 / math.e])).isfinite().all()


def test_the_papers_numbers_come_from_the_age_tau_and_the_strength_lambda_over_tau() -> None:
    loss, tau, lam = np.linspace(0.5, 9, 50), math.log(10), 1.0
    expected = np.exp(-lambertw(np.maximum(-2 / math.e + 1e-9, (loss - tau) / lam) / 2).real)
    ours = SuperLoss(lam / tau)(torch.as_tensor(loss), tau).numpy()
    assert np.allclose(ours, expected, rtol=1e-4)


def test_an_infinite_age_is_defined_as_weight_one_and_not_as_the_limit() -> None:
    d = torch.tensor([0.0, 1.0, 1e4])
    assert SuperLoss()(d, math.inf).tolist() == [1, 1, 1]
    assert float(SuperLoss()(d, 1e30)[0]) == pytest.approx(math.e)


def test_a_difficulty_at_the_age_weighs_one() -> None:
    assert SuperLoss(0.3)(torch.tensor([2.0]), 2.0).tolist() == [1]
