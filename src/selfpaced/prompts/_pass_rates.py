"""Reward functions that give the pacer 1 - pass rate as the loss of each prompt.

In GRPO and RLOO the advantage of a completion is its reward minus the mean reward of its group.
So a prompt that is always solved, or never, teaches nothing.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from selfpaced._errors import require
from selfpaced._memory.columns import lasting
from selfpaced._memory.ledger import MEMORY, VISITS
from selfpaced._pacer.checks import raise_out_of_range
from selfpaced._pacer.pacer import Pacer, require_pacer
from selfpaced._ranks import rank_here, world_size
from selfpaced._saved import Assign, Saved
from selfpaced.tracking import scalars

# The version of a state.
VERSION = 1
# The keys of a state.
KEYS = {"passes", "completions", "batches"}

Rewards = list[float | None]


class _PassRates:
    """What ``PassRates`` and ``AsyncPassRates`` have in common."""

    waits = False  # whether the reward function is async

    def __init__(
        self,
        pacer: Pacer,
        reward: Callable[..., Any],
        *,
        threshold: float | None = None,
        scale: tuple[float, float] = (0.0, 1.0),
        column: str = "sample_index",
    ) -> None:
        """Check the arguments."""
        self.pacer, self.reward, self.threshold = pacer, reward, threshold
        self.scale, self.column = scale, column
        n_samples = _require_parts(self)
        self.__name__ = getattr(_unwrapped(reward), "__name__", type(reward).__name__)
        self.batches = 0
        with lasting():
            self._passes = torch.zeros(n_samples, dtype=torch.float32)
            self._completions = torch.zeros(n_samples, dtype=torch.int64)

    def record(self, rewards: Sequence[float | None], index: Sequence[int] | None) -> None:
        """Remember rewards until the next ``step``.

        Args:
            rewards: One per completion; completions with None or NaN do not count.
            index: The dataset index of each completion's prompt. None remembers nothing; an
                evaluated set has no index.

        Raises:
            ValueError: For rewards outside the scale, indices out of range, and another number of
                rewards than of indices.
        """
        if index is None:
            return
        place = torch.as_tensor(index, dtype=torch.int64)
        share = self._shares(rewards)
        n_samples = len(self._passes)
        require(
            place.shape == share.shape,
            f"{type(self).__name__}: {self.__name__} returned {len(share)} rewards for "
            f"{len(place)} completions. Return one per completion.",
        )
        if bool(((place < 0) | (place >= n_samples)).any()):
            raise_out_of_range(place, n_samples)
        known = ~share.isnan()
        self.batches += 1
        self._passes.index_add_(0, place[known], share[known])
        self._completions.index_add_(0, place[known], known[known].long())

    def step(self) -> None:
        """Merge the ranks, give the pacer 1 - pass rate, and step it. Call this on all ranks.

        The pass rate of a prompt is the mean over its completions since the last step on all ranks;
        a rank may have only a part of them. If no completion was scored, the pacer does not step.
        """
        passes, completions = self._merged()
        self._passes.zero_()
        self._completions.zero_()
        self.batches = 0
        index = completions.nonzero().squeeze(1)
        if len(index):
            self.pacer.observe(1 - passes[index] / completions[index], index)
            self.pacer.step()

    @property
    def rate(self) -> Tensor:
        """The last pass rate of each prompt, float32, shape (n,); NaN for a prompt never seen."""
        return 1 - self.pacer.ledger.loss

    def scalars(self) -> dict[str, float]:
        """Return ``tracking.scalars(pacer)``, and three numbers about the prompts seen so far.

        ``spl/pass_rate`` is the mean of their last pass rates. ``spl/frac_never_solved`` and
        ``spl/frac_always_solved`` are the shares of prompts whose remembered loss is 1 and 0.
        """
        rows = self.pacer.ledger.committed
        memory = rows[rows[:, VISITS] >= 1, MEMORY]
        if not len(memory):
            return {}
        return scalars(self.pacer) | {
            "spl/pass_rate": float(self.rate.nanmean()),
            "spl/frac_never_solved": float((memory == 1).float().mean()),
            "spl/frac_always_solved": float((memory == 0).float().mean()),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return what all ranks recorded since the last ``step``. Call this on all ranks."""
        passes, completions = self._merged()
        return {
            "version": VERSION,
            "passes": passes,
            "completions": completions,
            "batches": self.batches,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state, on any number of ranks; on an error nothing changes.

        Raises:
            ValueError: For a state that lacks a key, is for another number of prompts, of a newer
                version, or damaged.
        """
        self._read(state)()

    def _read(self, state: object) -> Assign:
        """Check a state; return the function that loads it."""
        owner, n_samples = type(self).__name__, len(self._passes)
        saved = Saved(state, owner, KEYS, newest=VERSION)
        most = torch.finfo(torch.float32).max
        passes = saved.tensor("passes", torch.float32, (None,), low=0, high=most)
        require(
            len(passes) == n_samples,
            f"{owner}: the state is for {len(passes)} prompts, the pacer for {n_samples}. Load it "
            f"with the dataset of the checkpoint.",
        )
        completions = saved.tensor("completions", torch.int64, (n_samples,), low=0)
        fits = bool((passes <= completions).all())
        saved.require("passes", fits, "at most 1 per completion", passes)
        batches, mine = saved.count("batches"), int(rank_here() == 0)

        def assign() -> None:
            """Assign what was read: the sums of all ranks, which only one of them loads."""
            self._passes.copy_(passes * mine)
            self._completions.copy_(completions * mine)
            self.batches = batches

        return assign

    def _merged(self) -> tuple[Tensor, Tensor]:
        """Return the sums over all ranks, on the device of the ledger."""
        device = self.pacer.ledger.device
        passes = self._passes.to(device, copy=True)
        completions = self._completions.to(device, copy=True)
        if world_size() > 1:
            dist.all_reduce(passes)
            dist.all_reduce(completions)
        return passes, completions

    def _shares(self, rewards: Sequence[float | None]) -> Tensor:
        """Return the share to which each completion passes, from 0 to 1; NaN for no reward."""
        numbers = [float("nan") if reward is None else float(reward) for reward in rewards]
        reward = torch.tensor(numbers, dtype=torch.float32)
        if self.threshold is not None:
            return torch.where(reward.isnan(), torch.nan, (reward >= self.threshold).float())
        low, high = self.scale
        bad = reward[(reward < low) | (reward > high)]
        require(
            len(bad) == 0,
            f"{type(self).__name__}: rewards of {self.__name__} must be from {low} to {high}; got "
            f"{bad[:3].tolist()}. Give the threshold at which a completion passes, or the scale.",
        )
        return (reward - low) / (high - low)


class PassRates(_PassRates):
    """A reward function that tells a pacer how often each prompt is solved.

    It returns what the wrapped function returns, and has its name, under which trainers log it.

    Args:
        pacer: Made with ``n_samples``. Its losses are 1 - pass rate, so lower is easier.
        reward: The reward function. It gets the arguments with which the wrapper is called.
        threshold: A completion passes if its reward is at least this. With None, a reward is the
            share to which the completion passes.
        scale: Without a threshold, the rewards that count as 0 and as 1.
        column: Name of the argument that holds the dataset index of each completion's prompt.

    Attributes:
        batches: Number of calls recorded since the last ``step``, the same on all ranks.

    Raises:
        TypeError: For a pacer of another type, and a reward that is no function, or is async.
        ValueError: For a pacer without ``n_samples`` and an empty scale; when called, for rewards
            outside the scale and indices out of range.

    >>> from selfpaced import Pacer
    >>> def right(completions, answer, **columns):
    ...     return [float(a == b) for a, b in zip(completions, answer)]
    >>> rewards = PassRates(Pacer(3), right)
    >>> rewards(completions=["4", "5"], answer=["4", "4"], sample_index=[2, 2])
    [1.0, 0.0]
    >>> rewards.step()
    >>> rewards.rate
    tensor([   nan,    nan, 0.5000])
    """

    def __call__(self, **columns: Any) -> Rewards:  # noqa: ANN401 - the trainer's columns
        """Reward the completions, and record the rewards."""
        rewards: Rewards = self.reward(**columns)
        self.record(rewards, columns.get(self.column))
        return rewards


class AsyncPassRates(_PassRates):
    """``PassRates`` for a reward function that is ``async``."""

    waits = True

    async def __call__(self, **columns: Any) -> Rewards:  # noqa: ANN401 - the trainer's columns
        """Reward the completions, and record the rewards."""
        answer: Awaitable[Rewards] = self.reward(**columns)
        rewards = await answer
        self.record(rewards, columns.get(self.column))
        return rewards


def _unwrapped(reward: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function inside any partials."""
    while isinstance(reward, functools.partial):
        reward = reward.func
    return reward


def _require_parts(rates: _PassRates) -> int:
    """Raise for arguments that do not fit; return the number of prompts."""
    owner, pacer, reward = type(rates).__name__, rates.pacer, rates.reward
    require_pacer(pacer, owner)
    if pacer.n_samples is None:
        raise ValueError(f"{owner} needs a pacer with n_samples; make it as Pacer(len(dataset)).")
    if not callable(reward) or isinstance(reward, nn.Module | type):
        raise TypeError(
            f"{owner} wraps a reward function; got {type(reward).__name__}. Give a reward model to "
            f"the trainer itself, beside a function that says which completions pass."
        )
    inside = _unwrapped(reward)
    waits = inspect.iscoroutinefunction(inside) or inspect.iscoroutinefunction(
        getattr(inside, "__call__")  # noqa: B004, B009 - the method of a callable object
    )
    if waits != rates.waits:
        kind = "async" if waits else "not async"
        other = AsyncPassRates if waits else PassRates
        raise TypeError(f"{owner}: the reward function is {kind}. Use {other.__name__}.")
    low, high = rates.scale
    require(low < high, f"{owner}: scale must be (low, high) with low < high; got {rates.scale}.")
    return pacer.n_samples
