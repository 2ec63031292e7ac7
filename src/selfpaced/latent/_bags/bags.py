"""Bags of instances: how users give them, and how the models read them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from selfpaced._errors import require
from selfpaced.chain import Floats

Places = NDArray[np.int64]
Given = Sequence[ArrayLike] | NDArray[Any]  # a list of bags, an object array, an array (n, m, d)


class Bags(NamedTuple):
    """Bags with labels: ``X, y, ids = bags_of(...)``.

    Args:
        X: One array of instances per bag, each of shape (m_i, d).
        y: One label per bag, shape (n,).
        ids: What each bag was called, shape (n,).
    """

    X: list[Floats]
    y: NDArray[Any]
    ids: NDArray[Any]


def bags_of(instances: ArrayLike, bag_id: ArrayLike, bag_label: ArrayLike) -> Bags:
    """Collect the rows of a table into bags, in order of first appearance.

    Args:
        instances: Features, shape (N, d).
        bag_id: The bag of each row, shape (N,); rows of a bag need not be neighbours.
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
        f"bags_of: all rows of a bag must have its label; bag {names[mixed[:1]].tolist()} has "
        f"more than one.",
    )
    order = np.argsort(first)
    members = np.split(np.argsort(bag, kind="stable"), np.cumsum(np.bincount(bag))[:-1])
    return Bags([rows[members[b]] for b in order], labels[first[order]], names[first[order]])


class Instances(NamedTuple):
    """The instances of all bags, one below the other.

    Args:
        x: Shape (N, d).
        sizes: Of the bags, shape (n,).
    """

    x: Floats
    sizes: Places

    @property
    def starts(self) -> Places:
        """The first row of each bag, shape (n,)."""
        return np.cumsum(self.sizes) - self.sizes

    def split(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """Return one array per bag of values of shape (N,)."""
        return np.split(values, self.starts[1:])


def stacked(X: Given, owner: str) -> Instances:
    """Return the instances of all bags, float64.

    Raises:
        ValueError: For bags that are no matrices, are empty, differ in their columns, or hold
            numbers that are not finite; for no bags.
    """
    masked = [i for i, bag in enumerate(X) if isinstance(bag, np.ma.MaskedArray) and bag.mask.any()]
    require(
        not masked, f"{owner}: bags must not be masked; got masks in {masked[:5]}. Impute them."
    )
    require(
        not hasattr(X, "columns"),
        f"{owner}: X must be a sequence of bags; got a table. bags_of() makes bags of it.",
    )
    bags = [np.asarray(bag, dtype=np.float64) for bag in X]
    require(len(bags) > 0, f"{owner}: X must be a sequence of bags; got none.")
    flat = [i for i, bag in enumerate(bags) if bag.ndim != 2]
    require(
        not flat,
        f"{owner}: each bag must be an array of instances, shape (m, d); got shape "
        f"{bags[flat[0]].shape if flat else ()} at bag {flat[:1]}. bags_of() makes bags of a table "
        f"of instances.",
    )
    empty = [i for i, bag in enumerate(bags) if not len(bag)]
    require(
        not empty, f"{owner}: bags must not be empty; got no instance in {empty[:5]}. Drop them."
    )
    wide = [i for i, bag in enumerate(bags) if bag.shape[1] != bags[0].shape[1]]
    require(
        not wide,
        f"{owner}: all bags must have the same columns; bag {wide[:1]} has "
        f"{bags[wide[0]].shape[1] if wide else 0}, the first {bags[0].shape[1]}.",
    )
    found = Instances(np.concatenate(bags), np.array([len(bag) for bag in bags]))
    bad = np.flatnonzero(~np.isfinite(found.x).all(axis=1))
    of = np.searchsorted(found.starts, bad, side="right") - 1
    require(
        not len(bad),
        f"{owner}: instances must be finite numbers; {len(bad)} are not, the first in bag "
        f"{of[:1].tolist()}. Impute or drop them.",
    )
    return found
