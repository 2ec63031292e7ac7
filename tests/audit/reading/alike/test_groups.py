"""Claims about samples that belong together, such as rows of a patient."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from selfpaced.audit import Options, read
from selfpaced.audit._reading.alike.groups import together
from selfpaced.audit._reading.source import Source

RNG = np.random.default_rng(0)
N = 120


def visits() -> pd.DataFrame:
    """Return rows of 30 patients, four each, whose rows have the same label."""
    patient = np.repeat(np.arange(30), 4)
    kind = np.where(patient % 2 == 0, "ill", "well")
    names = [f"p{each}" for each in patient]
    return pd.DataFrame({"size": RNG.normal(size=N), "kind": kind, "patient": names})


def source_of(table: pd.DataFrame, folder: Path, group: str | None = "patient") -> Source:
    """Write a table and read it."""
    table.to_csv(folder / "a.csv", index=False)
    return read(folder / "a.csv", Options(label="kind", group=group))


def test_rows_of_a_group_have_one_number_and_the_column_is_not_learned(tmp_path: Path) -> None:
    source = source_of(visits(), tmp_path)
    assert source.groups is not None
    assert source.groups.tolist() == np.repeat(np.arange(30), 4).tolist()
    assert list(pd.DataFrame(source.features)) == ["size"]
    assert "patient" in source.own.columns
    assert not [note for note in source.notes if "patient" in note]


def test_a_row_without_a_group_is_its_own(tmp_path: Path) -> None:
    table = visits()
    table.loc[[0, 1], "patient"] = None
    groups = source_of(table, tmp_path).groups
    assert groups is not None and len(np.unique(groups)) == 32
    assert groups[0] != groups[1] and groups[2] == groups[3]


def test_copies_join_groups(tmp_path: Path) -> None:
    table = visits().assign(age=np.arange(N))
    table.loc[4] = table.loc[0]  # equal in all columns that are learned, of another patient
    table.loc[4, "patient"] = "p1"
    groups = source_of(table, tmp_path).groups
    assert groups is not None and groups[0] == groups[7] and len(np.unique(groups)) == 29


def test_a_column_whose_values_repeat_with_the_label_is_suggested(tmp_path: Path) -> None:
    source = source_of(visits(), tmp_path, group=None)
    assert source.notes[-1] == (
        "Column 'patient' has 30 values, and rows with the same one often have the same label. If "
        "they belong together, such as rows of a patient, pass group='patient': they are then "
        "judged together."
    )


@pytest.mark.parametrize("other", ["chance", "few", "single"])
def test_other_columns_are_not_suggested(other: str, tmp_path: Path) -> None:
    values = {
        "chance": RNG.permutation(np.repeat(np.arange(30), 4)),
        "few": np.repeat(np.arange(4), 30),
        "single": np.arange(N),
    }
    table = visits().assign(patient=[f"p{each}" for each in values[other]])
    source = source_of(table, tmp_path, group=None)
    assert not [note for note in source.notes if "group=" in note]


def test_a_group_of_many_samples_is_told(tmp_path: Path) -> None:
    table = visits()
    table.loc[:71, "patient"] = "p0"
    assert source_of(table, tmp_path).notes[0] == (
        "60% of the samples are of one group, 'p0': they are judged by models that learned only "
        "the other 40%."
    )


@pytest.mark.parametrize("name", ["kind", "Patient"])
def test_a_column_that_is_no_group_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="group=") as raised:
        source_of(visits(), tmp_path, group=name)
    assert "size, patient" in str(raised.value)


def test_numbers_join_what_shares_any_of_them() -> None:
    assert together(None, None) is None
    found = together(np.array([3, 3, 5, 6]), np.array([0, 1, 1, 2]))
    assert found is not None and found.tolist() == [0, 0, 0, 1]
