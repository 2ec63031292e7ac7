"""Suspects against cleanlab's: ``python -m benchmarks.suspects`` (needs ``--group bench``).

The data, networks, noises and seeds of ``first_run``. Ours is one training by ``audit``; cleanlab
2.9 scores the held-out probabilities of 5 folds of the same network, after whichever number of
epochs and by whichever of its two scores ranks best, chosen with the truth in its favour.

Every run appends one line to ``results/suspects.jsonl``; runs that are there are skipped.
``--table`` prints the table of the lines.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from benchmarks import data
from benchmarks.first_run import BATCH, LEARNING_RATE, SETTINGS, WRONG_SHARE, corrupt, network
from selfpaced.audit import Audit, audit

Floats = NDArray[np.float64]

RESULTS = Path(__file__).parent / "results" / "suspects.jsonl"
FOLDS, BINS = 5, 15
CHOSEN_FROM = (1, 2, 3, 5, 8, 10, 15, 20, 30)  # epochs of cleanlab's classifier


@dataclass(frozen=True)
class Row:
    """Both ways on one data set, noise and seed.

    Args:
        ap: Average precision of ours; None on clean data, as is cleanlab's.
        ap_cleanlab: Of cleanlab's better score after its best number of epochs.
        epochs_cleanlab: That number.
        over_half: Share of all samples with a probability over .5.
        ece: Expected calibration error of the probabilities, 15 bins.
        wrong: Number of wrong labels, and ``estimate``, ``low``, ``high`` of ours.
        suggested: Of the wrong labels, the share whose suggested class is the true one.
        seconds: Of ours, and ``seconds_cleanlab`` of 5 folds of as many epochs.
    """

    setting: str
    noise: str
    seed: int
    ap: float | None
    ap_cleanlab: float | None
    epochs_cleanlab: int | None
    over_half: float
    ece: float
    wrong: int
    estimate: float
    low: float
    high: float
    suggested: float | None
    seconds: float
    seconds_cleanlab: float


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


def held_out(setting: str, train: data.Split, seed: int) -> dict[int, Floats]:
    """Return the probabilities of held-out samples, shape (n, classes), by number of epochs."""
    epochs = SETTINGS[setting].epochs
    kept = {number: np.zeros((len(train.labels), 10)) for number in CHOSEN_FROM if number <= epochs}
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for fold, (inside, outside) in enumerate(folds.split(train.images, train.labels)):
        torch.manual_seed(seed * FOLDS + fold)
        model = network(setting)
        optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
        for epoch in range(1, epochs + 1):
            for batch in torch.from_numpy(inside)[torch.randperm(len(inside))].split(BATCH):
                optimizer.zero_grad()
                F.cross_entropy(model(train.images[batch]), train.labels[batch]).backward()
                optimizer.step()
            if epoch in kept:
                with torch.no_grad():
                    logits = torch.cat([model(x) for x in train.images[outside].split(1000)])
                kept[epoch][outside] = F.softmax(logits, 1).double().numpy()
    return kept


def of_cleanlab(
    probabilities: dict[int, Floats], labels: NDArray[np.int64], wrong: NDArray[np.bool]
) -> tuple[float, int]:
    """Return the best average precision of cleanlab's scores, and after how many epochs."""
    from cleanlab.rank import get_label_quality_scores

    every = [
        (float(average_precision_score(wrong, -get_label_quality_scores(labels, p, method=by))), k)
        for k, p in probabilities.items()
        for by in ("self_confidence", "normalized_margin")
    ]
    return max(every)


def calibration_error(probability: Floats, wrong: NDArray[np.bool]) -> float:
    """Return the expected calibration error: the mean gap between what is said and what is so."""
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    gaps = [
        (bins == b).mean() * abs(probability[bins == b].mean() - wrong[bins == b].mean())
        for b in np.unique(bins)
    ]
    return float(sum(gaps))


def execute(setting: str, noise: str, seed: int) -> Row:
    """Run both ways and return the line."""
    clean = data.read(SETTINGS[setting].source, "train", SETTINGS[setting].n_train)
    train = data.Split(clean.images, corrupt(clean.labels, noise, seed))
    wrong = (train.labels != clean.labels).numpy()
    found, seconds = ours(setting, train, seed)
    table = found.table.sort_index()
    ap = best = epochs = suggested = None
    seconds_cleanlab = 0.0
    if wrong.any():
        ap = float(average_precision_score(wrong, table["loss"]))
        start = time.perf_counter()
        probabilities = held_out(setting, train, seed)
        seconds_cleanlab = time.perf_counter() - start
        best, epochs = of_cleanlab(probabilities, train.labels.numpy(), wrong)
        suggested = float((table["suggested"] == clean.labels.numpy())[wrong].mean())
    probability = table["probability"].to_numpy().astype(float)
    return Row(
        *(setting, noise, seed, ap, best, epochs, float((probability > 0.5).mean())),
        *(calibration_error(probability, wrong), int(wrong.sum())),
        *found.count,
        suggested=suggested,
        seconds=seconds,
        seconds_cleanlab=seconds_cleanlab,
    )


def read(path: Path) -> list[Row]:
    """Read the lines; an absent file has none."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [Row(**json.loads(line)) for line in lines]


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table, a row per setting and noise."""
    yield (
        "| data | noise | AP ours / cleanlab | difference, 95 % | over .5 | ECE | wrong: true / "
        "said (interval) | in it | class right | seconds ours / 5 folds |"
    )
    yield "|---" * 10 + "|"
    for setting, noise in dict.fromkeys((row.setting, row.noise) for row in rows):
        yield _line([row for row in rows if (row.setting, row.noise) == (setting, noise)])


def _line(rows: list[Row]) -> str:
    """Return the means of the seeds; true and said counts are those of the first."""
    one, mean = rows[0], statistics.mean
    scores = "- | -"
    if one.ap is not None:
        ap, best = (mean(getattr(row, name) for row in rows) for name in ("ap", "ap_cleanlab"))
        scores = f"{ap:.3f} / {best:.3f} | {_difference(rows)}"
    inside = sum(row.low <= row.wrong <= row.high for row in rows)
    named = "-" if one.suggested is None else f"{mean(row.suggested or 0.0 for row in rows):.2f}"
    return (
        f"| {one.setting} | {one.noise} | {scores} | {mean(r.over_half for r in rows):.3f} | "
        f"{mean(r.ece for r in rows):.3f} | {one.wrong} / {one.estimate:.0f} ({one.low:.0f} to "
        f"{one.high:.0f}) | {inside} of {len(rows)} | {named} | "
        f"{mean(r.seconds for r in rows):.0f} / {mean(r.seconds_cleanlab for r in rows):.0f} |"
    )


def _difference(rows: list[Row]) -> str:
    """Return the mean of the paired differences, with an interval of 95 % over the seeds."""
    gaps = [(row.ap or 0.0) - (row.ap_cleanlab or 0.0) for row in rows]
    if len(gaps) < 2:
        return f"{gaps[0]:+.3f}"
    half = float(student.ppf(0.975, len(gaps) - 1)) * statistics.stdev(gaps) / len(gaps) ** 0.5
    return f"{statistics.mean(gaps):+.3f} ± {half:.3f}"


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--setting", choices=SETTINGS, nargs="+", default=list(SETTINGS))
    parser.add_argument("--noise", choices=WRONG_SHARE, nargs="+", default=list(WRONG_SHARE))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--results", type=Path, default=RESULTS, help="the JSONL file")
    parser.add_argument("--table", action="store_true", help="print the table, run nothing")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.table:
        print("\n".join(table(read(options.results))))
        return
    for setting in options.setting:
        for noise in options.noise:
            for seed in options.seeds:
                done = {(row.setting, row.noise, row.seed) for row in read(options.results)}
                if (setting, noise, seed) not in done:
                    row = execute(setting, noise, seed)
                    with options.results.open("a") as file:
                        file.write(json.dumps(asdict(row)) + "\n")
                    print(row, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
