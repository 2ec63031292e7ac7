"""Labels beside a dataset count only where they are the items' own."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Subset, TensorDataset

from selfpaced._sampling.labels import labels_beside


class Kept(list[tuple[str, int]]):
    """Items with something beside them."""

    def __init__(self, **beside: Any) -> None:
        super().__init__([("a", 2), ("b", 0), ("c", 1)])
        vars(self).update(beside)


def second(item: tuple[str, int]) -> int:
    return item[1]


@pytest.mark.parametrize("name", ["targets", "labels", "label"])
@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor])
def test_they_are_read_where_datasets_keep_them(name: str, kind: Any) -> None:
    found = labels_beside(Kept(**{name: kind([2, 0, 1])}), second)
    assert found is not None and found.tolist() == [2, 0, 1]


def test_a_part_has_its_part_of_them() -> None:
    part: Subset[Any] = Subset(Subset(Kept(targets=[2, 0, 1]), [2, 0]), [1])  # type: ignore[arg-type]  # a list is one
    found = labels_beside(part, second)
    assert found is not None and found.tolist() == [2]


@pytest.mark.parametrize("kept", [None, [], [2, 0], [1, 0, 1], "abc", [[2], [0], [1]]])
def test_anything_else_is_none(kept: Any) -> None:
    assert labels_beside(Kept(targets=kept), second) is None
    assert labels_beside(TensorDataset(torch.ones(2)), second) is None
