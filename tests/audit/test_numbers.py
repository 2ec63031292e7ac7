import numpy as np
import pytest

from selfpaced.audit._numbers import probability_wrong


def numbers(share: float, tails: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Targets, what a good model says of them, and which are those of other rows."""
    random = np.random.default_rng(seed)
    predicted = random.normal(size=4000)
    given = predicted + 0.1 * random.standard_t(tails, size=4000)
    wrong = random.random(4000) < share
    given[wrong] = random.permutation(given)[wrong]
    return given, predicted, wrong


@pytest.mark.parametrize("tails", [3.0, 100.0])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_the_probabilities_add_up_to_the_wrong_numbers(share: float, tails: float) -> None:
    given, predicted, wrong = numbers(share, tails)
    probability = probability_wrong(given, predicted)
    assert probability.mean() == pytest.approx(wrong.mean(), abs=0.015)
    sure = probability > 0.9
    assert wrong[sure].sum() >= 0.93 * sure.sum()


def test_few_numbers_are_judged_as_well() -> None:
    given, predicted, wrong = (column[:300] for column in numbers(0.1, 100.0))
    probability = probability_wrong(given, predicted)
    assert wrong[probability > 0.9].mean() > 0.9


def test_a_perfect_model_is_contradicted_only_by_what_is_wrong() -> None:
    given = np.arange(50.0)
    predicted = given.copy()
    given[3] = 40.0
    assert probability_wrong(given, predicted).nonzero()[0].tolist() == [3]


def test_numbers_that_are_all_alike_are_right() -> None:
    assert not probability_wrong(np.ones(10), np.ones(10)).any()


@pytest.mark.parametrize("unit", [1e-20, 1e20])
def test_the_unit_of_the_numbers_changes_nothing(unit: float) -> None:
    given, predicted, _ = (column[:500] for column in numbers(0.1, 3.0))
    probability = probability_wrong(given, predicted)
    np.testing.assert_allclose(probability_wrong(given * unit, predicted * unit), probability)


@pytest.mark.parametrize("far", [1e4, 1e9, 1e30])
@pytest.mark.parametrize("n", [400, 2000])
def test_one_number_far_out_hides_no_others(far: float, n: int) -> None:
    rng = np.random.default_rng(0)
    predicted = rng.normal(size=n) * 5
    given = predicted + rng.normal(size=n)
    given[:20] += 30
    given[20] = far
    p = probability_wrong(given, predicted)
    assert (p[:21] > 0.5).all() and (p[21:] > 0.5).sum() <= 2
