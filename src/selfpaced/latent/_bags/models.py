"""Multiple-instance SVMs as latent models.

    min over w, b, h   |w|^2 / 2 + C sum_t max(0, 1 - y_t (w . x_t + b))^2

The terms t are the slacks of the paper. With ``Witnesses`` a positive bag has one term, that of its
witness; with ``InstanceLabels`` it has one per instance. Each instance of a negative bag has one.

A unit of self-pacing is a positive bag, with all its terms, or a single instance of a negative bag.
If the instances of a positive bag were units of their own, the search could leave out the one that
must be positive and keep those labeled negative.
"""

from abc import ABC, abstractmethod

import numpy as np

from selfpaced.chain import Floats
from selfpaced.latent._bags.bags import Indices, Instances
from selfpaced.latent._bags.hinge import least_squared_hinge, squared_hinge

# Precision of a fit, as a share of C.
PRECISION = 1e-6


class InstanceSVM(ABC):
    """The common base: latent values h define which rows are learned, and with which labels.

    Args:
        instances: Features of all instances, with the sizes of the bags.
        side: -1 or +1 per bag, shape (n,).
        C: Cost of a slack, above 0.

    Attributes:
        of_row: -1 or +1 per row, the side of its bag, shape (N,).
        positive: The rows of positive bags, shape (p,).
        bags: The instances of the positive bags alone.
        sizes: Number of units of each bag, shape (n,); units are in the order of the bags.
        side: -1 or +1 per unit, the side of its bag, shape (units,).
        unit: The unit of each row, shape (N,).
    """

    def __init__(self, instances: Instances, side: Indices, C: float) -> None:
        """Number the units."""
        self.instances, self.x = instances, instances.x
        self.C, self.tolerance = C, PRECISION * C
        self.of_row = np.repeat(side, instances.sizes)
        self.positive = np.flatnonzero(self.of_row > 0)
        self.bags = Instances(self.x[self.positive], instances.sizes[side > 0])
        self.sizes = np.where(side > 0, 1, instances.sizes)
        self.side = np.repeat(side, self.sizes)
        first = np.zeros(len(self.x), dtype=np.int64)
        first[instances.starts] = 1
        self.unit = np.cumsum(np.where(self.of_row > 0, first, 1)) - 1

    @abstractmethod
    def learned(self, h: Indices) -> tuple[Indices, Indices]:
        """Return the row and the label, -1 or +1, of each term."""

    @abstractmethod
    def impute(self, w: Floats) -> Indices:
        """Return the latent values of least loss."""

    @abstractmethod
    def first(self) -> Indices:
        """Return the latent values that the paper starts from."""

    @abstractmethod
    def drawn(self, random: np.random.RandomState) -> Indices:
        """Return random latent values."""

    def __len__(self) -> int:
        """Return the number of units."""
        return len(self.side)

    def losses(self, w: Floats, h: Indices) -> Floats:
        """Return the sum of the terms C max(0, 1 - y f(x))^2 of each unit, shape (units,)."""
        rows, y = self.learned(h)
        terms = self.C * squared_hinge(y * scored(self.x[rows], w))
        return np.bincount(self.unit[rows], terms, len(self)).astype(np.float64)

    def fit(self, h: Indices, v: Floats, w0: Floats | None) -> Floats:
        """Return the weights and, last, the intercept, shape (d + 1,)."""
        rows, y = self.learned(h)
        costs = self.C * v[self.unit[rows]]
        return least_squared_hinge(self.x[rows], y, costs, w0, tol=self.tolerance)

    def regulariser(self, w: Floats) -> float:
        """Return |w|^2 / 2, without the intercept."""
        return float(w[:-1] @ w[:-1] / 2)

    def witnesses(self, w: Floats) -> Indices:
        """Return the row of highest score in each positive bag, the first of equal ones."""
        return self.positive[highest(scored(self.bags.x, w), self.bags)]

    def random_rows(self, random: np.random.RandomState) -> Indices:
        """Return a random row of each positive bag."""
        return np.asarray(self.positive[self.bags.starts + random.randint(self.bags.sizes)])


class Witnesses(InstanceSVM):
    """MI-SVM: h is the row of the witness of each positive bag.

    >>> bags = Instances(np.array([[-1.0], [3.0], [0.0], [-2.0]]), np.array([2, 2]))
    >>> model = Witnesses(bags, np.array([1, -1]), C=1.0)  # a positive bag, a negative one
    >>> len(model), model.impute(np.array([1.0, 0.0])).tolist()
    (3, [1])
    >>> model.losses(np.array([1.0, 0.0]), np.array([1])).tolist()
    [0.0, 1.0, 0.0]
    """

    def learned(self, h: Indices) -> tuple[Indices, Indices]:
        """Return the row and the label, -1 or +1, of each term."""
        rows = np.concatenate([h, np.flatnonzero(self.of_row < 0)])
        return rows, self.of_row[rows]

    def impute(self, w: Floats) -> Indices:
        """Return the row of highest score in each positive bag."""
        return self.witnesses(w)

    def first(self) -> Indices:
        """Return the witnesses by an SVM that was fitted to the mean of each positive bag."""
        means = np.add.reduceat(self.bags.x, self.bags.starts) / self.bags.sizes[:, None]
        x = np.concatenate([means, self.x[self.of_row < 0]])
        y = np.where(np.arange(len(x)) < len(means), 1, -1)
        return self.impute(least_squared_hinge(x, y, np.full(len(x), self.C), tol=self.tolerance))

    def drawn(self, random: np.random.RandomState) -> Indices:
        """Return a random instance of each positive bag."""
        return self.random_rows(random)


class InstanceLabels(InstanceSVM):
    """mi-SVM: h is the label, -1 or +1, of each instance.

    >>> bags = Instances(np.array([[-1.0], [-3.0], [1.0], [2.0]]), np.array([2, 2]))
    >>> model = InstanceLabels(bags, np.array([1, -1]), C=1.0)
    >>> model.impute(np.array([1.0, 0.0])).tolist()  # one in the positive bag must be positive
    [1, -1, -1, -1]
    >>> model.losses(np.array([1.0, 0.0]), np.array([1, -1, -1, -1])).tolist()
    [4.0, 4.0, 9.0]
    """

    def learned(self, h: Indices) -> tuple[Indices, Indices]:
        """Return the row and the label, -1 or +1, of each term."""
        return np.arange(len(self.x)), h

    def impute(self, w: Floats) -> Indices:
        """Return the signs of the scores in positive bags, and -1 in negative bags.

        The instance of highest score in a positive bag is always +1. These are the labels of least
        loss: if no score of a bag is above 0, that instance has the least loss as a positive one.
        """
        h = np.where((scored(self.x, w) > 0) & (self.of_row > 0), 1, -1)
        h[self.witnesses(w)] = 1
        return h

    def first(self) -> Indices:
        """Return the label of the bag of each instance."""
        return self.of_row

    def drawn(self, random: np.random.RandomState) -> Indices:
        """Return random labels, with at least one +1 in each positive bag."""
        h = np.where(random.uniform(size=len(self.x)) < 0.5, self.of_row, -1)
        h[self.random_rows(random)] = 1
        return h


def scored(x: Floats, w: Floats) -> Floats:
    """Return w . x + b, shape (n,); b is the last entry of w."""
    return np.asarray(x @ w[:-1] + w[-1])


def highest(score: Floats, bags: Instances) -> Indices:
    """Return the row of the highest score of each bag, the first of equal ones, shape (n,)."""
    bag = np.repeat(np.arange(len(bags.sizes)), bags.sizes)
    return np.lexsort((-score, bag))[bags.starts]
