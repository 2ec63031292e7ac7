"""Motifs from JASPAR in made sequences: ``python -m benchmarks.latent.motifs``; ``--table``.

TFAP2A, Arnt and CTCF, 800 sequences of 60 letters to train on and 2,000 to test, C = 150, a motif
as long as the matrix, order 3, four seeds of data and start, random first places. A run is stuck
where over 45 % of the test sequences are classified wrongly.

With ``skip=2``, as in the program of the paper's authors, all places are alike to the model: from
random ones the first fit has its optimum at w = 0, where nothing tells places apart, and a search
may stay there. With ``skip=0``, the default, a motif at the first places replaces fewer words of
the background, so that the second fit finds something.

``--size`` fits 20,000 sequences, and prints seconds and memory.
"""

import resource
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.latent.data import MATRICES, Planted, planted
from benchmarks.latent.data import matrix as pwm
from benchmarks.latent.ways import AS_MANY, WAYS, as_many, means
from benchmarks.shared.lines import RESULTS, run_missing
from benchmarks.shared.provenance import machine, versions
from selfpaced.latent import LatentSVM, NotConverged, Search
from selfpaced.latent._svm.estimator import PATIENT
from selfpaced.latent.problems import Motif

N, TEST, C, SEEDS, STUCK = 800, 2000, 150.0, (0, 1, 2, 3), 0.45


SKIPS = (0, 2)


@dataclass(frozen=True)
class Row:
    """One run.

    Args:
        matrix: Of JASPAR.
        seed: Of data and start.
        skip: Of ``Motif``.
        way: How it was trained.
        objective: |w|^2 / 2 + (C / n) sum xi, on the training sequences.
        train: Share of training sequences that are classified wrongly.
        test: Of test sequences.
        solves: Inner solves.
        seconds: Of processor time.
        versions: Of the packages.
        machine: Where it ran.
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
    """Train and test once."""
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
    """Return a latent SVM, fitted."""
    problem = Motif(length=len(pwm(matrix)), order=3, skip=skip)
    svm = LatentSVM(problem, C=C, search=search, random_state=seed)
    return svm.fit(train.letters, train.y)


def table(rows: list[Row]) -> Iterator[str]:
    """Return means over seeds, and how many runs are stuck."""
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
    """Fit many sequences, self-paced as in the paper and as by default."""
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


def main() -> None:
    """Run what is missing, or print."""
    warnings.simplefilter("ignore", NotConverged)  # of CCCP, which is told when to stop
    if "--size" in sys.argv:
        print("\n".join(size()))
        return
    planned = [
        (matrix, seed, skip, way)
        for skip in SKIPS
        for matrix in MATRICES
        for seed in SEEDS
        for way in (*WAYS, AS_MANY)
    ]
    run_missing(RESULTS / "latent_motifs.jsonl", Row, planned, run, table)


if __name__ == "__main__":
    main()
