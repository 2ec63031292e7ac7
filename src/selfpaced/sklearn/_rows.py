"""Rows of data: which of them are kept, fitting a model to them, and their losses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import (
    # Documented, though private by name. No public function selects rows of lists, frames and
    # sparse matrices alike.
    _safe_indexing as take,
)

from selfpaced._errors import require
from selfpaced.chain import Floats

Places = NDArray[np.int64]
Arguments = dict[str, Any]

# The largest squared error allowed: the ledger adds losses up in float32.
LARGEST = 1e37
# The smallest probability of a label: it bounds the loss of a label that the model rules out.
TINY = 1e-6


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a search.

    Args:
        X: As the user gave it; a sparse matrix as CSR.
        y: Shape (n,).
        mass: The user's ``sample_weight``, float64, shape (n,), or None.
        classes: Whether y holds classes; then at least one row of each class is kept.
        route: Turns weights into keyword arguments of the estimator's fit.
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
        """Return which rows are kept, and the arguments that pass their weights to the estimator.

        Rows that are left out are not shown to the estimator. Where all weights are 1 and the user
        gave no ``sample_weight``, no weights are passed: the fit is then the estimator's own.

        Args:
            places: Rows to choose from, shape (m,).
            weight: The weight v of every row, shape (n,).
            loss: The loss of every row, shape (n,). If a whole class is left out, its row with the
                smallest loss is kept.

        Raises:
            ValueError: Where all rows are left out.
        """
        own = (weight * self.counts)[places]
        require(
            bool((own > 0).any()),
            "all rows are left out: the age is below every difficulty. Use a larger age.",
        )
        if self.classes:
            self._keep_each_class(places, own, loss)
        kept, own = places[own > 0], own[own > 0]
        plain = self.mass is None and bool((own == 1).all())
        return kept, {} if plain else self.route(own)

    def _keep_each_class(self, places: Places, own: Floats, loss: Floats) -> None:
        """Keep the easiest row of a class that is left out: every model must know all classes."""
        counts = self.counts[places]
        for label in np.unique(self.y[places][counts > 0]):
            of = np.flatnonzero((self.y[places] == label) & (counts > 0))
            if not (own[of] > 0).any():
                easiest = of[np.argmin(loss[places[of]])]
                own[easiest] = counts[easiest]


def learn(model: Any, X: Any, y: NDArray[Any], kept: Places, arguments: Arguments) -> Any:
    """Fit the model to the kept rows, and return it."""
    return model.fit(X if len(kept) == len(y) else take(X, kept), y[kept], **arguments)


def judge(model: Any, X: Any, y: NDArray[Any], judged: Places, *, classes: bool) -> Floats:
    """Return the losses of m rows, shape (m,): -ln p of each label, or squared errors."""
    X, y = X if len(judged) == len(y) else take(X, judged), y[judged]
    if not classes:
        said = np.asarray(model.predict(X), np.float64).reshape(y.shape)
        with np.errstate(over="ignore"):
            loss = np.asarray((said - y) ** 2)
        require(
            bool((loss < LARGEST).all()),
            f"squared errors must be below {LARGEST:g}, and not NaN; the largest target is "
            f"{np.abs(y).max():.3g}, the largest prediction {np.abs(said).max():.3g}. Remove fill "
            f"values, or scale y.",
        )
        return loss
    known = np.asarray(model.classes_)
    column = np.searchsorted(known, y).clip(max=len(known) - 1)
    p = np.asarray(model.predict_proba(X), np.float64)[np.arange(len(y)), column]
    require(
        not np.isnan(p).any(),
        f"predict_proba of {type(model).__name__} returned NaN for {np.isnan(p).sum()} rows. Fix "
        f"the estimator, or remove these rows.",
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
    """Fit the model to the kept rows and judge others with it: one fold, one task for joblib."""
    model = learn(model, X, y, kept, arguments)
    return model, judge(model, X, y, judged, classes=classes)
