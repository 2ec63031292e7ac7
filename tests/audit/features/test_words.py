"""Claims about the features of free text by its words."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from selfpaced.audit import Options, read
from selfpaced.audit._features import fit as features
from selfpaced.audit._features.words import learn_words

TEXTS = [f"{'good' if i % 2 else 'awful'} film number {i}" for i in range(60)]


def numbers(reader: Any, texts: list[str]) -> Any:
    out = np.empty((len(texts), len(reader.names)), np.float32)
    reader.write(texts, out)
    return out


def test_texts_of_the_same_words_are_alike() -> None:
    words = learn_words(TEXTS)
    assert words is not None
    one, like, other = numbers(words, ["a good film", "good film!", "an awful film"])
    assert one @ like == pytest.approx(one @ one, rel=1e-3)
    assert one @ other < 0.8 * (one @ one)


def test_texts_that_share_no_words_are_read_by_their_letters(tmp_path: Path) -> None:
    alone = [f"aa{i} bb{i} cc{i}" for i in range(60)]
    assert learn_words(alone) is None
    pd.DataFrame({"said": alone}).to_csv(tmp_path / "said.csv", index=False)
    _, rows, notes = features.fit(read(tmp_path / "said.csv", Options(known=False)))
    assert rows.shape == (60, 30)
    assert notes == ("Learned from 1 name (30 features each); 30 features per sample.",)
