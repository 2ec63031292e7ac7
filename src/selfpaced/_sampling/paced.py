"""``PacedSampler``: visits what the pacer keeps, in one order for all ranks; can be resumed."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler

from selfpaced._errors import require, require_positive_int, require_seed, require_step
from selfpaced._pacer.pacer import Pacer, require_pacer
from selfpaced._public import public
from selfpaced._ranks import rank_here, world_size
from selfpaced._sampling.drawn import read_draw, require_position
from selfpaced._sampling.order import (
    Drawn,
    Order,
    chosen,
    is_thinned,
    length_of,
    share_of,
    shuffled,
    thinned,
)
from selfpaced._saved import Assign, Saved

VERSION = 2  # version of the state; in 1, order and easy were a tensor or None
# The keys of the state.
KEYS = {"n_samples", "epoch", "num_replicas", "steps", "position", "order", "easy"}
CHUNK = 4096  # number of indices that become Python ints at a time


@public("selfpaced")
class PacedSampler(Sampler[int]):
    """Visit the samples that the pacer keeps, and a rotating share of the others.

    Left-out samples cost no time beyond that share. The order is drawn when the epoch begins, the
    same on all ranks, and each rank takes its part of it: call ``pacer.step()``, which merges the
    ranks, before the next epoch begins. With ``length="selected"`` the length of an epoch changes;
    hosts that fix the number of steps in advance need ``"dataset"`` or an int.

    If the pacer steps within an epoch, the epoch goes on in its order, also in a resumed run. It is
    over when all of it is visited, or when the pacer steps after the loop over it has ended.

    A sample that is left out is visited about once in ``1 / revisit`` epochs, so its loss can be
    that many epochs old.

    ``thin`` makes epochs shorter: of the kept samples, those with a difficulty below the mean are
    visited with probability 1 - thin, and then get the factor 1 / (1 - thin), so that the expected
    gradient does not change. The factors are in ``pacer.importance``: set it to None before you
    train with another loader. The last eighth of ``epochs`` is not thinned, so that the training
    ends without the noise of large factors.

    Args:
        pacer: A pacer with ``n_samples``.
        length: "selected" visits each chosen sample once. "dataset" and an int fix the number of
            indices: samples are repeated, or not all are visited.
        revisit: Share of the left-out samples that an epoch visits, from 0 to 1.
        thin: Probability that a well-learned sample is skipped, from 0 to below 1; 0 visits all.
        epochs: Number of epochs of the training, of which the last eighth is not thinned. None if
            it is not known: then all are thinned, unless the host knows it, as Lightning (its
            ``max_epochs``) and Transformers do.
        seed: Decides all orders.
        num_replicas: Number of ranks; by default that of torch.distributed when an epoch begins.
        rank: Rank of this process; by default likewise.

    Raises:
        TypeError: If the pacer is not a Pacer.
        ValueError: For a pacer without ``n_samples``, and for settings outside their ranges. When
            a loaded epoch goes on, for a pacer whose state was not loaded.

    References:
        Qin et al., `InfoBatch <https://arxiv.org/abs/2303.04947>`_, ICLR 2024, for ``thin``.

    >>> import torch
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
        epochs: int | None = None,
        seed: int = 0,
        num_replicas: int | None = None,
        rank: int | None = None,
    ) -> None:
        """Check the settings; nothing is drawn yet."""
        self.pacer, self.length, self.revisit, self.thin = pacer, length, revisit, thin
        self.epochs, self.seed, self.num_replicas, self.rank = epochs, seed, num_replicas, rank
        _require_fit(self)
        self.epoch = 0
        self._drawn: Drawn | None = None  # the draw of the epoch that began last
        self._position = 0  # number of its indices that this rank has handed out
        self._start = 0  # number of those that were handed out before a state was loaded
        self._steps = 0  # steps of the pacer when that epoch began
        self._left: int | None = None  # steps of the pacer when a loop over it ended early
        self._resuming = False  # a state was loaded and not iterated yet
        self._requested: int | None = None  # the epoch that set_epoch asked for
        self._requested_at = 0  # steps of the pacer when it did
        self._cached: tuple[tuple[object, ...], Drawn] | None = None  # next draw, by its key
        self._running: object = None  # the token of the iterator that counts the position
        self._told: int | None = None  # number of epochs that a host has told
        self._thinned = False  # whether pacer.importance was set here

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch that begins next, counted from 0; the epoch of a loaded state continues."""
        require_step(epoch, "PacedSampler.set_epoch")
        self._requested, self._requested_at = epoch, self.pacer.steps

    def __len__(self) -> int:
        """Return the number of indices on this rank, of the current epoch or of the next one.

        The current epoch is over when the pacer has stepped after it, or another epoch is set.
        """
        drawn = self._current() or self._upcoming()
        return length_of(drawn.order, self._world()[0])

    def __iter__(self) -> Iterator[int]:
        """Yield the indices of this rank: the rest of a loaded epoch, or those of a new one."""
        require(
            not self._resuming or self.pacer.steps >= self._steps,
            f"PacedSampler: the loaded state is of step {self._steps} of its pacer, but the pacer "
            f"is at step {self.pacer.steps}. Load the pacer's own state as well.",
        )
        drawn = self._current() if self._resuming else None
        if drawn is None:
            epoch, drawn = self._next_epoch(), self._upcoming()
            self.epoch, self._drawn, self._position = epoch, drawn, 0
            self._steps = self.pacer.steps
        self._resuming, self._cached, self._requested, self._left = False, None, None, None
        self._set_importance(drawn.easy)
        share = share_of(drawn.order, *self._world())
        self.pacer.drawn = torch.from_numpy(share.copy())
        self._start = self._position
        running = self._running = object()
        try:
            for start in range(self._position, len(share), CHUNK):
                for place, index in enumerate(share[start : start + CHUNK].tolist(), start + 1):
                    if self._running is running:
                        self._position = place
                    yield index
        except GeneratorExit:  # the loop ended before the epoch
            if self._running is running:
                self._left = self.pacer.steps
                self._cut_short(share[: self._position])
            raise

    def state_dict(self, position: int | None = None) -> dict[str, Any]:
        """Return the drawn order and the position in it, for a checkpoint.

        Args:
            position: Number of samples that this rank has trained on in the current epoch. Give it
                if the loader has workers, because they fetch indices ahead of the training. The
                default is the number of indices handed out, which is the same without workers.

        Raises:
            ValueError: For a position beyond the length of the epoch on this rank, and if the pacer
                has not seen every sample before it: a loader with ``in_order=False`` has no
                position to resume from.
        """
        place = self._position if position is None else position
        drawn = None if self._over(place) else self._drawn
        require_position(place, None if drawn is None else drawn.order, self._world()[0])
        whole = self._world()[0] == world_size()  # else a host splits the order among the ranks
        seen = position is not None and whole and not self._stepped() and not self.pacer.skip_nan
        if drawn is not None and seen:
            share = share_of(drawn.order, *self._world())
            _require_seen(share[self._start : place], share[place:], self.pacer)
        return {
            "version": VERSION,
            "n_samples": self.pacer.n_samples,
            "epoch": self.epoch if drawn is not None else self._next_epoch(),
            "num_replicas": self._world()[0],
            "steps": self.pacer.steps,
            "position": 0 if drawn is None else place,
            # Tuples, because torch.distributed.checkpoint takes each as one object: whether there
            # is a tensor, and of which length, may differ between the run and the new sampler.
            "order": () if drawn is None else (torch.from_numpy(drawn.order.copy()),),
            "easy": () if drawn is None or drawn.easy is None else (drawn.easy.clone(),),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from a saved state; on an error nothing changes.

        The next iterator continues the saved epoch. With another number of ranks the epoch begins
        again; the pacer's ledger has what was visited. Load the pacer's state as well.

        Raises:
            ValueError: For a state that is cut short, of a newer version, of another dataset or
                length, or damaged.
        """
        self._read(state)()

    def _read(self, state: object) -> Assign:
        """Check a state; return the function that resumes from it."""
        saved = Saved(state, "PacedSampler", KEYS, newest=VERSION)
        drawn, position = read_draw(saved, self.pacer, self.length)
        epoch, steps = saved.count("epoch"), saved.count("steps")
        if saved["num_replicas"] != self._world()[0]:
            drawn = None

        def assign() -> None:
            """Assign what was read."""
            self.epoch, self._drawn, self._steps = epoch, drawn, steps
            self._left = self._steps
            self._position = 0 if drawn is None else position
            self._start, self._resuming = self._position, drawn is not None
            self._cached = self._requested = self._running = None

        return assign

    def _within(self, epochs: int | None) -> None:
        """Take the number of epochs of a host, which counts where ``epochs`` is None."""
        self._told = epochs

    def _stepped(self) -> bool:
        """Return whether the pacer has stepped since the last epoch began."""
        return self._drawn is not None and self.pacer.steps != self._steps

    def _over(self, position: int) -> bool:
        """Return whether the last epoch is over, at this position in it.

        A step within the epoch does not end it: only one at its end, or after a loop that ended
        early. After a step, position 0 is that of a host that counts anew.
        """
        if self._drawn is None or not self._stepped():
            return False
        ends = (0, length_of(self._drawn.order, self._world()[0]))
        return position in ends or self._left not in (None, self.pacer.steps)

    def _current(self) -> Drawn | None:
        """Return the draw of the epoch that began last, unless it is over or another one is set."""
        other = self._requested not in (None, self.epoch)
        return None if other or self._over(self._position) else self._drawn

    def _next_epoch(self) -> int:
        """Return the number of the epoch that begins next; an interrupted epoch begins again."""
        # A host may set the epoch after workers have begun it: the request ends with the step.
        begun = self._drawn is not None and self._requested == self.epoch
        if self._requested is not None and not (begun and self._requested_at < self.pacer.steps):
            return self._requested
        if self._drawn is None:
            return self.epoch
        over = self._position >= length_of(self._drawn.order, self._world()[0])
        return self.epoch + 1 if over or self._stepped() else self.epoch

    def _world(self) -> tuple[int, int]:
        """Return the number of ranks, and the rank of this process."""
        ranks = world_size() if self.num_replicas is None else self.num_replicas
        return ranks, rank_here() if self.rank is None else self.rank

    def _upcoming(self) -> Drawn:
        """Return the draw of the next epoch, and cache it until anything it depends on changes."""
        pacer, epoch = self.pacer, self._next_epoch()
        key = (
            *(epoch, pacer.steps, pacer.weight._version, *pacer.ledger.version),
            *(self.length, self.revisit, self.thin, self.epochs, self._told, self.seed),
            id(pacer.weight),
        )
        if self._cached is None or self._cached[0] != key:
            self._cached = key, self._draw(epoch)
        return self._cached[1]

    def _draw(self, epoch: int) -> Drawn:
        """Draw the order of an epoch."""
        visited, easy = chosen(self.pacer.weight.cpu(), epoch, self.revisit, self.seed), None
        if self.thin and is_thinned(epoch, self._told if self.epochs is None else self.epochs):
            easy = self._easy()
            visited &= ~thinned(easy, epoch, self.thin, self.seed)
        fixed = {"selected": None, "dataset": len(visited)}
        length = fixed[self.length] if isinstance(self.length, str) else self.length
        order = shuffled(visited, epoch, self.seed, length)
        require(
            len(order) > 0,
            "PacedSampler: no sample has a weight above 0, and none is revisited. Give a larger "
            "age or a larger revisit.",
        )
        return Drawn(order, easy)

    def _easy(self) -> Tensor:
        """Return which samples are kept and easier than the mean of the kept, bool, shape (n,)."""
        seen, population = self.pacer.ledger.population(self.pacer.difficulty)
        kept = self.pacer.weight[seen] > 0
        difficulty = population.difficulty
        easy = torch.zeros(len(self.pacer.weight), dtype=torch.bool, device="cpu")
        easy[seen.cpu()] = (kept & (difficulty < difficulty[kept].mean())).cpu()
        return easy

    def _cut_short(self, handed: Order) -> None:
        """Tell the pacer that only these indices were handed out in this epoch.

        A loader fetches ahead, so some of them may never be seen. If nothing else was seen so far,
        the indices are right, and those that were seen are left to compare: what is seen from now
        on comes from another loader.
        """
        if self.pacer.drawn is None:
            return
        seen = self.pacer.ledger.waiting.cpu()
        others = seen.clone()
        others[handed] = False
        right = handed if bool(others.any()) else handed[seen[handed].numpy()]
        self.pacer.drawn = torch.from_numpy(right.copy())

    def _set_importance(self, easy: Tensor | None) -> None:
        """Set the pacer's importance: 1 / (1 - thin) for samples that thinning could skip."""
        if easy is not None:
            importance = 1 + easy.to(torch.float32) * (self.thin / (1 - self.thin))
            self.pacer.importance = importance.to(self.pacer.weight.device)
        elif self._thinned:
            self.pacer.importance = None
        self._thinned = easy is not None


def _require_fit(sampler: PacedSampler) -> None:
    """Raise for settings outside their ranges."""
    pacer, length = sampler.pacer, sampler.length
    require_pacer(pacer, "PacedSampler")
    require(
        pacer.n_samples is not None,
        "PacedSampler needs a pacer with n_samples; make the pacer as Pacer(len(dataset)).",
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
    if sampler.epochs is not None:
        require_positive_int("epochs", sampler.epochs, "PacedSampler")
    require_seed(sampler.seed, "PacedSampler")
    ranks, rank = sampler.num_replicas, sampler.rank
    require(
        (ranks is None) == (rank is None) and (ranks is None or 0 <= (rank or 0) < ranks),
        f"PacedSampler: give num_replicas and a rank below it, or neither; got {ranks} and {rank}.",
    )


def _require_seen(visited: Order, rest: Order, pacer: Pacer) -> None:
    """Raise if the pacer has not seen all of these, unless the loop leaves some samples out.

    Such a loop, as over labels that are partly unknown, leaves gaps and has seen none of the rest.

    Args:
        visited: Indices before the position.
        rest: Indices behind it.
        pacer: The pacer.
    """
    index, seen = torch.from_numpy(visited), pacer.ledger.waiting.cpu()
    missed, ahead = index[~seen[index]], torch.from_numpy(np.setdiff1d(rest, visited))
    gaps = bool(seen[index[len(index) - len(missed) :]].any()) and not seen[ahead].any()
    require(
        len(missed) == 0 or not seen.any() or gaps,  # none seen: the loop observes after the epoch
        f"PacedSampler.state_dict: of the first {len(index)} samples of the epoch the pacer has "
        f"not seen {len(missed)}, first index {missed[:1].tolist()}. Train in the sampler's order "
        f"(a DataLoader with in_order=True) and give the number of samples trained on.",
    )
