"""Multiple-instance learning as estimators for scikit-learn: bags have labels, instances have none.

A bag is positive if at least one of its instances is. ``MISVM`` learns one instance of each
positive bag, its witness; ``miSVM`` learns all instances. The choice of the witness and the labels
of the instances are latent.
"""

from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from selfpaced._errors import require, require_positive_int
from selfpaced._public import public
from selfpaced.chain import Floats
from selfpaced.latent._bags.bags import Bags, GivenBags, Indices, Instances, bags_of, stacked
from selfpaced.latent._bags.models import InstanceLabels, InstanceSVM, Witnesses
from selfpaced.latent._search.search import Search
from selfpaced.latent._search.starts import restarts

__all__ = ["MISVM", "Bags", "bags_of", "miSVM"]


class BagClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # sklearn: no types
    """The common base of both estimators; a subclass sets ``model``, its latent model."""

    model: ClassVar[type[InstanceSVM]]

    def __init__(
        self,
        C: float = 1.0,
        *,
        features: Any = None,  # any transformer of scikit-learn
        search: Search | None = None,
        n_init: int = 1,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        """Store the settings; ``fit`` checks them."""
        self.C = C
        self.features = features
        self.search = search
        self.n_init = n_init
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: GivenBags, y: ArrayLike) -> Self:
        """Fit to bags.

        Args:
            X: n bags, each an array of instances of shape (m_i, d): a list, an object array, or one
                array of shape (n, m, d).
            y: One label per bag, shape (n,), of two kinds; the greater label is the positive one.

        Returns:
            The fitted estimator.

        Raises:
            TypeError: If n_init is not an int.
            ValueError: For bags that are empty, differ in their number of columns or have values
                that are not finite, for labels that are not of two kinds or not one per bag, and
                for C or n_init out of range.
        """
        name = type(self).__name__
        require(0 < self.C < np.inf, f"{name}: C must be above 0; got {self.C}.")
        require_positive_int("n_init", self.n_init, name)
        instances = stacked(X, name)
        side = self._sides(y, len(instances.sizes))
        self.n_features_in_ = instances.x.shape[1]
        self.features_ = StandardScaler() if self.features is None else clone(self.features)
        x = np.asarray(self.features_.fit_transform(instances.x), np.float64)
        self._learn(self.model(instances._replace(x=x), side, self.C))
        return self

    def decision_function(self, X: GivenBags) -> Floats:
        """Return the highest score of each bag's instances, shape (n,); above 0 for positive."""
        bags, score = self._scored(X)
        return np.asarray(np.maximum.reduceat(score, bags.starts))

    def predict(self, X: GivenBags) -> NDArray[Any]:
        """Return the label of each bag, shape (n,)."""
        return np.asarray(self.classes_[(self.decision_function(X) > 0).astype(int)])

    def instance_scores(self, X: GivenBags) -> list[Floats]:
        """Return the score of each instance, an array of shape (m_i,) per bag."""
        bags, score = self._scored(X)
        return bags.split(score)

    def __sklearn_tags__(self) -> Any:  # sklearn has no types
        """Return the tags: a classifier of two labels whose X is not a matrix."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    def _sides(self, y: ArrayLike, n: int) -> Indices:
        """Set ``classes_``, and return -1 or +1 per bag, shape (n,)."""
        labels, name = column_or_1d(y), type(self).__name__
        require(
            len(labels) == n,
            f"{name}: y must have one label per bag; got {len(labels)} labels for {n} bags.",
        )
        check_classification_targets(labels)
        self.classes_ = np.unique(labels)
        require(
            len(self.classes_) == 2,
            f"{name} needs two different labels; y has {len(self.classes_)}: "
            f"{self.classes_[:5].tolist()}.",
        )
        return np.where(labels == self.classes_[1], 1, -1)

    def _learn(self, model: InstanceSVM) -> None:
        """Search from each start, and set the attributes from the best result."""
        random = check_random_state(self.random_state)
        starts = [model.first(), *(model.drawn(random) for _ in range(self.n_init - 1))]
        columns = {"group": torch.from_numpy((model.side > 0).astype(np.int64))}
        search = Search(age=None) if self.search is None else self.search
        best = restarts(search, model, starts, columns=columns, n_jobs=self.n_jobs)[0]
        self.coef_, self.intercept_ = best.w[:-1], float(best.w[-1])
        self.weights_ = np.split(best.v, np.cumsum(model.sizes)[:-1])
        self.objective_, self.converged_ = best.objective, best.converged
        self.history_ = best.history
        self._set_latent(model, best.h)

    def _set_latent(self, model: InstanceSVM, h: Indices) -> None:
        """Set the attributes that are made from the latent values."""
        raise NotImplementedError

    def _scored(self, X: GivenBags) -> tuple[Instances, Floats]:
        """Return the instances of new bags, and their scores, shape (N,)."""
        check_is_fitted(self)
        bags = stacked(X, type(self).__name__)
        require(
            bags.x.shape[1] == self.n_features_in_,
            f"{type(self).__name__} was fitted to {self.n_features_in_} columns; got "
            f"{bags.x.shape[1]}.",
        )
        x = np.asarray(self.features_.transform(bags.x), np.float64)
        return bags, x @ self.coef_ + self.intercept_


@public("selfpaced.latent")
class MISVM(BagClassifier):
    r"""MI-SVM: an SVM of one instance of each positive bag and all instances of negative bags.

    .. math:: \min_{w, b, h}\ \tfrac12 |w|^2
        + C \sum_{\text{positive } I} \ell(f(x_{h_I}))
        + C \sum_{\text{negative } I} \sum_{i \in I} \ell(-f(x_i)),
        \qquad \ell(m) = \max(0, 1 - m)^2

    The search alternates between the witnesses h, the instance of highest score in each positive
    bag, and f(x) = w . x + b. The slack is squared, which the paper does not do: the fit is then
    smooth, and exact to C / 1e6.

    With ``search=Search()`` the search is self-paced. Its units are the positive bags and the
    single instances of negative bags; ``Quantile(..., by="group")`` keeps the same share of
    positive and of negative units. On MUSK1 self-paced search predicts worse, so it is not the
    default.

    Args:
        C: Cost of a slack, above 0.
        features: A scikit-learn transformer from instances to features, fitted to all instances;
            None for ``StandardScaler()``. ``make_pipeline(StandardScaler(), Nystroem())`` makes an
            SVM with an RBF kernel, which is exact if ``n_components`` is the number of instances.
        search: How weights are chosen and when the search ends, in the unit of the cost above; None
            for ``Search(age=None)``, the search of the paper.
        n_init: Number of searches. The first starts from the mean of each positive bag, as in the
            paper, the others from random witnesses. The result of lowest objective is kept.
        n_jobs: How many searches run at once; it changes no result.
        random_state: Seed or generator of the random starts; the first start is not random.

    Attributes:
        classes_: The two labels; the second is the positive one.
        coef_, intercept_: w, shape (d,), and b.
        features_: The fitted transformer.
        witnesses_: The index of the witness in each positive bag, -1 for negative bags, shape (n,).
        weights_: The weights v of the last fit, one array per bag, of shape (1,) for a positive bag
            and (m_i,) for a negative one.
        objective_: The cost above, with all weights 1.
        history_: One row per fit.
        converged_: Whether the search ended before its limit of rounds.
        n_features_in_: Number of columns of an instance.

    References:
        Andrews, Tsochantaridis, Hofmann, *Support Vector Machines for Multiple-Instance Learning*,
        NIPS 2002.

    >>> import numpy as np
    >>> random = np.random.default_rng(0)
    >>> X = [random.normal(size=(4, 2)) for _ in range(20)]
    >>> y = np.arange(20) % 2
    >>> for bag in X[1::2]: bag[2] += 5  # one instance of each positive bag
    >>> model = MISVM().fit(X, y)
    >>> model.score(X, y), model.witnesses_[:4].tolist()
    (1.0, [-1, 2, -1, 2])
    """

    model = Witnesses

    def _set_latent(self, model: InstanceSVM, h: Indices) -> None:
        """Set ``witnesses_`` from the rows of the witnesses."""
        side_of_bag = model.side[np.cumsum(model.sizes) - model.sizes]
        self.witnesses_ = np.full(len(side_of_bag), -1)
        self.witnesses_[side_of_bag > 0] = h - model.positive[model.bags.starts]


@public("selfpaced.latent")
class miSVM(BagClassifier):  # the paper's name
    """mi-SVM: an SVM of all instances, which labels the instances of positive bags itself.

    It differs from ``MISVM`` in that every instance has a slack. The instances of negative bags are
    negative. The instances of positive bags have the signs of their scores, and the one of highest
    score in each is positive. The first search starts from the labels of the bags, the others start
    from random labels.

    Args:
        C: Cost of a slack, above 0.
        features: A scikit-learn transformer; None for ``StandardScaler()``.
        search: How weights are chosen and when the search ends; None for ``Search(age=None)``.
        n_init: Number of searches; the result of lowest objective is kept.
        n_jobs: How many searches run at once; it changes no result.
        random_state: Seed or generator of the random starts.

    Attributes:
        instance_labels_: The label of each instance, from ``classes_``: one array (m_i,) per bag.

    The other attributes are those of ``MISVM``, except ``witnesses_``.

    References:
        Andrews, Tsochantaridis, Hofmann, *Support Vector Machines for Multiple-Instance Learning*,
        NIPS 2002.

    >>> import numpy as np
    >>> X = [np.array([[0.0], [3.0]]), np.array([[0.2], [-0.1]]), np.array([[2.9], [3.1]])]
    >>> [labels.tolist() for labels in miSVM(C=10.0).fit(X, [1, 0, 1]).instance_labels_]
    [[0, 1], [0, 0], [1, 1]]
    """

    model = InstanceLabels

    def _set_latent(self, model: InstanceSVM, h: Indices) -> None:
        """Set ``instance_labels_`` from the labels -1 and +1 of the rows."""
        self.instance_labels_ = model.instances.split(self.classes_[(h > 0).astype(int)])
