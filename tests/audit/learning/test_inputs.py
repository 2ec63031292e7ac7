"""Claims about samples as learners read them."""

import numpy as np
from scipy import sparse

from selfpaced.audit._learning.inputs import Inputs, flat


def test_images_are_flat_and_divided_by_255() -> None:
    images = np.array([[[[0, 51], [255, 0]]]], np.uint8)
    assert len(Inputs(images)) == 1
    np.testing.assert_allclose(Inputs(images).view("dense"), [[0, 0.2, 1, 0]], rtol=1e-6)


def test_numbers_are_not_copied() -> None:
    rows = np.zeros((2, 3), np.float32)
    assert flat(rows).base is rows
    assert flat(np.zeros((2, 1, 3), np.float32)).shape == (2, 3)


def test_words_and_letters_are_returned_as_they_are() -> None:
    words, letters = sparse.csr_array(np.eye(2)), sparse.csr_array(np.ones((2, 5)))
    inputs = Inputs(np.zeros((2, 0), np.float32), words, letters)
    assert inputs.view("words") is words and inputs.view("letters") is letters
    assert inputs.view("dense").shape == (2, 0)
    assert Inputs(np.zeros((2, 1), np.float32)).view("words") is None
