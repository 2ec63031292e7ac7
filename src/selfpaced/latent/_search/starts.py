"""Several searches from several starts, of which the likeliest counts."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from selfpaced._errors import require
from selfpaced.age import Age, Background, Quantile, Spheres
from selfpaced.latent._search.model import LatentModel
from selfpaced.latent._search.restarts import restarts
from selfpaced.latent._search.run import Result
from selfpaced.latent._search.search import NotConverged, Search

Floats = NDArray[np.float64]
H = TypeVar("H")
W = TypeVar("W")


def best(
    search: Search, model: LatentModel[H, W], starts: Sequence[H], n_jobs: int | None, owner: str
) -> Result[H, W]:
    """Return the best of the searches, with one warning if that one has not converged.

    A background is counted in: by likelihood with it. A share that is given, by what is kept;
    other ages by the relaxed objective at their end.
    """
    found = quietly(search, model, starts, n_jobs)
    return told(min(found, key=lambda one: _cost(search.age, model, one)), search, owner)


def quietly(
    search: Search,
    model: LatentModel[H, W],
    starts: Sequence[H],
    n_jobs: int | None,
    columns: Mapping[str, Tensor] | None = None,
) -> list[Result[H, W]]:
    """Return the results of ``restarts`` without a warning for each that has not converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotConverged)
        return restarts(search, model, starts, columns=columns, n_jobs=n_jobs)


def told(result: Result[H, W], search: Search, owner: str) -> Result[H, W]:
    """Return the result, with a warning if it has not converged."""
    if not result.converged:
        warnings.warn(
            f"{owner}: the best search had not converged after {search.stop.max_outer} rounds. "
            f"Raise max_iter or tol.",
            NotConverged,
            stacklevel=4,
        )
    return result


def outliers(v: Floats, loss: Floats) -> NDArray[np.int64]:
    """Return the positions of those left out, hardest first."""
    left_out = np.flatnonzero(v < 0.5)
    return left_out[np.argsort(-loss[left_out], kind="stable")]


def filled(age: Age | None, X: Floats, clusters: int) -> Age | None:
    """Return the age with what it needs to know of the data."""
    return age.of(X, clusters) if isinstance(age, Background | Spheres) else age


def require_counts(estimator: object, names: Sequence[str], owner: str) -> None:
    """Raise unless these settings are ints of at least 1."""
    for name in names:
        value = getattr(estimator, name)
        counts = isinstance(value, int | np.integer) and not isinstance(value, bool)
        require(counts and value >= 1, f"{owner}: {name} must be a positive int; got {value!r}.")


def require_enough(rows: Floats, clusters: int, owner: str) -> None:
    """Raise for fewer samples than clusters."""
    require(
        len(rows) >= clusters,
        f"{owner}: n_samples={len(rows)} should be at least the number of clusters, {clusters}.",
    )


def _cost(age: Age | None, model: LatentModel[H, W], result: Result[H, W]) -> float:
    loss = model.losses(result.w, result.h)
    if isinstance(age, Background | Spheres):
        return age.cost(loss)
    if isinstance(age, Quantile):
        return float(result.v @ loss)
    return result.history[-1].relaxed
