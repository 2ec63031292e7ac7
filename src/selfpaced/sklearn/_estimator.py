"""What a self-paced classifier and a self-paced regressor share."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.model_selection import KFold, StratifiedKFold, check_cv
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from selfpaced._errors import require, require_positive_int
from selfpaced._pacer.checks import AGE, require_part
from selfpaced._pacer.pacer import Pacer
from selfpaced.chain import Age, Coupling, Difficulty, Floats, Weighting
from selfpaced.sklearn._requirements import (
    goes_on,
    masses,
    plain_int,
    readable,
    require_estimator,
    way_to_last,
)
from selfpaced.sklearn._rows import Arguments, Rows
from selfpaced.sklearn._search import Part, Search


def says(name: str) -> Callable[[Any], bool]:
    """Return whether the estimator has a method; the check raises its own error if not."""
    return lambda model: _of_estimator(model, name) is not None


def _of_estimator(model: Any, name: str) -> Any:
    """Return a method of the fitted estimator, or of the one to be fitted."""
    fitted = getattr(model, "estimator_", None)
    return getattr(model._template() if fitted is None else fitted, name)


class SelfPacedEstimator(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]  # sklearn: no types
    """The alternating search as a meta-estimator; a subclass says what it is of."""

    estimator: Any
    age: Age | None
    rounds: int
    weighting: Weighting
    difficulty: Difficulty
    couple: Coupling | None
    cv: Any
    n_jobs: int | None
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
        return made.set_fit_request(sample_weight=True) if _routes() else made

    def _rows(self, X: Any, y: NDArray[Any], sample_weight: Any, *, classes: bool) -> Rows:
        """Look at settings and rows before anything is fitted."""
        owner = type(self).__name__
        require_positive_int("rounds", plain_int(self.rounds), owner)
        require_estimator(self._template(), owner, classes=classes)
        check_consistent_length(X, y)
        validate_data(self, X, skip_check_array=True)
        return Rows(readable(X), y, masses(sample_weight, y, owner), classes, self._route)

    def _search(self, rows: Rows, columns: dict[str, torch.Tensor]) -> Self:
        """Alternate, and set what a user reads of it."""
        pacer, template = self._pacer(rows, columns), self._seeded()
        search = Search(
            rows, pacer, template, self._folds(rows), warm=goes_on(template), n_jobs=self.n_jobs
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
        """Return which rows learn and which are judged, fold by fold; None for all of them."""
        cv = plain_int(self.cv)
        if cv is None:
            return None
        if isinstance(cv, int):
            kind = StratifiedKFold if rows.classes else KFold
            cv = kind(cv, shuffle=True, random_state=self.random_state)
        everyone = np.arange(len(rows.y))
        folds = check_cv(cv, rows.y, classifier=rows.classes).split(rows.X, rows.y)
        return [(everyone[learned], everyone[judged]) for learned, judged in folds]

    def _route(self, weight: Floats) -> Arguments:
        """Return weights under the name by which the estimator's fit takes them."""
        if not _routes():
            path, _ = way_to_last(self._template())
            return {"__".join([*path, "sample_weight"]): weight}
        routed = dict(process_routing(self, "fit", sample_weight=weight).estimator.fit)
        require(
            bool(routed),
            f"{type(self).__name__}: the weights of the rows do not reach {self._template()!r}. "
            f"Call set_fit_request(sample_weight=True) on it.",
        )
        return routed

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


def _routes() -> bool:
    """Say whether the user has enabled metadata routing."""
    return bool(get_config()["enable_metadata_routing"])
