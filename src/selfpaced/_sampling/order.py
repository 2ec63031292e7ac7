"""Which samples an epoch visits, and in which order: pure functions of weights and a seed."""

from collections.abc import Sized
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Order = NDArray[np.int64]  # dataset indices in the order of their visits
PLACES = 2**15  # number of places on the wheel by which left-out samples are visited again
SHUFFLE = 0  # ends the seed of the draw of an order
THIN = 1  # ends the seed of the draw of the samples to skip
THINNED = 0.875  # share of a training's epochs that may be thinned, as in InfoBatch


class Drawn(NamedTuple):
    """The draw of an epoch.

    Args:
        order: The indices of all ranks together.
        easy: Which samples thinning could skip, bool, shape (n,); None without thinning.
    """

    order: Order
    easy: Tensor | None


def chosen(weight: Tensor, epoch: int, revisit: float, seed: int) -> Tensor:
    """Return which samples are visited: the kept ones and a rotating share of the others.

    Each sample has a fixed random place on a wheel. An epoch visits an arc of the length
    ``revisit``, and the next epoch the arc after it. So each left-out sample is visited once per
    turn of the wheel.

    Args:
        weight: Weights, shape (n,); 0 for a sample that is left out.
        epoch: Counted from 0.
        revisit: Share of the others, from 0 to 1, in steps of 1 / 32768.
        seed: Seed of the places.

    Returns:
        bool, shape (n,).

    >>> weight = torch.tensor([1.0, 0.0, 0.0, 0.5])
    >>> chosen(weight, 0, revisit=0.0, seed=0)
    tensor([ True, False, False,  True])
    >>> turn = [chosen(weight, epoch, revisit=0.5, seed=0) for epoch in range(2)]
    >>> torch.stack(turn).int().sum(0)
    tensor([2, 1, 1, 2])
    """
    kept = weight > 0
    if revisit == 0:
        return kept
    arc = max(1, round(revisit * PLACES))
    generator = torch.Generator().manual_seed(seed)
    wheel = torch.randint(PLACES, kept.shape, generator=generator, dtype=torch.int16, device="cpu")
    start = epoch * arc % PLACES
    last = start + arc - 1  # beyond the end the arc continues at 0
    return kept | ((wheel >= start) & (wheel <= min(last, PLACES - 1))) | (wheel <= last - PLACES)


def thinned(easy: Tensor, epoch: int, thin: float, seed: int) -> Tensor:
    """Return a mask of well-learned samples that this epoch skips, bool, shape (n,).

    Args:
        easy: Which samples are well learned, bool, shape (n,).
        epoch: Counted from 0; each epoch has a draw of its own.
        thin: Probability that a well-learned sample is skipped, from 0 to below 1.
        seed: Seed of the draws.
    """
    rng = np.random.default_rng([seed, epoch, THIN])
    skipped = rng.random(len(easy), dtype=np.float32) < thin
    return easy & torch.from_numpy(skipped)


def is_thinned(epoch: int, epochs: int | None) -> bool:
    """Return whether an epoch of a training may be thinned: one of the last eighth may not.

    Args:
        epoch: Counted from 0.
        epochs: Number of epochs of the training; None if it is not known.

    >>> [is_thinned(epoch, 10) for epoch in (7, 8)]
    [True, False]
    """
    return epochs is None or epoch < int(THINNED * epochs)


def shuffled(visited: Tensor, epoch: int, seed: int, length: int | None = None) -> Order:
    """Return the indices of an epoch in random order, int64.

    Args:
        visited: Which samples are visited, bool, shape (n,).
        epoch: Counted from 0.
        seed: Decides the order, together with the epoch.
        length: Number of indices. If it exceeds the number of samples, they are visited again, in
            another order. None to visit each sample once.

    >>> order = shuffled(torch.tensor([True, False, True]), epoch=0, seed=0, length=4)
    >>> sorted(order[:2].tolist()), sorted(order[2:].tolist())
    ([0, 2], [0, 2])
    """
    members = visited.nonzero().squeeze(1).numpy()
    rng = np.random.default_rng([seed, epoch, SHUFFLE])
    rounds = 1 if length is None or not len(members) else -(-length // len(members))
    if rounds <= 1:
        rng.shuffle(members)
        return members[:length]
    return np.concatenate([rng.permutation(members) for _ in range(rounds)])[:length]


def length_of(order: Sized, ranks: int) -> int:
    """Return how many indices of an order each rank gets."""
    return -(-len(order) // ranks)


def share_of(order: Order, ranks: int, rank: int) -> Order:
    """Return a rank's part of an order; the first indices repeat to make all parts equally long."""
    missing = -len(order) % ranks
    whole = np.concatenate([order, np.resize(order, missing)]) if missing else order
    return whole[rank::ranks]
