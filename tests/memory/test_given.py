"""Columns come in many kinds, and are read by position."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from datasets import ClassLabel, Dataset, Features

from selfpaced import Pacer
from selfpaced._memory.given import values_of

LABELS = [2, 0, 1, 1]
FLIPPED = [3, 2, 1, 0]  # an index that would turn the values around


def of_datasets(labels: list[int]) -> Any:
    features = Features({"label": ClassLabel(names=["a", "b", "c"])})
    return Dataset.from_dict({"label": labels}, features=features)


KINDS: dict[str, Callable[[], Any]] = {
    "list": lambda: LABELS,
    "tuple": lambda: tuple(LABELS),
    "int8": lambda: torch.tensor(LABELS, dtype=torch.int8),
    "int32": lambda: torch.tensor(LABELS, dtype=torch.int32),
    "uint8": lambda: np.array(LABELS, np.uint8),
    "big-endian": lambda: np.array(LABELS, ">i2"),
    "every second": lambda: np.repeat(LABELS, 2)[::2],
    "list of numpy": lambda: list(np.array(LABELS, np.int32)),
    "list of tensors": lambda: list(torch.tensor(LABELS)),
    "objects": lambda: np.array(LABELS, object),
    "series": lambda: pd.Series(LABELS, index=FLIPPED),
    "series int16": lambda: pd.Series(LABELS, index=list("abcd"), dtype="int16"),
    "series nullable": lambda: pd.Series(LABELS, dtype="Int64"),
    "codes": lambda: pd.Series(["c", "a", "b", "b"], FLIPPED, dtype="category").cat.codes,
    "categories": lambda: pd.Series(LABELS, index=FLIPPED, dtype="category"),
    "index": lambda: pd.Index(LABELS),
    "frame": lambda: pd.DataFrame({"y": LABELS}, index=FLIPPED)["y"],
    "polars": lambda: pl.Series(LABELS, dtype=pl.UInt8),
    "datasets": lambda: of_datasets(LABELS)["label"],
    "datasets torch": lambda: of_datasets(LABELS).with_format("torch")["label"],
    "datasets selected": lambda: of_datasets([0, *LABELS]).select(range(1, 5))["label"],
    "arrow": lambda: of_datasets(LABELS).data["label"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_any_kind_are_read_by_position(kind: str) -> None:
    pacer = Pacer(4, columns={"group": KINDS[kind]()})
    group = pacer.ledger.columns["group"]
    assert group.tolist() == LABELS and group.dtype == torch.int64
    assert len(pacer.current_age) == 3


@pytest.mark.parametrize(
    "mask", [[True, False, True], torch.tensor([1.0, 0.0, 1.0]) > 0, pd.Series([True, False, True])]
)
def test_booleans_are_two_groups(mask: Any) -> None:
    assert Pacer(3, columns={"group": mask}).ledger.columns["group"].tolist() == [1, 0, 1]


@pytest.mark.parametrize("mass", [[2, 0, 1], np.array([2, 0, 1], np.int8), [2.0, 0.0, 1.0]])
def test_sample_weights_may_be_whole_numbers(mass: Any) -> None:
    pacer = Pacer(3, columns={"sample_weight": mass})
    assert pacer.ledger.columns["sample_weight"].tolist() == [2.0, 0.0, 1.0]
    assert pacer.ledger.columns["sample_weight"].dtype == torch.float32
    assert float(pacer(torch.tensor([1.0, 5.0, 2.0]), torch.arange(3))) == pytest.approx(4 / 3)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            ["a", "b", "a"],
            r"got strings such as \['a', 'b'\]. For labels: numpy.unique\(labels, return",
        ),
        (pd.Series(["a", "b"]), r"got strings such as \['a', 'b'\]"),
        (pd.Series(["a", "b"], dtype="category"), r"got strings such as \['a', 'b'\]"),
        ([1, None], r"got object such as \[1, None\]"),
        (np.array(["2020-01-01"], "datetime64[D]"), "got datetime64"),
        ({"a": list(range(99))}, "got object such as .{60}. For labels"),
    ],
)
def test_values_that_are_no_numbers_are_refused(column: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"column 'group' must hold numbers; {message}"):
        values_of("group", column)
