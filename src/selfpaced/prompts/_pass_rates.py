"""How often the completions of a prompt are right, as its difficulty: 1 - pass rate.

Where the advantage of a completion is its reward less the mean of its group (GRPO, RLOO), a prompt
that is always solved, or never, teaches nothing.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from selfpaced._errors import raise_out_of_range, require, require_keys
from selfpaced._memory.ledger import MEMORY, VISITS
from selfpaced._pacer.pacer import Pacer, require_pacer
from selfpaced._ranks import rank_here, world_size
from selfpaced.tracking import scalars

KEYS = {"passes", "completions", "batches"}  # of a state

Rewards = list[float | None]


class _PassRates:
    """What reward functions that wait and that do not wait have in common."""

    waits = False  # for the reward: async

    def __init__(
        self,
        pacer: Pacer,
        reward: Callable[..., Any],
        *,
        threshold: float | None = None,
        scale: tuple[float, float] = (0.0, 1.0),
        column: str = "sample_index",
    ) -> None:
        """Check the parts; nothing is rewarded yet."""
        self.pacer, self.reward, self.threshold = pacer, reward, threshold
        self.scale, self.column = scale, column
        n_samples = _require_parts(self)
        self.__name__ = getattr(_unwrapped(reward), "__name__", type(reward).__name__)
        self.batches = 0
        self._passes = torch.zeros(n_samples, dtype=torch.float32)
        self._completions = torch.zeros(n_samples, dtype=torch.int64)

    def record(self, rewards: Sequence[float | None], index: Sequence[int] | None) -> None:
        """Remember rewards until the next ``step``.

        Args:
            rewards: One per completion; None and NaN say nothing.
            index: The dataset index of each one's prompt; None, as for a set that is evaluated,
                leaves nothing to remember.

        Raises:
            ValueError: For rewards outside the scale, and indices that do not fit.
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
        """Merge the ranks, give the pacer 1 - pass rate, and step it. Call it on all ranks.

        The pass rate of a prompt is the mean over its completions since the last step, of all
        ranks: one may hold a part of them only. Nothing happens where none was scored.
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
        """The last pass rate of each prompt, float32, shape (n,); NaN for one never seen."""
        return 1 - self.pacer.ledger.loss

    def scalars(self) -> dict[str, float]:
        """Return ``tracking.scalars(pacer)`` and three shares of the prompts seen so far.

        ``spl/pass_rate`` is the mean of the last rates; ``spl/frac_never_solved`` and
        ``spl/frac_always_solved`` count prompts whose difficulty remembers nothing else.
        """
        packed = self.pacer.ledger.packed
        memory = packed[packed[:, VISITS] >= 1, MEMORY]
        if not len(memory):
            return {}
        return scalars(self.pacer) | {
            "spl/pass_rate": float(self.rate.nanmean()),
            "spl/frac_never_solved": float((memory == 1).float().mean()),
            "spl/frac_always_solved": float((memory == 0).float().mean()),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return what waits for the next ``step``, of all ranks: call it on all of them."""
        passes, completions = self._merged()
        return {"passes": passes, "completions": completions, "batches": self.batches}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where a state was saved, on any number of ranks.

        Raises:
            ValueError: For a state that is cut short, or of another number of prompts.
        """
        owner = type(self).__name__
        require_keys(state, KEYS, owner)
        require(
            state["passes"].shape == self._passes.shape,
            f"{owner}: the state is of {len(state['passes'])} prompts, the pacer of "
            f"{len(self._passes)}. Did the dataset change since the checkpoint?",
        )
        mine = int(rank_here() == 0)  # merged: the other ranks add nothing to it
        self._passes.copy_(state["passes"] * mine)
        self._completions.copy_(state["completions"] * mine)
        self.batches = state["batches"]

    def _merged(self) -> tuple[Tensor, Tensor]:
        """Return the sums of all ranks, where the ledger is."""
        device = self.pacer.ledger.device
        passes = self._passes.to(device, copy=True)
        completions = self._completions.to(device, copy=True)
        if world_size() > 1:
            dist.all_reduce(passes)
            dist.all_reduce(completions)
        return passes, completions

    def _shares(self, rewards: Sequence[float | None]) -> Tensor:
        """Return how far each completion passes, from 0 to 1; NaN where nothing is said."""
        numbers = [float("nan") if reward is None else float(reward) for reward in rewards]
        reward = torch.tensor(numbers, dtype=torch.float32)
        if self.threshold is not None:
            return torch.where(reward.isnan(), torch.nan, (reward >= self.threshold).float())
        low, high = self.scale
        bad = reward[(reward < low) | (reward > high)]
        require(
            len(bad) == 0,
            f"{type(self).__name__}: rewards of {self.__name__} must be from {low} to {high}; got "
            f"{bad[:3].tolist()}. Give the threshold from which a completion passes, or the scale.",
        )
        return (reward - low) / (high - low)


class PassRates(_PassRates):
    """A reward function that tells a pacer how often each prompt is solved.

    It returns what the wrapped one returns and has its name, by which trainers log it.

    Args:
        pacer: Made with ``n_samples``; its losses are 1 - pass rate, so lower is easier.
        reward: The reward function; it is called with what the wrapper is called with.
        threshold: A completion passes with a reward of at least this. None: a reward is the share
            to which it passes.
        scale: The rewards that mean 0 and 1 where there is no threshold.
        column: Name of the argument that holds the dataset index of each completion's prompt.

    Attributes:
        batches: Number of calls recorded since the last ``step``, the same on all ranks.

    Raises:
        TypeError: For a pacer that is none, and a reward that is no function of the right kind.
        ValueError: For a pacer without ``n_samples``, for a scale that is empty, and, when called,
            for rewards outside the scale and indices that are no samples.

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
        """Reward the completions, and remember."""
        rewards: Rewards = self.reward(**columns)
        self.record(rewards, columns.get(self.column))
        return rewards


class AsyncPassRates(_PassRates):
    """``PassRates`` for a reward function that is ``async``."""

    waits = True

    async def __call__(self, **columns: Any) -> Rewards:  # noqa: ANN401 - the trainer's columns
        """Reward the completions, and remember."""
        answer: Awaitable[Rewards] = self.reward(**columns)
        rewards = await answer
        self.record(rewards, columns.get(self.column))
        return rewards


def _unwrapped(reward: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function inside of partials."""
    while isinstance(reward, functools.partial):
        reward = reward.func
    return reward


def _require_parts(rates: _PassRates) -> int:
    """Raise for parts that do not fit; return the number of prompts."""
    owner, pacer, reward = type(rates).__name__, rates.pacer, rates.reward
    require_pacer(pacer, owner)
    if pacer.n_samples is None:
        raise ValueError(f"{owner} needs to know the prompts; make it as Pacer(len(dataset)).")
    if not callable(reward) or isinstance(reward, nn.Module | type):
        raise TypeError(
            f"{owner} wraps a reward function; got {type(reward).__name__}. A reward model goes "
            f"to the trainer as it is, beside a function that says what passes."
        )
    inside = _unwrapped(reward)
    waits = inspect.iscoroutinefunction(inside) or inspect.iscoroutinefunction(
        getattr(inside, "__call__")  # noqa: B004, B009 - the method, of objects that are called
    )
    if waits != rates.waits:
        kind = "async" if waits else "not async"
        other = AsyncPassRates if waits else PassRates
        raise TypeError(f"{owner}: the reward function is {kind}. Use {other.__name__}.")
    low, high = rates.scale
    require(low < high, f"{owner}: scale must be (low, high) with low < high; got {rates.scale}.")
    return pacer.n_samples
