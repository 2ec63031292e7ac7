"""What is asked of estimators and rows, before anything is fitted."""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, get_tags
from sklearn.utils.validation import (
    check_consistent_length,
    check_non_negative,
    has_fit_parameter,
)

from selfpaced._errors import require
from selfpaced.chain import Floats

TREES = {"n_estimators", "max_leaf_nodes"}  # settings of what grows trees


def require_estimator(model: Any, owner: str, *, classes: bool) -> None:
    """Raise for an estimator that cannot be trained so.

    Raises:
        TypeError: For one of another kind, or that lacks what is needed.
        ValueError: For settings that do not go with leaving rows out.
    """
    kind, fits = ("classifier", is_classifier) if classes else ("regressor", is_regressor)
    if isinstance(model, type) or not hasattr(model, "fit") or not fits(model):
        raise TypeError(
            f"{owner} needs a {kind} of scikit-learn, an object; got {model!r}. "
            f"Leave it out for {'LogisticRegression()' if classes else 'Ridge()'}."
        )
    last = way_to_last(model)[1]
    if not has_fit_parameter(last, "sample_weight"):
        raise TypeError(
            f"{owner} needs an estimator whose fit takes sample_weight; "
            f"{type(last).__name__}'s does not."
        )
    if classes and not hasattr(model, "predict_proba"):
        raise TypeError(
            f"{owner} reads losses from predict_proba, which {type(last).__name__} lacks. Wrap "
            f"it in CalibratedClassifierCV, or choose settings that have it."
        )
    require(
        not get_tags(model).input_tags.pairwise,
        f"{owner} leaves rows out, and {type(last).__name__} reads a matrix of pairs of rows. Give "
        f"it the rows themselves.",
    )
    require(
        not (goes_on(model) and TREES & set(last.get_params())),
        f"{owner}: {type(last).__name__} with warm_start=True never changes the trees that it has. "
        f"Use warm_start=False.",
    )


def masses(sample_weight: Any, y: NDArray[Any], owner: str) -> Floats | None:
    """Return the user's ``sample_weight``, float64, shape (n,), or None for none.

    Raises:
        ValueError: For another shape, NaN, negative numbers and nothing but zeros.
    """
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        sample_weight = np.full(len(y), sample_weight)
    mass = np.asarray(
        check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    )
    require(
        mass.ndim == 1,
        f"{owner}: sample_weight must have one number per row, shape (n,); got shape {mass.shape}.",
    )
    check_consistent_length(y, mass)
    check_non_negative(mass, f"{owner}: sample_weight")
    require(bool((mass > 0).any()), f"{owner}: sample_weight must not be zero everywhere.")
    return mass


def readable(X: Any) -> Any:
    """Return X as what rows can be taken of."""
    if issparse(X):
        return X.tocsr()
    return np.asarray(X) if hasattr(X, "__array__") and not hasattr(X, "shape") else X


def plain_int(value: Any) -> Any:
    """Return NumPy's ints as Python's, such as those of a grid."""
    return int(value) if isinstance(value, np.integer) else value


def goes_on(model: Any) -> bool:
    """Say whether each fit goes on from the last one."""
    return bool(way_to_last(model)[1].get_params().get("warm_start", False))


def way_to_last(model: Any) -> tuple[list[str], Any]:
    """Return the names of the last steps of nested pipelines, and the estimator at their end."""
    path = []
    while isinstance(model, Pipeline):
        name, model = model.steps[-1]
        path.append(name)
    return path, model
