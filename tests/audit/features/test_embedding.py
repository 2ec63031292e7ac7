"""Claims about the features of free text by the embedding of a language model."""

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from selfpaced.audit import Options, read
from selfpaced.audit._features import fit as features
from selfpaced.audit._features.embedding import embedding

TEXTS = [f"{'good' if i % 2 else 'awful'} film number {i}" for i in range(60)]


def numbers(reader: Any, texts: list[str]) -> Any:
    out = np.empty((len(texts), len(reader.names)), np.float32)
    reader.write(texts, out)
    return out


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


def test_a_local_model_reads_text_and_is_not_in_the_pickle(model: Path) -> None:
    reader = embedding(model)
    found = numbers(reader, ["good film", "awful film number film", "good film"])
    assert found.shape == (3, 8)
    np.testing.assert_allclose((found**2).sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(found[0], found[2], atol=1e-5)
    np.testing.assert_allclose(found[0], numbers(reader, ["good film"])[0], atol=1e-5)  # no padding
    assert len(pickle.dumps(reader)) < 1_000


def test_a_table_is_read_with_the_model(model: Path, tmp_path: Path) -> None:
    pd.DataFrame({"said": TEXTS, "n": range(60)}).to_csv(tmp_path / "said.csv", index=False)
    source = read(tmp_path / "said.csv", Options(known=False))
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
