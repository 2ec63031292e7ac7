"""Claims about what a model learns to predict, and about losses of labels that it did not see."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from selfpaced import Pacer
from selfpaced._evidence import HELD_OUT_POWER, HUGE, of_held_out_likelihoods
from selfpaced.age import Auto, Deviations
from selfpaced.audit._learning.aims import Classes, HeldOut, Numbers
from selfpaced.chain import Population

LABELS = torch.tensor([0, 1, 1, 0])
INDEX = torch.arange(4)


def test_held_out_losses_have_an_age_without_a_probe_and_one_age_per_class() -> None:
    learned, held_out = Classes(2).pacer(LABELS), Classes(2).pacer(LABELS, held_out=True)
    assert type(learned.age) is Auto and type(held_out.age) is HeldOut
    loss = torch.linspace(0.3, 3.0, 100)
    doubted = Population(loss, None, {}, before=loss)
    assert Auto().probing(5, doubted, torch.tensor(math.inf))
    assert not any(HeldOut().probing(step, doubted, torch.tensor(math.inf)) for step in range(20))
    assert learned.current_age.shape == held_out.current_age.shape == (2,)
    assert isinstance(Numbers().pacer(LABELS.float(), held_out=True).age, Deviations)


def test_held_out_losses_count_the_more_the_lower_they_are() -> None:
    evidence = HeldOut().evidence
    assert evidence(torch.tensor([1.0, 3.0]), 2) == 2.0**-HELD_OUT_POWER
    assert evidence(torch.full((5,), 0.5), None) == 2.0**HELD_OUT_POWER
    assert evidence(torch.tensor([0.5, 2 * HUGE, math.inf]), 2) == 2.0**HELD_OUT_POWER
    assert evidence(torch.zeros(3), 2) == pytest.approx(HUGE)
    assert of_held_out_likelihoods(torch.tensor([])) == 1.0
    assert of_held_out_likelihoods(torch.tensor([math.inf])) == 1.0


def loss_of(logits: Tensor) -> Tensor:
    return F.cross_entropy(logits, LABELS, reduction="none")


def test_the_copies_learn_the_mean_of_their_losses_and_the_held_out_copy_judges() -> None:
    torch.manual_seed(0)
    out, judge = torch.randn(2, 4, 2), torch.randn(4, 2)
    aim = Classes(2)
    pacer = aim.pacer(LABELS, held_out=True)
    total = aim.total(pacer, out, INDEX, LABELS, None, judge)
    expected = (loss_of(out[0]) + loss_of(out[1])) / 2
    assert float(total) == pytest.approx(float(expected.mean()))
    pacer.step()
    torch.testing.assert_close(pacer.ledger.suspicion, loss_of(judge))
    assert pacer.ledger.dynamics is not None
    torch.testing.assert_close(pacer.ledger.dynamics.probability, judge.softmax(1))
    scores = loss_of(judge)
    pacer.current_age.fill_(float(scores.sort().values[1:3].mean()))  # half of the labels are kept
    left = aim.total(pacer, out, INDEX, LABELS, 5.0, judge)
    assert float(left) == pytest.approx(float(expected[scores.argsort()[:2]].sum() / 5))


def test_without_a_held_out_copy_the_model_judges_what_it_learns() -> None:
    torch.manual_seed(0)
    out, aim = torch.randn(4, 2), Classes(2)
    pacer = aim.pacer(LABELS)
    total = aim.total(pacer, out, INDEX, LABELS, None)
    assert float(total) == pytest.approx(float(loss_of(out).mean()))
    pacer.step()
    torch.testing.assert_close(pacer.ledger.suspicion, loss_of(out))


def test_too_few_held_out_logits_are_refused() -> None:
    pacer: Pacer = Classes(3).pacer(LABELS, held_out=True)
    said = r"a logit for every class, .* at least 3 classes; it returned shape \(4, 2\)"
    with pytest.raises(ValueError, match=said):
        Classes(3).total(pacer, torch.zeros(2, 4, 2), INDEX, LABELS, None, torch.zeros(4, 2))
