"""The founding paper's comparison on latent SVMs, with three searches that it does not have.

Self-paced learning takes more fits than CCCP by the paper's stopping rule. So CCCP also runs for as
many, and another search leaves as many samples out as self-paced learning would, in no order. The
patient one is self-paced learning as ``LatentSVM`` does it unless told otherwise.
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

NAMES = PACED, CCCP, LONG, RANDOM, SLOW = (
    "self-paced",
    "CCCP",
    "CCCP, longer",
    "random order",
    "patient",
)
PAPERS_RULE = Stop(min_outer=2, patience=1)  # a decrease below C eps ends it
EPS = 1e-3
STUCK = 0.45  # test error of a run that has learned nothing; 0.5 is chance
TRAIN_SEQUENCES, TEST_SEQUENCES = 1000, 2000
TRAIN_SHARE = 2 / 3  # of each digit, and of each of the user's files
OWN_LENGTH = 10  # letters of a motif in the user's sequences, unless told otherwise

Watch = Callable[[str, float], None]  # called after each run: the search's name, its objective


class Data(NamedTuple):
    """Inputs as a problem reads them, and labels."""

    x: Any
    y: NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """A latent problem with data to train on and to test."""

    name: str
    problem: Structure[Any, Any, Any]
    train: Data
    test: Data


class Step(NamedTuple):
    """A fit of a search: the objective with all weights 1, the kept share, seconds so far."""

    objective: float
    kept_share: float
    seconds: float


@dataclass(frozen=True)
class Run:
    """A search from one start; errors are shares."""

    objective: float
    train_error: float
    test_error: float
    steps: tuple[Step, ...]
    seconds: float

    @property
    def stuck(self) -> bool:
        """Whether it has learned nothing."""
        return self.test_error >= STUCK


@dataclass(frozen=True)
class Comparison:
    """Five searches from each of some starts, the same for all."""

    task: Task
    C: float
    runs: dict[str, list[Run]]


def digits(pair: tuple[int, int], seed: int) -> Task:
    """Return two digits of scikit-learn's, 8 x 8 pixels, of which the angle is not known.

    Raises:
        ValueError: Unless the pair are two digits.
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
    """Return made sequences with a motif in half of them."""
    random = np.random.default_rng([seed, 0])
    parts = [Data(*plant(matrix, n, random)) for n in (TRAIN_SEQUENCES, TEST_SEQUENCES)]
    return Task(name, Motif(length=len(matrix)), *parts)


def sequences(holds: Fasta, others: Fasta, length: int, seed: int) -> Task:
    """Return the user's sequences, two thirds of each file to train on.

    Raises:
        ValueError: For a file of one sequence, other letters than A, C, G, T, several lengths, and
            sequences shorter than the motif; the message names the file and the sequence.
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
    """Search from each start in five ways.

    Args:
        task: What is learned.
        C: What losses count against the regulariser.
        factor: Of the age at each step, the paper's mu.
        starts: How many; first latent values are drawn at random.
        seed: Of the starts and the random order.
        watch: Called after each run.
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
    """Write ``searches.png`` and ``searches.csv``, replacing older ones; return their paths."""
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
    """Return the rows to train on and to test, shuffled: two thirds of each label, and the rest."""
    rows = np.random.default_rng([seed, 0]).permutation(len(y))
    of_each = [rows[y[rows] == label] for label in np.unique(y)]
    firsts = [these[: round(TRAIN_SHARE * len(these))] for these in of_each]
    train = np.isin(rows, np.concatenate(firsts))
    return rows[train], rows[~train]


def _run(task: Task, search: Search, C: float, h: Any) -> Run:  # noqa: ANN401  # the problem's
    """Train and test once."""
    svm, began = LatentSVM(task.problem, C=C, eps=EPS, search=search), time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)  # a search that is given its number of fits
        svm.fit(*task.train, h)
    seconds = time.perf_counter() - began
    train, test = (1 - svm.score(*part) for part in (task.train, task.test))
    steps = tuple(Step(row.objective, row.kept_share, row.seconds) for row in svm.history_)
    return Run(svm.objective_, train, test, steps, seconds)
