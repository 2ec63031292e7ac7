import math

import pytest
import torch

from selfpaced.weighting import L1L2, Cauchy, Hard, Huber, Logistic, Welsch


def test_generalised_cross_entropy_is_welsch_at_age_one_over_q() -> None:
    p, q = torch.linspace(0.01, 1, 50, dtype=torch.float64), 0.7
    assert torch.allclose(Welsch().latent_loss(-p.log(), 1 / q), (1 - p**q) / q)


def test_truncated_cross_entropy_is_welsch_on_what_hard_keeps() -> None:
    p, q, k = torch.linspace(0.01, 1, 50, dtype=torch.float64), 0.7, 0.5
    loss, cut = -p.log(), -math.log(k)
    kept = (1 - p**q) / q < (1 - k**q) / q
    assert torch.equal(Hard()(loss, cut), kept.double())


def test_the_smooth_rules_have_their_papers_forms() -> None:
    d, lam = torch.linspace(0, 9, 50, dtype=torch.float64), 1.5
    age = lam**2
    assert torch.allclose(Welsch()(d, age), torch.exp(-d / lam**2))
    assert torch.allclose(Cauchy()(d, age), 1 / (1 + d / lam**2))
    assert torch.allclose(Huber()(d, age), (lam / d.sqrt()).clamp(max=1))
    assert torch.allclose(L1L2()(d, age), (1 + d / lam**2).rsqrt())


def test_the_latent_loss_of_huber_on_squared_residuals_is_hubers() -> None:
    residual = torch.linspace(-5, 5, 101, dtype=torch.float64)
    expected = 2 * torch.nn.functional.huber_loss(
        residual, torch.zeros_like(residual), reduction="none", delta=1.5
    )
    assert torch.allclose(Huber().latent_loss(residual.square(), 1.5**2), expected)


def test_penalties_of_weight_zero_are_limits_and_never_nan() -> None:
    zero = torch.zeros(1)
    for rule in (Cauchy(), Huber(), L1L2()):
        assert rule.penalty(zero, 2.0).tolist() == [math.inf]
    assert Welsch().penalty(zero, 2.0).tolist() == [2.0]
    assert Logistic().penalty(zero, 2.0).tolist() == [0.0]


def test_logistic_weights_do_not_vanish_at_age_zero() -> None:
    assert float(Logistic()(torch.tensor([1.0]), 0.0)) == pytest.approx(2 / (1 + math.e))


@pytest.mark.parametrize("age", [-30.0, -100.0, -1e4])
def test_logistic_tends_to_an_exponential_at_very_negative_ages(age: float) -> None:
    d = torch.tensor([0.0, 0.5, 3.0], requires_grad=True)
    latent = Logistic().latent_loss(d, age)
    torch.testing.assert_close(Logistic()(d, age), torch.exp(-d), rtol=1e-5, atol=0)
    torch.testing.assert_close(latent, 1 - torch.exp(-d), rtol=1e-5, atol=0)
    (slope,) = torch.autograd.grad(latent.sum(), d)
    torch.testing.assert_close(slope, torch.exp(-d), rtol=1e-5, atol=0)


def test_an_age_per_sample_is_used_per_sample() -> None:
    v = Cauchy()(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 3.0]))
    assert v.tolist() == [0.5, 0.75]
