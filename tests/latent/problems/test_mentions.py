from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from selfpaced.chain import Floats
from selfpaced.latent import LatentSVM, Search
from selfpaced.latent.problems import Mentions
from selfpaced.latent.problems._mentions import (
    Clusters,
    first_mentions,
    made_mentions,
    pairwise_error,
    spanning_forest,
)

Edges = tuple[tuple[int, int], ...]


def trees(edges: Edges, m: int) -> list[int] | None:
    """The first mention of each mention's tree; None if the edges have a cycle."""
    tree = list(range(m))
    for i, j in edges:
        if tree[i] == tree[j]:
            return None
        old, new = max(tree[i], tree[j]), min(tree[i], tree[j])
        tree = [new if t == old else t for t in tree]
    return tree


def every_forest(m: int) -> list[Edges]:
    pairs = list(combinations(range(m), 2))
    chosen = (
        tuple(p for p, c in zip(pairs, choice, strict=True) if c)
        for choice in product([False, True], repeat=len(pairs))
    )
    return [edges for edges in chosen if trees(edges, m) is not None]


def edges_of(links: NDArray[np.bool_], most: int) -> Edges:
    first, second = np.triu_indices(most, 1)
    return tuple((int(first[p]), int(second[p])) for p in np.flatnonzero(links))


def sum_of(x: Floats, edges: Edges) -> Floats:
    return np.asarray(sum((x[i, j] for i, j in edges), np.zeros(x.shape[2])))


def delta(y: NDArray[np.int64], edges: Edges, r: float) -> float:
    """The loss by the formula of the paper."""
    right = sum(1.0 if y[i] == y[j] else -r for i, j in edges)
    return len(y) - len(set(y.tolist())) - right


def some(seed: int) -> tuple[list[Floats], list[NDArray[np.int64]], Floats]:
    """Documents of 4, 1 and 3 mentions, labels, and parameters."""
    random = np.random.default_rng(seed)
    X = [random.normal(size=(m, m, 2)) for m in (4, 1, 3)]
    y = [random.integers(3, size=m) for m in (4, 1, 3)]
    return X, y, random.normal(size=2)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("r", [1.0, 0.3])
def test_the_argmaxes_equal_a_search_over_all_forests(seed: int, r: float) -> None:
    X, y, w = some(seed)
    problem = Mentions(wrong=r)
    x, labels = problem.read(X), problem.read_labels(y)
    completed = problem.complete(w, x, labels)
    violated, predicted = problem.most_violated(w, x, labels), problem.predict(w, x)
    for i, (one, truth) in enumerate(zip(X, y, strict=True)):
        m = len(truth)
        forests = every_forest(m)
        score = {edges: float(w @ sum_of(one, edges)) for edges in forests}
        spans = [
            f
            for f in forests
            if delta(truth, f, r) == 0 and all(truth[a] == truth[b] for a, b in f)
        ]
        assert edges_of(completed[i], 4) == max(spans, key=lambda f: score[f])
        assert edges_of(predicted.h[i], 4) == max(forests, key=lambda f: score[f])
        with_loss = {f: score[f] + delta(truth, f, r) for f in forests}
        assert with_loss[edges_of(violated.h[i], 4)] == pytest.approx(max(with_loss.values()))
        assert predicted.y.labels[i].tolist() == (trees(edges_of(predicted.h[i], 4), m) or []) + [
            -1
        ] * (4 - m)


@pytest.mark.parametrize("seed", range(5))
def test_features_and_losses_are_sums_over_links(seed: int) -> None:
    X, y, w = some(seed)
    problem = Mentions(wrong=0.5)
    x, labels = problem.read(X), problem.read_labels(y)
    guess = problem.predict(w, x)
    phi, loss = problem.features(x, guess.y, guess.h), problem.loss(labels, guess.y)
    for i, (one, truth) in enumerate(zip(X, y, strict=True)):
        edges = edges_of(guess.h[i], 4)
        assert phi[i] == pytest.approx(sum_of(one, edges))
        assert loss[i] == pytest.approx(delta(truth, edges, 0.5))


def test_the_loss_is_0_for_the_truth_and_counts_links() -> None:
    problem = Mentions(wrong=0.25)
    truth = problem.read_labels([[7, 7, 7, 2]])
    assert truth.labels.tolist() == [[1, 1, 1, 0]]
    assert edges_of(truth.links[0], 4) == ((0, 1), (1, 2))
    assert problem.loss(truth, truth).tolist() == [0.0]
    apart = Clusters(np.array([[0, 1, 2, 3]]), np.zeros((1, 6), dtype=bool))
    assert problem.loss(truth, apart).tolist() == [2.0]
    # pairs (0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3): one right link, one wrong
    mixed = Clusters(np.array([[0, 1, 0, 1]]), np.array([[False, True, False, False, True, False]]))
    assert problem.loss(truth, mixed).tolist() == [1.25]
    # wrong pairs: 01, 12 and 13 of six
    assert pairwise_error(truth, mixed).tolist() == [0.5]


def test_random_starts_are_spanning_trees_of_the_clusters() -> None:
    X, y = made_mentions(20, random_state=3)
    problem = Mentions()
    x, labels = problem.read(X), problem.read_labels(y)
    first, other = (problem.start(x, labels, np.random.default_rng(seed)) for seed in (0, 1))
    assert (first != other).any()
    for links in (first, other):
        found = Clusters(first_mentions(links, x.sizes), links)
        assert not pairwise_error(labels, found).any()
        assert not problem.loss(labels, found).any()


def test_a_forest_is_spanning_even_if_scores_are_equal_or_below_0() -> None:
    everything = np.ones((1, 3), dtype=bool)
    assert spanning_forest(np.zeros((1, 3)), everything, 3).tolist() == [[True, True, False]]
    assert spanning_forest(np.full((1, 3), -5.0), everything, 3).sum() == 2
    assert not Mentions().predict(np.zeros(1), Mentions().read([np.ones((3, 3, 1))])).h.any()


def test_a_document_of_one_mention_is_one_cluster() -> None:
    problem = Mentions()
    x, y = problem.read([np.ones((1, 1, 2))]), problem.read_labels([[5]])
    guess = problem.predict(np.ones(2), x)
    assert guess.y.labels.tolist() == [[0]]
    assert problem.loss(y, guess.y).tolist() == pairwise_error(y, guess.y).tolist() == [0.0]


@pytest.mark.parametrize("search", [Search(age=None), Search()], ids=["plain", "paced"])
def test_clusters_are_learned_without_labeled_links(search: Search) -> None:
    X, y = made_mentions(30, noise=0.7, random_state=0)
    model = LatentSVM(Mentions(), C=10.0, search=search, random_state=0).fit(X, y)
    others, labels = made_mentions(30, noise=0.7, random_state=1)
    guess = model.predict(others)
    truth = model.problem.read_labels(labels)
    assert pairwise_error(truth, guess).mean() < 0.05
    same_links = (truth.links == guess.links).mean()
    assert same_links > 0.98
    assert (model.coef_[:3] > 0).all() and model.coef_[3] < 0


def test_only_successive_mentions_of_a_cluster_differ_from_other_pairs() -> None:
    X, y = made_mentions(200, mentions=10, things=3, noise=1.0, random_state=0)
    follows: list[float] = []
    same: list[float] = []
    apart: list[float] = []
    for one, labels in zip(X, y, strict=True):
        assert 5 <= len(labels) <= 10 and one.shape == (len(labels), len(labels), 4)
        for i, j in combinations(range(len(labels)), 2):
            last = max((k for k in range(j) if labels[k] == labels[j]), default=None)
            kind = follows if last == i else same if labels[i] == labels[j] else apart
            kind.append(one[i, j, 0])
    assert np.mean(follows) == pytest.approx(2, abs=0.1)
    assert np.mean(same) == pytest.approx(0, abs=0.1) and np.mean(apart) == pytest.approx(
        0, abs=0.1
    )


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([], [], "there are no documents"),
        ([np.zeros((2, 3, 1))], [[0, 1]], r"got shape \(2, 3, 1\) at document 0"),
        ([np.zeros((0, 0, 1))], [[]], r"got shape \(0, 0, 1\) at document 0"),
        ([np.zeros((2, 2, 1)), np.zeros((2, 2, 3))], [[0, 1]] * 2, "has 3 features, the first 1"),
        ([np.full((2, 2, 1), np.nan)], [[0, 1]], "document 0 has NaN or infinity"),
        ([np.zeros((2, 2, 1))], [[0, 1], [0]], "there are 1 documents and labels for 2"),
        ([np.zeros((2, 2, 1))], [[0, 1, 1]], r"document \[0\] has \[2\] mentions and \[3\] labels"),
    ],
)
def test_bad_documents_say_what_to_do(X: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LatentSVM(Mentions()).fit(X, y)


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.inf])
def test_a_wrong_link_must_have_a_cost_above_0(wrong: float) -> None:
    with pytest.raises(ValueError, match="Mentions: wrong must be"):
        Mentions(wrong)
