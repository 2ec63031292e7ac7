"""``selfpaced audit`` on CSV files: ``python -m benchmarks.labels.audit`` (``--group bench``).

- breast_cancer, wine and digits of scikit-learn, 20 % of the labels wrong at random, seeds 0 to 9:
  precision among the first k suspects, k the number of wrong labels.
- VADER's movie snippets as a CSV with one column of text, with the label errors of ``natural``,
  seeds 0 to 4: average precision.

Ours is the command with a file, the name of the label column, a seed and ``--folds 0``: a network
judges the labels that it learns (``held_out`` has the default). cleanlab 2.9 ranks by the
held-out probabilities of 5 folds of scikit-learn's logistic regression and MLP, on standardised
features: the numbers of the table, or the text features that the command computed. The comparison
is with the better of the two, by its mean over the seeds. Each run appends one line to
``results/audit.jsonl``; finished runs are skipped.
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

from benchmarks.shared import texts
from benchmarks.shared.result_lines import RESULTS, interval, parser, run_or_print
from selfpaced._demo.noise import symmetric
from selfpaced._files import read_parquet
from selfpaced.audit import Options, load, read

FILE = RESULTS / "audit.jsonl"
TABLES = {  # The tables of scikit-learn by name.
    "breast_cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "digits": datasets.load_digits,
}
SHARE = 0.2  # Share of wrong labels in the tables.
SEEDS = range(10)  # Seeds of every table.
TEXT_SEEDS = range(5)  # Seeds of the snippets.
FOLDS = 5  # Folds of cleanlab's probabilities.
RIVALS = {  # The models of cleanlab's probabilities by name.
    "logistic": lambda seed: LogisticRegression(max_iter=2_000, random_state=seed),
    "mlp": lambda seed: MLPClassifier(max_iter=500, random_state=seed),
}


@dataclass(frozen=True)
class Row:
    """One file and seed.

    Args:
        wrong: Number of wrong labels.
        found: Number of suspects that the command lists.
        precision: Share of wrong labels among the first ``wrong`` suspects, by way.
        ap: Average precision of the suspects, by way.
    """

    name: str
    seed: int
    wrong: int
    found: int
    precision: dict[str, float]
    ap: dict[str, float]


def execute(name: str, seed: int) -> Row:
    """Write the file, audit it, rank its rows with cleanlab, and return the result line."""
    table, wrong = movies(seed) if name == "movies" else planted(name, seed)
    with TemporaryDirectory() as folder:
        path, run = Path(folder, f"{name}.csv"), Path(folder, "run")
        table.to_csv(path, index=False)
        command = f"audit {path} --label label -o {run} --seed {seed} --quiet --folds 0"
        subprocess.run([sys.executable, "-m", "selfpaced", *command.split()], check=True)
        ledger = read_parquet(run / "ledger.parquet")
        found = int((pd.read_csv(run / "suspects.csv")["fix"] == "yes").sum())
        rows = load(run).features.transform(read(path, Options(label="label")))
    at = ledger["row"].to_numpy() - 1  # rows that occur twice are read once
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
    """Return a table with wrong labels, and a mask of the wrong ones."""
    bunch = TABLES[name]()
    given = symmetric(bunch.target, SHARE, len(bunch.target_names), seed=seed)
    table = pd.DataFrame(bunch.data, columns=bunch.feature_names)
    return table.assign(label=np.asarray(bunch.target_names)[given]), given != bunch.target


def movies(seed: int) -> tuple[pd.DataFrame, NDArray[np.bool]]:
    """Return snippets labelled by one rater, and a mask of those where most others disagree."""
    rated = texts.read("movies", seed)
    names = np.array(["negative", "neutral", "positive"])
    table = pd.DataFrame({"review": rated.text, "label": names[rated.one]})
    return table, rated.one != rated.most


def cleanlab(rival: str, x: NDArray[Any], labels: NDArray[Any], seed: int) -> NDArray[np.float64]:
    """Return cleanlab's suspicion of each label, higher is more suspicious."""
    from cleanlab.rank import get_label_quality_scores

    codes = np.unique(labels, return_inverse=True)[1]
    model = make_pipeline(StandardScaler(), RIVALS[rival](seed))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    with catch_warnings():
        simplefilter("ignore")  # an MLP stops before it has converged
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
        wrong, found = (
            statistics.mean(getattr(r, name) for r in seeds) for name in ("wrong", "found")
        )
        cells = chain.from_iterable(_compared(seeds, field) for field in ("precision", "ap"))
        yield f"| {name} | {len(seeds)} | {wrong:.0f} / {found:.0f} | {' | '.join(cells)} |"


def _compared(rows: list[Row], field: str) -> tuple[str, str]:
    """Return the means of all ways, and the paired difference to the better model of cleanlab."""
    ways = {way: [getattr(row, field)[way] for row in rows] for way in ("ours", *RIVALS)}
    means = {way: statistics.mean(values) for way, values in ways.items()}
    better = ways[max(RIVALS, key=lambda rival: means[rival])]
    gaps = [ours - theirs for ours, theirs in zip(ways["ours"], better, strict=True)]
    return " / ".join(f"{mean:.3f}" for mean in means.values()), interval(gaps)


if __name__ == "__main__":
    planned = [*product(TABLES, SEEDS), *product(["movies"], TEXT_SEEDS)]
    run_or_print(parser(__doc__, FILE).parse_args(sys.argv[1:]), Row, planned, execute, table)
