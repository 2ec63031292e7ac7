"""What is fitted and judged: the user's rows, which of them are kept, and their losses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import (
    _safe_indexing as take,  # documented; nothing public takes rows of lists, frames and sparse X
)

from selfpaced._errors import require
from selfpaced.chain import Floats

Places = NDArray[np.int64]
Arguments = dict[str, Any]

LARGEST = 1e37  # squared error that a ledger of float32 can add up
TINY = 1e-6  # probability of a label that the model rules out


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a search.

    Args:
        X: As the user gave it; sparse ones as CSR.
        y: Shape (n,).
        mass: The user's ``sample_weight``, float64, shape (n,), or None.
        classes: Whether y holds classes, of which each must stay.
        route: Turns weights into the arguments of an estimator's fit.
    """

    X: Any
    y: NDArray[Any]
    mass: Floats | None
    classes: bool
    route: Callable[[Floats], Arguments]

    @property
    def counts(self) -> Floats:
        """The mass of each row, shape (n,)."""
        return np.ones(len(self.y)) if self.mass is None else self.mass

    def kept(self, places: Places, weight: Floats, loss: Floats) -> tuple[Places, Arguments]:
        """Return what is kept of some rows, and the arguments that tell an estimator its weights.

        What is left out is not shown to the estimator. Weights that are all 1 are not passed on
        unless the user passes some: the fit is then the estimator's own.

        Args:
            places: Which rows may be kept, shape (m,).
            weight: The v of all rows, shape (n,).
            loss: Of all rows, shape (n,): the easiest row of a class that is left out stays.

        Raises:
            ValueError: Where nothing is kept.
        """
        own = (weight * self.counts)[places]
        require(
            bool((own > 0).any()),
            "all rows are left out: the age is below every difficulty. Begin with a greater one.",
        )
        if self.classes:
            self._keep_each_class(places, own, loss)
        kept, own = places[own > 0], own[own > 0]
        plain = self.mass is None and bool((own == 1).all())
        return kept, {} if plain else self.route(own)

    def _keep_each_class(self, places: Places, own: Floats, loss: Floats) -> None:
        """Let the easiest row of a class that is left out stay: every model knows all classes."""
        counts = self.counts[places]
        for label in np.unique(self.y[places][counts > 0]):
            of = np.flatnonzero((self.y[places] == label) & (counts > 0))
            if not (own[of] > 0).any():
                easiest = of[np.argmin(loss[places[of]])]
                own[easiest] = counts[easiest]


def learn(model: Any, X: Any, y: NDArray[Any], kept: Places, arguments: Arguments) -> Any:
    """Fit a model to the rows that are kept, and return it."""
    return model.fit(X if len(kept) == len(y) else take(X, kept), y[kept], **arguments)


def judge(model: Any, X: Any, y: NDArray[Any], judged: Places, *, classes: bool) -> Floats:
    """Return losses, shape (m,): -ln p of each label, or squared errors."""
    X, y = X if len(judged) == len(y) else take(X, judged), y[judged]
    if not classes:
        said = np.asarray(model.predict(X), np.float64).reshape(y.shape)
        with np.errstate(over="ignore"):
            loss = np.asarray((said - y) ** 2)
        require(
            bool((loss < LARGEST).all()),
            f"squared errors must be below {LARGEST:g}, and numbers; the largest target is "
            f"{np.abs(y).max():.3g}, the largest prediction {np.abs(said).max():.3g}. Take out "
            f"fill values, or scale y.",
        )
        return loss
    known = np.asarray(model.classes_)
    column = np.searchsorted(known, y).clip(max=len(known) - 1)
    p = np.asarray(model.predict_proba(X), np.float64)[np.arange(len(y)), column]
    require(
        not np.isnan(p).any(),
        f"predict_proba of {type(model).__name__} returned NaN for {np.isnan(p).sum()} rows. Mend "
        f"the estimator, or the rows.",
    )
    return np.asarray(-np.log(np.where(known[column] == y, p, 0.0).clip(min=TINY)))


def learn_and_judge(
    model: Any,
    X: Any,
    y: NDArray[Any],
    kept: Places,
    arguments: Arguments,
    judged: Places,
    classes: bool,
) -> tuple[Any, Floats]:
    """Fit a model to some rows and let it judge others: one fold, wherever it runs."""
    model = learn(model, X, y, kept, arguments)
    return model, judge(model, X, y, judged, classes=classes)
