"""Clusters in several views of the samples: ``python -m benchmarks.latent.views``.

- made: four clusters of 600 samples in two views of 5 dimensions
- digits: scikit-learn's 1,797 digits as pixels, as absolute Fourier coefficients, and as sums of
  rows and columns; ten clusters

With noise, the first view of 30 % of the samples is replaced by uniform noise over its range
(enlarged by a half for the made data). Score: normalised mutual information with the true classes.
Every method has 10 starts.

- weights: ``MultiViewSelfPacedClustering`` with its defaults
- growing: the same with ``EachView()``, whose ages grow from half of the samples to all
- plain: the same with ``age=None``
- together: scikit-learn's ``KMeans`` on all scaled views, concatenated
- first, other: ``KMeans`` on the first view alone, and on the other views, concatenated

Each run appends one line to ``results/latent_views.jsonl``; finished runs are skipped. The defaults
were chosen on seeds from 100.
"""

import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import normalized_mutual_info_score

from benchmarks.shared.result_lines import RESULTS, machine, parser, run_or_print, versions
from selfpaced.age import EachView
from selfpaced.chain import Floats
from selfpaced.latent import MultiViewSelfPacedClustering

Labels = NDArray[np.int64]

FILE = RESULTS / "latent_views.jsonl"
SEEDS = range(10)  # Seeds of every data set and noise.
STARTS = 10  # Starts of every method.
NOISE = (0.3, 0.0)  # Shares of samples with noise in the first view.
TABLES = ("made", "digits")  # Names of the data sets.
CLUSTERS = {"made": 4, "digits": 10}  # Number of clusters by data set.


@dataclass(frozen=True)
class Row:
    """All methods on one data set.

    Args:
        table: Name of the data set.
        noise: Share of samples with noise in the first view.
        information: Normalised mutual information, by method.
        weight_noise: Mean weight of these samples in the first view; None without noise.
        weight_rest: Mean weight of the other samples in the first view.
    """

    table: str
    noise: float
    seed: int
    information: dict[str, float]
    weight_noise: float | None
    weight_rest: float
    versions: dict[str, str] = field(default_factory=versions)
    machine: dict[str, str | int] = field(default_factory=machine)


def made(random: np.random.Generator) -> tuple[list[Floats], Labels]:
    """Return two made views and the clusters."""
    y = random.integers(4, size=600)
    centres = 1.3 * random.normal(size=(2, 4, 5))
    return [c[y] + random.normal(size=(600, 5)) for c in centres], y


def digits() -> tuple[list[Floats], Labels]:
    """Return three views of digits and their classes."""
    X, y = load_digits(return_X_y=True)
    images = X.reshape(-1, 8, 8)
    waves = np.abs(np.fft.fft2(images))[:, :5, :5].reshape(len(X), -1)
    return [X, waves, np.hstack([images.sum(axis=1), images.sum(axis=2)])], y


def noisy(view: Floats, bad: NDArray[np.bool], wide: float, random: np.random.Generator) -> Floats:
    """Return the view with uniform noise in the ``bad`` rows."""
    low, high = wide * view.min(axis=0), wide * view.max(axis=0)
    return np.where(bad[:, None], random.uniform(low, high, view.shape), view)


def unit(view: Floats) -> Floats:
    """Return the view, centred and scaled to a total variance of 1."""
    away = view - view.mean(axis=0)
    return np.asarray(away / np.sqrt((away**2).sum(axis=1).mean()))


def execute(table: str, noise: float, seed: int) -> Row:
    """Run every method on one data set and return the result line."""
    random = np.random.default_rng(seed)
    views, y = made(random) if table == "made" else digits()
    bad = random.random(len(y)) < noise
    views[0] = noisy(views[0], bad, 1.5 if table == "made" else 1.0, random)
    k = CLUSTERS[table]
    ours = MultiViewSelfPacedClustering(k, n_init=STARTS, random_state=seed).fit(views)
    end = MultiViewSelfPacedClustering(k, age=EachView(), n_init=STARTS, random_state=seed)
    plain = MultiViewSelfPacedClustering(k, age=None, n_init=STARTS, random_state=seed)
    means = KMeans(k, n_init=STARTS, random_state=seed)
    scaled = [unit(view) for view in views]
    labels = {
        "weights": ours.labels_,
        "growing": end.fit_predict(views),
        "plain": plain.fit_predict(views),
        "together": means.fit_predict(np.hstack(scaled)),
        "first": means.fit_predict(scaled[0]),
        "other": means.fit_predict(np.hstack(scaled[1:])),
    }
    scores = {name: float(normalized_mutual_info_score(y, found)) for name, found in labels.items()}
    weight = ours.view_weights_[0]
    lost = float(weight[bad].mean()) if bad.any() else None
    return Row(table, noise, seed, scores, lost, float(weight[~bad].mean()))


def table(rows: list[Row]) -> Iterator[str]:
    """Yield a Markdown table: means of the seeds, and how often "weights" is above "together"."""
    if not rows:
        return
    names = list(rows[0].information)
    yield f"| data | noise | {' | '.join(names)} | above together | weight of noise / rest |"
    yield "|---" * (len(names) + 4) + "|"
    for name, noise in dict.fromkeys((row.table, row.noise) for row in rows):
        seeds = [row for row in rows if (row.table, row.noise) == (name, noise)]
        means = [f"{statistics.mean(row.information[m] for row in seeds):.3f}" for m in names]
        above = sum(row.information["weights"] > row.information["together"] for row in seeds)
        lost = [row.weight_noise for row in seeds if row.weight_noise is not None]
        rest = statistics.mean(row.weight_rest for row in seeds)
        yield (
            f"| {name} | {noise:.0%} | {' | '.join(means)} | {above} of {len(seeds)} "
            f"| {f'{statistics.mean(lost):.2f}' if lost else '-'} / {rest:.2f} |"
        )


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table."""
    planned = ((name, noise, seed) for name in TABLES for noise in NOISE for seed in SEEDS)
    run_or_print(parser(__doc__, FILE).parse_args(arguments), Row, planned, execute, table)


if __name__ == "__main__":
    main(sys.argv[1:])
