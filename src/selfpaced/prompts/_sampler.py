"""A sampler of repeated batches of prompts that uses new weights within the epoch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Sampler

from selfpaced._errors import require, require_positive_int, require_seed, require_step
from selfpaced._pacer.pacer import Pacer, require_pacer
from selfpaced._sampling.order import Order, chosen
from selfpaced._saved import Assign, Saved, shown

# The version of a state.
VERSION = 1
# The keys of a state.
KEYS = {"n_samples", "batch_size", "epoch", "drawn", "round", "place"}


# An epoch beyond it is damage: its order takes as many draws, one after another.
MOST_EPOCHS = 100_000


class Place(NamedTuple):
    """A position in an epoch: the round (one pass over all prompts), and the place in it."""

    round: int
    place: int


# The position at the start of an epoch.
START = Place(0, 0)


def next_prompts(
    size: int,
    start: Place,
    allowed: Callable[[int], NDArray[np.bool_]],
    order_of: Callable[[int], Order],
) -> tuple[Order, Place]:
    """Return the next different prompts that are allowed, and the position after them.

    When a round is over, the next one begins. If a whole round has no further allowed prompt, other
    prompts fill the batch.

    Args:
        size: Number of prompts to return, at most the number of all prompts.
        start: The position to start from.
        allowed: Maps a round to a mask of the prompts that are allowed in it, bool, shape (n,).
        order_of: Maps a round to the order of all prompts in it, shape (n,).

    >>> kept = np.array([True, False, True, True])
    >>> next_prompts(2, Place(0, 0), lambda round: kept, lambda round: np.arange(4))
    (array([0, 2]), Place(round=0, place=3))
    >>> next_prompts(2, Place(0, 3), lambda round: kept, lambda round: np.arange(4))
    (array([3, 0]), Place(round=1, place=1))
    """
    at, found = start, np.empty(0, dtype=np.int64)
    while True:
        order = order_of(at.round)
        free = allowed(at.round).copy()
        free[found] = False
        ahead = at.place + np.flatnonzero(free[order[at.place :]])[: size - len(found)]
        found = np.concatenate([found, order[ahead]])
        if len(found) == size:
            return found, Place(at.round, int(ahead[-1]) + 1)
        if at.place == 0 and not len(ahead):
            others = order[~np.isin(order, found)][: size - len(found)]
            return np.concatenate([found, others]), Place(at.round + 1, 0)
        at = Place(at.round + 1, 0)


@dataclass
class _Epoch:
    """An epoch, and the batches of it that are drawn."""

    number: int
    first: Order  # the order of its first round
    drawn: list[Order] = field(default_factory=list)
    at: Place = START


class PromptSampler(Sampler[int]):
    """Batches of the prompts that the pacer keeps, and a rotating share of the others.

    The order is that of trl's ``RepeatSampler``: batches of different prompts, each prompt
    ``mini_repeat_count`` times in a row, each batch ``repeat_count`` times. The prompts of a batch
    are chosen when its first index is requested. The first round of an epoch is the permutation of
    RepeatSampler without the prompts that are left out. Further rounds visit the kept prompts again
    in other orders, so every epoch has the same length. While all prompts are kept, the order is
    RepeatSampler's.

    All ranks draw the same order, and each must request all of it. The order depends on
    ``pacer.weight``, which is the same on all ranks after ``pacer.step()``.

    Args:
        pacer: Made with ``n_samples``, the number of prompts.
        mini_repeat_count: Generations per prompt.
        batch_size: Prompts in a batch.
        repeat_count: How often each batch is yielded.
        shuffle: False keeps the dataset's order in the first round of each epoch.
        seed: Seed of all orders.
        revisit: Share of the left-out prompts that an epoch visits, from 0 to 1. Each epoch visits
            other ones, so that a prompt is judged again every ``1 / revisit`` epochs.

    Raises:
        TypeError: For a pacer of another type, and counts that are no ints.
        ValueError: For a pacer without ``n_samples``, a batch larger than the dataset, and settings
            outside their ranges.

    >>> from selfpaced import Pacer
    >>> list(PromptSampler(Pacer(2), 2, batch_size=2, repeat_count=2, shuffle=False))
    [0, 0, 1, 1, 0, 0, 1, 1]
    """

    def __init__(
        self,
        pacer: Pacer,
        mini_repeat_count: int,
        batch_size: int = 1,
        repeat_count: int = 1,
        shuffle: bool = True,
        seed: int = 0,
        *,
        revisit: float = 0.25,
    ) -> None:
        """Check the settings."""
        self.pacer, self.mini_repeat_count, self.batch_size = pacer, mini_repeat_count, batch_size
        self.repeat_count, self.shuffle, self.seed = repeat_count, shuffle, seed
        self.revisit = revisit
        self.n_samples = _require_fit(self)
        self._running: _Epoch | None = None  # the epoch that began last
        self._goes_on = False  # whether it was loaded and no iterator has begun since
        self._asked: int | None = None  # the epoch that set_epoch asked for

    def set_epoch(self, epoch: int) -> None:
        """Set which epoch begins next, counted from 0; the epoch of a loaded state continues."""
        require_step(epoch, "PromptSampler.set_epoch")
        self._asked = epoch

    def __len__(self) -> int:
        """Return the number of indices in an epoch, which is always that of RepeatSampler."""
        return self._batches * self.batch_size * self.mini_repeat_count * self.repeat_count

    def __iter__(self) -> Iterator[int]:
        """Yield the indices of an epoch; a loaded epoch yields its drawn batches again first."""
        running = self._running = self._begun()
        self._goes_on, self._asked = False, None
        for batch in range(self._batches):
            if batch == len(running.drawn):
                self._draw(running)
            indices = np.repeat(running.drawn[batch], self.mini_repeat_count).tolist()
            for _ in range(self.repeat_count):
                yield from indices

    def state_dict(self) -> dict[str, Any]:
        """Return the drawn batches of the epoch that began last, for a checkpoint.

        The host knows how many of them were trained on, and skips these when it resumes.
        """
        running = self._running or self._epoch(self._asked or 0)
        drawn = np.concatenate([np.empty(0, dtype=np.int64), *running.drawn])
        return {
            "version": VERSION,
            "n_samples": self.n_samples,
            "batch_size": self.batch_size,
            "epoch": running.number,
            "drawn": torch.from_numpy(drawn),
            "round": running.at.round,
            "place": running.at.place,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state; on an error nothing changes.

        The next iterator yields the drawn batches again, unless ``set_epoch`` asks for another
        epoch.

        Raises:
            ValueError: For a state that lacks a key, has a newer version, is for another dataset
                or batch size, or is damaged.
        """
        self._read(state)()

    def _read(self, state: object) -> Assign:
        """Check a state; return the function that loads it."""
        saved = Saved(state, "PromptSampler", KEYS, newest=VERSION)
        sizes = saved["n_samples"], saved["batch_size"]
        require(
            all(type(size) is int for size in sizes) and sizes == (self.n_samples, self.batch_size),
            f"PromptSampler: the state is for {shown(sizes[0])} prompts in batches of "
            f"{shown(sizes[1])}, the sampler for {self.n_samples} in batches of "
            f"{self.batch_size}. Use the dataset and the batch size of the checkpoint.",
        )
        drawn = _read_drawn(saved, self.n_samples, self.batch_size)
        at = Place(saved.count("round"), saved.count("place", most=self.n_samples))
        running = self._epoch(saved.count("epoch", most=MOST_EPOCHS))
        running.drawn, running.at = list(drawn.numpy().copy()), at

        def assign() -> None:
            """Assign what was read."""
            self._running, self._goes_on, self._asked = running, True, None

        return assign

    @property
    def _batches(self) -> int:
        """Number of batches in an epoch."""
        return self.n_samples // self.batch_size

    def _begun(self) -> _Epoch:
        """Return the epoch of an iterator that begins now."""
        last = self._running
        if last is not None and self._goes_on and self._asked in (None, last.number):
            return last
        if self._asked is not None:
            return self._epoch(self._asked)
        return self._epoch(0 if last is None else last.number + 1)

    def _epoch(self, number: int) -> _Epoch:
        """Return an epoch without drawn batches; its first round has RepeatSampler's order."""
        first = torch.arange(self.n_samples, device="cpu")
        generator = torch.Generator().manual_seed(self.seed)
        for _ in range(number + 1 if self.shuffle else 0):
            first = torch.randperm(self.n_samples, generator=generator, device="cpu")
        return _Epoch(number, first.numpy())

    def _draw(self, epoch: _Epoch) -> None:
        """Draw the next batch with the current weights."""
        weight = self.pacer.weight.cpu()
        kept = (weight > 0).numpy()
        visited = chosen(weight, epoch.number, self.revisit, self.seed).numpy()

        def order_of(round: int) -> Order:
            rng = np.random.default_rng([self.seed, epoch.number, round])
            return epoch.first if round == 0 else rng.permutation(self.n_samples)

        batch, epoch.at = next_prompts(
            self.batch_size, epoch.at, lambda round: kept if round else visited, order_of
        )
        epoch.drawn.append(batch)


def _require_fit(sampler: PromptSampler) -> int:
    """Raise for settings outside their ranges; return the number of prompts."""
    owner, pacer = "PromptSampler", sampler.pacer
    require_pacer(pacer, owner)
    for name in ("mini_repeat_count", "batch_size", "repeat_count"):
        require_positive_int(name, getattr(sampler, name), owner)
    require_seed(sampler.seed, owner)
    require(
        0 <= sampler.revisit <= 1,
        f"{owner}: revisit must be from 0 to 1; got {sampler.revisit}.",
    )
    if pacer.n_samples is None:
        raise ValueError(f"{owner} needs a pacer with n_samples; make it as Pacer(len(dataset)).")
    require(
        sampler.batch_size <= pacer.n_samples,
        f"{owner}: a batch of {sampler.batch_size} prompts needs at least as many prompts; got "
        f"{pacer.n_samples}. Make the batch smaller.",
    )
    return pacer.n_samples


def _read_drawn(saved: Saved, n_samples: int, size: int) -> Tensor:
    """Return the drawn batches of a state, int64, shape (batches, size)."""
    drawn = saved.tensor("drawn", torch.int64, (None,), low=0, high=n_samples - 1)
    fits = len(drawn) % size == 0 and len(drawn) <= n_samples
    saved.require("drawn", fits, f"batches of {size}, at most {n_samples // size}", drawn)
    batches = drawn.reshape(-1, size)
    ordered = batches.sort(1).values
    once = not bool((ordered[:, 1:] == ordered[:, :-1]).any())
    saved.require("drawn", once, "batches of different prompts", drawn)
    return batches
