"""Claims about the features of free text."""

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from selfpaced.audit import Options, Source, read
from selfpaced.audit._features import fit as features
from selfpaced.audit._features.text import embedding, is_text, learn_words

TEXTS = [f"{'good' if i % 2 else 'awful'} film number {i}" for i in range(60)]


def numbers(reader: Any, texts: list[str]) -> Any:
    out = np.empty((len(texts), len(reader.names)), np.float32)
    reader.write(texts, out)
    return out


def table_of(folder: Path, **columns: Any) -> Source:
    pd.DataFrame(columns).to_csv(folder / "said.csv", index=False)
    return read(folder / "said.csv", Options(known=False))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny language model that has learned nothing."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("model")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "awful", "film", "number"]
    (folder / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
    )
    transformers.BertModel(config).save_pretrained(folder)
    return folder


def test_text_is_of_many_values_and_words_and_no_dates() -> None:
    days = pd.date_range("2024-01-01", periods=60)
    assert is_text(pd.Series(TEXTS))
    assert not is_text(pd.Series(TEXTS[:30]))
    assert not is_text(pd.Series(TEXTS[:5] * 200))
    assert not is_text(pd.Series([f"two words{i}" for i in range(60)]))
    assert not is_text(pd.Series(days.strftime("%d %B %Y")))
    assert not is_text(pd.Series(range(60)))


def test_texts_of_the_same_words_are_alike() -> None:
    words = learn_words(TEXTS)
    assert words is not None
    one, like, other = numbers(words, ["a good film", "good film!", "an awful film"])
    assert one @ like == pytest.approx(one @ one, rel=1e-3)
    assert one @ other < 0.8 * (one @ one)


def test_texts_that_share_no_words_are_read_by_their_letters(tmp_path: Path) -> None:
    alone = [f"aa{i} bb{i} cc{i}" for i in range(60)]
    assert learn_words(alone) is None
    _, rows, notes = features.fit(table_of(tmp_path, said=alone))
    assert rows.shape == (60, 30)
    assert notes == ("Learned from 1 name (30 features each); 30 features per sample.",)


def test_a_local_model_reads_text_and_is_not_in_the_pickle(model: Path) -> None:
    reader = embedding(model)
    found = numbers(reader, ["good film", "awful film number film", "good film"])
    assert found.shape == (3, 8)
    np.testing.assert_allclose((found**2).sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(found[0], found[2], atol=1e-5)
    np.testing.assert_allclose(found[0], numbers(reader, ["good film"])[0], atol=1e-5)  # no padding
    assert len(pickle.dumps(reader)) < 1_000


def test_a_table_is_read_with_the_model(model: Path, tmp_path: Path) -> None:
    source = table_of(tmp_path, said=TEXTS, n=range(60))
    fitted, rows, notes = features.fit(source, text_model=model)
    assert rows.shape == (60, 9)
    assert notes == ("Learned from 1 number, 1 text (8 features each); 9 features per sample.",)
    np.testing.assert_array_equal(fitted.transform(source), rows)


def test_a_folder_without_a_model_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("transformers")
    with pytest.raises(
        FileNotFoundError,
        match="text_model=... expects the folder of a transformers model; there is no folder",
    ):
        embedding(tmp_path / "none")
    with pytest.raises(ValueError, match="text_model='.*' has no transformers model: "):
        embedding(tmp_path)
    monkeypatch.setitem(sys.modules, "transformers", None)
    said = "text_model=... needs transformers, which is not installed: pip install transformers"
    with pytest.raises(ModuleNotFoundError, match=said):
        embedding(tmp_path)
