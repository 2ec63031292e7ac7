"""Claims about the mixture of learners that makes held-out labels most likely."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from selfpaced.audit._learning.inputs import Inputs
from selfpaced.audit._learning.mixture import (
    EXPONENTS,
    LEAST_PROBABILITY,
    PRIOR,
    SAMPLE,
    Blend,
    Share,
    likeliest,
    mixed,
    power,
    shares_of,
)


def labelled(n: int, classes: int = 3, seed: int = 0) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return probabilities and labels that were drawn with them."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(classes, 0.5), n)
    labels = (p.cumsum(1) < rng.random((n, 1))).sum(1).clip(max=classes - 1)
    return p.astype(np.float32), labels.astype(np.int64)


def test_a_power_keeps_the_ratios_of_logarithms() -> None:
    np.testing.assert_allclose(power(np.array([[0.8, 0.2]]), 2.0), [[16 / 17, 1 / 17]])
    np.testing.assert_allclose(power(np.array([[0.8, 0.2]]), 0.5), [[2 / 3, 1 / 3]])
    p, _ = labelled(50)
    np.testing.assert_allclose(power(p, 1.0), p, atol=1e-5)
    np.testing.assert_allclose(power(power(p, 2.0), 0.5), p, atol=2e-3)
    np.testing.assert_allclose(power(p, 8.0).sum(1), 1)


def test_a_power_of_a_row_of_zeros_is_even() -> None:
    np.testing.assert_allclose(power(np.zeros((1, 4)), 3.0), np.full((1, 4), 0.25))
    assert power(np.array([[1.0, 0.0]]), 0.5)[0, 1] > 0


def test_labels_that_one_learner_alone_explains_count_for_it() -> None:
    own = np.array([[1.0, 0.0]] * 30 + [[0.0, 1.0]] * 10)
    expected = np.array([30 + PRIOR, 10 + PRIOR]) / (40 + 2 * PRIOR)
    np.testing.assert_allclose(likeliest(own), expected, atol=1e-4)


def test_the_weights_maximise_the_likelihood_with_the_prior() -> None:
    own = np.random.default_rng(0).random((300, 2)) ** [1.0, 0.7]
    tried = np.linspace(0.001, 0.999, 999)
    likelihood = [
        np.log(own @ [w, 1 - w]).sum() + PRIOR * (np.log(w) + np.log(1 - w)) for w in tried
    ]
    assert likeliest(own)[0] == pytest.approx(tried[np.argmax(likelihood)], abs=0.005)


def test_equal_learners_have_equal_weights_and_few_labels_change_little() -> None:
    np.testing.assert_allclose(likeliest(np.full((100, 4), 0.3)), 0.25)
    np.testing.assert_allclose(likeliest(np.array([[0.9, 0.1]])), 0.5, atol=0.05)
    assert likeliest(np.array([[0.9]] * 5)).tolist() == [1.0]


@pytest.mark.parametrize("flat", [0.25, 0.5, 1.0, 1.6])
def test_the_exponent_of_probabilities_that_are_too_even_is_found(flat: float) -> None:
    p, labels = labelled(20_000)
    found = shares_of({"one": power(p, flat).astype(np.float32)}, labels)
    assert found["one"].weight == 1.0
    assert found["one"].exponent == pytest.approx(1 / flat, rel=0.1)
    assert found["one"].exponent in EXPONENTS


def test_the_mixture_predicts_better_than_each_learner() -> None:
    p, labels = labelled(4_000)
    rng = np.random.default_rng(1)
    noisy = {
        name: (0.6 * p + 0.4 * rng.dirichlet(np.full(3, 0.3), len(p))).astype(np.float32)
        for name in "ab"
    }
    noisy["nothing"] = np.full_like(p, 1 / 3)
    shares = shares_of(noisy, labels)

    def loss(*names: str) -> float:
        chosen = [(noisy[name], shares[name]) for name in names]
        total = sum(share.weight for _, share in chosen)
        return float(-np.log(mixed(chosen)[np.arange(len(p)), labels] / total).mean())

    assert loss("a", "b", "nothing") < min(loss("a"), loss("b"))
    assert sum(share.weight for share in shares.values()) == pytest.approx(1)
    assert shares["nothing"].weight < 0.05
    assert shares["a"].weight == pytest.approx(shares["b"].weight, abs=0.1)


def test_of_many_labels_every_second_or_third_is_enough() -> None:
    p, labels = labelled(SAMPLE)
    twice = shares_of({"one": p.repeat(2, 0), "two": p[:, ::-1].repeat(2, 0)}, labels.repeat(2))
    assert twice == shares_of({"one": p, "two": p[:, ::-1]}, labels)


def test_a_mixture_is_the_weighted_mean_of_powers() -> None:
    one, other = np.array([[0.8, 0.2]]), np.array([[0.5, 0.5]])
    found = mixed([(one, Share(0.75, 2.0)), (other, Share(0.25, 4.0))])
    np.testing.assert_allclose(found, [[0.75 * 16 / 17 + 0.125, 0.75 / 17 + 0.125]])


@dataclass
class Fixed:
    """A member that predicts the dense numbers."""

    def predict(self, inputs: Inputs, classes: int | None) -> NDArray[Any]:
        return inputs.dense[:, 0] if classes is None else inputs.dense[:, :classes]


INPUTS = Inputs(np.array([[0.8, 0.2], [0.0, 1.0]], np.float32))


def test_a_mixture_of_one_without_a_share_predicts_what_its_member_does() -> None:
    alone = Blend({"one": Fixed()}, None)
    assert (alone.predict(INPUTS, 2) == INPUTS.dense).all()
    assert (alone.predict(INPUTS, None) == INPUTS.dense[:, 0]).all()


def test_the_members_of_a_mixture_have_their_shares() -> None:
    shares = {"one": Share(0.75, 2.0), "two": Share(0.25, 1.0)}
    found = Blend({"two": Fixed(), "one": Fixed()}, shares).predict(INPUTS, 2)
    assert found[0, 0] == pytest.approx(0.75 * 16 / 17 + 0.25 * 0.8, rel=1e-5)
    assert 0 < found[1, 0] < LEAST_PROBABILITY
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-6)
