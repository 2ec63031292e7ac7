"""Claims about the numbers and labels that a model is trained on."""

from pathlib import Path

import numpy as np
import pytest
import torch

from selfpaced.audit import Options, read
from selfpaced.audit._learning import aims
from selfpaced.audit._prepare import prepare, robust


def table(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_classes_are_numbered_in_order(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "x,is\n1,dog\n2,cat\n3,dog\n4,cat\n")
    prepared = prepare(read(path, Options(label="is")))
    assert prepared.labels.tolist() == [1, 0, 1, 0] and prepared.labels.dtype == torch.int64
    assert prepared.names is not None and prepared.names.tolist() == ["cat", "dog"]
    assert prepared.aim == aims.Classes(2) and prepared.scale == (0.0, 1.0)
    assert prepared.inputs.dense.shape == (4, 1)
    assert prepared.notes[-1].startswith("Learned from 1 number")


def test_numbers_are_scaled_and_a_wrong_one_does_not_change_the_scale(tmp_path: Path) -> None:
    numbers = "\n".join(f"{x},{x / 4}" for x in range(9))
    path = table(tmp_path / "a.csv", f"x,y\n{numbers}\n9,1e12\n")
    prepared = prepare(read(path, Options(label="y")))
    assert prepared.aim == aims.Numbers() and prepared.names is None
    middle, unit = prepared.scale
    assert middle == 1.125 and unit == pytest.approx(1.125 / 1.349)
    assert prepared.labels[:9].tolist() == pytest.approx(
        [(x / 4 - middle) / unit for x in range(9)]
    )
    assert prepared.labels.dtype == torch.float32 and bool(prepared.labels.isfinite().all())


def test_if_half_of_the_numbers_are_equal_the_scale_is_their_standard_deviation() -> None:
    values = np.array([0.0, 0.0, 0.0, 0.0, 10.0])
    assert robust(values) == (0.0, 4.0)


@pytest.mark.parametrize("far", ["1e308", "1e39", "-1e38"])
def test_numbers_too_far_off_to_learn_are_refused_with_their_column(
    tmp_path: Path, far: str
) -> None:
    numbers = "\n".join(f"{x},{x / 40}" for x in range(9))
    path = table(tmp_path / "a.csv", f"x,price\n{numbers}\n9,{far}\n")
    said = (
        r"a\.csv: price runs from .*e\+3\d.*, which is too wide, or too narrow, to learn. Correct"
    )
    with pytest.raises(ValueError, match=said):
        prepare(read(path, Options(label="price")))


def test_numbers_too_close_to_each_other_to_learn_are_refused(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "x,y\n1,1e-200\n2,1e-200\n3,1e-200\n4,1e-200\n5,3e-200\n")
    with pytest.raises(ValueError, match="y runs from 1e-200 to 3e-200, which is too wide, or too"):
        prepare(read(path, Options(label="y")))


def test_a_text_model_needs_a_column_of_text(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "x,is\n1,dog\n2,cat\n3,dog\n")
    said = r"^text_model=\.\.\. needs a column of text; .*a.csv has none. Leave it out"
    with pytest.raises(ValueError, match=said):
        prepare(read(path, Options(label="is")), text_model=tmp_path)


def test_data_that_need_more_memory_than_is_free_are_refused(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "x,is\n1,dog\n2,cat\n3,dog\n")
    with pytest.raises(ValueError, match="needs? about .* of memory; .* (is|are) free"):
        prepare(read(path, Options(label="is")), memory=10)
