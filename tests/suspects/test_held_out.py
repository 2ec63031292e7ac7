"""Claims about labels that are judged by models that did not learn them."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from selfpaced.suspects import HeldOut, judge_held_out


def on_a_line(
    overlap: float, rate: float, n: int = 4000, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw two classes on a line; return the model's probabilities, labels, and the wrong ones.

    The probabilities are the best that a model can learn from labels of which some are wrong.
    """
    draw = torch.Generator().manual_seed(seed)
    truth = torch.arange(n) % 2
    x = torch.randn(n, generator=draw) * overlap + 2.0 * truth - 1
    second = torch.sigmoid(2 * x / overlap**2) * (1 - 2 * rate) + rate
    wrong = torch.rand(n, generator=draw) < rate
    return torch.stack([1 - second, second], 1), torch.where(wrong, 1 - truth, truth), wrong


def known(truth: Tensor, classes: int, *, alike: bool = True) -> Tensor:
    """Return probabilities of a model that knows the truth.

    It is equally sure of all samples, or of each as chance has it.
    """
    own = torch.full(truth.shape, 0.9, dtype=torch.float64)
    if not alike:
        draw = torch.Generator().manual_seed(1)
        own += 0.2 * torch.rand(len(truth), generator=draw, dtype=torch.float64) - 0.11
    p = ((1 - own) / (classes - 1))[:, None].repeat(1, classes)
    return p.scatter(1, truth[:, None], own[:, None])


def listed(found: HeldOut) -> list[int]:
    """Return which labels are probably wrong."""
    rows = (found.probability > 0.5).nonzero().squeeze(1)
    return [int(row) for row in rows]


def test_wrong_labels_of_separable_classes_are_listed_and_counted() -> None:
    ratios = []
    for seed in range(10):
        probability, given, wrong = on_a_line(0.3, 0.1, seed=seed)
        found, k = judge_held_out(probability, given), int(wrong.sum())
        assert found.count.low <= k <= found.count.high
        assert found.count.estimate == pytest.approx(float(found.probability.sum()), rel=1e-4)
        assert found.count.estimate == pytest.approx(k, rel=0.15)
        ratios.append(found.count.estimate / k)
        places = listed(found)
        assert wrong[places].sum() >= 0.98 * max(k, len(places))
        assert found.learned.told_apart and bool(found.learned.classes.all())
        assert (found.suggested == 1 - given).all()
    assert np.mean(ratios) == pytest.approx(1, abs=0.05)


def symmetric(classes: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Return the right labels of 2,000 samples, labels of which a tenth is wrong, and which."""
    draw = torch.Generator().manual_seed(seed)
    truth = torch.arange(2000) % classes
    wrong = torch.rand(2000, generator=draw) < 0.1
    other = torch.randint(1, classes, (2000,), generator=draw)
    return truth, torch.where(wrong, (truth + other) % classes, truth), wrong


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_symmetric_noise_is_counted_whatever_the_number_of_classes(classes: int) -> None:
    truth, given, wrong = symmetric(classes)
    found, k = judge_held_out(known(truth, classes), given), int(wrong.sum())
    assert found.count.estimate == pytest.approx(k, rel=0.01)
    assert found.count.low <= k <= found.count.high
    assert listed(found) == wrong.nonzero().squeeze(1).tolist()
    assert (found.suggested[wrong] == truth[wrong]).all() and (found.suggested != given).all()


@pytest.mark.parametrize("classes", [2, 3])
def test_symmetric_noise_is_counted_if_a_model_is_sure_by_chance(classes: int) -> None:
    ratios, inside = [], 0
    for seed in range(10):
        truth, given, wrong = symmetric(classes, seed)
        count, k = judge_held_out(known(truth, classes, alike=False), given).count, int(wrong.sum())
        inside += count.low <= k <= count.high
        ratios.append(count.estimate / k)
    assert 0.75 < np.mean(ratios) <= 1.02 and inside >= 8


def test_no_label_of_separable_classes_without_noise_is_listed() -> None:
    probability, given, _ = on_a_line(0.3, 0.0)
    found = judge_held_out(probability, given)
    assert listed(found) == [] and found.count.estimate < 1
    assert found.count.low == 0 and found.count.high < 10


@pytest.mark.parametrize("overlap", [0.8, 1.3, 2.0])
def test_where_classes_overlap_and_no_label_is_wrong_nearly_none_is_listed(overlap: float) -> None:
    wrongly = 0
    for seed in range(10):
        probability, given, _ = on_a_line(overlap, 0.0, n=1000, seed=seed)
        contradicted = float((probability.argmax(1) != given).float().mean())
        assert contradicted > 0.08
        found = judge_held_out(probability, given)
        assert found.count.low == 0
        assert overlap < 1 or not found.learned.told_apart
        wrongly += len(listed(found))
    assert wrongly / 10_000 < 0.002


def test_in_few_samples_that_are_hard_to_predict_few_are_listed() -> None:
    listed_at_all, draw = 0, torch.Generator().manual_seed(0)
    for _ in range(30):
        given = torch.arange(200) % 2
        hit = torch.rand(200, generator=draw) < 0.66
        sure = 0.5 + 0.12 * torch.rand(200, generator=draw)  # as sure of mistakes as of others
        p = torch.where(hit == (given == 1), sure, 1 - sure)
        listed_at_all += len(listed(judge_held_out(torch.stack([1 - p, p], 1), given)))
    assert listed_at_all / (30 * 200) < 0.05


@pytest.mark.parametrize(("doubtful", "share"), [(200, 0.04), (900, 0.33), (1_500, 0.74)])
def test_the_less_the_models_predict_the_more_contradicted_labels_may_be_wrong(
    doubtful: int, share: float
) -> None:
    truth = torch.arange(2_000) % 2
    given, sure = truth.clone(), torch.full((2_000,), 0.97)
    sure[:doubtful] = 0.6
    wrong = torch.arange(2_000) % 10 < 4  # raters err where a text is hard, seldom elsewhere
    wrong[doubtful:] = False
    given[wrong] = 1 - given[wrong]
    right = torch.nn.functional.one_hot(truth) == 1
    probability = torch.where(right, sure[:, None], 1 - sure[:, None])
    count, k = judge_held_out(probability, given).count, int(wrong.sum())
    assert count.low == 0 and count.high / k == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("classes", [2, 3])
def test_of_random_labels_none_is_called_wrong(classes: int) -> None:
    draw = torch.Generator().manual_seed(0)
    probability = torch.rand(2000, classes, generator=draw)
    probability /= probability.sum(1, keepdim=True)
    given = torch.randint(0, classes, (2000,), generator=draw)
    found = judge_held_out(probability, given)
    assert not found.learned.any and not found.learned.classes.any()
    assert not found.learned.told_apart
    assert not found.probability.any() and found.learned.withheld.all()
    assert found.count.estimate == found.count.low == 0
    assert found.count.high > 500  # nothing is known


@pytest.mark.parametrize("row", [[1 / 3, 1 / 3, 1 / 3], [0.5, 0.3, 0.2]])
@pytest.mark.parametrize("ordered", [True, False])
def test_equal_probabilities_for_all_samples_teach_no_class(
    row: list[float], ordered: bool
) -> None:
    given = torch.arange(300) // 100 if ordered else torch.arange(300) % 3
    found = judge_held_out(torch.tensor([row] * 300), given)
    assert not found.learned.any and not found.probability.any()
    assert found.count.estimate == 0 and found.count.high > 180  # two of three are contradicted


def test_the_order_of_the_samples_changes_nothing() -> None:
    probability, given, _ = on_a_line(0.8, 0.1, n=500)
    probability = (probability * 8).round() / 8  # many are equal
    found, order = judge_held_out(probability, given), torch.randperm(500)
    mixed = judge_held_out(probability[order], given[order])
    torch.testing.assert_close(mixed.probability, found.probability[order])
    assert mixed.count == pytest.approx(found.count)
    assert mixed.learned.told_apart == found.learned.told_apart


def rare(wrong: int) -> tuple[Tensor, Tensor]:
    """Return two classes of 500, and one of 20 of which some are of the first class: the last."""
    meant = [torch.arange(2).repeat_interleave(500), torch.full((20 - wrong,), 2)]
    truth = torch.cat([*meant, torch.zeros(wrong, dtype=torch.int64)])
    return known(truth, 3), torch.cat([truth[:1000], torch.full((20,), 2)])


def test_wrong_labels_of_a_rare_class_are_found() -> None:
    found = judge_held_out(*rare(4))
    assert listed(found) == [1016, 1017, 1018, 1019]
    assert found.suggested[1016:].tolist() == [0] * 4
    assert found.count.estimate == pytest.approx(4, abs=0.1)
    assert found.count.low <= 4 <= found.count.high
    assert found.learned.rows.tolist() == [500, 500, 20]
    assert found.learned.recall.tolist() == pytest.approx([1, 1, 0.8])
    assert found.learned.flagged.tolist() == pytest.approx([0, 0, 0.2])
    assert not found.learned.withheld.any()


def test_a_rare_class_without_wrong_labels_is_not_doubted() -> None:
    found = judge_held_out(*rare(0))
    assert listed(found) == [] and found.count.estimate < 0.5 and found.count.high < 5


@pytest.mark.parametrize(("wrong", "withheld"), [(10, False), (11, True), (12, True)])
def test_a_class_of_which_more_than_half_would_be_called_wrong_is_withheld(
    wrong: int, withheld: bool
) -> None:
    learned = judge_held_out(*rare(wrong)).learned
    assert learned.classes.all() and float(learned.flagged[2]) == pytest.approx(wrong / 20)
    assert learned.withheld.tolist() == [False, False, withheld]


def test_a_class_that_no_model_knows_is_withheld() -> None:
    truth = torch.arange(900) % 3
    probability = known(truth, 3)
    merged = probability[:, 1:].sum(1, keepdim=True) / 2
    probability = torch.cat([probability[:, :1], merged, merged], 1)
    probability[:, 1] += 1e-3 * torch.rand(900, generator=torch.Generator().manual_seed(0))
    learned = judge_held_out(probability / probability.sum(1, keepdim=True), truth).learned
    assert learned.classes[0] and learned.any
    moved = torch.where(truth == 0, 1, truth)  # class 0 has no samples, and 1 those of both
    learned = judge_held_out(known(torch.randperm(900) % 3, 3), moved).learned
    assert not learned.classes.any() and learned.withheld.all()


def test_a_label_that_the_model_would_give_is_at_most_as_probably_wrong_as_right() -> None:
    probability, given, _ = on_a_line(0.8, 0.3)
    found = judge_held_out(probability, given)
    agreed = probability.argmax(1) == given
    assert float(found.probability[agreed].max()) <= 0.5
    assert (found.probability >= 0).all() and (found.probability <= 1).all()


def test_the_suggested_class_is_the_most_probable_one_other_than_the_label() -> None:
    probability = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.5, 0.3]] * 20)
    found = judge_held_out(probability, torch.tensor([0, 0, 1] * 20))
    assert found.suggested.tolist() == [1, 2, 2] * 20
    assert found.suggested.dtype == torch.int64 and found.probability.dtype == torch.float32
    assert found.confidence[1] > found.confidence[0]


def test_accuracies_and_log_losses_are_those_of_the_labels() -> None:
    probability = torch.tensor([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7], [0.9, 0.1]])
    found = judge_held_out(probability.repeat(25, 1), torch.tensor([0, 0, 1, 1] * 25)).learned
    assert found.accuracy == 0.75 and found.base_accuracy == 0.5
    assert found.base_log_loss == pytest.approx(math.log(2))
    assert found.recall.tolist() == [1.0, 0.5] and found.rows.tolist() == [50, 50]
    # the exponent is the most likely one of those that are tried
    tried = np.exp(np.linspace(math.log(0.5), math.log(16.0), 31))
    powers = [probability.double() ** exponent for exponent in tried]
    own = [(p / p.sum(1, keepdim=True))[range(4), [0, 0, 1, 1]] for p in powers]
    assert found.log_loss == pytest.approx(min(-float(p.log().mean()) for p in own))


def test_samples_of_one_class_and_a_single_sample_can_be_judged() -> None:
    one = judge_held_out(torch.tensor([[0.9, 0.1]]), torch.tensor([0]))
    assert one.probability.tolist() == [0.0] and one.suggested.tolist() == [1]
    same = judge_held_out(torch.tensor([[0.9, 0.1], [0.2, 0.8]] * 30), torch.zeros(60).long())
    assert same.probability.isfinite().all() and not same.learned.any


def test_probabilities_of_0_and_1_are_allowed() -> None:
    truth = torch.arange(200) % 2
    given = truth.clone()
    given[:20] = 1 - given[:20]
    found = judge_held_out(torch.eye(2)[truth], given)
    assert listed(found) == list(range(20)) and found.probability.isfinite().all()
    assert found.count.estimate == pytest.approx(20, rel=0.01)


EVEN = torch.full((4, 2), 0.5)
GIVEN = torch.tensor([0, 1, 0, 1])
SHAPES = "expects probabilities, shape (n, classes), and a label each; got "
SUMS = "expects probabilities that add up to 1 for each sample. Apply softmax to logits."
LABELS = "expects int64 labels from 0 to 1."
BAD: list[tuple[Any, Any, str]] = [
    (EVEN[0], GIVEN, SHAPES + "(2,) and (4,)."),
    (torch.ones(4, 1), GIVEN, SHAPES + "(4, 1) and (4,)."),
    (EVEN, GIVEN[:3], SHAPES + "(4, 2) and (3,)."),
    (EVEN, GIVEN[:, None], SHAPES + "(4, 2) and (4, 1)."),
    (EVEN * 2, GIVEN, SUMS),
    (torch.tensor([[1.5, -0.5]] * 4), GIVEN, SUMS),
    (EVEN * math.nan, GIVEN, SUMS),
    (EVEN, GIVEN.float(), LABELS),
    (EVEN, GIVEN - 1, LABELS),
    (EVEN, GIVEN + 1, LABELS),
    (EVEN[:0], GIVEN[:0], LABELS),
]


@pytest.mark.parametrize(("probability", "given", "said"), BAD)
def test_what_cannot_be_judged_is_refused(probability: Tensor, given: Tensor, said: str) -> None:
    with pytest.raises(ValueError) as raised:
        judge_held_out(probability, given)
    assert str(raised.value) == f"judge_held_out {said}"


@pytest.mark.parametrize("seed", range(3))
def test_a_frequent_class_does_not_hide_that_another_overlaps_with_it(seed: int) -> None:
    draw = np.random.default_rng(seed)
    given = (draw.random(3_000) < 0.05).astype(np.int64)
    odds = np.log(0.05 / 0.95) + 1.2 * (draw.normal(size=3_000) + 1.2 * given) - 0.72
    p = 1 / (1 + np.exp(-odds))  # the true probabilities: no label is wrong
    found = judge_held_out(torch.from_numpy(np.stack([1 - p, p], 1)), torch.from_numpy(given))
    assert found.learned.accuracy > 0.93 and not found.learned.told_apart
    assert found.count.low == 0 and listed(found) == []


def test_a_sample_that_no_model_has_judged_is_not_judged() -> None:
    truth, given, _ = symmetric(3)
    p = known(truth, 3)
    some = torch.arange(len(p)) % 7 == 0
    found = judge_held_out(torch.where(some[:, None], torch.nan, p), given)
    rest = judge_held_out(p[~some], given[~some])
    assert found.probability[some].isnan().all() and found.confidence[some].isnan().all()
    assert (found.suggested[some] == -1).all()
    torch.testing.assert_close(found.probability[~some], rest.probability)
    assert found.count == rest.count and found.learned.accuracy == rest.learned.accuracy


def test_probabilities_may_have_a_gradient() -> None:
    truth, given, _ = symmetric(2)
    p = known(truth, 2)
    found = judge_held_out(p.clone().requires_grad_(), given)
    torch.testing.assert_close(found.probability, judge_held_out(p, given).probability)
