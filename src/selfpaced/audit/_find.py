"""The audits of data in memory: of an array with a label per row, and of a torch dataset."""

import copy
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from selfpaced._errors import choose, require
from selfpaced._sampling.indexed import Indexed
from selfpaced.audit._features.numeric import standard
from selfpaced.audit._learning.aims import Classes, require_classes
from selfpaced.audit._learning.batches import Rows
from selfpaced.audit._learning.choice import choose_models
from selfpaced.audit._learning.committee import Committee, Learner
from selfpaced.audit._learning.estimators import Rounds
from selfpaced.audit._learning.given import Given, probabilities_of
from selfpaced.audit._learning.inputs import Inputs
from selfpaced.audit._learning.machine import ONE_THREAD
from selfpaced.audit._learning.networks import mlp
from selfpaced.audit._learning.settings import (
    BATCH,
    EPOCHS,
    LEARNING_RATE,
    Settings,
    folds_for,
    for_network,
    for_rounds,
)
from selfpaced.audit._learning.trained import Network
from selfpaced.audit._learning.training import Training, Watch
from selfpaced.audit._plan import LEARNERS
from selfpaced.audit._reading.alike.duplicates import copies, hashes_of
from selfpaced.audit._result import Audit, result, result_held_out

# The largest number of positions that an error message lists.
MOST_POSITIONS = 5
# Learning rate for sparse rows: a network memorises them quickly, so it is below LEARNING_RATE.
SPARSE_LEARNING_RATE = 3e-4

Model = nn.Module | Callable[[int, int], nn.Module]


def find_label_errors(  # noqa: PLR0913  # each setting is an argument
    X: Any = None,
    y: ArrayLike | None = None,
    model: Model | None = None,
    *,
    pred_probs: ArrayLike | pd.DataFrame | None = None,
    learner: str = "auto",
    folds: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    seed: int = 0,
    watch: Watch | None = None,
) -> Audit:
    """Find the labels of a classification that are probably wrong, and the class that was meant.

    Several kinds of models are trained self-paced, and each label is judged by models that did not
    learn it. Nothing has to be known about the noise.

    Args:
        X: Numbers, shape (n, features) or with more dimensions; a scipy sparse matrix stays sparse.
        y: Labels of any kind, shape (n,).
        model: A torch module that maps a batch of rows to logits (it is copied), or a function
            that takes the number of features and of classes and returns such a module. Either
            gets the numbers as they are. None: the models of ``learner``, whose features are scaled
            to mean 0 and standard deviation 1 (a sparse X by one factor).
        pred_probs: Probabilities of your own, each row by a model that did not learn its label, as
            in ``find_label_errors(y, pred_probs=p)``: shape (n, classes), classes in the order of
            their names, or a frame with a column for each class. Nothing is trained then, and X and
            all other settings are left out.
        learner: "auto" for a mixture of those models that suit X, or one of "network" (two hidden
            layers of 256 units with dropout, on a GPU if there is one), "logistic", "kernel",
            "boosting" and "trees".
        folds: Each label is judged by models that learned the other folds only. None: 5, or 4 above
            2,000 rows, or 3 above 20,000; for networks 3, or 2 above 20,000. 0: one network learns
            all labels, and judges them by how they were learned.
        epochs: Number of epochs of a network, or of rounds of other models. None: 30 epochs, or
            more for few rows, and 8 rounds.
        batch_size: Rows per batch. None: 32 below 2,000 rows, 512 from 50,000 rows, else 128.
        learning_rate: Learning rate of Adam. None: 0.001, or 0.0003 for a sparse X, whose rows a
            network memorises quickly.
        seed: Seed of the initial weights and of the order of the rows; the same seed gives the
            same result.
        watch: Called after each epoch with its number, ``epochs`` and the kept share.

    Returns:
        The result; its table has a row per row of X.

    Raises:
        ValueError: For shapes that do not match, values that are not finite numbers, missing
            labels, labels with fractions, fewer than two classes, and settings that cannot be
            combined.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["cat", "dog"], 100)
    >>> X = rng.normal(size=(200, 2)) + 6 * (y == "dog")[:, None]
    >>> y[3] = "dog"
    >>> found = find_label_errors(X, y)
    >>> int(found.table.index[0]), found.table["suggested"].iloc[0]
    (3, 'cat')
    """
    if pred_probs is not None:
        asked = (model, folds, epochs, batch_size, learning_rate, watch)
        require(
            (X is None or y is None) and (learner, seed) == ("auto", 0) and asked == (None,) * 6,
            "find_label_errors: with pred_probs=... nothing is trained; leave out X and all "
            "settings, as in find_label_errors(y, pred_probs=p).",
        )
        return _of_probabilities(pred_probs, X if y is None else y)
    if X is None or y is None:
        raise ValueError("find_label_errors needs X and y, or y and pred_probs=....")
    rows, (codes, names) = _rows(X), _codes(y)
    require(
        rows.shape[0] == len(codes),
        f"find_label_errors needs a label per row; got {rows.shape[0]} rows and {len(codes)} "
        f"labels.",
    )
    require_classes(codes, len(codes))
    choose("learner", learner, LEARNERS)
    require(
        learner in ("auto", "network") or (model is None and folds != 0),
        f"find_label_errors: a model=... and folds=0 need a network; learner={learner} is none, "
        f"and always leaves out folds. Leave learner=... out.",
    )
    require(
        learner in ("auto", "network", "logistic") or not sparse.issparse(rows),
        f"find_label_errors: learner={learner} does not read a sparse X. Use learner='logistic', "
        f"or X.toarray().",
    )
    aim, inputs = Classes(len(names)), _inputs(rows, scaled=model is None)
    one = "network" if model is not None or folds == 0 else learner
    choice = choose_models(one, inputs, aim, images=False, alone=True)
    require(
        choice.network or (batch_size is None and learning_rate is None),
        "find_label_errors: batch_size=... and learning_rate=... are settings of networks, and "
        "none is trained on this X. Leave them out, or use learner='network'.",
    )
    n, groups = len(codes), _copies(rows, codes)
    parts: list[Learner] = []
    if choice.kinds:
        rounds = for_rounds(n, epochs=epochs, seed=seed, folds=folds)
        parts.append(Rounds(choice.kinds, inputs, codes, aim, rounds, groups))
    if choice.network:
        if learning_rate is None and sparse.issparse(rows):
            learning_rate = SPARSE_LEARNING_RATE
        settings = for_network(
            n,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
            folds=folds,
            beside=bool(parts),
        )
        network = _learner(model, int(np.prod(rows.shape[1:])), len(names), seed)
        read = inputs.dense if inputs.words is None else inputs.words
        data = Indexed(Rows(read, codes))
        parts.append(Training(data, network, codes, aim, settings, groups=groups))
    small = model is None and n <= ONE_THREAD
    with threadpool_limits(1 if small else None):
        return _concluded(Committee(parts, codes), codes, names, watch)


def _of_probabilities(p: ArrayLike | pd.DataFrame, y: Any) -> Audit:
    """Return the result for probabilities that were given."""
    codes, names = _codes(y)
    require_classes(codes, len(codes))
    given = Given(probabilities_of(p, len(codes), names, "pred_probs"), codes)
    return _concluded(Committee([given], codes), codes, names, None)


def _concluded(
    committee: Committee, codes: Tensor, names: Iterable[Any], watch: Watch | None
) -> Audit:
    """Train to the end and return the result; a network alone is returned as a torch module."""
    committee.run(watch)
    last = committee.parts[-1]
    alone = len(committee.parts) == 1 and isinstance(last, Training)
    model = last.model if alone else committee.mixture(Network)
    if committee.held_out:
        return result_held_out(committee, codes, names, model)
    return result(model, last.pacer, codes, names)


def _learner(model: Model | None, n_features: int, n_classes: int, seed: int) -> nn.Module:
    """Return a copy of the user's model, or a new model whose weights are drawn with the seed."""
    if isinstance(model, nn.Module):
        return copy.deepcopy(model)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if model is not None:
            return model(n_features, n_classes)
        return mlp((n_features,), n_classes).to("cuda" if torch.cuda.is_available() else "cpu")


def _rows(X: Any) -> Any:
    """Return the rows as float64, dense or sparse, or raise if they are not finite numbers."""
    if sparse.issparse(X):
        rows = sparse.csr_array(X, dtype=np.float64)
        values = rows.data
    else:
        try:
            rows = values = np.ascontiguousarray(X, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"find_label_errors expects X to be an array of numbers, shape (n, features); "
                f"{error}. Encode text and categories first, and move tensors to the CPU."
            ) from error
    require(
        rows.ndim >= 2 and min(rows.shape) > 0,
        f"find_label_errors expects rows of features, shape (n, features); got {rows.shape}.",
    )
    bad = int((~(np.abs(values) <= np.finfo(np.float32).max)).sum())
    require(
        bad == 0,
        f"find_label_errors got {bad} NaN or infinite values in X, or beyond float32. Replace "
        f"them, or leave out their rows.",
    )
    return rows


def _codes(y: ArrayLike) -> tuple[Tensor, pd.Index]:
    """Return the labels as int64 codes from 0, and the label that each code stands for."""
    listed = isinstance(y, list | tuple | pd.Series)  # NumPy would turn a missing label into text
    labels = pd.Series(y if listed else np.asarray(y).ravel()).reset_index(drop=True)
    missing = labels.index[labels.isna()]
    require(
        len(missing) == 0,
        f"find_label_errors got {len(missing)} missing labels, at {list(missing[:MOST_POSITIONS])}"
        f". Leave out those rows.",
    )
    require(
        not pd.api.types.is_float_dtype(labels) or bool((labels % 1 == 0).all()),
        "find_label_errors expects classes; these labels are numbers with fractions. Use the "
        "command selfpaced audit for labels that are numbers.",
    )
    codes, names = pd.factorize(labels, sort=True)
    return torch.from_numpy(codes.astype(np.int64)), pd.Index(names)


def _copies(rows: Any, codes: Tensor) -> NDArray[np.int64] | None:
    """Return a number for each row, equal for copies of a row; None without copies."""
    if sparse.issparse(rows):
        rows = rows.sorted_indices()
        ends = list(pairwise(rows.indptr))
        parts = [(rows.indices[a:b].tobytes(), rows.data[a:b].tobytes()) for a, b in ends]
        hashes = pd.factorize(pd.Series(parts))[0].astype(np.uint64)  # equal for equal rows
    else:
        hashes = hashes_of(rows)
    return copies(hashes, codes.numpy())


def _inputs(rows: Any, *, scaled: bool) -> Inputs:
    """Return the rows as learners read them, float32.

    Args:
        rows: Dense or sparse.
        scaled: Whether to scale each dense feature, where a constant one becomes 0, and sparse rows
            by one factor, so that their mean length is 1. Else the numbers stay as they are.
    """
    n = rows.shape[0]
    if sparse.issparse(rows):
        length = np.sqrt(rows.multiply(rows).sum(axis=1)).mean() if scaled else 1.0
        words = sparse.csr_array(rows / (length or 1.0), dtype=np.float32)
        return Inputs(np.empty((n, 0), np.float32), words, only_text=True)
    if not scaled:
        return Inputs(rows.astype(np.float32))
    flat = rows.reshape(n, -1)
    out = np.empty(flat.shape, np.float32)
    standard(flat).apply(flat, out)
    return Inputs(out.reshape(rows.shape))


def audit(  # noqa: PLR0913  # each setting is an argument
    dataset: Any,
    model: nn.Module,
    labels: Tensor | None = None,
    *,
    folds: int | None = None,
    epochs: int = EPOCHS,
    batch_size: int = BATCH,
    learning_rate: float = LEARNING_RATE,
    workers: int = 0,
    seed: int = 0,
    watch: Watch | None = None,
) -> Audit:
    """Train a classifier self-paced and find the labels that are probably wrong.

    Args:
        dataset: A map-style dataset whose items are (input, label); the label is an int from 0.
        model: Maps a batch of inputs to logits, shape (B, C). It is copied, so the argument does
            not change. The training runs on the device that the model is on.
        labels: All labels, int64, shape (n,), used instead of those in the items. None: the labels
            are read from the dataset, item by item.
        folds: Number of copies of the model; each learns all folds but one and judges the labels of
            that fold. None: 3, which take twice the time of one model, or 2 above 20,000 samples,
            which take as long as one. 0: the model itself judges the labels that it learns.
        epochs: Number of epochs; every sample is visited once per epoch.
        batch_size: Samples per batch.
        learning_rate: Learning rate of Adam.
        workers: Number of processes that load data.
        seed: Seed of the order of the samples and of dropout. It does not change the initial
            weights, which are those of ``model``.
        watch: Called after each epoch with its number, ``epochs`` and the kept share.

    Returns:
        The result; its table has a row per sample.

    Raises:
        ValueError: For settings out of range, and for labels that are not classes.
        TypeError: For a dataset that cannot be indexed.

    >>> from torch import nn
    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> x = torch.cat([torch.randn(60, 2) - 4, torch.randn(60, 2) + 4])
    >>> y = torch.arange(120) // 60
    >>> y[7] = 1
    >>> data = torch.utils.data.TensorDataset(x, y)
    >>> found = audit(data, nn.Linear(2, 2), epochs=20, batch_size=16, learning_rate=0.05)
    >>> int(found.table.index[0])
    7
    """
    indexed = Indexed(dataset)
    if folds is None:
        folds = folds_for(len(indexed), network=True)
    settings = Settings(epochs, batch_size, learning_rate, workers, seed, folds)
    labels = _labels_of(indexed) if labels is None else torch.as_tensor(labels)
    n_classes = require_classes(labels, len(indexed))
    training = Training(indexed, copy.deepcopy(model), labels, Classes(n_classes), settings)
    return _concluded(Committee([training], labels), labels.cpu(), range(n_classes), watch)


def _labels_of(dataset: Indexed) -> Tensor:
    """Return the labels of a dataset with items (input, label), int64, shape (n,)."""
    return torch.tensor([int(dataset.dataset[place][1]) for place in range(len(dataset))])
