"""cleanlab 2.9 as a program: ``python -m benchmarks.labels.rivals SAMPLES FOUND``.

SAMPLES is a file of joblib with texts or features, shape (n, features), labels from 0, and a seed.
FOUND will be one with the held-out probability of each label and whether cleanlab lists it, by way.
"""

import sys
from collections.abc import Callable
from typing import Any
from warnings import catch_warnings, simplefilter

import joblib
import numpy as np
from cleanlab.filter import find_label_issues
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

FOLDS = 5  # Folds of the probabilities.
RIVALS: dict[str, Callable[[int], Any]] = {
    "logistic": lambda seed: LogisticRegression(max_iter=1_000, random_state=seed),
    "hgb": lambda seed: HistGradientBoostingClassifier(random_state=seed),
    "mlp": lambda seed: MLPClassifier(max_iter=200, random_state=seed),
}


def ways(x: list[str] | NDArray[Any]) -> tuple[str, ...]:
    """Return the rivals for these samples."""
    return ("words", "pairs") if isinstance(x, list) else tuple(RIVALS)


def held_out(
    way: str, x: list[str] | NDArray[Any], labels: NDArray[Any], seed: int
) -> NDArray[np.float64]:
    """Return the held-out probabilities of a rival, shape (n, classes)."""
    if isinstance(x, list):
        pairs = {"sublinear_tf": True, "ngram_range": (1, 2), "min_df": 2}
        read = TfidfVectorizer(**(pairs if way == "pairs" else {})).fit_transform(x)
        model = LogisticRegression(C=10 if way == "pairs" else 1, max_iter=1_000)
    else:
        read, model = x, make_pipeline(StandardScaler(), RIVALS[way](seed))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    with catch_warnings():
        simplefilter("ignore")  # few rows of a class; an MLP stops before it has converged
        p = cross_val_predict(model, read, labels, cv=folds, method="predict_proba")
    return np.asarray(p)


def main(samples: str, found: str) -> None:
    """Judge the labels in a file in all ways, and write what was found."""
    x, labels, seed = joblib.load(samples)
    judged = {}
    for way in ways(x):
        p = held_out(way, x, labels, seed)
        listed = np.asarray(find_label_issues(labels, p, n_jobs=1))
        judged[way] = (p[np.arange(len(labels)), labels], listed)
    joblib.dump(judged, found)


if __name__ == "__main__":
    with threadpool_limits(1):
        main(*sys.argv[1:])
