"""A sampler that visits what the pacer keeps: the same order on all ranks, and resumable."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Sampler

from selfpaced.errors import require, require_positive_int, require_step
from selfpaced.order import chosen, shuffled, thinned
from selfpaced.pacer import Pacer
from selfpaced.ranks import rank_here, world_size

VERSION = 1
KEYS = {"version", "n_samples", "epoch", "num_replicas", "steps", "position", "order"}
CHUNK = 4096  # indices that become Python ints at a time

Order = NDArray[np.int64]


class PacedSampler(Sampler[int]):
    """Visit the samples that the pacer keeps, and a rotating share of the others.

    An epoch costs only what is trained on. The order is drawn when the epoch begins, the same on
    all ranks, and each rank takes its share of it: call ``pacer.step()``, which merges the ranks,
    before the next epoch is begun. With ``length="selected"`` epochs grow and shrink; hosts that
    fix the number of steps up front need ``"dataset"`` or an int.

    A sample that is left out is visited once in ``1 / revisit`` epochs, so it is judged by a loss
    up to that old.

    ``thin`` makes epochs shorter still: of the kept samples those with a difficulty below the mean
    are visited with probability 1 - thin, and weigh 1 / (1 - thin) when they are, so that the
    expected gradient stays what it was.

    Args:
        pacer: Made with ``n_samples``.
        length: "selected" visits each chosen sample once; "dataset" and an int fix the number of
            indices: the chosen go round again, or not all are visited.
        revisit: Share of the left-out samples that an epoch visits, from 0 to 1.
        thin: Probability from 0 to below 1; 0 visits all.
        seed: Decides all orders.
        num_replicas: Number of ranks; by default asked of torch.distributed when an epoch begins.
        rank: This process's rank, likewise.

    Raises:
        TypeError: For a pacer that is none.
        ValueError: For a pacer without ``n_samples`` and settings outside their ranges.

    References:
        Qin et al., `InfoBatch <https://arxiv.org/abs/2303.04947>`_, ICLR 2024, for ``thin``.

    >>> from selfpaced import Pacer
    >>> pacer = Pacer(4)
    >>> pacer.weight.copy_(torch.tensor([1.0, 0.0, 1.0, 0.0]))
    tensor([1., 0., 1., 0.])
    >>> sampler = PacedSampler(pacer, revisit=0.0)
    >>> len(sampler), sorted(sampler)
    (2, [0, 2])
    """

    def __init__(
        self,
        pacer: Pacer,
        *,
        length: Literal["selected", "dataset"] | int = "selected",
        revisit: float = 0.1,
        thin: float = 0.0,
        seed: int = 0,
        num_replicas: int | None = None,
        rank: int | None = None,
    ) -> None:
        """Check the settings; nothing is drawn yet."""
        self.pacer, self.length, self.revisit, self.thin = pacer, length, revisit, thin
        self.seed, self.num_replicas, self.rank = seed, num_replicas, rank
        _require_fit(self)
        self.epoch = 0
        self._order: Order | None = None  # of the epoch begun last, all ranks together
        self._position = 0  # indices of it that this rank handed out
        self._steps = 0  # of the pacer when it was begun
        self._ahead: tuple[tuple[int, int], Order] | None = None  # drawn to know its length
        self._goes_on = False  # a state was loaded in the middle of an epoch

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch, counted from 0; the epoch of a loaded state goes on where it was."""
        require_step(epoch, "PacedSampler.set_epoch")
        if epoch != self.epoch or not self._goes_on:
            self.epoch, self._order, self._position, self._goes_on = epoch, None, 0, False

    def __len__(self) -> int:
        """Return the number of indices of the running epoch, or of the next, on this rank."""
        order = self._upcoming() if self._order is None or self._is_over() else self._order
        return -(-len(order) // self._world()[0])

    def __iter__(self) -> Iterator[int]:
        """Yield the indices of this rank: those left of a loaded epoch, else a new epoch's."""
        if not self._goes_on or self._order is None:
            epoch, order = self._next_epoch(), self._upcoming()
            self.epoch, self._order, self._position = epoch, order, 0
            self._steps = self.pacer.steps
        self._goes_on, self._ahead = False, None
        self.pacer.importance = self._importance()
        share = _share(self._order, *self._world())
        for start in range(self._position, len(share), CHUNK):
            for index in share[start : start + CHUNK].tolist():
                self._position += 1
                yield index

    def state_dict(self, position: int | None = None) -> dict[str, Any]:
        """Return the drawn order and the place in it, for a checkpoint.

        Args:
            position: Number of samples that this rank trained on in the running epoch. A loader
                with workers asks for indices ahead of the training: give it then. By default the
                number of indices handed out, which is the same without workers.
        """
        place = self._position if position is None else position
        stepped = self._is_over() and self.pacer.steps != self._steps
        order = None if stepped else self._order
        return {
            "version": VERSION,
            "n_samples": self.pacer.n_samples,
            "epoch": self._next_epoch() if stepped else self.epoch,
            "num_replicas": self._world()[0],
            "steps": self._steps,
            "position": 0 if order is None else place,
            "order": None if order is None else torch.from_numpy(order.copy()),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where a state was saved; all of it or, on an error, nothing.

        With another number of ranks the epoch begins again, in a new order: who was visited is in
        the pacer's ledger.

        Raises:
            ValueError: For a state that is cut short, of a newer version, or of another dataset.
        """
        _require_state(state, self.pacer)
        same = state["order"] is not None and state["num_replicas"] == self._world()[0]
        self.epoch, self._ahead, self._goes_on = state["epoch"], None, same
        self._order = state["order"].numpy().copy() if same else None
        self._position, self._steps = state["position"] if same else 0, state["steps"]

    def _is_over(self) -> bool:
        """Say whether all indices of the epoch begun last were handed out."""
        return self._order is not None and self._position >= -(
            -len(self._order) // self._world()[0]
        )

    def _next_epoch(self) -> int:
        """Return the epoch that begins next: one that was broken off begins again."""
        return self.epoch + 1 if self._is_over() else self.epoch

    def _world(self) -> tuple[int, int]:
        """Return the number of ranks, and this one's."""
        ranks = world_size() if self.num_replicas is None else self.num_replicas
        return ranks, rank_here() if self.rank is None else self.rank

    def _upcoming(self) -> Order:
        """Draw the order of the next epoch, once for as long as nothing changes."""
        key = (self._next_epoch(), self.pacer.steps)
        if self._ahead is None or self._ahead[0] != key:
            self._ahead = key, self._draw(key[0])
        return self._ahead[1]

    def _draw(self, epoch: int) -> Order:
        """Draw the order of an epoch."""
        who = chosen(self.pacer.weight.cpu(), epoch, self.revisit, self.seed)
        if self.thin:
            who &= ~thinned(self._easy(), epoch, self.thin, self.seed)
        n = {"selected": None, "dataset": len(who)}.get(str(self.length), self.length)
        order = shuffled(who, epoch, self.seed, None if n is None else int(n))
        require(
            len(order) > 0,
            "PacedSampler: no sample has a weight above 0, and none is revisited. Give a larger "
            "age or revisit.",
        )
        return order

    def _easy(self) -> Tensor:
        """Return who is kept and easier than the mean of the kept, bool, shape (n,)."""
        seen, population = self.pacer.ledger.population(self.pacer.difficulty)
        kept = self.pacer.weight[seen] > 0
        difficulty = population.difficulty
        easy = torch.zeros(len(self.pacer.weight), dtype=torch.bool)
        easy[seen.cpu()] = (kept & (difficulty < difficulty[kept].mean())).cpu()
        return easy

    def _importance(self) -> Tensor | None:
        """Return what makes up for the thinning: 1 / (1 - thin) for who might have stayed away."""
        if not self.thin:
            return None
        return torch.where(self._easy(), 1 / (1 - self.thin), 1.0).to(self.pacer.weight.device)


def _share(order: Order, ranks: int, rank: int) -> Order:
    """Return a rank's part of an order; all parts are as long, the first ones go round again."""
    missing = -len(order) % ranks
    whole = np.concatenate([order, np.resize(order, missing)]) if missing else order
    return whole[rank::ranks]


def _require_fit(sampler: PacedSampler) -> None:
    """Raise for settings outside their ranges."""
    pacer, length = sampler.pacer, sampler.length
    if not isinstance(pacer, Pacer):
        raise TypeError(f"PacedSampler expects a Pacer; got {type(pacer).__name__}.")
    require(
        pacer.n_samples is not None,
        "PacedSampler needs to know the samples; make the pacer as Pacer(len(dataset)).",
    )
    if not isinstance(length, str):
        require_positive_int("length", length, "PacedSampler")
    require(
        not isinstance(length, str) or length in ("selected", "dataset"),
        f'PacedSampler: length must be "selected", "dataset" or an int; got {length!r}.',
    )
    require(
        0 <= sampler.revisit <= 1,
        f"PacedSampler: revisit must be from 0 to 1; got {sampler.revisit}.",
    )
    require(
        0 <= sampler.thin < 1,
        f"PacedSampler: thin must be from 0 to below 1; got {sampler.thin}.",
    )
    ranks, rank = sampler.num_replicas, sampler.rank
    require(
        (ranks is None) == (rank is None) and (ranks is None or 0 <= (rank or 0) < ranks),
        f"PacedSampler: give num_replicas and a rank below it, or neither; got {ranks} and {rank}.",
    )


def _require_state(state: dict[str, Any], pacer: Pacer) -> None:
    """Raise for a state that cannot be gone on with."""
    missing = KEYS - set(state)
    require(not missing, f"PacedSampler: the state is cut short; it lacks {sorted(missing)}.")
    require(
        state["version"] <= VERSION,
        f"PacedSampler: the state is of version {state['version']}, newer than {VERSION}. "
        f"Update selfpaced.",
    )
    require(
        state["n_samples"] == pacer.n_samples,
        f"PacedSampler: the state is of {state['n_samples']} samples, the pacer of "
        f"{pacer.n_samples}. Did the dataset change since the checkpoint?",
    )
    order, position = state["order"], state["position"]
    most = 0 if order is None else -(-len(order) // state["num_replicas"])
    require(
        0 <= position <= most,
        f"PacedSampler: the state's position must be from 0 to {most}, the length of its epoch; "
        f"got {position}.",
    )
