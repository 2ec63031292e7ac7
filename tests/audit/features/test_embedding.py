"""Claims about the features of free text by the embedding of a language model."""

import json
import os
import pickle
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from selfpaced.audit import Options, read
from selfpaced.audit._features import fit as features
from selfpaced.audit._features.embedding import embedding
from selfpaced.audit._plain.pack import pack

TEXTS = [f"{'good' if i % 2 else 'awful'} film number {i}" for i in range(60)]


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


def test_a_local_model_reads_text_and_is_not_saved(model: Path) -> None:
    reader = embedding(model)
    read = reader.read(["good film", "awful film number film", "good film"])
    found = read.dense
    assert found.shape == (3, len(reader.names)) == (3, 8) and found.dtype == np.float32
    assert read.words is None and read.letters is None and not reader.keeps_proportions
    np.testing.assert_allclose((found**2).sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(found[0], found[2], atol=1e-5)
    np.testing.assert_allclose(
        found[0], reader.read(["good film"]).dense[0], atol=1e-5
    )  # no padding
    assert len(pack(reader).text) < 1_000 and not pack(reader).arrays


def test_a_table_is_read_with_the_model(model: Path, tmp_path: Path) -> None:
    pd.DataFrame({"said": TEXTS, "n": range(60)}).to_csv(tmp_path / "said.csv", index=False)
    source = read(tmp_path / "said.csv", Options(known=False))
    fitted, inputs, notes = features.fit(source, text_model=model)
    assert inputs.dense.shape == (60, 9) and inputs.words is None and not inputs.only_text
    np.testing.assert_allclose(inputs.dense.std(0), 1, rtol=1e-3)
    assert notes == ("Learned from 1 number, 1 text (8 features each); 9 features per sample.",)
    np.testing.assert_array_equal(fitted.transform(source), inputs.dense)


def test_code_and_pickles_in_the_folder_of_a_model_are_not_run(model: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "canary"),)

    folder = Path(shutil.copytree(model, tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text())
    body = f"import os\nos.mkdir({str(tmp_path / 'canary')!r})\n"
    (folder / "mine.py").write_text(body)
    mine = {"auto_map": {"AutoModel": "mine.Model", "AutoConfig": "mine.Config"}}
    (folder / "config.json").write_text(json.dumps(config | mine | {"model_type": "mine"}))
    with pytest.raises(ValueError, match="has no transformers model: "):
        embedding(folder)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Evil(), protocol=2))
    with pytest.raises(ValueError, match="has weights that hold code, which is not run. Save them"):
        embedding(folder)
    assert not (tmp_path / "canary").exists()


def test_a_model_that_asks_for_code_of_others_is_refused(model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text())
    asks = config | {"attn_implementation": "someone/kernel"}
    (folder / "config.json").write_text(json.dumps(asks))
    with pytest.raises(ValueError, match="asks for the code someone/kernel, which is not a part"):
        embedding(folder)


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
