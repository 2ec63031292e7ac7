"""Which models an audit trains: those that suit the samples, and are cheap enough for them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selfpaced._errors import require
from selfpaced.audit._learning.aims import Classes, Numbers
from selfpaced.audit._learning.inputs import Inputs

if TYPE_CHECKING:  # it imports scikit-learn, which a network does not need
    from selfpaced.audit._learning.ensembles import Kind

# Kinds of estimators that can learn numbers as well as classes.
OF_NUMBERS: tuple["Kind", ...] = ("logistic", "boosting")
# Above this number of samples only logistic regression and boosting are trained on a table.
MANY_ROWS = 20_000
# Boosting is left out if there are more features times classes than this.
MOST_TREES = 3_000
# Kernels and trees are left out if there are more features than this.
MANY_FEATURES = 4_096


@dataclass(frozen=True)
class Choice:
    """The models to train.

    Args:
        kinds: Kinds of scikit-learn estimators.
        network: Whether a network is trained.
    """

    kinds: "tuple[Kind, ...]"
    network: bool


def choose_models(
    learner: str, inputs: Inputs, aim: Classes | Numbers, *, images: bool, alone: bool
) -> Choice:
    """Return the models to train.

    Args:
        learner: "auto" for all that suit, or the name of one.
        inputs: The samples.
        aim: Whether classes or numbers are learned.
        images: Whether the samples are images.
        alone: Whether a single process runs the training. Several processes share a network; the
            estimators run in one.

    Raises:
        ValueError: For a learner of classes where numbers are learned.
    """
    numeric = isinstance(aim, Numbers)
    require(
        not numeric or learner in ("auto", "network", *OF_NUMBERS),
        f"learner={learner} learns classes, and these labels are numbers. Use learner=network, "
        f"{' or '.join(f'learner={kind}' for kind in OF_NUMBERS)}.",
    )
    if learner == "network" or not alone or (numeric and learner == "auto"):
        return Choice((), network=True)
    texts = () if numeric else _of_texts(inputs)
    if learner != "auto":
        one: tuple[Kind, ...] = (learner,)  # type: ignore[assignment]  # ``Plan`` checks it
        if learner != "logistic":
            return Choice(one, network=False)
        return Choice(texts if inputs.only_text and texts else (*one, *texts), network=False)
    if inputs.only_text:
        return Choice(texts, network=False)
    few = len(inputs) <= MANY_ROWS
    return Choice((*_of_numbers(inputs, aim, images=images), *texts), network=few or images)


def _of_texts(inputs: Inputs) -> "tuple[Kind, ...]":
    """Return the kinds of estimators that read the words and letters there are."""
    if inputs.words is None:
        return ()
    suits: dict[Kind, bool] = {
        "words": True,
        "letters": inputs.letters is not None,
        "bayes": float(inputs.words.min()) >= 0,
    }
    return tuple(kind for kind, good in suits.items() if good)


def _of_numbers(inputs: Inputs, aim: Classes | Numbers, *, images: bool) -> "tuple[Kind, ...]":
    """Return the kinds of estimators that suit dense numbers, and are cheap enough."""
    features, few = int(np.prod(inputs.dense.shape[1:])), len(inputs) <= MANY_ROWS
    few_features = features <= MANY_FEATURES
    suits: dict[Kind, bool] = {
        "logistic": few or not images,
        "kernel": few and few_features and not images,
        "boosting": features * aim.outputs <= MOST_TREES and not images,
        "trees": few and few_features,
    }
    return tuple(kind for kind, good in suits.items() if good)
