"""Every public member, found by discovery, keeps the promises of its kind."""

import inspect
import math
from types import ModuleType
from typing import Any

import pytest
import torch

from selfpaced import age, difficulty, pacing, testing, weighting
from selfpaced.errors import require
from selfpaced.pacing import Constant, Geometric, Ramp

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "Polynomial": [{}, {"t": 1.5}, {"t": 2}, {"t": 8}],
    "Mixture": [{}, {"full": 0.1}, {"full": 0.9}],
    "Mixture2": [{}, {"gamma": 0.3}, {"gamma": 3.0}],
    "SuperLoss": [{}, {"strength": 0.25}, {"strength": 4.0}],
    "Shifted": [{"column": "prior", "scale": -0.3}],
    "Threshold": [{"pacing": Geometric(0.1, 1.35)}],
    "Quantile": [{"pacing": Ramp(0.3, 1.0, 5)}, {"pacing": Constant(0.5), "by": "group"}],
    "Steps": [{"k": 3}],
    "Root": [{}, {"p": 3}],
}


def members(module: ModuleType, kind: str) -> list[Any]:
    """Instances of all public concrete classes of a module."""
    found = []
    for name, item in sorted(vars(module).items()):
        public = inspect.isclass(item) and not name.startswith("_")
        if public and hasattr(item, "__dataclass_fields__") and kind in vars(item):
            found += [item(**settings) for settings in SETTINGS.get(name, [{}])]
    return found


def rules() -> list[weighting.Weighting]:
    public = [getattr(weighting, name) for name in weighting.__all__]
    named = [c for c in public if hasattr(c, "latent_loss") and hasattr(c, "__dataclass_fields__")]
    return [c(**settings) for c in named for settings in SETTINGS.get(c.__name__, [{}])]


SHAPES = [
    shape(**settings)
    for name, shape in sorted(vars(pacing).items())
    if inspect.isclass(shape) and hasattr(shape, "__dataclass_fields__")
    if "progress" in inspect.signature(shape.__call__).parameters
    for settings in SETTINGS.get(name, [{}])
]


def test_discovery_finds_them_all() -> None:
    assert {type(rule).__name__ for rule in rules()} == {
        "Hard", "Linear", "Logarithmic", "Mixture", "Mixture2", "Polynomial",
        "Logistic", "Welsch", "Cauchy", "Huber", "L1L2", "SuperLoss",
    }  # fmt: skip
    assert len(SHAPES) >= 8
    assert len(members(difficulty, "fold")) >= 5


@pytest.mark.parametrize("rule", rules(), ids=repr)
def test_weightings_conform(rule: weighting.Weighting) -> None:
    testing.check_weighting(rule)


@pytest.mark.parametrize("rule", rules(), ids=repr)
def test_weightings_refuse_what_they_are_not_made_for(rule: weighting.Weighting) -> None:
    if rule.difficulty_domain.low == 0:
        for bad in (-0.1, math.nan):
            with pytest.raises(ValueError, match="takes difficulties of 0 or more"):
                rule(torch.tensor([0.1, bad]), 0.5)
            with pytest.raises(ValueError, match="takes difficulties of 0 or more"):
                rule.latent_loss(torch.tensor([0.1, bad]), 0.5)
    if rule.age_domain.low == 0:
        with pytest.raises(ValueError, match=r"takes an age in \[0, .*got -1"):
            rule(torch.tensor([0.1]), -1.0)


@pytest.mark.parametrize("rule", rules(), ids=repr)
def test_age_zero_keeps_nothing_and_is_never_nan(rule: weighting.Weighting) -> None:
    v = rule(torch.tensor([0.0, 0.1, math.inf]), 0.0)
    assert not v.isnan().any()
    if rule.scale_free:
        assert v.tolist() == [0, 0, 0]


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
@pytest.mark.parametrize(("start", "stop"), [(0.3, 1.0), (1.0, 0.3)])
def test_ramps_conform(shape: pacing.Shape, start: float, stop: float) -> None:
    testing.check_pacing(Ramp(start, stop, 20, shape), start, stop, steps=20)


@pytest.mark.parametrize(
    "schedule", [Constant(0.5), Geometric(0.1, 1.35), Geometric(2.0, 0.5, limit=0.1)], ids=repr
)
def test_schedules_conform(schedule: pacing.Pacing) -> None:
    testing.check_pacing(schedule, start=schedule(0))


@pytest.mark.parametrize("rule", members(difficulty, "fold"), ids=repr)
def test_difficulties_conform(rule: Any) -> None:
    testing.check_difficulty(rule, columns=["prior"])


@pytest.mark.parametrize("rule", members(age, "needs_cut"), ids=repr)
def test_ages_conform(rule: Any) -> None:
    testing.check_age(rule)


def test_require_says_what_it_was_told() -> None:
    with pytest.raises(ValueError, match="told"):
        require(False, "told")
