"""Claims about tables whose samples are images."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from selfpaced.audit import Options, read

KIND = Options(label="kind")


def picture(value: int) -> Image.Image:
    return Image.new("L", (6, 5), value)


def in_bytes(value: int) -> bytes:
    file = io.BytesIO()
    picture(value).save(file, "PNG")
    return file.getvalue()


def paths(folder: Path) -> pd.DataFrame:
    (folder / "img").mkdir()
    for place in range(6):
        picture(place).save(folder / "img" / f"{place}.png")
    names = [f"img/{place}.png" for place in range(6)]
    return pd.DataFrame({"file": names, "size": range(6), "kind": ["cat", "dog"] * 3})


def test_paths_in_a_table_are_images_beside_it(tmp_path: Path) -> None:
    table = paths(tmp_path)
    (tmp_path / "img" / "5.png").unlink()
    table.to_csv(tmp_path / "a.csv", index=False)
    source = read(tmp_path / "a.csv", KIND)
    assert source.kind == "images" and source.where.tolist() == [1, 2, 3, 4, 5]
    assert source.features[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert source.labels.tolist() == ["cat", "dog", "cat", "dog", "cat"]
    assert source.lines is not None and source.lines.tolist() == [2, 3, 4, 5, 6]
    assert list(source.own) == ["file", "size", "kind"]
    assert source.notes == (
        "Column 'file' holds images.",
        "1 other column is left out, as a model of images reads nothing else: size.",
        "Images are 6 x 5 pixels, grey.",
        "1 image could not be read and is left out: row 6.",
    )
    assert read(tmp_path / "a.csv", Options(label="kind", side=3)).features.shape == (5, 1, 3, 3)
    assert len(read(tmp_path / "a.csv", Options(known=False))) == 5


def test_names_of_images_that_do_not_exist_are_told(tmp_path: Path) -> None:
    table = paths(tmp_path)
    (tmp_path / "other").mkdir()
    table.to_csv(tmp_path / "other" / "a.csv", index=False)
    source = read(tmp_path / "other" / "a.csv", KIND)
    assert source.kind == "table"
    assert source.notes[0].startswith("Column 'file' names images, but none of them exists in ")


def test_a_column_of_images_can_be_ignored(tmp_path: Path) -> None:
    paths(tmp_path).to_csv(tmp_path / "a.csv", index=False)
    source = read(tmp_path / "a.csv", Options(label="kind", ignore=("file",)))
    assert source.kind == "table" and list(source.features) == ["size"]
    with pytest.raises(ValueError, match="^side=... is for images; .* has no column of images"):
        read(tmp_path / "a.csv", Options(label="kind", ignore=("file",), side=8))


@pytest.mark.parametrize("records", [True, False])
def test_bytes_in_parquet_are_images(tmp_path: Path, records: bool) -> None:
    values = [in_bytes(place) for place in range(4)]
    cells = [{"bytes": value, "path": None} for value in values] if records else values
    table = pd.DataFrame({"image": cells, "kind": [0, 1, 0, 1]})
    table.to_parquet(tmp_path / "a.parquet")
    source = read(tmp_path / "a.parquet", KIND)
    assert source.kind == "images" and list(source.own) == ["kind"]
    assert source.features[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert source.labels.tolist() == [0, 1, 0, 1]


def test_records_may_hold_paths(tmp_path: Path) -> None:
    table = paths(tmp_path)
    table["file"] = pd.Series([{"bytes": None, "path": name} for name in table["file"]])
    table.to_parquet(tmp_path / "a.parquet")
    source = read(tmp_path / "a.parquet", KIND)
    assert source.kind == "images" and source.own["file"].tolist()[0] == "img/0.png"


def test_images_of_datasets_are_read(tmp_path: Path) -> None:
    import datasets

    columns = {"image": [picture(place) for place in range(4)], "kind": ["x", "y"] * 2}
    made = datasets.Dataset.from_dict(columns).cast_column("image", datasets.Image())
    made.to_parquet(tmp_path / "a.parquet")
    made.save_to_disk(tmp_path / "saved")
    for path in (tmp_path / "a.parquet", tmp_path / "saved"):
        assert read(path, KIND).features[:, 0, 0, 0].tolist() == [0, 1, 2, 3]


def test_groups_and_gaps_stay_with_their_images(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "image": [in_bytes(place) if place != 2 else None for place in range(6)],
            "patient": ["a", "a", "b", "b", "c", "c"],
            "kind": ["x", "y", "x", "y", "x", None],
        }
    )
    table.to_parquet(tmp_path / "a.parquet")
    source = read(tmp_path / "a.parquet", Options(label="kind", group="patient"))
    assert source.where.tolist() == [1, 2, 4, 5]
    assert source.groups is not None and source.groups.tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize(("most", "depth"), [(1023, 10), (4095, 12), (65535, 16)])
def test_the_depth_of_images_can_be_given(tmp_path: Path, most: int, depth: int) -> None:
    for place in range(6):
        values = np.full((4, 4), most if place else 0, np.uint16)
        folder = tmp_path / "xy"[place % 2]
        folder.mkdir(exist_ok=True)
        Image.fromarray(values).save(folder / f"{place}.png")
    source = read(tmp_path)
    assert source.depth == depth and int(np.max(source.features)) == 255
    assert f"Images have {depth} bits per pixel, and were rescaled to 8." in source.notes
    wide = read(tmp_path, Options(depth=16))
    assert int(np.max(wide.features)) == round(most * 255 / 65535 - 0.499)
