"""Claims about the result of an audit of numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.tree import DecisionTreeRegressor
from torch import nn

from selfpaced import Indexed, Pacer
from selfpaced.age import Deviations
from selfpaced.audit import Audit
from selfpaced.audit._folder.pictures import draw
from selfpaced.audit._folder.summary import summary
from selfpaced.audit._folder.tables import ledger_table, suspects_table
from selfpaced.audit._learning.aims import Numbers
from selfpaced.audit._learning.batches import Rows
from selfpaced.audit._learning.networks import mlp
from selfpaced.audit._learning.settings import Settings
from selfpaced.audit._learning.training import Training
from selfpaced.audit._numbers import probability_wrong, result_of_numbers


def pacer_of(error: np.ndarray) -> Pacer:
    """Return a pacer that has observed these errors, in two steps."""
    pacer = Pacer(len(error), age=Deviations())
    for _ in range(2):
        pacer.observe(torch.from_numpy(error**2).float(), torch.arange(len(error)))
        pacer.step()
    return pacer


def judged(given: np.ndarray, predicted: np.ndarray) -> Audit:
    return result_of_numbers(nn.Linear(1, 1), pacer_of(given - predicted), given, predicted)


def noisy(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers from 1,000 to 2,000 and good predictions; numbers 7 and 8 are wrong."""
    predicted = np.linspace(1000, 2000, n)
    given = predicted + 5 * np.sin(np.arange(n))
    given[7], given[8] = 1800, 1900
    return given, predicted


def test_numbers_are_ranked_and_counted_by_their_probability() -> None:
    given, predicted = noisy()
    found = judged(given, predicted)
    assert found.numeric and found.confusion is None
    assert list(found.table.columns) == ["label", "probability", "suggested", "loss"]
    assert sorted(found.suspects.index) == [7, 8]
    assert found.table["probability"].is_monotonic_decreasing
    assert found.count.estimate == pytest.approx(found.table["probability"].sum(), rel=1e-6)
    assert found.count.estimate == pytest.approx(2, abs=0.2)
    row = found.table.loc[7]
    assert row["label"] == 1800 and row["suggested"] == predicted[7]
    assert row["loss"] == pytest.approx((1800 - predicted[7]) ** 2)


def test_equal_probabilities_are_ranked_by_distance_then_by_position() -> None:
    given = np.array([1.0, 9.0, 2.0, 5.0, 6.0, 3.0, 4.0, 8.0, 7.0, 0.0])
    predicted = given.copy()
    given[1], given[2], given[4] = 0.0, 8.0, 0.0  # distances of 9, 6 and 6
    assert judged(given, predicted).table.index.tolist() == [1, 2, 4, 0, 3, 5, 6, 7, 8, 9]


def test_the_result_holds_a_scikit_learn_estimator_unchanged() -> None:
    given, predicted = noisy()
    tree = DecisionTreeRegressor()
    assert result_of_numbers(tree, pacer_of(given - predicted), given, predicted).model is tree


def test_a_sample_that_was_never_visited_is_judged_by_its_prediction() -> None:
    given, predicted = noisy()
    pacer = Pacer(200, age=Deviations())
    pacer.observe(torch.ones(100), torch.arange(100, 200))
    pacer.step()
    found = result_of_numbers(nn.Linear(1, 1), pacer, given, predicted)
    assert sorted(found.suspects.index) == [7, 8]
    assert found.table["loss"].isna().loc[7]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_prediction_that_is_not_finite_is_refused(bad: float) -> None:
    given, predicted = noisy()
    pacer = pacer_of(given - predicted)
    predicted[[3, 5]] = bad
    message = r"NaN or infinity for 2 of 200 samples, at \[3, 5\]\. Lower the learning rate"
    with pytest.raises(ValueError, match=message):
        result_of_numbers(nn.Linear(1, 1), pacer, given, predicted)


def test_a_prediction_for_each_number_is_needed() -> None:
    given, predicted = noisy()
    pacer = pacer_of(given - predicted)
    for one, other in ((given[:9], predicted), (given, predicted[:, None])):
        with pytest.raises(ValueError, match=r"each sample, shape \(200,\); got \("):
            result_of_numbers(nn.Linear(1, 1), pacer, one, other)


def trained(n: int = 600, wrong: int = 60) -> tuple[Audit, set[Any]]:
    """Return the result of a regression of 600 rents, and the 60 that belong to other flats."""
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, size=(n, 3)).astype(np.float32)
    rent = 900 + 300 * x[:, 0] - 200 * x[:, 1] ** 2 + random.normal(0, 20, n)
    given, chosen = rent.copy(), random.choice(n, wrong, replace=False)
    given[chosen] = rent[random.permutation(chosen)]
    middle, unit = given.mean(), given.std()
    y = torch.from_numpy((given - middle) / unit).float()
    torch.manual_seed(0)
    training = Training(Indexed(Rows(x, y)), mlp((3,), 1), y, Numbers(), Settings(15, 32, 1e-3))
    training.run()
    training.model.eval()
    with torch.no_grad():
        predicted = training.model(torch.from_numpy(x)).reshape(-1).double().numpy()
    found = result_of_numbers(training.model, training.pacer, given, predicted * unit + middle)
    return found, set(chosen.tolist())


def test_wrong_numbers_of_a_training_come_first_and_can_be_reported(tmp_path: Path) -> None:
    found, wrong = trained()
    assert len(wrong & set(found.table.index[:40])) >= 38
    assert len(wrong & set(found.suspects.index)) >= 0.9 * len(found.suspects)
    assert found.count.low <= 60 <= found.count.high
    where = pd.Series(np.arange(1, 601), name="row")
    own = pd.DataFrame({"rooms": np.arange(600) % 4})
    table = suspects_table(found, where, own, top=len(found.suspects))
    assert list(table.columns) == ["row", "fix", "probability", "given", "suggested", "rooms"]
    assert table["row"].tolist() == [place + 1 for place in found.suspects.index]
    assert ledger_table(found, where)["visits"].eq(15).all()
    page = summary(
        found,
        name="rents.csv",
        where=where,
        own=own,
        notes=[],
        conflicts=table.iloc[:0],
        command="x",
    )
    assert page.startswith(f"# rents.csv: {len(table)} of 600 numbers are probably wrong")
    draw(found, tmp_path, None)
    assert {path.name for path in tmp_path.iterdir()} == {"curves.png", "suspects.png"}


def numbers(share: float, tails: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Return numbers, good predictions, and which numbers belong to other rows."""
    random = np.random.default_rng(seed)
    predicted = random.normal(size=4000)
    given = predicted + 0.1 * random.standard_t(tails, size=4000)
    wrong = random.random(4000) < share
    given[wrong] = random.permutation(given)[wrong]
    return given, predicted, wrong


@pytest.mark.parametrize("tails", [3.0, 100.0])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_the_probabilities_add_up_to_the_number_of_wrong_ones(share: float, tails: float) -> None:
    given, predicted, wrong = numbers(share, tails)
    probability = probability_wrong(given, predicted)
    assert probability.mean() == pytest.approx(wrong.mean(), abs=0.015)
    sure = probability > 0.9
    assert wrong[sure].sum() >= 0.93 * sure.sum()


def test_few_numbers_are_judged_well_too() -> None:
    given, predicted, wrong = (column[:300] for column in numbers(0.1, 100.0))
    probability = probability_wrong(given, predicted)
    assert wrong[probability > 0.9].mean() > 0.9


def test_with_perfect_predictions_only_other_numbers_are_wrong() -> None:
    given = np.arange(50.0)
    predicted = given.copy()
    given[3] = 40.0
    assert probability_wrong(given, predicted).nonzero()[0].tolist() == [3]


def test_equal_numbers_with_equal_predictions_are_right() -> None:
    assert not probability_wrong(np.ones(10), np.ones(10)).any()


@pytest.mark.parametrize("unit", [1e-20, 1e20])
def test_the_unit_of_the_numbers_changes_nothing(unit: float) -> None:
    given, predicted, _ = (column[:500] for column in numbers(0.1, 3.0))
    probability = probability_wrong(given, predicted)
    np.testing.assert_allclose(probability_wrong(given * unit, predicted * unit), probability)


@pytest.mark.parametrize("far", [1e4, 1e9, 1e30])
@pytest.mark.parametrize("n", [400, 2000])
def test_one_number_far_off_does_not_hide_the_other_wrong_ones(far: float, n: int) -> None:
    rng = np.random.default_rng(0)
    predicted = rng.normal(size=n) * 5
    given = predicted + rng.normal(size=n)
    given[:20] += 30
    given[20] = far
    p = probability_wrong(given, predicted)
    assert (p[:21] > 0.5).all() and (p[21:] > 0.5).sum() <= 2
