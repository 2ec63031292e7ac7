"""Claims about the probability that a label is wrong."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from selfpaced import Pacer
from selfpaced.age import Threshold
from selfpaced.pacing import Constant
from selfpaced.suspects import Count, Judge, confusion
from selfpaced.suspects._judge import _wrong

# tests/pacer/test_signs.py has the warning.
pytestmark = pytest.mark.filterwarnings("ignore:Judge. without logits")
LOSSES = st.lists(st.floats(0, 700, width=32), min_size=1, max_size=50)


def trained(loss: Tensor, steps: int = 4, logits: Tensor | None = None) -> Pacer:
    pacer = Pacer(len(loss), age=Threshold(Constant(math.inf)))
    for _ in range(steps):
        if logits is None:
            pacer.observe(loss, torch.arange(len(loss)))
        else:
            target = torch.zeros(len(loss), dtype=torch.int64)
            pacer.observe(loss, torch.arange(len(loss)), logits, target, probabilities=True)
        pacer.step()
    return pacer


@given(LOSSES, st.floats(0.001, 0.999))
def test_probabilities_add_up_to_the_share_and_follow_the_losses(
    losses: list[float], share: float
) -> None:
    past = torch.tensor(losses)
    p = Judge().probabilities(past, share)
    assert p.dtype == torch.float32 and bool(((p >= 0) & (p <= 1)).all())
    assert float(p.double().mean()) == pytest.approx(share, abs=1e-5)
    order = past.argsort()
    assert bool((p[order].diff() >= 0).all())


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_of_zero_or_one_gives_no_nan(share: float) -> None:
    p = Judge().probabilities(torch.tensor([0.0, 1e-8, 0.7, 900.0, math.inf]), share)
    assert p.tolist() == pytest.approx([share] * 5, abs=1e-6)


def test_losses_that_lie_close_together_are_separated_as_well() -> None:
    apart = torch.cat([torch.linspace(0.1, 0.3, 90), torch.linspace(0.9, 1.1, 10)])
    p = Judge().probabilities(apart, 0.1)
    assert float(p[:90].max()) < 0.1 and float(p[90:].min()) > 0.7


def test_losses_that_are_all_the_same_have_the_same_probability() -> None:
    assert Judge().probabilities(torch.full((5,), 0.7), 0.2).tolist() == pytest.approx([0.2] * 5)
    assert Judge().probabilities(torch.tensor([0.7]), 0.2).tolist() == pytest.approx([0.2])


def test_a_loss_gives_the_probability_that_the_label_is_wrong() -> None:
    assert _wrong(torch.tensor([0.0, math.log(2), math.inf])).tolist() == [0.0, 0.5, 1.0]


def test_the_range_allows_for_chance_and_for_all_doubtful_labels() -> None:
    found = Count.of(torch.tensor([0.0, 1.0, 1.0, 0.5, math.nan]))
    assert found.estimate == 2.5
    half = 0.5 + 1.96 * 0.5
    assert (found.low, found.high) == pytest.approx((2.5 - half, 2.5 + half))
    assert Count.of(torch.tensor([1.0, 1.0])) == (2.0, 2.0, 2.0)
    assert Count.of(torch.tensor([0.5])).low == 0.0 and Count.of(torch.tensor([0.5])).high == 1.0


def test_labels_that_the_model_would_not_give_raise_the_upper_end() -> None:
    p = torch.tensor([0.0, 1.0, 1.0, 0.5])
    alone, wider = Count.of(p), Count.of(p, 1.0)
    assert (wider.estimate, wider.low, wider.high) == (alone.estimate, alone.low, 4.0)
    assert Count.of(torch.full((100,), 0.001), 0.2).high == pytest.approx(
        20 + 0.1 + 1.96 * 0.1**0.5, abs=0.01
    )
    assert Count.of(p, 0.1) == alone


def by_chance(overlap: float, rate: float, n: int = 4000) -> tuple[Tensor, Tensor, Tensor]:
    """Draw two classes on a line; return true probabilities, labels, and which are flipped."""
    draw = torch.Generator().manual_seed(0)
    truth = torch.arange(n) % 2
    x = torch.randn(n, generator=draw) * overlap + 2.0 * truth - 1
    second = torch.sigmoid(2 * x / overlap**2)
    flipped = torch.rand(n, generator=draw) < rate
    return torch.stack([1 - second, second], 1), torch.where(flipped, 1 - truth, truth), flipped


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3])
def test_a_sure_model_contradicts_the_wrong_labels(rate: float) -> None:
    probability, labels, flipped = by_chance(0.4, rate)
    share = float(flipped.float().mean())
    assert Judge().share_contradicted(probability, labels) == pytest.approx(share, abs=0.02)


def test_labels_that_are_only_doubtful_are_not_contradicted() -> None:
    probability, labels, _ = by_chance(1.3, 0.0)
    doubted = 1 - float(probability.gather(1, labels[:, None]).mean())
    assert doubted > 0.25 and Judge().share_contradicted(probability, labels) < doubted / 3


def test_a_model_is_sure_of_no_class_but_the_most_probable_one() -> None:
    """0.45 is much for the class that the model hardly knows, but the sample is likelier a 0."""
    probability = torch.tensor([[0.9, 0.1]] * 3 + [[0.55, 0.45]] + [[0.7, 0.3]] * 3)
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 1])
    assert Judge().share_contradicted(probability, labels) == 0.0


def test_a_class_of_which_the_model_is_never_sure_contradicts_nothing() -> None:
    probability = torch.tensor([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.6, 0.4, 0.0]])
    assert Judge().share_contradicted(probability, torch.tensor([0, 0, 1, 1])) == 0.0


def test_a_judgement_with_probabilities_counts_no_overlap() -> None:
    probability, labels, _ = by_chance(1.3, 0.0, n=1000)
    loss = -probability.gather(1, labels[:, None]).squeeze(1).log()
    plain, watched = Pacer(1000), Pacer(1000)
    for pacer, extra in ((plain, {}), (watched, {"logits": probability.log(), "target": labels})):
        for _ in range(4):
            pacer(loss, torch.arange(1000), probabilities=True, **extra)
            pacer.step()
    assert Judge()(watched).count.estimate < Judge()(plain).count.estimate / 3
    assert Judge()(watched).count.high >= Judge()(plain).count.estimate


def test_confusion_counts_by_the_class_that_was_meant() -> None:
    probability = torch.tensor([0.8, 0.5, 0.9, math.nan, 0.7])
    given_label, suggested = torch.tensor([0, 0, 1, 1, 2]), torch.tensor([1, 1, 1, 0, -1])
    counts = confusion(probability, given_label, suggested, 3)
    assert counts.sum() == pytest.approx(1.3) and float(counts[1, 0]) == pytest.approx(1.3)


def test_right_and_wrong_labels_of_a_run_are_told_apart() -> None:
    loss = torch.cat([torch.full((60,), 0.02), torch.full((40,), 4.0)])
    judged = Judge()(trained(loss))
    assert bool((judged.probability[:60] < 0.1).all() and (judged.probability[60:] > 0.9).all())
    assert judged.count.low <= 40 <= judged.count.high
    assert judged.suggested.tolist() == [-1] * 100 and bool(judged.confidence.isnan().all())


def test_logits_suggest_the_class_that_was_meant() -> None:
    logits = torch.tensor([[5.0, 0.0], [0.0, 5.0]])
    judged = Judge()(trained(torch.tensor([0.01, 5.0]), logits=logits))
    assert judged.suggested.tolist() == [0, 1]
    torch.testing.assert_close(judged.confidence, torch.softmax(logits, 1).amax(1))


def test_samples_never_seen_are_not_judged() -> None:
    pacer = Pacer(3)
    pacer.observe(torch.tensor([0.1, 3.0]), torch.tensor([0, 2]))
    pacer.step()
    judged = Judge()(pacer)
    assert judged.probability.isnan().tolist() == [False, True, False]
    assert judged.count.high <= 2


@pytest.mark.parametrize("pacer", [Pacer(), Pacer(3)], ids=["no n_samples", "no step"])
def test_a_pacer_without_samples_or_steps_is_refused(pacer: Pacer) -> None:
    with pytest.raises(ValueError, match=r"Judge needs a pacer made as Pacer\(len\(dataset\)\)"):
        Judge()(pacer)


def test_losses_below_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 0 or more; got -1"):
        Judge()(trained(torch.tensor([-1.0, 2.0])))
