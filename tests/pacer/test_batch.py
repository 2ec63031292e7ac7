import math

import pytest
import torch
from torch import Tensor

from selfpaced import Pacer
from selfpaced._pacer.batch import flag_scores, read_scores
from selfpaced.age import Threshold
from selfpaced.chain import Weighting
from selfpaced.pacing import Constant
from selfpaced.weighting import Hard, Linear

N = 6
LARGEST = torch.finfo(torch.float32).max


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the code for accelerators on the CPU: values are not read."""
    for module in ("_pacer.pacer", "_memory.columns", "weighting._rule"):
        monkeypatch.setattr(f"selfpaced.{module}.values_can_be_read", lambda tensor: False)


def make(*, weighting: Weighting = Hard(), skip_nan: bool = False) -> Pacer:
    return Pacer(N, age=Threshold(Constant(100.0)), weighting=weighting, skip_nan=skip_nan)


def give(pacer: Pacer, *visits: tuple[int, float]) -> Tensor:
    loss: Tensor = pacer(
        torch.tensor([loss for _, loss in visits]), torch.tensor([index for index, _ in visits])
    )
    return loss


def good(pacer: Pacer) -> None:
    give(pacer, *((index, 1.0) for index in range(N)))


@pytest.mark.usefixtures("blind")
def test_a_bad_sample_is_reported_by_one_step_only() -> None:
    pacer = make()
    good(pacer)
    give(pacer, (2, math.nan), (N + 4, 1.0))
    with pytest.raises(ValueError, match="met 2 bad samples since the last step, the first at"):
        pacer.step()
    pacer.step()
    good(pacer)
    give(pacer, (3, math.nan))
    with pytest.raises(ValueError, match="met 1 bad samples .* first at index 3:"):
        pacer.step()


@pytest.mark.usefixtures("blind")
@pytest.mark.parametrize(
    ("batches", "count", "first"),
    [
        ([[(0, 1.0), (4, math.nan), (5, math.nan)]], 2, 4),
        ([[(5, math.nan), (0, 1.0), (2, math.nan)]], 2, 5),
        ([[(0, 1.0), (1, 1.0)], [(2, 1.0), (3, math.nan)], [(1, math.nan)]], 2, 3),
        ([[(0, 1.0), (9, 1.0)], [(7, math.nan)]], 2, 9),
        ([[(0, 1.0), (-3, 1.0)]], 1, -3),
    ],
)
def test_the_first_bad_index_of_all_batches_is_named(
    batches: list[list[tuple[int, float]]], count: int, first: int
) -> None:
    pacer = make()
    for batch in batches:
        give(pacer, *batch)
    with pytest.raises(ValueError, match=rf"met {count} bad samples .* first at index {first}:"):
        pacer.step()


@pytest.mark.usefixtures("blind")
def test_with_skip_nan_a_nan_is_not_reported_but_a_bad_index_is() -> None:
    pacer = make(skip_nan=True)
    assert give(pacer, (0, 4.0), (1, math.nan)).item() == 2.0
    pacer.step()
    assert pacer.ledger.visits.tolist() == [1, 0, 0, 0, 0, 0]
    give(pacer, (0, math.nan), (N, 1.0))
    with pytest.raises(ValueError, match="met 1 bad samples .* first at index 6:"):
        pacer.step()


@pytest.mark.usefixtures("blind")
@pytest.mark.parametrize("bad", [N, 2 * N - 1, 2 * N, -1, -N, 10**12])
@pytest.mark.parametrize("bad_is_last", [False, True])
def test_a_bad_index_writes_nowhere(bad: int, bad_is_last: bool) -> None:
    pacer = make()
    visits = [(N - 1, 3.0), (0, 5.0)]
    visits.insert(2 if bad_is_last else 0, (bad, 80.0))
    assert give(pacer, *visits).item() == pytest.approx(8 / 3)
    assert pacer.ledger.waiting.tolist() == [True, False, False, False, False, True]
    assert pacer.ledger.loss.nan_to_num(-1).tolist() == [5, -1, -1, -1, -1, 3]


@pytest.mark.usefixtures("blind")
def test_a_negative_difficulty_is_reported_if_the_rule_refuses_it() -> None:
    pacer = make(weighting=Linear())
    give(pacer, (0, 1.0), (4, -1.0), (1, -2.0))
    assert pacer.ledger.waiting.tolist() == [True, False, False, False, False, False]
    with pytest.raises(ValueError, match=r"met 2 bad .* index 4: .* where Linear\(\) needs 0"):
        pacer.step()
    hard = make()
    give(hard, (0, -1.0))
    hard.step()


@pytest.mark.parametrize("skip_nan", [False, True])
def test_bad_samples_are_flagged_without_reading_values(skip_nan: bool) -> None:
    score = torch.tensor([1.0, math.nan, math.inf, -math.inf, 2.0])
    index, bad = torch.tensor([0, 1, 2, 3, 9]), torch.tensor([0, -1])
    place, usable, valid = flag_scores(score, index, N, bad, skip_nan=skip_nan)
    assert valid.tolist() == [True, False, True, True, False]
    assert usable.tolist()[:4] == [1.0, 0.0, LARGEST, -LARGEST]
    assert bad.tolist() == ([1, 9] if skip_nan else [2, 1])
    assert index.tolist() == [0, 1, 2, 3, 9]
    assert 0 <= int(place.min()) and int(place.max()) < N


def test_good_samples_are_not_flagged() -> None:
    index, bad = torch.tensor([3, 1]), torch.tensor([0, -1])
    flag_scores(torch.ones(2), index, N, bad, skip_nan=False)
    assert bad.tolist() == [0, -1]


def test_reading_scores_replaces_infinity_and_tells_whether_all_were_finite() -> None:
    score = torch.tensor([1.0, 2.0])
    assert read_scores(score, None, skip_nan=False) == (score, None, True)
    large = torch.tensor([1e30, -1.0])  # its square is infinite
    assert read_scores(large, None, skip_nan=False) == (large, None, True)
    usable, valid, finite = read_scores(torch.tensor([math.inf, -1.0]), None, skip_nan=False)
    assert usable.tolist() == [LARGEST, -1.0]
    assert valid is None or valid.all()
    assert not finite


def test_without_indices_a_nan_is_named_by_its_place_in_the_batch() -> None:
    with pytest.raises(ValueError, match=r"NaN loss at places in the batch \[1, 2\]"):
        Pacer()(torch.tensor([1.0, math.nan, math.nan]))


@pytest.mark.parametrize("skip_nan", [False, True])
def test_a_full_graph_flags_what_eager_mode_refuses(skip_nan: bool) -> None:
    pacer = make(skip_nan=skip_nan)

    def weigh(loss: Tensor, index: Tensor) -> Tensor:
        result: Tensor = pacer(loss, index)
        return result

    run = torch.compile(weigh, fullgraph=True, backend="eager")
    loss = torch.tensor([1.0, 2.0, math.nan, 70.0])
    run(loss, torch.tensor([0, N - 1, 4, 1]))
    assert pacer.ledger.loss.nan_to_num(-1).tolist() == [1, 70, -1, -1, -1, 2]
    if skip_nan:
        pacer.step()
    run(loss.nan_to_num(9.0), torch.tensor([N - 1, 2 * N - 1, 4, 3 * N - 1]))
    assert float(pacer.ledger.loss[N - 1]) == 1.0
    count, first = (2, 2 * N - 1) if skip_nan else (3, 4)
    with pytest.raises(ValueError, match=rf"met {count} bad samples .* first at index {first}:"):
        pacer.step()
    pacer.step()
