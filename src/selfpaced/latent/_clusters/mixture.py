"""A Gaussian mixture that leaves out outliers."""

import math
import warnings
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from selfpaced._errors import choose, require
from selfpaced._public import public
from selfpaced.age import Background
from selfpaced.chain import Age, Floats, Weighting
from selfpaced.latent._clusters.kmeans import (
    SelfPacedKMeans,
    left_out_hardest_first,
    require_enough_samples,
    require_positive_ints,
)
from selfpaced.latent._search.run import Result
from selfpaced.latent._search.search import NotConverged, Search, Stop
from selfpaced.latent._search.starts import best_of_starts
from selfpaced.weighting import Hard

Labels = NDArray[np.int64]

# The values of covariance_type, as in scikit-learn.
SHAPES = ("full", "tied", "diag", "spherical")
# The logarithm of 2 pi, in the density of a Gaussian.
LN_2PI = math.log(2 * math.pi)
# Added to the count of each component, so that none is 0; scikit-learn adds the same.
MIN_COUNT = 10 * float(np.finfo(np.float64).eps)
# Most rounds of the k-means that a search starts from; it need not converge.
START_ROUNDS = 50
# The error message for a covariance that cannot be inverted.
NOT_POSITIVE_DEFINITE = (
    "The covariance of a component is not positive definite: it holds too few distinct samples. "
    "Use fewer components, scale the columns of X, or raise reg_covar."
)


class Gaussians(NamedTuple):
    """A fitted mixture of K components.

    Args:
        shares: Mixing proportions, shape (K,).
        means: Shape (K, d).
        covariances: In the shape of scikit-learn: (K, d, d), (d, d), (K, d) or (K,).
        factors: The factors U of the precisions P = U U^T, shape (K, d, d) or (d, d); for diagonal
            precisions their square roots, shape (K, d) or (K,).
        joint: ln (share_k N(x_i | k)) of the samples that it was fitted to, shape (n, K).
    """

    shares: Floats
    means: Floats
    covariances: Floats
    factors: Floats
    joint: Floats


@dataclass(frozen=True)
class GaussianModel:
    """Samples X as a mixture of K Gaussians; the latent values are the responsibilities.

    The losses are -ln p(x_i | w) in nats and do not depend on the responsibilities. The fit is the
    M-step, with v_i r_ik in place of r_ik. If the responsibilities are those of the last fit, the
    M-step does not raise sum v_i f_i.

    Args:
        X: Samples, float64, shape (n, d).
        shape: Form of the covariances: "full", "tied", "diag" or "spherical".
        reg_covar: Number added to the variances.
    """

    X: Floats
    shape: str
    reg_covar: float

    @property
    def tolerance(self) -> float:
        """Return 0: the fit is in closed form."""
        return 0.0

    def __len__(self) -> int:
        """Return n."""
        return len(self.X)

    def impute(self, w: Gaussians) -> Floats:
        """Return the responsibilities, shape (n, K)."""
        return responsibilities(w.joint)

    def losses(self, w: Gaussians, h: Floats) -> Floats:
        """Return -ln p(x_i | w), shape (n,)."""
        return -log_sum(w.joint)

    def fit(self, h: Floats, v: Floats, w0: Gaussians | None) -> Gaussians:
        """Return the mixture after the M-step."""
        r = v[:, None] * h
        counts = r.sum(0) + MIN_COUNT
        means = r.T @ self.X / counts[:, None]
        covariances = _covariances(self.X, r, counts, means, self.shape, self.reg_covar)
        factors, shares = _factors(covariances, self.shape), counts / counts.sum()
        joint = np.log(shares) + log_normal(self.X, means, factors, self.shape)
        return Gaussians(shares, means, covariances, factors, joint)

    def regulariser(self, w: Gaussians) -> float:
        """Return 0."""
        return 0.0


def log_sum(joint: Floats) -> Floats:
    """Return ln sum exp over the components, shape (n,)."""
    top = joint.max(axis=1)
    return np.asarray(top + np.log(np.exp(joint - top[:, None]).sum(axis=1)))


def responsibilities(joint: Floats) -> Floats:
    """Return p(k | x), shape (n, K)."""
    return np.exp(joint - log_sum(joint)[:, None])


def mahalanobis(X: Floats, means: Floats, factors: Floats, shape: str) -> Floats:
    """Return squared Mahalanobis distances to each component, shape (n, K)."""
    squared = np.empty((len(X), len(means)))
    for k, mean in enumerate(means):
        u = factors if shape == "tied" else factors[k]
        whitened = (X - mean) @ u if u.ndim == 2 else (X - mean) * u
        squared[:, k] = np.einsum("ij,ij->i", whitened, whitened)
    return squared


def log_normal(X: Floats, means: Floats, factors: Floats, shape: str) -> Floats:
    """Return ln N(x_i | k), shape (n, K)."""
    d = X.shape[1]
    squared = mahalanobis(X, means, factors, shape)
    return np.asarray(half_log_determinant(factors, shape, d) - (d * LN_2PI + squared) / 2)


def half_log_determinant(factors: Floats, shape: str, d: int) -> Floats:
    """Return half the log-determinant of each precision, shape (K,) or ()."""
    if shape == "spherical":
        return np.asarray(d * np.log(factors))
    if shape == "diag":
        return np.asarray(np.log(factors).sum(axis=1))
    return np.asarray(np.log(np.diagonal(factors, axis1=-2, axis2=-1)).sum(axis=-1))


def _covariances(
    X: Floats, r: Floats, counts: Floats, means: Floats, shape: str, reg: float
) -> Floats:
    """Return the weighted covariances, with ``reg`` added to the variances.

    Args:
        X: Samples, shape (n, d).
        r: Weight of each sample in each component, shape (n, K).
        counts: The sums of r, shape (K,).
        means: Shape (K, d).
        shape: Form of the covariances.
        reg: Number added to the variances.

    Returns:
        The covariances in the shape of scikit-learn.
    """
    d = X.shape[1]
    if shape in ("diag", "spherical"):
        variances = r.T @ X**2 / counts[:, None] - means**2 + reg
        return variances if shape == "diag" else variances.mean(axis=1)
    scatter = np.empty((len(means), d, d))
    for k, mean in enumerate(means):
        away = X - mean
        scatter[k] = (r[:, k, None] * away).T @ away
    if shape == "tied":
        return np.asarray(scatter.sum(0) / counts.sum() + reg * np.eye(d))
    return scatter / counts[:, None, None] + reg * np.eye(d)


def _factors(covariances: Floats, shape: str) -> Floats:
    """Return the factors of the precisions, or raise for a covariance that is singular."""
    if shape in ("diag", "spherical"):
        require(bool((covariances > 0).all()), NOT_POSITIVE_DEFINITE)
        return 1 / np.sqrt(covariances)
    try:
        lower = np.linalg.cholesky(covariances)
    except np.linalg.LinAlgError:
        raise ValueError(NOT_POSITIVE_DEFINITE) from None
    return np.swapaxes(np.linalg.inv(lower), -2, -1)


@public("selfpaced.latent")
class SelfPacedGaussianMixture(DensityMixin, BaseEstimator):  # type: ignore[misc]  # sklearn: no types
    r"""A Gaussian mixture fitted by weighted EM; outliers are left out.

    .. math:: \min_{w, v} \sum_i v_i (-\ln p(x_i | w)) + g(v; \lambda)

    The E-step is that of any mixture. The M-step uses :math:`v_i r_{ik}` in place of the
    responsibilities :math:`r_{ik}`. The default age, ``Background``, leaves out a sample if a
    uniform background explains it better than the mixture does. ``age=None`` is plain EM and equals
    scikit-learn's ``GaussianMixture`` up to rounding.

    Args:
        n_components: K.
        covariance_type: "full", "tied", "diag" or "spherical".
        age: How hard a sample may be, in nats. ``Quantile(Constant(0.8))`` keeps a known share;
            None keeps everything.
        weighting: The rule from losses and age to weights. It must allow negative losses, as
            ``Hard`` does.
        n_init: Number of searches. Each starts from the clusters of one ``SelfPacedKMeans``,
            without the samples that it leaves out; without an age, from those of one ``KMeans``.
            The result of highest likelihood is kept.
        max_iter: Most rounds of a search.
        tol: A search ends after two smaller increases in a row of the mean log-likelihood per
            sample, in nats.
        reg_covar: Number added to the variances, which keeps them above 0.
        n_jobs: How many searches run at once, by joblib; it changes no result.
        random_state: Seed or generator of the starts.

    Attributes:
        weights_: Mixing proportions, shape (K,), under the name that scikit-learn uses.
        means_: Shape (K, d).
        covariances_: In the shape of scikit-learn for the covariance type.
        sample_weights_: v, float64, shape (n,); 0 for samples that are left out.
        outliers_: Indices of the samples that are left out, int64, hardest first.
        difficulty_: -ln p(x_i), float64, shape (n,); higher is harder.
        labels_: The likeliest component of each sample, outliers included, int64, shape (n,).
        mixture_: The result as a fitted ``sklearn.mixture.GaussianMixture``.
        history_: One row per M-step of the best search.
        objective_: The sum of ``difficulty_``.
        n_iter_: Number of M-steps of the best search.
        converged_: Whether the search ended before ``max_iter`` rounds.

    Raises:
        ValueError: For settings out of range, fewer samples than components, and components that
            hold too few distinct samples.

    References:
        Kumar, Packer, Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010;
        Banfield, Raftery, *Model-Based Gaussian and Non-Gaussian Clustering*, Biometrics 1993.

    >>> import numpy as np
    >>> random = np.random.default_rng(0)
    >>> X = np.concatenate([random.normal(size=(100, 2)), [[60.0, -60.0]]])
    >>> X[:50] += 9
    >>> model = SelfPacedGaussianMixture(2, random_state=0).fit(X)
    >>> model.outliers_, model.predict([[0, 0]]) == model.predict([[9, 9]])
    (array([100]), array([False]))
    """

    def __init__(  # noqa: PLR0913  # scikit-learn has settings as arguments
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        age: Age | None = Background(),
        weighting: Weighting = Hard(),
        n_init: int = 10,
        max_iter: int = 500,
        tol: float = 1e-5,
        reg_covar: float = 1e-6,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        """Store the settings; ``fit`` checks them."""
        self.n_components, self.covariance_type = n_components, covariance_type
        self.age, self.weighting = age, weighting
        self.n_init, self.max_iter, self.tol = n_init, max_iter, tol
        self.reg_covar, self.n_jobs, self.random_state = reg_covar, n_jobs, random_state

    def fit(self, X: ArrayLike, y: None = None) -> Self:
        """Fit self-paced.

        Args:
            X: Samples of finite numbers, shape (n, d).
            y: Not used.
        """
        rows = self._rows(X)
        random = check_random_state(self.random_state)
        starts = [self._start(rows, random) for _ in range(self.n_init)]
        model = GaussianModel(rows, self.covariance_type, self.reg_covar)
        age = None if self.age is None else self.age.of(rows, self.n_components)
        stop = Stop(self.tol * len(rows), max_outer=self.max_iter)
        search = Search(age=age, weighting=self.weighting, warmup=1, stop=stop, max_inner=1)
        result: Result[Floats, Gaussians] = best_of_starts(
            search, model, starts, self.n_jobs, type(self).__name__
        )
        return self._set(model, result)

    def fit_predict(self, X: ArrayLike, y: None = None) -> Labels:
        """Fit, and return ``labels_``."""
        return np.asarray(self.fit(X).labels_)

    def predict(self, X: ArrayLike) -> Labels:
        """Return the likeliest component of each sample, shape (n,)."""
        return np.asarray(self._fitted().predict(self._read(X)))

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Return p(k | x), shape (n, K)."""
        return np.asarray(self._fitted().predict_proba(self._read(X)))

    def score_samples(self, X: ArrayLike) -> Floats:
        """Return ln p(x), shape (n,); higher is easier."""
        return np.asarray(self._fitted().score_samples(self._read(X)))

    def score(self, X: ArrayLike, y: None = None) -> float:
        """Return the mean of ln p(x)."""
        return float(self.score_samples(X).mean())

    def _rows(self, X: ArrayLike) -> Floats:
        """Return the samples, float64, or raise for samples or settings that are wrong."""
        owner = type(self).__name__
        rows: Floats = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        require_positive_ints(self, ("n_components", "n_init", "max_iter"), owner)
        choose("covariance_type", self.covariance_type, SHAPES)
        for name, value in (("tol", self.tol), ("reg_covar", self.reg_covar)):
            require(0 <= value < math.inf, f"{owner}: {name} must be 0 or more; got {value}.")
        require_enough_samples(rows, self.n_components, owner)
        return rows

    def _start(self, rows: Floats, random: np.random.RandomState) -> Floats:
        """Return responsibilities of 0 or 1 by k-means, shape (n, K).

        With an age k-means is self-paced, and the samples that it leaves out have 0 throughout.
        """
        k = self.n_components
        if self.age is None:
            plain = KMeans(k, n_init=1, random_state=random).fit(rows)
            return np.asarray(np.eye(k)[plain.labels_])
        paced = SelfPacedKMeans(k, n_init=2, max_iter=START_ROUNDS, random_state=random)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotConverged)  # a start need not have converged
            paced.fit(rows)
        return np.asarray(np.eye(k)[paced.labels_] * paced.sample_weights_[:, None])

    def _set(self, model: GaussianModel, result: Result[Floats, Gaussians]) -> Self:
        """Set the attributes from the best result."""
        w = result.w
        self.weights_, self.means_, self.covariances_ = w.shares, w.means, w.covariances
        self.difficulty_ = model.losses(w, result.h)
        self.sample_weights_, self.labels_ = result.v, result.h.argmax(axis=1)
        self.outliers_ = left_out_hardest_first(result.v, self.difficulty_)
        self.history_, self.objective_ = result.history, result.objective
        self.n_iter_, self.converged_ = len(result.history), result.converged
        self.mixture_ = self._mixture(w)
        return self

    def _mixture(self, w: Gaussians) -> GaussianMixture:
        """Return the result as a fitted mixture of scikit-learn."""
        mixture = GaussianMixture(
            self.n_components, covariance_type=self.covariance_type, reg_covar=self.reg_covar
        )
        mixture.weights_, mixture.means_, mixture.covariances_ = w.shares, w.means, w.covariances
        mixture.precisions_cholesky_, mixture.n_features_in_ = w.factors, self.n_features_in_
        if self.covariance_type in ("diag", "spherical"):
            mixture.precisions_ = w.factors**2
        else:
            mixture.precisions_ = w.factors @ np.swapaxes(w.factors, -2, -1)
        mixture.converged_, mixture.n_iter_ = self.converged_, self.n_iter_
        mixture.lower_bound_ = -float(self.difficulty_.mean())
        return mixture

    def _fitted(self) -> GaussianMixture:
        """Return the fitted mixture of scikit-learn, or raise before ``fit``."""
        check_is_fitted(self)
        return self.mixture_

    def _read(self, X: ArrayLike) -> Floats:
        """Return new samples, float64, or raise for those that do not fit."""
        return np.asarray(validate_data(self, X, dtype=np.float64, reset=False))
