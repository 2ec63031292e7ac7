"""The ages of this room keep the promises of all ages."""

import pytest

from selfpaced.age import Age, Background, Spheres, Usual
from selfpaced.testing import check_age

AGES: list[Age] = [
    Background(log_volume=5.0),
    Spheres(log_volume=3.0, dims=2, clusters=1),
    Usual(),
    Usual(by=None, limit=3.0),
]


@pytest.mark.parametrize("age", AGES, ids=repr)
def test_ages_conform(age: Age) -> None:
    check_age(age)
