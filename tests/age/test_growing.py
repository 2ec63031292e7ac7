"""The age of Kumar, Packer and Koller starts with half of the hard samples and grows."""

import math

import pytest
import torch
from torch import Tensor

from selfpaced import Pacer
from selfpaced.age import Growing
from selfpaced.chain import Population

BEFORE = torch.tensor(math.inf)  # the age before any data


def of(*difficulties: float, mass: Tensor | None = None) -> Population:
    return Population(torch.tensor(difficulties), mass, {})


def test_it_keeps_all_before_there_is_data() -> None:
    assert Growing()(0, None, BEFORE) == math.inf


def test_the_first_age_takes_half_of_the_hard_samples_in() -> None:
    assert Growing()(1, of(0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0), BEFORE) == 3.0
    assert Growing()(1, of(1.0, 2.0, 3.0), BEFORE) == 3.0
    assert Growing(share=0.25)(1, of(1.0, 2.0, 3.0, 4.0), BEFORE) == 2.0


def test_tiny_difficulties_do_not_count_as_hard() -> None:
    assert Growing()(1, of(1e-6, 2e-6, 1e-4, 1.0, 2.0), BEFORE) == 2.0


def test_samples_tied_with_the_last_of_the_share_are_kept_too() -> None:
    assert Growing()(1, of(1.0, 1.0, 1.0, 1.0), BEFORE) == math.inf
    assert Growing()(1, of(1.0, 2.0, 2.0, 2.0, 3.0), BEFORE) == 3.0


def test_if_no_sample_is_hard_all_are_kept() -> None:
    assert Growing()(1, of(0.0, 0.0), BEFORE) == math.inf
    assert Growing(share=1.0)(1, of(1.0, 2.0), BEFORE) == math.inf


def test_a_sample_counts_by_its_mass() -> None:
    heavy = of(1.0, 2.0, 3.0, mass=torch.tensor([2.0, 0.5, 0.5]))
    assert Growing()(1, heavy, BEFORE) == 2.0


def test_each_step_multiplies_the_age() -> None:
    assert Growing(1.5)(2, of(1.0, 9.0), torch.tensor(4.0)) == 6.0


def test_the_age_stops_at_the_largest_float32() -> None:
    largest = torch.finfo(torch.float32).max
    assert Growing(2.0)(9, of(1.0, 9.0), torch.tensor(largest)) == largest


def test_a_start_is_the_first_age() -> None:
    assert Growing(start=0.25)(1, of(1.0, 9.0), BEFORE) == 0.25


def test_a_pacer_follows_the_growing_age() -> None:
    pacer = Pacer(4, age=Growing(2.0))
    for _ in range(2):
        pacer.observe(torch.tensor([0.1, 0.2, 0.4, 0.8]), torch.arange(4))
        pacer.step()
    assert [row["age"] for row in pacer.history] == pytest.approx([0.4, 0.8])


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="factor must be above 1; got 1.0. The paper uses 1.3"):
        Growing(1.0)
    with pytest.raises(ValueError, match="factor must be a finite number; got inf"):
        Growing(math.inf)
    for start in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="start must be a finite age above 0, or None; got"):
            Growing(start=start)
    for share in (0.0, 1.1):
        with pytest.raises(ValueError, match="share must be above 0 and at most 1; got"):
            Growing(share=share)


def test_negative_difficulties_are_refused() -> None:
    with pytest.raises(ValueError, match="Growing takes difficulties of 0 or more; got -2. A neg"):
        Growing()(1, of(-2.0, 1.0), BEFORE)
