"""Claims about the classifier that judges a label without having seen it."""

import math

import pytest
import torch
from torch import Tensor

from selfpaced._memory import leave_one_out as module
from selfpaced._memory.leave_one_out import RIDGES, doubts

N, WIDTH, CLASSES = 120, 5, 3
ALL = torch.arange(N)


def data(seed: int = 0, wrong: float = 0.2) -> tuple[Tensor, Tensor, Tensor]:
    """Three clusters: features, labels of which a share is wrong, and which these are."""
    rng = torch.Generator().manual_seed(seed)
    truth = torch.randint(CLASSES, (N,), generator=rng)
    centres = 3 * torch.randn(CLASSES, WIDTH, generator=rng)
    x = centres[truth] + torch.randn(N, WIDTH, generator=rng)
    is_wrong = torch.rand(N, generator=rng) < wrong
    return x, torch.where(is_wrong, (truth + 1) % CLASSES, truth), is_wrong


def refitted(x: Tensor, y: Tensor, w: Tensor, ridge: float) -> Tensor:
    """Predictions for each sample by a fit without it, with the scale of all, as an oracle."""
    x, w = x.double(), w.double()
    mean = (w @ x) / w.sum()
    x = (x - mean) / ((w @ (x - mean).square().sum(1)) / w.sum()).sqrt()
    x, target = torch.cat([torch.ones(len(x), 1), x], 1), torch.eye(int(y.max()) + 1)[y].double()
    penalty = ridge * torch.eye(x.shape[1], dtype=torch.float64)
    penalty[0, 0] = 0
    rows = []
    for i in range(len(x)):
        others = torch.arange(len(x)) != i
        weighted = w[others, None] * x[others]
        beta = torch.linalg.solve(weighted.T @ x[others] + penalty, weighted.T @ target[others])
        rows.append(x[i] @ beta)
    return torch.stack(rows)


def error(prediction: Tensor, y: Tensor, w: Tensor) -> float:
    target = torch.eye(prediction.shape[1])[y].double()
    return float((w.double() * (target - prediction).square().sum(1)).sum())


def margin(prediction: Tensor, y: Tensor) -> Tensor:
    own = prediction.gather(1, y[:, None])
    return prediction.scatter(1, y[:, None], -math.inf).amax(1) - own.squeeze(1)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_doubt_is_that_of_fits_without_the_sample(seed: int) -> None:
    x, y, _ = data(seed)
    w = torch.rand(N, generator=torch.Generator().manual_seed(seed)) * (ALL % 4 > 0)
    fits = [refitted(x, y, w, ridge) for ridge in RIDGES]
    best = min(fits, key=lambda prediction: error(prediction, y, w))
    expected = margin(best, y).clamp(-1, 1)
    torch.testing.assert_close(doubts(x, y, w, ALL).double(), expected, rtol=0, atol=1e-5)


def test_labels_that_the_others_contradict_are_doubted() -> None:
    x, y, wrong = data()
    doubt = doubts(x, y, torch.ones(N), ALL)
    assert float(doubt[wrong].median()) > 0.2 > -0.2 > float(doubt[~wrong].median())
    assert float((doubt[wrong] > 0).float().mean()) > 0.9


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e4])
def test_the_unit_of_the_features_does_not_matter(factor: float) -> None:
    x, y, _ = data()
    expected = doubts(x, y, torch.ones(N), ALL)
    torch.testing.assert_close(
        doubts(factor * x + 7, y, torch.ones(N), ALL), expected, atol=2e-3, rtol=0
    )


def test_parts_of_the_samples_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, _ = data()
    expected = doubts(x, y, torch.ones(N), ALL)
    monkeypatch.setattr(module, "NUMBERS", 7 * (WIDTH + CLASSES))
    torch.testing.assert_close(doubts(x, y, torch.ones(N), ALL), expected)


def test_with_nothing_to_learn_from_there_is_no_doubt() -> None:
    x, y, _ = data()
    for features, labels, weight in (
        (torch.ones_like(x), y, torch.ones(N)),
        (x, torch.zeros_like(y), torch.ones(N)),
        (x, torch.ones_like(y), torch.ones(N)),
        (x, y, (y == 1).float()),
        (x, y, torch.zeros(N)),
        (x[:0], y[:0], torch.ones(0)),
    ):
        doubt = doubts(features, labels, weight, torch.arange(len(labels)))
        assert doubt.shape == labels.shape and not doubt.any()


@pytest.mark.parametrize(
    ("many", "factor"), [(1, 300.0), (1, 1e6), (5, 100.0), (5, 1e6), (1, 1e25)]
)
def test_a_few_spikes_do_not_blind_the_judge(many: int, factor: float) -> None:
    x, y, wrong = data()
    spiked = x.clone()
    spiked[:many] *= factor
    doubt = doubts(spiked, y, torch.ones(N), ALL)[many:]
    assert float((doubt[wrong[many:]] > 0).float().mean()) > 0.9
    assert float((doubt[~wrong[many:]] < 0).float().mean()) > 0.9


@pytest.mark.parametrize("factor", [1.0, -100.0, 1e4])
def test_the_doubt_about_a_sample_that_is_left_out_is_bounded(factor: float) -> None:
    x, y, wrong = data()
    at = int(wrong.nonzero()[0])
    x[at] *= factor
    doubt = doubts(x, y, (ALL != at).float(), ALL)
    assert -1 <= float(doubt.min()) and float(doubt.max()) <= 1


@pytest.mark.parametrize("parity", [0, 1])
def test_the_ridge_is_chosen_whatever_the_indices_are(
    parity: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = torch.Generator().manual_seed(0)
    y = torch.arange(N) % 2
    x = torch.randn(N, 90, generator=rng) + y[:, None] * (torch.arange(90) < 3)
    monkeypatch.setattr(module, "TRIED", 60)
    monkeypatch.setattr(module, "FEWEST", 60)
    tried = doubts(x, y, torch.ones(N), 2 * ALL + parity)
    monkeypatch.undo()
    assert float((tried - doubts(x, y, torch.ones(N), ALL)).abs().mean()) < 0.05
