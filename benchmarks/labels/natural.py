"""Human label errors in movie snippets and tweets: ``python -m benchmarks.labels.natural``.

The label of a text, negative, neutral or positive, comes from one rater drawn at random; the truth
is the majority of the other raters. Features are TF-IDF of 5,000 words and pairs of words, or
MiniLM's embeddings. A fifth of the texts, drawn by the seed, is the test set; it is scored against
the truth. Needs ``--group bench``.

- default: the training of ``find_label_errors(..., folds=0)``.
- plain, told, random: the same network, epochs, orders and initial weights; told leaves out the
  true share of wrong labels from the third epoch on, random as many samples as the default, drawn
  at random.
- cleanlab: 5 folds of the same network; number of epochs and score are chosen in its favour.

Each run appends one line to ``results/natural.jsonl``; finished runs are skipped.
"""

import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import average_precision_score
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.labels import rival
from benchmarks.shared import texts
from benchmarks.shared.comparison import WAYS, compare, kept_shares
from benchmarks.shared.images import BATCH
from benchmarks.shared.result_lines import RESULTS, interval, parser, run_or_print
from selfpaced import Pacer
from selfpaced.audit._learning.networks import mlp
from selfpaced.suspects import Judge

FILE = RESULTS / "natural.jsonl"
EPOCHS = 30  # Epochs of every way but cleanlab.
EPOCHS_OF_CLEANLAB = 10  # Most epochs of cleanlab's folds.
CLASSES = 3  # Negative, neutral and positive.
WORDS = 5_000  # Words and pairs of words in the TF-IDF features.
# Learning rates by features: those of ``find_label_errors`` for sparse and for dense X.
RATES = {"tfidf": 3e-4, "minilm": 1e-3}


@dataclass(frozen=True)
class Row:
    """All ways on one data set, kind of features and seed.

    Args:
        wrong: True share of wrong labels.
        estimate: The share that the default estimates, between ``low`` and ``high``.
        ap: Average precision of the default's suspects, of plain training's last loss, and of
            cleanlab's better score after its best number of epochs.
        epochs_cleanlab: That number of epochs.
        accuracy: Accuracy on the test texts, by way.
        kept: Kept share of the default at the end.
    """

    name: str
    features: str
    seed: int
    wrong: float
    estimate: float
    low: float
    high: float
    ap: dict[str, float]
    epochs_cleanlab: int
    accuracy: dict[str, float]
    kept: float


class Task(NamedTuple):
    """Features (n, d) float32, labels (n,), a mask of wrong labels; test features and truth."""

    x: Tensor
    y: Tensor
    wrong: NDArray[np.bool]
    x_test: Tensor
    y_test: Tensor


def task(name: str, features: str, seed: int) -> Task:
    """Read the texts, compute features, scale them as ``find_label_errors`` does, and split."""
    rated = texts.read(name, seed)
    if features == "minilm":
        x = texts.embeddings(rated.text)
        x = (x - x.mean(0)) / x.std(0, correction=0)
    else:
        tfidf = TfidfVectorizer(
            ngram_range=(1, 2), min_df=2, sublinear_tf=True, max_features=WORDS, dtype=np.float32
        )
        x = torch.from_numpy(tfidf.fit_transform(rated.text).toarray())
        x = x / x.amax(0)
    test = np.random.default_rng(seed).random(len(rated.one)) < 0.2
    wrong, inside = rated.one != rated.most, torch.from_numpy(~test)
    given, truth = torch.from_numpy(rated.one), torch.from_numpy(rated.most)
    return Task(x[inside], given[inside], wrong[~test], x[~inside], truth[~inside])


def train(data: Task, pacer: Pacer, seed: int, learning_rate: float) -> nn.Module:
    """Train the default network with a pacer."""
    torch.manual_seed(seed)
    model = mlp((data.x.shape[1],), CLASSES)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    for _ in range(EPOCHS):
        for index in torch.randperm(len(data.y)).split(BATCH):
            logits = model(data.x[index])
            loss = F.cross_entropy(logits, data.y[index], reduction="none")
            total = pacer(loss, index, logits=logits, target=data.y[index], probabilities=True)
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
        pacer.step()
    return model.eval()


@torch.no_grad()
def accuracy(model: nn.Module, data: Task) -> float:
    """Return the share of test texts that are classified as by most raters."""
    return float((model(data.x_test).argmax(1) == data.y_test).float().mean())


def execute(name: str, features: str, seed: int) -> Row:
    """Run every way and return the result line."""
    data = task(name, features, seed)
    share, n = float(data.wrong.mean()), len(data.y)
    pacer = Pacer(n, columns={"group": data.y})

    def trained(pacer: Pacer) -> tuple[nn.Module, Pacer]:
        return train(data, pacer, seed, RATES[features]), pacer

    runs = compare(pacer, trained, 1.0 - share, seed)
    folds = rival.held_out(
        lambda: mlp((data.x.shape[1],), CLASSES),
        *(data.x, data.y, EPOCHS_OF_CLEANLAB, seed, RATES[features]),
    )
    ap, epochs = rival.best(folds, data.y.numpy(), data.wrong)
    scores = {"default": pacer.ledger.suspicion, "plain": runs["plain"][1].ledger.loss}
    said = Judge()(pacer).count
    return Row(
        *(name, features, seed, share),
        *(said.estimate / n, said.low / n, said.high / n),
        ap={way: float(average_precision_score(data.wrong, s)) for way, s in scores.items()}
        | {"cleanlab": ap},
        epochs_cleanlab=epochs,
        accuracy={way: accuracy(model, data) for way, (model, _) in runs.items()},
        kept=kept_shares(pacer)[-1],
    )


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table, a row per data set and features, means of the seeds."""
    yield (
        "| texts | features | AP default / cleanlab / plain | default - cleanlab, 95 % | accuracy "
        "default / plain / random / told | default - plain | wrong: true / said (range) | kept |"
    )
    yield "|---" * 8 + "|"
    for name, features in dict.fromkeys((row.name, row.features) for row in rows):
        seeds = [row for row in rows if (row.name, row.features) == (name, features)]
        ap = [_mean(seeds, "ap", way) for way in ("default", "cleanlab", "plain")]
        right = [_mean(seeds, "accuracy", w) for w in WAYS]
        over = [row.ap["default"] - row.ap["cleanlab"] for row in seeds]
        gain = [row.accuracy["default"] - row.accuracy["plain"] for row in seeds]
        said = [statistics.mean(getattr(r, f) for r in seeds) for f in ("estimate", "low", "high")]
        yield (
            f"| {name} | {features} | {' / '.join(ap)} | {interval(over)} | {' / '.join(right)} | "
            f"{interval(gain)} | {statistics.mean(row.wrong for row in seeds):.3f} / {said[0]:.3f} "
            f"({said[1]:.3f} to {said[2]:.3f}) | {statistics.mean(r.kept for r in seeds):.2f} |"
        )


def _mean(rows: list[Row], field: str, way: str) -> str:
    """Return the mean of a field that is given by way, with three digits."""
    return f"{statistics.mean(getattr(row, field)[way] for row in rows):.3f}"


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table."""
    made = parser(__doc__, FILE)
    made.add_argument("--texts", choices=texts.FILES, nargs="+", default=list(texts.FILES))
    made.add_argument("--features", choices=RATES, nargs="+", default=list(RATES))
    made.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = made.parse_args(arguments)
    planned = (
        (name, features, seed)
        for features, name, seed in product(options.features, options.texts, options.seeds)
    )
    run_or_print(options, Row, planned, execute, table)


if __name__ == "__main__":
    main(sys.argv[1:])
