"""DNA motifs: where in a sequence a protein binds is not known, only whether it does."""

from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfpaced._errors import require, require_positive_int
from selfpaced.chain import Floats
from selfpaced.latent._svm.structure import Guess, Structure
from selfpaced.latent.problems._letters import Letters, codes, letters_of

Signs = NDArray[np.int64]
Places = NDArray[np.int64]

SPAN = 7  # letters that one table tells apart: its 4 ** 7 gains stay in the processor's cache


class Sequences(NamedTuple):
    """Sequences of n times L letters, and the codes by which their scores are looked up.

    Args:
        letters: 0 to 3 for A, C, G, T, shape (n, L).
        words: Of the word that ends at each letter, shape (n, L); ``4 ** order`` at the first
            ``order - 1`` letters, where no whole word ends.
        heads: Of the word that would end there if A's came before, shape (n, order - 1).
        spans: Of each span of letters, A's before the sequence included, shape (n, spans).
    """

    letters: Letters
    words: NDArray[np.int64]
    heads: NDArray[np.int64]
    spans: NDArray[np.int64]


@dataclass(frozen=True)
class Motif(Structure[Sequences, Signs, Places]):
    """Sequences over A, C, G, T that hold a motif at an unknown place (y = 1), or none (y = -1).

    Inputs are n sequences of one length L: strings, upper or lower case, or a uint8 array (n, L)
    with 0 to 3 for A, C, G, T. Latent values h are the places where the motif begins, from
    ``skip`` to L - length, and -1 where there is none; what they say of sequences with y = -1 is
    ignored. The joint features are

    - 4 * length indicators: which letter is at each place of the motif; all 0 for y = -1;
    - 4 ** order counts: how often each word of ``order`` letters ends outside of the motif;
      anywhere for y = -1.

    So a letter counts once: for the motif or, with the ``order - 1`` letters before it, which may
    be the motif's, for the background. The first ``order - 1`` letters of a sequence end no word
    and count for the motif only. ``order`` is the k of the papers, with 64 words for k = 3. The
    loss is 0 for the right label, else 1.

    A motif at the very start takes the place of fewer words than elsewhere, so the model can tell
    that place from others, and that alone leads a search away from w = 0. With
    ``skip=order - 1`` all places are alike; then w = 0 is the exact optimum for random starts
    unless the motif is strong, and a search can be stuck there for good.

    Scores are sums of looked-up parts: only ``features`` makes anything of shape (n, d). What
    ``read`` returns takes about 17 bytes per letter.

    Args:
        length: Letters of the motif.
        order: Letters of a word of the background, at most 10.
        skip: Letters at the start of a sequence at which no motif begins.

    Raises:
        TypeError: For settings that are no ints, and inputs that are no sequences.
        ValueError: For settings out of range, other letters (N is one), sequences of several
            lengths or too short for a motif or a word, labels other than -1 and 1, a label
            without sequences, and places out of range.

    References:
        Yu, Joachims, *Learning Structural SVMs with Latent Variables*, ICML 2009. Kumar, Packer,
        Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010.

    >>> import numpy as np
    >>> problem = Motif(length=2, order=1)
    >>> w = np.zeros(12)
    >>> w[[2, 4]] = 1.0  # the motif GA
    >>> problem.predict(w, problem.read(["CCGAC", "CCCCC"]))
    Guess(y=array([ 1, -1]), h=array([ 2, -1]))
    """

    length: int = 10
    order: int = 3
    skip: int = 0

    def __post_init__(self) -> None:
        """Check the settings."""
        require_positive_int("length", self.length, "Motif")
        require_positive_int("order", self.order, "Motif")
        require(
            self.order <= 10,
            f"Motif: order must be 10, a million words, or less; got {self.order}.",
        )
        if not isinstance(self.skip, int):
            raise TypeError(f"Motif: skip must be an int; got {self.skip!r}.")
        require(self.skip >= 0, f"Motif: skip must be 0 letters or more; got {self.skip}.")

    def read(self, x: Any) -> Sequences:
        """Return sequences with their codes."""
        letters, shortest = letters_of(x), max(self.skip + self.length, self.order)
        require(
            letters.shape[1] >= shortest,
            f"{self!r} needs sequences of {shortest} letters or more; got {letters.shape[1]}.",
        )
        padded = np.pad(letters, ((0, 0), (self.order - 1, 0)))
        words = codes(padded, self.order)
        heads = words[:, : self.order - 1].copy()
        words[:, : self.order - 1] = 4**self.order
        return Sequences(letters, words, heads, codes(padded, self._part + self.order - 1))

    def check(self, x: Sequences, y: Signs) -> None:
        """Raise unless there is a label for each sequence, and each label has some."""
        n, found = len(x.letters), np.unique(y).tolist()
        require(n == len(y), f"Motif: there are {n} sequences and {len(y)} labels.")
        require(
            set(found) <= {-1, 1},
            f"Motif: labels must be 1, holds the motif, or -1, does not; got {found[:10]}.",
        )
        require(
            len(found) == 2,
            f"Motif needs sequences that hold the motif, 1, and others, -1; all are {found}.",
        )

    def features(self, x: Sequences, y: Signs, h: Places) -> Floats:
        """Return Phi(x, y, h), shape (n, 4 * length + 4 ** order)."""
        n, (rows, places) = len(y), self._inside(x, y, h)
        motif = np.zeros((n, self.length, 4))
        motif[rows, np.arange(self.length), x.letters[rows, places]] = 1
        words = np.zeros((n, 4**self.order + 1))
        np.add.at(words, (np.arange(n)[:, None], x.words), 1)
        np.subtract.at(words, (rows, x.words[rows, places]), 1)
        return np.concatenate([motif.reshape(n, -1), words[:, :-1]], axis=1)

    def score(self, w: Floats, x: Sequences, y: Signs, h: Places) -> Floats:
        """Return w . Phi(x, y, h), shape (n,)."""
        motif, word = self._weights(w)
        rows, places = self._inside(x, y, h)
        gain = motif[np.arange(self.length), x.letters[rows, places]]
        gain -= word[x.words[rows, places]]
        score = word.take(x.words).sum(1)
        score[rows[:, 0]] += gain.sum(1)
        return np.asarray(score)

    def joint(self, c: Floats, x: Sequences, y: Signs, h: Places) -> Floats:
        """Return sum_i c_i Phi(x_i, y_i, h_i), shape (d,)."""
        rows, places = self._inside(x, y, h)
        weight, size = np.repeat(c[rows[:, 0]], self.length), 4**self.order + 1
        letters = x.letters[rows, places] + 4 * np.arange(self.length)
        motif = np.bincount(letters.ravel(), weight, 4 * self.length)
        words = np.bincount(x.words.ravel(), np.repeat(c, x.words.shape[1]), size)
        words -= np.bincount(x.words[rows, places].ravel(), weight, size)
        return np.concatenate([motif, words[:-1]])

    def complete(self, w: Floats, x: Sequences, y: Signs) -> Places:
        """Return the place that fits best, -1 where there is no motif."""
        return np.where(y == 1, self._gains(w, x).argmax(1) + self.skip, -1)

    def most_violated(self, w: Floats, x: Sequences, y: Signs) -> Guess[Signs, Places]:
        """Return the label and place with the most of loss and score."""
        return self._best(w, x, y)  # loss(y, -1) - loss(y, 1) = y

    def predict(self, w: Floats, x: Sequences) -> Guess[Signs, Places]:
        """Return the label and place with the highest score."""
        return self._best(w, x, np.zeros(len(x.letters), dtype=np.int64))

    def loss(self, y: Signs, guess: Signs) -> Floats:
        """Return 0 for the right label, else 1."""
        return np.where(y != guess, 1.0, 0.0)

    def start(self, x: Sequences, y: Signs, random: np.random.Generator) -> Places:
        """Return random places, -1 where there is no motif."""
        return np.where(y == 1, random.integers(self.skip, self._last(x) + 1, size=len(y)), -1)

    @property
    def _part(self) -> int:
        """How many letters of the motif one look-up takes in."""
        return min(self.length, max(1, SPAN - self.order + 1))

    def _last(self, x: Sequences) -> int:
        """Return the last place at which a motif can begin."""
        return int(x.letters.shape[1]) - self.length

    def _weights(self, w: Floats) -> tuple[Floats, Floats]:
        """Return the weights of the motif, (length, 4), and those of the words, and 0 for none."""
        return w[: 4 * self.length].reshape(-1, 4), np.append(w[4 * self.length :], 0.0)

    def _inside(self, x: Sequences, y: Signs, h: Places) -> tuple[Places, Places]:
        """Return which rows hold a motif, (m, 1), and the places of its letters, (m, length)."""
        rows = np.flatnonzero(y == 1)[:, None]
        begin, last = h[rows], self._last(x)
        require(
            bool(((begin >= self.skip) & (begin <= last)).all()),
            f"{self!r}: a motif begins at a place from {self.skip} to {last} here; got "
            f"{begin.min(initial=last)} to {begin.max(initial=self.skip)}.",
        )
        return rows, begin + np.arange(self.length)

    def _best(self, w: Floats, x: Sequences, least: Signs) -> Guess[Signs, Places]:
        """Return place and label: 1 where the best gain is over the least."""
        gains = self._gains(w, x)
        best = gains.argmax(1)
        holds = gains[np.arange(len(best)), best] > least
        return Guess(np.where(holds, 1, -1), np.where(holds, best + self.skip, -1))

    def _gains(self, w: Floats, x: Sequences) -> Floats:
        """Return w . (Phi(x, 1, h) - Phi(x, -1, .)) for h from skip on, shape (n, places)."""
        motif, word = self._weights(w)
        parts = []
        for begin, fresh in self._parts():
            table = _table(motif[begin : begin + self._part], word[:-1], fresh)
            places = slice(begin + self.skip, begin + self._last(x) + 1)
            parts.append(table.take(x.spans)[:, places])
        gains = reduce(np.add, parts)
        for end in range(self.skip, self.order - 1):  # no word ends there; its span took one off
            reach = slice(max(0, end - self.length + 1 - self.skip), end + 1 - self.skip)
            gains[:, reach] += word.take(x.heads[:, end])[:, None]
        return gains

    def _parts(self) -> list[tuple[int, int]]:
        """Return where each part of the motif begins, and its first letter that counts in it.

        Parts are equally long: the last overlaps the one before where the length is no multiple.
        """
        part = self._part
        starts = range(0, self.length, part)
        return [(min(i, self.length - part), max(0, i - self.length + part)) for i in starts]


def _table(motif: Floats, word: Floats, fresh: int) -> Floats:
    """Return the gain of each span: its letters as a part of the motif, less as background.

    Args:
        motif: Weights of the part, shape (part, 4).
        word: Weights of the words, shape (4 ** order,).
        fresh: The letters of the part before this one count in another table.
    """
    part = len(motif)
    table = np.zeros(4 ** (part - 1) * len(word))
    for i in range(fresh, part):
        gain = motif[i] - word.reshape(-1, 4)  # the last letter of the word is the motif's i-th
        table.reshape(4**i, len(word), -1)[:] += gain.reshape(1, -1, 1)
    return table
