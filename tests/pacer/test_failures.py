"""Mistakes of home-made curricula that raise no error: each in a naive version, then in ours."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Sampler, TensorDataset

from selfpaced import Indexed, PacedSampler, Pacer
from selfpaced.age import Quantile, Threshold
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant

N = 64
LOSSES = torch.linspace(0.0, 1.0, N)[torch.randperm(N, generator=torch.Generator().manual_seed(0))]


def keeping_half() -> Pacer:
    return Pacer(N, age=Quantile(Constant(0.5)), difficulty=Loss())


class NaiveEasiest(Sampler[int]):
    """Naive: sorts its own losses whenever it is iterated."""

    def __init__(self, loss: Tensor, rank: int = 0, ranks: int = 1) -> None:
        self.loss, self.rank, self.ranks = loss, rank, ranks

    def __len__(self) -> int:
        return N // 2 // self.ranks

    def __iter__(self) -> Iterator[int]:
        easiest = torch.argsort(self.loss)[: N // 2]
        order = easiest[torch.randperm(N // 2, generator=torch.Generator().manual_seed(1))]
        yield from order[self.rank :: self.ranks].tolist()


class NaiveAdaptive(Sampler[int]):
    """Naive: chooses each sample by the state of training, and records how far training lags."""

    def __init__(self) -> None:
        self.trained, self.lag = 0, 0

    def __len__(self) -> int:
        return N

    def __iter__(self) -> Iterator[int]:
        for index in range(N):
            self.lag = max(self.lag, index - self.trained)
            yield index


@pytest.mark.parametrize(("workers", "batches_late"), [(0, 1), (2, 5)])
def test_workers_ask_an_adaptive_sampler_ahead_of_training(workers: int, batches_late: int) -> None:
    naive = NaiveAdaptive()
    for index, _ in DataLoader(
        Indexed(TensorDataset(LOSSES)), batch_size=4, sampler=naive, num_workers=workers
    ):
        naive.trained += len(index)
    assert naive.lag == 4 * batches_late - 1


def test_our_order_is_drawn_in_advance_and_is_the_same_with_workers() -> None:
    orders = []
    for workers in (0, 2):
        pacer = keeping_half()
        pacer.observe(LOSSES, torch.arange(N))
        pacer.step()
        loader = DataLoader(
            Indexed(TensorDataset(LOSSES)),
            batch_size=4,
            sampler=PacedSampler(pacer),
            num_workers=workers,
        )
        seen: list[int] = []
        for index, loss in loader:
            pacer(1 - loss, index)  # training reverses the order of difficulty
            seen += index.tolist()
        orders.append(seen)
    assert orders[0] == orders[1]


def test_ranks_that_sort_their_own_losses_miss_samples_of_the_easiest_half() -> None:
    own = [LOSSES.clone() for _ in range(2)]
    for rank in range(2):
        own[rank][1 - rank :: 2] = torch.rand(N // 2, generator=torch.Generator().manual_seed(rank))
    wanted = set(torch.argsort(LOSSES)[: N // 2].tolist())
    naive = [set(NaiveEasiest(own[rank], rank, 2)) for rank in range(2)]
    assert len(wanted & (naive[0] | naive[1])) < 28
    pacers = [keeping_half() for _ in range(2)]
    for rank, pacer in enumerate(pacers):
        for visits in (rank, 1 - rank):  # after the merge each rank has the losses of both
            index = torch.arange(visits, N, 2)
            pacer.observe(LOSSES[index], index)
        pacer.step()
    ours = [
        set(PacedSampler(pacer, revisit=0.0, num_replicas=2, rank=rank))
        for rank, pacer in enumerate(pacers)
    ]
    assert ours[0] | ours[1] == wanted and not ours[0] & ours[1]


def test_a_sampler_without_state_resumes_on_other_samples() -> None:
    changed = LOSSES.flip(0)
    whole = list(NaiveEasiest(LOSSES))
    assert list(NaiveEasiest(changed))[16:] != whole[16:]
    pacer = keeping_half()
    pacer.observe(LOSSES, torch.arange(N))
    pacer.step()
    sampler = PacedSampler(pacer)
    rest = iter(sampler)
    for _ in range(16):
        next(rest)
    state = sampler.state_dict()
    pacer.weight.copy_(pacer.weight.flip(0))
    resumed = PacedSampler(pacer)
    resumed.load_state_dict(state)
    assert list(resumed) == list(rest)


def test_the_mean_of_micro_batch_means_is_not_the_mean() -> None:
    loss, weight = torch.tensor([1.0, 2.0, 9.0, 0.5]), torch.tensor([1.0, 1.0, 0.0, 1.0])
    true = (loss * weight).sum() / weight.sum()
    naive = torch.stack(
        [(part * v).sum() / v.sum() for part, v in zip(loss.split(2), weight.split(2), strict=True)]
    ).mean()
    assert naive != pytest.approx(true.item(), rel=0.05)
    pacer = Pacer(4, age=Threshold(Constant(5.0)), difficulty=Loss())
    parts = zip(loss.split(2), torch.arange(4).split(2), strict=True)
    ours = sum(pacer(part, index, denominator=weight.sum()) for part, index in parts)
    assert float(ours) == pytest.approx(true.item())


def test_zero_times_an_infinite_loss_is_not_zero() -> None:
    loss = torch.tensor([1.0, torch.inf], requires_grad=True)
    assert (loss * torch.tensor([1.0, 0.0])).sum().isnan()
    ours = Pacer(2, age=Threshold(Constant(5.0)), difficulty=Loss())(loss, torch.arange(2))
    ours.backward()
    assert ours.item() == 0.5
    assert loss.grad is not None and loss.grad.tolist() == [0.5, 0.0]


def test_bf16_losses_tie() -> None:
    loss = torch.linspace(2.0, 3.0, 1000).bfloat16()
    assert len(loss.unique()) < 70
    logits = torch.randn(1000, 10, generator=torch.Generator().manual_seed(0))
    target = torch.zeros(1000, dtype=torch.int64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = nn.Identity()(logits).float()  # autocast computes cross-entropy in float32
        pacer = Pacer(1000)
        pacer(F.cross_entropy(out, target, reduction="none"), torch.arange(1000))
    assert pacer.ledger.loss.dtype == torch.float32
    assert len(pacer.ledger.loss.unique()) == 1000


def test_a_rank_whose_samples_are_all_left_out_still_has_a_graph() -> None:
    loss = torch.tensor([3.0, 4.0], requires_grad=True)
    assert not loss[loss < 1].mean().isfinite()
    total = Pacer(2, age=Threshold(Constant(1.0)), difficulty=Loss())(loss, torch.arange(2))
    total.backward()
    assert total.item() == 0.0
    assert loss.grad is not None and loss.grad.tolist() == [0.0, 0.0]
