"""Checkpoints of two ranks between steps: they hold the losses of both ranks."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from selfpaced import Pacer
from selfpaced.age import Quantile
from selfpaced.pacing import Constant

Spawn = Callable[[Callable[[int, int, str], None], int], list[dict[str, Any]]]
WORLD, N = 2, 8
FIRST = {0: [0, 1, 2, 3], 1: [3, 4, 5, 6]}  # 3 is visited by both
LATER = {0: [1, 7], 1: [3, 4, 1]}  # 3 and 4 again by rank 1, 1 again by both


def made(n_samples: int | None = N) -> Pacer:
    return Pacer(n_samples, age=Quantile(Constant(0.5)))


def see(pacer: Pacer, samples: list[int], base: float) -> None:
    """Observe losses and logits that differ by rank and by round."""
    index = torch.tensor(samples)
    loss, logits = base + index / 10, torch.stack([base + index, -index], 1).float()
    pacer.observe(loss, index, logits, index % 2, probabilities=True)


def stepped(rank: int, *, reload: bool) -> tuple[Pacer, dict[str, Any]]:
    """After a step on all samples, observe twice, with a checkpoint in between."""
    pacer = made()
    see(pacer, list(range(N)), 0.0)
    pacer.step()
    see(pacer, FIRST[rank], 10.0 * (rank + 1))
    before = pacer.ledger.packed.clone()
    state = pacer.gathered_state_dict()
    assert torch.equal(pacer.ledger.packed, before)
    if reload:
        pacer = made()
        pacer.load_state_dict(state)
    see(pacer, LATER[rank], 100.0 * (rank + 1))
    pacer.step()
    return pacer, state


def flagged(rank: int) -> str:
    """Return the error of a restored pacer, if rank 1 had bad samples at the checkpoint."""
    pacer = made()
    pacer.observe(torch.ones(N), torch.arange(N))
    if rank == 1:
        pacer._bad.copy_(torch.tensor([3, 4]))
    other = made()
    other.load_state_dict(pacer.gathered_state_dict())
    try:
        other.step()
    except ValueError as error:
        return str(error)
    return "nothing was raised"


def ring(rank: int) -> dict[str, Any]:
    """Return the states of a run without indices and of its resumed copy."""
    first, second = made(None), made(None)
    first(torch.arange(5.0) + 10 * rank)
    second.load_state_dict(first.gathered_state_dict())
    for pacer in (first, second):
        pacer(torch.arange(5.0) + 100 + 10 * rank)
        pacer.step()
    return {"ring": first.get_extra_state(), "ring_again": second.get_extra_state()}


def alone() -> str:
    """Return the error of the state of one rank within an epoch; after a step there is none."""
    pacer = made()
    pacer.observe(torch.ones(N), torch.arange(N))
    try:
        pacer.state_dict()
    except ValueError as error:
        pacer.step()
        pacer.state_dict()
        return str(error)
    return "nothing was raised"


def of_one_process() -> list[bool]:
    """Return what waits on this rank after loading the state of one process within an epoch."""
    state = made().get_extra_state()
    state["ledger"]["packed"][:, 0] = 1.0
    state["ledger"]["packed"][:, 1] = 0.5
    pacer = made()
    pacer.load_state_dict({"_extra_state": (state,)})
    waiting: list[bool] = pacer.ledger.waiting.tolist()
    return waiting


def checkpointed(folder: Path) -> Pacer:
    """Return a pacer that was loaded with torch.distributed.checkpoint, within an epoch."""

    def whole(pacer: Pacer) -> SimpleNamespace:
        saved, loaded = pacer.gathered_state_dict, pacer.load_state_dict
        return SimpleNamespace(state_dict=saved, load_state_dict=loaded)

    first, second = made(), made()
    see(first, FIRST[dist.get_rank()], 1.0)
    save({"pacer": whole(first)}, checkpoint_id=folder / "dcp")
    load({"pacer": whole(second)}, checkpoint_id=folder / "dcp")
    assert set(second.ledger.waiting.nonzero().squeeze(1).tolist()) <= set(FIRST[dist.get_rank()])
    second.ledger.merge()
    return second


def rank_main(rank: int, port: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    patience = timedelta(seconds=60)
    dist.init_process_group("gloo", rank=rank, world_size=WORLD, timeout=patience)
    whole, state = stepped(rank, reload=False)
    again, _ = stepped(rank, reload=True)
    saved: dict[str, Any] = {"state": state, "flagged": flagged(rank), **ring(rank)}
    saved |= {"alone": alone(), "of_one": of_one_process()}
    saved["checkpointed"] = checkpointed(Path(folder)).ledger.waiting.tolist()
    saved |= {"whole": whole.get_extra_state(), "again": again.get_extra_state()}
    torch.save(saved, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def ranks(spawn: Spawn) -> list[dict[str, Any]]:
    return spawn(rank_main, WORLD)


def assert_same(one: Any, other: Any) -> None:
    torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize(("whole", "again"), [("whole", "again"), ("ring", "ring_again")])
def test_a_resumed_run_equals_the_run_that_was_not_stopped(
    ranks: list[dict[str, Any]], whole: str, again: str
) -> None:
    for saved in ranks:
        assert saved[whole]["steps"] > 0
        assert saved[whole]["history"] == saved[again]["history"]
        for name in ("ledger", "weight", "current_age", "bad"):
            assert_same(saved[whole][name], saved[again][name])


def test_every_rank_writes_the_same_state(ranks: list[dict[str, Any]]) -> None:
    first, second = (saved["state"]["_extra_state"][0] for saved in ranks)
    assert first["owners"]["loss"].tolist() == [0, 0, 0, 0, 1, 1, 1, WORLD]
    assert_same(first, second)


def test_one_process_can_resume_the_state_of_two_ranks(ranks: list[dict[str, Any]]) -> None:
    pacer = made()
    pacer.load_state_dict(ranks[0]["state"])
    assert pacer.ledger.waiting.tolist() == [True] * 7 + [False]
    assert pacer.ledger.loss[:7].tolist() == pytest.approx([10, 10.1, 10.2, 10.3, 20.4, 20.5, 20.6])
    assert pacer.ledger.dynamics is not None
    assert pacer.ledger.dynamics.waiting[:, 0].tolist() == [1.0] * 7 + [0.0]


def test_bad_samples_are_counted_once(ranks: list[dict[str, Any]]) -> None:
    for saved in ranks:
        assert "met 3 bad samples since the last step, the first at index 4:" in saved["flagged"]


def test_the_state_of_one_rank_within_an_epoch_is_refused(ranks: list[dict[str, Any]]) -> None:
    for rank, saved in enumerate(ranks):
        assert f"this is rank {rank} of 2 within an epoch; its state lacks" in saved["alone"]
        assert "Call pacer.gathered_state_dict() on all ranks" in saved["alone"]


def test_of_the_state_of_one_process_the_first_rank_takes_all(ranks: list[dict[str, Any]]) -> None:
    assert ranks[0]["of_one"] == [True] * N and ranks[1]["of_one"] == [False] * N


def test_a_distributed_checkpoint_has_the_losses_of_all_ranks(ranks: list[dict[str, Any]]) -> None:
    for saved in ranks:
        assert saved["checkpointed"] == [True] * 7 + [False]


def test_with_one_rank_the_gathered_state_is_the_state_dict() -> None:
    pacer = made()
    pacer.observe(torch.ones(N), torch.arange(N))
    (gathered,), (own,) = (
        state["_extra_state"] for state in (pacer.gathered_state_dict(), pacer.state_dict())
    )
    assert_same(gathered, own)
