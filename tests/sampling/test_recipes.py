"""The recipes of docs/sampling.md: a loss of the batch only, and left-out samples only scored."""

import warnings

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from selfpaced import PacedSampler, Pacer
from selfpaced.age import Quantile
from selfpaced.difficulty import Loss, Smoothed
from selfpaced.pacing import Constant

N = 64
X = torch.randn(N, 3, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()


def batch_scored(thin: float = 0.5, epochs: int | None = None) -> tuple[Pacer, PacedSampler]:
    """The parts of the recipe for a loss of the batch only."""
    pacer = Pacer(N, age=None, difficulty=Smoothed(0.7))
    return pacer, PacedSampler(pacer, thin=thin, epochs=epochs)


def epoch_of_means(pacer: Pacer, sampler: PacedSampler) -> list[tuple[Tensor, float, Tensor]]:
    """Train an epoch of the recipe; return index, mean loss and the result of each batch."""
    found = []
    for number, index in enumerate(torch.tensor(list(sampler)).split(8)):
        mean = torch.tensor(1.0 + number, requires_grad=True)
        total = pacer(mean.expand(len(index)), index)
        total.backward()
        assert mean.grad is not None
        assert mean.grad * mean.detach() == pytest.approx(total.item())
        found.append((index, mean.item(), total.detach()))
    pacer.step()
    return found


def test_the_score_is_the_average_of_the_means_of_a_samples_batches() -> None:
    pacer, sampler = batch_scored()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = epoch_of_means(pacer, sampler), epoch_of_means(pacer, sampler)
    score = torch.full((N,), torch.nan)
    for index, mean, _ in first:
        score[index] = mean
    for index, mean, _ in second:
        score[index] = (0.7 * score[index] + mean) / 1.7
    seen, population = pacer.ledger.population(pacer.difficulty)
    assert len(seen) == N
    torch.testing.assert_close(population.difficulty, score)
    assert bool((pacer.weight == 1).all())


def test_the_mean_loss_is_multiplied_by_the_mean_importance_of_its_batch() -> None:
    pacer, sampler = batch_scored()
    epoch_of_means(pacer, sampler)
    found = epoch_of_means(pacer, sampler)
    importance = pacer.importance
    assert importance is not None and importance.unique().tolist() == [1.0, 2.0]
    for index, mean, total in found:
        assert total.item() == pytest.approx(mean * importance[index].mean().item())


def test_samples_of_a_low_score_are_thinned_until_the_last_epochs() -> None:
    pacer, sampler = batch_scored(thin=0.9, epochs=3)
    easy = torch.cat([index for index, mean, _ in epoch_of_means(pacer, sampler) if mean < 4.5])
    visited = torch.cat([index for index, *_ in epoch_of_means(pacer, sampler)])
    assert len(easy) == N // 2 and 0 < len(visited) - N // 2 < 12
    assert set(range(N)) - set(easy.tolist()) <= set(visited.tolist())
    assert len(epoch_of_means(pacer, sampler)) == N // 8 and pacer.importance is None


def leaving_out(share: float) -> Pacer:
    """A pacer of which the first samples have a weight, and the hardest share has not."""
    pacer = Pacer(N, age=Quantile(Constant(1 - share)), difficulty=Loss())
    pacer.observe(torch.linspace(0.1, 3.0, N), torch.arange(N))
    pacer.step()
    return pacer


def train_by_halves(pacer: Pacer, model: nn.Module, index: Tensor) -> None:
    """Take the gradients of the recipe that only scores what is left out."""
    kept = pacer.weight[index] > 0
    if not kept.all():
        with torch.no_grad():
            left = F.cross_entropy(model(X[index][~kept]), Y[index][~kept], reduction="none")
        pacer.observe(left, index[~kept])
    if kept.any():
        loss = F.cross_entropy(model(X[index][kept]), Y[index][kept], reduction="none")
        pacer(loss, index[kept], denominator=len(index)).backward()


def plain(model: nn.Module, pacer: Pacer, index: Tensor) -> None:
    """Take the gradients of the weights of the last step."""
    loss = F.cross_entropy(model(X[index]), Y[index], reduction="none")
    (loss * pacer.weight[index]).mean().backward()


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_scoring_what_is_left_out_gives_the_same_gradient(share: float) -> None:
    torch.manual_seed(0)
    model, pacer, index = nn.Linear(3, 2), leaving_out(share), torch.arange(0, N, 3)
    pacer.current_age.fill_(torch.inf)  # the weights of the step, not those of the new losses
    plain(model, pacer, index)
    assert model.weight.grad is not None
    expected = model.weight.grad.clone()
    model.zero_grad()
    train_by_halves(pacer, model, index)
    found = model.weight.grad
    torch.testing.assert_close(torch.zeros_like(expected) if found is None else found, expected)
    assert bool(pacer.ledger.waiting[index].all()) and int(pacer.ledger.waiting.sum()) == len(index)
    pacer.step()
