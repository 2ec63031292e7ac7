"""Two gloo processes that differ in data or settings; one spawn for all claims."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from selfpaced import Pacer
from selfpaced._ranks import rank_here, world_size
from selfpaced.age import Quantile
from selfpaced.difficulty import LeaveOneOut
from selfpaced.pacing import Constant

Spawn = Callable[[Callable[[int, int, str], None], int], list[dict[str, Any]]]
WORLD, N = 2, 6
TARGET = torch.arange(N) % 3
Saved = dict[str, Any]


def half(n_samples: int | None) -> Pacer:
    return Pacer(n_samples, age=Quantile(Constant(0.5)))


def logits(rank: int) -> Tensor:
    return torch.randn(N, 3, generator=torch.Generator().manual_seed(rank))


def message_of(step: Callable[[], None]) -> str:
    try:
        step()
    except ValueError as error:
        return str(error)
    return "nothing was raised"


def without_index(rank: int) -> Saved:
    pacer = half(None)
    for turn in range(2):
        pacer(torch.arange(5.0) + 10 * rank + 100 * turn)
    pacer.step()
    return {"loss": pacer.ledger.loss, "age": pacer.current_age, "history": list(pacer.history)}


def one_with_logits(rank: int) -> Saved:
    """Give logits on rank 0 only (even samples), then on both ranks, then on rank 1 only (odd)."""
    pacer, index = half(N), torch.arange(N)
    for told in (0, WORLD, 1):
        mine = index[rank::WORLD]
        if told in (rank, WORLD):
            target = TARGET[mine]
            pacer.observe(torch.ones(3), mine, logits(rank)[mine], target, probabilities=True)
        else:
            pacer.observe(torch.ones(3), mine)
        pacer.step()
    assert pacer.ledger.dynamics is not None
    return {**pacer.ledger.dynamics.state_dict(), "packed": pacer.ledger.packed}


def other_sizes(rank: int) -> Saved:
    pacer = half(N + rank)
    pacer.observe(torch.ones(2), torch.arange(2))
    return {"message": message_of(pacer.step), "steps": pacer.steps}


def other_classes(rank: int) -> Saved:
    pacer, index = half(N), torch.arange(N)
    told = torch.zeros(N, 3 + rank)
    pacer.observe(torch.ones(N), index, told, TARGET, probabilities=True)
    return {"message": message_of(pacer.step), "steps": pacer.steps}


def bad_on_one(rank: int) -> Saved:
    pacer = half(N)
    pacer.observe(torch.ones(N), torch.arange(N))
    if rank == 1:
        pacer._bad.copy_(torch.tensor([3, 4]))
    messages = [message_of(pacer.step), message_of(pacer.step)]
    return {"messages": messages, "steps": pacer.steps}


def featured() -> Pacer:
    """A pacer that judges six samples of three classes, in two clusters each, by features."""
    return Pacer(N, age=None, difficulty=LeaveOneOut(), columns={"group": TARGET})


def see_features(pacer: Pacer, mine: Tensor, scale: float) -> None:
    features = (
        scale * torch.randn(N, 4, generator=torch.Generator().manual_seed(9)) + logits(0)[:, :1]
    )
    pacer.observe(torch.ones(len(mine)), mine, features=features[mine])


def with_features(rank: int) -> Saved:
    """See half of the samples on each rank, and sample 0 on both; stop and go on within a step."""
    pacer, other = featured(), featured()
    mine = torch.cat([torch.arange(N)[rank::WORLD], torch.zeros(rank, dtype=torch.int64)])
    see_features(pacer, mine, 1.0)
    pacer.step()
    see_features(pacer, mine[:2], 2.0)
    other.load_state_dict(pacer.gathered_state_dict())
    for each in (pacer, other):
        see_features(each, mine[2:3], 3.0)
        each.step()
    kept, again = pacer.ledger.features, other.ledger.features
    assert kept is not None and again is not None
    return {"doubt": kept.doubt, "again": again.doubt}


def features_on_one(rank: int) -> Saved:
    """Only rank 0 sees samples, so that rank 1 has no features of its own."""
    pacer = featured()
    if rank == 0:
        see_features(pacer, torch.arange(N), 1.0)
    pacer.step()
    assert pacer.ledger.features is not None
    return {"doubt": pacer.ledger.features.doubt}


def other_layers(rank: int) -> Saved:
    pacer = featured()
    pacer.observe(torch.ones(N), torch.arange(N), features=torch.ones(N, 3 + rank))
    return {"message": message_of(pacer.step)}


CASES = (
    *(without_index, one_with_logits, with_features, features_on_one, other_layers),
    *(other_sizes, other_classes, bad_on_one),
)


def rank_main(rank: int, port: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    patience = timedelta(seconds=60)
    dist.init_process_group("gloo", rank=rank, world_size=WORLD, timeout=patience)
    saved = {case.__name__: case(rank) for case in CASES}
    torch.save(saved, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def ranks(spawn: Spawn) -> list[dict[str, Saved]]:
    return spawn(rank_main, WORLD)


def test_without_a_process_group_the_world_is_one() -> None:
    assert (world_size(), rank_here()) == (1, 0)


def test_without_indices_the_losses_of_both_ranks_count(ranks: list[dict[str, Saved]]) -> None:
    everything = [x + at for at in (0, 10, 100, 110) for x in range(5)]
    for saved in ranks:
        case = saved["without_index"]
        loss = case["loss"]
        assert sorted(loss[~loss.isnan()].tolist()) == sorted(everything)
        assert case["history"][0]["seen"] == 20
        assert case["history"][0]["kept_share"] == 0.5
        assert float(case["age"]) == sorted(everything)[10]


def test_ranks_agree_where_only_one_of_them_has_logits(ranks: list[dict[str, Saved]]) -> None:
    first, second = (saved["one_with_logits"] for saved in ranks)
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name
    assert first["visits"].tolist() == [2] * N
    assert first["packed"][:, 1].tolist() == [3.0] * N
    both = torch.where((torch.arange(N) % 2 == 0)[:, None], logits(0), logits(1))
    torch.testing.assert_close(first["probability"], both.softmax(1))


def test_two_ranks_doubt_the_labels_that_one_doubts(ranks: list[dict[str, Saved]]) -> None:
    pacer = featured()
    see_features(pacer, torch.arange(N), 1.0)
    pacer.step()
    assert pacer.ledger.features is not None
    first = pacer.ledger.features.doubt
    see_features(pacer, torch.tensor([0, 1, 2, 3]), 2.0)
    see_features(pacer, torch.tensor([4, 5]), 3.0)
    pacer.step()
    second = pacer.ledger.features.doubt
    assert first.abs().max() > 0.1
    for saved in ranks:
        torch.testing.assert_close(saved["features_on_one"]["doubt"], first, rtol=0, atol=1e-6)
        torch.testing.assert_close(saved["with_features"]["doubt"], second, rtol=0, atol=1e-6)
        assert torch.equal(saved["with_features"]["again"], saved["with_features"]["doubt"])


def test_other_layers_are_reported_on_all_ranks(ranks: list[dict[str, Saved]]) -> None:
    for saved in ranks:
        assert (
            "The ranks have kept 3 and 4 features of each sample."
            in saved["other_layers"]["message"]
        )


def test_a_different_n_samples_is_reported_on_all_ranks(ranks: list[dict[str, Saved]]) -> None:
    for saved in ranks:
        assert "The ranks disagree on n_samples: from 6 to 7." in saved["other_sizes"]["message"]
        assert saved["other_sizes"]["steps"] == 0


def test_different_classes_are_reported_on_all_ranks(
    ranks: list[dict[str, Saved]],
) -> None:
    for saved in ranks:
        assert "probabilities of 3 and of 4 classes" in saved["other_classes"]["message"]
        assert saved["other_classes"]["steps"] == 0


def test_a_bad_sample_of_one_rank_is_reported_once_on_all(
    ranks: list[dict[str, Saved]],
) -> None:
    for saved in ranks:
        told, after = saved["bad_on_one"]["messages"]
        assert "met 3 bad samples since the last step, the first at index 4:" in told
        assert after == "nothing was raised"
        assert saved["bad_on_one"]["steps"] == 1
