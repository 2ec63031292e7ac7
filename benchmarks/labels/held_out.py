"""``selfpaced audit`` on files of many kinds: ``python -m benchmarks.labels.held_out``.

Needs ``--group bench``. The sources are tables of KEEL and scikit-learn, texts of VADER, and images
of MNIST and Fashion-MNIST. The noise is planted: symmetric (10 or 20 %), to the next class (20 %),
to the runner-up where a random forest's margin is smallest (15 %), or none; ``raters`` are the
labels that one rater gave to a text, wrong where most other raters disagree.

Ours is the command with a file and the name of the label column, on one thread. cleanlab 2.9 judges
by the held-out probabilities of 5 folds of logistic regression, HistGradientBoosting and an MLP, on
the features that the command computed (for texts: logistic regression on TF-IDF). ``before`` is the
command with ``--folds 0``, a network that judges the labels it learns. Each run appends one line to
``results/held_out.jsonl``; finished runs are skipped.
"""

import json
import math
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from sklearn import datasets
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from benchmarks.shared import data, keel, texts
from benchmarks.shared.result_lines import RESULTS, parser, run_or_print
from selfpaced._demo import noise as planted
from selfpaced._files import read_parquet
from selfpaced.audit import Options, load, read
from selfpaced.chain import Floats

FILE = RESULTS / "held_out.jsonl"
FOLDS = 5  # Folds of the random forest that finds the smallest margins.
MOST = 5_000  # Rows of a table; larger ones are drawn from.
LARGE = 4_000  # CPU seconds are compared for tables of more rows.
KEEL = (
    *("banana", "phoneme", "spambase", "segment", "pima", "german", "mammographic", "led7digit"),
    *("vehicle", "vowel", "heart", "texture", "penbased", "titanic", "car-good", "flare-F"),
)
SKLEARN = {
    "breast_cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "digits": datasets.load_digits,
}
SMALL = (200, 400, 800)  # Rows of the small texts and images.
BINS = 10  # Bins of the expected calibration error.
Samples = pd.DataFrame | list[str] | NDArray[Any]  # A table, texts or images.


@dataclass(frozen=True)
class Row:
    """One file, noise and seed.

    Args:
        n: Number of samples.
        wrong: Number of wrong labels.
        accuracy: Held-out accuracy that the command reports.
        told_apart: Whether it says that wrong labels can be told from overlap.
        listed: Number of suspects.
        precision: Share of them that is wrong; None for none.
        low: Lower end of the range of the number of wrong labels.
        estimate: Estimated number of wrong labels.
        high: Upper end of the range.
        error: Expected calibration error of the probabilities.
        before: Lower and upper end of the range of a network without folds.
        ap: Average precision by way; NaN is None.
        cleanlab: Number of labels that cleanlab lists, and their precision, by way.
        seconds: CPU seconds of the command, and of a program that runs all rivals.
    """

    name: str
    noise: str
    seed: int
    n: int
    wrong: int
    accuracy: float
    told_apart: bool
    listed: int
    precision: float | None
    low: float
    estimate: float
    high: float
    error: float
    before: tuple[float, float]
    ap: dict[str, float | None]
    cleanlab: dict[str, tuple[int, float | None]]
    seconds: tuple[float, float]


def execute(name: str, noise: str, seed: int) -> Row:
    """Write the file, audit it, judge its labels with cleanlab, and return the result line."""
    x, truth, given = sample(name, noise, seed)
    with TemporaryDirectory() as folder:
        path, label = written(x, given, Path(folder))
        began = _children()
        told = audit(path, label, Path(folder, "run"), seed)
        seconds = _children() - began
        before = audit(path, label, Path(folder, "before"), seed, "--folds", "0")["wrong"]
        ledger = read_parquet(Path(folder, "run", "ledger.parquet"))
        options = Options(label=label)
        features = load(Path(folder, "run")).features.transform(read(path, options))
    at = _places(ledger)  # rows that occur twice are read once
    truth, given = truth[at], given[at]
    rows = [x[place] for place in at] if isinstance(x, list) else features.reshape(len(at), -1)
    began = _children()
    judged = rivals(rows, given, seed)
    theirs = _children() - began
    wrong, p = given != truth, ledger["probability"].to_numpy()
    listed = np.isin(at, told["listed"])
    reliability, count = told["reliability"], told["wrong"]
    return Row(
        name=name,
        noise=noise,
        seed=seed,
        n=len(at),
        wrong=int(wrong.sum()),
        accuracy=reliability["accuracy"],
        told_apart=reliability["told_apart"],
        listed=int(listed.sum()),
        precision=_precision(wrong, listed),
        low=count["low"],
        estimate=count["estimate"],
        high=count["high"],
        error=calibration(p, wrong),
        before=(before["low"], before["high"]),
        ap={"ours": _ap(wrong, ledger["loss"].to_numpy())}
        | {way: _ap(wrong, 1 - own) for way, (own, _) in judged.items()},
        cleanlab={
            way: (int(inside.sum()), _precision(wrong, inside))
            for way, (_, inside) in judged.items()
        },
        seconds=(seconds, theirs),
    )


def sample(name: str, noise: str, seed: int) -> tuple[Samples, NDArray[Any], NDArray[Any]]:
    """Return samples (a frame, texts or images), the true and the given labels."""
    kind, _, rows = name.partition(":")
    if kind in texts.FILES:
        rated = texts.read(kind, seed)
        some = np.random.default_rng(seed).permutation(len(rated.text))
        if noise != "raters":  # texts that most raters call positive or negative
            some = some[rated.most[some] != 1]
        some = some[: int(rows)] if rows else some[:MOST]
        picked = [rated.text[place] for place in some]
        if noise == "raters":
            return picked, rated.most[some], rated.one[some]
        truth = np.unique(rated.most[some], return_inverse=True)[1]
        return picked, truth, flipped(truth, None, noise, seed)
    if kind in ("mnist", "fashion"):
        source = {"mnist": data.MNIST, "fashion": data.FASHION}[kind]
        whole = data.read(source, "train", 20_000)
        some = np.random.default_rng(seed).permutation(20_000)[: int(rows)]
        images = (whole.images.numpy()[some] * 255).round().astype(np.uint8).reshape(-1, 28, 28)
        truth = whole.labels.numpy()[some]
        return images, truth, flipped(truth, images.reshape(len(some), -1), noise, seed)
    table = _table(kind)
    if len(table) > MOST:
        table = table.sample(MOST, random_state=seed).reset_index(drop=True)
    truth = table.pop("label").to_numpy()
    codes = np.unique(truth, return_inverse=True)[1]
    numbers = pd.get_dummies(table).fillna(-1.0).to_numpy(np.float32)
    return table, codes, flipped(codes, numbers, noise, seed)


def _table(name: str) -> pd.DataFrame:
    """Return a table of KEEL or of scikit-learn with a column ``label``."""
    if name not in SKLEARN:
        return keel.read(name)
    bunch = SKLEARN[name]()
    columns = [f"x{place}" for place in range(bunch.data.shape[1])]
    return pd.DataFrame(bunch.data, columns=columns).assign(label=bunch.target)


def flipped(truth: NDArray[Any], x: NDArray[Any] | None, noise: str, seed: int) -> NDArray[Any]:
    """Return labels of which some are wrong."""
    classes = int(truth.max()) + 1
    if noise == "none":
        return truth
    share = int(noise[-2:]) / 100
    if noise.startswith("near"):
        return _runner_up(truth, x, share, seed)
    make = planted.pair if noise.startswith("pair") else planted.symmetric
    return np.asarray(make(truth, share, classes, seed=seed))


def _runner_up(
    truth: NDArray[Any], x: NDArray[Any] | None, share: float, seed: int
) -> NDArray[Any]:
    """Give the samples with the smallest margins of a random forest the runner-up's label."""
    forest = RandomForestClassifier(200, min_samples_leaf=3, random_state=seed)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    p = cross_val_predict(forest, x, truth, cv=folds, method="predict_proba")
    own = _own(p, truth)
    p[np.arange(len(truth)), truth] = -1
    least = np.argsort(own - p.max(1), kind="stable")[: round(share * len(truth))]
    given = truth.copy()
    given[least] = p.argmax(1)[least]
    return given


def written(x: Samples, given: NDArray[Any], folder: Path) -> tuple[Path, str | None]:
    """Write samples as a file or a folder; return its path and the name of the label column."""
    names = np.array([f"class {code}" for code in range(int(given.max()) + 1)])[given]
    if isinstance(x, np.ndarray):
        for place, (image, label) in enumerate(zip(x, names, strict=True)):
            home = folder / "images" / label
            home.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(home / f"{place:05}.png")
        return folder / "images", None
    table = pd.DataFrame({"text": x}) if isinstance(x, list) else x
    table.assign(label=names).to_csv(folder / "data.csv", index=False)
    return folder / "data.csv", "label"


def audit(path: Path, label: str | None, run: Path, seed: int, *more: str) -> dict[str, Any]:
    """Run the command on one thread; return its JSON, with the places of the listed samples."""
    words = [sys.executable, "-m", "selfpaced", "audit", str(path), "-o", str(run), "--json"]
    words += ["--seed", str(seed), *more, *(["--label", label] if label else [])]
    alone = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=alone)
    told: dict[str, Any] = json.loads(done.stdout)
    suspects = pd.read_csv(run / "suspects.csv")
    return told | {"listed": _places(suspects[suspects["fix"] == "yes"]).tolist()}


def rivals(
    rows: list[str] | NDArray[Any], given: NDArray[Any], seed: int
) -> dict[str, tuple[Floats, NDArray[np.bool]]]:
    """Run cleanlab as a program on one thread.

    Returns:
        By way, the held-out probability of each label, and whether cleanlab lists it.
    """
    with TemporaryDirectory() as folder:
        samples, found = Path(folder, "samples"), Path(folder, "found")
        joblib.dump((rows, np.unique(given, return_inverse=True)[1], seed), samples)
        words = [sys.executable, "-m", "benchmarks.labels.rivals", str(samples), str(found)]
        subprocess.run(words, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
        judged: dict[str, tuple[Floats, NDArray[np.bool]]] = joblib.load(found)
    return judged


def _places(table: pd.DataFrame) -> NDArray[np.int64]:
    """Return the positions of samples in the data, from 0."""
    if "file" in table:
        return table["file"].map(lambda name: int(Path(name).stem)).to_numpy(np.int64)
    return table["row"].to_numpy(np.int64) - 1


def calibration(p: Floats, wrong: NDArray[np.bool]) -> float:
    """Return the expected calibration error, with bins of equal width."""
    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    inside = [bins == number for number in range(BINS) if (bins == number).any()]
    return float(sum(abs(p[rows].mean() - wrong[rows].mean()) * rows.mean() for rows in inside))


def _own(p: Floats, labels: NDArray[Any]) -> Floats:
    """Return the probability of each label."""
    return np.asarray(p[np.arange(len(labels)), np.unique(labels, return_inverse=True)[1]])


def _ap(wrong: NDArray[np.bool], score: Floats) -> float | None:
    """Return the average precision; None without wrong labels."""
    return float(average_precision_score(wrong, score)) if wrong.any() else None


def _precision(wrong: NDArray[np.bool], listed: NDArray[np.bool]) -> float | None:
    """Return the share of wrong labels among the listed ones; None for none."""
    return float(wrong[listed].mean()) if listed.any() else None


def _children() -> float:
    """Return the CPU seconds of all finished child processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(rows: list[Row]) -> Iterator[str]:
    """Yield tables by source and noise (means of the seeds) and by kind, and the totals."""
    yield (
        "| data | noise | seeds | wrong | AP ours / best of cleanlab | listed, precision | "
        "cleanlab lists, precision | range (median) | in range | calibration error | CPU ratio |"
    )
    yield "|---" * 11 + "|"
    kinds = list(dict.fromkeys((row.name, row.noise) for row in rows))
    groups = [[row for row in rows if (row.name, row.noise) == kind] for kind in kinds]
    for group in groups:
        yield _line(group)
    yield ""
    yield from _by_kind(groups)
    yield ""
    yield from _totals(groups)


def _by_kind(groups: list[list[Row]]) -> Iterator[str]:
    """Yield a Markdown table with a row per kind of samples and noise."""
    yield (
        "| samples | noise | files | runs | wrong | AP ours / best of cleanlab | "
        "listed, precision | cleanlab lists, precision | in range |"
    )
    yield "|---" * 9 + "|"
    kinds = [(_kind(group[0]), group[0].noise) for group in groups]
    for kind, noise in sorted(set(kinds)):
        files = [g for g, own in zip(groups, kinds, strict=True) if own == (kind, noise)]
        ways, some = [_best(group) for group in files], [row for group in files for row in group]
        ours = statistics.mean(_mean(group, "ours") for group in files)
        best = statistics.mean(_mean(*each) for each in zip(files, ways, strict=True))
        theirs = [r.cleanlab[way] for g, way in zip(files, ways, strict=True) for r in g]
        cells = (
            *(kind, noise, f"{len(files)}", f"{len(some)}"),
            f"{sum(row.wrong for row in some):,} of {sum(row.n for row in some):,}",
            f"{ours:.3f} / {best:.3f}" if some[0].wrong else "",
            _pooled([(row.listed, row.precision) for row in some]),
            _pooled(theirs),
            f"{sum(map(_inside, some))} of {len(some)}",
        )
        yield f"| {' | '.join(cells)} |"


def _pooled(found: list[tuple[int, float | None]]) -> str:
    """Return the number of listed labels of all runs, and the precision of all of them."""
    n = sum(listed for listed, _ in found)
    right = sum(listed * (precision or 0.0) for listed, precision in found)
    return f"{n:,}, {right / n:.2f}" if n else "0"


def _kind(row: Row) -> str:
    """Return "tables", "texts" or "images"."""
    name = row.name.partition(":")[0]
    return "texts" if name in texts.FILES else "tables" if _is_table(row) else "images"


def _line(group: list[Row]) -> str:
    """Return the line of one source and noise."""
    first, way = group[0], _best(group)
    ap = f"{_mean(group, 'ours'):.3f} / {_mean(group, way):.3f}" if first.ap["ours"] else ""
    theirs = [row.cleanlab[way] for row in group]
    low, high = (statistics.median(getattr(row, end) for row in group) for end in ("low", "high"))
    cells = (
        *(first.name, first.noise, f"{len(group)}"),
        f"{statistics.mean(row.wrong for row in group):.0f} of {first.n}",
        ap,
        _listed([(row.listed, row.precision) for row in group]),
        _listed(theirs),
        f"{low:.0f} to {high:.0f}",
        f"{sum(_inside(row) for row in group)} of {len(group)}",
        f"{statistics.mean(row.error for row in group):.3f}",
        f"{_ratio(group):.2f}",
    )
    return f"| {' | '.join(cells)} |"


def _totals(groups: list[list[Row]]) -> Iterator[str]:
    """Yield the numbers over all sources and noises."""
    noisy = [group for group in groups if group[0].ap["ours"] is not None]
    gaps = [_mean(group, "ours") - _mean(group, _best(group)) for group in noisy]
    every = [row for group in groups for row in group]
    yield f"- rows: {len(groups)}, of which {len(noisy)} with wrong labels"
    mean, least = statistics.mean(gaps), min(gaps)
    yield f"- AP less the best of cleanlab's: mean {mean:+.3f}, least {least:+.3f}"
    yield f"- rows below it by more than .01: {sum(gap < -0.01 for gap in gaps)}"
    yield f"- truth in the range: {statistics.mean(map(_inside, every)):.0%}"
    yield f"- truth in the range of before: {statistics.mean(map(_inside_before, every)):.0%}"
    yield f"- width of the range over that of before, median: {_width(groups):.2f}"
    right = [group for group in groups if all(map(_inside_before, group))]
    yield f"- the same where the range of before has the truth: {_width(right):.2f}"
    small = [statistics.mean(row.error for row in group) <= 0.05 for group in groups]
    yield f"- calibration error at most .05: {statistics.mean(small):.0%}"
    clean = [row for row in every if not row.wrong and row.accuracy > 0.9]
    if clean:
        most = max(row.listed / row.n for row in clean)
        yield f"- nothing wrong, accuracy above 90 %: at most {most:.1%} listed"
    ratios = [_ratio(group) for group in groups if group[0].n > LARGE and _is_table(group[0])]
    if ratios:
        ratio = statistics.median(ratios)
        yield f"- tables of more than {LARGE:,} rows, CPU seconds over cleanlab's: {ratio:.2f}"


def _is_table(row: Row) -> bool:
    """Return whether the samples are rows of a table."""
    return row.name in (*KEEL, *SKLEARN)


def _best(group: list[Row]) -> str:
    """Return the best rival by its mean average precision; without wrong labels the first."""
    rivals = [way for way in group[0].ap if way != "ours"]
    return max(rivals, key=lambda way: _mean(group, way)) if group[0].ap["ours"] else rivals[0]


def _mean(group: list[Row], way: str) -> float:
    """Return the mean average precision of a way."""
    return statistics.mean(row.ap[way] or 0.0 for row in group)


def _listed(found: list[tuple[int, float | None]]) -> str:
    """Return the mean number of listed labels, and their mean precision."""
    precise = [precision for _, precision in found if precision is not None]
    shown = f", {statistics.mean(precise):.2f}" if precise else ""
    return f"{statistics.mean(n for n, _ in found):.0f}{shown}"


def _inside(row: Row) -> bool:
    """Return whether the range has the true number."""
    return row.low <= row.wrong <= row.high


def _inside_before(row: Row) -> bool:
    """Return whether the range of a network without folds has the true number."""
    low, high = row.before
    return low <= row.wrong <= high


def _width(groups: list[list[Row]]) -> float:
    """Return the median of the widths of the range over those of a network without folds."""
    widths = [
        statistics.median((row.high - row.low) / max(row.before[1] - row.before[0], 1) for row in g)
        for g in groups
    ]
    return statistics.median(widths) if widths else math.nan


def _ratio(group: list[Row]) -> float:
    """Return our CPU seconds over those of all rivals."""
    return statistics.median(row.seconds[0] / row.seconds[1] for row in group)


def planned() -> Iterator[tuple[str, str, int]]:
    """Yield the runs."""
    names = (*KEEL, *SKLEARN)
    for seed in range(3):
        for place, name in enumerate(names):
            yield name, "sym10", seed
            yield name, ("none", "sym20", "pair20", "near15")[place % 4], seed
        for name in ("movies", "tweets"):
            yield name, "raters", seed
        for name in ("movies", "tweets", "mnist", "fashion"):
            for rows in SMALL:
                yield f"{name}:{rows}", "sym10", seed
            yield f"{name}:{SMALL[0]}", "none", seed


if __name__ == "__main__":
    made = parser(__doc__, FILE)
    made.add_argument("--only", nargs="+", help="names of sources to run")
    made.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = made.parse_args(sys.argv[1:])
    plans = [
        plan
        for plan in planned()
        if plan[2] in options.seeds and (not options.only or plan[0] in options.only)
    ]
    run_or_print(options, Row, plans, execute, table)
