"""Claims about the features of samples."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from selfpaced.audit import Source
from selfpaced.audit._features import fit as features
from selfpaced.audit._plain import pack
from selfpaced.audit._reading.samples import no_columns

N = 120


def table_of(**columns: Any) -> Source:
    frame = pd.DataFrame(columns)
    none, where = pd.Series([], dtype=object), pd.Series(range(1, len(frame) + 1), name="row")
    return Source(Path("pets.csv"), "table", frame, none, where, frame, False, (), pd.DataFrame())


def array_of(rows: Any, kind: Any = "array") -> Source:
    none, where = pd.Series([], dtype=object), pd.Series(range(len(rows)), name="index")
    own = no_columns(len(rows))
    return Source(Path("X.npy"), kind, rows, none, where, own, False, (), pd.DataFrame())


def mixed() -> Source:
    rng = np.random.default_rng(0)
    weight = rng.normal(3, 2, N)
    weight[[3, 7]] = np.nan, np.inf
    words = ["good", "bad", "broke", "great", "slow", "fast", "price", "late"]
    return table_of(
        weight=weight,
        legs=rng.integers(0, 5, N),
        tame=pd.array([True, False, None] * (N // 3), dtype="boolean"),
        colour=rng.choice(["red", "blue", "grey"], N),
        born=pd.date_range("2024-01-01", periods=N).strftime("%Y-%m-%d"),
        town=[f"Town{i % 60}" for i in range(N)],
        review=[" ".join(rng.choice(words, 5)) + f" {i}" for i in range(N)],
    )


def fit(source: Source) -> tuple[features.Features, Any, tuple[str, ...]]:
    """Return how samples become features, the dense features, and notes."""
    fitted, inputs, notes = features.fit(source)
    return fitted, inputs.dense, notes


def frame(source: Source) -> pd.DataFrame:
    assert isinstance(source.features, pd.DataFrame)
    return source.features


def test_every_kind_of_column_is_noted_and_scaled() -> None:
    fitted, rows, notes = fit(mixed())
    assert rows.dtype == np.float32 and rows.shape == (N, len(fitted.names))
    text = fitted.names.index(next(n for n in fitted.names if n.startswith("review: ")))
    assert notes == (
        f"Learned from 3 numbers, 1 category, 1 date, 1 name (30 features each), 1 text "
        f"({rows.shape[1] - text} features each); {rows.shape[1]} features per sample.",
        "Gaps in 2 columns were filled with the median and marked.",
    )
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(rows.mean(0), 0, atol=1e-5)
    deviation, of_words = rows[:, :text].std(0), rows[:, text:].std(0)
    assert (np.isclose(deviation, 1, atol=1e-4) | (deviation == 0)).all()
    assert of_words.max() == pytest.approx(1, abs=1e-4) and of_words.min() < 0.5
    assert {"weight", "legs", "colour_red", "born_month", "weight is missing"} <= set(fitted.names)


def test_a_gap_gets_the_median_and_is_marked() -> None:
    fitted, rows, _ = fit(table_of(a=[1.0, np.nan, 3.0, 8.0]))
    assert fitted.names == ["a", "a is missing"]
    filled = np.array([1, 3, 3, 8])
    np.testing.assert_allclose(rows[:, 0], (filled - filled.mean()) / filled.std(), rtol=1e-6)
    assert (rows[:, 1] > 0).tolist() == [False, True, False, False]


def test_a_large_offset_and_large_numbers_lose_nothing() -> None:
    small = np.arange(50.0)
    _, rows, _ = fit(table_of(a=small + 1.7e12, b=small * 1e300))
    expected = (small - small.mean()) / small.std()
    np.testing.assert_allclose(rows[:, 0], expected, atol=1e-3)
    np.testing.assert_allclose(rows[:, 1], expected, rtol=1e-5)


def test_the_same_rows_become_the_same_numbers_saved_or_not(tmp_path: Path) -> None:
    fitted, inputs, _ = features.fit(mixed())
    pack.write(fitted, tmp_path / "fitted")
    new = fitted.inputs(mixed())
    text = fitted.names.index(next(n for n in fitted.names if n.startswith("review: ")))
    np.testing.assert_array_equal(new.dense[:, :text], inputs.dense[:, :text])
    np.testing.assert_allclose(new.dense, inputs.dense, atol=1e-6)  # of a decomposition
    loaded = pack.read(tmp_path / "fitted").inputs(mixed())
    for one, other in ((features.fit(mixed())[1], inputs), (loaded, new)):
        np.testing.assert_array_equal(one.dense, other.dense)
        for view in (one.words != other.words, one.letters != other.letters):
            assert view.nnz == 0
    np.testing.assert_array_equal(fitted.transform(mixed()), new.dense)


def test_only_texts_have_words_and_letters() -> None:
    reviews = frame(mixed())["review"].to_numpy()
    _, none, _ = features.fit(table_of(a=np.arange(N), b=["x", "y"] * (N // 2)))
    assert none.words is None and none.letters is None and not none.only_text
    _, alone, _ = features.fit(table_of(review=reviews))
    assert alone.only_text and alone.words.shape[0] == alone.letters.shape[0] == len(alone) == N
    _, beside, _ = features.fit(table_of(a=np.arange(N), review=reviews))
    assert not beside.only_text and (beside.words != alone.words).nnz == 0
    _, two, _ = features.fit(table_of(review=reviews, other=reviews[::-1]))
    width = alone.words.shape[1]
    assert two.only_text and two.words.shape == (N, 2 * width)
    assert (two.words[:, :width] != alone.words).nnz == 0
    assert (two.letters[::-1, alone.letters.shape[1] :] != alone.letters).nnz == 0


def test_new_rows_may_have_more_columns_and_unknown_categories() -> None:
    fitted, rows, _ = fit(mixed())
    new = frame(mixed()).iloc[:3].assign(extra=1, colour="green", town=7)
    new["born"] = None
    got = fitted.transform(table_of(**{name: new[name].to_numpy() for name in new.columns}))
    assert got.shape == (3, rows.shape[1]) and np.isfinite(got).all()
    np.testing.assert_array_equal(
        got[:, fitted.names.index("legs")], rows[:3, fitted.names.index("legs")]
    )


def test_new_rows_that_lack_a_column_or_its_numbers_are_errors() -> None:
    fitted, _, _ = fit(table_of(a=[1, 2, 3], b=["x", "y", "x"]))
    said = "The model learned from 2 columns; these rows lack 'b'. Add the missing columns."
    with pytest.raises(ValueError, match=said):
        fitted.transform(table_of(a=[1]))
    said = "Column 'a' had numbers when the model learned; these rows have 'two'. Correct it."
    with pytest.raises(ValueError, match=said):
        fitted.transform(table_of(a=["1", "two"], b=["x", "y"]))
    with pytest.raises(ValueError, match="of kind 'table'; got 'array'. Give one of the same kind"):
        fitted.transform(array_of(np.ones((2, 2))))


def test_an_array_is_scaled() -> None:
    given = np.array([[1.0, 5.0], [3.0, 5.0]])
    fitted, rows, notes = fit(array_of(given))
    assert rows.dtype == np.float32 and rows.tolist() == [[-1.0, 0.0], [1.0, 0.0]] and not notes
    assert fitted.names == []
    assert fitted.transform(array_of(np.array([[2.0, 6.0]]))).tolist() == [[0.0, 1.0]]
    with pytest.raises(ValueError, match=r"samples of shape \(2,\); got \(3,\). Give the same"):
        fitted.transform(array_of(np.ones((1, 3))))


def test_gaps_of_an_array_are_filled_and_marked_or_errors() -> None:
    given = np.array([[1.0, 5.0], [np.nan, 5.0], [3.0, np.inf]])
    fitted, rows, notes = fit(array_of(given))
    assert rows.shape == (3, 4) and rows[1, 0] == 0
    assert notes == (
        "2 numbers are missing or infinite, and replaced by the median of the column; a further "
        "feature says where.",
    )
    np.testing.assert_array_equal(fitted.transform(array_of(given)), rows)
    with pytest.raises(
        ValueError, match=r"1 number in rows of shape \(2, 1\) is missing or infinite"
    ):
        fit(array_of(given[:2, :, None]))
    whole, _, _ = fit(array_of(np.eye(2)))
    with pytest.raises(
        ValueError, match=r"2 numbers in rows of shape \(2,\) are missing or infinite"
    ):
        whole.transform(array_of(given))


def test_rows_of_several_dimensions_keep_their_shape_and_images_their_bytes() -> None:
    signal = np.arange(24.0).reshape(2, 3, 4)
    fitted, rows, _ = fit(array_of(signal))
    assert rows.shape == signal.shape and rows.std() == pytest.approx(1)
    np.testing.assert_array_equal(fitted.transform(array_of(signal)), rows)
    images = np.arange(24, dtype=np.uint8).reshape(2, 1, 3, 4)
    fitted, rows, _ = fit(array_of(images, "images"))
    assert rows is images and fitted.transform(array_of(images, "images")) is images
    assert fitted.inputs(array_of(images, "images")).words is None
    with pytest.raises(
        ValueError, match=r"got \(1, 3, 3\). Convert the images to 4 x 3 pixels and 1 channel"
    ):
        fitted.transform(array_of(images[..., :3], "images"))


def test_too_little_memory_is_an_error_before_any_feature_is_made() -> None:
    source = table_of(**{f"c{i}": np.arange(1000.0) for i in range(1000)})
    assert features.estimate(source) == pytest.approx(82e6)
    said = (
        r"pets\.csv: its features need about 0\.08 GB of memory; 0\.01 GB are free\. "
        r"Leave out columns with ignore=\.\.\., or give a smaller file\."
    )
    with pytest.raises(ValueError, match=said):
        features.fit(source, memory=10_000_000)
    assert features.estimate(array_of(np.ones((2, 2, 2), np.uint8), "images")) == 0


def test_a_large_table_needs_no_more_than_was_estimated(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = {f"c{i}": np.where(rng.random(50_000) < 0.1, np.nan, 1.0) for i in range(40)}
    pd.DataFrame(columns).to_parquet(tmp_path / "large.parquet")
    program = f"""
import resource
from pathlib import Path
from selfpaced.audit._features import fit as features
from selfpaced.audit._plain import pack
from selfpaced.audit import Options, read
source = read(Path({str(tmp_path / "large.parquet")!r}), Options(known=False))
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
features.fit(source)
print(peak() - before, features.estimate(source))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    used, estimated = map(int, ran.stdout.split())
    assert used <= estimated
