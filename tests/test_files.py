import importlib
import math
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from selfpaced import Pacer, Population
from selfpaced._files import (
    History,
    describe,
    read_history,
    read_parquet,
    write_parquet,
    write_text,
)
from selfpaced.age import Auto, Quantile
from selfpaced.difficulty import Loss, Shuffled
from selfpaced.pacing import Constant, Pacing, Ramp, Recorded

AGE = torch.tensor(1.0)


def population(difficulty: list[float], mass: list[float] | None = None) -> Population:
    return Population(torch.tensor(difficulty), None if mass is None else torch.tensor(mass), {})


def run(n: int, pacing: Pacing, steps: int, difficulty: Loss | Shuffled) -> Pacer:
    pacer = Pacer(n, age=Quantile(pacing), difficulty=difficulty, decide="step")
    for seed in range(steps):
        pacer(torch.rand(n, generator=torch.Generator().manual_seed(seed)), torch.arange(n))
        pacer.step()
    return pacer


def test_a_soft_weight_above_zero_is_kept_whole() -> None:
    weight = torch.tensor([1.0, 0.5, 0.01, 0.0])
    row = describe(3, AGE, population([1.0, 2.0, 3.0, 4.0]), weight, torch.ones(4))
    assert row["kept_share"] == 0.75


def test_the_kept_share_is_of_mass() -> None:
    weight = torch.tensor([0.2, 0.0])
    row = describe(1, AGE, population([1.0, 2.0], [3.0, 1.0]), weight, torch.ones(2))
    assert row["kept_share"] == 0.75


def test_samples_count_alike_where_none_that_was_seen_has_mass() -> None:
    weight = torch.tensor([1.0, 0.0])
    row = describe(1, AGE, population([1.0, 2.0], [0.0, 0.0]), weight, torch.ones(2))
    assert row["kept_share"] == 0.5


@pytest.mark.parametrize("age", [Auto(), Quantile(Constant(0.5))])
def test_a_step_on_samples_without_mass_is_described_in_numbers(age: Auto | Quantile) -> None:
    columns = {"sample_weight": torch.tensor([0.0, 0.0, 1.0, 1.0])}
    pacer = Pacer(4, age=age, columns=columns)
    for _ in range(4):
        pacer(torch.tensor([1.0, 2.0]), torch.arange(2))
        pacer.step()
        assert 0 <= float(str(pacer.history[-1]["kept_share"])) <= 1
    assert pacer.history[-1]["seen"] == 2


def test_the_row_tells_of_the_last_losses_and_of_the_difficulty() -> None:
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
@pytest.mark.parametrize("difficulty", [Loss(), Shuffled()])
def test_kept_shares_replayed_keep_exactly_as_many(
    pacing: Pacing, difficulty: Loss | Shuffled
) -> None:
    original = run(200, pacing, 14, Loss())
    shares = [float(str(row["kept_share"])) for row in original.history]
    again = run(200, Recorded((1.0, *shares)), 14, difficulty)
    assert [row["kept_share"] for row in again.history] == shares
    assert again.weight.sum() == original.weight.sum()


def test_every_count_of_two_hundred_survives_the_replay() -> None:
    shares = [k / 200 for k in range(1, 201)]
    again = run(200, Recorded((1.0, *shares)), 200, Shuffled())
    assert [row["kept_share"] for row in again.history] == shares


AGES: list[list[float | list[float]]] = [
    [math.inf, 0.5],
    [[math.inf, 0.25], [1.0, 2.0]],
    [[1.0], [2.0]],
]


@pytest.mark.parametrize("ages", AGES, ids=["number", "one a class", "one class"])
def test_a_history_survives_the_file(ages: list[float | list[float]], tmp_path: Path) -> None:
    rows = [{"step": step, "age": age, "kept_share": 0.5} for step, age in enumerate(ages)]
    write_parquet(History(rows).to_frame(), tmp_path / "history.parquet")
    again = read_history(tmp_path / "history.parquet")
    assert again == rows and type(again[0]["step"]) is int
    assert os.listdir(tmp_path) == ["history.parquet"]


def test_a_run_survives_the_file(tmp_path: Path) -> None:
    history = run(20, Ramp(0.1, 0.9, steps=3), 5, Loss()).history
    write_parquet(history.to_frame(), tmp_path / "a.parquet")
    assert read_history(tmp_path / "a.parquet") == history


def test_no_history_survives_too(tmp_path: Path) -> None:
    write_parquet(History().to_frame(), tmp_path / "a.parquet")
    assert read_history(tmp_path / "a.parquet") == []


def test_a_table_survives_with_its_types(tmp_path: Path) -> None:
    table = pd.DataFrame({"row": [1, 2], "text": ["é", None], "share": [0.1, math.nan]})
    write_parquet(table, tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(read_parquet(tmp_path / "a.parquet"), table)


def test_a_text_is_written_as_it_is(tmp_path: Path) -> None:
    write_text("é\r\n\n", tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_bytes() == "é\r\n\n".encode()


@pytest.mark.parametrize("fails", ["fsync", "replace"])
@pytest.mark.parametrize("kind", ["text", "table"])
def test_an_error_leaves_the_earlier_file_and_nothing_else(
    fails: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no more")

    path = tmp_path / "a"
    path.write_text("old")
    monkeypatch.setattr(os, fails, fail)
    with pytest.raises(OSError, match="no more"):
        write_text("new", path) if kind == "text" else write_parquet(pd.DataFrame(), path)
    assert os.listdir(tmp_path) == ["a"] and path.read_text() == "old"


def test_a_table_that_parquet_cannot_hold_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(ValueError, match="Could not convert"):
        write_parquet(pd.DataFrame({"a": [1, "b"]}), path)
    assert os.listdir(tmp_path) == ["a"] and path.read_text() == "old"


def test_what_is_no_parquet_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_text("row,label\n1,cat\n")
    with pytest.raises(ValueError, match=r"a.parquet is no Parquet file; it begins with b'row,lab"):
        read_parquet(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="a.parquet is no Parquet file: it is empty."):
        read_parquet(path)


def test_a_parquet_file_that_is_cut_short_or_damaged_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(pd.DataFrame({"a": range(1000)}), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(ValueError, match="is a Parquet file that is cut short. Write it again"):
        read_parquet(path)
    path.write_bytes(whole[:100] + whole[-8:])
    with pytest.raises(ValueError, match="a.parquet is a damaged Parquet file: ") as told:
        read_parquet(path)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="a.parquet"):
        read_parquet(tmp_path / "a.parquet")


@pytest.mark.parametrize("lacking", ["pandas", "pyarrow"])
def test_what_to_install_is_told(
    lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> Any:
        if name == lacking:
            raise ModuleNotFoundError(name=name)
        return importlib.import_module(name)

    monkeypatch.setattr("selfpaced._files.import_module", load)
    with pytest.raises(ModuleNotFoundError, match=r"write_parquet needs .* \"selfpaced\[audit\]\""):
        write_parquet(pd.DataFrame(), tmp_path / "a")
    with pytest.raises(ModuleNotFoundError, match=r"read_parquet needs pandas and pyarrow: pip"):
        read_parquet(tmp_path / "a")
