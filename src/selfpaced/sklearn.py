"""Self-paced learning around an estimator of scikit-learn: fit, judge all rows, fit the easy ones.

>>> from sklearn.linear_model import LogisticRegression
>>> model = SelfPacedClassifier(LogisticRegression())  # in place of LogisticRegression()
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from selfpaced.age import Age, Auto, Deviations
from selfpaced.coupling import Coupling
from selfpaced.difficulty import Smoothed
from selfpaced.errors import require, require_positive_int
from selfpaced.pacer import Pacer
from selfpaced.rows import Difficulty
from selfpaced.weighting import Hard, Weighting

try:
    from scipy.sparse import issparse
    from sklearn.base import (
        BaseEstimator,
        ClassifierMixin,
        MetaEstimatorMixin,
        RegressorMixin,
        clone,
        is_classifier,
        is_regressor,
    )
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.model_selection import KFold, StratifiedKFold, check_cv
    from sklearn.pipeline import Pipeline
    from sklearn.utils import _safe_indexing as take
    from sklearn.utils import assert_all_finite, check_random_state, get_tags
    from sklearn.utils._metadata_requests import _routing_enabled as routing_enabled
    from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import (
        _check_sample_weight,
        check_consistent_length,
        check_is_fitted,
        column_or_1d,
        has_fit_parameter,
        validate_data,
    )
except ImportError as error:
    raise ImportError(
        f"selfpaced.sklearn needs scikit-learn ({error}). "
        f'Install it with: pip install "selfpaced[sklearn]"'
    ) from error

__all__ = ["SelfPacedClassifier", "SelfPacedRegressor"]

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

TINY = 1e-6  # probability of a label that the model rules out


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows that are fitted, and how their weights are passed on.

    Args:
        X: As the user gave it; sparse ones as CSR.
        y: Shape (n,).
        mass: The user's ``sample_weight``, float64, shape (n,), or None.
        classes: Whether y holds classes, of which each must stay.
        route: Turns weights into the arguments of an estimator's fit.
    """

    X: Any
    y: NDArray[Any]
    mass: Floats | None
    classes: bool
    route: Callable[[Floats], dict[str, Any]]

    @property
    def counts(self) -> Floats:
        """The mass of each row, shape (n,)."""
        return np.ones(len(self.y)) if self.mass is None else self.mass

    def fit(self, model: Any, rows: Places, weight: Floats, loss: Floats) -> None:
        """Fit a model to what is kept of some rows; what is left out is not shown to it."""
        own = (weight * self.counts)[rows]
        require(
            bool((own > 0).any()),
            "all rows are left out: the age is below every difficulty. Begin with a greater one.",
        )
        if self.classes:
            self._keep_each_class(rows, own, loss)
        kept = rows[own > 0]
        own = own[own > 0]
        plain = self.mass is None and bool((own == 1).all())
        X = self.X if len(kept) == len(self.y) else take(self.X, kept)
        model.fit(X, self.y[kept], **({} if plain else self.route(own)))

    def judge(self, model: Any, rows: Places) -> Floats:
        """Return the loss of each row: -ln p of its label, or the squared error."""
        X = self.X if len(rows) == len(self.y) else take(self.X, rows)
        y = self.y[rows]
        if not self.classes:
            return np.asarray((np.asarray(model.predict(X), np.float64) - y) ** 2)
        known = np.asarray(model.classes_)
        column = np.searchsorted(known, y).clip(max=len(known) - 1)
        p = np.asarray(model.predict_proba(X), np.float64)[np.arange(len(y)), column]
        return np.asarray(-np.log(np.where(known[column] == y, p, 0.0).clip(min=TINY)))

    def _keep_each_class(self, rows: Places, own: Floats, loss: Floats) -> None:
        """Let the easiest row of a class that is left out stay: every model knows all classes."""
        counts = self.counts[rows]
        for label in np.unique(self.y[rows][counts > 0]):
            of = np.flatnonzero((self.y[rows] == label) & (counts > 0))
            if not (own[of] > 0).any():
                easiest = of[np.argmin(loss[rows[of]])]
                own[easiest] = counts[easiest]


def _delegates(model: Any, name: str) -> Any:
    """Return a method of the fitted estimator, or of the one to be fitted."""
    fitted = getattr(model, "estimator_", None)
    return getattr(model._template() if fitted is None else fitted, name)


def _says(name: str) -> Callable[[Any], bool]:
    """Return whether the estimator has a method; the check raises its own error if not."""
    return lambda model: _delegates(model, name) is not None


class _SelfPaced(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no types
    """The alternating search; a subclass says what it is of."""

    estimator: Any
    age: Age | None
    rounds: int
    weighting: Weighting
    difficulty: Difficulty
    couple: Coupling | None
    cv: Any
    random_state: Any

    def predict(self, X: Any) -> NDArray[Any]:
        """Return what ``estimator_`` predicts, shape (n,)."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict(X))

    def get_metadata_routing(self) -> MetadataRouter:
        """Return where metadata goes: ``fit`` passes ``sample_weight`` on to the estimator."""
        mapping = MethodMapping().add(caller="fit", callee="fit")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(estimator=self._template(), method_mapping=mapping)

    def __sklearn_tags__(self) -> Any:
        """Return tags: what the estimator can read, this can."""
        tags, inner = super().__sklearn_tags__(), get_tags(self._template())
        for name in ("sparse", "allow_nan", "string", "categorical", "positive_only"):
            setattr(tags.input_tags, name, getattr(inner.input_tags, name))
        tags.non_deterministic = inner.non_deterministic
        for kind, name in (
            ("classifier_tags", "poor_score"),
            ("classifier_tags", "multi_class"),
            ("regressor_tags", "poor_score"),
        ):
            ours, theirs = getattr(tags, kind), getattr(inner, kind)
            if ours is not None and theirs is not None:
                setattr(ours, name, getattr(theirs, name))
        return tags

    def _default(self) -> Any:
        raise NotImplementedError

    def _template(self) -> Any:
        """Return the estimator that is cloned."""
        if self.estimator is not None:
            return self.estimator
        made = self._default()
        return made.set_fit_request(sample_weight=True) if routing_enabled() else made

    def _alternate(
        self, rows: _Rows, columns: dict[str, torch.Tensor], parts: list[tuple[Places, Places]]
    ) -> Self:
        """Fit and judge, round by round, then fit what is easy at the end."""
        template = self._seeded()
        warm = bool(_last(template).get_params().get("warm_start", False))
        pacer = self._pacer(rows, columns)
        everyone = np.arange(len(rows.y))
        models = [clone(template) for _ in parts]
        weight, loss = np.ones(len(everyone)), np.full(len(everyone), np.nan)
        fitted: Floats = np.zeros(0)  # the weights that the models learned from
        for _ in range(self.rounds):
            if warm or not np.array_equal(fitted, weight):
                before = loss.copy()
                for place, (learned, judged) in enumerate(parts):
                    models[place] = models[place] if warm else clone(template)
                    rows.fit(models[place], learned, weight, before)
                    loss[judged] = rows.judge(models[place], judged)
                fitted = weight
            seen = np.flatnonzero((rows.counts > 0) & ~np.isnan(loss))
            pacer.observe(torch.from_numpy(loss[seen]), torch.from_numpy(seen))
            pacer.step()
            weight = pacer.weight.double().numpy().copy()
        learned_all = self.cv is None
        done = learned_all and not warm and np.array_equal(fitted, weight)
        self.estimator_ = models[0] if learned_all and (warm or done) else clone(template)
        if not done:
            rows.fit(self.estimator_, everyone, weight, loss)
        return self._remember(pacer, np.where(rows.counts > 0, weight, 0.0))

    def _pacer(self, rows: _Rows, columns: dict[str, torch.Tensor]) -> Pacer:
        if rows.mass is not None:
            columns = columns | {"sample_weight": torch.from_numpy(rows.mass).float()}
        return Pacer(
            len(rows.y),
            weighting=self.weighting,
            age=_ending(self.age, self.rounds),
            difficulty=self.difficulty,
            couple=self.couple,
            columns=columns,
            decide="step",
        )

    def _remember(self, pacer: Pacer, weight: Floats) -> Self:
        """Set what a user reads of the search."""
        seen, population = pacer.ledger.population(pacer.difficulty)
        self.weights_ = weight
        self.difficulty_ = np.full(len(weight), np.nan)
        self.difficulty_[seen.numpy()] = population.difficulty.numpy()
        self.suspects_ = pacer.suspects(len(weight)).numpy()
        self.history_ = list(pacer.history)
        self.n_rounds_ = pacer.steps
        if hasattr(self.estimator_, "n_features_in_"):
            self.n_features_in_ = self.estimator_.n_features_in_
        return self

    def _rows(self, X: Any, y: NDArray[Any], sample_weight: Any, *, classes: bool) -> _Rows:
        """Look at settings and rows before anything is fitted."""
        owner = type(self).__name__
        require_positive_int("rounds", _as_int(self.rounds), owner)
        _require_estimator(self._template(), owner, classes=classes)
        check_consistent_length(X, y)
        validate_data(self, X, skip_check_array=True)
        mass = None
        if sample_weight is not None:
            mass = _check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
            require(bool((mass > 0).any()), f"{owner}: sample_weight must not be zero everywhere.")
        return _Rows(_readable(X), y, mass, classes, self._route)

    def _route(self, weight: Floats) -> dict[str, Any]:
        """Return weights under the name by which the estimator's fit takes them."""
        if routing_enabled():
            return dict(process_routing(self, "fit", sample_weight=weight).estimator.fit)
        path, _ = _way_to_last(self._template())
        return {"__".join([*path, "sample_weight"]): weight}

    def _parts(self, rows: _Rows) -> list[tuple[Places, Places]]:
        """Return which rows learn and which are judged: all of them, or fold by fold."""
        everyone = np.arange(len(rows.y))
        if self.cv is None:
            return [(everyone, everyone)]
        cv = _as_int(self.cv)
        if isinstance(cv, int):
            seed = self.random_state
            kind = StratifiedKFold if rows.classes else KFold
            cv = kind(cv, shuffle=True, random_state=seed)
        folds = check_cv(cv, rows.y, classifier=rows.classes).split(rows.X, rows.y)
        return [(everyone[learned], everyone[judged]) for learned, judged in folds]

    def _seeded(self) -> Any:
        """Return a clone of the estimator whose unset ``random_state`` follow this one's."""
        made = clone(self._template())
        if self.random_state is None:
            return made
        random = check_random_state(self.random_state)
        seeds = {
            name: random.randint(np.iinfo(np.int32).max)
            for name, value in sorted(made.get_params().items(), key=lambda item: item[0])
            if (name == "random_state" or name.endswith("__random_state")) and value is None
        }
        return made.set_params(**seeds)


def _ending(age: Age | None, rounds: int) -> Age | None:
    """Return an age without a probe that the last round would fall into: the last fit is kept."""
    if isinstance(age, Auto) and rounds < max(age.probe_at, age.warmup) + age.probe:
        return replace(age, probe=0)
    return age


def _readable(X: Any) -> Any:
    """Return X as what rows can be taken of."""
    if issparse(X):
        return X.tocsr()
    return np.asarray(X) if hasattr(X, "__array__") and not hasattr(X, "shape") else X


def _as_int(value: Any) -> Any:
    """Return NumPy's ints as Python's, such as those of a grid."""
    return int(value) if isinstance(value, np.integer) else value


def _last(model: Any) -> Any:
    """Return the estimator at the end of a pipeline, or the estimator itself."""
    return _way_to_last(model)[1]


def _way_to_last(model: Any) -> tuple[list[str], Any]:
    """Return the names of the last steps of nested pipelines, and the estimator at their end."""
    path = []
    while isinstance(model, Pipeline):
        name, model = model.steps[-1]
        path.append(name)
    return path, model


def _require_estimator(model: Any, owner: str, *, classes: bool) -> None:
    """Raise for an estimator that cannot be trained so."""
    kind, fits = ("classifier", is_classifier) if classes else ("regressor", is_regressor)
    if isinstance(model, type) or not hasattr(model, "fit") or not fits(model):
        raise TypeError(
            f"{owner} needs a {kind} of scikit-learn, an object; got {model!r}. "
            f"Leave it out for {'LogisticRegression()' if classes else 'Ridge()'}."
        )
    last = _last(model)
    if not has_fit_parameter(last, "sample_weight"):
        raise TypeError(
            f"{owner} needs an estimator whose fit takes sample_weight; "
            f"{type(last).__name__}'s does not."
        )
    if classes and not hasattr(model, "predict_proba"):
        raise TypeError(
            f"{owner} reads losses from predict_proba, which {type(last).__name__} lacks. Wrap "
            f"it in CalibratedClassifierCV, or choose settings that have it."
        )
    require(
        not get_tags(model).input_tags.pairwise,
        f"{owner} leaves rows out, and {type(last).__name__} reads a matrix of pairs of rows. Give "
        f"it the rows themselves.",
    )
    warm = bool(last.get_params().get("warm_start", False))
    boosting = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
    require(
        not (warm and (hasattr(last, "n_estimators") or isinstance(last, boosting))),
        f"{owner}: {type(last).__name__} with warm_start=True never changes the trees that it has. "
        f"Use warm_start=False.",
    )


class SelfPacedClassifier(ClassifierMixin, _SelfPaced):  # type: ignore[misc]  # sklearn: no types
    r"""Fit a classifier to what is easy: labels that it contradicts are left out.

    Alternates, as Kumar, Packer and Koller (2010) do, between a fit with weights v and the weights
    of that fit's losses :math:`l_i = -\ln p(y_i | x_i)`; with the default, ``Hard``:

    .. math:: \min_w r(w) + \sum_i v_i s_i l_i(w), \qquad v_i = [\bar l_i < \lambda]

    where s is ``sample_weight``, :math:`\bar l` a moving average over rounds, and the age
    :math:`\lambda` is found by itself. Rows of weight 0 are not shown to the estimator, but for
    the easiest one of a class that is left out altogether.

    A flexible model (trees, boosting, nearest neighbours) learns wrong labels by heart in one fit,
    and its losses tell nothing. Give it ``cv``: each row is then judged by a model that has not
    learned from it.

    Args:
        estimator: A classifier with ``predict_proba`` whose fit takes ``sample_weight``, or a
            Pipeline that ends in one; None for ``LogisticRegression(max_iter=1000)``. With
            ``warm_start=True`` each fit goes on from the last; trees cannot do that.
        age: How hard a row may be; ``Auto()`` needs no noise rate; ``Quantile(pacing)`` keeps a
            share that you know; None keeps everything: the estimator's own fit.
        rounds: How often the rows are judged. A fit whose weights did not change is not repeated.
            Too few to end a probe of ``Auto`` (by default, fewer than 8) make none.
        weighting: From difficulty and age to weight.
        difficulty: From a row's losses to its difficulty.
        couple: Ties rows together, such as ``RankInGroup``; by default nothing.
        cv: None judges rows by the model that learned from them, as in the paper; an int, a
            splitter or splits judge them by folds.
        random_state: Seed of the folds, and of the estimator where it has none of its own.

    Attributes:
        estimator_: The classifier, fitted to what is easy at the end.
        classes_: The labels, sorted, shape (classes,).
        n_features_in_: Columns of X, where the estimator counts them.
        feature_names_in_: Their names, where they are all strings.
        weights_: v, from 0, left out, to 1, float64, shape (n,); without ``sample_weight``.
        difficulty_: Higher is harder, float64, shape (n,); NaN for rows never judged, such as those
            of ``sample_weight`` 0.
        suspects_: Positions of the judged rows, int64, most suspicious first.
        history_: One dict per round.
        n_rounds_: How many there were.

    References:
        Kumar, Packer, Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010.

    >>> X = np.concatenate([np.arange(30.0), np.arange(30.0) + 100])[:, None]
    >>> y = np.repeat(["low", "high"], 30)
    >>> y[7] = "high"
    >>> model = SelfPacedClassifier().fit(X, y)
    >>> model.suspects_[:1], model.predict([[7.0]])
    (array([7]), array(['low'], dtype='<U4'))
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        age: Age | None = Auto(),
        rounds: int = 10,
        weighting: Weighting = Hard(),
        difficulty: Difficulty = Smoothed(0.7),
        couple: Coupling | None = None,
        cv: Any = None,
        random_state: Any = None,
    ) -> None:
        """Keep the settings; ``fit`` looks at them."""
        self.estimator, self.age, self.rounds = estimator, age, rounds
        self.weighting, self.difficulty, self.couple = weighting, difficulty, couple
        self.cv, self.random_state = cv, random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit self-paced.

        Args:
            X: What the estimator reads: an array, sparse, a data frame, ...; n rows.
            y: Labels of any kind, shape (n,).
            sample_weight: 0 or more, shape (n,). Multiplies the weights and counts as mass in
                shares; 0 is as good as not there.

        Returns:
            Itself.

        Raises:
            TypeError: For an estimator that is no classifier, or lacks ``predict_proba`` or
                ``sample_weight``, and for slots of a wrong kind.
            ValueError: For shapes that do not fit, labels that are no classes, settings that do
                not fit together, and an age that leaves out everything.
        """
        labels = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        rows = self._rows(X, labels, sample_weight, classes=True)
        self.classes_ = np.unique(labels[rows.counts > 0])
        codes = np.searchsorted(self.classes_, labels).clip(max=len(self.classes_) - 1)
        return self._alternate(rows, {"group": torch.from_numpy(codes)}, self._parts(rows))

    @available_if(_says("predict_proba"))  # type: ignore[untyped-decorator]  # sklearn has no types
    def predict_proba(self, X: Any) -> Floats:
        """Return probabilities, shape (n, classes), in the order of ``classes_``."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict_proba(X))

    @available_if(_says("predict_log_proba"))  # type: ignore[untyped-decorator]  # sklearn has no types
    def predict_log_proba(self, X: Any) -> Floats:
        """Return logarithms of probabilities, shape (n, classes)."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict_log_proba(X))

    @available_if(_says("decision_function"))  # type: ignore[untyped-decorator]  # sklearn has no types
    def decision_function(self, X: Any) -> Floats:
        """Return what the estimator decides by, shape (n,) for two classes, or (n, classes)."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.decision_function(X))

    def _default(self) -> Any:
        return LogisticRegression(max_iter=1000)


class SelfPacedRegressor(RegressorMixin, _SelfPaced):  # type: ignore[misc]  # sklearn has no types
    r"""Fit a regressor to what is easy: numbers far from what it says are left out.

    As ``SelfPacedClassifier``, with the squared error as the loss; ``Deviations()``, the default,
    leaves out what lies beyond three standard deviations, told from the median residual.

    Args:
        estimator: A regressor whose fit takes ``sample_weight``, or a Pipeline that ends in one;
            None for ``Ridge()``.
        age: How hard a row may be; None keeps everything: the estimator's own fit.
        rounds: How often the rows are judged.
        weighting: From difficulty and age to weight.
        difficulty: From a row's losses to its difficulty.
        couple: Ties rows together; by default nothing.
        cv: None judges rows by the model that learned from them; an int, a splitter or splits
            judge them by folds, as flexible models need it.
        random_state: Seed of the folds, and of the estimator where it has none of its own.

    Attributes:
        estimator_: The regressor, fitted to what is easy at the end.
        n_features_in_: Columns of X, where the estimator counts them.
        feature_names_in_: Their names, where they are all strings.
        weights_: v, from 0, left out, to 1, float64, shape (n,); without ``sample_weight``.
        difficulty_: Higher is harder, float64, shape (n,); NaN for rows never judged.
        suspects_: Positions of the judged rows, int64, most suspicious first.
        history_: One dict per round.
        n_rounds_: How many there were.

    References:
        Kumar, Packer, Koller, *Self-Paced Learning for Latent Variable Models*, NIPS 2010.

    >>> X = np.arange(30.0)[:, None]
    >>> y = 2 * X[:, 0] + np.sin(X[:, 0])
    >>> y[7] = 300.0
    >>> model = SelfPacedRegressor().fit(X, y)
    >>> model.suspects_[:1], model.weights_[7], model.predict([[7.0]]).round()
    (array([7]), np.float64(0.0), array([14.]))
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        age: Age | None = Deviations(),
        rounds: int = 10,
        weighting: Weighting = Hard(),
        difficulty: Difficulty = Smoothed(0.7),
        couple: Coupling | None = None,
        cv: Any = None,
        random_state: Any = None,
    ) -> None:
        """Keep the settings; ``fit`` looks at them."""
        self.estimator, self.age, self.rounds = estimator, age, rounds
        self.weighting, self.difficulty, self.couple = weighting, difficulty, couple
        self.cv, self.random_state = cv, random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit self-paced.

        Args:
            X: What the estimator reads: an array, sparse, a data frame, ...; n rows.
            y: Finite numbers, shape (n,).
            sample_weight: 0 or more, shape (n,). Multiplies the weights and counts as mass in
                shares; 0 is as good as not there.

        Returns:
            Itself.

        Raises:
            TypeError: For an estimator that is no regressor or lacks ``sample_weight``, and for
                slots of a wrong kind.
            ValueError: For shapes that do not fit, targets that are no finite numbers, settings
                that do not fit together, and an age that leaves out everything.
        """
        numbers = column_or_1d(y, warn=True)
        if numbers.dtype.kind in "OUS":
            numbers = numbers.astype(np.float64)
        assert_all_finite(numbers, input_name="y")
        rows = self._rows(X, numbers, sample_weight, classes=False)
        return self._alternate(rows, {}, self._parts(rows))

    def _default(self) -> Any:
        return Ridge()
