import math
from collections.abc import Callable

import pytest
import torch

from selfpaced.chain import Weighting
from selfpaced.weighting import Hard, Linear, Logarithmic, Polynomial

D = torch.linspace(0, 3, 31, dtype=torch.float64)


def test_hard_leaves_out_samples_on_the_boundary() -> None:
    assert Hard()(torch.tensor([0.9, 1.0, 1.1]), 1.0).tolist() == [1, 0, 0]


def test_hard_takes_negative_difficulties_and_ages() -> None:
    assert Hard()(torch.tensor([-2.0, -1.0]), -1.5).tolist() == [1, 0]


def test_the_latent_loss_of_hard_is_the_integral_from_0_at_negative_ages_too() -> None:
    d = torch.tensor([-3.0, -1.0, 0.0, 1.0])
    assert Hard().latent_loss(d, -2.0).tolist() == [-1, 0, 0, 0]
    assert Hard().latent_loss(d, 0.5).tolist() == [-3, -1, 0, 0.5]


def test_hard_is_as_cheap_as_a_comparison() -> None:
    with torch.profiler.profile() as profile:
        Hard()(torch.ones(4), 0.5)
    called = {event.key for event in profile.key_averages()} - {"aten::ones", "aten::fill_"}
    assert called <= {"aten::lt", "aten::to", "aten::_to_copy", "aten::copy_"} | {
        "aten::empty",
        "aten::empty_strided",
    }


def test_a_polynomial_of_order_two_is_linear() -> None:
    assert torch.equal(Polynomial(2)(D, 1.5), Linear()(D, 1.5))


def test_a_polynomial_of_high_order_is_nearly_hard() -> None:
    assert torch.allclose(Polynomial(1e6)(D, 1.45), Hard()(D, 1.45), atol=1e-4)


def test_plateaus_of_the_latent_losses_have_their_closed_forms() -> None:
    far = torch.tensor([9.0], dtype=torch.float64)
    zeta = 1 - 0.4
    log_plateau = (zeta - 1 - zeta * math.log(zeta)) / math.log(zeta)
    plateaus: list[tuple[Weighting, float, float]] = [
        (Hard(), 2.0, 2.0),
        (Linear(), 2.0, 1.0),
        (Polynomial(3), 2.0, 2.0 * 2 / 3),
        (Logarithmic(), 0.4, log_plateau),
    ]
    for rule, age, expected in plateaus:
        assert float(rule.latent_loss(far, age)) == pytest.approx(expected, rel=1e-12)


def test_logarithmic_has_the_papers_form() -> None:
    d = D[D < 0.8]
    assert torch.allclose(Logarithmic()(d, 0.8), (d + 0.2).log() / math.log(0.2))


def test_logarithmic_weights_do_not_grow_with_the_age() -> None:
    d = torch.tensor([0.1])
    assert float(Logarithmic()(d, 0.681)) == pytest.approx(0.761, abs=1e-3)
    assert float(Logarithmic()(d, 0.9999)) == pytest.approx(0.25, abs=1e-2)


@pytest.mark.parametrize("age", [1e-30, 1e-8, 1e-4, 1 - 1e-12])
def test_logarithmic_is_finite_at_the_ends_of_its_age_domain(age: float) -> None:
    d = torch.tensor([0.0, age / 2, age, 1.0, math.inf], requires_grad=True)
    latent = Logarithmic().latent_loss(d, age)
    (slope,) = torch.autograd.grad(latent.sum(), d)
    torch.testing.assert_close(slope, Logarithmic()(d, age))
    assert latent.isfinite().all()
    assert Logarithmic().penalty(torch.tensor([0.0, 0.5, 1.0]), age).isfinite().all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Polynomial(t=1.0), r"t must be a finite number above 1; got 1\.0\. t=2 is Linear"),
        (lambda: Polynomial(t=math.nan), "t must be a finite number above 1; got nan"),
        (lambda: Logarithmic()(torch.tensor([0.1]), 1.0), r"takes an age in \[0, 1\), or inf"),
        (lambda: Linear()(torch.tensor([0.1]), math.nan), "got nan"),
        (lambda: Linear()(torch.tensor([0.1]), torch.tensor([-1.0])), "got -1"),
    ],
)
def test_bad_settings_say_what_to_do(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
