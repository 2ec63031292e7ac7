import math

import pytest
import torch
from torch import Tensor

from selfpaced import Pacer
from selfpaced._memory.dynamics import Dynamics

ALL = torch.arange(4)
LOSSES = torch.ones(4)
CPU, ONE = torch.device("cpu"), torch.ones(2)


def learned(dynamics: Dynamics, *correct: bool) -> None:
    for right in correct:
        logits = torch.tensor([[1.0 if right else -1.0, 0.0]])
        dynamics.write(torch.tensor([0]), logits, torch.tensor([0]))
        dynamics.commit(ONE)


@pytest.mark.parametrize(
    ("correct", "times"),
    [
        ((True, False), 1),
        ((True, False, False, False), 1),
        ((True, False, True, False), 2),
        ((False, False, True, True), 0),
        ((True, False, False, True, False), 2),
    ],
)
def test_only_a_change_from_correct_to_wrong_counts_as_forgotten(
    correct: tuple[bool, ...], times: int
) -> None:
    dynamics = Dynamics(1, 0, CPU)
    learned(dynamics, *correct)
    assert dynamics.forgotten.tolist() == [times]
    assert dynamics.correct.tolist() == [sum(correct)]
    assert dynamics.visits.tolist() == [len(correct)]


def test_the_margin_is_to_the_highest_other_logit() -> None:
    dynamics = Dynamics(2, 0, CPU)
    logits = torch.tensor([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0]])
    dynamics.write(torch.arange(2), logits, torch.tensor([0, 1]))
    dynamics.commit(ONE)
    assert dynamics.margin.tolist() == [1.0, -2.0]


def test_a_tie_for_the_highest_logit_is_not_correct() -> None:
    dynamics = Dynamics(1, 0, CPU)
    dynamics.write(torch.tensor([0]), torch.zeros(1, 2), torch.tensor([0]))
    dynamics.commit(ONE)
    assert dynamics.correct.tolist() == [0]


def test_the_probability_is_a_mean_weighted_by_the_evidence_of_each_step() -> None:
    dynamics, index = Dynamics(1, 2, CPU), torch.tensor([0])
    chances, weights = [0.2, 0.8, 0.1, 0.5], [0.0, 0.5, 0.0, 2.0]
    for p, weight in zip(chances, weights, strict=True):
        logits = torch.tensor([[math.log(p), math.log(1 - p)]])
        dynamics.write(index, logits, index)
        dynamics.commit(torch.tensor([weight]))
    assert dynamics.target.tolist() == [0]
    expected = sum(w * p for w, p in zip(weights, chances, strict=True)) / sum(weights)
    assert float(dynamics.probability[0, 0]) == pytest.approx(expected)


def test_until_the_commit_nothing_counts_and_the_last_visit_wins() -> None:
    dynamics, target = Dynamics(2, 0, CPU), torch.tensor([0])
    for logit in (5.0, -3.0):
        dynamics.write(torch.tensor([1]), torch.tensor([[logit, 0.0]]), target)
    assert dynamics.visits.tolist() == [0, 0]
    dynamics.commit(ONE)
    dynamics.commit(ONE)
    assert dynamics.visits.tolist() == [0, 1]
    assert float(dynamics.margin[1]) == -3.0
    assert dynamics.margin[0].isnan()


def test_a_saved_state_is_shared_neither_with_its_source_nor_with_its_copy() -> None:
    first = Dynamics(1, 2, CPU)
    learned(first, True)
    state = first.state_dict()
    second = Dynamics.read(state, 1, CPU)
    learned(second, False)
    learned(first, True, True)
    assert state["visits"].tolist() == [1]
    assert float(state["margin_total"]) == 1.0
    assert second.forgotten.tolist() == [1] and first.forgotten.tolist() == [0]
    assert second.probability.shape == (1, 2)


def test_skip_nan_leaves_a_sample_with_nan_logits_out() -> None:
    pacer, target = Pacer(4, skip_nan=True), torch.zeros(4, dtype=torch.int64)
    logits = torch.tensor([[2.0, 0.0]]).repeat(4, 1)
    logits[1] = torch.nan
    loss = torch.nn.functional.cross_entropy(logits, target, reduction="none")
    for _ in range(2):
        pacer.observe(loss, ALL, logits, target, probabilities=True)
        pacer.step()
    dynamics = pacer.ledger.dynamics
    assert dynamics is not None
    assert dynamics.visits.tolist() == [2, 0, 2, 2]
    assert dynamics.correct.tolist() == [2, 0, 2, 2]
    assert dynamics.margin.nan_to_num(-1).tolist() == [2, -1, 2, 2]
    assert dynamics.probability.isfinite().all()
    assert pacer.ledger.visits.tolist() == [2, 0, 2, 2]


LOGITS, TARGET = torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])


@pytest.mark.parametrize(
    ("logits", "target", "error", "message"),
    [
        (LOGITS, TARGET + 1, ValueError, r"targets from 0 to 2; got \[3\]. Leave ignored"),
        (LOGITS, TARGET - 100, ValueError, r"from 0 to 2; got \[-100, -99, -98, -100\]"),
        (LOGITS, TARGET.float(), TypeError, r"target as int64 labels; got torch\.float32"),
        (LOGITS, TARGET.int(), TypeError, r"target as int64 labels; got torch\.int32"),
        (LOGITS[:3], TARGET, ValueError, r"a target per loss; got \(3, 3\) and \(4,\)"),
        (LOGITS, TARGET[:3], ValueError, r"got \(4, 3\) and \(3,\) for losses \(4,\)"),
        (LOGITS[:, 0], TARGET, ValueError, r"logits \(batch, classes\).*got \(4,\)"),
        (LOGITS[None], TARGET, ValueError, r"logits \(batch, classes\).*got \(1, 4, 3\)"),
        (LOGITS, torch.zeros(4, 3), ValueError, r"got \(4, 3\) and \(4, 3\)"),
        (torch.zeros(4, 5), TARGET, ValueError, "kept probabilities of 3 classes; got 5"),
    ],
)
def test_bad_logits_are_refused_before_anything_is_written(
    logits: Tensor, target: Tensor, error: type[Exception], message: str
) -> None:
    pacer = Pacer(4)
    pacer.observe(LOSSES, ALL, LOGITS, TARGET, probabilities=True)
    pacer.step()
    packed, dynamics = pacer.ledger.packed.clone(), pacer.ledger.dynamics
    assert dynamics is not None
    before = dynamics.state_dict()
    with pytest.raises(error, match=message):
        pacer.observe(LOSSES + 1, ALL, logits, target, probabilities=True)
    assert torch.equal(pacer.ledger.packed, packed)
    after = dynamics.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_number_of_classes_may_change_if_no_probabilities_are_kept() -> None:
    pacer = Pacer(4)
    for classes in (3, 5):
        pacer.observe(LOSSES, ALL, torch.zeros(4, classes), TARGET)
        pacer.step()
    assert pacer.ledger.dynamics is not None
    assert pacer.ledger.dynamics.visits.tolist() == [2, 2, 2, 2]


def test_nan_logits_are_refused_or_left_out() -> None:
    logits = torch.tensor([[torch.nan, 0.0], [1.0, 0.0]])
    index, target = torch.arange(2), torch.zeros(2, dtype=torch.int64)
    strict, lenient = Pacer(2), Pacer(2, skip_nan=True)
    with pytest.raises(ValueError, match=r"got NaN logits in rows \[0\].*skip_nan=True"):
        strict.observe(torch.ones(2), index, logits, target)
    assert not bool(strict.ledger.waiting.any())
    lenient.observe(torch.ones(2), index, logits, target)
    lenient.step()
    assert lenient.ledger.dynamics is not None
    assert lenient.ledger.dynamics.visits.tolist() == [0, 1]
    assert lenient.ledger.visits.tolist() == [1, 1]
