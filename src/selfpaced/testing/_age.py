"""What every age promises."""

import torch
from torch import Tensor

from selfpaced.age import Age
from selfpaced.chain import Population
from selfpaced.testing._settings import check_settings, expect

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
