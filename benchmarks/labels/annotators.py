"""The consensus of three annotators: ``python -m benchmarks.labels.annotators``.

Needs ``--group bench``. The texts are the movie snippets of VADER, each rated by 15 to 18 people;
three of them are given, drawn at random, and the truth is what most of the others say. Ours is one
run of the command. cleanlab 2.9 (``multiannotator``) gets the held-out probabilities of logistic
regression on TF-IDF with 5 folds, trained on the majority vote.
"""

import statistics
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from cleanlab.multiannotator import get_label_quality_multiannotator, get_majority_vote_label
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

from benchmarks.shared import texts
from benchmarks.shared.result_lines import RESULTS, parser, run_or_print

FILE = RESULTS / "annotators.jsonl"
CLASSES = np.array(["negative", "neutral", "positive"])
GIVEN = ("one", "two", "three")


@dataclass(frozen=True)
class Row:
    """Accuracy of one seed.

    Args:
        n: Number of texts.
        one: Of the first annotator alone.
        majority: Of the majority vote, as cleanlab breaks ties.
        cleanlab: Of cleanlab's consensus.
        ours: Of the consensus that the command writes.
    """

    seed: int
    n: int
    one: float
    majority: float
    cleanlab: float
    ours: float


def execute(seed: int) -> Row:
    """Draw three annotators of each text, and return the accuracy of each consensus."""
    sample, votes, truth = texts.drawn("movies", len(GIVEN), seed)
    theirs, majority = rival(sample, votes)
    own = ours(sample, votes, seed)
    accuracy = [float((label == truth).mean()) for label in (votes[:, 0], majority, theirs, own)]
    return Row(seed, len(truth), *accuracy)


def rival(sample: list[str], votes: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the consensus of cleanlab, and the majority vote."""
    majority = np.asarray(get_majority_vote_label(votes))
    logistic = LogisticRegression(C=5, max_iter=300)
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), logistic)
    p = cross_val_predict(model, sample, majority, cv=5, method="predict_proba")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = get_label_quality_multiannotator(votes, p, verbose=False)
    return found["label_quality"]["consensus_label"].to_numpy(), majority


def ours(sample: list[str], votes: NDArray[np.int64], seed: int) -> NDArray[Any]:
    """Return the consensus that the command writes."""
    table = pd.DataFrame({"text": sample} | dict(zip(GIVEN, CLASSES[votes].T, strict=True)))
    with TemporaryDirectory() as folder:
        table.to_csv(Path(folder, "movies.csv"), index=False)
        words = [sys.executable, "-m", "selfpaced", "audit", f"{folder}/movies.csv", "--quiet"]
        words += ["-o", f"{folder}/run", "--seed", str(seed)]
        words += [word for name in GIVEN for word in ("--annotator", name)]
        subprocess.run(words, check=True)
        found = pd.read_csv(Path(folder, "run", "consensus.csv"))
    return np.searchsorted(CLASSES, found["consensus"].to_numpy(str))


def table(rows: list[Row]) -> Iterator[str]:
    """Yield a Markdown table."""
    yield "| texts | one annotator | majority of three | cleanlab | selfpaced |"
    yield "|---" * 5 + "|"
    for row in rows:
        yield (
            f"| {row.n:,} (seed {row.seed}) | {row.one:.2%} | {row.majority:.2%} | "
            f"{row.cleanlab:.2%} | {row.ours:.2%} |"
        )
    gaps = [row.ours - row.cleanlab for row in rows]
    yield f"\nselfpaced less cleanlab: mean {statistics.mean(gaps):+.2%}, least {min(gaps):+.2%}"


def planned() -> Iterator[tuple[int]]:
    """Yield the seeds."""
    yield from ((seed,) for seed in range(3))


if __name__ == "__main__":
    options = parser(__doc__, FILE).parse_args(sys.argv[1:])
    run_or_print(options, Row, planned(), execute, table)
