"""Dates, categories and names of a table as features; the only file that imports skrub."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types
from threadpoolctl import threadpool_limits

# The environment variable that names skrub's folder for data sets, and the folder without it.
FOLDER, USUAL_FOLDER = "SKB_DATA_DIRECTORY", "~/skrub_data"


@contextmanager
def _no_data_folder() -> Iterator[None]:
    """Keep skrub from making its folder for data sets, as it does when it is imported.

    Where it cannot make it, in a home that is missing or read-only, it could not be imported. The
    folder is made as always when skrub first downloads a data set.
    """
    if os.environ.get(FOLDER):  # the user chose one
        yield
        return
    os.environ[FOLDER] = tempfile.gettempdir()
    try:
        yield
    finally:
        del os.environ[FOLDER]
    with suppress(RuntimeError):  # there is no home
        skrub.set_config(data_dir=USUAL_FOLDER)


with _no_data_folder():
    import skrub
    from skrub import StringEncoder, TableVectorizer, ToDatetime


def are_dates(texts: pd.Series) -> bool:
    """Say whether all texts are dates of one format.

    >>> are_dates(pd.Series(["2024-01-31", "2024-02-01"])), are_dates(pd.Series(["2024", "a cat"]))
    (True, False)
    """
    try:
        ToDatetime().fit_transform(texts)
    except ValueError:
        return False
    return True


def learn_columns(frame: pd.DataFrame, names: int) -> Any:
    """Learn how columns of dates, categories and names become features.

    Args:
        frame: The columns.
        names: The number of features of a column of names.
    """
    vectorizer = TableVectorizer(high_cardinality=StringEncoder(n_components=names, random_state=0))
    with warnings.catch_warnings(), threadpool_limits(1):  # the same bits with any threads
        warnings.simplefilter("ignore")  # on few rows, and on dates of an unknown format
        return vectorizer.fit(frame)


def encode_columns(vectorizer: Any, frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return the features of rows, with NaN for gaps.

    Args:
        vectorizer: What ``learn_columns`` returned.
        frame: The same columns; numbers in a column that had text are read as text.

    >>> colours = pd.DataFrame({"colour": ["red", "blue", "red"]})
    >>> encode_columns(learn_columns(colours, names=30), colours).ravel().tolist()
    [1.0, 0.0, 1.0]
    """
    texts = pd.DataFrame({name: _value(frame[name]) for name in frame.columns})
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # on unknown categories, which become zeros
        return np.asarray(vectorizer.transform(texts), np.float64)


def _value(column: pd.Series) -> pd.Series:
    """Return a column of text or times as it is, and a column of numbers as text."""
    if not types.is_numeric_dtype(column.dtype):
        return column
    whole = types.is_float_dtype(column.dtype) and bool((column.dropna() % 1 == 0).all())
    text = (column.astype("Int64") if whole else column).astype(object)
    return text.where(column.notna(), None).map(str, na_action="ignore").astype("str")
