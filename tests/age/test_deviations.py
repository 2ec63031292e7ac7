"""Claims about the age of a regression."""

import math

import pytest
import torch
from torch import Tensor, nn

from selfpaced import Pacer
from selfpaced.age import Deviations, Quantile
from selfpaced.chain import Population
from selfpaced.pacing import Constant

EVERYTHING = torch.tensor(math.inf)
NORMAL = torch.randn(20_001, generator=torch.Generator().manual_seed(0))


def kept(rule: Deviations, loss: Tensor, **weights: Tensor) -> float:
    age = rule(2, Population(loss, weights.get("mass"), {}, weights.get("expansion")), EVERYTHING)
    return float((loss < age).float().mean())


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e9])
@pytest.mark.parametrize("power", [1.0, 2.0])
@pytest.mark.parametrize(("limit", "share"), [(1.0, 0.683), (2.0, 0.954), (3.0, 0.9973)])
def test_the_kept_share_of_normal_residuals_is_that_of_a_table(
    unit: float, power: float, limit: float, share: float
) -> None:
    loss = unit * NORMAL.abs() ** power
    assert kept(Deviations(limit, power), loss) == pytest.approx(share, abs=0.008)


def test_large_residuals_hardly_change_the_limit() -> None:
    loss = NORMAL.square()
    loss[:4_000] = 1e6
    assert kept(Deviations(), loss) == pytest.approx(0.8, abs=0.005)


def test_the_warm_up_and_no_data_keep_everything() -> None:
    loss = torch.cat([NORMAL.square(), torch.tensor([1e6])])
    for step in (0, 1):
        assert Deviations()(step, Population(loss, None, {}), EVERYTHING) == math.inf
    assert Deviations()(5, None, torch.tensor(1.0)) == math.inf
    assert Deviations()(5, Population(torch.empty(0), None, {}), EVERYTHING) == math.inf


def test_if_half_of_the_residuals_are_zero_all_are_kept() -> None:
    assert kept(Deviations(), torch.tensor([0.0, 0.0, 0.0, 1.0])) == 1.0


def test_a_sample_of_twice_the_mass_counts_twice() -> None:
    loss, twice = torch.tensor([1.0, 2.0, 30.0]), torch.tensor([1.0, 1.0, 2.0])
    rule, doubled = Deviations(), torch.tensor([1.0, 2.0, 30.0, 30.0])
    expected = rule(2, Population(doubled, None, {}), EVERYTHING)
    for mass, expansion in ((twice, None), (None, twice), (twice.sqrt(), twice.sqrt())):
        age = rule(2, Population(loss, mass, {}, expansion), EVERYTHING)
        torch.testing.assert_close(age, expected)


def test_bad_settings_and_losses_are_refused() -> None:
    for name in ("limit", "power"):
        for bad in (0.0, -1.0, math.inf, math.nan):
            with pytest.raises(ValueError, match=f"Deviations: {name} must be a number above 0"):
                Deviations(**{name: bad})  # type: ignore[arg-type]  # warmup is an int
    with pytest.raises(TypeError, match="Deviations: warmup must be a positive int; got 1.5"):
        Deviations(warmup=1.5)  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(ValueError, match=r"sizes of residuals and needs 0 or more; got -1\. Use"):
        Deviations()(2, Population(torch.tensor([-1.0, 2.0]), None, {}), EVERYTHING)


def slope(pacer: Pacer) -> float:
    """Fit y = 2 x where every fifth y is far off, and return the slope found."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(500, 1, generator=generator)
    y = 2 * x.squeeze(1) + 0.1 * torch.randn(500, generator=generator)
    y[::5] = 20 * x[::5, 0] + 5
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Linear(1, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(40):
        for index in torch.arange(500).split(50):
            loss = (model(x[index]).squeeze(1) - y[index]).square()
            optimizer.zero_grad()
            pacer(loss, index).backward()
            optimizer.step()
        pacer.step()
    return float(model.weight.detach())


def test_a_line_is_found_among_wrong_targets() -> None:
    pacer = Pacer(500, age=Deviations())
    assert slope(pacer) == pytest.approx(2.0, abs=0.05)
    assert pacer.suspects(80).remainder(5).eq(0).float().mean() > 0.9
    assert abs(slope(Pacer(500, age=Quantile(Constant(1.0)))) - 2.0) > 1.0


def test_an_age_beyond_float32_keeps_all() -> None:
    population = Population(torch.tensor([1e38, 2e38, 3e38]), None, {})
    assert float(Deviations()(5, population, torch.tensor(1.0))) == math.inf
