import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from selfpaced.age import Quantile, Threshold
from selfpaced.age._quantile import cut
from selfpaced.chain import Population
from selfpaced.pacing import Constant, Geometric

SCALAR = torch.tensor(0.0)


def population(difficulty: list[float], **columns: Tensor) -> Population:
    return Population(torch.tensor(difficulty), columns.get("sample_weight"), columns)


def kept(age: Quantile, of: Population, previous: Tensor = SCALAR) -> Tensor:
    limit = age(0, of, previous)
    per_sample = limit if age.by is None else limit[of.columns[age.by]]
    weight = (of.difficulty < per_sample).float()
    return age.settle(weight, 0, of, per_sample)


def test_threshold_needs_no_data() -> None:
    assert float(Threshold(Geometric(0.1, 1.35))(2, None, SCALAR)) == pytest.approx(0.18225)


def test_quantile_is_the_easiest_difficulty_left_out() -> None:
    assert float(Quantile(Constant(0.5))(0, population([4.0, 1.0, 3.0, 2.0]), SCALAR)) == 3.0


def test_a_full_share_is_an_infinite_age() -> None:
    assert float(Quantile(Constant(1.0))(0, population([1.0, 2.0]), SCALAR)) == math.inf


@given(st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.5]), min_size=1, max_size=30), st.floats(0, 1))
def test_ties_are_admitted_in_index_order_up_to_exactly_k(
    values: list[float], share: float
) -> None:
    weight = kept(Quantile(Constant(share)), population(values))
    k = math.ceil(share * len(values) - 1e-6)
    expected = torch.zeros(len(values))
    expected[
        torch.tensor(sorted(range(len(values)), key=lambda i: values[i])[:k], dtype=torch.int64)
    ] = 1
    assert weight.tolist() == expected.tolist()


def test_each_group_keeps_its_own_share() -> None:
    group = torch.tensor([0, 0, 1, 1, 1, 1])
    of = population([1.0, 2.0, 10.0, 20.0, 30.0, 40.0], group=group)
    weight = kept(Quantile(Constant(0.5), by="group"), of, torch.zeros(3))
    assert weight.tolist() == [1, 0, 1, 1, 0, 0]


def test_a_group_without_seen_samples_keeps_all() -> None:
    of = population([1.0, 2.0], group=torch.tensor([0, 0]))
    assert Quantile(Constant(0.5), by="group")(0, of, torch.zeros(2)).tolist() == [2.0, math.inf]


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.5]), st.integers(1, 3)), min_size=1),
    st.floats(0.05, 0.95),
)
def test_kept_mass_reaches_the_share_and_no_sample_more(
    rows: list[tuple[float, int]], share: float
) -> None:
    mass = torch.tensor([float(m) for _, m in rows])
    of = population([d for d, _ in rows], sample_weight=mass)
    weight = kept(Quantile(Constant(share)), of)
    last = max((d, i) for i, (d, _) in enumerate(rows) if weight[i])[1]
    target = share * float(mass.sum())
    assert float((weight * mass).sum()) >= target - 1e-4
    assert float((weight * mass).sum() - mass[last]) < target


def test_no_data_keeps_all() -> None:
    assert float(Quantile(Constant(0.5))(0, None, SCALAR)) == math.inf


def test_a_share_above_one_is_not_a_share() -> None:
    with pytest.raises(ValueError, match="share from 0 to 1; got 1.5 at step 0. Use Threshold"):
        Quantile(Constant(1.5))(0, population([1.0]), SCALAR)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match=r"reads the column 'group'; the pacer has \[\]"):
        Quantile(Constant(0.5), by="group")(0, population([1.0]), torch.zeros(1))


@pytest.mark.parametrize("step", [310, 5000])
def test_a_threshold_beyond_float32_is_infinite(step: int) -> None:
    assert float(Threshold(Geometric(0.1, 1.35))(step, None, torch.tensor(0.0))) == math.inf


def test_equal_masses_change_nothing() -> None:
    of = torch.rand(50)
    for share in (0.1, 0.5, 0.9):
        assert cut(of, share, torch.full((50,), 3.0)) == cut(of, share)


def test_mass_fills_the_share() -> None:
    assert cut(torch.tensor([1.0, 2.0, 3.0]), 0.5, torch.tensor([1.0, 1.0, 8.0])) == math.inf
    assert cut(torch.tensor([1.0, 2.0, 3.0]), 0.5, torch.tensor([5.0, 1.0, 4.0])) == 2.0


def test_an_empty_population_gives_an_infinite_age() -> None:
    assert cut(torch.empty(0), 0.5) == math.inf
    assert cut(torch.empty(0), 0.5, torch.empty(0)) == math.inf
