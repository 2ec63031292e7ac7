"""A collate function that moves samples within a batch is noticed; an honest one is untouched."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_sequence, pad_sequence
from torch.utils.data import DataLoader

from selfpaced._sampling.collated import InOrder

Item = tuple[Tensor, int]
MOVES = "changes the order of the samples"


def items(n: int = 8, seed: int = 0) -> list[Item]:
    """Sequences of several lengths, with labels."""
    g = np.random.default_rng(seed)
    return [
        (torch.arange(int(g.integers(2, 9))) + 100 * i, int(g.integers(0, 2))) for i in range(n)
    ]


def by_length(item: Item) -> int:
    return -len(item[0])


def padded(batch: list[Item]) -> tuple[Tensor, Tensor]:
    x, y = zip(*batch, strict=True)
    return pad_sequence(list(x), batch_first=True), torch.tensor(y)


def as_dict(batch: list[Item]) -> dict[str, Any]:
    x, y = padded(batch)
    return {"inputs": {"ids": x, "lengths": [len(v) for v, _ in batch]}, "labels": y}


def only_labels(batch: list[Item]) -> Tensor:
    return padded(batch)[1]


def only_arrays(batch: list[Item]) -> list[Any]:
    return [part.numpy() for part in padded(batch)]


def packed(batch: list[Item]) -> tuple[PackedSequence, Tensor]:
    """As of a model that sorts and sorts back."""
    return pack_sequence([x for x, _ in batch], enforce_sorted=False), padded(batch)[1] * 0


KINDS: dict[str, Callable[[list[Item]], Any]] = {
    "tuple": padded,
    "dict": as_dict,
    "tensor": only_labels,
    "arrays": only_arrays,
    "packed": packed,
}


def sorting(kind: Callable[[list[Item]], Any], batch: list[Item]) -> Any:
    return kind(sorted(batch, key=by_length))


def shuffling(kind: Callable[[list[Item]], Any], batch: list[Item]) -> Any:
    return kind([batch[i] for i in torch.randperm(len(batch))])


def bucketed(kind: Callable[[list[Item]], Any], batch: list[Item]) -> Any:
    """Short before long, else as they came."""
    return kind(sorted(batch, key=lambda item: len(item[0]) > 5))


@pytest.mark.parametrize("kind", KINDS)
def test_a_function_that_keeps_the_order_returns_its_own_batch(kind: str) -> None:
    for seed in range(20):
        said, own = InOrder(KINDS[kind])(items(seed=seed)), KINDS[kind](items(seed=seed))
        assert type(said) is type(own)
        assert str(said) == str(own)


@pytest.mark.parametrize("moving", [sorting, shuffling, bucketed])
@pytest.mark.parametrize("kind", KINDS)
def test_a_function_that_moves_samples_is_refused(kind: str, moving: Any) -> None:
    torch.manual_seed(0)
    with pytest.raises(ValueError, match=MOVES):
        InOrder(partial(moving, KINDS[kind]))(items(16))


def test_it_is_noticed_at_the_first_batch_that_tells() -> None:
    in_order = InOrder(partial(sorting, only_labels))
    equal = [(torch.arange(3), 1)] * 8
    for _ in range(6):
        in_order(equal)  # whatever their order, the batch is the same
    in_order(items())  # the seventh batch is not checked
    with pytest.raises(ValueError, match="enforce_sorted=False.* Indexed sends the index through"):
        in_order(items())


def test_batches_of_workers_are_checked() -> None:
    data: Any = items(32)
    loader = DataLoader(data, 8, collate_fn=InOrder(partial(sorting, padded)), num_workers=1)
    with pytest.raises(ValueError, match=MOVES):
        next(iter(loader))


# --- honest functions with random numbers of their own


def masked(batch: list[Item]) -> Any:
    """The masks of a language model: drawn anew for each place."""
    x, _ = padded(batch)
    return {"ids": torch.where(torch.rand(x.shape) < 0.3, 0, x)}


def noisy(batch: list[Item]) -> Any:
    """A diffusion model: noise and time are drawn for each place, whatever the sample."""
    return {"noise": torch.randn(len(batch), 3), "time": torch.randint(0, 9, (len(batch),))}


def placed(batch: list[Item]) -> Any:
    """The number of the place."""
    return torch.arange(len(batch))


def mixed(batch: list[Item]) -> Any:
    """Mixup with a random partner, whose number is in the batch."""
    partner = torch.randperm(len(batch))
    x, y = padded(batch)
    return {"x": x + 0.1 * x[partner], "y": y, "partner": partner}


def sorted_inside(batch: list[Item]) -> Any:
    """It gives the order by length to the model, and keeps its own."""
    x, y = padded(batch)
    return x, y, torch.tensor([len(v) for v, _ in batch]).argsort()


@pytest.mark.parametrize("honest", [masked, noisy, placed, mixed, sorted_inside])
def test_random_and_counted_parts_are_not_refused(honest: Any) -> None:
    torch.manual_seed(0)
    for seed in range(40):
        InOrder(honest)(items(seed=seed))


class Own:
    """Draws from generators of its own and from the global ones, counts, and changes its items."""

    def __init__(self) -> None:
        self.torch, self.calls = torch.Generator().manual_seed(0), 0
        self.numpy, self.python = np.random.default_rng(0), random.Random(0)
        self.old = np.random.RandomState(0)

    def __call__(self, batch: list[list[Tensor]]) -> list[float]:
        self.calls += 1
        numbers = [torch.rand(1, generator=self.torch).item(), self.numpy.random()]
        numbers += [self.python.random(), self.old.rand(), torch.rand(1).item()]
        numbers += [random.random(), np.random.rand(), float(self.calls)]  # noqa: NPY002 - as users do
        return numbers + [float(item.pop().mul_(2)) for item in batch]


def ten_batches(collate: Any) -> list[list[float]]:
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002 - as above
    random.seed(1)
    return [collate([[torch.tensor(1.0 + i)] for i in range(6)]) for _ in range(10)]


@pytest.mark.parametrize("method", [False, True], ids=["object", "method"])
def test_a_run_is_the_same_with_and_without_the_check(method: bool) -> None:
    plain, checked = Own(), Own()
    before = ten_batches(plain)
    after = ten_batches(InOrder(checked.__call__ if method else checked))
    assert before == after
    assert checked.calls == 10


def test_generators_of_a_closure_and_a_partial_are_restored() -> None:
    def make() -> Any:
        generator = torch.Generator().manual_seed(0)

        def draw(other: torch.Generator, batch: list[Any]) -> list[float]:
            return [torch.rand(1, generator=g).item() for g in (generator, other)]

        return partial(draw, torch.Generator().manual_seed(1))

    assert ten_batches(make()) == ten_batches(InOrder(make()))


def test_what_cannot_be_collated_reversed_passes() -> None:
    def picky(batch: list[Item]) -> Tensor:
        if batch[0][0][0] > 0:
            raise RuntimeError("sample 0 comes first")
        return only_labels(batch)

    assert torch.equal(InOrder(picky)(items()), only_labels(items()))
    locked: Any = [(lambda: 0).__code__.co_consts, (i for i in range(2))]  # a generator has no copy
    assert InOrder(len)(locked) == 2
