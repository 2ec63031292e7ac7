"""Coreference of noun phrases: the label is their clusters, the links that explain them latent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from selfpaced._errors import require, require_finite
from selfpaced.chain import Floats
from selfpaced.latent._svm.structure import Guess, Structure

Labels = NDArray[np.int64]
Links = NDArray[np.bool_]


class Documents(NamedTuple):
    """Features of the pairs i < j of mentions, in the order of ``np.triu_indices``.

    Args:
        pairs: Features, 0 for pairs that a document does not have, shape (n, pairs, f).
        there: Which pairs each document has, shape (n, pairs).
        sizes: Number of mentions of each document, shape (n,).
    """

    pairs: Floats
    there: Links
    sizes: Labels


class Clusters(NamedTuple):
    """Clusters of mentions, and a forest with one tree per cluster.

    Args:
        labels: The cluster of each mention, -1 for mentions that a document does not have, shape
            (n, mentions).
        links: Which pairs are edges of the forest, shape (n, pairs).
    """

    labels: Labels
    links: Links


@dataclass(frozen=True)
class Mentions(Structure[Documents, Clusters, Links]):
    r"""Coreference: mentions of the same thing are one cluster.

    Inputs are n documents. A document of m mentions is an array (m, m, f) with the features of each
    pair, of which i < j is read; f is the same for all documents. Labels are one array (m,) per
    document, with equal numbers for mentions of the same thing. A latent value is a spanning
    forest, one tree per cluster, whose edges are called links. The joint features are the sum of
    the features of the links. A cluster therefore needs good links; not all its pairs have to be
    good.

    The loss of a guess counts its links, with n mentions and k clusters in the truth:

    .. math:: \Delta(y, \hat h) = n - k - \sum_{(i, j) \in \hat h} l(y, i, j),
        \qquad l = 1 \text{ for a right link, } -r \text{ for a wrong one}

    It is 0 for the true clusters only. Each missing link adds 1, each wrong link adds r.
    ``predict`` returns ``Clusters``; the label of a mention is the index of the first mention of
    its cluster.

    The newswire of the paper, MUC-6, is licensed and not included.

    Args:
        wrong: The cost r of a wrong link; above 0.

    Raises:
        ValueError: For a cost out of range, no documents, documents of another shape, with
            different numbers of features, with NaN or without mentions, and labels of another
            length.

    References:
        Yu, Joachims, *Learning Structural SVMs with Latent Variables*, ICML 2009, the experiment
        with noun phrase coreference.

    >>> import numpy as np
    >>> near = np.array([[0, 1, -1], [1, 0, 2], [-1, 2, 0]])[:, :, None]  # three mentions
    >>> problem = Mentions()
    >>> labels, links = problem.predict(np.array([1.0]), problem.read([near])).y
    >>> labels.tolist(), links.tolist()  # pairs (0, 1), (0, 2), (1, 2)
    ([[0, 0, 0]], [[True, False, True]])
    """

    wrong: float = 1.0

    def __post_init__(self) -> None:
        """Check the cost."""
        require_finite("wrong", self.wrong, "Mentions")
        require(self.wrong > 0, f"Mentions: wrong must be above 0; got {self.wrong}.")

    def read(self, x: Sequence[ArrayLike]) -> Documents:
        """Return the features of the pairs."""
        documents = [np.asarray(document, np.float64) for document in x]
        _require_documents(documents)
        sizes = np.array([len(document) for document in documents], dtype=np.int64)
        most = int(sizes.max(initial=0))
        first, second = np.triu_indices(most, 1)
        padded = [np.pad(one, ((0, most - len(one)),) * 2 + ((0, 0),)) for one in documents]
        pairs = np.array([one[first, second] for one in padded])
        return Documents(pairs, second < sizes[:, None], sizes)

    def read_labels(self, y: Sequence[ArrayLike] | Clusters) -> Clusters:
        """Return labels with a forest that links each mention to the one before in its cluster."""
        if isinstance(y, Clusters):
            return y
        each = [np.unique(np.asarray(one), return_inverse=True)[1] for one in y]
        most = max(map(len, each), default=0)
        labels = np.array([np.pad(one, (0, most - len(one)), constant_values=-1) for one in each])
        same = _same(labels)
        nearness = -np.subtract(*np.triu_indices(most, 1)[::-1]).astype(np.float64)
        return Clusters(labels, spanning_forest(np.broadcast_to(nearness, same.shape), same, most))

    def check(self, x: Documents, y: Clusters) -> None:
        """Raise unless there is one label per mention."""
        found = (y.labels >= 0).sum(axis=1)
        require(
            len(found) == len(x.sizes),
            f"Mentions: there are {len(x.sizes)} documents and labels for {len(found)}.",
        )
        other = np.flatnonzero(found != x.sizes)
        require(
            not len(other),
            f"Mentions: document {other[:1]} has {x.sizes[other[:1]]} mentions and "
            f"{found[other[:1]]} labels.",
        )

    def features(self, x: Documents, y: Clusters, h: Links) -> Floats:
        """Return the sum of the features of the links, shape (n, f)."""
        return np.asarray(np.einsum("np,npf->nf", h.astype(np.float64), x.pairs))

    def complete(self, w: Floats, x: Documents, y: Clusters) -> Links:
        """Return the spanning tree of highest score of each cluster."""
        return spanning_forest(x.pairs @ w, _same(y.labels), y.labels.shape[1])

    def most_violated(self, w: Floats, x: Documents, y: Clusters) -> Guess[Clusters, Links]:
        """Return the forest with the highest sum of loss and score, both sums over links."""
        return self._best(x.pairs @ w + np.where(_same(y.labels), -1.0, self.wrong), x)

    def predict(self, w: Floats, x: Documents) -> Guess[Clusters, Links]:
        """Return the forest with the highest score."""
        return self._best(x.pairs @ w, x)

    def loss(self, y: Clusters, guess: Clusters) -> Floats:
        """Return Delta(y, guess), computed from the links of the guess, shape (n,)."""
        same = _same(y.labels)
        right, wrong = (guess.links & same).sum(axis=1), (guess.links & ~same).sum(axis=1)
        return np.asarray(y.links.sum(axis=1) - right + self.wrong * wrong, np.float64)

    def start(self, x: Documents, y: Clusters, random: np.random.Generator) -> Links:
        """Return the spanning tree of each cluster with the highest random score."""
        return spanning_forest(random.random(x.there.shape), _same(y.labels), y.labels.shape[1])

    def _best(self, score: Floats, x: Documents) -> Guess[Clusters, Links]:
        """Return the forest with the highest sum of scores; each of its links is above 0."""
        links = spanning_forest(score, x.there & (score > 0), int(x.sizes.max()))
        return Guess(Clusters(first_mentions(links, x.sizes), links), links)


def spanning_forest(score: Floats, allowed: Links, mentions: int) -> Links:
    """Return the spanning forest of allowed pairs with the highest sum of scores, (n, pairs).

    Mentions that are connected by allowed pairs form one tree.

    Args:
        score: Score of each pair, shape (n, pairs).
        allowed: Which pairs may be links, shape (n, pairs).
        mentions: Most mentions of a document.

    >>> allowed = np.array([[True, True, True]])
    >>> spanning_forest(np.array([[1.0, 3.0, 2.0]]), allowed, 3).tolist()
    [[False, True, True]]
    """
    document, pair = np.nonzero(allowed)
    order = np.argsort(-score[document, pair], kind="stable")
    rank = np.empty(len(order))
    rank[order] = np.arange(1, len(order) + 1)  # SciPy takes a cost of 0 for no edge
    tree = minimum_spanning_tree(_graph(rank, document, pair, len(allowed), mentions))
    chosen = order[tree.data.astype(np.int64) - 1]
    links = np.zeros(allowed.shape, dtype=np.bool_)
    links[document[chosen], pair[chosen]] = True
    return links


def first_mentions(links: Links, sizes: Labels) -> Labels:
    """Return the first mention of each mention's tree, shape (n, mentions).

    It is -1 for mentions that a document does not have.

    >>> links = np.array([[False, True, False]])  # 0 and 2 are linked
    >>> first_mentions(links, np.array([3])).tolist()
    [[0, 1, 0]]
    """
    mentions = int(sizes.max())
    document, pair = np.nonzero(links)
    graph = _graph(np.ones(len(document)), document, pair, len(sizes), mentions)
    _, first, tree = np.unique(
        connected_components(graph, directed=False)[1], return_index=True, return_inverse=True
    )
    labels = (first[tree] % mentions).reshape(-1, mentions)
    return np.where(np.arange(mentions) < sizes[:, None], labels, -1)


def pairwise_error(y: Clusters, guess: Clusters) -> Floats:
    """Return the share of each document's pairs that are wrongly together or apart, shape (n,).

    It is 0 for a document of one mention.
    """
    first, second = np.triu_indices(y.labels.shape[1], 1)
    there = (y.labels[:, first] >= 0) & (y.labels[:, second] >= 0)
    wrong = (_same(y.labels) != _same(guess.labels)) & there
    return np.asarray(wrong.sum(axis=1) / np.maximum(1, there.sum(axis=1)))


class MadeDocuments(NamedTuple):
    """Artificial documents: ``X, y = made_mentions(...)``.

    Args:
        X: Features of pairs, one array (m, m, f) per document.
        y: Labels, one array (m,) per document.
    """

    X: list[Floats]
    y: list[Labels]


def made_mentions(
    n_documents: int,
    *,
    mentions: int = 12,
    things: int = 4,
    noise: float = 1.0,
    random_state: int | np.random.Generator | None = None,
) -> MadeDocuments:
    """Make documents in which each mention refers to the last mention of the same thing.

    A pair has four features: three random numbers and a 1. The random numbers have mean 2 if the
    two mentions are successive mentions of the same thing, and mean 0 for all other pairs, also
    within a cluster. Most pairs of a cluster therefore look like pairs of different things, and the
    links have to be found.

    Args:
        n_documents: Number of documents.
        mentions: Most mentions of a document; each has at least half as many.
        things: Most clusters of a document.
        noise: Standard deviation of the three numbers.
        random_state: Seed or generator.

    >>> X, y = made_mentions(2, random_state=0)
    >>> X[0].shape, y[0].tolist()
    ((11, 11, 4), [2, 2, 1, 1, 0, 0, 0, 0, 3, 2, 3])
    """
    random = np.random.default_rng(random_state)
    X, y = [], []
    for _ in range(n_documents):
        m = int(random.integers((mentions + 1) // 2, mentions + 1))
        labels = random.integers(things, size=m)
        follows = np.zeros((m, m))
        for thing in np.unique(labels):
            of_thing = np.flatnonzero(labels == thing)
            follows[of_thing[:-1], of_thing[1:]] = 2.0
        numbers = (follows + follows.T)[:, :, None] + noise * random.normal(size=(m, m, 3))
        X.append(np.concatenate([numbers, np.ones((m, m, 1))], axis=2))
        y.append(labels)
    return MadeDocuments(X, y)


def _require_documents(documents: list[Floats]) -> None:
    """Raise unless there are documents, and each holds finite features of its pairs."""
    require(len(documents) > 0, "Mentions: there are no documents. Give at least one.")
    for i, one in enumerate(documents):
        require(
            one.ndim == 3 and one.shape[0] == one.shape[1] > 0,
            f"Mentions needs features of pairs, shape (m, m, f), of m > 0 mentions; got shape "
            f"{one.shape} at document {i}.",
        )
        require(
            one.shape[2] == documents[0].shape[2],
            f"Mentions: document {i} has {one.shape[2]} features, the first "
            f"{documents[0].shape[2]}.",
        )
        require(bool(np.isfinite(one).all()), f"Mentions: document {i} has NaN or infinity.")


def _same(labels: Labels) -> Links:
    """Return which pairs have the same label, shape (n, pairs)."""
    first, second = np.triu_indices(labels.shape[1], 1)
    return np.asarray((labels[:, first] == labels[:, second]) & (labels[:, first] >= 0))


def _graph(cost: Floats, document: Labels, pair: Labels, n: int, mentions: int) -> csr_array:
    """Return a graph of the mentions of all n documents, with an edge of some cost per pair.

    Args:
        cost: Above 0, shape (edges,).
        document: The document of each edge, shape (edges,).
        pair: The pair of mentions of each edge, shape (edges,).
        n: Number of documents.
        mentions: Most mentions of a document.
    """
    first, second = (document * mentions + end[pair] for end in np.triu_indices(mentions, 1))
    return csr_array((cost, (first, second)), shape=(n * mentions, n * mentions))
