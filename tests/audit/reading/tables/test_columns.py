"""Claims about which columns are learned from: vectors, leaks and ignored ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from selfpaced.audit import Options, read

RNG = np.random.default_rng(0)
N = 60
KINDS = [("cat", "dog", "eel")[place % 3] for place in range(N)]
VECTORS = RNG.normal(size=(N, 3)).round(3)


def frame(**more: object) -> pd.DataFrame:
    return pd.DataFrame({"size": RNG.normal(size=N).round(3), **more, "kind": KINDS})


@pytest.mark.parametrize("sep", [", ", " ", ","])
def test_vectors_in_text_are_columns_of_numbers(tmp_path: Path, sep: str) -> None:
    texts = [f"[{sep.join(map(str, vector))}]" for vector in VECTORS]
    frame(vector=texts).to_csv(tmp_path / "a.csv", index=False)
    source = read(tmp_path / "a.csv", Options(label="kind"))
    assert list(source.features) == ["size", "vector[0]", "vector[1]", "vector[2]"]
    np.testing.assert_allclose(pd.DataFrame(source.features).iloc[:, 1:], VECTORS)
    assert "Column 'vector' holds vectors of 3 numbers." in source.notes


def test_vectors_of_parquet_may_have_gaps(tmp_path: Path) -> None:
    vectors = [None if place == 4 else [*vector] for place, vector in enumerate(VECTORS)]
    frame(vector=vectors).to_parquet(tmp_path / "a.parquet")
    features = pd.DataFrame(read(tmp_path / "a.parquet", Options(label="kind")).features)
    assert features["vector[2]"].isna().to_numpy().nonzero()[0].tolist() == [4]


@pytest.mark.parametrize("text", ["[1, 2, 3]", "[note] see 3", "[1, two]"])
def test_other_texts_in_brackets_stay_text(tmp_path: Path, text: str) -> None:
    texts = [text, *["[see page 3]"] * (N - 1)]
    frame(text=texts).to_csv(tmp_path / "a.csv", index=False)
    source = read(tmp_path / "a.csv", Options(label="kind"))
    assert "text" in source.own and not any("vectors" in note for note in source.notes)


@pytest.mark.parametrize("wrong", [0, 1])
def test_a_column_that_is_one_to_one_with_the_label_is_left_out(tmp_path: Path, wrong: int) -> None:
    codes = [KINDS.index(kind) for kind in KINDS]
    codes = [each if place >= wrong else 2 for place, each in enumerate(codes)]
    table = pd.concat([frame(code=codes)] * 2, ignore_index=True)  # one of 120 may differ
    table.loc[N:, "code"] = [KINDS.index(kind) for kind in KINDS]
    table.to_csv(tmp_path / "a.csv", index=False)
    source = read(tmp_path / "a.csv", Options(label="kind"))
    assert list(source.features) == ["size"]
    assert any("says the same as the label is left out: code." in note for note in source.notes)
    kept = read(tmp_path / "a.csv", Options(label="kind", use=("code",)))
    assert list(kept.features) == ["size", "code"]


def test_numbers_in_another_unit_are_left_out_of_a_regression(tmp_path: Path) -> None:
    euros = RNG.normal(100, 20, N).round(2)
    near = euros + RNG.normal(0, 2, N)
    table = pd.DataFrame({"size": near, "dollars": euros * 1.08, "euros": euros})
    table.loc[3, "dollars"] = np.nan
    table.to_csv(tmp_path / "a.csv", index=False)
    source = read(tmp_path / "a.csv", Options(label="euros"))
    assert source.numeric and list(source.features) == ["size"]
    assert any("says the same as the label is left out: dollars." in n for n in source.notes)


def test_new_samples_may_lack_ignored_columns(tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ValueError, match="^ignore=...: no column 'id'"):
        read(tmp_path / "a.csv", Options(label="kind", ignore=("id",)))
    assert len(read(tmp_path / "a.csv", Options(ignore=("id",), known=False))) == N
