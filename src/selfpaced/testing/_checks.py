"""What every age, difficulty, pacing and other class of settings promises."""

import dataclasses
import itertools
import math
import pickle
from collections.abc import Sequence

import torch
from torch import Tensor

from selfpaced.chain import Age, Difficulty, Pacing, Population, Rows

STEPS = 8


def check_age(rule: Age) -> None:
    """Check an age: float32, pure, never NaN, also for ties, one sample and zeros.

    Args:
        rule: The age; where it has groups, they are labels 0 to 2 in the column ``rule.by``.

    Raises:
        AssertionError: Naming the first promise that is broken.

    >>> from selfpaced.age import Quantile
    >>> from selfpaced.pacing import Constant
    >>> check_age(Quantile(Constant(0.5)))
    """
    check_settings(rule)
    generator = torch.Generator().manual_seed(0)
    many = torch.rand(500, generator=generator) * 5
    for d in (many, torch.zeros(9), torch.full((9,), 2.0), torch.tensor([1.0])):
        for step in range(STEPS):
            age = _age(rule, step, d, None)
            expect(torch.equal(age, _age(rule, step, d, None)), f"{rule!r} is not pure")
            heavy = _age(rule, step, d, torch.full_like(d, 2.0))
            same = torch.allclose(heavy, age, rtol=1e-2)  # a histogram's bin is 0.4 % wide
            expect(same, f"{rule!r}: equal masses change the age")
    _age(rule, 0, None, None)


def _age(rule: Age, step: int, d: Tensor | None, mass: Tensor | None) -> Tensor:
    """Ask for the age, looking at what comes and at what happens to the inputs."""
    population = None
    if d is not None:
        columns = {rule.by or "group": torch.arange(len(d)) % 3}
        population = Population(d.clone(), None if mass is None else mass.clone(), columns)
    previous = torch.tensor(1.0) if rule.by is None else torch.full((3,), 1.0)
    age = rule(step, population, previous)
    expect(age.shape == previous.shape, f"{rule!r}: the shape of the age changes")
    expect(age.dtype == torch.float32, f"{rule!r}: the age must be float32")
    expect(not bool(age.isnan().any()), f"{rule!r}: the age is NaN")
    expect(bool((previous == 1.0).all()), f"{rule!r} writes to the previous age")
    if population is not None and d is not None:
        kept = torch.equal(population.difficulty, d)
        expect(kept, f"{rule!r} writes to the population")
    return age


def check_difficulty(rule: Difficulty, columns: Sequence[str] = ()) -> None:
    """Check a difficulty: finite scores per sample, pure, with its inputs left alone.

    Args:
        rule: The difficulty.
        columns: The ledger columns that it reads.

    Raises:
        AssertionError: Naming the first promise that is broken.

    >>> from selfpaced.difficulty import Smoothed
    >>> check_difficulty(Smoothed())
    """
    check_settings(rule)
    loss, rows = _samples(columns)
    score = _score(rule, loss, rows)
    expect(torch.equal(_score(rule, loss, rows), score), f"{rule!r} is not pure")
    fresh_loss, fresh = _samples(columns)
    before = [fresh_loss, fresh.index, fresh.memory, fresh.visits, *fresh.columns.values()]
    after = [loss, rows.index, rows.memory, rows.visits, *rows.columns.values()]
    unchanged = all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    expect(unchanged, f"{rule!r} writes to its inputs")
    picked = torch.tensor([3, 1])
    alone = _score(rule, loss[picked], _at(rows, picked))
    expect(torch.equal(alone, score[picked]), f"{rule!r}: a sample's score depends on its batch")
    _score(rule, loss[:0], _at(rows, picked[:0]))


def _samples(columns: Sequence[str]) -> tuple[Tensor, Rows]:
    """Losses of all sizes, of samples new and old."""
    loss = torch.tensor([0.0, 1e-30, 0.5, 2.0, 1e4, 1e30])
    visits = torch.tensor([0.0, 1.0, 2.0, 3.0, 10.0, 1000.0])
    n = len(loss)
    memory = torch.where(visits > 0, torch.linspace(0, 5, n), 0.0)
    return loss, Rows(
        torch.arange(n), memory, visits, {c: torch.linspace(0, 1, n) for c in columns}
    )


def _at(rows: Rows, places: Tensor) -> Rows:
    """Pick some rows."""
    columns = {name: column[places] for name, column in rows.columns.items()}
    return Rows(rows.index[places], rows.memory[places], rows.visits[places], columns)


def _score(rule: Difficulty, loss: Tensor, rows: Rows) -> Tensor:
    """Fold and score, looking at both."""
    memory = rule.fold(loss, rows)
    score = rule(memory, rows)
    for name, value in (("the memory", memory), ("the score", score)):
        expect(value.shape == loss.shape, f"{rule!r}: {name} is not of shape (B,)")
        expect(value.dtype == torch.float32, f"{rule!r}: {name} is not float32")
        expect(bool(value.isfinite().all()), f"{rule!r}: {name} is not finite")
    return score


def check_pacing(pacing: Pacing, start: float, stop: float | None = None, steps: int = 20) -> None:
    """Check a schedule: a pure, monotone function of an integer step.

    Args:
        pacing: The schedule.
        start: What it is at step 0.
        stop: What it is at ``steps`` and later; None where it never ends.
        steps: How far to look.

    Raises:
        AssertionError: Naming the first promise that is broken.

    >>> from selfpaced.pacing import Ramp
    >>> check_pacing(Ramp(0.3, 1.0, steps=10), start=0.3, stop=1.0, steps=10)
    """
    check_settings(pacing)
    values = [pacing(step) for step in range(steps + 1)]
    expect(all(type(v) is float for v in values), f"{pacing!r} must return floats")
    expect(not any(math.isnan(v) for v in values), f"{pacing!r} is NaN")
    expect(math.isclose(values[0], start, rel_tol=1e-9, abs_tol=1e-9), f"{pacing!r} starts wrong")
    if stop is not None:
        expect(pacing(steps) == stop == pacing(10 * steps), f"{pacing!r} does not end at {stop}")
    pairs = list(itertools.pairwise(values))
    one_way = all(a <= b for a, b in pairs) or all(a >= b for a, b in pairs)
    expect(one_way, f"{pacing!r} turns round")
    finite = all(math.isfinite(v) for v in values)
    expect(finite or math.isinf(start), f"{pacing!r} becomes infinite within {steps} steps")
    backwards = [pacing(step) for step in reversed(range(steps + 1))]
    expect(backwards[::-1] == values, f"{pacing!r} depends on more than the step")
    for bad in (0.5, -1):
        _expect_refusal(pacing, bad)


def _expect_refusal(pacing: Pacing, step: float) -> None:
    try:
        pacing(step)  # type: ignore[arg-type]  # the mistake that must be refused
    except (TypeError, ValueError):
        return
    raise AssertionError(f"{pacing!r} takes {step} as a step")


def check_settings(member: object) -> None:
    """Check that a strategy pickles, compares, and that its repr makes it again.

    Args:
        member: An instance of a strategy; the classes of dataclasses inside it are known too.

    Raises:
        AssertionError: Naming the promise that is broken.

    >>> from selfpaced.weighting import Mixture
    >>> check_settings(Mixture(full=0.3))
    """
    try:
        copy = pickle.loads(pickle.dumps(member))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise AssertionError(f"{member!r} cannot be pickled: {error}") from error
    expect(copy == member, f"{member!r} does not survive pickling")
    try:
        again = eval(repr(member), {"inf": math.inf, "nan": math.nan} | _classes(member))
    except (SyntaxError, NameError, TypeError) as error:
        raise AssertionError(f"eval of {member!r} fails: {error}") from error
    expect(again == member, f"eval of {member!r} is another object")


def _classes(member: object) -> dict[str, object]:
    """The classes that the repr names: the member's own and those of its settings."""
    found: dict[str, object] = {type(member).__name__: type(member)}
    if dataclasses.is_dataclass(member):
        for field in dataclasses.fields(member):
            found |= _classes(getattr(member, field.name))
    return found


def expect(condition: bool, promise: str) -> None:
    """Raise ``AssertionError`` with the broken promise."""
    if not condition:
        raise AssertionError(promise)
