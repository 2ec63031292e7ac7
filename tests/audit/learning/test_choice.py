"""Claims about which models an audit trains."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from selfpaced.audit._learning.aims import Classes, Numbers
from selfpaced.audit._learning.choice import choose_models
from selfpaced.audit._learning.inputs import Inputs

WORDS = sparse.csr_array(np.eye(3))
NEGATIVE = sparse.csr_array(-np.eye(3))


def rows(n: int, *shape: int) -> Any:
    """Return n rows that take no memory."""
    return np.broadcast_to(np.zeros((), np.float32), (n, *shape))


def chosen(learner: str, inputs: Inputs, classes: int = 3, **more: bool) -> str:
    """Return the names of the models, in order."""
    aim = Classes(classes) if classes else Numbers()
    found = choose_models(learner, inputs, aim, **{"images": False, "alone": True} | more)
    return " ".join([*found.kinds, *["network"] * found.network])


SMALL = Inputs(rows(20_000, 10))
LARGE = Inputs(rows(20_001, 10))
ONLY_TEXT = Inputs(rows(3, 2), WORDS, WORDS, only_text=True)
WITH_TEXT = Inputs(rows(3, 2), WORDS, WORDS)
SPARSE = Inputs(rows(3, 0), WORDS, only_text=True)

ALL = "logistic kernel boosting trees"
CASES: list[tuple[Inputs, int, str]] = [
    (SMALL, 3, f"{ALL} network"),
    (LARGE, 3, "logistic boosting"),
    (SMALL, 300, f"{ALL} network"),
    (SMALL, 301, "logistic kernel trees network"),  # more than 3,000 trees a round
    (LARGE, 301, "logistic"),
    (Inputs(rows(9, 1_000)), 3, f"{ALL} network"),
    (Inputs(rows(9, 4_096)), 2, "logistic kernel trees network"),
    (Inputs(rows(9, 4_097)), 2, "logistic network"),
    (Inputs(rows(9, 30, 40)), 2, f"{ALL} network"),  # signals: features are counted over all axes
    (ONLY_TEXT, 3, "words letters bayes"),
    (WITH_TEXT, 3, f"{ALL} words letters bayes network"),
    (SPARSE, 3, "words bayes"),
    (Inputs(rows(3, 0), NEGATIVE, only_text=True), 3, "words"),
    (Inputs(rows(20_001, 2), WORDS, WORDS), 3, "logistic boosting words letters bayes"),
    (SMALL, 0, "network"),  # labels that are numbers
    (WITH_TEXT, 0, "network"),
]


@pytest.mark.parametrize(("inputs", "classes", "models"), CASES)
def test_all_models_that_suit_the_samples_and_are_cheap_enough_are_trained(
    inputs: Inputs, classes: int, models: str
) -> None:
    assert chosen("auto", inputs, classes) == models


@pytest.mark.parametrize(("n", "models"), [(20_000, "logistic trees network"), (20_001, "network")])
def test_images_always_have_a_network(n: int, models: str) -> None:
    assert chosen("auto", Inputs(rows(n, 1, 28, 28)), 10, images=True) == models


@pytest.mark.parametrize("inputs", [SMALL, LARGE, ONLY_TEXT, WITH_TEXT, SPARSE])
def test_several_processes_train_a_network(inputs: Inputs) -> None:
    assert chosen("auto", inputs, alone=False) == chosen("network", inputs) == "network"


@pytest.mark.parametrize(
    ("learner", "inputs", "classes", "models"),
    [
        ("trees", LARGE, 3, "trees"),
        ("kernel", SMALL, 3, "kernel"),
        ("boosting", SMALL, 0, "boosting"),
        ("boosting", WITH_TEXT, 3, "boosting"),
        ("trees", ONLY_TEXT, 3, "trees"),
        ("logistic", SMALL, 3, "logistic"),
        ("logistic", SMALL, 0, "logistic"),
        ("logistic", ONLY_TEXT, 3, "words letters bayes"),
        ("logistic", WITH_TEXT, 3, "logistic words letters bayes"),
        ("logistic", WITH_TEXT, 0, "logistic"),
    ],
)
def test_one_learner_is_trained_alone_but_logistic_regression_reads_words_too(
    learner: str, inputs: Inputs, classes: int, models: str
) -> None:
    assert chosen(learner, inputs, classes) == models


@pytest.mark.parametrize("learner", ["trees", "kernel"])
def test_a_learner_of_classes_is_refused_for_numbers(learner: str) -> None:
    said = (
        rf"^learner={learner} learns classes, and these labels are numbers. Use learner=network, "
        rf"learner=logistic or learner=boosting\.$"
    )
    with pytest.raises(ValueError, match=said):
        chosen(learner, SMALL, 0)
