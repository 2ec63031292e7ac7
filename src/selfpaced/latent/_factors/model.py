"""A factorised matrix as a latent variable model: weighted alternating least squares."""

import warnings
from typing import NamedTuple

import numpy as np
from scipy import sparse

from selfpaced.chain import Floats
from selfpaced.latent._factors.ratings import Indices, Ratings
from selfpaced.latent._search.search import NotConverged

# The smallest tolerance, for tol=0 and for equal ratings: a fit ends when the objective no longer
# falls.
MIN_TOLERANCE = float(np.finfo(np.float64).tiny)
# Most sweeps of one fit.
MAX_SWEEPS = 1000
# Standard deviation of the first item factors. It is small against the deviations of ratings, so
# that the biases are fitted first.
FIRST_DEVIATION = 0.1


class Factors(NamedTuple):
    """Parameters that predict the entry of user i and item j as mean + b_i + c_j + p_i . q_j.

    Args:
        mean: The mean, mu.
        users: p and, in the last column, b; shape (users, k + 1).
        items: q and, in the last column, c; shape (items, k + 1).
    """

    mean: float
    users: Floats
    items: Floats

    def at(self, users: Indices, items: Indices) -> Floats:
        """Return the predicted entries of pairs of user and item, shape (n,)."""
        p, q = self.users[users], self.items[items]
        product = np.einsum("nk,nk->n", p[:, :-1], q[:, :-1])
        return np.asarray(self.mean + p[:, -1] + q[:, -1] + product)


class Side:
    """The entries grouped by one side: the items of each user, or the users of each item.

    Args:
        rows: The user, or the item, of each entry, shape (n,).
        others: The item, or the user, of each entry, shape (n,).
        shape: The number of rows and of others.
    """

    def __init__(self, rows: Indices, others: Indices, shape: tuple[int, int]) -> None:
        """Sort the entries by row."""
        self.order = np.argsort(rows, kind="stable")
        self.others, self.shape = others[self.order], shape
        self.row_ends = np.append(0, np.bincount(rows, minlength=shape[0]).cumsum())

    def solve(self, v: Floats, target: Floats, features: Floats, ridge: float) -> Floats:
        """Return argmin over x of sum v (target - x . features)^2 + ridge |x|^2, row by row.

        Args:
            v: Weights of the entries, shape (n,).
            target: The number that x . features should be, shape (n,).
            features: Features of the other side, shape (others, k).
            ridge: Above 0; a row whose weights are all 0 gets zeros.

        Returns:
            The x of each row, shape (rows, k).
        """
        k = features.shape[1]
        a, b = np.triu_indices(k)
        squares = self._sum(v, features[:, a] * features[:, b])
        normal = np.empty((len(squares), k, k))
        normal[:, a, b] = normal[:, b, a] = squares
        normal[:, range(k), range(k)] += ridge
        moments = self._sum(v * target, features)
        return np.asarray(np.linalg.solve(normal, moments[..., None])[..., 0], dtype=np.float64)

    def _sum(self, weights: Floats, table: Floats) -> Floats:
        """Return, for each row, the weighted sum of the table's rows over its entries."""
        entries = (weights[self.order], self.others, self.row_ends)
        return np.asarray(sparse.csr_array(entries, shape=self.shape) @ table)


class FactorModel:
    """Ratings as a product of factors, plus biases.

        f_ij = (r_ij - mean - b_i - c_j - p_i . q_j)^2,    r = ridge (|p|^2 + |b|^2 + |q|^2 + |c|^2)

    There are no latent values: h is None. A fit alternates between the users given the items, the
    items given the users, and the mean. Each of these steps is an exact least squares solution, so
    that each lowers sum v f + r.

    Args:
        ratings: The entries.
        n_components: k.
        ridge: Weight of the regulariser; above 0.
        seed: Seed of the first item factors.
        tol: A fit ends with a sweep that lowers the objective by this or less, as a share of the
            sum of squares of the ratings around their mean.
    """

    def __init__(
        self,
        ratings: Ratings,
        *,
        n_components: int,
        ridge: float,
        seed: int,
        tol: float,
    ) -> None:
        """Store the settings, and group the entries by both sides."""
        self.ratings, self.n_components, self.ridge = ratings, n_components, ridge
        self.seed, self.tol = seed, tol
        users, items, _, (m, n) = ratings
        self.of_users, self.of_items = Side(users, items, (m, n)), Side(items, users, (n, m))

    @property
    def tolerance(self) -> float:
        """The decrease of the objective at which a fit ends."""
        r = self.ratings.values
        return max(self.tol * float(((r - r.mean()) ** 2).sum()), MIN_TOLERANCE)

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.ratings.values)

    def impute(self, w: Factors) -> None:
        """Return None: there are no latent values."""

    def losses(self, w: Factors, h: None) -> Floats:
        """Return the squared residuals, shape (n,)."""
        return np.square(self._residuals(w))

    def fit(self, h: None, v: Floats, w0: Factors | None) -> Factors:
        """Return the factors after sweeps from the last fit, or from small random factors.

        After 1,000 sweeps it returns the last factors, with a ``NotConverged`` warning.
        """
        w = self._start(v) if w0 is None else w0
        last = np.inf if w0 is None else self._objective(w, v)
        for _ in range(MAX_SWEEPS):
            w = self._swept(w, v)
            now = self._objective(w, v)
            if last - now <= self.tolerance:
                return w
            last = now
        warnings.warn(
            f"SelfPacedFactorisation: {MAX_SWEEPS} sweeps were not enough for one fit. Raise tol "
            f"({self.tol:g}) or regularisation.",
            NotConverged,
            stacklevel=2,
        )
        return w

    def regulariser(self, w: Factors) -> float:
        """Return the ridge times the sum of squares of all parameters except the mean."""
        return self.ridge * float(np.square(w.users).sum() + np.square(w.items).sum())

    def _start(self, v: Floats) -> Factors:
        """Return the weighted mean, small random item factors, and zeros for all others."""
        (m, n), k = self.ratings.shape, self.n_components
        items = np.random.default_rng(self.seed).normal(0.0, FIRST_DEVIATION, (n, k + 1))
        items[:, -1] = 0.0
        mean = float(np.average(self.ratings.values, weights=v))
        return Factors(mean, np.zeros((m, k + 1)), items)

    def _swept(self, w: Factors, v: Floats) -> Factors:
        """Return the factors after one sweep: users, items, mean."""
        i, j, r, _ = self.ratings
        users = self.of_users.solve(v, r - w.mean - w.items[j, -1], _with_one(w.items), self.ridge)
        items = self.of_items.solve(v, r - w.mean - users[i, -1], _with_one(users), self.ridge)
        swept = Factors(w.mean, users, items)
        return swept._replace(mean=w.mean + float(np.average(self._residuals(swept), weights=v)))

    def _residuals(self, w: Factors) -> Floats:
        """Return the ratings minus the predicted entries, shape (n,)."""
        i, j, r, _ = self.ratings
        return np.asarray(r - w.at(i, j))

    def _objective(self, w: Factors, v: Floats) -> float:
        """Return r(w) + sum v f."""
        return self.regulariser(w) + float(v @ self.losses(w, None))


def _with_one(x: Floats) -> Floats:
    """Return the factors with 1 in place of the bias: the feature of the other side's bias."""
    return np.concatenate([x[:, :-1], np.ones((len(x), 1))], axis=1)
