import io
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from selfpaced import SPLLoss, reduce_tokens
from selfpaced._pacer.reduction import reduce_weighted


class Published(nn.Module):
    """The published program's arithmetic, written out: the oracle."""

    def __init__(self, n_samples: int) -> None:
        super().__init__()
        self.threshold, self.growing_factor = 0.1, 1.35
        self.v = torch.zeros(n_samples).int()

    def forward(self, log_p: Tensor, target: Tensor, index: Tensor) -> Tensor:
        loss = F.nll_loss(log_p, target, reduction="none")
        v = (loss < self.threshold).int()
        self.v[index] = v
        return (loss * v).mean()


def train(criterion: SPLLoss | Published, epochs: int = 12) -> tuple[list[float], Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(200, 2, generator=generator) + torch.arange(200)[:, None] % 2 * 3
    y = torch.arange(200) % 2
    model = nn.Linear(2, 2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    optimizer, values = torch.optim.Adam(model.parameters(), lr=0.05), []
    for _ in range(epochs):
        for index in torch.randperm(200, generator=generator).split(32):
            loss = criterion(F.log_softmax(model(x[index]), 1), y[index], index)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            values.append(loss.item())
        if isinstance(criterion, SPLLoss):
            criterion.increase_threshold()
        else:
            criterion.threshold *= criterion.growing_factor
    return values, model.weight.detach()


def test_the_classic_program_gives_the_same_numbers_to_the_last_bit() -> None:
    ours, theirs = SPLLoss(n_samples=200), Published(200)
    (our_losses, our_weight), (their_losses, their_weight) = train(ours), train(theirs)
    assert our_losses == their_losses
    assert torch.equal(our_weight, their_weight)
    assert torch.equal(ours.v, theirs.v) and ours.v.dtype == theirs.v.dtype
    assert ours.threshold == theirs.threshold
    assert 0 < int(ours.v.sum()) < 200


def test_v_starts_at_zero_and_changes_by_index() -> None:
    criterion = SPLLoss(n_samples=4)
    assert criterion.v.tolist() == [0, 0, 0, 0]
    criterion(torch.tensor([[-0.01, -4.6]]), torch.tensor([0]), torch.tensor([2]))
    assert criterion.v.tolist() == [0, 0, 1, 0]


def test_a_class_weight_multiplies_the_loss() -> None:
    criterion = SPLLoss(torch.tensor([0.5, 1.0]), n_samples=1)
    log_p = torch.tensor([[-0.1, -2.0]])
    assert criterion(log_p, torch.tensor([0]), torch.tensor([0])).item() == pytest.approx(0.05)


def test_an_infinite_loss_is_left_out_and_not_nan() -> None:
    log_p = torch.tensor([[-0.01, -4.0], [-torch.inf, 0.0]])
    loss = SPLLoss(n_samples=2)(log_p, torch.tensor([0, 0]), torch.tensor([0, 1]))
    assert loss.item() == pytest.approx(0.005)


def test_state_restores_v_and_threshold() -> None:
    first, second = SPLLoss(n_samples=200), SPLLoss(n_samples=200)
    train(first, epochs=3)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file))
    assert torch.equal(first.v, second.v) and first.threshold == second.threshold
    assert pickle.loads(pickle.dumps(first)).threshold == first.threshold


def test_v_stays_int32_when_the_module_is_cast() -> None:
    assert SPLLoss(n_samples=2).half().v.dtype == torch.int32


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (torch.tensor([0, 2]), "index 2 is out of range for n_samples=2"),
        (torch.tensor([-1, 0]), "index -1 is out of range"),
        (torch.tensor([0]), r"one index per target, shape \(2,\) and not empty; got shape \(1,\)"),
    ],
)
def test_a_bad_index_is_refused(index: Tensor, message: str) -> None:
    criterion = SPLLoss(n_samples=2)
    with pytest.raises(ValueError, match=message):
        criterion(torch.zeros(2, 2), torch.tensor([0, 1]), index)
    assert criterion.v.tolist() == [0, 0]


def test_an_index_of_floats_is_refused() -> None:
    with pytest.raises(TypeError, match="index as an int64 tensor; got torch.float32"):
        SPLLoss(n_samples=2)(torch.zeros(2, 2), torch.tensor([0, 1]), torch.tensor([0.0, 1.0]))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            {"v": torch.ones(2)},
            r"SPLLoss: 'v' of the state must be int32 of shape \(n,\); got float",
        ),
        (
            {"v": torch.tensor([0, 2], dtype=torch.int32)},
            r"'v' .* from 0 to 1, none NaN; got \[2\]",
        ),
        ({"threshold": "0.1"}, "'threshold' of the state must be a number; got '0.1'"),
        ({"threshold": float("nan")}, "'threshold' of the state must be a number; got nan"),
        ({"growing_factor": 0}, "'growing_factor' of the state must be a finite number above 0"),
        ({"version": 2}, "SPLLoss: the state is of version 2, newer than 1. Update selfpaced"),
    ],
)
def test_a_damaged_state_changes_nothing(damage: dict[str, Any], said: str) -> None:
    first, second = SPLLoss(n_samples=2), SPLLoss(torch.zeros(2), n_samples=2)
    first.v.fill_(1)
    first.threshold = 5.0
    state = {"weight": torch.ones(2), "_extra_state": (first.get_extra_state() | damage,)}
    with pytest.raises(ValueError, match=said):
        second.load_state_dict(state)
    assert second.threshold == 0.1 and not second.v.any()
    assert second.weight is not None and not second.weight.any()


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        (torch.ones(3), r"SPLLoss: 'weight' of the state must be float32 of shape \(2,\); got"),
        (torch.tensor([1.0, torch.nan]), "SPLLoss: 'weight' of the state must be finite; got"),
    ],
)
def test_damaged_class_weights_change_nothing(weight: Tensor, said: str) -> None:
    first, second = SPLLoss(torch.ones(2), n_samples=2), SPLLoss(torch.zeros(2), n_samples=2)
    first.threshold = 5.0
    with pytest.raises(ValueError, match=said):
        second.load_state_dict(first.state_dict() | {"weight": weight})
    assert second.threshold == 0.1 and second.weight is not None and not second.weight.any()


def test_a_state_of_before_it_had_a_version_is_still_loaded() -> None:
    first, second = SPLLoss(n_samples=2), SPLLoss(n_samples=2)
    first.increase_threshold()
    state = first.get_extra_state()
    del state["version"]
    second.load_state_dict({"_extra_state": (state,)})
    assert second.threshold == first.threshold


def test_a_state_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="the state is of 3 samples, the loss of 2"):
        SPLLoss(n_samples=2).load_state_dict(SPLLoss(n_samples=3).state_dict())


def test_n_samples_is_positive() -> None:
    with pytest.raises(ValueError, match="n_samples must be a positive int; got 0"):
        SPLLoss(n_samples=0)


def test_tokens_that_do_not_count_may_have_any_loss() -> None:
    loss = torch.tensor([[1.0, 3.0, torch.nan], [torch.inf, 2.0, 4.0]])
    mask = torch.tensor([[True, True, False], [False, True, True]])
    assert reduce_tokens(loss, mask).tolist() == [2.0, 3.0]


def test_a_sample_without_tokens_has_loss_zero() -> None:
    assert reduce_tokens(torch.ones(1, 3), torch.zeros(1, 3)).tolist() == [0.0]


def test_pixels_reduce_like_tokens() -> None:
    assert reduce_tokens(torch.ones(2, 3, 4, 4), torch.ones(2, 3, 4, 4)).tolist() == [1.0, 1.0]


def test_a_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got \(2, 3\) and \(2, 2\)"):
        reduce_tokens(torch.ones(2, 3), torch.ones(2, 2))


def test_the_sum_of_kept_weights_divides() -> None:
    loss, weight = torch.tensor([1.0, 2.0]), torch.tensor([0.5, 0.0])
    assert reduce_weighted(loss, weight, "kept").item() == 1.0
