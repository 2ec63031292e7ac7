"""Overlapping clusters with outliers: ``python -m benchmarks.latent.mixtures``.

1,000 samples from 3 to 5 Gaussian clusters of unequal sizes and shapes in 2, 5 and 10 dimensions.
The outliers, 20 % or none, are uniform over the bounding box, enlarged by a half, or from a
Gaussian five times as wide as the data (in two settings). Score: adjusted Rand index of the labels
of the inliers. Every method has 10 starts; told and random have 3.

- ours: ``SelfPacedGaussianMixture`` and ``SelfPacedKMeans`` with their defaults
- scikit-learn's ``GaussianMixture`` and ``KMeans``
- told: ours, keeping the true share of inliers
- random: ours, leaving out as many samples as the default, drawn at random

Each run appends one line to ``results/latent_mixtures.jsonl``; finished runs are skipped. The
defaults were chosen on seeds from 100.
"""

import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from torch import Tensor

from benchmarks.shared.result_lines import RESULTS, machine, parser, run_or_print, versions
from selfpaced.age import Quantile
from selfpaced.chain import Floats, Number
from selfpaced.latent import NotConverged, SelfPacedGaussianMixture, SelfPacedKMeans
from selfpaced.pacing import Constant
from selfpaced.weighting import Hard

Labels = NDArray[np.int64]
Ours = SelfPacedGaussianMixture | SelfPacedKMeans

FILE = RESULTS / "latent_mixtures.jsonl"
SEEDS = range(10)  # Seeds of every setting and kind of outliers.
STARTS = 10  # Starts of every method but the controls.
N = 1000  # Samples, with the outliers.
CONTROL_STARTS = 3  # Starts of told and random.
CONTROL_ROUNDS = 100  # Most iterations of told and random: trimmed EM can take many.
KINDS = {"box": 0.2, "none": 0.0, "wide": 0.2}  # Share of outliers by kind.


class Setting(NamedTuple):
    """Numbers of clusters and dimensions, and the mean distance to the nearest other centre."""

    clusters: int
    dims: int
    apart: float


# The settings by the name in the table.
SETTINGS = {
    "2d, 3 clusters": Setting(3, 2, 3.0),
    "2d, 5 clusters": Setting(5, 2, 3.5),
    "5d, 4 clusters": Setting(4, 5, 3.0),
    "10d, 3 clusters": Setting(3, 10, 3.0),
    "10d, 5 clusters": Setting(5, 10, 3.0),
}
# The settings that have the kind "wide".
WIDE = ("2d, 3 clusters", "5d, 4 clusters")
MODELS = ("mixture", "k-means")  # Names of ours.
# The methods in the order of the table.
COLUMNS = (
    *("mixture", "sklearn mixture", "told mixture", "random mixture"),
    *("k-means", "sklearn k-means", "told k-means", "random k-means"),
)


@dataclass(frozen=True)
class Row:
    """All methods on one data set.

    Args:
        setting: Name of the setting.
        outliers: Kind of the outliers.
        rand: Adjusted Rand index of the inliers, by method.
        left_out: Share of samples left out, by method.
        precision: Share of outliers among the samples left out, by method.
        recall: Share of the outliers that are left out, by method.
        seconds: Time of a fit and a prediction, by method.
    """

    setting: str
    outliers: str
    seed: int
    rand: dict[str, float]
    left_out: dict[str, float]
    precision: dict[str, float]
    recall: dict[str, float]
    seconds: dict[str, float]
    versions: dict[str, str] = field(default_factory=versions)
    machine: dict[str, str | int] = field(default_factory=machine)


@dataclass(frozen=True)
class AtRandom(Hard):
    """``Hard`` on permuted difficulties: leaves out equally many samples, but random ones."""

    order: tuple[int, ...] = ()
    binary: ClassVar[bool] = False

    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        """Return 0 or 1, shape (n,)."""
        return super().__call__(difficulty[list(self.order)], age)


def made(setting: Setting, kind: str, seed: int) -> tuple[Floats, Labels]:
    """Return samples, shape (N, d), and their clusters, shape (N,); -1 is an outlier."""
    random, (k, d, apart) = np.random.default_rng(seed), setting
    n_out = round(KINDS[kind] * N)
    shares = 0.1 + (1 - 0.1 * k) * random.dirichlet(np.full(k, 5.0))
    labels = np.repeat(np.arange(k), random.multinomial(N - n_out, shares))
    centres = random.normal(size=(k, d))
    between = np.linalg.norm(centres[:, None] - centres, axis=2) + np.diag(np.full(k, np.inf))
    centres *= apart / between.min(axis=1).mean()
    directions = np.linalg.qr(random.normal(size=(k, d, d)))[0]
    roots = directions * np.exp(random.uniform(np.log(0.3), np.log(3), (k, 1, d)) / 2)
    noise = random.normal(size=(len(labels), d))
    X = centres[labels] + np.einsum("nij,nj->ni", roots[labels], noise)
    low, high = X.min(axis=0), X.max(axis=0)
    middle, half = (low + high) / 2, (high - low) / 2 * 1.5
    if kind == "wide":
        out = X.mean(axis=0) + 5 * X.std(axis=0) * random.normal(size=(n_out, d))
    else:
        out = random.uniform(middle - half, middle + half, (n_out, d))
    order = random.permutation(N)
    every = np.concatenate([labels, np.full(n_out, -1)])
    return np.concatenate([X, out])[order], every[order]


def methods(k: int, right: float, seed: int) -> dict[str, Callable[[], object]]:
    """Return a function that makes the estimator, by method; without the random ones."""
    given: partial[dict[str, Any]] = partial(dict, n_init=STARTS, random_state=seed)
    told = given(age=Quantile(Constant(right)), max_iter=CONTROL_ROUNDS, n_init=CONTROL_STARTS)
    return {
        "mixture": lambda: SelfPacedGaussianMixture(k, **given()),
        "k-means": lambda: SelfPacedKMeans(k, **given()),
        "sklearn mixture": lambda: GaussianMixture(k, **given()),
        "sklearn k-means": lambda: KMeans(k, **given()),
        "told mixture": lambda: SelfPacedGaussianMixture(k, **told),
        "told k-means": lambda: SelfPacedKMeans(k, **told),
    }


def execute(name: str, kind: str, seed: int) -> Row:
    """Run every method on one data set and return the result line."""
    X, y = made(SETTINGS[name], kind, seed)
    row = Row(name, kind, seed, {}, {}, {}, {}, {})
    for method, make in methods(SETTINGS[name].clusters, 1 - KINDS[kind], seed).items():
        _score(row, method, make(), X, y)
    order = tuple(np.random.default_rng(seed).permutation(N).tolist())
    for method, kept in (("random mixture", "mixture"), ("random k-means", "k-means")):
        share = Quantile(Constant(1 - row.left_out[kept]))
        kind_of = SelfPacedGaussianMixture if kept == "mixture" else SelfPacedKMeans
        model = kind_of(
            SETTINGS[name].clusters,
            age=share,
            weighting=AtRandom(order),
            n_init=CONTROL_STARTS,
            max_iter=CONTROL_ROUNDS,
            random_state=seed,
        )
        _score(row, method, model, X, y)
    return row


def _score(row: Row, method: str, model: object, X: Floats, y: Labels) -> None:
    """Fit a method and write its scores into the row."""
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)  # the controls have a limit
        model.fit(X)  # type: ignore[attr-defined]  # estimators of two libraries
    labels = model.predict(X)  # type: ignore[attr-defined]  # estimators of two libraries
    row.seconds[method] = time.perf_counter() - began
    row.rand[method] = float(adjusted_rand_score(y[y >= 0], labels[y >= 0]))
    if isinstance(model, Ours):
        out, wrong = model.sample_weights_ < 0.5, y < 0
        row.left_out[method] = float(out.mean())
        row.precision[method] = float((out & wrong).sum() / max(out.sum(), 1))
        row.recall[method] = float((out & wrong).sum() / max(wrong.sum(), 1))


def table(rows: list[Row]) -> Iterator[str]:
    """Yield Markdown tables: means of the seeds, and in how many seeds ours is above the others."""
    yield f"| data | outliers | {' | '.join(COLUMNS)} | above both | k-means above k-means |"
    yield "|---" * (len(COLUMNS) + 4) + "|"
    for name, kind in dict.fromkeys((row.setting, row.outliers) for row in rows):
        seeds = [row for row in rows if (row.setting, row.outliers) == (name, kind)]
        means = [f"{_mean(row.rand[c] for row in seeds):.3f}" for c in COLUMNS]
        above = sum(
            row.rand["mixture"] > max(row.rand["sklearn mixture"], row.rand["sklearn k-means"])
            for row in seeds
        )
        means_above = sum(row.rand["k-means"] > row.rand["sklearn k-means"] for row in seeds)
        yield (
            f"| {name} | {kind} | {' | '.join(means)} | {above} of {len(seeds)} "
            f"| {means_above} of {len(seeds)} |"
        )
    yield ""
    yield "| data | outliers | left out | precision | recall | seconds: ours / scikit-learn |"
    yield "|---" * 6 + "|"
    for name, kind in dict.fromkeys((row.setting, row.outliers) for row in rows):
        seeds = [row for row in rows if (row.setting, row.outliers) == (name, kind)]
        found = " | ".join(
            " / ".join(f"{_mean(getattr(row, what)[m] for row in seeds):.3f}" for m in MODELS)
            for what in ("left_out", "precision", "recall")
        )
        spent = " and ".join(
            f"{_mean(r.seconds[m] for r in seeds):.1f} / "
            f"{_mean(r.seconds[f'sklearn {m}'] for r in seeds):.2f}"
            for m in MODELS
        )
        yield f"| {name} | {kind} | {found} | {spent} |"


def _mean(values: Iterator[float]) -> float:
    """Return the mean."""
    return statistics.mean(values)


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table."""
    planned = (
        (name, kind, seed)
        for kind in KINDS
        for name in (WIDE if kind == "wide" else SETTINGS)
        for seed in SEEDS
    )
    run_or_print(parser(__doc__, FILE).parse_args(arguments), Row, planned, execute, table)


if __name__ == "__main__":
    main(sys.argv[1:])
