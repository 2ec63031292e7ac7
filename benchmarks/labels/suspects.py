"""Our suspects on MNIST and Fashion-MNIST: ``python -m benchmarks.labels.suspects``.

The data, networks, noises and seeds of ``first_run``; one training by ``audit``. Every run appends
one line to ``results/suspects.jsonl``; runs that are there are skipped.

``--table`` prints the table of the lines, with those of ``rival`` beside them.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student
from sklearn.metrics import average_precision_score
from torch.utils.data import TensorDataset

from benchmarks.labels import rival
from benchmarks.labels.first_run import BATCH, LEARNING_RATE, SETTINGS, network
from benchmarks.labels.rival import Rival
from benchmarks.shared import data
from benchmarks.shared.lines import RESULTS, Planned, corrupted, read, work
from selfpaced.audit import Audit, audit
from selfpaced.chain import Floats

FILE = RESULTS / "suspects.jsonl"
BINS = 15


@dataclass(frozen=True)
class Row:
    """One audit of a data set, noise and seed.

    Args:
        ap: Average precision; None on clean data.
        over_half: Share of all samples with a probability over .5.
        ece: Expected calibration error of the probabilities, 15 bins.
        wrong: Number of wrong labels, and ``estimate``, ``low``, ``high`` of ours.
        suggested: Of the wrong labels, the share whose suggested class is the true one.
        seconds: Of the training.
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
    """Audit the labels, and say how long it took."""
    torch.manual_seed(seed)
    model, start = network(setting), time.perf_counter()
    found = audit(
        TensorDataset(train.images, train.labels),
        model,
        train.labels,
        epochs=SETTINGS[setting].epochs,
        batch_size=BATCH,
        learning_rate=LEARNING_RATE,
        seed=seed,
    )
    return found, time.perf_counter() - start


def calibration_error(probability: Floats, wrong: NDArray[np.bool]) -> float:
    """Return the expected calibration error: the mean gap between what is said and what is so."""
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    gaps = [
        (bins == b).mean() * abs(probability[bins == b].mean() - wrong[bins == b].mean())
        for b in np.unique(bins)
    ]
    return float(sum(gaps))


def execute(run: Planned) -> Row:
    """Audit and return the line."""
    train, wrong = corrupted(run)
    found, seconds = ours(run.setting, train, run.seed)
    table = found.table.sort_index()
    ap = suggested = None
    if wrong.any():
        setting = SETTINGS[run.setting]
        truth = data.read(setting.source, "train", setting.n_train).labels.numpy()
        ap = float(average_precision_score(wrong, table["loss"]))
        suggested = float((table["suggested"] == truth)[wrong].mean())
    probability = table["probability"].to_numpy().astype(float)
    return Row(
        *(*run, ap, float((probability > 0.5).mean()), calibration_error(probability, wrong)),
        *(int(wrong.sum()), *found.count, suggested, seconds),
    )


def table(rows: list[Row], rivals: list[Rival]) -> Iterator[str]:
    """Yield the lines of a Markdown table, a row per setting and noise."""
    yield (
        "| data | noise | AP ours / cleanlab | difference, 95 % | over .5 | ECE | wrong: true / "
        "said (interval) | in it | class right |"
    )
    yield "|---" * 9 + "|"
    theirs = {(row.setting, row.noise, row.seed): row for row in rivals}
    for setting, noise in dict.fromkeys((row.setting, row.noise) for row in rows):
        seeds = [row for row in rows if (row.setting, row.noise) == (setting, noise)]
        pairs = [(row, theirs.get((row.setting, row.noise, row.seed))) for row in seeds]
        yield _line(seeds, [(row, other) for row, other in pairs if other is not None])


def _line(rows: list[Row], pairs: list[tuple[Row, Rival]]) -> str:
    """Return the means of the seeds; true and said counts are those of the first."""
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


def interval(gaps: list[float]) -> str:
    """Return the mean of paired differences, with an interval of 95 % over the seeds."""
    if len(gaps) < 2:
        return f"{gaps[0]:+.3f}"
    half = float(student.ppf(0.975, len(gaps) - 1)) * statistics.stdev(gaps) / len(gaps) ** 0.5
    return f"{statistics.mean(gaps):+.3f} ± {half:.3f}"


if __name__ == "__main__":
    if "--table" in sys.argv:
        print("\n".join(table(read(FILE, Row), read(rival.FILE, Rival))))
    else:
        work(__doc__, sys.argv[1:], FILE, Row, execute)
