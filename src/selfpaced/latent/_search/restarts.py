"""The same search from several starts."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from selfpaced._errors import require
from selfpaced.latent._search.model import LatentModel
from selfpaced.latent._search.run import Result
from selfpaced.latent._search.search import Column, Search

try:
    from joblib import Parallel, delayed
except ImportError as error:
    raise ImportError(
        f"selfpaced.latent._search.restarts needs joblib ({error}). "
        f'Install it with: pip install "selfpaced[latent]"'
    ) from error

H = TypeVar("H")
W = TypeVar("W")


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
