"""DNA sequences: made ones with a motif in half of them, and those of the user's files."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced.chain import Floats
from selfpaced.latent.problems import Motif
from selfpaced.latent.problems._letters import LETTERS

# The most frequent letter at each place of the made motif.
CONSENSUS = "TGACGCAATG"
# The share of this letter at its place; the other three letters share the rest evenly.
CERTAIN = 0.75
# The number of letters of a made sequence.
LETTERS_EACH = 60
# The shares of A, C, G, T as the next letter, one row for each letter A, C, G, T before it. The
# numbers are made up, but uneven as in DNA.
AFTER = np.array(
    [
        [0.35, 0.17, 0.25, 0.23],
        [0.33, 0.25, 0.06, 0.36],
        [0.27, 0.22, 0.25, 0.26],
        [0.2, 0.2, 0.25, 0.35],
    ]
)


class Labelled(NamedTuple):
    """Sequences with labels.

    Args:
        x: Letters, 0 to 3 for A, C, G, T, uint8, shape (n, L).
        y: 1 for a sequence that holds the motif, -1 for any other, int64, shape (n,).
    """

    x: NDArray[np.uint8]
    y: NDArray[np.int64]


@dataclass(frozen=True)
class Fasta:
    """The sequences of a FASTA file.

    Args:
        path: The file.
        names: The name of each sequence; it may be empty.
        texts: The letters of each sequence.
    """

    path: Path
    names: list[str]
    texts: list[str]

    def where(self, row: int) -> str:
        """Return the file, the number (from 1) and the name of a sequence, for error messages.

        >>> Fasta(Path("a.fa"), ["chr1"], ["ACGT"]).where(0)
        "a.fa: sequence 1, 'chr1',"
        """
        name = f", {self.names[row]!r}," if self.names[row] else ""
        return f"{self.path}: sequence {row + 1}{name}"


def made_matrix() -> Floats:
    """Return the shares of A, C, G, T at each place of the made motif, shape (10, 4)."""
    other = (1 - CERTAIN) / 3
    places = [LETTERS.index(letter) for letter in CONSENSUS]
    return np.where(np.eye(4)[places] == 1, CERTAIN, other)


def plant(matrix: Floats, n: int, random: np.random.Generator) -> Labelled:
    """Draw n sequences of 60 letters; every second one gets a motif, beginning with the first.

    The letters are drawn from a Markov chain, and the place of a motif is drawn evenly.

    Args:
        matrix: Shares of A, C, G, T at each place of the motif, shape (length, 4).
        n: Number of sequences.
        random: Draws the letters, the motifs and their places.

    Raises:
        ValueError: For a motif that is longer than a sequence.

    >>> plant(made_matrix(), 4, np.random.default_rng(0)).y.tolist()
    [1, -1, 1, -1]
    """
    require(
        len(matrix) <= LETTERS_EACH,
        f"A motif must fit into {LETTERS_EACH} letters; this one has {len(matrix)}.",
    )
    letters = np.empty((n, LETTERS_EACH), dtype=np.uint8)
    letters[:, 0] = random.integers(4, size=n)
    for place in range(1, LETTERS_EACH):
        letters[:, place] = _draw(AFTER[letters[:, place - 1]], random)
    y = np.where(np.arange(n) % 2 == 0, 1, -1)
    rows = np.flatnonzero(y == 1)
    first = random.integers(LETTERS_EACH - len(matrix) + 1, size=len(rows))
    for place, shares in enumerate(matrix):
        letters[rows, first + place] = _draw(np.tile(shares, (len(rows), 1)), random)
    return Labelled(letters, y)


def read_jaspar(path: Path) -> Floats:
    """Read the first matrix of a file in JASPAR's format.

    Returns:
        The shares of A, C, G, T at each place, shape (length, 4).

    Raises:
        FileNotFoundError: If there is no file.
        ValueError: For a file without one line of counts for each letter, and for counts that are
            below 0, not finite, or all 0 at a place.
    """
    found: dict[str, list[float]] = {}
    for line in _lines(path):
        letter, *counts = line.replace("[", " ").replace("]", " ").split() or [""]
        if letter in LETTERS and letter and letter not in found:
            found[letter] = _numbers(counts, path)
    require(
        set(found) == set(LETTERS) and len({len(row) for row in found.values()}) == 1,
        f"{path}: a matrix in JASPAR's format has a line for each of A, C, G, T, as in "
        f"'A [ 4 19 0 ]', all with the same number of counts; found lines for "
        f"{', '.join(sorted(found)) or 'no letter'}.",
    )
    table = np.array([found[letter] for letter in LETTERS]).T
    require(
        len(table) > 0
        and bool(np.isfinite(table).all() and (table >= 0).all() and (table.sum(1) > 0).all()),
        f"{path}: the counts of each place must be finite, 0 or more, and not all 0.",
    )
    return np.asarray(table / table.sum(1, keepdims=True))


def read_fasta(path: Path) -> Fasta:
    """Read a FASTA file; the name of a sequence is the first word after its '>'.

    Raises:
        FileNotFoundError: If there is no file.
        ValueError: For a file without sequences, and for an empty sequence.

    >>> read_fasta(Path("absent.fa"))
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'absent.fa'
    """
    names: list[str] = []
    found: list[list[str]] = []
    for line in _lines(path):
        if line.startswith(">"):
            names.append("".join(line[1:].split()[:1]))
            found.append([])
        elif line.strip():
            require(bool(found), f"{path}: a FASTA file begins with a line '>name'. Add one.")
            found[-1].append(line.strip())
    require(
        bool(found),
        f"{path}: there are no sequences. A FASTA file has a line '>name' before each sequence.",
    )
    fasta = Fasta(path, names, ["".join(parts) for parts in found])
    for row, text in enumerate(fasta.texts):
        require(text != "", f"{fasta.where(row)} is empty. Leave it out.")
    return fasta


def require_readable(problem: Motif, holds: Fasta, others: Fasta) -> None:
    """Raise unless the problem can learn from both files; the message names the sequence."""
    for file in (holds, others):
        require(
            len(file.texts) >= 2,
            f"{file.path}: 1 sequence is too few, one to train on and one to test are needed.",
        )
        _require_letters(file)
        _require_one_length(file, holds)
    try:
        problem.read(holds.texts + others.texts)
    except ValueError as error:  # the sequences of both files are shorter than the motif
        raise ValueError(f"{holds.path}: {error}") from error


def _require_letters(file: Fasta) -> None:
    """Raise for a letter that is not A, C, G or T, naming the first one."""
    rests = [text.lstrip(LETTERS + LETTERS.lower()) for text in file.texts]
    bad = [row for row, rest in enumerate(rests) if rest]
    for row in bad[:1]:
        place = len(file.texts[row]) - len(rests[row]) + 1
        raise ValueError(
            f"{file.where(row)} has {rests[row][0]!r} as letter {place}, which is none of A, C, G, "
            f"T. Leave such sequences out ({len(bad)} of {len(rests)} there)."
        )


def _require_one_length(file: Fasta, like: Fasta) -> None:
    """Raise for a sequence that is not as long as the first one of ``like``, naming the first."""
    n = len(like.texts[0])
    for row, text in enumerate(file.texts):
        require(
            len(text) == n,
            f"{file.where(row)} has {len(text)} letters, and the first one of {like.path} has {n}. "
            f"Cut all to the same length.",
        )


def _lines(path: Path) -> list[str]:
    """Return the lines; a byte order mark is dropped, and bytes that are not UTF-8 are replaced."""
    return path.read_text(encoding="utf-8-sig", errors="replace").splitlines()


def _numbers(words: list[str], path: Path) -> list[float]:
    """Return words as numbers, or raise."""
    try:
        return [float(word) for word in words]
    except ValueError as error:
        raise ValueError(f"{path}: counts of a matrix must be numbers; {error}.") from error


def _draw(shares: Floats, random: np.random.Generator) -> NDArray[np.intp]:
    """Draw a letter for each row of shares, shape (n, 4)."""
    drawn = random.random((len(shares), 1)) * shares.sum(1, keepdims=True)
    return np.asarray((shares.cumsum(1) <= drawn).sum(1).clip(max=3))
