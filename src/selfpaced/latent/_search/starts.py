"""Several searches with the same settings from several starts, and the choice of the best."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TypeVar

from joblib import Parallel, delayed
from torch import Tensor

from selfpaced._errors import require
from selfpaced._public import public
from selfpaced.latent._search.model import LatentModel
from selfpaced.latent._search.run import Result
from selfpaced.latent._search.search import Column, NotConverged, Search

H = TypeVar("H")
W = TypeVar("W")


@public("selfpaced.latent")
def restarts(
    search: Search,
    model: LatentModel[H, W],
    starts: Sequence[H],
    *,
    columns: Mapping[str, Column] | None = None,
    n_jobs: int | None = None,
) -> list[Result[H, W]]:
    """Search from each start; return the results, the lowest objective first.

    Args:
        search: The settings.
        model: The model to fit; it is pickled if ``n_jobs`` asks for several processes.
        starts: First latent values, at least one.
        columns: Per-unit constants that the age reads.
        n_jobs: How many searches run at once, as joblib counts; it changes no result.

    Raises:
        ValueError: If there are no starts.
    """
    require(len(starts) > 0, "restarts: give at least one start, first latent values.")
    run_search = delayed(search.__call__)
    results = Parallel(n_jobs)(run_search(model, h, columns=columns) for h in starts)
    return sorted(results, key=lambda result: result.objective)


def restarts_without_warnings(
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


def best_of_starts(
    search: Search, model: LatentModel[H, W], starts: Sequence[H], n_jobs: int | None, owner: str
) -> Result[H, W]:
    """Return the result of lowest cost, with one warning if it has not converged.

    The age defines the cost (``Age.cost``); it is the relaxed objective by default and without an
    age.
    """
    age = search.age

    def cost(result: Result[H, W]) -> float:
        """Return the number by which results are compared."""
        relaxed = result.history[-1].relaxed
        loss = model.losses(result.w, result.h)
        return relaxed if age is None else age.cost(loss, result.v, relaxed)

    best = min(restarts_without_warnings(search, model, starts, n_jobs), key=cost)
    return warn_if_not_converged(best, search, owner)


def warn_if_not_converged(result: Result[H, W], search: Search, owner: str) -> Result[H, W]:
    """Return the result, with a warning if it has not converged."""
    if not result.converged:
        warnings.warn(
            f"{owner}: the best search had not converged after {search.stop.max_outer} rounds. "
            f"Raise max_iter or tol.",
            NotConverged,
            stacklevel=4,
        )
    return result
