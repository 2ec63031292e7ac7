"""Claims about tables in several files, and about what datasets saves."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from selfpaced.audit import Options, read

KIND = Options(label="kind")


def frame(start: int) -> pd.DataFrame:
    rows = range(start, start + 4)
    return pd.DataFrame({"a": [row * 0.5 for row in rows], "kind": [row % 2 for row in rows]})


def save(table: Any, folder: Path) -> Path:
    """Save a table as datasets does: files of Arrow, and their names in a JSON file."""
    folder.mkdir()
    with pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as file:
        with pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
    names = '{"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}'
    (folder / "state.json").write_text(names)
    return folder


def test_rows_are_counted_through_all_files(tmp_path: Path) -> None:
    for place in range(3):
        frame(4 * place).to_parquet(tmp_path / f"train-0000{place}-of-00003.parquet")
    source = read(tmp_path, KIND)
    assert source.where.tolist() == list(range(1, 13))
    assert source.features["a"].tolist() == [row * 0.5 for row in range(12)]
    assert source.notes == (
        "Rows are counted through 3 files: train-00000-of-00003.parquet ends at 4, "
        "train-00001-of-00003.parquet ends at 8, train-00002-of-00003.parquet ends at 12.",
    )


@pytest.mark.parametrize(
    "names", [("train.parquet", "test.parquet"), ("a-00000-of-00001.parquet", "b-0.parquet")]
)
def test_files_of_several_parts_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    for name in names:
        frame(0).to_parquet(tmp_path / name)
    with pytest.raises(ValueError, match="holds the parts .* Give a folder with the files of one"):
        read(tmp_path, KIND)


def test_files_of_other_columns_are_refused(tmp_path: Path) -> None:
    frame(0).to_parquet(tmp_path / "one.parquet")
    frame(4).assign(a="text").to_parquet(tmp_path / "two.parquet")
    with pytest.raises(ValueError, match="its files do not have the same columns"):
        read(tmp_path, KIND)


def test_a_saved_dataset_is_read_and_its_class_names_are_told(tmp_path: Path) -> None:
    import datasets

    kinds = datasets.ClassLabel(names=["cat", "dog"])
    features = datasets.Features({"a": datasets.Value("float64"), "kind": kinds})
    made = datasets.Dataset.from_pandas(frame(0), features=features)
    made.save_to_disk(tmp_path / "saved")
    made.to_parquet(tmp_path / "one.parquet")
    for path in (tmp_path / "saved", tmp_path / "one.parquet"):
        source = read(path, KIND)
        assert source.labels.tolist() == [0, 1, 0, 1]
        assert "Column 'kind' numbers its classes: 0 cat, 1 dog." in source.notes
    datasets.DatasetDict({"train": made, "test": made}).save_to_disk(tmp_path / "both")
    with pytest.raises(ValueError, match="data set of the parts test, train. Give the folder of"):
        read(tmp_path / "both", KIND)


def test_a_damaged_dataset_is_refused(tmp_path: Path) -> None:
    table = pa.Table.from_pandas(frame(0))
    lacking = save(table, tmp_path / "lacking")
    (lacking / "data-00000-of-00001.arrow").unlink()
    with pytest.raises(ValueError, match="lacks files that its state.json lists: data-00000-of"):
        read(lacking, KIND)
    cut = save(table, tmp_path / "cut") / "data-00000-of-00001.arrow"
    cut.write_bytes(cut.read_bytes()[:100])
    with pytest.raises(ValueError, match="arrow is damaged: .* Save the data set again"):
        read(cut.parent, KIND)
    wrong = save(table, tmp_path / "wrong")
    (wrong / "state.json").write_text("[]")
    with pytest.raises(ValueError, match=r"state\.json is damaged"):
        read(wrong, KIND)


def test_a_damaged_file_of_several_is_named(tmp_path: Path) -> None:
    frame(0).to_parquet(tmp_path / "a0.parquet")
    (tmp_path / "a1.parquet").write_bytes(b"PAR1 cut")
    with pytest.raises(ValueError, match="a1.parquet is damaged: .* Write it again"):
        read(tmp_path, KIND)
    assert parquet.read_table(tmp_path / "a0.parquet").num_rows == 4
