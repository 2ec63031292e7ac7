"""Searches on a Dask cluster, through joblib, have the result of a search without one."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from dask.distributed import Client, LocalCluster, get_worker
from joblib import parallel_config
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from selfpaced.age import Auto, Quantile
from selfpaced.pacing import Constant
from selfpaced.sklearn import SelfPacedClassifier

Rows = tuple[NDArray[np.float64], NDArray[np.int64]]
AGES = [None, Auto(), Quantile(Constant(0.5))]


class Placed(LogisticRegression):  # type: ignore[misc]  # sklearn has no types
    """Remembers pairs of the worker that fitted it (-1 for none) and the number of rows."""

    at: set[tuple[int, int]]

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        try:
            worker = get_worker().name
        except ValueError:  # outside of a worker
            worker = -1
        self.at.add((worker, len(X)))
        return super().fit(X, y, sample_weight)


@pytest.fixture
def cluster() -> Iterator[None]:
    """Start two workers in this process, and let joblib send its tasks to them."""
    Placed.at = set()
    workers = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with workers, Client(workers), parallel_config(backend="dask"):
        yield


@pytest.mark.parametrize(
    "settings",
    [{}, {"cv": 4, "n_jobs": 2, "random_state": 0}],
    ids=["a grid", "folds within folds"],
)
def test_a_search_on_a_cluster_has_the_result_of_a_local_one(
    blobs: Rows, cluster: None, settings: dict[str, Any]
) -> None:
    search = GridSearchCV(SelfPacedClassifier(Placed(), rounds=3, **settings), {"age": AGES}, cv=2)
    there = clone(search).fit(*blobs)
    learned = 75 if settings else 100  # of 200 rows in two folds, and in four within each
    assert {(0, learned), (1, learned)} & Placed.at
    Placed.at.clear()
    with parallel_config(backend="threading"):
        here = clone(search).fit(*blobs)
    assert {worker for worker, _ in Placed.at} == {-1}
    assert there.best_params_ == here.best_params_
    for fold in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(there.cv_results_[fold], here.cv_results_[fold])
    np.testing.assert_array_equal(
        there.best_estimator_.difficulty_, here.best_estimator_.difficulty_
    )


def test_the_folds_of_one_fit_run_on_the_cluster(blobs: Rows, cluster: None) -> None:
    SelfPacedClassifier(Placed(), age=None, cv=4).fit(*blobs)
    assert Placed.at <= {(0, 150), (1, 150), (-1, 200)}  # the last fit, of all rows, runs here
    assert len(Placed.at) > 1
