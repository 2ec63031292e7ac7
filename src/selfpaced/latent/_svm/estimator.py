"""The latent structural SVM of the founding paper, for scikit-learn."""

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
from selfpaced.latent._svm.structure import Structure, count
from selfpaced.pacing import Ramp

PATIENT = Search(age=Quantile(Ramp(0.3, 1.0, steps=20)), stop=Stop(0.0))


@public("selfpaced.latent")
class LatentSVM(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Structural SVM with latent variables, margin rescaling, trained self-paced.

        min over w, h, v   |w|^2 / 2 + (C / n) sum_i v_i xi_i(w, h_i) + g(v; age)

    Each fit of w is exact to within ``C * eps``, with a certificate (``gap_``). A search depends on
    its first latent values: ``n_init`` of them, and the lowest objective is kept.

    Args:
        problem: Features, and the argmaxes over labels and latent values.
        C: What the losses count against the regulariser; above 0.
        eps: The precision of a fit, of C; above 0.
        search: How it is trained. None for slower than the paper, from 30 % of the samples to all,
            until nothing changes any more: ``Search(age=Quantile(Ramp(0.3, 1.0, steps=20)),
            stop=Stop(0.0))``. ``Search(stop=Stop(min_outer=2, patience=1))`` is the paper's,
            ``Search(age=None)`` is CCCP.
        n_init: How many starts.
        max_iter: Cutting planes at most in one fit.
        random_state: Of the starts.
        n_jobs: How many starts run at once; it changes no result.

    Attributes:
        coef_: w, shape (d,).
        latent_: The latent values that w prefers, as the problem makes them.
        weights_: v of the last fit, shape (n,).
        slack_: xi, shape (n,), at ``latent_``; lower is easier.
        objective_: |w|^2 / 2 + (C / n) sum xi, with all weights 1.
        gap_: How far the last fit is from its optimum at most.
        history_: One row per inner solve: objectives, kept share, seconds.
        converged_: Whether the search ended by itself.

    Raises:
        TypeError: For what is no problem, and counts that are no ints.
        ValueError: For settings out of range, no samples, and a problem whose answers have the
            wrong shape or are no argmax.

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
        """Keep the settings as they are."""
        self.problem, self.C, self.eps, self.search = problem, C, eps, search
        self.n_init, self.max_iter = n_init, max_iter
        self.random_state, self.n_jobs = random_state, n_jobs

    def fit(
        self, X: Any, y: Any, h: Any = None, *, columns: Mapping[str, Column] | None = None
    ) -> Self:
        """Train.

        Args:
            X: Inputs, n of them.
            y: Labels.
            h: First latent values in place of the problem's own starts; then ``n_init`` is 1.
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
                f"{self.objective_:g}. Leave search at its default, which takes in a share and "
                f"gets out of ties, raise n_init, or give first latent values by fit(X, y, h).",
                NotConverged,
                stacklevel=2,
            )
        return self

    def predict(self, X: Any) -> Any:
        """Return a label per input."""
        return self._guess(X).y

    def predict_latent(self, X: Any) -> Any:
        """Return the latent values that go with the predicted labels."""
        return self._guess(X).h

    def score(self, X: Any, y: Any) -> float:
        """Return 1 less the mean loss: the accuracy where the loss is 0 or 1."""
        guess, y = self.predict(X), self.problem.read_labels(y)
        n, labels = count(guess), count(y)
        require(n == labels, f"LatentSVM.score: there are {n} inputs and {labels} labels.")
        return 1.0 - float(np.mean(self.problem.loss(y, guess)))

    def _guess(self, X: Any) -> Any:
        check_is_fitted(self)
        return self.problem.predict(self.coef_, self.problem.read(X))

    def _model(self, X: Any, y: Any) -> Margin[Any, Any, Any]:
        """Return the model, once settings and data are looked at."""
        if not isinstance(self.problem, Structure):
            raise TypeError(
                f"LatentSVM needs a problem, a Structure such as problems.Motif(); got "
                f"{self.problem!r}. Methods for one sample each are wrapped by OneByOne."
            )
        if not isinstance(self.search, Search | None):
            raise TypeError(f"LatentSVM: search must be a Search or None; got {self.search!r}.")
        for name in ("C", "eps"):
            value = float(getattr(self, name))
            require(0 < value < np.inf, f"LatentSVM: {name} must be above 0; got {value}.")
        for name in ("n_init", "max_iter"):
            require_positive_int(name, getattr(self, name), "LatentSVM")
        x, labels = self.problem.read(X), self.problem.read_labels(y)
        n = count(labels)
        require(n > 0, "LatentSVM: there are no samples. Give at least one of each class.")
        self.problem.check(x, labels)
        return Margin(self.problem, x, labels, n, C=self.C, eps=self.eps, max_iter=self.max_iter)

    def _starts(self, model: Margin[Any, Any, Any], h: Any) -> list[Any]:
        """Return first latent values."""
        if h is not None:
            h = self.problem.read_latent(h)
            require(
                count(h) == len(model),
                f"LatentSVM.fit: there are {len(model)} samples and {count(h)} latent values h.",
            )
            return [h]
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        streams = np.random.default_rng(seed).spawn(self.n_init)
        starts = [self.problem.start(model.x, model.y, stream) for stream in streams]
        for start in starts:
            model.require_each(start, "start")
        return starts
