import math

import pytest
import torch

from selfpaced import Pacer, reduce_tokens
from selfpaced._pacer.reduction import Reduction, reduce_weighted

LOSS = torch.tensor([1.0, 2.0, 4.0])
WEIGHT = torch.tensor([1.0, 0.5, 0.0])


@pytest.mark.parametrize("finite", [False, True])
@pytest.mark.parametrize(
    ("reduction", "expected"), [("mean", 2 / 3), ("kept", 2 / 1.5), ("sum", 2.0)]
)
def test_the_reduction_decides_the_divisor_of_the_weighted_sum(
    reduction: Reduction, expected: float, finite: bool
) -> None:
    result = reduce_weighted(LOSS, WEIGHT, reduction, finite=finite)
    assert result.item() == pytest.approx(expected)


@pytest.mark.parametrize("finite", [False, True])
def test_no_reduction_keeps_each_weighted_loss(finite: bool) -> None:
    assert reduce_weighted(LOSS, WEIGHT, "none", finite=finite).tolist() == [1, 1, 0]


@pytest.mark.parametrize("reduction", ["mean", "kept", "sum"])
@pytest.mark.parametrize("denominator", [8, 8.0, torch.tensor(8.0), torch.tensor(8)])
def test_a_denominator_replaces_any_divisor(
    reduction: Reduction, denominator: torch.Tensor | float
) -> None:
    assert reduce_weighted(LOSS, WEIGHT, reduction, denominator).item() == 0.25


@pytest.mark.parametrize("reduction", ["mean", "kept", "sum", "none"])
def test_the_gradient_is_the_weight_over_the_divisor_also_with_an_infinite_loss(
    reduction: Reduction,
) -> None:
    loss = torch.tensor([1.0, 2.0, math.inf], requires_grad=True)
    reduce_weighted(loss, WEIGHT, reduction).sum().backward()
    divisor = {"mean": 3.0, "kept": 1.5, "sum": 1.0, "none": 1.0}[reduction]
    assert loss.grad is not None
    assert loss.grad.tolist() == pytest.approx([1 / divisor, 0.5 / divisor, 0.0])


@pytest.mark.parametrize(
    ("denominator", "message"),
    [
        (0, "a finite number above 0; got 0"),
        (0.0, "a finite number above 0; got 0.0"),
        (-2.0, "a finite number above 0; got -2.0"),
        (math.inf, "a finite number above 0; got inf"),
        (math.nan, "a finite number above 0; got nan"),
        (torch.tensor(0.0), "a finite number above 0; got 0.0"),
        (torch.tensor(-1), "a finite number above 0; got -1"),
        (torch.tensor(math.inf), "a finite number above 0; got inf"),
        (torch.ones(3), r"one number; got shape \(3,\). Sum it"),
        (torch.ones(1), r"one number; got shape \(1,\). Sum it"),
    ],
)
@pytest.mark.parametrize("reduction", ["mean", "kept", "sum"])
def test_a_denominator_that_is_no_positive_number_is_refused(
    reduction: Reduction, denominator: torch.Tensor | float, message: str
) -> None:
    pacer = Pacer(3, reduction=reduction)
    with pytest.raises(ValueError, match=f"denominator must be {message}"):
        pacer(LOSS, torch.arange(3), denominator=denominator)


def test_tokens_that_do_not_count_may_hold_anything() -> None:
    loss = torch.tensor([[1.0, 3.0, math.nan], [math.inf, math.nan, 5.0], [1.0, 1.0, 1.0]])
    mask = torch.tensor([[1, 1, 0], [0, 0, 1], [0, 0, 0]])
    assert reduce_tokens(loss, mask).tolist() == [2.0, 5.0, 0.0]


def test_pixels_are_reduced_like_tokens() -> None:
    loss = torch.arange(8.0).reshape(2, 2, 2)
    assert reduce_tokens(loss, loss % 2 == 0).tolist() == [1.0, 5.0]


@pytest.mark.parametrize(
    ("loss", "mask"), [(torch.ones(2, 3), torch.ones(2, 2)), (torch.ones(3), torch.ones(3))]
)
def test_a_mask_has_the_shape_of_the_tokens(loss: torch.Tensor, mask: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="a loss per token and a mask of the same shape"):
        reduce_tokens(loss, mask)
