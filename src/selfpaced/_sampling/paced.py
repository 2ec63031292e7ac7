"""A sampler that visits what the pacer keeps: the same order on all ranks, and resumable."""

from collections.abc import Iterator
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.data import Sampler

from selfpaced._errors import (
    require,
    require_keys,
    require_positive_int,
    require_seed,
    require_step,
)
from selfpaced._pacer.pacer import Pacer, require_pacer
from selfpaced._public import public
from selfpaced._ranks import rank_here, world_size
from selfpaced._sampling.order import Drawn, Order, chosen, length_of, share_of, shuffled, thinned

VERSION = 1
KEYS = {"version", "n_samples", "epoch", "num_replicas", "steps", "position", "order", "easy"}
CHUNK = 4096  # indices that become Python ints at a time


@public("selfpaced")
class PacedSampler(Sampler[int]):
    """Visit the samples that the pacer keeps, and a rotating share of the others.

    An epoch costs only what is trained on. The order is drawn when the epoch begins, the same on
    all ranks, and each rank takes its share of it: call ``pacer.step()``, which merges the ranks,
    before the next epoch is begun. With ``length="selected"`` epochs grow and shrink; hosts that
    fix the number of steps up front need ``"dataset"`` or an int.

    A sample that is left out is visited about once in ``1 / revisit`` epochs, so it is judged by a
    loss up to that old.

    ``thin`` makes epochs shorter still: of the kept samples those with a difficulty below the mean
    are visited with probability 1 - thin, and weigh 1 / (1 - thin) when they are, so that the
    expected gradient stays what it was. The pacer keeps those factors in ``importance``: set it to
    None before you train through another loader.

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
        seed: int = 0,
        num_replicas: int | None = None,
        rank: int | None = None,
    ) -> None:
        """Check the settings; nothing is drawn yet."""
        self.pacer, self.length, self.revisit, self.thin = pacer, length, revisit, thin
        self.seed, self.num_replicas, self.rank = seed, num_replicas, rank
        _require_fit(self)
        self.epoch = 0
        self._drawn: Drawn | None = None  # for the epoch begun last, all ranks together
        self._position = 0  # indices of it that this rank handed out
        self._start = 0  # how many of them another process had handed out
        self._steps = 0  # of the pacer when it was begun
        self._goes_on = False  # a state was loaded, and nobody has iterated since
        self._asked: int | None = None  # the epoch that set_epoch wants next
        self._asked_at = 0  # of the pacer's steps
        self._ahead: tuple[tuple[object, ...], Drawn] | None = None  # drawn to know its length
        self._running: object = None  # the generator that counts
        self._thinned = False  # the pacer's importance is ours

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch begins next, counted from 0; that of a loaded state goes on."""
        require_step(epoch, "PacedSampler.set_epoch")
        self._asked, self._asked_at = epoch, self.pacer.steps

    def __len__(self) -> int:
        """Return the number of indices on this rank: of the epoch begun last, until it is over.

        It is over when the pacer has stepped, or another epoch is set.
        """
        drawn = self._current() or self._upcoming()
        return length_of(drawn.order, self._world()[0])

    def __iter__(self) -> Iterator[int]:
        """Yield the indices of this rank: those left of a loaded epoch, else a new epoch's."""
        drawn = self._current() if self._goes_on else None
        if drawn is None:
            epoch, drawn = self._next_epoch(), self._upcoming()
            self.epoch, self._drawn, self._position = epoch, drawn, 0
            self._steps = self.pacer.steps
        self._goes_on, self._ahead, self._asked = False, None, None
        self._weigh(drawn.easy)
        share = share_of(drawn.order, *self._world())
        self._start = self._position
        running = self._running = object()
        for start in range(self._position, len(share), CHUNK):
            for place, index in enumerate(share[start : start + CHUNK].tolist(), start + 1):
                if self._running is running:
                    self._position = place
                yield index

    def state_dict(self, position: int | None = None) -> dict[str, Any]:
        """Return the drawn order and the place in it, for a checkpoint.

        Args:
            position: Number of samples that this rank trained on in the running epoch. A loader
                with workers asks for indices ahead of the training: give it then. By default the
                number of indices handed out, which is the same without workers.

        Raises:
            ValueError: For a position beyond the epoch's length on this rank, and for one up to
                which the pacer has not met every sample: a loader with ``in_order=False`` leaves
                no place to go on from.
        """
        drawn = None if self._stepped() else self._drawn
        place = self._position if position is None else position
        _require_position(place, None if drawn is None else drawn.order, self._world()[0])
        whole = self._world()[0] == world_size()  # else a host splits the order among its ranks
        if drawn is not None and position is not None and whole and not self.pacer.skip_nan:
            _require_met(share_of(drawn.order, *self._world())[self._start : position], self.pacer)
        return {
            "version": VERSION,
            "n_samples": self.pacer.n_samples,
            "epoch": self.epoch if drawn is not None else self._next_epoch(),
            "num_replicas": self._world()[0],
            "steps": self._steps,
            "position": 0 if drawn is None else place,
            "order": None if drawn is None else torch.from_numpy(drawn.order.copy()),
            "easy": None if drawn is None or drawn.easy is None else drawn.easy.clone(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where a state was saved; all of it or, on an error, nothing.

        The first iterator made after it takes it up. With another number of ranks the epoch begins
        again: who was visited is in the pacer's ledger.

        Raises:
            ValueError: For a state that is cut short, of a newer version, or of another dataset.
        """
        _require_state(state, self.pacer)
        drawn = None
        if state["order"] is not None and state["num_replicas"] == self._world()[0]:
            easy = None if state["easy"] is None else state["easy"].cpu()
            drawn = Drawn(state["order"].cpu().numpy().copy(), easy)
        self.epoch, self._drawn, self._steps = state["epoch"], drawn, state["steps"]
        self._position = 0 if drawn is None else state["position"]
        self._start, self._goes_on = self._position, drawn is not None
        self._ahead = self._asked = self._running = None

    def _stepped(self) -> bool:
        """Say whether the pacer has stepped since the epoch begun last: it is over."""
        return self._drawn is not None and self.pacer.steps != self._steps

    def _current(self) -> Drawn | None:
        """Return the epoch begun last, unless it is over or another one is set."""
        other = self._asked not in (None, self.epoch)
        return None if other or self._stepped() else self._drawn

    def _next_epoch(self) -> int:
        """Return the epoch that begins next: one that was broken off begins again."""
        begun = self._drawn is not None and self._asked == self.epoch  # and set again after that
        if self._asked is not None and not (begun and self._asked_at < self.pacer.steps):
            return self._asked
        if self._drawn is None:
            return self.epoch
        over = self._position >= length_of(self._drawn.order, self._world()[0])
        return self.epoch + 1 if over or self._stepped() else self.epoch

    def _world(self) -> tuple[int, int]:
        """Return the number of ranks, and this one's."""
        ranks = world_size() if self.num_replicas is None else self.num_replicas
        return ranks, rank_here() if self.rank is None else self.rank

    def _upcoming(self) -> Drawn:
        """Draw for the next epoch, once for as long as nothing that counts changes."""
        pacer, epoch = self.pacer, self._next_epoch()
        key = (
            *(epoch, pacer.steps, pacer.weight._version, pacer.ledger.packed._version),
            *(self.length, self.revisit, self.thin, self.seed, id(pacer.weight)),
        )
        if self._ahead is None or self._ahead[0] != key:
            self._ahead = key, self._draw(epoch)
        return self._ahead[1]

    def _draw(self, epoch: int) -> Drawn:
        """Draw the order of an epoch, and who was thinned in it."""
        who, easy = chosen(self.pacer.weight.cpu(), epoch, self.revisit, self.seed), None
        if self.thin:
            easy = self._easy()
            who &= ~thinned(easy, epoch, self.thin, self.seed)
        fixed = {"selected": None, "dataset": len(who)}
        length = fixed[self.length] if isinstance(self.length, str) else self.length
        order = shuffled(who, epoch, self.seed, length)
        require(
            len(order) > 0,
            "PacedSampler: no sample has a weight above 0, and none is revisited. Give a larger "
            "age or revisit.",
        )
        return Drawn(order, easy)

    def _easy(self) -> Tensor:
        """Return who is kept and easier than the mean of the kept, bool, shape (n,)."""
        seen, population = self.pacer.ledger.population(self.pacer.difficulty)
        kept = self.pacer.weight[seen] > 0
        difficulty = population.difficulty
        easy = torch.zeros(len(self.pacer.weight), dtype=torch.bool, device="cpu")
        easy[seen.cpu()] = (kept & (difficulty < difficulty[kept].mean())).cpu()
        return easy

    def _weigh(self, easy: Tensor | None) -> None:
        """Let the pacer make up for the thinning: 1 / (1 - thin) for who might have stayed away."""
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
    require_seed(sampler.seed, "PacedSampler")
    ranks, rank = sampler.num_replicas, sampler.rank
    require(
        (ranks is None) == (rank is None) and (ranks is None or 0 <= (rank or 0) < ranks),
        f"PacedSampler: give num_replicas and a rank below it, or neither; got {ranks} and {rank}.",
    )


def _require_state(state: dict[str, Any], pacer: Pacer) -> None:
    """Raise for a state that cannot be gone on with."""
    require_keys(state, KEYS, "PacedSampler")
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
    _require_position(state["position"], state["order"], state["num_replicas"])


def _require_position(position: int, order: Order | Tensor | None, ranks: int) -> None:
    """Raise for a place that an epoch does not have on one rank."""
    if order is None:
        return
    most = length_of(order, ranks)
    require(
        0 <= position <= most,
        f"PacedSampler: position must be from 0 to {most}, the length of the epoch on this rank; "
        f"got {position}.",
    )


def _require_met(visited: Order, pacer: Pacer) -> None:
    """Raise where the pacer has met samples since its last step, but not all of these."""
    index, met = torch.from_numpy(visited), pacer.ledger.waiting.cpu()
    missed = index[~met[index]]
    require(
        len(missed) == 0 or not met.any(),  # nobody met: a loop that observes after the epoch
        f"PacedSampler.state_dict: of the first {len(index)} samples of the epoch the pacer has "
        f"not met {len(missed)}, first {missed[:1].tolist()}. Train in the sampler's order "
        f"(a DataLoader with in_order=True) and give the number of samples trained on.",
    )
