"""Bags of instances: the forms that users pass, and the table that the models read."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from selfpaced._errors import require
from selfpaced._public import public
from selfpaced.chain import Floats

Indices = NDArray[np.int64]
GivenBags = Sequence[ArrayLike] | NDArray[Any]  # a list, an object array, or an array (n, m, d)


@public("selfpaced.latent")
class Bags(NamedTuple):
    """Bags with labels, as ``bags_of`` returns them.

    Args:
        X: One array of instances per bag, each of shape (m_i, d).
        y: One label per bag, shape (n,).
        ids: The ``bag_id`` of each bag, shape (n,).
    """

    X: list[Floats]
    y: NDArray[Any]
    ids: NDArray[Any]


@public("selfpaced.latent")
def bags_of(instances: ArrayLike, bag_id: ArrayLike, bag_label: ArrayLike) -> Bags:
    """Collect the rows of a table into bags, in order of first appearance.

    Args:
        instances: Features, shape (N, d).
        bag_id: The bag of each row, shape (N,); the rows of a bag need not be adjacent.
        bag_label: The label of each row's bag, shape (N,).

    Raises:
        ValueError: For lengths that differ, and for a bag with more than one label.

    >>> X, y, ids = bags_of([[1.0], [2.0], [3.0]], ["b", "a", "b"], [1, 0, 1])
    >>> [bag.tolist() for bag in X], y.tolist(), ids.tolist()
    ([[[1.0], [3.0]], [[2.0]]], [1, 0], ['b', 'a'])
    """
    rows, names, labels = np.asarray(instances), np.asarray(bag_id), np.asarray(bag_label)
    require(
        len(rows) == len(names) == len(labels),
        f"bags_of: instances, bag_id and bag_label must be equally long; got {len(rows)}, "
        f"{len(names)} and {len(labels)}.",
    )
    _, first, bag = np.unique(names, return_index=True, return_inverse=True)
    mixed = np.flatnonzero(labels != labels[first][bag])
    require(
        not len(mixed),
        f"bags_of: all rows of a bag must have the same label; bag {names[mixed[:1]].tolist()} has "
        f"more than one.",
    )
    order = np.argsort(first)
    members = np.split(np.argsort(bag, kind="stable"), np.cumsum(np.bincount(bag))[:-1])
    return Bags([rows[members[b]] for b in order], labels[first[order]], names[first[order]])


class Instances(NamedTuple):
    """The instances of all bags, one below the other.

    Args:
        x: Features, shape (N, d).
        sizes: Number of instances of each bag, shape (n,).
    """

    x: Floats
    sizes: Indices

    @property
    def starts(self) -> Indices:
        """The first row of each bag, shape (n,)."""
        return np.cumsum(self.sizes) - self.sizes

    def split(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """Return values of shape (N,) as one array per bag."""
        return np.split(values, self.starts[1:])


def stacked(X: GivenBags, owner: str) -> Instances:
    """Return the instances of all bags, float64.

    Raises:
        ValueError: If there are no bags, and for bags that are not matrices, are empty, differ in
            their number of columns, or have masked values or values that are not finite.
    """
    _require_no_table_or_mask(X, owner)
    bags = [np.asarray(bag, dtype=np.float64) for bag in X]
    _require_shapes(bags, owner)
    instances = Instances(np.concatenate(bags), np.array([len(bag) for bag in bags]))
    bad = np.flatnonzero(~np.isfinite(instances.x).all(axis=1))
    bag_of_bad = np.searchsorted(instances.starts, bad, side="right") - 1
    require(
        not len(bad),
        f"{owner}: instances must be finite numbers; {len(bad)} are not, the first in bag "
        f"{bag_of_bad[:1].tolist()}. Impute or drop them.",
    )
    return instances


def _require_no_table_or_mask(X: GivenBags, owner: str) -> None:
    """Raise for a table in place of bags, and for bags with masked values."""
    masked = [i for i, bag in enumerate(X) if isinstance(bag, np.ma.MaskedArray) and bag.mask.any()]
    require(
        not masked, f"{owner}: bags must not be masked; got masks in {masked[:5]}. Impute them."
    )
    require(
        not hasattr(X, "columns"),
        f"{owner}: X must be a sequence of bags; got a table. selfpaced.latent.bags_of makes "
        f"bags of a table.",
    )


def _require_shapes(bags: list[Floats], owner: str) -> None:
    """Raise unless there are bags, and each is a matrix with instances and the same columns."""
    require(len(bags) > 0, f"{owner}: X must be a sequence of bags; got none.")
    not_2d = [i for i, bag in enumerate(bags) if bag.ndim != 2]
    require(
        not not_2d,
        f"{owner}: each bag must be an array of instances, shape (m, d); got shape "
        f"{bags[not_2d[0]].shape if not_2d else ()} at bag {not_2d[:1]}. "
        f"selfpaced.latent.bags_of makes bags of a table.",
    )
    empty = [i for i, bag in enumerate(bags) if not len(bag)]
    require(
        not empty, f"{owner}: bags must not be empty; got no instance in {empty[:5]}. Drop them."
    )
    columns = bags[0].shape[1]
    other = [i for i, bag in enumerate(bags) if bag.shape[1] != columns]
    require(
        not other,
        f"{owner}: all bags must have the same columns; bag {other[:1]} has "
        f"{bags[other[0]].shape[1] if other else 0}, the first {columns}.",
    )
