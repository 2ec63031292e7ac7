import copy
import io
import time
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import BatchSampler, DataLoader, Dataset, TensorDataset

from selfpaced import Indexed, PacedSampler, Pacer
from selfpaced.age import Quantile
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant, Recorded

N = 200


def pacer_keeping(share: float, n: int = N) -> Pacer:
    """A pacer that has seen all samples once and keeps the easiest share: the first ones."""
    pacer = Pacer(n, age=Quantile(Constant(share)), difficulty=Loss())
    pacer.observe(torch.linspace(0.0, 1.0, n), torch.arange(n))
    pacer.step()
    return pacer


def test_an_epoch_visits_the_kept_and_a_tenth_of_the_others() -> None:
    sampler = PacedSampler(pacer_keeping(0.5))
    first = list(sampler)
    assert len(first) == len(set(first))
    assert set(range(100)) <= set(first)
    assert 2 <= len(set(first) - set(range(100))) <= 25


def test_all_the_others_are_visited_within_ten_epochs() -> None:
    sampler = PacedSampler(pacer_keeping(0.5))
    visits = torch.bincount(torch.tensor([i for _ in range(10) for i in sampler]), minlength=N)
    assert bool((visits[:100] == 10).all() and (visits[100:] >= 1).all())
    assert int(visits[100:].sum()) <= 102


def test_before_any_step_all_are_visited() -> None:
    assert sorted(PacedSampler(Pacer(N))) == list(range(N))


def test_the_length_is_that_of_the_epoch_to_come() -> None:
    pacer = Pacer(N, age=Quantile(Recorded((1.0, 0.5, 0.25))), difficulty=Loss())
    sampler = PacedSampler(pacer, revisit=0.0)
    for expected in (200, 100, 50):
        assert len(sampler) == expected
        visited = torch.tensor(list(sampler))
        assert len(visited) == expected
        pacer.observe(visited / N, visited)
        pacer.step()


@pytest.mark.parametrize(("length", "expected"), [("dataset", 200), (130, 130), (30, 30)])
def test_a_fixed_length_repeats_samples(length: Any, expected: int) -> None:
    sampler = PacedSampler(pacer_keeping(0.3), length=length, revisit=0.0)
    visited = list(sampler)
    assert len(sampler) == len(visited) == expected
    counts = torch.bincount(torch.tensor(visited), minlength=N)
    assert int(counts[60:].sum()) == 0
    assert int(counts[:60].max() - counts[:60].min()) <= 1


def test_an_interrupted_epoch_begins_again() -> None:
    sampler = PacedSampler(pacer_keeping(0.5))
    broken = [index for index, _ in zip(sampler, range(30), strict=False)]
    assert list(sampler)[:30] == broken


def test_epochs_are_counted_or_set() -> None:
    counted, told = (PacedSampler(pacer_keeping(0.5)) for _ in range(2))
    orders = [list(counted) for _ in range(3)]
    assert len({str(order) for order in orders}) == 3
    for epoch in (2, 0, 1):
        told.set_epoch(epoch)
        assert list(told) == orders[epoch]


def test_another_seed_is_another_order() -> None:
    pacer = pacer_keeping(0.5)
    assert list(PacedSampler(pacer, seed=1)) != list(PacedSampler(pacer, seed=2))


@pytest.mark.parametrize("length", ["selected", "dataset"])
def test_ranks_share_an_epoch_without_overlap(length: Any) -> None:
    pacer = pacer_keeping(0.5)
    alone = list(PacedSampler(pacer, length=length))
    ranks = [PacedSampler(pacer, length=length, num_replicas=3, rank=rank) for rank in range(3)]
    parts = [list(rank) for rank in ranks]
    assert {len(part) for part in parts} == {-(-len(alone) // 3)} == {len(r) for r in ranks}
    together = [index for three in zip(*parts, strict=True) for index in three]
    assert together[: len(alone)] == alone
    assert together[len(alone) :] == alone[: len(together) - len(alone)]


def test_fewer_samples_than_ranks_still_give_each_rank_one() -> None:
    pacer = Pacer(2)
    parts = [list(PacedSampler(pacer, num_replicas=5, rank=rank)) for rank in range(5)]
    assert {len(part) for part in parts} == {1}
    assert {index for part in parts for index in part} == {0, 1}


def test_thinned_samples_get_a_factor_that_keeps_the_sum() -> None:
    pacer = pacer_keeping(0.5, n=20_000)
    sampler = PacedSampler(pacer, revisit=0.0, thin=0.5)
    visited = torch.tensor(list(sampler))
    easy = visited < 5000  # below the mean of the kept
    assert int(easy.sum()) == pytest.approx(2500, abs=150)
    assert int((~easy).sum()) == 5000
    importance = pacer.importance
    assert importance is not None
    assert importance[visited].sum() == pytest.approx(10_000, rel=0.03)
    assert importance[:4990].unique().tolist() == [2.0]
    assert importance[5010:].unique().tolist() == [1.0]


def test_the_pacer_multiplies_by_the_importance() -> None:
    pacer = pacer_keeping(1.0)
    list(PacedSampler(pacer, thin=0.75))
    loss = torch.tensor([1.0, 1.0])
    assert pacer(loss, torch.tensor([0, 199])).item() == pytest.approx((4.0 + 1.0) / 2)


def test_without_thinning_the_importance_is_removed() -> None:
    pacer = pacer_keeping(1.0)
    sampler = PacedSampler(pacer, thin=0.5)
    list(sampler)
    sampler.thin = 0.0
    list(sampler)
    assert pacer.importance is None


def test_an_importance_that_the_user_set_stays() -> None:
    pacer = pacer_keeping(1.0)
    pacer.importance = torch.full((N,), 3.0)
    list(PacedSampler(pacer))
    assert pacer.importance.unique().tolist() == [3.0]


LOADERS: list[dict[str, Any]] = [
    {},
    {"num_workers": 2},
    {"num_workers": 2, "persistent_workers": True},
    {"num_workers": 1, "multiprocessing_context": "spawn"},
]


@pytest.mark.parametrize("settings", LOADERS, ids=str)
def test_loaders_visit_each_epoch_in_its_order(settings: dict[str, Any]) -> None:
    data = Indexed(TensorDataset(torch.arange(N) * 2))
    pacer, other = pacer_keeping(0.5), pacer_keeping(0.5)
    sampler, expected = PacedSampler(pacer), PacedSampler(other)
    loader = DataLoader(data, batch_size=16, sampler=sampler, **settings)
    for share in (0.5, 0.25):
        assert len(loader) == -(-len(expected) // 16)
        seen = []
        for index, x in loader:
            assert torch.equal(x, index * 2)
            seen += index.tolist()
        assert seen == list(expected)
        for one in (pacer, other):
            one.weight.copy_(torch.arange(N) < share / 2 * N)


@pytest.mark.parametrize("inside", [True, False])
def test_the_last_batch_can_be_dropped(inside: bool) -> None:
    data = Indexed(TensorDataset(torch.arange(N)))
    expected = list(PacedSampler(pacer_keeping(0.5)))
    sampler = PacedSampler(pacer_keeping(0.5))
    loader = (
        DataLoader(data, batch_sampler=BatchSampler(sampler, 16, drop_last=True))
        if inside
        else DataLoader(data, batch_size=16, sampler=sampler, drop_last=True)
    )
    whole = [index for batch in loader for index in batch[0].tolist()]
    assert whole == expected[: len(expected) // 16 * 16]


def saved(*parts: Any) -> list[Any]:
    """Return the states of the parts, saved to a file and loaded again."""
    file = io.BytesIO()
    torch.save([part.state_dict() for part in parts], file)
    file.seek(0)
    loaded: list[Any] = torch.load(file, weights_only=True)
    return loaded


class Training:
    """A small run that can be stopped after any batch."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(N, 3, generator=generator)
        self.y = (self.x[:, 0] > 0).long()
        self.y[::5] = 1 - self.y[::5]
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.model = nn.Linear(3, 2)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.05)
        age = Quantile(Recorded((1.0, 0.9, 0.7, 0.7)))
        self.pacer = Pacer(N, age=age)
        self.sampler = PacedSampler(self.pacer, thin=0.3)
        self.parts: tuple[Any, ...] = (self.model, self.optimizer, self.pacer, self.sampler)

    def run(self, batches: int, workers: int = 0) -> None:
        """Train on this many batches from the current position."""
        data = Indexed(TensorDataset(self.x, self.y))
        loader = DataLoader(data, batch_size=16, sampler=self.sampler, num_workers=workers)
        done = self.sampler.state_dict()["position"]
        while True:
            for index, x, y in loader:
                loss = self.pacer(F.cross_entropy(self.model(x), y, reduction="none"), index)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                batches, done = batches - 1, done + len(index)
                if batches == 0:
                    self.position = done
                    return
            self.pacer.step()
            done = 0

    def everything(self) -> list[Tensor]:
        """Return what must be equal, bit for bit, in a stopped run and a whole run."""
        return [
            *self.model.parameters(),
            self.pacer.ledger.packed.nan_to_num(-1),
            self.pacer.weight,
        ]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop", [1, 5, 12, 13, 14, 20, 30])
def test_a_run_stopped_at_any_batch_resumes_bit_for_bit(stop: int, workers: int) -> None:
    whole = Training()
    whole.run(40)
    first = Training()
    first.run(stop, workers)
    state = [part.state_dict() for part in first.parts[:3]]
    state.append(first.sampler.state_dict(position=first.position))
    second = Training()
    for part, kept in zip(second.parts, copy.deepcopy(state), strict=True):
        part.load_state_dict(kept)
    second.run(40 - stop, workers)
    for ours, theirs in zip(second.everything(), whole.everything(), strict=True):
        assert torch.equal(ours, theirs)
    assert second.pacer.history == whole.pacer.history


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning")
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop", [1, 5, 6, 7])
def test_a_stateful_loader_resumes_the_sampler(stop: int, workers: int) -> None:
    from torchdata.stateful_dataloader import StatefulDataLoader

    data = Indexed(TensorDataset(torch.arange(N)))

    def loader(share: float) -> Any:
        sampler = PacedSampler(pacer_keeping(share))
        return StatefulDataLoader(data, batch_size=16, sampler=sampler, num_workers=workers)

    expected = [index.tolist() for index, _ in loader(0.5)]
    first = loader(0.5)
    batches = iter(first)
    seen = [next(batches)[0].tolist() for _ in range(stop)]
    second = loader(1.0)  # the order is the state's, not that of the weights now
    second.load_state_dict(first.state_dict())
    assert seen + [index.tolist() for index, _ in second] == expected


@pytest.mark.parametrize("stepped", [True, False])
def test_at_the_end_of_an_epoch_the_next_begins_once_the_pacer_has_stepped(stepped: bool) -> None:
    pacer = pacer_keeping(0.5)
    sampler = PacedSampler(pacer)
    visited = torch.tensor(list(sampler))
    pacer.observe(visited / N, visited)
    if stepped:
        pacer.step()
    again = PacedSampler(pacer)
    again.load_state_dict(sampler.state_dict())
    assert list(again) == (list(sampler) if stepped else [])
    assert again.state_dict()["epoch"] == (1 if stepped else 0)


def test_a_state_can_be_loaded_with_weights_only() -> None:
    sampler = PacedSampler(pacer_keeping(0.5))
    rest = iter(sampler)
    for _ in range(7):
        next(rest)
    (state,) = saved(sampler)
    again = PacedSampler(pacer_keeping(0.5))
    again.load_state_dict(state)
    assert list(again) == list(rest)


def test_a_loaded_epoch_keeps_its_order_whatever_the_weights_are_now() -> None:
    sampler = PacedSampler(pacer_keeping(0.5))
    rest = iter(sampler)
    next(rest)
    state = sampler.state_dict()
    other = PacedSampler(pacer_keeping(1.0))
    other.load_state_dict(state)
    other.set_epoch(0)
    assert list(other) == list(rest)
    assert len(list(other)) == N


def test_a_state_of_the_first_version_is_still_loaded() -> None:
    sampler = PacedSampler(pacer_keeping(0.5))
    sampler.load_state_dict({**GOOD, "order": ORDER, "steps": 1})
    assert list(sampler) == [1, 2, 3, 4]


class Steps:
    """A program that steps every few batches, within the epoch; it stops within the loop."""

    def __init__(self, workers: int) -> None:
        self.pacer = Pacer(N, age=Quantile(Constant(0.6)))
        self.sampler = PacedSampler(self.pacer, revisit=0.5, thin=0.3)
        data = Indexed(TensorDataset(torch.arange(N)))
        self.loader = DataLoader(data, 10, sampler=self.sampler, num_workers=workers)
        self.seen: list[list[int]] = []
        self.position = 0

    def run(self, batches: int) -> None:
        self.position = self.sampler.state_dict()["position"]
        while True:
            for index, _ in self.loader:
                self.pacer(index / N + len(self.seen) % 3 / 10, index)
                self.seen.append(index.tolist())
                self.position += len(index)
                batches -= 1
                if len(self.seen) % 4 == 0:
                    self.pacer.step()
                if batches == 0:
                    return
            self.position = 0


@pytest.mark.parametrize(("stop", "workers"), [(6, 0), (8, 0), (25, 0), (36, 0), (6, 1)])
def test_with_steps_within_the_epoch_a_resumed_run_is_the_same(stop: int, workers: int) -> None:
    whole, first, second = Steps(0), Steps(workers), Steps(workers)
    whole.run(60)
    first.run(stop)
    second.pacer.load_state_dict(first.pacer.state_dict())
    second.sampler.load_state_dict(first.sampler.state_dict(position=first.position))
    second.seen = list(first.seen)
    second.run(60 - stop)
    assert second.seen == whole.seen
    assert torch.equal(second.pacer.weight, whole.pacer.weight)
    visited = {index for batch in whole.seen[: N // 10] for index in batch}
    assert len(visited) == N  # the whole first epoch, steps or not


@pytest.mark.parametrize("loaded", [False, True])
def test_an_epoch_is_over_when_the_pacer_steps_after_its_loop(loaded: bool) -> None:
    pacer = pacer_keeping(0.5)
    sampler = PacedSampler(pacer)
    part = torch.tensor(list(islice(sampler, 10)))
    if loaded:
        sampler.load_state_dict(state_of(sampler))
    pacer.observe(part / N, part)
    pacer.step()
    state = state_of(sampler)
    assert (state["epoch"], state["position"], state["order"]) == (1, 0, ())


def test_a_step_at_the_last_sample_ends_the_epoch() -> None:
    pacer = pacer_keeping(0.5)
    sampler = PacedSampler(pacer)
    indices, n_samples = iter(sampler), len(sampler)
    part = torch.tensor(list(islice(indices, n_samples)))
    pacer.observe(part / N, part)
    pacer.step()
    assert sampler.state_dict()["epoch"] == 1 and sampler.state_dict()["order"] == ()


def test_a_loaded_epoch_needs_the_state_of_its_pacer() -> None:
    first = PacedSampler(pacer_keeping(0.5))
    list(islice(first, 5))
    second = PacedSampler(Pacer(N))
    second.load_state_dict(first.state_dict())
    with pytest.raises(
        ValueError, match=r"of step 1 of its pacer, but the pacer is at step 0\. Lo"
    ):
        list(second)
    second.pacer.load_state_dict(first.pacer.state_dict())
    assert set(second).isdisjoint(first._drawn.order[:5] if first._drawn else [])


def test_with_another_number_of_ranks_the_epoch_begins_again() -> None:
    sampler = PacedSampler(pacer_keeping(0.5), num_replicas=2, rank=0)
    next(iter(sampler))
    other = PacedSampler(pacer_keeping(0.5), num_replicas=1, rank=0)
    other.load_state_dict(sampler.state_dict())
    assert set(range(100)) <= set(other)


GOOD: dict[str, Any] = {
    **{"version": 1, "n_samples": N, "epoch": 3, "num_replicas": 1},
    **{"steps": 0, "position": 1, "easy": None},
}
ORDER = torch.arange(5)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (GOOD, r"is cut short; it lacks \['order'\]"),
        ({**GOOD, "order": ORDER, "version": 3}, "of version 3, newer than 2. Update selfpaced"),
        ({**GOOD, "order": ORDER, "n_samples": 9}, "of 9 samples, the pacer of 200"),
        ({**GOOD, "order": ORDER, "position": 6}, "position must be from 0 to 5"),
        ({**GOOD, "order": (ORDER + 196,)}, r"shape \(n,\) with values from 0 to 199.*got \[200\]"),
        ({**GOOD, "order": (ORDER - 1,)}, r"'order' .* from 0 to 199, none NaN; got \[-1\]"),
        ({**GOOD, "order": (ORDER.float(),)}, r"'order' .* must be int64 of .*; got float32 of sh"),
        ({**GOOD, "order": (ORDER[:0],)}, "indices of samples, at least one, as of length='sele"),
        ({**GOOD, "order": (ORDER // 2,)}, "a draw, which visits all of its samples in turn"),
        ({**GOOD, "order": (ORDER,), "easy": (torch.ones(9).bool(),)}, r"must be bool of .*200"),
        ({**GOOD, "order": None}, "'position' of the state must be 0 without an order; got 1"),
        ({**GOOD, "order": (ORDER, ORDER)}, "'order' of the state must be a tuple of one tensor"),
        ({**GOOD, "order": ORDER, "epoch": -1}, "'epoch' .* must be an int from 0 .*; got -1"),
        ({**GOOD, "order": ORDER, "steps": True}, "'steps' .* must be an int from 0 .*; got True"),
        ({**GOOD, "order": ORDER, "num_replicas": 0}, "'num_replicas' .* an int from 1 .*; got 0"),
        ({**GOOD, "order": ORDER, "seed": 1}, r"has unknown keys: \['seed'\]. Use a state"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(state: dict[str, Any], said: str) -> None:
    sampler = PacedSampler(pacer_keeping(0.5))
    before = list(PacedSampler(pacer_keeping(0.5)))
    with pytest.raises(ValueError, match=said):
        sampler.load_state_dict(state)
    assert sampler.epoch == 0
    assert list(sampler) == before


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"length": 0}, "length must be a positive int; got 0"),
        ({"length": "all"}, 'length must be "selected", "dataset" or an int; got \'all\''),
        ({"revisit": 1.5}, "revisit must be from 0 to 1; got 1.5"),
        ({"thin": 1.0}, "thin must be from 0 to below 1; got 1.0"),
        ({"epochs": 0}, "PacedSampler: epochs must be a positive int; got 0"),
        ({"seed": -1}, "seed must be an int from 0 to 2\\*\\*63 - 1; got -1"),
        ({"rank": 0}, "give num_replicas and a rank below it, or neither; got None and 0"),
        ({"num_replicas": 2, "rank": 2}, "a rank below it, or neither; got 2 and 2"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        PacedSampler(Pacer(5), **settings)


def test_the_pacer_must_be_a_pacer_with_n_samples() -> None:
    with pytest.raises(ValueError, match="make the pacer as Pacer\\(len\\(dataset\\)\\)"):
        PacedSampler(Pacer())
    with pytest.raises(TypeError, match="expects a Pacer; got list"):
        PacedSampler([1, 2])  # type: ignore[arg-type]


def test_an_empty_epoch_is_an_error() -> None:
    pacer = pacer_keeping(0.5)
    pacer.weight.zero_()
    with pytest.raises(ValueError, match="no sample has a weight above 0, and none is revisited"):
        list(PacedSampler(pacer, revisit=0.0))


def state_of(sampler: PacedSampler) -> Any:
    return copy.deepcopy(sampler.state_dict())


def test_after_a_load_at_the_end_of_an_epoch_a_step_begins_the_next() -> None:
    live, loaded = pacer_keeping(0.5), pacer_keeping(0.5)
    sampler, again = PacedSampler(live), PacedSampler(loaded)
    visited = torch.tensor(list(sampler))
    again.load_state_dict(state_of(sampler))
    for pacer in (live, loaded):
        pacer.observe(visited / N, visited)
        pacer.step()
    assert len(again) == len(sampler)
    assert list(again) == list(sampler)


def test_an_interrupted_epoch_is_over_when_the_pacer_steps() -> None:
    pacer = Pacer(N, age=Quantile(Constant(1.0)))
    sampler = PacedSampler(pacer)
    visited: set[int] = set()
    for epoch in range(12):
        part = torch.tensor([index for index, _ in zip(sampler, range(30), strict=False)])
        assert sampler.epoch == epoch
        visited |= set(part.tolist())
        pacer.observe(part / N, part)
        pacer.step()
    assert len(visited) > 150


@pytest.mark.parametrize("workers", [0, 2])
def test_setting_the_current_epoch_changes_nothing(workers: int) -> None:
    sampler = PacedSampler(pacer_keeping(0.5))
    data = Indexed(TensorDataset(torch.arange(N)))
    batches = iter(DataLoader(data, batch_size=10, sampler=sampler, num_workers=workers))
    seen = next(batches)[0].tolist()
    sampler.set_epoch(0)
    state = state_of(sampler) if workers == 0 else copy.deepcopy(sampler.state_dict(position=10))
    rest = [index for batch in batches for index in batch[0].tolist()]
    again = PacedSampler(pacer_keeping(0.5))
    again.load_state_dict(state)
    assert len(seen) == 10 and list(again) == rest


def test_only_the_last_iterator_counts_the_position() -> None:
    sampler = PacedSampler(pacer_keeping(0.5))
    first = iter(sampler)
    for _ in range(10):
        next(first)
    whole = list(sampler)
    list(first)
    assert sampler.state_dict()["position"] == len(whole)


def test_an_order_drawn_for_the_length_is_drawn_again_after_a_change() -> None:
    pacer = pacer_keeping(1.0)
    sampler = PacedSampler(pacer, revisit=0.0)
    assert len(sampler) == N
    pacer.weight[50:] = 0
    assert len(list(sampler)) == 50
    other = PacedSampler(pacer_keeping(1.0), thin=0.5)
    assert len(other) < N
    other.thin = 0.0
    assert len(list(other)) == N and other.pacer.importance is None


def test_the_length_stays_until_the_pacer_steps() -> None:
    pacer = pacer_keeping(0.5)
    sampler = PacedSampler(pacer)
    loader = DataLoader(Indexed(TensorDataset(torch.arange(N))), batch_size=10, sampler=sampler)
    lengths = [len(loader) for _ in loader]
    assert lengths == [len(lengths)] * len(lengths)


def test_a_thinned_epoch_resumes_with_the_same_importance() -> None:
    pacer = pacer_keeping(0.5)
    sampler = PacedSampler(pacer, thin=0.5)
    next(iter(sampler))
    importance, state = pacer.importance, state_of(sampler)
    other = pacer_keeping(1.0)
    again = PacedSampler(other, thin=0.5)
    again.load_state_dict(state)
    next(iter(again))
    assert importance is not None and other.importance is not None
    assert torch.equal(other.importance, importance)


def sizes(sampler: PacedSampler, epochs: int) -> list[int]:
    """Return the number of samples that each epoch visits."""
    found = []
    for _ in range(epochs):
        found.append(len(list(sampler)))
        assert (sampler.pacer.importance is not None) == (found[-1] < N)
    return found


@pytest.mark.parametrize(("epochs", "thinned"), [(None, 9), (1, 0), (3, 2), (4, 3), (8, 7)])
def test_the_last_eighth_of_the_epochs_is_not_thinned(epochs: int | None, thinned: int) -> None:
    found = sizes(PacedSampler(pacer_keeping(1.0), thin=0.5, epochs=epochs), 9)
    assert [size < N for size in found] == [True] * thinned + [False] * (9 - thinned)


def test_a_host_tells_the_number_of_epochs_unless_the_user_has() -> None:
    for given, thinned in ((None, 3), (8, 7)):
        sampler = PacedSampler(pacer_keeping(1.0), thin=0.5, epochs=given)
        sampler._within(4)
        assert [size < N for size in sizes(sampler, 8)] == [True] * thinned + [False] * (
            8 - thinned
        )
        assert sampler.epochs == given


@pytest.mark.parametrize("told", [False, True])
def test_an_order_drawn_for_the_length_knows_the_number_of_epochs(told: bool) -> None:
    sampler = PacedSampler(pacer_keeping(1.0), thin=0.5)
    assert len(sampler) < N
    if told:
        sampler._within(1)
    else:
        sampler.epochs = 1
    assert len(sampler) == len(list(sampler)) == N and sampler.pacer.importance is None


@pytest.mark.parametrize("begun", [2, 3])
def test_a_run_resumes_where_the_thinning_ends(begun: int) -> None:
    whole, parts = (
        PacedSampler(pacer_keeping(1.0), thin=0.5, epochs=4, revisit=0.0) for _ in range(2)
    )
    expected = [list(whole) for _ in range(5)]
    for _ in range(begun):
        list(parts)
    list(islice(parts, 60))
    pacer = pacer_keeping(1.0)
    again = PacedSampler(pacer, thin=0.5, epochs=4, revisit=0.0)
    again.load_state_dict(state_of(parts))
    assert list(again) == expected[begun][60:]
    assert (pacer.importance is None) == (begun == 3)
    assert list(again) == expected[begun + 1] and pacer.importance is None


def test_a_position_beyond_the_epoch_is_refused_before_it_is_saved() -> None:
    sampler = PacedSampler(pacer_keeping(0.5))
    next(iter(sampler))
    with pytest.raises(ValueError, match="position must be from 0 to .*; got 500"):
        sampler.state_dict(position=500)


class Slow(Dataset[Tensor]):
    """A dataset that is slow for one sample."""

    def __init__(self, late: int) -> None:
        self.late = late

    def __len__(self) -> int:
        return N

    def __getitem__(self, index: int) -> Tensor:
        time.sleep(0.5 if index == self.late else 0)
        return torch.tensor(float(index))


@pytest.mark.parametrize("in_order", [True, False])
def test_a_loader_that_does_not_keep_the_order_is_noticed(in_order: bool) -> None:
    pacer = pacer_keeping(0.5)
    sampler = PacedSampler(pacer)
    data = Slow(late=next(iter(PacedSampler(pacer_keeping(0.5)))))  # in the first batch
    settings: dict[str, Any] = {"batch_size": 16, "num_workers": 2, "in_order": in_order}
    index, x = next(iter(DataLoader(Indexed(data), sampler=sampler, **settings)))
    pacer(x, index)
    if in_order:
        assert sampler.state_dict(position=16)["position"] == 16
        return
    with pytest.raises(ValueError, match=r"first 16 samples .* has not seen 16, .*in_order=True"):
        sampler.state_dict(position=16)


def test_a_position_ahead_of_the_training_is_refused() -> None:
    pacer = pacer_keeping(0.5)
    sampler = PacedSampler(pacer)
    index = torch.tensor(list(sampler)[:20])
    pacer(torch.ones(20), index)
    assert sampler.state_dict(position=20)["position"] == 20
    with pytest.raises(ValueError, match="of the first 21 samples .* has not seen 1, "):
        sampler.state_dict(position=21)


def test_a_loop_that_leaves_out_samples_without_a_label_can_be_saved() -> None:
    pacer = pacer_keeping(0.5)
    sampler = PacedSampler(pacer)
    index = torch.tensor(list(sampler)[:20])
    known = index[torch.arange(20) % 3 > 0]
    pacer(torch.ones(len(known)), known)
    assert sampler.state_dict(position=20)["position"] == 20


def test_a_host_that_splits_the_order_itself_may_save_any_position() -> None:
    pacer = pacer_keeping(0.5)
    sampler = PacedSampler(pacer, num_replicas=2, rank=0)  # a world of one rank: no check
    index = torch.tensor(list(sampler)[::2])
    pacer(torch.ones(len(index)), index)
    assert sampler.state_dict(position=20)["position"] == 20


def test_a_loop_that_observes_after_the_epoch_can_be_saved_within_it() -> None:
    sampler = PacedSampler(pacer_keeping(0.5))
    next(iter(sampler))
    assert sampler.state_dict(position=20)["position"] == 20


def test_a_state_whose_order_cannot_be_read_changes_nothing() -> None:
    sampler = PacedSampler(pacer_keeping(0.5))
    before = list(PacedSampler(pacer_keeping(0.5)))
    state = {**GOOD, "order": torch.empty(5, dtype=torch.int64, device="meta"), "epoch": 7}
    with pytest.raises(ValueError, match=r"must be int64 of shape \(n,\); got .*\(strided, meta\)"):
        sampler.load_state_dict(state)
    assert sampler.epoch == 0 and list(sampler) == before


def test_an_order_must_have_the_length_of_the_sampler() -> None:
    saved = PacedSampler(Pacer(6), length=4)
    next(iter(saved))
    for length, wanted in (("dataset", 6), (5, 5)):
        other = PacedSampler(Pacer(6), length=length)  # type: ignore[arg-type]  # of two types
        with pytest.raises(ValueError, match=f"must be {wanted} indices, as of length={length!r}"):
            other.load_state_dict(saved.state_dict())
        assert other.epoch == 0 and other._drawn is None


def test_samples_that_another_process_trained_on_need_not_be_seen_here() -> None:
    first = PacedSampler(Pacer(6), seed=1)
    order = list(islice(first, 2))
    state = first.state_dict(position=0)
    state["position"] = 2
    pacer = Pacer(6)
    second = PacedSampler(pacer, seed=1)
    second.load_state_dict(state)
    visited = list(islice(second, 2))
    pacer.observe(torch.ones(2), torch.tensor(visited))
    assert second.state_dict(position=4)["position"] == 4
    assert set(visited).isdisjoint(order)
    with pytest.raises(ValueError, match="has not seen 1"):
        second.state_dict(position=5)


def test_an_epoch_that_is_set_after_it_began_ends_with_the_step() -> None:
    pacer = Pacer(6)
    sampler = PacedSampler(pacer)
    indices = iter(sampler)  # workers ask before a host sets the epoch
    first = next(indices)
    sampler.set_epoch(0)
    pacer.observe(torch.ones(6), torch.tensor([first, *indices]))
    pacer.step()
    assert sampler.state_dict()["epoch"] == 1


@pytest.mark.parametrize("workers", [0, 2])
def test_after_a_loader_that_is_cut_short_another_may_go_on(workers: int) -> None:
    pacer = pacer_keeping(0.5)
    data = Indexed(TensorDataset(torch.arange(N)))
    settings: dict[str, Any] = {"batch_size": 10, "num_workers": workers}
    drawn = DataLoader(data, sampler=PacedSampler(pacer), **settings)
    for index, x in islice(drawn, 3):
        pacer(x / N, index)
    assert pacer.drawn is not None and len(pacer.drawn) == 30
    rest = sorted({*range(N)} - {*pacer.drawn.tolist()})
    for index, x in DataLoader(data, sampler=rest, **settings):
        pacer(x / N, index)
    pacer.step()
    assert pacer.steps == 2


def test_a_loader_of_other_indices_is_noticed_also_if_it_is_cut_short() -> None:
    pacer = pacer_keeping(0.5)
    sampler = PacedSampler(pacer)
    for index in islice(sampler, 50):
        pacer(torch.ones(1), torch.tensor([N - 1 - index]))
    with pytest.raises(ValueError, match="Of the samples that PacedSampler drew .* were not seen"):
        pacer.step()
