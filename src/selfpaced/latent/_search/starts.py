"""Several searches from several starts, of which the likeliest counts."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from torch import Tensor

from selfpaced._errors import require
from selfpaced._public import public
from selfpaced.chain import Floats
from selfpaced.latent._search.model import LatentModel
from selfpaced.latent._search.run import Result
from selfpaced.latent._search.search import Column, NotConverged, Search

H = TypeVar("H")
W = TypeVar("W")


def best(
    search: Search, model: LatentModel[H, W], starts: Sequence[H], n_jobs: int | None, owner: str
) -> Result[H, W]:
    """Return the best of the searches, with one warning if that one has not converged.

    A background is counted in: by likelihood with it. A share that is given, by what is kept;
    other ages by the relaxed objective at their end.
    """
    age = search.age

    def cost(found: Result[H, W]) -> float:
        relaxed = found.history[-1].relaxed
        loss = model.losses(found.w, found.h)
        return relaxed if age is None else age.cost(loss, found.v, relaxed)

    return told(min(quietly(search, model, starts, n_jobs), key=cost), search, owner)


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


@public("selfpaced.latent")
def restarts(
    search: Search,
    model: LatentModel[H, W],
    starts: Sequence[H],
    *,
    columns: Mapping[str, Column] | None = None,
    n_jobs: int | None = None,
) -> list[Result[H, W]]:
    """Search from each start; the results, the lowest objective first.

    Args:
        search: The settings.
        model: What is fitted; it is pickled where there are several jobs.
        starts: First latent values, at least one.
        columns: Per-unit constants that the age reads.
        n_jobs: How many searches run at once, as joblib counts; it changes no result.

    Raises:
        ValueError: For no starts.
    """
    require(len(starts) > 0, "restarts: give at least one start, first latent values.")
    once = delayed(search.__call__)
    found = Parallel(n_jobs)(once(model, h, columns=columns) for h in starts)
    return sorted(found, key=lambda result: result.objective)
