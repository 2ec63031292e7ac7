"""Which samples an epoch visits, and in which order: pure functions of weights and a seed."""

from collections.abc import Sized
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Order = NDArray[np.int64]
PLACES = 2**15  # of the wheel that brings back who is left out


class Drawn(NamedTuple):
    """An epoch as it was drawn.

    Args:
        order: The indices of all ranks together.
        easy: Who might have been thinned, bool, shape (n,); None without thinning.
    """

    order: Order
    easy: Tensor | None


def chosen(weight: Tensor, epoch: int, revisit: float, seed: int) -> Tensor:
    """Return who is visited: the kept, and a rotating share of the others.

    Each sample has a fixed place on a wheel, of which an epoch visits an arc of the length
    ``revisit``, the next epoch the arc after it: who is left out is visited once a turn.

    Args:
        weight: Weights, shape (n,); 0 for a sample that is left out.
        epoch: Counted from 0.
        revisit: Share of the others, from 0 to 1, in steps of 1 / 32768.
        seed: Another seed is another wheel.

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
    last = start + arc - 1  # beyond the end it goes on at the beginning
    return kept | ((wheel >= start) & (wheel <= min(last, PLACES - 1))) | (wheel <= last - PLACES)


def thinned(easy: Tensor, epoch: int, thin: float, seed: int) -> Tensor:
    """Return who of the well-learned stays away in this epoch, bool, shape (n,).

    Args:
        easy: Who is well learned, bool, shape (n,).
        epoch: Counted from 0; another epoch draws anew.
        thin: Probability of staying away, from 0 to below 1.
        seed: Another seed is another draw.
    """
    rng = np.random.default_rng([seed, epoch, 1])
    away = rng.random(len(easy), dtype=np.float32) < thin
    return easy & torch.from_numpy(away)


def shuffled(who: Tensor, epoch: int, seed: int, length: int | None = None) -> Order:
    """Return the indices of an epoch in random order, int64.

    Args:
        who: Who is visited, bool, shape (n,).
        epoch: Counted from 0.
        seed: With the epoch it decides the order.
        length: How many indices; more than there are go round again, in another order. None: each
            once.

    >>> order = shuffled(torch.tensor([True, False, True]), epoch=0, seed=0, length=4)
    >>> sorted(order[:2].tolist()), sorted(order[2:].tolist())
    ([0, 2], [0, 2])
    """
    members = who.nonzero().squeeze(1).numpy()
    rng = np.random.default_rng([seed, epoch, 0])
    rounds = 1 if length is None or not len(members) else -(-length // len(members))
    if rounds <= 1:
        rng.shuffle(members)
        return members[:length]
    return np.concatenate([rng.permutation(members) for _ in range(rounds)])[:length]


def length_of(order: Sized, ranks: int) -> int:
    """Return how many indices of an order each rank gets."""
    return -(-len(order) // ranks)


def share_of(order: Order, ranks: int, rank: int) -> Order:
    """Return a rank's part of an order; all parts are as long, the first ones go round again."""
    missing = -len(order) % ranks
    whole = np.concatenate([order, np.resize(order, missing)]) if missing else order
    return whole[rank::ranks]
