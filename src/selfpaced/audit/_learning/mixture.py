"""A mixture of learners that makes held-out labels most likely."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced.audit._learning.inputs import Inputs
from selfpaced.chain import Floats

# The name of probabilities that the user has computed, beside the kinds of models.
GIVEN = "given"
# The least probability of a class, so that no logarithm is infinite.
LEAST_PROBABILITY = 1e-6
# The number of steps of the EM algorithm.
STEPS = 100
# The number of samples that each learner counts as having explained before any is seen: it keeps
# the weights near equal where there are few samples.
PRIOR = 5.0
# Exponents that are tried.
EXPONENTS = np.exp(np.linspace(math.log(0.5), math.log(8.0), 21)).tolist()
# The largest number of samples from which shares are estimated.
SAMPLE = 20_000

Held = NDArray[np.float32]


class Share(NamedTuple):
    """How a learner enters a mixture.

    Args:
        weight: Its weight; the weights add up to 1.
        exponent: Its probabilities are raised to this power: a strong penalty makes them too even.
    """

    weight: float
    exponent: float


def power(p: NDArray[Any], exponent: float) -> Floats:
    """Return probabilities to a power, normalised, shape (n, classes).

    >>> power(np.array([[0.8, 0.2]]), 2.0).round(2).tolist()
    [[0.94, 0.06]]
    """
    logs = np.log(np.clip(p, LEAST_PROBABILITY, None)) * exponent
    raised = np.exp(logs - logs.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True), np.float64)


def likeliest(own: Floats) -> Floats:
    """Return the weights of a mixture that maximise the likelihood of the labels, by EM.

    Stacking of densities: Smyth, Wolpert, *Stacked Density Estimation*, NIPS 1997. With a weak
    prior towards equal weights.

    Args:
        own: The held-out probability of each label by each learner, shape (n, learners).

    Returns:
        Shape (learners,); the sum is 1.

    >>> likeliest(np.array([[0.9, 0.2]] * 1000)).round(2).tolist()
    [0.99, 0.01]
    """
    own = np.clip(own, LEAST_PROBABILITY, None)
    learners = own.shape[1]
    weights = np.full(learners, 1 / learners)
    for _ in range(STEPS if learners > 1 else 0):
        explained = own * weights
        explained /= explained.sum(1, keepdims=True)
        counts = explained.sum(0) + PRIOR
        weights = counts / counts.sum()
    return weights


def shares_of(held_out: Mapping[str, Held], labels: NDArray[np.int64]) -> dict[str, Share]:
    """Return the share of each learner by its name.

    The exponent of each maximises the likelihood of the labels, then the weights do. Probabilities
    of the user stay as they are.

    Args:
        held_out: The held-out probabilities of each learner, shape (n, classes).
        labels: Classes from 0, shape (n,).
    """
    some = slice(None, None, max(1, len(labels) // SAMPLE))
    given = labels[some]
    exponents, own = [], []
    for kind, p in held_out.items():
        powers = [1.0] if kind == GIVEN else EXPONENTS
        tried = [_own(power(p[some], exponent), given) for exponent in powers]
        logs = [float(np.log(np.clip(one, LEAST_PROBABILITY, None)).mean()) for one in tried]
        best = int(np.argmax(logs))
        exponents.append(powers[best])
        own.append(tried[best])
    weights = likeliest(np.stack(own, axis=1)).tolist()
    return dict(zip(held_out, map(Share, weights, exponents), strict=True))


def mixed(predicted: Iterable[tuple[NDArray[Any], Share]]) -> Floats:
    """Return the probabilities of a mixture, shape (n, classes), of at least one learner."""
    parts = [share.weight * power(p, share.exponent) for p, share in predicted]
    return np.asarray(sum(parts[1:], parts[0]))


@dataclass(eq=False)
class Blend:
    """Trained learners and their shares; predicts the weighted mean of their probabilities.

    Args:
        members: Each has ``predict(inputs, classes)``.
        shares: The share of each member, by the same names; None for a single one.
    """

    members: dict[str, Any]
    shares: dict[str, Share] | None

    def predict(self, inputs: Inputs, classes: int | None) -> Floats:
        """Return probabilities, shape (n, classes); for ``classes`` None numbers, shape (n,)."""
        require(
            bool(self.members),
            "The probabilities were given, and no model was trained: none can predict. Audit "
            "without probabilities=....",
        )
        if self.shares is None:
            (member,) = self.members.values()
            return np.asarray(member.predict(inputs, classes))
        shares = self.shares
        return mixed(
            (member.predict(inputs, classes), shares[name]) for name, member in self.members.items()
        )


def _own(p: Floats, labels: NDArray[np.int64]) -> Floats:
    """Return the probability of each label, shape (n,)."""
    return np.asarray(p[np.arange(len(labels)), labels])
