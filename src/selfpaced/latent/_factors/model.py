"""A factorised matrix as a latent variable model: weighted alternating least squares."""

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from selfpaced.chain import Floats
from selfpaced.latent._factors.ratings import Ratings
from selfpaced.latent._search.search import NotConverged

Places = NDArray[np.int64]

LEAST = float(np.finfo(np.float64).tiny)  # a tolerance: what does not fall at all is done
SWEEPS = 1000  # of one fit at most
SPREAD = 0.1  # of the first factors: small beside the deviations of ratings, so biases come first


class Factors(NamedTuple):
    """What the entry of user i and item j is near: mean + b_i + c_j + p_i . q_j.

    Args:
        mean: A number.
        users: p and b, side by side, shape (users, k + 1).
        items: q and c, side by side, shape (items, k + 1).
    """

    mean: float
    users: Floats
    items: Floats

    def at(self, users: Places, items: Places) -> Floats:
        """Return the entries at some places, shape (n,)."""
        p, q = self.users[users], self.items[items]
        product = np.einsum("nk,nk->n", p[:, :-1], q[:, :-1])
        return np.asarray(self.mean + p[:, -1] + q[:, -1] + product)


class Side:
    """The entries as the rows of one side see them: for each user the items, or the reverse.

    Args:
        rows: Users, or items, of the entries, shape (n,).
        others: The other side's, shape (n,).
        shape: How many there are of each.
    """

    def __init__(self, rows: Places, others: Places, shape: tuple[int, int]) -> None:
        """Sort the entries by row."""
        self.order = np.argsort(rows, kind="stable")
        self.others, self.shape = others[self.order], shape
        self.ends = np.append(0, np.bincount(rows, minlength=shape[0]).cumsum())

    def solve(self, v: Floats, target: Floats, features: Floats, ridge: float) -> Floats:
        """Return argmin over x of sum v (target - x . features)^2 + ridge |x|^2, row by row.

        Args:
            v: Weights of the entries, shape (n,).
            target: Shape (n,).
            features: Of the other side, shape (others, k).
            ridge: Above 0: a row without weights gets zeros.

        Returns:
            Shape (rows, k).
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
        """Return the weighted sum over the entries of each row of what the other side's have."""
        entries = (weights[self.order], self.others, self.ends)
        return np.asarray(sparse.csr_array(entries, shape=self.shape) @ table)


class FactorModel:
    """Ratings as a product of factors, plus biases.

        f_ij = (r_ij - mean - b_i - c_j - p_i . q_j)^2,    r = ridge (|p|^2 + |b|^2 + |q|^2 + |c|^2)

    Nothing is latent but the weights: h is None, and the fit alternates itself. Users given items,
    and items given users, are exact least squares; so is the mean. Each lowers sum v f + r.

    Args:
        ratings: The entries.
        n_components: k.
        ridge: Above 0.
        seed: Of the items' first factors.
        tol: A sweep that lowers the objective by less ends the fit; a share of the sum of squares
            of the ratings around their mean.
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
        """Sort the entries for both sides."""
        self.ratings, self.n_components, self.ridge = ratings, n_components, ridge
        self.seed, self.tol = seed, tol
        users, items, _, (m, n) = ratings
        self.of_users, self.of_items = Side(users, items, (m, n)), Side(items, users, (n, m))

    @property
    def tolerance(self) -> float:
        """How little a sweep lowers the objective at the end of a fit."""
        r = self.ratings.values
        return max(self.tol * float(((r - r.mean()) ** 2).sum()), LEAST)

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.ratings.values)

    def impute(self, w: Factors) -> None:
        """Return None."""

    def losses(self, w: Factors, h: None) -> Floats:
        """Return the squared residuals, shape (n,)."""
        return np.square(self._residuals(w))

    def fit(self, h: None, v: Floats, w0: Factors | None) -> Factors:
        """Return what sweeps lead to, from the last fit, or from small random factors.

        With a ``NotConverged`` warning after 1,000.
        """
        w = self._start(v) if w0 is None else w0
        last = np.inf if w0 is None else self._objective(w, v)
        for _ in range(SWEEPS):
            w = self._swept(w, v)
            now = self._objective(w, v)
            if last - now <= self.tolerance:
                return w
            last = now
        warnings.warn(
            f"SelfPacedFactorisation: {SWEEPS} sweeps were not enough for one fit. Raise tol "
            f"({self.tol:g}) or regularisation.",
            NotConverged,
            stacklevel=2,
        )
        return w

    def regulariser(self, w: Factors) -> float:
        """Return the ridge times the sum of squares of all but the mean."""
        return self.ridge * float(np.square(w.users).sum() + np.square(w.items).sum())

    def _start(self, v: Floats) -> Factors:
        (m, n), k = self.ratings.shape, self.n_components
        items = np.random.default_rng(self.seed).normal(0.0, SPREAD, (n, k + 1))
        items[:, -1] = 0.0
        return Factors(
            float(np.average(self.ratings.values, weights=v)), np.zeros((m, k + 1)), items
        )

    def _swept(self, w: Factors, v: Floats) -> Factors:
        """Return the factors after one sweep: users, items, mean."""
        i, j, r, _ = self.ratings
        users = self.of_users.solve(v, r - w.mean - w.items[j, -1], _with_one(w.items), self.ridge)
        items = self.of_items.solve(v, r - w.mean - users[i, -1], _with_one(users), self.ridge)
        swept = Factors(w.mean, users, items)
        return swept._replace(mean=w.mean + float(np.average(self._residuals(swept), weights=v)))

    def _residuals(self, w: Factors) -> Floats:
        i, j, r, _ = self.ratings
        return np.asarray(r - w.at(i, j))

    def _objective(self, w: Factors, v: Floats) -> float:
        return self.regulariser(w) + float(v @ self.losses(w, None))


def _with_one(x: Floats) -> Floats:
    """Return the factors with a 1 in the place of the bias: what the other side's bias meets."""
    return np.concatenate([x[:, :-1], np.ones((len(x), 1))], axis=1)
