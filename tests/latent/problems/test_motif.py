"""The motif problem with its tables agrees with loops over letters."""

import re
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from selfpaced.chain import Floats
from selfpaced.latent import LatentSVM, Search, Stop
from selfpaced.latent.problems import Motif
from selfpaced.latent.problems._motif import Sequences


def phi(problem: Motif, letters: str, y: int, h: int) -> Floats:
    """The features, counted letter by letter."""
    inside = range(h, h + problem.length) if y == 1 else range(0)
    motif = np.zeros((problem.length, 4))
    for i, place in enumerate(inside):
        motif[i, "ACGT".index(letters[place])] += 1
    words = ["".join(word) for word in product("ACGT", repeat=problem.order)]
    counts = np.zeros(len(words))
    for end in range(problem.order - 1, len(letters)):
        if end not in inside:
            counts[words.index(letters[end - problem.order + 1 : end + 1])] += 1
    return np.concatenate([motif.ravel(), counts])


def best(problem: Motif, w: Floats, letters: str, y: int | None, *, guess: bool) -> float:
    """The highest score over all positions, and over all labels if ``guess``.

    The loss is added unless y is None.
    """
    labels = (-1, 1) if guess else (y,)
    scores = (
        float(y is not None and label != y) + w @ phi(problem, letters, label or 0, h)
        for label in labels
        for h in (range(problem.skip, len(letters) - problem.length + 1) if label == 1 else (-1,))
    )
    return float(max(scores))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Motif, list[str], int]:
    length, order, skip = (draw(st.integers(a, b)) for a, b in ((1, 13), (1, 4), (0, 4)))
    problem = Motif(length, order, skip)
    size = max(skip + length, order) + draw(st.integers(0, 6))
    one = st.text("ACGT", min_size=size, max_size=size)
    return problem, draw(st.lists(one, min_size=1, max_size=4)), draw(st.integers(0, 2**32 - 1))


def drawn(case: tuple[Motif, list[str], int]) -> tuple[Sequences, NDArray[Any], Floats, Any]:
    problem, texts, seed = case
    random = np.random.default_rng(seed)
    x, y = problem.read(texts), random.choice([-1, 1], len(texts))
    w = random.normal(size=4 * problem.length + 4**problem.order)
    return x, y, w, random


@settings(max_examples=80, deadline=None, derandomize=True)
@given(cases())
def test_features_scores_and_sums_count_each_letter(case: tuple[Motif, list[str], int]) -> None:
    problem, texts, _ = case
    x, y, w, random = drawn(case)
    h, c = problem.start(x, y, random), random.normal(size=len(y))
    slow = np.array([phi(problem, *one) for one in zip(texts, y, h, strict=True)])
    assert np.array_equal(problem.features(x, y, h), slow)
    assert problem.score(w, x, y, h) == pytest.approx(slow @ w, abs=1e-9)
    assert problem.joint(c, x, y, h) == pytest.approx(c @ slow, abs=1e-9)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(cases())
def test_the_argmaxes_equal_a_search_over_all_labels_and_positions(
    case: tuple[Motif, list[str], int],
) -> None:
    problem, texts, _ = case
    x, y, w, _ = drawn(case)
    completed = problem.score(w, x, y, problem.complete(w, x, y))
    assert completed == pytest.approx(
        [best(problem, w, s, label, guess=False) for s, label in zip(texts, y, strict=True)]
    )
    guess = problem.most_violated(w, x, y)
    assert problem.loss(y, guess.y) + problem.score(w, x, guess.y, guess.h) == pytest.approx(
        [best(problem, w, s, label, guess=True) for s, label in zip(texts, y, strict=True)]
    )
    predicted = problem.predict(w, x)
    assert problem.score(w, x, predicted.y, predicted.h) == pytest.approx(
        [best(problem, w, s, None, guess=True) for s in texts]
    )


@pytest.mark.parametrize(("length", "order"), [(2, 8), (1, 9), (3, 7)])
def test_words_longer_than_a_part_are_counted(length: int, order: int) -> None:
    problem, random = Motif(length, order), np.random.default_rng(0)
    texts = ["".join(random.choice(list("ACGT"), 11)) for _ in range(3)]
    x, y = problem.read(texts), np.ones(3, dtype=np.int64)
    w = random.normal(size=4 * length + 4**order)
    all_places = [problem.score(w, x, y, np.full(3, h)) for h in range(11 - length + 1)]
    assert np.array_equal(problem.complete(w, x, y), np.argmax(all_places, axis=0))


def test_a_small_case_by_hand() -> None:
    problem = Motif(length=2, order=2)
    x, y, h = problem.read(["ACGT", "AACC"]), np.array([1, -1]), np.array([1, -1])
    words = [a + b for a, b in product("ACGT", repeat=2)]
    found = problem.features(x, y, h)
    assert found[0, :8].tolist() == [0, 1, 0, 0, 0, 0, 1, 0]  # C, then G
    assert found[1, :8].tolist() == [0] * 8
    assert dict(zip(words, found[0, 8:], strict=True))["GT"] == 1  # AC and CG end in the motif
    assert found[0, 8:].sum() == 1
    assert {word for word, n in zip(words, found[1, 8:], strict=True) if n} == {"AA", "AC", "CC"}


def test_positions_of_sequences_without_a_motif_are_ignored() -> None:
    problem, y = Motif(3, 2), np.array([-1, 1])
    x, w = problem.read(["ACGTAC", "ACGTAC"]), np.arange(28.0)
    one, other = np.array([-1, 2]), np.array([99, 2])
    assert np.array_equal(problem.score(w, x, y, one), problem.score(w, x, y, other))
    assert np.array_equal(problem.features(x, y, one), problem.features(x, y, other))


def test_all_positions_are_alike_if_those_without_whole_words_are_skipped() -> None:
    problem, h = Motif(3, 2, skip=1), np.arange(1, 8)
    x, y = problem.read(["AAAAAAAAAA"] * 7), np.ones(7, dtype=np.int64)
    w = np.random.default_rng(0).normal(size=28)
    assert np.ptp(problem.score(w, x, y, h)) == pytest.approx(0.0, abs=1e-12)
    everywhere = Motif(3, 2)
    assert everywhere.score(w, x, y, h - 1)[0] != pytest.approx(problem.score(w, x, y, h)[0])


def test_starts_are_random_positions_for_sequences_with_a_motif() -> None:
    problem, y = Motif(3, 1), np.repeat([1, -1], 200)
    x = problem.read(["ACGTAC"] * 400)
    h = problem.start(x, y, np.random.default_rng(1))
    assert set(h[:200].tolist()) == {0, 1, 2, 3}
    assert set(h[200:].tolist()) == {-1}
    late = Motif(3, 1, skip=2).start(x, y, np.random.default_rng(1))
    assert set(late[:200].tolist()) == {2, 3}
    assert np.array_equal(h, problem.start(x, y, np.random.default_rng(1)))


def test_strings_of_either_case_and_numbers_read_alike() -> None:
    numbers = np.array([[0, 1, 2, 3, 3], [1, 1, 0, 0, 2]], dtype=np.uint8)
    upper, lower = ["ACGTT", "CCAAG"], ("acgtt", "ccaag")
    reads = [Motif(2, 2).read(x) for x in (numbers, upper, lower, np.array(upper))]
    for one, part in product(reads[1:], Sequences._fields):
        assert np.array_equal(getattr(one, part), getattr(reads[0], part))
    assert numbers.tolist() == [[0, 1, 2, 3, 3], [1, 1, 0, 0, 2]]


def test_only_the_features_method_makes_feature_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, y = Motif(4, 3), np.array([1, -1])
    x, w = problem.read(["ACGTACGT", "TTTTACGT"]), np.ones(16 + 64)
    monkeypatch.delattr(Motif, "features")
    guess = problem.most_violated(w, x, y)
    problem.score(w, x, guess.y, guess.h)
    problem.joint(np.ones(2), x, guess.y, guess.h)
    problem.complete(w, x, y)
    problem.predict(w, x)


def test_a_planted_motif_is_found_at_its_position() -> None:
    random = np.random.default_rng(3)
    letters = random.integers(4, size=(300, 30)).astype(np.uint8)
    y, where = np.where(np.arange(300) % 2, 1, -1), random.integers(30 - 8 + 1, size=300)
    for row in np.flatnonzero(y == 1):
        letters[row, where[row] : where[row] + 8] = [3, 2, 0, 1, 2, 3, 1, 0]
    cccp = Search(age=None, stop=Stop(0.05, min_outer=12))
    svm = LatentSVM(Motif(8, 2), C=20.0, search=cccp, random_state=0, n_init=2)
    svm.fit(letters[:200], y[:200])
    assert svm.score(letters[200:], y[200:]) > 0.95
    found = svm.predict_latent(letters)
    assert (found == where)[y == 1].mean() > 0.9


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: Motif(0), ValueError, "length must be a positive int; got 0"),
        (lambda: Motif(10, 2.0), TypeError, "order must be a positive int; got 2.0"),  # type: ignore[arg-type]  # on purpose
        (lambda: Motif(10, 11), ValueError, "order must be 10 or less; got 11"),
        (lambda: Motif(10, 3, -1), ValueError, "skip must be 0 letters or more; got -1"),
        (lambda: Motif(10, 3, 0.5), TypeError, "skip must be an int; got 0.5"),  # type: ignore[arg-type]  # on purpose
        (lambda: Motif(3, 1, 2).read(["ACGT"]), ValueError, "of 5 letters or more; got 4"),
        (lambda: Motif(2).read(["ACGT", "ACNT"]), ValueError, "sequence 1 has 'N' at position 2"),
        (lambda: Motif(2).read(["ACéT"]), ValueError, "sequence 0 has 'é' at position 2"),
        (lambda: Motif(2).read(["ACGT", "ACG"]), ValueError, "sequence [1] has [3]. Cut all"),
        (lambda: Motif(5).read(["ACGT"]), ValueError, "needs sequences of 5 letters or more"),
        (lambda: Motif(2, 5).read(["ACGT"]), ValueError, "of 5 letters or more; got 4"),
        (lambda: Motif(2).read("ACGT"), TypeError, "needs a list of strings over A, C, G, T"),
        (lambda: Motif(2).read(7), TypeError, "needs a list of strings over A, C, G, T"),
        (lambda: Motif(2).read(np.zeros((2, 9))), TypeError, "or a uint8 array of shape (n, L)"),
        (lambda: Motif(2).read([]), ValueError, "there are no sequences"),
        (
            lambda: Motif(2).read(np.full((1, 9), 65, dtype=np.uint8)),
            ValueError,
            "must hold 0 to 3 for A, C, G, T; got 65",
        ),
    ],
)
def test_bad_sequences_and_settings_say_what_to_do(make: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=re.escape(message)):
        make()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (
            [1, 1],
            "needs both labels, 1 for sequences that hold the motif and -1 for others; all labels",
        ),
        ([0, 1], "labels must be 1, for sequences that hold the motif, or -1, for others; got"),
        ([1, -1, 1], "there are 2 sequences and 3 labels"),
    ],
)
def test_bad_labels_say_what_to_do(y: list[int], message: str) -> None:
    svm = LatentSVM(Motif(2, 2))
    with pytest.raises(ValueError, match=message):
        svm.fit(["ACGT", "AAAA"], np.array(y))


def test_positions_out_of_range_are_refused() -> None:
    problem, y = Motif(2, 2), np.array([1, -1])
    x = problem.read(["ACGT", "AAAA"])
    for h in ([-1, -1], [3, -1]):
        with pytest.raises(
            ValueError, match="the position of a motif must be from 0 to 2 here; got"
        ):
            problem.score(np.zeros(24), x, y, np.array(h))
