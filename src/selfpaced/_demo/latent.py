"""The comparison of Kumar, Packer and Koller (NIPS 2010) on latent SVMs, with three more searches.

With the paper's stopping rule, self-paced learning takes more fits than CCCP. So there are two
controls: CCCP with the same number of fits, and a search that leaves the same number of samples out
in a random order. The patient search is self-paced learning with the defaults of ``LatentSVM``.
"""

import csv
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfpaced._demo.sequences import Fasta, plant, require_readable
from selfpaced._errors import require
from selfpaced.age import Growing
from selfpaced.latent import LatentSVM, NotConverged, Search, Stop, Structure
from selfpaced.latent._svm.estimator import PATIENT
from selfpaced.latent.problems import Digits, Motif, Rotated
from selfpaced.report import plot_searches
from selfpaced.weighting import RandomOrder

# Self-paced learning with the paper's stopping rule.
PACED = "self-paced"
# CCCP with the paper's stopping rule: all samples in every fit.
CCCP = "CCCP"
# A control: CCCP with as many fits as self-paced learning.
LONG = "CCCP, longer"
# A control: as many samples as self-paced learning would keep, chosen at random.
RANDOM = "random order"
# Self-paced learning with the defaults of ``LatentSVM``.
SLOW = "patient"
# The names of the searches, in the order in which they run.
NAMES = (PACED, CCCP, LONG, RANDOM, SLOW)
# The paper's stopping rule: the search ends when the objective decreases by less than C eps.
PAPERS_RULE = Stop(min_outer=2, patience=1)
# The precision eps of a fit; differences of less than C eps between searches do not count.
EPS = 1e-3
# The test error, as a share, from which on a run has learned nothing; chance is 0.5.
STUCK = 0.45
# The number of made sequences to train on.
TRAIN_SEQUENCES = 1000
# The number of made sequences to test on.
TEST_SEQUENCES = 2000
# The share of each digit, and of each of the user's files, to train on; the rest is for the test.
TRAIN_SHARE = 2 / 3
# The default number of letters of a motif in the user's sequences.
OWN_LENGTH = 10

# Called after each run with the name of the search and its objective.
Watch = Callable[[str, float], None]


class Data(NamedTuple):
    """Inputs in the form that a problem reads, and labels, shape (n,)."""

    x: Any
    y: NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """A problem with latent variables, and data to train on and to test."""

    name: str
    problem: Structure[Any, Any, Any]
    train: Data
    test: Data


class Step(NamedTuple):
    """A fit of a search: the objective with all weights 1, the kept share, and seconds so far."""

    objective: float
    kept_share: float
    seconds: float


@dataclass(frozen=True)
class Run:
    """A search from one start; errors are shares from 0 to 1."""

    objective: float
    train_error: float
    test_error: float
    steps: tuple[Step, ...]
    seconds: float

    @property
    def stuck(self) -> bool:
        """Whether the run has learned nothing: its test error is near chance."""
        return self.test_error >= STUCK


@dataclass(frozen=True)
class Comparison:
    """Five searches from the same starts.

    Args:
        task: The problem and its data.
        C: Weight of the losses against the regulariser.
        runs: For each search, by its name, one run per start.
    """

    task: Task
    C: float
    runs: dict[str, list[Run]]


def digits(pair: tuple[int, int], seed: int) -> Task:
    """Return a task of two digits of scikit-learn, 8 x 8 pixels; the latent variable is the angle.

    Args:
        pair: The two digits to tell apart.
        seed: Seed of the split into training and test.

    Raises:
        ValueError: Unless the pair are two different digits.
    """
    from sklearn.datasets import load_digits

    require(
        len(set(pair)) == 2 and all(0 <= digit <= 9 for digit in pair),
        f"A pair is two digits, as in 3-8; got {pair[0]}-{pair[1]}.",
    )
    bunch = load_digits()
    rows = np.flatnonzero(np.isin(bunch.target, pair))
    train, test = (rows[part] for part in _split(bunch.target[rows], seed))
    views = Rotated(n_components=10).fit(bunch.images[train])
    parts = [
        Data(views.transform(bunch.images[part]), (bunch.target[part] == pair[1]).astype(np.int64))
        for part in (train, test)
    ]
    return Task(f"digits {pair[0]} and {pair[1]}", Digits(), *parts)


def planted(name: str, matrix: NDArray[np.float64], seed: int) -> Task:
    """Return a task of made sequences with a motif in half of them.

    Args:
        name: Name of the task.
        matrix: Shares of A, C, G, T at each place of the motif, shape (length, 4).
        seed: Seed of the sequences.
    """
    random = np.random.default_rng([seed, 0])
    parts = [Data(*plant(matrix, n, random)) for n in (TRAIN_SEQUENCES, TEST_SEQUENCES)]
    return Task(name, Motif(length=len(matrix)), *parts)


def sequences(holds: Fasta, others: Fasta, length: int, seed: int) -> Task:
    """Return a task of the user's sequences; two thirds of each file are for the training.

    Args:
        holds: Sequences that hold the motif.
        others: Sequences that do not hold it.
        length: Number of letters of the motif.
        seed: Seed of the split into training and test.

    Raises:
        ValueError: For a file of one sequence, letters other than A, C, G, T, sequences of
            different lengths, and sequences shorter than the motif; the message names the file and
            the sequence.
    """
    problem = Motif(length=length)
    require_readable(problem, holds, others)
    texts = holds.texts + others.texts
    y = np.repeat([1, -1], [len(holds.texts), len(others.texts)])
    parts = [Data([texts[row] for row in part], y[part]) for part in _split(y, seed)]
    return Task(holds.path.name, problem, *parts)


def compare(
    task: Task, *, C: float, factor: float, starts: int, seed: int, watch: Watch
) -> Comparison:
    """Run the five searches from each start.

    Args:
        task: The problem and its data.
        C: Weight of the losses against the regulariser.
        factor: The age is multiplied by this at each step, the paper's mu; above 1.
        starts: Number of starts; each draws the first latent values at random.
        seed: Seed of the starts and of the random order.
        watch: Called after each run with the name of the search and its objective.
    """
    x, age = task.problem.read(task.train.x), Growing(factor)
    runs: dict[str, list[Run]] = {name: [] for name in NAMES}
    for stream in np.random.default_rng([seed, 1]).spawn(starts):
        h = task.problem.start(x, task.train.y, stream)
        order = RandomOrder(int(stream.integers(2**31)))
        searches = {
            PACED: Search(age, stop=PAPERS_RULE),
            CCCP: Search(age=None, stop=PAPERS_RULE),
            LONG: Search(age=None),
            RANDOM: Search(age, order, stop=PAPERS_RULE),
            SLOW: PATIENT,
        }
        for name, search in searches.items():
            if name == LONG:
                search = replace(search, stop=Stop(0.0, max_outer=len(runs[PACED][-1].steps)))
            runs[name].append(_run(task, search, C, h))
            watch(name, runs[name][-1].objective)
    return Comparison(task, C, runs)


def write_files(folder: Path, comparison: Comparison) -> list[Path]:
    """Write ``searches.png`` and ``searches.csv``; older files are replaced. Return the paths."""
    picture, table = folder / "searches.png", folder / "searches.csv"
    objectives = {
        name: [[step.objective for step in run.steps] for run in runs]
        for name, runs in comparison.runs.items()
    }
    plot_searches(objectives).figure.canvas.figure.savefig(picture)
    with table.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["search", "start", "fit", "objective", "kept share", "seconds"])
        for name, runs in comparison.runs.items():
            for start, run in enumerate(runs, start=1):
                rows.writerows([name, start, at, *step] for at, step in enumerate(run.steps, 1))
    return [picture, table]


def _split(y: NDArray[np.int64], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the shuffled rows to train on, two thirds of each label, and the rows to test on."""
    rows = np.random.default_rng([seed, 0]).permutation(len(y))
    of_each = [rows[y[rows] == label] for label in np.unique(y)]
    firsts = [these[: round(TRAIN_SHARE * len(these))] for these in of_each]
    train = np.isin(rows, np.concatenate(firsts))
    return rows[train], rows[~train]


def _run(task: Task, search: Search, C: float, h: Any) -> Run:  # noqa: ANN401  # any problem's
    """Train from the latent values h, and test."""
    svm, began = LatentSVM(task.problem, C=C, eps=EPS, search=search), time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)  # LONG stops after a given number of fits
        svm.fit(*task.train, h)
    seconds = time.perf_counter() - began
    train, test = (1 - svm.score(*part) for part in (task.train, task.test))
    steps = tuple(Step(row.objective, row.kept_share, row.seconds) for row in svm.history_)
    return Run(svm.objective_, train, test, steps, seconds)
