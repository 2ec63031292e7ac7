"""Suspects of ``audit`` on MNIST and Fashion-MNIST: ``python -m benchmarks.labels.suspects``.

Data, networks, noises and seeds are those of ``first_run``. A run is one audit and appends one line
to ``results/suspects.jsonl``; finished runs are skipped. The model judges the labels that it learns
(``folds=0``); ``held_out`` has the default. ``--table`` compares the lines with those
of ``rival``.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from torch.utils.data import TensorDataset

from benchmarks.labels import rival
from benchmarks.labels.rival import Rival
from benchmarks.shared import data
from benchmarks.shared.images import (
    BATCH,
    LEARNING_RATE,
    SETTINGS,
    WRONG_SHARE,
    corrupted,
    network,
)
from benchmarks.shared.result_lines import RESULTS, interval, read, run_or_print
from selfpaced.audit import Audit, audit
from selfpaced.chain import Floats

FILE = RESULTS / "suspects.jsonl"
BINS = 15  # Bins of the expected calibration error.


@dataclass(frozen=True)
class Row:
    """One audit of a data set, noise and seed.

    Args:
        ap: Average precision of the suspects; None on clean data.
        over_half: Share of all samples whose probability of a wrong label is above .5.
        ece: Expected calibration error of these probabilities, 15 bins.
        wrong: True number of wrong labels.
        estimate: The number that the audit estimates, between ``low`` and ``high``.
        suggested: Share of the wrong labels for which the suggested class is the true class.
        seconds: Time of the training.
    """

    setting: str
    noise: str
    seed: int
    ap: float | None
    over_half: float
    ece: float
    wrong: int
    estimate: float
    low: float
    high: float
    suggested: float | None
    seconds: float


def ours(setting: str, train: data.Split, seed: int) -> tuple[Audit, float]:
    """Audit the labels; return the audit and its seconds."""
    torch.manual_seed(seed)
    model, start = network(setting), time.perf_counter()
    found = audit(
        TensorDataset(train.images, train.labels),
        model,
        train.labels,
        folds=0,
        epochs=SETTINGS[setting].epochs,
        batch_size=BATCH,
        learning_rate=LEARNING_RATE,
        seed=seed,
    )
    return found, time.perf_counter() - start


def calibration_error(probability: Floats, wrong: NDArray[np.bool]) -> float:
    """Return the expected calibration error: the mean gap between probability and frequency."""
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    gaps = [
        (bins == b).mean() * abs(probability[bins == b].mean() - wrong[bins == b].mean())
        for b in np.unique(bins)
    ]
    return float(sum(gaps))


def execute(setting: str, noise: str, seed: int) -> Row:
    """Audit the labels and return the result line."""
    train, wrong = corrupted(setting, noise, seed)
    found, seconds = ours(setting, train, seed)
    table = found.table.sort_index()
    ap = suggested = None
    if wrong.any():
        source, n_train = SETTINGS[setting].source, SETTINGS[setting].n_train
        truth = data.read(source, "train", n_train).labels.numpy()
        ap = float(average_precision_score(wrong, table["loss"]))
        suggested = float((table["suggested"] == truth)[wrong].mean())
    probability = table["probability"].to_numpy().astype(float)
    return Row(
        setting=setting,
        noise=noise,
        seed=seed,
        ap=ap,
        over_half=float((probability > 0.5).mean()),
        ece=calibration_error(probability, wrong),
        wrong=int(wrong.sum()),
        estimate=found.count.estimate,
        low=found.count.low,
        high=found.count.high,
        suggested=suggested,
        seconds=seconds,
    )


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table, a row per setting and noise; cleanlab from `rival`."""
    yield (
        "| data | noise | AP ours / cleanlab | difference, 95 % | over .5 | ECE | wrong: true / "
        "said (interval) | in it | class right |"
    )
    yield "|---" * 9 + "|"
    theirs = {(row.setting, row.noise, row.seed): row for row in read(rival.FILE, Rival)}
    for setting, noise in dict.fromkeys((row.setting, row.noise) for row in rows):
        seeds = [row for row in rows if (row.setting, row.noise) == (setting, noise)]
        pairs = [(row, theirs.get((row.setting, row.noise, row.seed))) for row in seeds]
        yield _line(seeds, [(row, other) for row, other in pairs if other is not None])


def _line(rows: list[Row], pairs: list[tuple[Row, Rival]]) -> str:
    """Return means over the seeds; the true and estimated counts are those of the first seed."""
    one, mean = rows[0], statistics.mean
    scores = "- | -"
    if pairs:
        gaps = [(row.ap or 0.0) - other.ap for row, other in pairs]
        ap, best = mean(row.ap or 0.0 for row, _ in pairs), mean(other.ap for _, other in pairs)
        scores = f"{ap:.3f} / {best:.3f} | {interval(gaps)}"
    inside = sum(row.low <= row.wrong <= row.high for row in rows)
    named = "-" if one.suggested is None else f"{mean(row.suggested or 0.0 for row in rows):.2f}"
    return (
        f"| {one.setting} | {one.noise} | {scores} | {mean(r.over_half for r in rows):.3f} | "
        f"{mean(r.ece for r in rows):.3f} | {one.wrong} / {one.estimate:.0f} ({one.low:.0f} to "
        f"{one.high:.0f}) | {inside} of {len(rows)} | {named} |"
    )


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table."""
    options = rival.parse(__doc__, FILE, list(WRONG_SHARE), arguments)
    planned = product(options.setting, options.noise, options.seeds)
    run_or_print(options, Row, planned, execute, table)


if __name__ == "__main__":
    main(sys.argv[1:])
