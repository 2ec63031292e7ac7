"""DNA motifs: whether a sequence holds the motif is the label, its position is latent."""

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
Positions = NDArray[np.int64]

# Most letters of a span, for which one table holds the gains: with 7 letters, its 4 ** 7 gains stay
# in the processor's cache.
MAX_SPAN = 7
# Longest word of the background: there are 4 ** 10 words of 10 letters, a million.
MAX_ORDER = 10


class Sequences(NamedTuple):
    """n sequences of L letters, with the codes by which their scores are looked up.

    Args:
        letters: 0 to 3 for A, C, G, T, shape (n, L).
        words: Code of the word that ends at each letter, shape (n, L); ``4 ** order`` at the first
            ``order - 1`` letters, where no whole word ends.
        heads: Codes of the words that would end at those first letters if the sequence were
            preceded by A's, shape (n, order - 1).
        spans: Code of each span of letters in the sequence preceded by A's, shape (n, spans).
    """

    letters: Letters
    words: NDArray[np.int64]
    heads: NDArray[np.int64]
    spans: NDArray[np.int64]


@dataclass(frozen=True)
class Motif(Structure[Sequences, Signs, Positions]):
    """Sequences over A, C, G, T that hold a motif at an unknown position (y = 1), or none (y = -1).

    Inputs are n sequences of one length L: strings in upper or lower case, or a uint8 array (n, L)
    with 0 to 3 for A, C, G, T. Latent values h are the positions at which the motif begins, from
    ``skip`` to L - length. They are -1 for sequences with y = -1, where any other value is ignored.
    The joint features are

    - 4 * length indicators: which letter is at each position of the motif; all 0 for y = -1;
    - 4 ** order counts: how often each word of ``order`` letters ends outside of the motif;
      anywhere in the sequence for y = -1.

    A letter counts once. It counts either for the motif or for the background, as the end of a
    word; the other ``order - 1`` letters of that word may belong to the motif. The first
    ``order - 1`` letters of a sequence end no word and count for the motif only. ``order`` is the k
    of the papers, with 64 words for k = 3. The loss is 0 for the right label, else 1.

    A motif at the start of a sequence replaces fewer words than a motif elsewhere. The model can
    therefore tell that position from others, which alone leads a search away from w = 0. With
    ``skip=order - 1`` all positions are alike. Then w = 0 is the exact optimum for random starts
    unless the motif is strong, and a search can stay there.

    Scores are sums of parts from tables; only ``features`` makes an array of shape (n, d). The
    result of ``read`` takes about 17 bytes per letter.

    Args:
        length: Number of letters of the motif.
        order: Number of letters of a word of the background, at most 10.
        skip: Number of first letters of a sequence at which no motif begins.

    Raises:
        TypeError: For settings that are not ints, and inputs that are not sequences.
        ValueError: For settings out of range, other letters (such as N), sequences of different
            lengths or too short for the motif or a word, labels other than -1 and 1, a label
            without sequences, and positions out of range.

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
            self.order <= MAX_ORDER,
            f"Motif: order must be {MAX_ORDER} or less; got {self.order}. There are 4 ** order "
            f"words.",
        )
        if not isinstance(self.skip, int):
            raise TypeError(f"Motif: skip must be an int; got {self.skip!r}.")
        require(self.skip >= 0, f"Motif: skip must be 0 letters or more; got {self.skip}.")

    def read(self, x: Any) -> Sequences:
        """Return the sequences with their codes."""
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
        """Raise unless there is one label per sequence, and both labels occur."""
        n, found = len(x.letters), np.unique(y).tolist()
        require(n == len(y), f"Motif: there are {n} sequences and {len(y)} labels.")
        require(
            set(found) <= {-1, 1},
            f"Motif: labels must be 1, for sequences that hold the motif, or -1, for others; got "
            f"{found[:10]}.",
        )
        require(
            len(found) == 2,
            f"Motif needs both labels, 1 for sequences that hold the motif and -1 for others; all "
            f"labels are {found}.",
        )

    def features(self, x: Sequences, y: Signs, h: Positions) -> Floats:
        """Return Phi(x, y, h), shape (n, 4 * length + 4 ** order)."""
        n, (rows, positions) = len(y), self._inside(x, y, h)
        motif = np.zeros((n, self.length, 4))
        motif[rows, np.arange(self.length), x.letters[rows, positions]] = 1
        words = np.zeros((n, 4**self.order + 1))
        np.add.at(words, (np.arange(n)[:, None], x.words), 1)
        np.subtract.at(words, (rows, x.words[rows, positions]), 1)
        return np.concatenate([motif.reshape(n, -1), words[:, :-1]], axis=1)

    def score(self, w: Floats, x: Sequences, y: Signs, h: Positions) -> Floats:
        """Return w . Phi(x, y, h), shape (n,)."""
        motif, word = self._weights(w)
        rows, positions = self._inside(x, y, h)
        gain = motif[np.arange(self.length), x.letters[rows, positions]]
        gain -= word[x.words[rows, positions]]
        score = word.take(x.words).sum(1)
        score[rows[:, 0]] += gain.sum(1)
        return np.asarray(score)

    def joint(self, c: Floats, x: Sequences, y: Signs, h: Positions) -> Floats:
        """Return sum_i c_i Phi(x_i, y_i, h_i), shape (d,)."""
        rows, positions = self._inside(x, y, h)
        weight, size = np.repeat(c[rows[:, 0]], self.length), 4**self.order + 1
        letters = x.letters[rows, positions] + 4 * np.arange(self.length)
        motif = np.bincount(letters.ravel(), weight, 4 * self.length)
        words = np.bincount(x.words.ravel(), np.repeat(c, x.words.shape[1]), size)
        words -= np.bincount(x.words[rows, positions].ravel(), weight, size)
        return np.concatenate([motif, words[:-1]])

    def complete(self, w: Floats, x: Sequences, y: Signs) -> Positions:
        """Return the position of highest score, -1 for sequences without a motif."""
        return np.where(y == 1, self._gains(w, x).argmax(1) + self.skip, -1)

    def most_violated(self, w: Floats, x: Sequences, y: Signs) -> Guess[Signs, Positions]:
        """Return the label and position with the highest sum of loss and score."""
        return self._best(w, x, y)  # loss(y, -1) - loss(y, 1) = y

    def predict(self, w: Floats, x: Sequences) -> Guess[Signs, Positions]:
        """Return the label and position with the highest score."""
        return self._best(w, x, np.zeros(len(x.letters), dtype=np.int64))

    def loss(self, y: Signs, guess: Signs) -> Floats:
        """Return 0 for the right label, else 1."""
        return np.where(y != guess, 1.0, 0.0)

    def start(self, x: Sequences, y: Signs, random: np.random.Generator) -> Positions:
        """Return random positions, -1 for sequences without a motif."""
        return np.where(y == 1, random.integers(self.skip, self._last(x) + 1, size=len(y)), -1)

    @property
    def _part(self) -> int:
        """The number of letters of the motif for which one table holds the gains."""
        return min(self.length, max(1, MAX_SPAN - self.order + 1))

    def _last(self, x: Sequences) -> int:
        """Return the last position at which a motif can begin."""
        return int(x.letters.shape[1]) - self.length

    def _weights(self, w: Floats) -> tuple[Floats, Floats]:
        """Return the weights of the motif and of the words.

        Their shapes are (length, 4) and (4 ** order + 1,); the last is 0, for no whole word.
        """
        return w[: 4 * self.length].reshape(-1, 4), np.append(w[4 * self.length :], 0.0)

    def _inside(self, x: Sequences, y: Signs, h: Positions) -> tuple[Positions, Positions]:
        """Return the rows with a motif, (m, 1), and the positions of its letters, (m, length)."""
        rows = np.flatnonzero(y == 1)[:, None]
        begin, last = h[rows], self._last(x)
        require(
            bool(((begin >= self.skip) & (begin <= last)).all()),
            f"{self!r}: the position of a motif must be from {self.skip} to {last} here; got "
            f"{begin.min(initial=last)} to {begin.max(initial=self.skip)}.",
        )
        return rows, begin + np.arange(self.length)

    def _best(self, w: Floats, x: Sequences, least: Signs) -> Guess[Signs, Positions]:
        """Return label 1 and the best position if its gain is above ``least``, else -1 and -1."""
        gains = self._gains(w, x)
        best = gains.argmax(1)
        holds = gains[np.arange(len(best)), best] > least
        return Guess(np.where(holds, 1, -1), np.where(holds, best + self.skip, -1))

    def _gains(self, w: Floats, x: Sequences) -> Floats:
        """Return w . (Phi(x, 1, h) - Phi(x, -1, .)) for h from skip on, shape (n, positions)."""
        motif, word = self._weights(w)
        parts = []
        for begin, first_new in self._parts():
            table = _table(motif[begin : begin + self._part], word[:-1], first_new)
            positions = slice(begin + self.skip, begin + self._last(x) + 1)
            parts.append(table.take(x.spans)[:, positions])
        gains = reduce(np.add, parts)
        # No word ends at the first letters, but their spans subtracted one: add it back.
        for end in range(self.skip, self.order - 1):
            covering = slice(max(0, end - self.length + 1 - self.skip), end + 1 - self.skip)
            gains[:, covering] += word.take(x.heads[:, end])[:, None]
        return gains

    def _parts(self) -> list[tuple[int, int]]:
        """Return the first letter of each part of the motif, and its first letter that is new.

        All parts have the same length. If the length of the motif is not a multiple of it, the last
        part overlaps the one before; letters that belong to the one before are not new.
        """
        part = self._part
        starts = range(0, self.length, part)
        return [(min(i, self.length - part), max(0, i - self.length + part)) for i in starts]


def _table(motif: Floats, word: Floats, first_new: int) -> Floats:
    """Return the gain of each span: the weights of its letters in the motif minus the background.

    Args:
        motif: Weights of the part, shape (part, 4).
        word: Weights of the words, shape (4 ** order,).
        first_new: The first letter of the part to count; the letters before it count in the table
            of the part before.
    """
    part = len(motif)
    table = np.zeros(4 ** (part - 1) * len(word))
    for i in range(first_new, part):
        gain = motif[i] - word.reshape(-1, 4)  # the last letter of the word is the motif's i-th
        table.reshape(4**i, len(word), -1)[:] += gain.reshape(1, -1, 1)
    return table
