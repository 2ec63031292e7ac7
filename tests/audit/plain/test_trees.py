"""Claims about the checks of decision trees: scikit-learn itself follows any number."""

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.tree import DecisionTreeClassifier

from selfpaced.audit._plain.trees import (
    boosting_tree,
    features_of,
    forest_tree,
    matrices,
    nodes_of,
)

ROWS = np.random.default_rng(0).normal(size=(60, 3))
LABELS = (ROWS[:, 1] > 0).astype(int)


def tree() -> Any:
    """Return a fitted tree of a forest."""
    return DecisionTreeClassifier(max_depth=2, random_state=0).fit(ROWS, np.arange(60) % 2).tree_


def again(nodes: Any, features: int = 3) -> Any:
    """Return a tree with these nodes."""
    return forest_tree(features, 2, 2, nodes, tree().__getstate__()["values"])


def test_a_tree_of_a_forest_comes_back() -> None:
    nodes = tree().__getstate__()["nodes"]
    same = nodes_of(*matrices(nodes), nodes.dtype)
    rows = ROWS.astype(np.float32)
    assert (same == nodes).all()
    assert (again(same).predict(rows) == tree().predict(rows)).all()


HARM: list[tuple[str, int, int]] = [
    ("left_child", 0, 10**6),
    ("left_child", 0, -7),
    ("right_child", 0, -1),
    ("right_child", 1, 0),  # back to the root: it would go round for ever
    ("right_child", 1, 1),
    ("feature", 0, 3),
    ("feature", 0, -2),
    ("feature", 0, 2**40),
]


@pytest.mark.parametrize(("field", "node", "value"), HARM)
def test_a_node_that_leads_elsewhere_is_refused(field: str, node: int, value: int) -> None:
    nodes = tree().__getstate__()["nodes"].copy()
    nodes[field][node] = value
    with pytest.raises(ValueError, match="leads out of it, or back|reads a feature without data"):
        again(nodes)


def test_a_tree_without_nodes_or_values_is_refused() -> None:
    nodes = tree().__getstate__()["nodes"]
    with pytest.raises(ValueError, match="A tree has no values"):
        forest_tree(3, 2, 2, nodes, np.zeros((1, 1, 2)))
    with pytest.raises(ValueError, match="A tree is empty"):
        forest_tree(3, 2, 2, nodes[:0], np.zeros((0, 1, 2)))
    with pytest.raises(ValueError, match="A tree is empty"):
        again(nodes, features=0)


def boosted() -> Any:
    """Return the nodes of a fitted tree of boosting."""
    model = HistGradientBoostingClassifier(max_iter=1, min_samples_leaf=5).fit(ROWS, LABELS)
    return model._predictors[0][0].nodes


def test_a_tree_of_boosting_comes_back() -> None:
    nodes = boosted()
    found = boosting_tree(nodes_of(*matrices(nodes), nodes.dtype))
    assert (found.nodes == nodes).all()
    assert features_of(found) == nodes["feature_idx"][nodes["is_leaf"] == 0].max() + 1 <= 3


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("left", 10**6, "leads out of it"),
        ("right", 0, "leads out of it, or back"),
        ("feature_idx", -1, "reads a feature without data"),
        ("is_categorical", 1, "A tree has categories"),
    ],
)
def test_a_node_of_boosting_that_leads_elsewhere_is_refused(
    field: str, value: int, said: str
) -> None:
    nodes = boosted().copy()
    nodes[field][0] = value
    with pytest.raises(ValueError, match=said):
        boosting_tree(nodes)


def test_nodes_with_other_fields_are_refused() -> None:
    whole, others = matrices(boosted())
    with pytest.raises(ValueError, match="The nodes of a tree have other fields"):
        nodes_of(whole[:, 1:], others, boosted().dtype)


def test_more_samples_than_a_column_holds_are_not_saved() -> None:
    nodes = boosted().copy()
    nodes["count"][0] = 2**32 - 1
    with pytest.raises(ValueError, match="too many samples to be saved"):
        matrices(nodes)
