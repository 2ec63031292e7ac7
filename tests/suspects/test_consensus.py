"""Claims about the consensus of several annotators."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from selfpaced.suspects import consensus

RATES = (0.95, 0.9, 0.55, 0.55, 0.5)


def drawn(
    n: int, rates: tuple[float, ...], classes: int = 3, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Return true classes, and the votes of annotators that are right at these rates."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    others = (truth[:, None] + rng.integers(1, classes, (n, len(rates)))) % classes
    votes = np.where(rng.random(others.shape) < rates, truth[:, None], others)
    return torch.from_numpy(truth), torch.from_numpy(votes)


def majority(votes: Tensor, classes: int = 3) -> Tensor:
    return torch.stack([(votes == k).sum(1) for k in range(classes)], 1).argmax(1)


def test_the_quality_of_each_annotator_is_found() -> None:
    truth, votes = drawn(3000, RATES)
    found = consensus(votes)
    assert found.quality.numpy() == pytest.approx(RATES, abs=0.03)
    right, plain = (found.label == truth).float().mean(), (majority(votes) == truth).float().mean()
    assert right > 0.94 and right > plain + 0.05
    assert found.agreement[0] == (votes[:, 0] == found.label).float().mean()


def test_probabilities_are_calibrated() -> None:
    truth, votes = drawn(5000, (0.8, 0.7, 0.6))
    p = consensus(votes).probability
    sure = p.amax(1)
    assert torch.allclose(p.sum(1), torch.ones(len(p)), atol=1e-5)
    for low, high in ((0.4, 0.7), (0.7, 0.9), (0.9, 1.0)):
        rows = (sure >= low) & (sure < high)
        assert float((p.argmax(1) == truth)[rows].float().mean()) == pytest.approx(
            float(sure[rows].mean()), abs=0.05
        )


def test_a_model_decides_where_votes_are_even() -> None:
    truth, votes = drawn(2000, (0.7, 0.7), classes=2)
    model = torch.where(torch.nn.functional.one_hot(truth) > 0, 0.8, 0.2)
    even = votes[:, 0] != votes[:, 1]
    assert bool((consensus(votes, model).label == truth)[even].all())
    useless = torch.full((2000, 2), 0.5)
    assert torch.equal(consensus(votes, useless).label[~even], votes[~even, 0])


def test_gaps_and_few_votes_tend_to_the_mean_quality() -> None:
    _, votes = drawn(400, (0.9, 0.9, 0.9, 0.9))
    votes[2:, 3] = -1
    found = consensus(votes, classes=3)
    assert abs(float(found.quality[3]) - 0.9) < 0.06
    votes[:, 3] = -1
    assert bool(consensus(votes).agreement[3].isnan())


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"votes": torch.zeros(3, dtype=torch.int64)},
        r"expects votes, int64, shape \(n, annotators\)",
    ),
    ({"votes": torch.zeros(3, 2)}, "expects votes, int64"),
    ({"votes": torch.tensor([[0, 1], [-1, -1]])}, "1 samples have no vote. Leave them out"),
    (
        {"votes": torch.tensor([[0, 5]]), "classes": 3},
        "votes from 0 to 2, and -1 for none; got 0 to",
    ),
    ({"votes": torch.tensor([[0, 0]])}, "votes from 0 to 0"),
    (
        {"votes": torch.tensor([[0, 1]]), "probability": torch.ones(2, 2)},
        r"expects probabilities, shape \(1, 2\), none below 0 or NaN; got \(2, 2\)",
    ),
]


@pytest.mark.parametrize(("asked", "said"), REFUSED)
def test_what_does_not_fit_is_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        consensus(**asked)
