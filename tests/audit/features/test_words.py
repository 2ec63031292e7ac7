"""Claims about the features of free text by its words and letters."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from selfpaced.audit import Options, read
from selfpaced.audit._features import fit as features
from selfpaced.audit._features import words as module
from selfpaced.audit._features.words import learn_words
from selfpaced.audit._plain.pack import pack, unpack

TEXTS = [f"{'good' if i % 2 else 'awful'} film number {i}" for i in range(60)]


def test_texts_of_the_same_words_are_alike() -> None:
    learned = learn_words(TEXTS)
    assert learned is not None
    one, like, other = learned[0].read(["a good film", "good film!", "an awful film"]).dense
    assert one @ like == pytest.approx(one @ one, rel=1e-3)
    assert one @ other < 0.8 * (one @ one)


def test_the_texts_are_read_as_new_texts_are() -> None:
    learned = learn_words(TEXTS)
    assert learned is not None
    words, found = learned
    for again in (words.read(TEXTS), unpack(pack(words)).read(TEXTS)):
        np.testing.assert_allclose(again.dense, found.dense, atol=1e-5)
        assert (again.words != found.words).nnz == (again.letters != found.letters).nnz == 0
    assert found.dense.shape == (60, len(words.names)) and found.dense.dtype == np.float32
    assert words.keeps_proportions


def test_words_pairs_of_words_and_runs_of_letters_are_counted() -> None:
    learned = learn_words(["Good film", "good FILM", "bad film", "bad"])
    assert learned is not None
    words, found = learned
    counted = set(words.vectorizer.get_feature_names_out())
    assert counted == {"good", "film", "bad", "good film", "bad film"}
    runs = set(words.letters.get_feature_names_out())
    assert {"go", "goo", "good", " good", "bad "} <= runs
    assert not any(" " in run.strip() for run in runs) and max(map(len, runs)) == 5
    assert found.words.shape == (4, 5) and found.letters.shape == (4, len(runs))
    np.testing.assert_allclose(found.words.power(2).sum(1), 1, rtol=1e-5)
    assert found.words.dtype == found.letters.dtype == np.float32
    none = words.read(["nothing of this", ""])
    assert none.words.nnz == 0 and not none.dense.any()


def test_a_word_of_a_single_text_is_counted_only_where_there_are_few_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def counted() -> set[str]:
        learned = learn_words(TEXTS)
        assert learned is not None
        return set(learned[0].vectorizer.get_feature_names_out())

    assert {"59", "film"} <= counted()
    monkeypatch.setattr(module, "FEW_TEXTS", 60)
    assert "59" not in counted() and "film" in counted()


def test_texts_that_share_no_words_are_read_by_their_letters(tmp_path: Path) -> None:
    alone = [f"aa{i} bb{i} cc{i}" for i in range(60)]
    assert learn_words(alone) is None
    pd.DataFrame({"said": alone}).to_csv(tmp_path / "said.csv", index=False)
    _, inputs, notes = features.fit(read(tmp_path / "said.csv", Options(known=False)))
    assert inputs.dense.shape == (60, 30) and inputs.words is None and not inputs.only_text
    assert notes == ("Learned from 1 name (30 features each); 30 features per sample.",)
