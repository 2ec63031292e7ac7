import math

import pytest
import torch

from selfpaced.weighting import (
    Cauchy,
    Hard,
    Linear,
    Logarithmic,
    Logistic,
    Mixture,
    Mixture2,
    Polynomial,
    Welsch,
)

D = torch.linspace(0, 3, 31, dtype=torch.float64)


def test_hard_leaves_out_samples_on_the_boundary() -> None:
    assert Hard()(torch.tensor([0.9, 1.0, 1.1]), 1.0).tolist() == [1, 0, 0]


def test_hard_takes_negative_difficulties_and_ages() -> None:
    assert Hard()(torch.tensor([-2.0, -1.0]), -1.5).tolist() == [1, 0]


def test_a_polynomial_of_order_two_is_linear() -> None:
    assert torch.equal(Polynomial(2)(D, 1.5), Linear()(D, 1.5))


def test_a_mixture_with_full_weight_nearly_up_to_the_age_is_nearly_hard() -> None:
    assert torch.allclose(Mixture(full=1 - 1e-12)(D, 1.45), Hard()(D, 1.45))


def test_mixture_has_the_papers_form() -> None:
    high, low = 2.0, 0.5
    zeta = high * low / (high - low)
    between = D[(D > low) & (D < high)]
    assert torch.allclose(Mixture(full=low / high)(between, high), zeta * (1 / between - 1 / high))


def test_mixture2_has_the_papers_form() -> None:
    age, gamma = 2.25, 0.8  # the paper's lambda is 1.5
    a = 1.5 * gamma / (1.5 + gamma)
    between = D[(D.sqrt() > a) & (D.sqrt() < 1.5)]
    expected = gamma * (1 / between.sqrt() - 1 / 1.5)
    assert torch.allclose(Mixture2(gamma=gamma / 1.5)(between, age), expected)


def test_generalised_cross_entropy_is_welsch_at_age_one_over_q() -> None:
    p, q = torch.linspace(0.01, 1, 50, dtype=torch.float64), 0.7
    assert torch.allclose(Welsch().latent_loss(-p.log(), 1 / q), (1 - p**q) / q)


def test_logarithmic_weights_do_not_grow_with_the_age() -> None:
    d = torch.tensor([0.1])
    assert float(Logarithmic()(d, 0.681)) == pytest.approx(0.761, abs=1e-3)
    assert float(Logarithmic()(d, 0.9999)) == pytest.approx(0.25, abs=1e-2)


def test_logistic_weights_do_not_vanish_at_age_zero() -> None:
    assert float(Logistic()(torch.tensor([1.0]), 0.0)) == pytest.approx(2 / (1 + math.e))


def test_an_age_per_sample_is_used_per_sample() -> None:
    v = Cauchy()(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 3.0]))
    assert v.tolist() == [0.5, 0.75]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Mixture(full=1.0), "between 0 and 1; got 1.0"),
        (lambda: Mixture2(gamma=0.0), "gamma must be a finite number above 0"),
        (lambda: Polynomial(t=1.0), "t must be a finite number above 1"),
        (lambda: Logarithmic()(torch.tensor([0.1]), 1.0), r"takes an age in \[0, 1\)"),
        (lambda: Linear()(torch.tensor([0.1]), math.nan), "got nan"),
        (lambda: Linear()(torch.tensor([0.1]), torch.tensor([-1.0])), "got -1"),
    ],
)
def test_bad_settings_say_what_to_do(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make()
