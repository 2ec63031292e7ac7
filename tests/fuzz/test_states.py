"""Damaged states: refused with one line and nothing changed, or accepted and trained on."""

import copy
import itertools
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from selfpaced import Ledger, PacedSampler, Pacer, SPLLoss
from selfpaced.age import Auto, Quantile, Threshold
from selfpaced.coupling import RankInGroup
from selfpaced.pacing import Constant, Geometric
from selfpaced.prompts import PassRates, PromptSampler
from selfpaced.suspects import Judge
from selfpaced.weighting import Hard, Logistic

N = 12
ALL = torch.arange(N)
CLASSES = 3
State = Any


def losses(seed: int) -> Tensor:
    return torch.rand(N, generator=torch.Generator().manual_seed(seed)) + 0.01


def logits(seed: int) -> Tensor:
    return torch.randn(N, CLASSES, generator=torch.Generator().manual_seed(seed))


def see(pacer: Pacer, seed: int, places: Tensor = ALL) -> None:
    """Train on a batch, with logits if the pacer has seen some."""
    loss = losses(seed).requires_grad_()
    if pacer.n_samples is None:
        total = pacer(loss[places])
    elif pacer.ledger.dynamics is None:
        total = pacer(loss[places], places)
    else:
        given = {"logits": logits(seed)[places], "target": places % CLASSES}
        total = pacer(loss[places], places, **given)
    total.sum().backward()
    assert total.isfinite().all() and loss.grad is not None and loss.grad.isfinite().all()


def trained(pacer: Pacer, *, labels: bool = False, seed: int = 0) -> Pacer:
    """Return the pacer after three steps and half of the next."""
    if labels:
        pacer.observe(losses(9), ALL, logits(9), ALL % CLASSES, probabilities=True)
    for step in range(3):
        see(pacer, seed + step)
        pacer.step()
    see(pacer, seed + 3, ALL[::2])
    return pacer


def run_pacer(pacer: Pacer) -> None:
    """Train for two epochs, and look at all that a user looks at."""
    if int(pacer._bad[0]):
        with pytest.raises(ValueError, match="Pacer met .* bad samples since the last step"):
            pacer.step()
    for seed in (5, 6):
        see(pacer, seed)
        pacer.step()
        assert pacer.weight.isfinite().all()
        assert not pacer.ledger.suspicion[pacer.ledger.visits > 0].isnan().any()
    pacer.history.to_frame()
    if pacer.n_samples is not None:
        assert len(pacer.suspects(N)) == N
        if pacer.ledger.dynamics is not None:
            assert pacer.ledger.dynamics.probability.isfinite().all()
            negative = bool((pacer.ledger.suspicion < 0).any())  # a total of losses may be
            with pytest.raises(ValueError, match="-ln p") if negative else nullcontext():
                Judge()(pacer)
        assert len(list(PacedSampler(pacer, thin=0.5))) > 0


def run_sampler(sampler: PacedSampler) -> None:
    """Visit the rest of the epoch and the next one; a state of a later step says so before that."""
    pacer = sampler.pacer
    if sampler._resuming and sampler._steps > pacer.steps:
        with pytest.raises(ValueError, match="Load the pacer's own state as well"):
            list(sampler)
        return
    for _ in range(2):
        places = torch.tensor(list(sampler), dtype=torch.int64)
        assert len(places) <= len(sampler) and set(places.tolist()) <= set(range(N))
        see(pacer, 5, places if len(places) else ALL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pacer.step()
        assert pacer.importance is None or pacer.importance.isfinite().all()


def run_classic(criterion: SPLLoss) -> None:
    log_p = logits(1).log_softmax(1)
    for _ in range(2):
        assert criterion(log_p, ALL % CLASSES, ALL).isfinite()
        criterion.increase_threshold()


def run_rates(rates: PassRates) -> None:
    rates.record([1.0] * N, ALL.tolist())
    rates.step()
    assert rates.rate.isfinite().all() and 0 <= float(rates.rate.min()) <= 1
    rates.scalars()


def run_prompts(sampler: PromptSampler) -> None:
    for _ in range(2):
        drawn = list(sampler)
        assert len(drawn) == len(sampler) and set(drawn) <= set(range(N))


def run_ledger(ledger: Ledger) -> None:
    pacer = Pacer(N, age=Quantile(Constant(0.5)))
    pacer.ledger = ledger
    see(pacer, 1)
    pacer.step()
    assert pacer.weight.isfinite().all() and len(ledger.suspects(N)) == N


@dataclass(frozen=True)
class Member:
    """Something with a state: how two of them are made, and how one is used."""

    make: Callable[[int], Any]
    run: Callable[[Any], None]


def sampler(seed: int, **settings: Any) -> PacedSampler:
    """Return a sampler within its epoch."""
    pacer = trained(Pacer(N, age=Quantile(Constant(0.5))), seed=seed)
    made = PacedSampler(pacer, seed=seed, **settings)
    list(itertools.islice(made, 2 + seed))
    return made


def classic(seed: int) -> SPLLoss:
    criterion = SPLLoss(torch.ones(CLASSES) + seed, n_samples=N)
    criterion.threshold = 1.0
    run_classic(criterion)
    return criterion


def rates(seed: int) -> PassRates:
    made = PassRates(Pacer(N), lambda completions, **columns: [1.0])
    made.record([1.0, 0.0, 0.5], [seed, seed, 3])
    return made


def prompts(seed: int) -> PromptSampler:
    made = PromptSampler(trained(Pacer(N), seed=seed), 2, batch_size=4, seed=seed)
    list(itertools.islice(made, 10))
    return made


def columns() -> dict[str, Tensor]:
    return {"group": ALL % CLASSES, "sample_weight": 1 + ALL / N}


def per_class(seed: int) -> Pacer:
    age = Quantile(Constant(0.5), by="group")
    settings: dict[str, Any] = {"couple": RankInGroup(0.1), "decide": "step", "reduction": "none"}
    return trained(Pacer(N, age=age, columns=columns(), **settings), seed=seed)


def soft(seed: int) -> Pacer:
    age = Threshold(Geometric(0.5, 1.3))
    return trained(Pacer(N, weighting=Logistic(), age=age, reduction="kept"), seed=seed)


def ledger(seed: int) -> Ledger:
    return trained(Pacer(N), labels=True, seed=seed).ledger


MEMBERS = {
    "auto": Member(lambda seed: trained(Pacer(N, columns=columns()), labels=True), run_pacer),
    "probing": Member(lambda seed: trained(Pacer(N, age=Auto(probe_at=1)), seed=seed), run_pacer),
    "per class": Member(per_class, run_pacer),
    "soft": Member(soft, run_pacer),
    "own age": Member(lambda seed: trained(Pacer(N, weighting=Hard(), age=None)), run_pacer),
    "ring": Member(lambda seed: trained(Pacer(), seed=seed), run_pacer),
    "ledger": Member(ledger, run_ledger),
    "sampler": Member(lambda seed: sampler(seed, thin=0.3), run_sampler),
    "sampler of a fixed length": Member(lambda seed: sampler(seed, length="dataset"), run_sampler),
    "classic": Member(classic, run_classic),
    "pass rates": Member(rates, run_rates),
    "prompts": Member(prompts, run_prompts),
}


@cache
def made(name: str, seed: int) -> Any:
    """Return a member that is not to be changed: 0 gives the state, 1 gets it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MEMBERS[name].make(seed)


def bits(value: Any) -> Any:
    """Return a state as something that is equal only if every bit is."""
    if isinstance(value, Tensor):
        plain = value.detach().cpu().contiguous()
        return str(plain.dtype), tuple(plain.shape), plain.reshape(-1).view(torch.uint8).tolist()
    if isinstance(value, dict):
        return {key: bits(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value).__name__, [bits(inner) for inner in value]
    return type(value).__name__, repr(value)


def unchanged(one: Any, before: Any) -> bool:
    """Return whether a member can be saved, with every bit as before."""
    try:
        return bool(bits(one.state_dict()) == before)
    except Exception:
        return False


def outcome(name: str, state: State) -> str:
    """Load a state and use it: refused, refused badly, works, or broke, with the reason."""
    taker, member = copy.deepcopy(made(name, 1)), MEMBERS[name]
    before = bits(taker.state_dict())
    try:
        taker.load_state_dict(state)
    except Exception as error:
        if not unchanged(taker, before):
            return f"refused, but changed: {error!r}"
        ours = type(error) is ValueError and "\n" not in str(error) and ": " in str(error)
        torchs = isinstance(error, TypeError | RuntimeError) and str(error).startswith(TORCHS)
        return "refused" if ours or torchs else f"refused unclearly: {error!r}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            member.run(taker)
        again = copy.deepcopy(made(name, 1))
        if hasattr(again, "pacer"):
            again.pacer.load_state_dict(taker.pacer.state_dict())
        again.load_state_dict(copy.deepcopy(taker.state_dict()))
        assert bits(again.state_dict()) == bits(taker.state_dict())
    except Exception as error:
        return f"accepted, but broke: {error!r}"
    return "works"


# torch itself refuses what is not the state of the module at all.
TORCHS = ("Error(s) in loading state_dict for", "Expected state_dict to be dict-like")

INTS = (-1, 0, 1, 2, 7, 2**31, 2**53, 2**63, 10**400)
FLOATS = (math.nan, math.inf, -math.inf, -0.5, 0.25, 1.5, 3.5e38, 1e300)
OTHERS: tuple[Any, ...] = (
    *(None, True, "x", "", b"x", [], {}, (), [1], {"a": 1}, {1, 2}, 1j, object),
    *(torch.zeros(0), torch.zeros(3), torch.tensor(1), np.zeros(3), np.float64(1), np.int64(1)),
)
CASTS = (torch.float16, torch.float64, torch.int64, torch.int32, torch.bool, torch.complex64)
RESHAPES: dict[str, Callable[[Tensor], Tensor]] = {
    "shorter": lambda t: t[:-1] if t.ndim else t.reshape(1),
    "longer": lambda t: torch.cat([t, t[:1]]) if t.ndim else t.expand(2),
    "deeper": lambda t: t.unsqueeze(-1),
    "flat": lambda t: t.reshape(-1),
    "turned": lambda t: t.mT if t.ndim > 1 else t.flip(0) if t.ndim else t,
    "empty": lambda t: t.reshape(-1)[:0],
    "meta": lambda t: t.to("meta"),
    "sparse": lambda t: t.to_sparse() if t.ndim else t,
    "graph": lambda t: t.clone().requires_grad_() if t.is_floating_point() else t,
}


def paths(state: State, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every part of a state."""
    yield here
    if isinstance(state, dict):
        for key, inner in state.items():
            yield from paths(inner, (*here, key))
    elif isinstance(state, list | tuple):
        for place, inner in enumerate(state):
            yield from paths(inner, (*here, place))


def part(state: State, path: tuple[Any, ...]) -> Any:
    """Return one part of a state."""
    for key in path:
        state = state[key]
    return state


def changed(state: State, path: tuple[Any, ...], new: Any) -> State:
    """Return a copy of a state with another value in place of one part."""
    if not path:
        return new
    key, *rest = path
    inner = changed(state[key], tuple(rest), new)
    if isinstance(state, dict):
        return {**state, key: inner}
    parts = [*state[:key], inner, *state[key + 1 :]]
    return tuple(parts) if isinstance(state, tuple) else parts


@st.composite
def damage(draw: st.DrawFn, value: Any) -> Any:
    """Draw a damaged version of a part of a state."""
    if draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from((*INTS, *FLOATS, *OTHERS)))
    if isinstance(value, Tensor):
        return draw(damaged_tensor(value))
    if isinstance(value, dict) and value:
        key = draw(st.sampled_from(sorted(value)))
        rest = {k: v for k, v in value.items() if k != key}
        return draw(st.sampled_from((rest, rest | {f"{key}_": value[key]}, value | {"extra": 1})))
    if isinstance(value, list | tuple) and value:
        kind: Any = type(value)
        again = kind([*value, draw(st.sampled_from(value))])
        return draw(st.sampled_from((value[:-1], value[::-1], value * 2, again, kind([value]))))
    others: tuple[Any, ...] = (*INTS, *FLOATS, *OTHERS)
    if isinstance(value, int):
        others = (value + 1, value - 1, -value, value * 1000, [value])
    elif isinstance(value, float):
        others = (-value, value * 10, str(value), *FLOATS)
    return draw(st.sampled_from(others))


@st.composite
def damaged_tensor(draw: st.DrawFn, value: Tensor) -> Any:
    """Draw a tensor of another type or shape, or with other values."""
    kind = draw(st.sampled_from(("cast", "reshape", "one", "one", "one", "all", "list")))
    if kind == "list" or value.is_meta or value.is_sparse:
        return [value]
    if kind == "cast":
        return value.to(draw(st.sampled_from(CASTS)))
    if kind == "reshape":
        return RESHAPES[draw(st.sampled_from(sorted(RESHAPES)))](value)
    numbers = (*INTS[:6], *(FLOATS[:-1] if value.is_floating_point() else ()))
    number = torch.tensor(draw(st.sampled_from(numbers)), dtype=torch.float64).to(value.dtype)
    made = value.clone()
    if kind == "all" or not made.numel():
        return made.fill_(number)
    made.reshape(-1)[draw(st.integers(0, made.numel() - 1))] = number
    return made


@st.composite
def damaged(draw: st.DrawFn, name: str) -> State:
    """Draw a state of a member with one to three damages."""
    state = copy.deepcopy(made(name, 0).state_dict())
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
        ways = list(paths(state))
        tensors = [way for way in ways if isinstance(part(state, way), Tensor)]
        path = draw(st.sampled_from(tensors or ways) | st.sampled_from(ways))
        value = part(state, path)
        state = changed(state, path, draw(damage(value)))
    return state


@pytest.mark.parametrize("name", MEMBERS)
def test_the_state_of_another_of_its_kind_works(name: str) -> None:
    assert outcome(name, copy.deepcopy(made(name, 0).state_dict())) == "works"


@given(data=st.data())
def test_a_damaged_state_changes_nothing_or_works(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(MEMBERS)))
    assert outcome(name, data.draw(damaged(name))) in ("refused", "works")
