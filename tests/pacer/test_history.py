import math
import os
from pathlib import Path

import pytest
import torch

from selfpaced import Pacer
from selfpaced._files import write_parquet
from selfpaced._pacer.history import History, describe, read_history
from selfpaced.age import Auto, Quantile
from selfpaced.chain import Pacing, Population
from selfpaced.difficulty import Loss, RandomOrder
from selfpaced.pacing import Constant, Ramp, Recorded

AGE = torch.tensor(1.0)


def population(difficulty: list[float], mass: list[float] | None = None) -> Population:
    return Population(torch.tensor(difficulty), None if mass is None else torch.tensor(mass), {})


def run(n: int, pacing: Pacing, steps: int, difficulty: Loss | RandomOrder) -> Pacer:
    pacer = Pacer(n, age=Quantile(pacing), difficulty=difficulty, decide="step")
    for seed in range(steps):
        pacer(torch.rand(n, generator=torch.Generator().manual_seed(seed)), torch.arange(n))
        pacer.step()
    return pacer


def test_a_sample_with_any_weight_above_zero_counts_as_kept() -> None:
    weight = torch.tensor([1.0, 0.5, 0.01, 0.0])
    row = describe(3, AGE, population([1.0, 2.0, 3.0, 4.0]), weight, torch.ones(4))
    assert row["kept_share"] == 0.75


def test_the_kept_share_is_of_mass() -> None:
    weight = torch.tensor([0.2, 0.0])
    row = describe(1, AGE, population([1.0, 2.0], [3.0, 1.0]), weight, torch.ones(2))
    assert row["kept_share"] == 0.75


def test_samples_count_equally_if_no_seen_sample_has_mass() -> None:
    weight = torch.tensor([1.0, 0.0])
    row = describe(1, AGE, population([1.0, 2.0], [0.0, 0.0]), weight, torch.ones(2))
    assert row["kept_share"] == 0.5


@pytest.mark.parametrize("age", [Auto(), Quantile(Constant(0.5))])
def test_a_step_on_samples_without_mass_has_a_kept_share(age: Auto | Quantile) -> None:
    columns = {"sample_weight": torch.tensor([0.0, 0.0, 1.0, 1.0])}
    pacer = Pacer(4, age=age, columns=columns)
    for _ in range(4):
        pacer(torch.tensor([1.0, 2.0]), torch.arange(2))
        pacer.step()
        assert 0 <= float(str(pacer.history[-1]["kept_share"])) <= 1
    assert pacer.history[-1]["seen"] == 2


def test_the_row_describes_the_last_losses_and_the_difficulty() -> None:
    loss = torch.tensor([1.0, 2.0, 6.0])
    row = describe(7, torch.tensor([1.0, 2.0]), population([5.0, 4.0, 9.0]), torch.ones(3), loss)
    assert row == {
        "step": 7,
        "age": [1.0, 2.0],
        "kept_share": 1.0,
        "seen": 3,
        "mean_loss": 3.0,
        "median_difficulty": 5.0,
    }


@pytest.mark.parametrize("pacing", [Constant(0.6), Ramp(0.1, 0.9, steps=12)])
@pytest.mark.parametrize("difficulty", [Loss(), RandomOrder()])
def test_recorded_kept_shares_keep_exactly_as_many_samples(
    pacing: Pacing, difficulty: Loss | RandomOrder
) -> None:
    original = run(200, pacing, 14, Loss())
    shares = [float(str(row["kept_share"])) for row in original.history]
    again = run(200, Recorded((1.0, *shares)), 14, difficulty)
    assert [row["kept_share"] for row in again.history] == shares
    assert again.weight.sum() == original.weight.sum()


def test_each_of_two_hundred_kept_shares_can_be_recorded() -> None:
    shares = [k / 200 for k in range(1, 201)]
    again = run(200, Recorded((1.0, *shares)), 200, RandomOrder())
    assert [row["kept_share"] for row in again.history] == shares


AGES: list[list[float | list[float]]] = [
    [math.inf, 0.5],
    [[math.inf, 0.25], [1.0, 2.0]],
    [[1.0], [2.0]],
]


@pytest.mark.parametrize("ages", AGES, ids=["number", "one a class", "one class"])
def test_a_history_can_be_written_and_read(ages: list[float | list[float]], tmp_path: Path) -> None:
    rows = [{"step": step, "age": age, "kept_share": 0.5} for step, age in enumerate(ages)]
    write_parquet(History(rows).to_frame(), tmp_path / "history.parquet")
    again = read_history(tmp_path / "history.parquet")
    assert again == rows and type(again[0]["step"]) is int
    assert os.listdir(tmp_path) == ["history.parquet"]


def test_the_history_of_a_run_can_be_written_and_read(tmp_path: Path) -> None:
    history = run(20, Ramp(0.1, 0.9, steps=3), 5, Loss()).history
    write_parquet(history.to_frame(), tmp_path / "a.parquet")
    assert read_history(tmp_path / "a.parquet") == history


def test_an_empty_history_can_be_written_and_read(tmp_path: Path) -> None:
    write_parquet(History().to_frame(), tmp_path / "a.parquet")
    assert read_history(tmp_path / "a.parquet") == []
