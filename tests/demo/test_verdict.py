"""Claims about the numbers and sentences of the comparison on digits."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from selfpaced._demo.digits import Comparison
from selfpaced._demo.verdict import difference, found, precision, sentence, wilson

Compared = Callable[[float, int], Comparison]


@pytest.fixture(scope="module")
def comparison(compared: Compared) -> Comparison:
    return compared(0.4, 2)


def with_right(comparison: Comparison, plain: Tensor, paced: Tensor, clean: Tensor) -> Comparison:
    return replace(
        comparison,
        plain=replace(comparison.plain, right=plain),
        paced=replace(comparison.paced, right=paced),
        clean=replace(comparison.clean, right=clean),
    )


def right(hits: int) -> Tensor:
    return torch.arange(1000) < hits


def test_wilson_of_none_and_all_stays_within_0_and_1() -> None:
    # Closed form at the ends: z^2 / (n + z^2) = 3.8415 / 13.8415.
    assert wilson(0, 10) == pytest.approx((0.0, 0.0, 0.27753), abs=1e-5)
    assert wilson(10, 10) == pytest.approx((1.0, 0.72247, 1.0), abs=1e-5)


@pytest.mark.parametrize(("hits", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_counts_out_of_range_are_refused(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"got {hits} of {n}"):
        wilson(hits, n)


def test_a_difference_is_paired() -> None:
    # Of 100 images, only the first model is right on 10 and only the second on 2: the mean is .08,
    # the variance .12 - .08^2 = .1136.
    ours, theirs = torch.zeros(100).bool(), torch.zeros(100).bool()
    ours[:10], theirs[10:12] = True, True
    half = 1.959964 * (0.1136 / 100) ** 0.5
    assert difference(ours, theirs) == pytest.approx((0.08, 0.08 - half, 0.08 + half))


def test_the_sentence_reports_a_gain(comparison: Comparison) -> None:
    said = sentence(with_right(comparison, right(800), right(900), right(950)))
    assert said == (
        "Self-paced ended 10.0 points above plain training (95% interval +8.1 to +11.9, 1,000 "
        "test images, one seed) and 5.0 points below training on clean labels."
    )


def test_the_sentence_reports_a_loss(comparison: Comparison) -> None:
    said = sentence(with_right(comparison, right(900), right(800), right(800)))
    assert said.startswith("Self-paced ended 10.0 points below plain training (95% interval -11.9")
    assert said.endswith("and level with training on clean labels.")


def test_the_sentence_says_that_a_difference_is_not_significant(comparison: Comparison) -> None:
    said = sentence(with_right(comparison, right(900), right(901), right(950)))
    assert said.startswith(
        "Self-paced ended 0.1 points above plain training, which is not a significant difference "
        "(95% interval"
    )


def test_the_sentence_calls_equal_accuracies_level(comparison: Comparison) -> None:
    said = sentence(with_right(comparison, right(900), right(900), right(950)))
    assert said.startswith("Self-paced ended level with plain training (95% interval +0.0 to +0.0")


def test_precision_counts_the_planted_among_the_first_hundred(comparison: Comparison) -> None:
    planted = comparison.planted[comparison.suspects]
    assert len(planted) == 100
    assert precision(comparison).value == pytest.approx(planted.double().mean().item())
    assert f"Of the first 100 suspects {precision(comparison).value:.0%}" in found(comparison)
    assert "by chance 40%" in found(comparison)


def test_without_wrong_labels_the_sentence_says_that_suspects_cannot_be_checked(
    compared: Compared,
) -> None:
    assert "No label was made wrong" in found(compared(0.0, 1))
