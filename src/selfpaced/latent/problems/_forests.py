"""Forests of mentions: which pairs of them are linked, for many documents at once."""

import numpy as np
from numpy.typing import NDArray

try:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
except ImportError as error:
    raise ImportError(
        f"selfpaced.latent.problems._mentions needs SciPy ({error}). "
        f'Install it with: pip install "selfpaced[latent]"'
    ) from error

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Links = NDArray[np.bool_]


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
