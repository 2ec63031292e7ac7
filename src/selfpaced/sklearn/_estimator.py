"""What the self-paced classifier and the self-paced regressor share."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.model_selection import KFold, StratifiedKFold, check_cv
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from selfpaced._errors import require, require_positive_int
from selfpaced._pacer.checks import AGE, require_part
from selfpaced._pacer.pacer import Pacer
from selfpaced.chain import Age, Coupling, Difficulty, Floats, Weighting
from selfpaced.sklearn._requirements import (
    has_warm_start,
    masses,
    path_to_last,
    plain_int,
    require_estimator,
    sliceable,
)
from selfpaced.sklearn._rows import Arguments, Rows
from selfpaced.sklearn._search import Part, Search


def estimator_has(name: str) -> Callable[[Any], bool]:
    """Return a check for ``available_if``: does the wrapped estimator have this method?

    Where it does not, the check raises the estimator's own AttributeError.
    """

    def check(model: Any) -> bool:
        fitted = getattr(model, "estimator_", None)
        return getattr(model._template() if fitted is None else fitted, name) is not None

    return check


class SelfPacedEstimator(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]  # sklearn: no types
    """The alternating search as a meta-estimator.

    A subclass has the constructor, because scikit-learn reads the settings from its signature, and
    says what the default estimator and the targets are.
    """

    estimator: Any
    age: Age | None
    rounds: int
    weighting: Weighting
    difficulty: Difficulty
    couple: Coupling | None
    cv: Any
    n_jobs: int | None
    random_state: Any

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the estimator to the easy rows.

        Args:
            X: What the estimator reads: an array, a sparse matrix, a data frame, ...; n rows.
            y: Shape (n,): labels of any kind for a classifier, finite numbers for a regressor.
            sample_weight: 0 or more, shape (n,). It multiplies the weights and counts as mass in
                shares. A row with 0 is treated as if it were absent.

        Returns:
            Itself.

        Raises:
            TypeError: For an estimator of the wrong kind, an estimator without ``sample_weight``
                or (classifiers) without ``predict_proba``, and settings of the wrong type.
            ValueError: For shapes that do not match, labels that are no classes, targets that are
                no finite numbers, settings that do not fit together, and an age that leaves out
                all rows.
        """
        rows = self._rows(X, self._targets(y), sample_weight)
        return self._search(rows, self._columns(rows))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the predictions of ``estimator_``, shape (n,)."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict(X))

    def get_metadata_routing(self) -> MetadataRouter:
        """Return where metadata goes: ``fit`` passes ``sample_weight`` on to the estimator."""
        mapping = MethodMapping().add(caller="fit", callee="fit")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(estimator=self._template(), method_mapping=mapping)

    def __sklearn_tags__(self) -> Any:
        """Return tags: this reads whatever the estimator reads."""
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
        """Return the estimator that is used where none is given."""
        raise NotImplementedError

    def _targets(self, y: Any) -> NDArray[Any]:
        """Return the checked targets, shape (n,)."""
        raise NotImplementedError

    def _columns(self, rows: Rows) -> dict[str, torch.Tensor]:
        """Return the pacer's columns; a regressor has none."""
        return {}

    def _template(self) -> Any:
        """Return the estimator that is cloned for each fit."""
        if self.estimator is not None:
            return self.estimator
        made = self._default()
        return made.set_fit_request(sample_weight=True) if _routing_is_enabled() else made

    def _rows(self, X: Any, y: NDArray[Any], sample_weight: Any) -> Rows:
        """Check settings and rows before anything is fitted."""
        owner, classes = type(self).__name__, isinstance(self, ClassifierMixin)
        require_positive_int("rounds", plain_int(self.rounds), owner)
        require_estimator(self._template(), owner, classes=classes)
        check_consistent_length(X, y)
        validate_data(self, X, skip_check_array=True)
        return Rows(sliceable(X), y, masses(sample_weight, y, owner), classes, self._route)

    def _search(self, rows: Rows, columns: dict[str, torch.Tensor]) -> Self:
        """Run the alternating search and set the fitted attributes."""
        pacer, template = self._pacer(rows, columns), self._seeded()
        search = Search(
            rows,
            pacer,
            template,
            self._folds(rows),
            warm=has_warm_start(template),
            n_jobs=self.n_jobs,
        )
        for _ in range(self.rounds):
            search.round()
        self.estimator_ = search.end()
        self.weights_ = np.where(rows.counts > 0, search.weight, 0.0)
        seen, population = pacer.ledger.population(pacer.difficulty)
        self.difficulty_ = np.full(len(rows.y), np.nan)
        self.difficulty_[seen.numpy()] = population.difficulty.numpy()
        self.suspects_ = pacer.suspects(len(rows.y)).numpy()
        self.history_ = list(pacer.history)
        self.n_rounds_ = pacer.steps
        if hasattr(self.estimator_, "n_features_in_"):
            self.n_features_in_ = self.estimator_.n_features_in_
        return self

    def _pacer(self, rows: Rows, columns: dict[str, torch.Tensor]) -> Pacer:
        """Return the pacer of these settings, for all rows."""
        if rows.mass is not None:
            columns = columns | {"sample_weight": torch.from_numpy(rows.mass).float()}
        if self.age is not None:
            require_part(type(self).__name__, AGE, self.age)
        return Pacer(
            len(rows.y),
            weighting=self.weighting,
            age=None if self.age is None else self.age.within(self.rounds),
            difficulty=self.difficulty,
            couple=self.couple,
            columns=columns,
            decide="step",
        )

    def _folds(self, rows: Rows) -> list[Part] | None:
        """Return for each fold the rows to fit to and the rows to judge; None without ``cv``."""
        cv = plain_int(self.cv)
        if cv is None:
            return None
        if isinstance(cv, int):
            kind = StratifiedKFold if rows.classes else KFold
            cv = kind(cv, shuffle=True, random_state=self.random_state)
        all_rows = np.arange(len(rows.y))
        folds = check_cv(cv, rows.y, classifier=rows.classes).split(rows.X, rows.y)
        return [(all_rows[learned], all_rows[judged]) for learned, judged in folds]

    def _route(self, weight: Floats) -> Arguments:
        """Return weights under the name by which the estimator's fit takes them."""
        if not _routing_is_enabled():
            path, _ = path_to_last(self._template())
            return {"__".join([*path, "sample_weight"]): weight}
        routed = dict(process_routing(self, "fit", sample_weight=weight).estimator.fit)
        require(
            bool(routed),
            f"{type(self).__name__}: metadata routing does not pass the weights of the rows to "
            f"{self._template()!r}. Call set_fit_request(sample_weight=True) on it.",
        )
        return routed

    def _seeded(self) -> Any:
        """Return a clone of the estimator; each unset ``random_state`` gets a seed of this one."""
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


def _routing_is_enabled() -> bool:
    """Say whether the user has enabled metadata routing."""
    return bool(get_config()["enable_metadata_routing"])
