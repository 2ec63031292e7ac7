"""JASPAR motifs in synthetic sequences: ``python -m benchmarks.latent.motifs``.

TFAP2A, Arnt and CTCF, 800 sequences of 60 letters to train on and 2,000 to test on, C = 150, a
motif as long as the matrix, order 3, random first positions; four seeds of data and start. A run is
stuck if more than 45 % of the test sequences are classified wrongly.

With ``skip=2``, as in the program of the paper's authors, the model cannot tell positions apart
when it starts from random ones: the first fit has its optimum at w = 0, and the search may stay
there. With ``skip=0``, the default, the motif at the first positions replaces fewer words of the
background, so that the second fit makes progress.

Each run appends one line to ``results/latent_motifs.jsonl``; finished runs are skipped. ``--size``
fits 20,000 sequences, and prints seconds and memory; nothing is written.
"""

import resource
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.latent.data import MATRICES, Planted, planted
from benchmarks.latent.data import matrix as pwm
from benchmarks.latent.searches import AS_MANY, WAYS, as_many, means
from benchmarks.shared.result_lines import RESULTS, machine, parser, run_or_print, versions
from selfpaced.latent import LatentSVM, NotConverged, Search
from selfpaced.latent._svm.estimator import PATIENT
from selfpaced.latent.problems import Motif

FILE = RESULTS / "latent_motifs.jsonl"
N = 800  # Training sequences.
TEST = 2000  # Test sequences.
C = 150.0  # Parameter C of the latent SVM.
SEEDS = (0, 1, 2, 3)  # Seeds of data and start.
STUCK = 0.45  # Test error above which a run is stuck.
SKIPS = (0, 2)  # Values of ``skip`` of ``Motif``.


@dataclass(frozen=True)
class Row:
    """One run.

    Args:
        matrix: Name of the JASPAR matrix.
        seed: Seed of data and start.
        skip: Parameter of ``Motif``.
        way: Name of the way.
        objective: |w|^2 / 2 + (C / n) sum xi, on the training sequences.
        train: Share of training sequences that are classified wrongly.
        test: Share of test sequences that are classified wrongly.
        solves: Number of inner solves.
        seconds: Processor time.
        versions: Versions of the packages.
        machine: Processor, cores and threads.
    """

    matrix: str
    seed: int
    skip: int
    way: str
    objective: float
    train: float
    test: float
    solves: int
    seconds: float
    versions: dict[str, str]
    machine: dict[str, str | int]


def run(matrix: str, seed: int, skip: int, way: str) -> Row:
    """Train and test once; return the result line."""
    train, test = planted(matrix, N, seed), planted(matrix, TEST, 1000 + seed)
    search = WAYS.get(way)
    if search is None:
        solves = fitted(matrix, train, seed, skip, WAYS["self-paced"]).history_[-1].fits
        search = as_many(solves)
    began = time.process_time()
    svm = fitted(matrix, train, seed, skip, search)
    seconds = time.process_time() - began
    errors = [1 - svm.score(part.letters, part.y) for part in (train, test)]
    counts = (svm.history_[-1].fits, seconds, versions(), machine())
    return Row(matrix, seed, skip, way, svm.objective_, errors[0], errors[1], *counts)


def fitted(matrix: str, train: Planted, seed: int, skip: int, search: Search) -> LatentSVM:
    """Fit a latent SVM and return it."""
    problem = Motif(length=len(pwm(matrix)), order=3, skip=skip)
    svm = LatentSVM(problem, C=C, search=search, random_state=seed)
    return svm.fit(train.letters, train.y)


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table: means of the seeds, and how many runs are stuck."""
    yield "| matrix | skip | way | stuck | objective | train, % | test, % | solves | seconds |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for matrix, protein in MATRICES.items():
        for skip in SKIPS:
            for way in (*WAYS, AS_MANY):
                mine = [r for r in rows if (r.matrix, r.skip, r.way) == (matrix, skip, way)]
                if mine:
                    stuck = sum(row.test > STUCK for row in mine)
                    mean = means(mine)
                    wrong = f"{100 * mean[1]:.1f} | {100 * mean[2]:.1f}"
                    yield (
                        f"| {matrix} {protein} | {skip} | {way} | {stuck} of {len(mine)} "
                        f"| {mean[0]:.2f} | {wrong} | {mean[3]:.1f} | {mean[4]:.1f} |"
                    )


def size(n: int = 20_000) -> Iterator[str]:
    """Fit many sequences, self-paced as in the paper and with the default search."""
    train, test = planted("MA0003.1", n, 0), planted("MA0003.1", 5000, 1000)
    for name, search in (("self-paced, mu = 1.3", Search()), ("patient", PATIENT)):
        began = time.perf_counter()
        svm = fitted("MA0003.1", train, 0, 0, search)
        seconds = time.perf_counter() - began
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        yield (
            f"{n:,} sequences of {train.letters.shape[1]} with TFAP2A, {name}: {seconds:.0f} s, "
            f"{memory:.2f} GB at most so far, {svm.history_[-1].fits} inner solves, objective "
            f"{svm.objective_:.2f}, test error {1 - svm.score(test.letters, test.y):.1%}"
        )


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table, or measure a large fit."""
    warnings.simplefilter("ignore", NotConverged)  # CCCP with a limit on its solves warns
    made = parser(__doc__, FILE)
    made.add_argument("--size", action="store_true", help="fit 20,000 sequences instead")
    options = made.parse_args(arguments)
    if options.size:
        print("\n".join(size()))
        return
    planned = [
        (matrix, seed, skip, way)
        for skip in SKIPS
        for matrix in MATRICES
        for seed in SEEDS
        for way in (*WAYS, AS_MANY)
    ]
    run_or_print(options, Row, planned, run, table)


if __name__ == "__main__":
    main(sys.argv[1:])
