"""The latent structural SVM of the founding paper, as an estimator for scikit-learn."""

import warnings
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from selfpaced._errors import require, require_positive_int
from selfpaced._public import public
from selfpaced.age import Quantile
from selfpaced.latent._search.search import Column, NotConverged, Search, Stop
from selfpaced.latent._search.starts import restarts
from selfpaced.latent._svm.margin import Margin
from selfpaced.latent._svm.structure import Structure, n_samples_of
from selfpaced.pacing import Ramp

# The default search; it is slower than the search of the paper and trains until nothing changes any
# more. docs/latent.md has the comparison by which it was chosen.
PATIENT = Search(age=Quantile(Ramp(0.3, 1.0, steps=20)), stop=Stop(0.0))


@public("selfpaced.latent")
class LatentSVM(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Structural SVM with latent variables, margin rescaling, trained self-paced.

        min over w, h, v   |w|^2 / 2 + (C / n) sum_i v_i xi_i(w, h_i) + g(v; age)

    Each fit of w is exact to within ``C * eps``, with a certificate (``gap_``). The result of a
    search depends on its first latent values. There are ``n_init`` searches, each from other ones;
    the result of lowest objective is kept.

    Args:
        problem: Features, and the argmaxes over labels and latent values.
        C: Weight of the losses against the regulariser; above 0.
        eps: Precision of a fit, as a share of C; above 0.
        search: How to train. None for ``Search(age=Quantile(Ramp(0.3, 1.0, steps=20)),
            stop=Stop(0.0))``: from 30 % of the samples to all, slower than in the paper, until
            nothing changes any more. ``Search(stop=Stop(min_outer=2, patience=1))`` is the search
            of the paper; ``Search(age=None)`` is CCCP.
        n_init: Number of searches.
        max_iter: Most cutting planes in one fit.
        random_state: Seed or generator of the first latent values.
        n_jobs: How many searches run at once; it changes no result.

    Attributes:
        coef_: w, shape (d,).
        latent_: The latent values that w prefers, in the form that the problem returns.
        weights_: v of the last fit, shape (n,).
        slack_: xi, shape (n,), at ``latent_``; lower is easier.
        objective_: |w|^2 / 2 + (C / n) sum xi, with all weights 1.
        gap_: An upper bound on how far the last fit is from its optimum.
        history_: One row per fit: objectives, kept share, seconds.
        converged_: Whether the search ended before its limit of rounds.

    Raises:
        TypeError: If the problem is not a ``Structure``, and for counts that are not ints.
        ValueError: For settings out of range, no samples, and a problem that returns arrays of the
            wrong shape or guesses that are not an argmax.

    References:
        Yu, Joachims, *Learning Structural SVMs with Latent Variables*, ICML 2009. Kumar, Packer,
        Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010.
    """

    def __init__(
        self,
        problem: Structure[Any, Any, Any],
        *,
        C: float = 1.0,
        eps: float = 1e-3,
        search: Search | None = None,
        n_init: int = 1,
        max_iter: int = 5000,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        """Store the settings; ``fit`` checks them."""
        self.problem, self.C, self.eps, self.search = problem, C, eps, search
        self.n_init, self.max_iter = n_init, max_iter
        self.random_state, self.n_jobs = random_state, n_jobs

    def fit(
        self, X: Any, y: Any, h: Any = None, *, columns: Mapping[str, Column] | None = None
    ) -> Self:
        """Fit to n samples.

        Args:
            X: Inputs, as the problem reads them.
            y: Labels, as the problem reads them.
            h: First latent values of a single search, which then replaces the ``n_init`` searches;
                None for those of the problem.
            columns: Per-sample constants that the age reads, each of shape (n,), such as the
                classes for ``Quantile(pacing, by="group")``: ``columns={"group": y}``.
        """
        model = self._model(X, y)
        search = PATIENT if self.search is None else self.search
        starts = self._starts(model, h)
        results = restarts(search, model, starts, columns=columns, n_jobs=self.n_jobs)
        best = results[0]
        self.coef_, self.gap_ = best.w.w, best.w.gap
        self.latent_, self.weights_ = best.h, best.v
        self.objective_, self.history_ = best.objective, best.history
        self.slack_ = model.losses(best.w, best.h) * len(model) / self.C
        self.converged_ = best.converged
        if not self.coef_.any():
            warnings.warn(
                f"LatentSVM found nothing that tells the labels apart: w = 0, the objective is "
                f"{self.objective_:g}. Use search=None, which keeps a share of the samples even if "
                f"all losses are equal, raise n_init, or pass first latent values, fit(X, y, h).",
                NotConverged,
                stacklevel=2,
            )
        return self

    def predict(self, X: Any) -> Any:
        """Return one label per input."""
        return self._guess(X).y

    def predict_latent(self, X: Any) -> Any:
        """Return the latent values that belong to the predicted labels."""
        return self._guess(X).h

    def score(self, X: Any, y: Any) -> float:
        """Return 1 minus the mean loss: the accuracy if each loss is 0 or 1."""
        guess, y = self.predict(X), self.problem.read_labels(y)
        n, labels = n_samples_of(guess), n_samples_of(y)
        require(n == labels, f"LatentSVM.score: there are {n} inputs and {labels} labels.")
        return 1.0 - float(np.mean(self.problem.loss(y, guess)))

    def _guess(self, X: Any) -> Any:
        """Return the labels and latent values of highest score."""
        check_is_fitted(self)
        return self.problem.predict(self.coef_, self.problem.read(X))

    def _model(self, X: Any, y: Any) -> Margin[Any, Any, Any]:
        """Return the latent model of the samples, or raise for settings or data that are wrong."""
        if not isinstance(self.problem, Structure):
            raise TypeError(
                f"LatentSVM needs a problem, a Structure such as problems.Motif(); got "
                f"{self.problem!r}. Wrap methods that take one sample each with OneByOne."
            )
        if not isinstance(self.search, Search | None):
            raise TypeError(f"LatentSVM: search must be a Search or None; got {self.search!r}.")
        for name in ("C", "eps"):
            value = float(getattr(self, name))
            require(0 < value < np.inf, f"LatentSVM: {name} must be above 0; got {value}.")
        for name in ("n_init", "max_iter"):
            require_positive_int(name, getattr(self, name), "LatentSVM")
        x, labels = self.problem.read(X), self.problem.read_labels(y)
        n = n_samples_of(labels)
        require(n > 0, "LatentSVM: there are no samples. Give at least one of each class.")
        self.problem.check(x, labels)
        return Margin(self.problem, x, labels, n, C=self.C, eps=self.eps, max_iter=self.max_iter)

    def _starts(self, model: Margin[Any, Any, Any], h: Any) -> list[Any]:
        """Return the first latent values of each search."""
        if h is not None:
            h, n = self.problem.read_latent(h), len(model)
            require(
                n_samples_of(h) == n,
                f"LatentSVM.fit: there are {n} samples and {n_samples_of(h)} latent values h.",
            )
            return [h]
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        streams = np.random.default_rng(seed).spawn(self.n_init)
        starts = [self.problem.start(model.x, model.y, stream) for stream in streams]
        for start in starts:
            model.require_one_per_sample(start, "start")
        return starts
