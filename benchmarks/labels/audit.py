"""``selfpaced audit`` on CSV files: ``python -m benchmarks.labels.audit`` (``--group bench``).

- breast_cancer, wine and digits of scikit-learn with 20 % of the labels made wrong at random, seeds
  0 to 9: precision among the first k suspects, k the number of wrong labels.
- VADER's movie snippets as a CSV with one column of text (``natural`` says what is wrong there),
  seeds 0 to 4: average precision.

Ours is the command, with nothing but file, label and seed. cleanlab 2.9 ranks by the held-out
probabilities of 5 folds of scikit-learn's logistic regression and MLP, on the numbers themselves,
standardised, or for texts on those that the command made of them. The better of the two, by its
mean over the seeds, is compared. Every run appends one line to ``results/audit.jsonl``; runs that
are there are skipped. ``--table`` prints the table of the lines.
"""

import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.labels.suspects import interval
from benchmarks.shared import texts
from benchmarks.shared.lines import RESULTS, run_missing
from selfpaced._demo.noise import symmetric
from selfpaced._files import read_parquet
from selfpaced.audit import Options, load, read

FILE, HEADS = RESULTS / "audit.jsonl", ("wrong", "found")
TABLES = {
    "breast_cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "digits": datasets.load_digits,
}
SHARE, SEEDS, TEXT_SEEDS, FOLDS = 0.2, range(10), range(5), 5
RIVALS = {
    "logistic": lambda seed: LogisticRegression(max_iter=2_000, random_state=seed),
    "mlp": lambda seed: MLPClassifier(max_iter=500, random_state=seed),
}


@dataclass(frozen=True)
class Row:
    """One file and seed.

    Args:
        wrong: Number of wrong labels, and ``found`` that of the suspects.
        precision: Share of wrong labels among the first ``wrong``, by way.
        ap: Average precision, by way.
    """

    name: str
    seed: int
    wrong: int
    found: int
    precision: dict[str, float]
    ap: dict[str, float]


def execute(name: str, seed: int) -> Row:
    """Write the file, audit it, and let cleanlab rank its rows."""
    table, wrong = movies(seed) if name == "movies" else planted(name, seed)
    with TemporaryDirectory() as folder:
        path, run = Path(folder, f"{name}.csv"), Path(folder, "run")
        table.to_csv(path, index=False)
        command = f"-m selfpaced audit {path} --label label -o {run} --seed {seed} --quiet"
        subprocess.run([sys.executable, *command.split()], check=True)
        ledger = read_parquet(run / "ledger.parquet")
        found = len(pd.read_csv(run / "suspects.csv"))
        rows = load(run).features.transform(read(path, Options(label="label")))
    at = ledger["row"].to_numpy() - 1  # what stands there twice is read once
    wrong, given = wrong[at], table["label"].to_numpy()[at]
    x = rows if name == "movies" else table.drop(columns="label").to_numpy()[at]
    scores = {"ours": ledger["loss"].to_numpy()}
    scores |= {rival: cleanlab(rival, x, given, seed) for rival in RIVALS}
    k = int(wrong.sum())
    first = {way: np.argsort(-score, kind="stable")[:k] for way, score in scores.items()}
    return Row(
        *(name, seed, k, found),
        precision={way: float(wrong[order].mean()) for way, order in first.items()},
        ap={way: float(average_precision_score(wrong, score)) for way, score in scores.items()},
    )


def planted(name: str, seed: int) -> tuple[pd.DataFrame, NDArray[np.bool]]:
    """Return a table with wrong labels, and where they are."""
    bunch = TABLES[name]()
    given = symmetric(bunch.target, SHARE, len(bunch.target_names), seed=seed)
    table = pd.DataFrame(bunch.data, columns=bunch.feature_names)
    return table.assign(label=np.asarray(bunch.target_names)[given]), given != bunch.target


def movies(seed: int) -> tuple[pd.DataFrame, NDArray[np.bool]]:
    """Return snippets with the label of one rater, and where most others disagree."""
    rated = texts.read("movies", seed)
    names = np.array(["negative", "neutral", "positive"])
    table = pd.DataFrame({"review": rated.text, "label": names[rated.one]})
    return table, rated.one != rated.most


def cleanlab(rival: str, x: NDArray[Any], labels: NDArray[Any], seed: int) -> NDArray[np.float64]:
    """Return how suspect each label is to cleanlab."""
    from cleanlab.rank import get_label_quality_scores

    codes = np.unique(labels, return_inverse=True)[1]
    model = make_pipeline(StandardScaler(), RIVALS[rival](seed))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    with catch_warnings():
        simplefilter("ignore")  # an MLP that ends before it has converged
        held_out = cross_val_predict(model, x, codes, cv=folds, method="predict_proba")
    return np.asarray(-get_label_quality_scores(codes, held_out))


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table, a row per file, means of the seeds."""
    yield (
        "| file | seeds | wrong / found | precision ours / logistic / mlp | ours - better, 95 % | "
        "AP ours / logistic / mlp | ours - better, 95 % |"
    )
    yield "|---" * 7 + "|"
    for name in dict.fromkeys(row.name for row in rows):
        seeds = [row for row in rows if row.name == name]
        wrong, found = (statistics.mean(getattr(r, field) for r in seeds) for field in HEADS)
        cells = chain.from_iterable(_compared(seeds, field) for field in ("precision", "ap"))
        yield f"| {name} | {len(seeds)} | {wrong:.0f} / {found:.0f} | {' | '.join(cells)} |"


def _compared(rows: list[Row], field: str) -> tuple[str, str]:
    """Return the means of all ways, and the paired difference from the better rival."""
    ways = {way: [getattr(row, field)[way] for row in rows] for way in ("ours", *RIVALS)}
    means = {way: statistics.mean(values) for way, values in ways.items()}
    better = ways[max(RIVALS, key=lambda rival: means[rival])]
    gaps = [ours - theirs for ours, theirs in zip(ways["ours"], better, strict=True)]
    return " / ".join(f"{mean:.3f}" for mean in means.values()), interval(gaps)


if __name__ == "__main__":
    planned = [*product(TABLES, SEEDS), *product(["movies"], TEXT_SEEDS)]
    run_missing(FILE, Row, planned, execute, table)
