"""Decision trees as matrices of numbers, and the checks before one is used again.

scikit-learn follows the children of a node, and reads the feature of a node, without a look at
whether they exist. A tree that was read from a file is therefore checked here.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.tree._tree import NODE_DTYPE, Tree

from selfpaced._errors import require

# The largest number of features, of classes and of nodes.
MOST = 2**31 - 1


def matrices(nodes: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the whole numbers of the nodes of a tree, and the others, a row per node.

    >>> nodes = np.array([(1, 2.5), (0, 0.5)], [("left", "u4"), ("threshold", "f8")])
    >>> whole, others = matrices(nodes)
    >>> whole.tolist(), others.tolist()
    ([[1], [0]], [[2.5], [0.5]])
    """
    whole, others = _names(nodes.dtype)
    numbers = np.stack([nodes[name] for name in whole], axis=1)
    require(int(numbers.max(initial=0)) <= MOST, "A tree has too many samples to be saved.")
    return numbers.astype(np.int32), np.stack([nodes[name] for name in others], axis=1)


def nodes_of(whole: NDArray[Any], others: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the nodes that ``matrices`` turned into numbers."""
    nodes = np.zeros(len(whole), dtype)
    for numbers, names in zip((whole, others), _names(dtype), strict=True):
        require(numbers.shape == (len(nodes), len(names)), "The nodes of a tree have other fields.")
        for name, column in zip(names, numbers.T, strict=True):
            nodes[name] = column
    return nodes


def _names(dtype: np.dtype[Any]) -> tuple[list[str], list[str]]:
    """Return the names of the fields of whole numbers, and of the others."""
    names = list(dtype.names or ())
    whole = [name for name in names if dtype[name].kind in "iu"]
    return whole, [name for name in names if name not in whole]


def forest_tree(
    features: int, classes: int, depth: int, nodes: NDArray[Any], values: NDArray[np.float64]
) -> Tree:
    """Return a tree of a forest.

    Args:
        features: The number of features.
        classes: The number of classes.
        depth: The length of the longest path.
        nodes: The nodes, as ``nodes_of`` returns them.
        values: The shares of the classes in each node, shape (nodes, 1, classes).

    Raises:
        ValueError: For nodes that lead out of the tree, and for features that do not exist.
    """
    right = 0 < classes <= MOST and values.shape == (len(nodes), 1, classes)
    require(right, "A tree has no values.")
    inner = nodes["left_child"] != -1
    _require_tree(nodes, inner, ("left_child", "right_child"), nodes["feature"], features)
    tree = Tree(features, np.array([classes], np.intp), 1)
    state = {"max_depth": depth, "node_count": len(nodes), "nodes": nodes, "values": values}
    tree.__setstate__(state)
    return tree


def boosting_tree(nodes: NDArray[Any]) -> TreePredictor:
    """Return a tree of boosting; see ``forest_tree``. The number of features is not known here."""
    require(not nodes["is_categorical"].any(), "A tree has categories.")
    inner = nodes["is_leaf"] == 0
    _require_tree(nodes, inner, ("left", "right"), nodes["feature_idx"], MOST)
    none = np.zeros((0, 8), np.uint32)
    return TreePredictor(nodes, none, none)


def features_of(tree: TreePredictor) -> int:
    """Return the number of features that a tree of boosting needs."""
    inner = tree.nodes["is_leaf"] == 0
    return int(tree.nodes["feature_idx"][inner].max(initial=-1)) + 1


def _require_tree(
    nodes: NDArray[Any],
    inner: NDArray[np.bool],
    children: tuple[str, str],
    feature: NDArray[np.intp],
    features: int,
) -> None:
    """Raise unless the children of each inner node come after it, and its feature exists."""
    require(len(nodes) > 0 and 0 < features <= MOST, "A tree is empty.")
    place = np.flatnonzero(inner)
    for name in children:
        child = nodes[name][place].astype(np.int64)
        require(
            bool(((child > place) & (child < len(nodes))).all()),
            "A node of a tree leads out of it, or back.",
        )
    read = feature[place]
    require(bool(((read >= 0) & (read < features)).all()), "A tree reads a feature without data.")


__all__ = [
    "NODE_DTYPE",
    "PREDICTOR_RECORD_DTYPE",
    "Tree",
    "TreePredictor",
    "boosting_tree",
    "features_of",
    "forest_tree",
    "matrices",
    "nodes_of",
]
