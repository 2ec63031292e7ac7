"""Claims about the classes that a file of plain data may name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import OneHotEncoder

from selfpaced.audit._features.fit import Features
from selfpaced.audit._features.numeric import Pixels
from selfpaced.audit._plain.classes import OTHERS, OURS, class_named, kept, known, made
from selfpaced.audit._plain.pack import pack, unpack

ROWS = np.random.default_rng(0).normal(size=(60, 3))
LABELS = (ROWS[:, 1] > 0).astype(int)
OLDER = {"ApplyToCols", "ToFloat32"}  # of older versions of skrub


@pytest.mark.parametrize("name", sorted({*OURS, *OTHERS} - OLDER))
def test_a_listed_class_exists_and_keeps_no_method(name: str) -> None:
    kind = class_named(name)
    assert kind.__name__ == name and known(kind)
    for attribute in kept(kind):
        assert not attribute.startswith("__")
        assert not callable(getattr(kind, attribute, None)), attribute


def test_a_class_of_the_same_name_elsewhere_is_not_known() -> None:
    assert not known(type("Scale", (), {}))


@pytest.mark.parametrize("name", ["Popen", "os.system", "", "__import__", "FunctionTransformer2"])
def test_no_other_class_is_made(name: str) -> None:
    with pytest.raises(ValueError, match="is no class of a model"):
        made(name, {})


def test_attributes_that_are_not_listed_are_refused() -> None:
    for name, more in (
        ("FunctionTransformer", {"func": print}),
        ("Pipeline", {"memory": "cache"}),
        ("TfidfVectorizer", {"input": "filename"}),
        ("HistGradientBoostingClassifier", {"_in_fit": True}),
        ("Bins", {"transform": None}),
    ):
        with pytest.raises(ValueError, match=f"{name} has attributes that are not kept"):
            made(name, more)


def forest() -> Any:
    """Return a fitted forest."""
    return ExtraTreesClassifier(3).fit(ROWS, LABELS)


def boosting() -> Any:
    """Return a fitted boosting."""
    return HistGradientBoostingClassifier(max_iter=2).fit(ROWS, LABELS)


def words() -> Any:
    """Return a fitted vectorizer."""
    return TfidfVectorizer().fit(["good film", "bad film"])


def categories() -> Any:
    """Return fitted categories of text."""
    return OneHotEncoder(drop="if_binary").fit(np.array([["a"], ["b"]], object))


def put(model: Any, name: str, value: Any) -> Any:
    """Set an attribute, and return the model."""
    setattr(model, name, value)
    return model


def other_width() -> Any:
    """Return a forest in which one tree reads more features than the others."""
    model = forest()
    model.estimators_[1] = ExtraTreesClassifier(1).fit(np.c_[ROWS, ROWS], LABELS).estimators_[0]
    return model


def told_wrong() -> Any:
    """Return a forest in which a tree says that it reads fewer features than it does."""
    model = other_width()
    model.estimators_[1].n_features_in_ = 3
    return model


HARM: list[tuple[Callable[[], Any], str]] = [
    (other_width, "A tree reads other features"),
    (told_wrong, "A tree reads other features"),
    (lambda: put(forest(), "n_features_in_", None), "A model has no features"),
    (lambda: put(forest(), "n_features_in_", 10**12), "A model has no features"),
    (lambda: put(forest(), "estimators_", [words()]), "A tree reads other features"),
    (lambda: put(boosting(), "n_features_in_", 1), "A tree reads other features"),
    (lambda: put(boosting(), "_predictors", [[]]), "A round of boosting lacks trees"),
    (lambda: put(boosting(), "_predictors", [["a"]]), "A tree reads other features"),
    (lambda: put(words(), "vocabulary_", {"a": 0, "b": -5}), "Words are not numbered from 0"),
    (lambda: put(words(), "vocabulary_", {"a": 0, "b": 7}), "Words are not numbered from 0"),
    (lambda: put(words(), "vocabulary_", {"a": False}), "Words are not numbered from 0"),
    (lambda: put(words(), "analyzer", "other"), "Words are not 'other'"),
    (lambda: put(categories(), "drop_idx_", np.array([-5], object)), "left out does not exist"),
    (lambda: put(categories(), "drop_idx_", np.array([2], object)), "left out does not exist"),
    (lambda: put(categories(), "categories_", [np.array([2.0, 1.0])]), "Categories are not text"),
    (lambda: Features("table", Pixels((1, 8, 8))), "Features are of no kind of samples"),
    (lambda: Features([], Pixels((1, 8, 8))), "Features are of no kind of samples"),  # type: ignore[arg-type]  # on purpose
    (lambda: Pixels((8, 8)), "Images have no shape"),
    (lambda: Pixels((1, 8, 0)), "Images have no shape"),
    (lambda: Pixels((1, 8, 8), 10**6), "Pixels have no depth"),
    (lambda: put(categories(), "categories_", []), "argument 2 is longer"),
]


@pytest.mark.parametrize(("harmed", "said"), HARM)
def test_attributes_that_lead_out_of_memory_are_refused(
    harmed: Callable[[], Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        unpack(pack(harmed()))


def test_categories_come_back() -> None:
    rows = np.array([["b"], ["a"], ["c"]], object)
    encoder = OneHotEncoder(drop="if_binary", handle_unknown="ignore", sparse_output=False)
    encoder.fit(rows[:2])
    with pytest.warns(UserWarning, match="unknown categories"):
        expected = encoder.transform(rows)
    with pytest.warns(UserWarning, match="unknown categories"):
        found = unpack(pack(encoder)).transform(rows)
    assert found.tolist() == expected.tolist() == [[1.0], [0.0], [0.0]]


def test_a_dataclass_that_lacks_a_field_is_refused() -> None:
    with pytest.raises(ValueError, match="Scale lacks attributes"):
        made("Scale", {"unit": np.ones(1)})
