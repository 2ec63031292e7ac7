"""What estimators and rows must have; it is checked before anything is fitted."""

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

# An estimator that has one of these settings grows trees.
TREES = {"n_estimators", "max_leaf_nodes"}


def require_estimator(model: Any, owner: str, *, classes: bool) -> None:
    """Raise for an estimator that cannot be trained self-paced.

    Raises:
        TypeError: For an estimator of the wrong kind, or without a method that is needed.
        ValueError: For settings with which no rows can be left out.
    """
    kind, fits = ("classifier", is_classifier) if classes else ("regressor", is_regressor)
    if isinstance(model, type) or not hasattr(model, "fit") or not fits(model):
        raise TypeError(
            f"{owner} needs a {kind} of scikit-learn, an object; got {model!r}. "
            f"Give none for the default, {'LogisticRegression()' if classes else 'Ridge()'}."
        )
    last = path_to_last(model)[1]
    if not has_fit_parameter(last, "sample_weight"):
        raise TypeError(
            f"{owner} needs an estimator whose fit takes sample_weight; "
            f"{type(last).__name__}'s does not. Use another estimator."
        )
    if classes and not hasattr(model, "predict_proba"):
        raise TypeError(
            f"{owner} reads losses from predict_proba, which {type(last).__name__} lacks. Wrap "
            f"it in CalibratedClassifierCV, or choose settings with which it has predict_proba."
        )
    require(
        not get_tags(model).input_tags.pairwise,
        f"{owner} leaves rows out, but {type(last).__name__} reads a matrix of pairs of rows. Use "
        f"an estimator that reads the rows themselves.",
    )
    require(
        not (has_warm_start(model) and TREES & set(last.get_params())),
        f"{owner}: {type(last).__name__} with warm_start=True never changes the trees that it has "
        f"grown. Use warm_start=False.",
    )


def masses(sample_weight: Any, y: NDArray[Any], owner: str) -> Floats | None:
    """Return the user's ``sample_weight`` as float64, shape (n,); None for None.

    Raises:
        ValueError: For another shape, NaN, negative numbers, and zeros only.
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


def sliceable(X: Any) -> Any:
    """Return X in a form that rows can be selected from."""
    if issparse(X):
        return X.tocsr()
    return np.asarray(X) if hasattr(X, "__array__") and not hasattr(X, "shape") else X


def plain_int(value: Any) -> Any:
    """Return a NumPy int (a grid search gives those) as a Python int; else the value itself."""
    return int(value) if isinstance(value, np.integer) else value


def has_warm_start(model: Any) -> bool:
    """Say whether each fit continues the previous one."""
    return bool(path_to_last(model)[1].get_params().get("warm_start", False))


def path_to_last(model: Any) -> tuple[list[str], Any]:
    """Return the names of the last steps of nested pipelines, and the estimator at the end."""
    path = []
    while isinstance(model, Pipeline):
        name, model = model.steps[-1]
        path.append(name)
    return path, model
