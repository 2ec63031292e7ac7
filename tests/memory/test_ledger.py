import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from selfpaced import Ledger, Pacer
from selfpaced._pacer.pacer import Decide
from selfpaced.age import Auto, Deviations, Quantile, Threshold
from selfpaced.chain import Age
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant
from selfpaced.weighting import Linear

EVERYTHING = Threshold(Constant(math.inf))


def seen(pacer: Pacer, *losses: Tensor) -> Pacer:
    for loss in losses:
        pacer(loss, torch.arange(len(loss)))
        pacer.step()
    return pacer


def two_humps(n: int) -> Tensor:
    noise = torch.randn(n, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.softplus(noise + torch.where(torch.arange(n) % 5 < 3, -4.0, 4.0))


def test_before_any_step_there_are_no_suspects() -> None:
    pacer = Pacer(4)
    with pytest.warns(UserWarning, match="none before the first step. Call pacer.step()"):
        assert pacer.suspects(4).tolist() == []
    pacer(torch.ones(4), torch.arange(4))
    assert pacer.suspects(4).tolist() == []
    pacer.step()
    assert pacer.suspects(4).tolist() == [0, 1, 2, 3]


def test_a_sample_never_seen_is_not_suspect() -> None:
    pacer = Pacer(6, age=EVERYTHING)
    pacer(torch.tensor([0.0, 2.0]), torch.tensor([3, 5]))
    pacer.step()
    pacer(torch.tensor([9.0]), torch.tensor([0]))  # waits for the step: not judged yet
    assert pacer.suspects(6).tolist() == [5, 3]
    assert pacer.suspects(1).tolist() == [5]


@pytest.mark.parametrize("n", [17, 100, 2000])
def test_ties_among_suspects_go_to_the_lower_index(n: int) -> None:
    loss = (torch.arange(n) % 3).float() + 0.5
    suspects = seen(Pacer(n, age=EVERYTHING), loss).suspects(n).tolist()
    assert suspects == sorted(range(n), key=lambda i: (-float(loss[i]), i))


def test_samples_with_infinite_losses_are_the_most_suspect() -> None:
    loss = torch.tensor([1.0, math.inf, 3.0, math.inf])
    pacer = seen(Pacer(4, age=EVERYTHING), *[loss] * 4)
    assert float(pacer.ledger.suspicion[1]) == pytest.approx(3.0)
    assert pacer.suspects(4).tolist() == [1, 3, 2, 0]


def test_an_infinite_loss_left_out_for_its_difficulty_does_not_change_the_sum() -> None:
    loss = torch.tensor([0.5, math.inf], requires_grad=True)
    pacer = Pacer(2, age=Threshold(Constant(1.0)), difficulty=Loss())
    result = pacer(loss, torch.arange(2), difficulty=torch.tensor([0.1, 5.0]))
    result.backward()
    assert result.item() == 0.25
    assert loss.grad is not None and loss.grad.tolist() == [0.5, 0.0]


def test_a_nan_loss_is_refused_also_where_a_difficulty_is_given() -> None:
    loss = torch.tensor([1.0, math.nan])
    pacer = Pacer(4)
    with pytest.raises(ValueError, match=r"NaN loss at dataset indices \[3\]"):
        pacer(loss, torch.tensor([2, 3]), difficulty=torch.ones(2))
    assert not pacer.ledger.waiting.any()


def test_a_nan_loss_is_skipped_also_where_a_difficulty_is_given() -> None:
    loss = torch.tensor([1.0, math.nan], requires_grad=True)
    pacer = Pacer(4, skip_nan=True)
    result = pacer(loss, torch.tensor([2, 3]), difficulty=torch.tensor([3.0, 4.0]))
    result.backward()
    assert result.item() == 0.5
    assert loss.grad is not None and loss.grad.tolist() == [0.5, 0.0]
    assert pacer.ledger.waiting.tolist() == [False, False, True, False]


def test_all_tensors_move_with_the_pacer_to_another_device_and_keep_their_dtype() -> None:
    columns = {"group": torch.arange(4), "sample_weight": torch.ones(4)}
    pacer = Pacer(4, columns=columns, age=EVERYTHING)
    pacer.observe(torch.ones(4), torch.arange(4), torch.zeros(4, 2), torch.zeros(4).long())
    pacer.importance = torch.ones(4)
    pacer.to("meta")
    ledger = pacer.ledger
    assert ledger.dynamics is not None
    moved = [ledger.packed, *ledger.columns.values(), pacer.weight, pacer.current_age, pacer._bad]
    moved += [ledger.dynamics.visits, ledger.dynamics.margin, ledger.dynamics.probability]
    moved += [pacer.importance]
    assert {tensor.device.type for tensor in moved} == {"meta"}
    assert ledger.packed.dtype == ledger.columns["sample_weight"].dtype == torch.float32
    assert ledger.columns["group"].dtype == torch.int64


def test_a_saved_ledger_does_not_change_when_training_continues() -> None:
    ledger, index = Ledger(2), torch.arange(2)
    ledger.write(index, torch.tensor([1.0, 2.0]))
    state = ledger.state_dict()
    ledger.write(index, torch.tensor([8.0, 9.0]))
    ledger.commit(Loss())
    assert state["packed"][:, 0].tolist() == [1.0, 2.0]
    assert state["packed"][:, 1].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("age", [Quantile(Constant(0.6)), Auto()])
@pytest.mark.parametrize("unit", [1e-7, 1e-3, 1e3])
def test_the_unit_of_sample_weights_changes_neither_age_nor_history(age: Age, unit: float) -> None:
    n, loss = 400, two_humps(400)
    weight = 1.0 + torch.arange(n) % 3

    def run(scale: float) -> Pacer:
        pacer = Pacer(n, age=age, columns={"sample_weight": weight * scale}, decide="step")
        return seen(pacer, *[loss] * 4)

    one, other = run(1.0), run(unit)
    assert math.isfinite(float(one.current_age))
    assert torch.equal(one.current_age, other.current_age)
    assert torch.equal(one.weight, other.weight)
    for row, same in zip(one.history, other.history, strict=True):
        assert same == pytest.approx(row, rel=1e-6)


def test_float64_sample_weights_of_numpy_give_a_float32_loss() -> None:
    weight = torch.from_numpy(np.array([1.0, 2.0, 0.0, 1.0]))
    for given in (weight, weight.numpy()):
        columns = {"sample_weight": given}
        pacer = Pacer(4, columns=columns)
        result = pacer(torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.arange(4))
        assert result.dtype == torch.float32
        assert result.item() == (1 + 4 + 4) / 4
        assert pacer.ledger.columns["sample_weight"].dtype == torch.float32


def test_exactly_the_share_is_kept_of_many_samples_of_mass_one_third() -> None:
    n = 100_000
    loss = torch.rand(n, generator=torch.Generator().manual_seed(0))
    for share in (0.3, 0.6, 0.9):
        pacer = Pacer(
            n,
            age=Quantile(Constant(share)),
            columns={"sample_weight": torch.full((n,), 1 / 3)},
            decide="step",
        )
        seen(pacer, loss)
        assert int(pacer.weight.sum()) == round(share * n)
        assert pacer.history[0]["kept_share"] == pytest.approx(share)


@pytest.mark.parametrize("decide", ["batch", "step"])
def test_a_full_share_keeps_all_also_if_the_hardest_sample_has_no_mass(
    decide: Decide,
) -> None:
    weight = torch.tensor([1.0, 2.0, 1.0, 0.0])
    columns = {"sample_weight": weight}
    pacer = Pacer(4, age=Quantile(Constant(1.0)), columns=columns, decide=decide)
    seen(pacer, torch.tensor([1.0, 2.0, 3.0, 9.0]))
    assert float(pacer.current_age) == math.inf
    assert pacer.weight.tolist() == [1, 1, 1, 1]
    assert pacer.history[0]["kept_share"] == 1.0


@pytest.fixture
def of_float32() -> Iterator[Pacer]:
    pacer = mixed_run()
    torch.set_default_dtype(torch.float64)
    yield pacer
    torch.set_default_dtype(torch.float32)


def mixed_run() -> Pacer:
    n, labels = 60, torch.arange(60) % 3
    columns = {"group": labels, "sample_weight": 1.0 + labels}
    pacer = Pacer(n, age=Quantile(Constant(0.5), by="group"), columns=columns, weighting=Linear())
    for seed in range(4):
        logits = torch.from_numpy(np.random.default_rng(seed).normal(size=(n, 3)))
        logits = logits.to(torch.get_default_dtype())
        loss = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
        pacer.observe(loss, torch.arange(n), logits, labels, probabilities=True)
        pacer(loss, torch.arange(n))
        pacer.step()
    return pacer


def test_a_default_dtype_of_float64_gives_the_same_run(of_float32: Pacer) -> None:
    pacer = mixed_run()
    assert torch.get_default_dtype() == torch.float64
    assert pacer.ledger.packed.dtype == pacer.weight.dtype == pacer.current_age.dtype
    assert pacer.weight.dtype == torch.float32
    torch.testing.assert_close(pacer.ledger.packed, of_float32.ledger.packed)
    torch.testing.assert_close(pacer.weight, of_float32.weight)
    torch.testing.assert_close(pacer.current_age, of_float32.current_age)
    assert [row["kept_share"] for row in pacer.history] == [
        row["kept_share"] for row in of_float32.history
    ]
    one, other = pacer.ledger.dynamics, of_float32.ledger.dynamics
    assert one is not None and other is not None
    torch.testing.assert_close(one.margin, other.margin)
    torch.testing.assert_close(one.probability, other.probability)
    assert pacer.suspects(10).tolist() == of_float32.suspects(10).tolist()


@pytest.mark.usefixtures("of_float32")
@pytest.mark.parametrize("age", [Auto(warmup=1), Quantile(Constant(0.5)), Threshold(Constant(1))])
@pytest.mark.parametrize("decide", ["batch", "step"])
def test_every_age_works_where_the_default_dtype_is_float64(age: Age, decide: Decide) -> None:
    pacer = seen(Pacer(400, age=age, decide=decide), *[two_humps(400)] * 3)
    assert pacer.current_age.dtype == pacer.weight.dtype == torch.float32
    assert 0 < int((pacer.weight > 0).sum()) < 400


def test_residuals_count_relative_to_the_median_of_their_step() -> None:
    pacer = Pacer(3, age=Deviations())
    losses = [4.0, 4.0, 12.0], [1.0, 1.0, 2.0], [3.0, 3.0, 9.0]
    seen(pacer, *map(torch.tensor, losses))
    expected = (2 / 1 + 9 / 3) / (1 / 1 + 1 / 3)  # the first visit counts 0
    assert float(pacer.ledger.suspicion[2]) == pytest.approx(expected)


@pytest.mark.parametrize(("losses", "most"), [([0.0, 0.0, 0.0, 5.0], 3), ([math.inf] * 4, 0)])
def test_residuals_of_zero_or_infinity_give_no_nan(losses: list[float], most: int) -> None:
    pacer = Pacer(4, age=Deviations())
    for _ in range(3):
        pacer.observe(torch.tensor(losses), torch.arange(4))
        pacer.step()
    assert not pacer.ledger.suspicion.isnan().any()
    assert pacer.suspects(1).tolist() == [most]
