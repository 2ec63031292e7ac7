"""Average precision on a folder of messy files: ``python -m benchmarks.labels.files FOLDER``.

Beside each NAME.truth, which lists the rows with wrong labels, counted from 1, lie the files that
it is for: all whose name begins with NAME. The last column of a table holds the labels; ``--group``
names the column of groups of a file. Ours is the command. The other way is 5 folds of logistic
regression on the features that the command made of the columns, of texts on TF-IDF of words and of
runs of letters, whichever is better.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from selfpaced.audit import Options, Source, load, read

# The least share of the average precision of logistic regression.
LEAST = 0.9


def main(folder: Path, groups: dict[str, str]) -> None:
    """Print a line for each file."""
    print("| file | rows | wrong | selfpaced | logistic regression | ratio |")
    print("|---" * 6 + "|")
    for truth in sorted(folder.glob("*.truth")):
        wrong = {int(row) for row in truth.read_text().split()}
        for path in sorted(folder.glob(f"{truth.stem}*")):
            if path != truth:
                print(line(path, wrong, groups.get(path.name)), flush=True)


def line(path: Path, wrong: set[int], group: str | None) -> str:
    """Audit a file; return its line."""
    label = pd.read_csv(path, nrows=1).columns[-1]
    options = Options(label=label, group=group)
    source = read(path, options)
    with TemporaryDirectory() as run:
        words = [sys.executable, "-m", "selfpaced", "audit", str(path), "--quiet", "--label", label]
        words += ["-o", f"{run}/run", *(["--group", group] if group else [])]
        subprocess.run(words, check=True)
        losses = pd.read_parquet(Path(run, "run", "ledger.parquet"))["loss"].to_numpy()
        features = load(Path(run, "run")).features.transform(source)
    is_wrong = np.isin(source.where.to_numpy(), [*wrong])
    ours = average_precision_score(is_wrong, losses)
    theirs = logistic(source, features, is_wrong)
    ratio = ours / theirs
    fails = "" if ratio >= LEAST else f" (below {LEAST})"
    cells = (path.name, len(source), is_wrong.sum(), f"{ours:.3f}", f"{theirs:.3f}")
    return f"| {' | '.join(map(str, cells))} | {ratio:.2f}{fails} |"


def logistic(source: Source, features: NDArray[np.float32], is_wrong: NDArray[np.bool]) -> float:
    """Return the average precision of logistic regression."""
    labels = pd.factorize(source.labels)[0]
    frame = source.features
    texts = isinstance(frame, pd.DataFrame) and list(frame.columns) == ["text"]
    models = [LogisticRegression(max_iter=1_000)]
    rows: NDArray[Any] = features
    if isinstance(frame, pd.DataFrame) and texts:
        rows = frame["text"].astype(str).to_numpy()
        letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3))
        made = (TfidfVectorizer(sublinear_tf=True), letters)
        models = [make_pipeline(each, LogisticRegression(C=10, max_iter=1_000)) for each in made]
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    folds = folds if source.groups is None else GroupKFold(5)
    found = []
    for model in models:
        p = cross_val_predict(
            model, rows, labels, groups=source.groups, cv=folds, method="predict_proba"
        )
        own = p[np.arange(len(labels)), labels]
        found.append(float(average_precision_score(is_wrong, -own)))
    return max(found)


if __name__ == "__main__":
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("folder", type=Path)
    made.add_argument("--group", nargs="*", default=[], help="such as patients.csv=patient")
    options = made.parse_args(sys.argv[1:])
    main(options.folder, dict(each.split("=") for each in options.group))
