import math
from collections.abc import Callable

import pytest
import torch

from selfpaced.weighting import Hard, Mixture, Mixture2

D = torch.linspace(0, 3, 31, dtype=torch.float64)


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


def test_full_weight_is_exactly_one() -> None:
    for share in torch.linspace(0.01, 0.99, 99).tolist():
        below = torch.tensor([0.0, share / 2])
        assert Mixture(full=share)(below, 1.0).tolist() == [1, 1]
        mixture2 = Mixture2(gamma=share)
        assert mixture2(below * mixture2.full**2, 1.0).tolist() == [1, 1]


def test_the_gradient_of_the_latent_loss_is_one_where_full_weight_ends() -> None:
    for rule, kink in ((Mixture(full=0.25), 0.25), (Mixture2(gamma=1.0), 0.25)):
        d = torch.tensor([kink], requires_grad=True)
        (slope,) = torch.autograd.grad(rule.latent_loss(d, 1.0).sum(), d)
        assert slope.tolist() == [1]


def test_the_plateau_of_the_latent_loss_has_its_closed_form() -> None:
    far = torch.tensor([9.0], dtype=torch.float64)
    zeta = 2.0 * 0.5 / (2.0 - 0.5)
    latent = Mixture(full=0.25).latent_loss(far, 2.0)
    assert float(latent) == pytest.approx(zeta * math.log(2.0 / 0.5), rel=1e-12)
    latent = Mixture2(gamma=0.8 / 1.5).latent_loss(far, 2.25)
    assert float(latent) == pytest.approx(1.5 * (1.5 * 0.8 / (1.5 + 0.8)), rel=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Mixture(full=1.0), r"between 0 and 1; got 1\.0\. Use Hard\(\) for 1"),
        (lambda: Mixture(full=math.nan), "between 0 and 1; got nan"),
        (lambda: Mixture2(gamma=0.0), "gamma must be a finite number above 0; got 0.0. Use 1.0"),
    ],
)
def test_bad_settings_say_what_to_do(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
