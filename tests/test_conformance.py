"""Every public member, found by discovery, keeps the promises of its kind."""

import inspect
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch

from selfpaced import age, difficulty, pacing, testing, weighting
from selfpaced._errors import require
from selfpaced.chain import Age, Difficulty, Pacing, Weighting
from selfpaced.pacing import Constant, Geometric, Ramp

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "Polynomial": [{}, {"t": 1.5}, {"t": 2}, {"t": 8}],
    "Mixture": [{}, {"full": 0.1}, {"full": 0.9}],
    "Mixture2": [{}, {"gamma": 0.3}, {"gamma": 3.0}],
    "SuperLoss": [{}, {"strength": 0.25}, {"strength": 4.0}],
    "Shifted": [{"column": "prior", "scale": -0.3}],
    "Threshold": [{"pacing": Geometric(0.1, 1.35)}],
    "Quantile": [{"pacing": Ramp(0.3, 1.0, 5)}, {"pacing": Constant(0.5), "by": "group"}],
    "Background": [{"log_volume": 5.0}],
    "Spheres": [{"log_volume": 3.0, "dims": 2, "clusters": 1}],
    "Usual": [{}, {"by": None, "limit": 3.0}],
    "Constant": [{"value": 0.5}, {"value": math.inf}],
    "Ramp": [{"start": 0.3, "stop": 1.0, "steps": 5}],
    "Geometric": [
        {"start": 0.1, "factor": 1.35},
        {"start": 2.0, "factor": 0.5, "limit": 0.1},
    ],
    "Recorded": [{"values": (0.3, 0.5, 1.0)}],
    "Steps": [{"k": 3}],
    "Root": [{}, {"p": 3}],
}


def members(module: ModuleType, kind: str) -> list[Any]:
    """Instances of all public concrete classes of a module."""
    found = []
    for name, item in sorted(vars(module).items()):
        public = inspect.isclass(item) and item.__module__ == module.__name__
        if public and hasattr(item, "__dataclass_fields__") and hasattr(item, kind):
            found += [item(**settings) for settings in SETTINGS.get(name, [{}])]
    return found


def rules() -> list[Weighting]:
    public = [getattr(weighting, name) for name in weighting.__all__]
    named = [c for c in public if hasattr(c, "latent_loss") and hasattr(c, "__dataclass_fields__")]
    named.remove(weighting.RandomOrder)  # a control: it looks at all samples of a batch
    return [c(**settings) for c in named for settings in SETTINGS.get(c.__name__, [{}])]


def called_with(name: str) -> list[Any]:
    """Instances of the public classes of pacing whose call takes this argument."""
    return [m for m in members(pacing, "__call__") if name in inspect.signature(m).parameters]


SHAPES, SCHEDULES = called_with("progress"), called_with("step")


def test_discovery_finds_them_all() -> None:
    assert {type(rule).__name__ for rule in rules()} == {
        "Hard", "Linear", "Logarithmic", "Mixture", "Mixture2", "Polynomial",
        "Logistic", "Welsch", "Cauchy", "Huber", "L1L2", "SuperLoss",
    }  # fmt: skip
    assert len({type(shape) for shape in SHAPES}) >= 8
    assert {type(s).__name__ for s in SCHEDULES} == {"Constant", "Geometric", "Ramp", "Recorded"}
    assert len({type(rule) for rule in members(difficulty, "__call__")}) >= 5
    assert {type(a).__name__ for a in members(age, "__call__")} == {
        "Auto", "Background", "Deviations", "EachView", "Growing", "Quantile", "Spheres",
        "Threshold", "Usual",
    }  # fmt: skip


@pytest.mark.parametrize("rule", rules(), ids=repr)
def test_weightings_conform(rule: Weighting) -> None:
    testing.check_weighting(rule)


@pytest.mark.parametrize("rule", rules(), ids=repr)
def test_what_a_weighting_refuses_is_told_in_one_voice(rule: Weighting) -> None:
    if rule.difficulty_domain.low == 0:
        for bad in (-0.1, math.nan):
            for call in (rule, rule.latent_loss):
                with pytest.raises(ValueError, match=f"of 0 or more; got {bad:g}. Hard"):
                    call(torch.tensor([0.1, bad]), 0.5)
        with pytest.raises(TypeError, match=r"floating-point difficulties; got torch\.int64. Use"):
            rule(torch.tensor([1]), 0.5)
    if rule.age_domain.low == 0:
        for age_ in (-1.0, torch.tensor(-1.0), torch.tensor([0.5, -1.0, math.inf])):
            with pytest.raises(ValueError, match=r"takes an age in \[0, .*got -1. The"):
                rule(torch.tensor([0.1]), age_)
            with pytest.raises(ValueError, match=r"takes an age in \[0, .*got -1. The"):
                rule.penalty(torch.tensor([0.1]), age_)


@pytest.mark.parametrize("rule", rules(), ids=repr)
def test_age_zero_keeps_nothing_and_is_never_nan(rule: Weighting) -> None:
    d = torch.tensor([0.0, 0.1, math.inf], requires_grad=True)
    latent = rule.latent_loss(d, 0.0)
    (slope,) = torch.autograd.grad(latent.sum(), d)
    assert not any(x.isnan().any() for x in (rule(d, 0.0), latent, slope))
    if not isinstance(rule, weighting.Logistic):
        assert rule(d, 0.0).tolist() == latent.tolist() == slope.tolist() == [0, 0, 0]


@pytest.mark.parametrize("rule", rules(), ids=repr)
def test_an_infinite_age_makes_the_latent_loss_the_loss(rule: Weighting) -> None:
    d = torch.tensor([0.0, 0.1, 1e4], requires_grad=True)
    latent = rule.latent_loss(d, math.inf)
    assert torch.equal(latent, d)
    assert torch.autograd.grad(latent.sum(), d)[0].tolist() == [1, 1, 1]


@pytest.mark.parametrize("rule", rules(), ids=repr)
def test_an_age_per_sample_is_used_per_sample(rule: Weighting) -> None:
    d, age_ = torch.tensor([0.1, 0.2, 0.3, 5.0]), torch.tensor([0.3, 0.6, 0.1, math.inf])
    calls: list[Callable[[torch.Tensor, torch.Tensor | float], torch.Tensor]]
    calls = [rule, rule.latent_loss, rule.penalty]
    for call in calls:
        one_by_one = [call(x, float(a)) for x, a in zip(d, age_, strict=True)]
        torch.testing.assert_close(call(d, age_), torch.stack(one_by_one))


@pytest.mark.parametrize("rule", rules(), ids=repr)
def test_weightings_compile_to_a_full_graph(rule: Weighting) -> None:
    def objective(d: torch.Tensor, age_: torch.Tensor) -> torch.Tensor:
        return rule(d, age_) * d + rule.latent_loss(d, age_)

    torch._dynamo.reset()
    compiled = torch.compile(objective, fullgraph=True, backend="eager")
    d, age_ = torch.linspace(0, 2, 9), torch.tensor(0.5)
    torch.testing.assert_close(compiled(d, age_), objective(d, age_))


def test_logistic_conforms_at_negative_ages_too() -> None:
    testing.check_weighting(weighting.Logistic(), ages=(-3.0, -0.5))


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
@pytest.mark.parametrize(("start", "stop"), [(0.3, 1.0), (1.0, 0.3)])
def test_ramps_conform(shape: pacing.Shape, start: float, stop: float) -> None:
    testing.check_pacing(Ramp(start, stop, 20, shape), start, stop, steps=20)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_schedules_conform(schedule: Pacing) -> None:
    testing.check_pacing(schedule, start=schedule(0))


@pytest.mark.parametrize("rule", members(difficulty, "__call__"), ids=repr)
def test_difficulties_conform(rule: Difficulty) -> None:
    testing.check_difficulty(rule, columns=["prior"])


@pytest.mark.parametrize("rule", members(age, "__call__"), ids=repr)
def test_ages_conform(rule: Age) -> None:
    testing.check_age(rule)


def test_require_says_what_it_was_told() -> None:
    with pytest.raises(ValueError, match="told"):
        require(False, "told")
