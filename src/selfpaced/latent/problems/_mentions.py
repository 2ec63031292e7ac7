"""Noun phrases, clustered by what they name; which of them points at which is latent."""

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
        pairs: 0 where a document has fewer mentions, shape (n, pairs, f).
        there: Which pairs a document has, shape (n, pairs).
        sizes: Mentions of each document, shape (n,).
    """

    pairs: Floats
    there: Links
    sizes: Labels


class Clusters(NamedTuple):
    """Clusters of mentions, with a forest whose trees they are.

    Args:
        labels: Of each mention; -1 where a document has fewer, shape (n, mentions).
        links: Which pairs are edges of the forest, shape (n, pairs).
    """

    labels: Labels
    links: Links


@dataclass(frozen=True)
class Mentions(Structure[Documents, Clusters, Links]):
    r"""Coreference: mentions that name the same thing are one cluster.

    Inputs are n documents: for m mentions an array (m, m, f) with the features of each pair, of
    which i < j is read; f is the same for all. Labels are one array (m,) per document, equal where
    two mentions name the same. A latent value is a spanning forest, a tree per cluster: the links
    that explain it. The joint features are the sum of those of the links, so that a cluster needs
    good links, not good pairs throughout.

    The loss of a guess counts its links, with n mentions and k clusters in the truth:

    .. math:: \Delta(y, \hat h) = n - k - \sum_{(i, j) \in \hat h} l(y, i, j),
        \qquad l = 1 \text{ for a right link, } -r \text{ for a wrong one}

    It is 0 for the true clusters only, and one more for each link that is missing, r more for each
    that is wrong. ``predict`` returns ``Clusters``, whose labels are the places of the first
    mentions.

    The newswire of the paper, MUC-6, is licensed and no part of this; ``made_mentions`` makes
    documents up.

    Args:
        wrong: The r of the paper, what a wrong link costs; above 0.

    Raises:
        ValueError: For a cost out of range, documents of another shape, of several numbers of
            features, with NaN, without mentions or none at all, and labels of another length.

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
        each = [np.asarray(one, np.float64) for one in x]
        require(len(each) > 0, "Mentions: there are no documents. Give at least one.")
        for i, one in enumerate(each):
            require(
                one.ndim == 3 and one.shape[0] == one.shape[1] > 0,
                f"Mentions needs features of pairs, shape (m, m, f), of m > 0 mentions; got shape "
                f"{one.shape} at document {i}.",
            )
            require(
                one.shape[2] == each[0].shape[2],
                f"Mentions: document {i} has {one.shape[2]} features, the first "
                f"{each[0].shape[2]}.",
            )
            require(bool(np.isfinite(one).all()), f"Mentions: document {i} has NaN or infinity.")
        sizes = np.array([len(one) for one in each], dtype=np.int64)
        most = int(sizes.max(initial=0))
        first, second = np.triu_indices(most, 1)
        padded = [np.pad(one, ((0, most - len(one)),) * 2 + ((0, 0),)) for one in each]
        pairs = np.array([one[first, second] for one in padded])
        return Documents(pairs, second < sizes[:, None], sizes)

    def read_labels(self, y: Sequence[ArrayLike] | Clusters) -> Clusters:
        """Return labels with a forest that links each mention to the last of its cluster."""
        if isinstance(y, Clusters):
            return y
        each = [np.unique(np.asarray(one), return_inverse=True)[1] for one in y]
        most = max(map(len, each), default=0)
        labels = np.array([np.pad(one, (0, most - len(one)), constant_values=-1) for one in each])
        same = _same(labels)
        nearness = -np.subtract(*np.triu_indices(most, 1)[::-1]).astype(np.float64)
        return Clusters(labels, forest(np.broadcast_to(nearness, same.shape), same, most))

    def check(self, x: Documents, y: Clusters) -> None:
        """Raise unless each mention has a label."""
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
        return forest(x.pairs @ w, _same(y.labels), y.labels.shape[1])

    def most_violated(self, w: Floats, x: Documents, y: Clusters) -> Guess[Clusters, Links]:
        """Return the forest with the most of loss and score: the loss is a sum over its links."""
        return self._best(x.pairs @ w + np.where(_same(y.labels), -1.0, self.wrong), x)

    def predict(self, w: Floats, x: Documents) -> Guess[Clusters, Links]:
        """Return the forest with the highest score."""
        return self._best(x.pairs @ w, x)

    def loss(self, y: Clusters, guess: Clusters) -> Floats:
        """Return Delta(y, guess), from its links, shape (n,)."""
        same = _same(y.labels)
        right, wrong = (guess.links & same).sum(axis=1), (guess.links & ~same).sum(axis=1)
        return np.asarray(y.links.sum(axis=1) - right + self.wrong * wrong, np.float64)

    def start(self, x: Documents, y: Clusters, random: np.random.Generator) -> Links:
        """Return a spanning tree of each cluster, of those that random scores give."""
        return forest(random.random(x.there.shape), _same(y.labels), y.labels.shape[1])

    def _best(self, score: Floats, x: Documents) -> Guess[Clusters, Links]:
        """Return the forest with the highest sum of scores: no link is below 0."""
        links = forest(score, x.there & (score > 0), int(x.sizes.max()))
        return Guess(Clusters(clusters(links, x.sizes), links), links)


def pairwise_error(y: Clusters, guess: Clusters) -> Floats:
    """Return the share of pairs of each document that are wrongly together or apart, shape (n,).

    0 where a document has one mention.
    """
    first, second = np.triu_indices(y.labels.shape[1], 1)
    there = (y.labels[:, first] >= 0) & (y.labels[:, second] >= 0)
    wrong = (_same(y.labels) != _same(guess.labels)) & there
    return np.asarray(wrong.sum(axis=1) / np.maximum(1, there.sum(axis=1)))


class Made(NamedTuple):
    """Made documents: ``X, y = made_mentions(...)``.

    Args:
        X: Features of pairs, an array (m, m, f) per document.
        y: Labels, an array (m,) per document.
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
) -> Made:
    """Make documents up whose mentions point at the one before, and at no other.

    A pair has four features: three numbers of mean 2 where a mention follows the last one of the
    same thing, and of mean 0 everywhere else, also within a cluster; and a 1. So most pairs of a
    cluster look like pairs of different things, and links have to be found.

    Args:
        n_documents: How many.
        mentions: At most so many a document, at least half as many.
        things: At most so many clusters a document.
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
        label = random.integers(things, size=m)
        follows = np.zeros((m, m))
        for thing in np.unique(label):
            of = np.flatnonzero(label == thing)
            follows[of[:-1], of[1:]] = 2.0
        signs = (follows + follows.T)[:, :, None] + noise * random.normal(size=(m, m, 3))
        X.append(np.concatenate([signs, np.ones((m, m, 1))], axis=2))
        y.append(label)
    return Made(X, y)


def _same(labels: Labels) -> Links:
    """Return which pairs have the same label, shape (n, pairs)."""
    first, second = np.triu_indices(labels.shape[1], 1)
    return np.asarray((labels[:, first] == labels[:, second]) & (labels[:, first] >= 0))


def forest(score: Floats, allowed: Links, mentions: int) -> Links:
    """Return the spanning forest of the allowed pairs with the highest sum, shape (n, pairs).

    Each group of mentions that allowed pairs connect becomes a tree.

    >>> forest(np.array([[1.0, 3.0, 2.0]]), np.array([[True, True, True]]), 3).tolist()
    [[False, True, True]]
    """
    row, pair = np.nonzero(allowed)
    first, second = (row * mentions + end[pair] for end in np.triu_indices(mentions, 1))
    order = np.argsort(-score[row, pair], kind="stable")
    rank = np.empty(len(order))
    rank[order] = np.arange(1, len(order) + 1)  # costs above 0, which SciPy asks for
    n = len(allowed) * mentions
    tree = minimum_spanning_tree(csr_array((rank, (first, second)), shape=(n, n)))
    chosen = order[tree.data.astype(np.int64) - 1]
    links = np.zeros(allowed.shape, dtype=np.bool_)
    links[row[chosen], pair[chosen]] = True
    return links


def clusters(links: Links, sizes: Labels) -> Labels:
    """Return the place of the first mention of each mention's tree, shape (n, mentions).

    >>> clusters(np.array([[False, True, False]]), np.array([3])).tolist()  # 0 and 2 are linked
    [[0, 1, 0]]
    """
    mentions = int(sizes.max())
    row, pair = np.nonzero(links)
    first, second = (row * mentions + end[pair] for end in np.triu_indices(mentions, 1))
    n = len(sizes) * mentions
    graph = csr_array((np.ones(len(row)), (first, second)), shape=(n, n))
    _, begin, tree = np.unique(
        connected_components(graph, directed=False)[1], return_index=True, return_inverse=True
    )
    labels = (begin[tree] % mentions).reshape(-1, mentions)
    return np.where(np.arange(mentions) < sizes[:, None], labels, -1)
