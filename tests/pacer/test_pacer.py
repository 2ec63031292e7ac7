import copy
import io
import math
import pickle

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from selfpaced import Pacer
from selfpaced.age import Auto, Quantile, Threshold
from selfpaced.coupling import RankInGroup
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant, Geometric, Ramp
from selfpaced.weighting import Hard, Linear, Welsch

ALL = torch.arange(4)
LOSSES = torch.tensor([0.1, 0.4, 0.2, 0.3])


def below(age: float) -> Threshold:
    return Threshold(Constant(age))


def test_before_the_first_step_every_sample_has_weight_one() -> None:
    loss = torch.rand(4, requires_grad=True)
    assert Pacer(4)(loss, ALL).item() == pytest.approx(loss.mean().item())


def test_all_ones_give_the_gradients_of_the_plain_loop_to_the_bit() -> None:
    plain, paced = nn.Linear(3, 2), nn.Linear(3, 2)
    paced.load_state_dict(plain.state_dict())
    x, y, pacer = torch.randn(8, 3), torch.randint(2, (8,)), Pacer(8, age=below(math.inf))
    F.cross_entropy(plain(x), y).backward()
    pacer(F.cross_entropy(paced(x), y, reduction="none"), torch.arange(8)).backward()
    assert torch.equal(plain.weight.grad, paced.weight.grad)  # type: ignore[arg-type]  # set by backward


def test_a_batch_is_weighed_by_the_difficulty_after_its_own_loss() -> None:
    pacer = Pacer(4, age=below(0.25))
    assert pacer(LOSSES, ALL).item() == pytest.approx((0.1 + 0.2) / 4)


def test_a_step_time_weight_is_looked_up_not_computed() -> None:
    pacer = Pacer(4, age=Quantile(Constant(0.5)), difficulty=Loss(), decide="step")
    pacer(LOSSES, ALL)
    pacer.step()
    assert pacer.weight.tolist() == [1, 0, 1, 0]
    assert pacer(torch.full((4,), 9.0), ALL).item() == pytest.approx(18 / 4)


@pytest.mark.parametrize(
    ("reduction", "expected"), [("mean", 0.3 / 4), ("kept", 0.3 / 2), ("sum", 0.3)]
)
def test_the_reduction_decides_the_divisor(reduction: str, expected: float) -> None:
    pacer = Pacer(4, age=below(0.25), reduction=reduction)  # type: ignore[arg-type]  # a parametrised literal
    assert pacer(LOSSES, ALL).item() == pytest.approx(expected)


def test_a_denominator_replaces_the_divisor() -> None:
    pacer = Pacer(4, age=below(0.25))
    assert pacer(LOSSES, ALL, denominator=10).item() == pytest.approx(0.03)


def test_no_reduction_keeps_the_shape() -> None:
    pacer = Pacer(4, age=below(0.25), reduction="none")
    assert pacer(LOSSES, ALL).tolist() == pytest.approx([0.1, 0, 0.2, 0])


def test_accumulating_over_micro_batches_gives_the_loss_of_the_whole_batch() -> None:
    pacer = Pacer(4, age=below(0.25))
    parts = [pacer(LOSSES[i : i + 2], ALL[i : i + 2], denominator=4).item() for i in (0, 2)]
    assert sum(parts) == pytest.approx(0.3 / 4)


def test_an_infinite_loss_with_weight_zero_changes_nothing() -> None:
    loss = torch.tensor([0.1, math.inf], requires_grad=True)
    result = Pacer(2, age=below(1.0))(loss, torch.arange(2))
    result.backward()
    assert result.item() == pytest.approx(0.05)
    assert loss.grad is not None and loss.grad.tolist() == [0.5, 0.0]


def test_an_infinite_loss_counts_as_just_above_the_largest_finite_one_of_the_step() -> None:
    pacer = Pacer(4, age=below(1.0), difficulty=Loss())
    for batch in ([0.1, math.inf], [-math.inf, 3.0]):
        pacer(torch.tensor(batch), torch.tensor([0, 1]) + 2 * (batch[1] == 3))
    pacer.step()
    assert pacer.ledger.loss.tolist() == pytest.approx([0.1, 3.0, 0.1, 3.0])
    assert pacer.weight.tolist() == [1, 0, 1, 0]
    pacer(torch.full((4,), 0.2), ALL)
    pacer.step()
    assert pacer.weight.tolist() == [1, 1, 1, 1]  # one overflow does not last


def test_a_step_of_infinite_losses_only_is_no_nan() -> None:
    pacer = Pacer(1, age=below(math.inf))
    for loss in (math.inf, 0.0, math.inf, 0.0):
        pacer(torch.tensor([loss]), torch.tensor([0]))
        pacer.step()
        assert 1e36 < float(pacer.ledger.rows(torch.tensor([0])).memory) < math.inf


@pytest.mark.parametrize("reduction", ["mean", "kept", "sum"])
def test_a_batch_of_zero_weights_is_zero_with_a_graph(reduction: str) -> None:
    loss = torch.rand(4, requires_grad=True)
    pacer = Pacer(4, age=below(-1.0), reduction=reduction)  # type: ignore[arg-type]  # a parametrised literal
    result = pacer(loss, ALL)
    result.backward()
    assert result.item() == 0
    assert loss.grad is not None and loss.grad.tolist() == [0, 0, 0, 0]


def test_the_users_loss_is_never_written_to() -> None:
    loss = LOSSES.clone()
    Pacer(4, age=below(0.25))(loss, ALL)
    assert torch.equal(loss, LOSSES)


def test_eval_is_the_plain_mean_and_remembers_nothing() -> None:
    pacer = Pacer(4, age=below(0.25)).eval()
    assert pacer(LOSSES, ALL).item() == LOSSES.mean().item()
    assert pacer.ledger.visits.tolist() == [0, 0, 0, 0]


def test_of_an_index_that_occurs_twice_the_last_loss_is_remembered() -> None:
    pacer = Pacer(4)
    pacer(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1, 2, 1]))
    pacer.step()
    assert pacer.ledger.loss[1] == 3.0
    assert pacer.ledger.visits.tolist() == [0, 1, 1, 0]


def test_two_visits_within_a_step_smooth_once() -> None:
    once, twice = Pacer(1), Pacer(1)
    zero = torch.tensor([0])
    for losses in ([4.0], [1.0]):
        once(torch.tensor(losses), zero)
        twice(torch.tensor([9.0]), zero)
        twice(torch.tensor(losses), zero)
        once.step(), twice.step()
    assert torch.equal(once.ledger.packed, twice.ledger.packed)


def test_samples_can_be_judged_by_another_number_than_their_loss() -> None:
    pacer = Pacer(4, age=below(0.25))
    assert pacer(torch.ones(4), ALL, difficulty=LOSSES).item() == 0.5


def test_ages_per_group_are_looked_up_per_sample() -> None:
    pacer = Pacer(
        4,
        age=Quantile(Constant(0.5), by="group"),
        columns={"group": torch.tensor([0, 0, 1, 1])},
        difficulty=Loss(),
    )
    pacer(torch.tensor([1.0, 2.0, 10.0, 20.0]), ALL)
    pacer.step()
    assert pacer.current_age.tolist() == [2.0, 20.0]
    assert pacer(torch.tensor([1.5, 2.5, 15.0, 25.0]), ALL).item() == pytest.approx(16.5 / 4)


def test_sample_weights_multiply_and_count_as_mass() -> None:
    columns = {"sample_weight": torch.tensor([1.0, 1.0, 1.0, 5.0])}
    pacer = Pacer(4, age=Quantile(Constant(0.75)), columns=columns, difficulty=Loss())
    assert pacer(LOSSES, ALL).item() == pytest.approx((0.1 + 0.4 + 0.2 + 5 * 0.3) / 4)
    pacer.step()
    assert pacer.weight.tolist() == [1, 0, 1, 1]
    assert pacer.history[0]["kept_share"] == pytest.approx(7 / 8)


def test_observe_then_step_is_a_scoring_pass() -> None:
    pacer = Pacer(4, age=Quantile(Constant(0.5)), decide="step")
    pacer.observe(LOSSES, ALL)
    pacer.step()
    assert pacer.weight.tolist() == [1, 0, 1, 0]


def test_observe_keeps_margins_forgetting_and_suggestions() -> None:
    pacer, index, target = Pacer(2), torch.arange(2), torch.tensor([0, 0])
    for first in (2.0, -2.0, 2.0, -2.0):
        logits = torch.tensor([[first, 0.0], [-1.0, 1.0]])
        loss = F.cross_entropy(logits, target, reduction="none")
        pacer.observe(loss, index, logits, target, probabilities=True)
        pacer.step()
    dynamics = pacer.ledger.dynamics
    assert dynamics is not None
    assert dynamics.forgotten.tolist() == [2, 0]
    assert dynamics.correct.tolist() == [2, 0]
    assert dynamics.margin.tolist() == [0.0, -2.0]
    assert int(dynamics.probability[1].argmax()) == 1
    assert dynamics.probability.sum(1).tolist() == pytest.approx([1, 1])


def test_unseen_samples_have_weight_one_and_stay_out_of_everything() -> None:
    pacer = Pacer(4, age=Quantile(Constant(0.5)))
    pacer(LOSSES[:2], ALL[:2])
    pacer.step()
    assert pacer.weight.tolist() == [1, 0, 1, 1]
    assert pacer.ledger.loss.isnan().tolist() == [False, False, True, True]
    assert pacer.suspects(4).tolist() == [1, 0]
    assert pacer.history[0]["seen"] == 2


def test_suspects_are_ranked_by_a_mean_loss_in_which_early_steps_count_more() -> None:
    pacer, losses = Pacer(2, age=below(math.inf)), [[3.0, 1.0], [2.0, 0.0], [0.0, 0.2]]
    for loss in losses:
        pacer(torch.tensor(loss), torch.arange(2))
        pacer.step()
    evidence = torch.tensor([0.0, 1.0**4, 0.1**4])
    expected = evidence @ torch.tensor(losses) / evidence.sum()
    torch.testing.assert_close(pacer.ledger.suspicion, expected)
    assert pacer.suspects(1).tolist() == [0]


@pytest.mark.parametrize("known_by", ["group", "logits", "nothing"])
def test_a_step_at_chance_level_is_no_evidence_if_the_classes_are_known(
    known_by: str,
) -> None:
    labels = torch.tensor([0, 1])
    columns = {"group": labels} if known_by == "group" else None
    pacer = Pacer(2, age=Auto() if columns else below(math.inf), columns=columns)
    p = torch.tensor([[0.1, 0.2], [0.9, 0.6], [0.7, 0.8]])  # of the labels; a row per step
    for row in p:
        logits = torch.stack([torch.zeros(2), row.logit()], 1)
        logits = torch.where(labels[:, None] == 1, logits, logits.flip(1))
        told = {"logits": logits, "target": labels, "probabilities": True}
        pacer(-row.log(), torch.arange(2), **(told if known_by == "logits" else {}))
        pacer.step()
    mean = -p.log().mean(1)
    known = torch.tensor([0.0, 0.5, 0.5]) if known_by != "nothing" else torch.ones(3)
    evidence = mean**4 * known * torch.tensor([0.0, 1.0, 1.0])
    torch.testing.assert_close(pacer.ledger.suspicion, evidence @ -p.log() / evidence.sum())


def test_the_losses_of_a_probe_are_no_evidence() -> None:
    pacer = Pacer(100, age=Auto(warmup=1, probe_at=1, probe=1))
    hard, probed = torch.linspace(0.1, 2.0, 100), torch.linspace(2.0, 0.1, 100)
    for loss in (hard, hard, probed, probed, hard):  # step 2 probes; step 3 recovers
        pacer(loss, torch.arange(100))
        pacer.step()
    ages = torch.tensor([row["age"] for row in pacer.history]).tolist()
    assert [math.isinf(age) for age in ages] == [True, False, True, True, True]
    torch.testing.assert_close(pacer.ledger.suspicion, hard)
    assert pacer.ledger.visits.unique().tolist() == [5]


def test_logits_are_remembered_in_the_same_call() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0], [0.0, 0.5]])
    target = torch.tensor([0, 1, 1, 0])
    loss = F.cross_entropy(logits, target, reduction="none")
    once, twice = Pacer(4), Pacer(4)
    total = once(loss, ALL, logits=logits.requires_grad_(), target=target, probabilities=True)
    twice.observe(loss, ALL, logits, target, probabilities=True)
    for pacer in (once, twice):
        pacer.step()
    torch.testing.assert_close(total, loss.mean())
    saved, other = once.get_extra_state(), twice.get_extra_state()
    for name, column in saved["ledger"]["dynamics"].items():
        assert torch.equal(column, other["ledger"]["dynamics"][name]), name
        assert not column.requires_grad


def test_without_evidence_suspects_are_ranked_by_memory() -> None:
    pacer = Pacer(2, age=below(math.inf))
    for loss in ([0.0, 0.0], [1.0, -1.0]):
        pacer(torch.tensor(loss), torch.arange(2))
        pacer.step()
    assert pacer.ledger.suspicion[0] > pacer.ledger.suspicion[1]


def test_without_indices_the_last_losses_are_the_population() -> None:
    pacer = Pacer(age=Quantile(Constant(0.5)))
    pacer(torch.arange(10.0))
    pacer.step()
    assert pacer(torch.arange(10.0)).item() == pytest.approx((0 + 1 + 2 + 3 + 4) / 10)


def test_the_ring_forgets_losses_older_than_ten_thousand() -> None:
    pacer = Pacer(age=Quantile(Constant(0.5)))
    pacer(torch.full((10_000,), 100.0))
    pacer(torch.arange(10_000.0))
    pacer.step()
    assert float(pacer.current_age) == 5000.0


def test_an_age_that_the_caller_sets_is_used_unchanged() -> None:
    pacer = Pacer(4, age=None)
    pacer.current_age.fill_(0.25)
    assert pacer(LOSSES, ALL).item() == pytest.approx(0.3 / 4)
    pacer.step()
    assert float(pacer.current_age) == 0.25


def test_diversity_decides_all_weights_at_the_step() -> None:
    pacer = Pacer(
        4,
        age=below(0.15),
        difficulty=Loss(),
        couple=RankInGroup(0.2),
        columns={"group": torch.tensor([0, 1, 0, 1])},
        decide="step",
    )
    pacer(LOSSES, ALL)
    pacer.step()
    assert pacer.weight.tolist() == [1, 0, 1, 1]


def run(pacer: Pacer, steps: range) -> Tensor:
    loss = torch.zeros(())
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        for _ in range(3):
            index = torch.randperm(20, generator=generator)[:7]
            loss = pacer(torch.rand(7, generator=generator), index)
        pacer.step()
    return loss


@pytest.mark.parametrize("n_samples", [20, None])
def test_a_restored_run_continues_exactly(n_samples: int | None) -> None:
    def make() -> Pacer:
        return Pacer(n_samples, age=Quantile(Ramp(0.3, 1.0, steps=8)))

    def go(pacer: Pacer, steps: range) -> None:
        for step in steps:
            generator = torch.Generator().manual_seed(step)
            index = torch.randperm(20, generator=generator)[:7]
            pacer(torch.rand(7, generator=generator), None if n_samples is None else index)
            pacer.step()

    whole, first, second = make(), make(), make()
    go(whole, range(6))
    go(first, range(3))
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file))
    go(second, range(3, 6))
    assert torch.equal(whole.ledger.packed.nan_to_num(-1), second.ledger.packed.nan_to_num(-1))
    assert whole.history == second.history
    assert torch.equal(whole.weight, second.weight)


def test_a_pacer_pickles_and_copies() -> None:
    pacer = Pacer(20)
    run(pacer, range(2))
    for other in (pickle.loads(pickle.dumps(pacer)), copy.deepcopy(pacer)):
        assert run(other, range(2, 3)).item() == run(copy.deepcopy(pacer), range(2, 3)).item()


def test_the_ledger_is_not_a_buffer_and_half_leaves_it_alone() -> None:
    model = nn.Sequential(nn.Linear(2, 2), Pacer(4)).half()
    pacer = model[1]
    assert isinstance(pacer, Pacer)
    assert list(model.buffers()) == []
    assert pacer.ledger.packed.dtype == torch.float32
    assert pacer.current_age.dtype == torch.float32


def test_a_checkpoint_from_before_the_pacer_loads_strictly() -> None:
    plain = nn.Sequential(nn.Linear(2, 2))
    paced = nn.Sequential(nn.Linear(2, 2), Pacer(4))
    paced.load_state_dict(plain.state_dict(), strict=True)
    assert torch.equal(paced[0].weight, plain[0].weight)  # type: ignore[arg-type]  # of a Linear
    assert paced[1].steps == 0


def test_half_precision_losses_are_remembered_in_float32() -> None:
    pacer = Pacer(4)
    assert pacer(LOSSES.bfloat16(), ALL).dtype == torch.float32
    assert pacer.ledger.loss.dtype == torch.float32


def test_the_history_is_a_table() -> None:
    pacer = Pacer(20)
    run(pacer, range(3))
    frame = pacer.history.to_frame()
    assert frame["step"].tolist() == [1, 2, 3]
    assert {"age", "kept_share", "seen", "mean_loss"} <= set(frame.columns)


@pytest.mark.parametrize(
    ("loss", "index", "message"),
    [
        (torch.tensor(1.0), ALL, r'shape \(batch,\); got shape \(\). Pass reduction="none"'),
        (torch.ones(4, 2), ALL, r"got shape \(4, 2\).*reduce_tokens"),
        (torch.ones(3), ALL, r"one index per loss, shape \(3,\); got shape \(4,\)"),
        (
            torch.ones(4),
            ALL + 1,
            r"index 4 is out of range for n_samples=4. .*Indexed\(part\), or make Pacer\(n\) with",
        ),
        (torch.ones(4), ALL - 1, "index -1 is out of range for n_samples=4"),
        (torch.empty(0), torch.empty(0, dtype=torch.int64), "empty batch"),
        (torch.tensor([1.0, math.nan]), torch.tensor([3, 2]), r"NaN loss at dataset indices \[2\]"),
        (torch.ones(4), None, r"needs the dataset index of each loss.*Indexed\(dataset\)"),
    ],
)
def test_a_bad_batch_says_what_to_do(loss: Tensor, index: Tensor | None, message: str) -> None:
    pacer = Pacer(4)
    with pytest.raises(ValueError, match=message):
        pacer(loss, index)
    assert pacer.ledger.visits.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.int32, torch.bool])
def test_an_index_is_int64(dtype: torch.dtype) -> None:
    with pytest.raises(TypeError, match="index as an int64 tensor; got torch"):
        Pacer(4)(torch.ones(4), ALL.to(dtype))


def test_losses_are_floating_point() -> None:
    with pytest.raises(TypeError, match=r"floating-point tensor of losses; got torch\.int64"):
        Pacer(4)(ALL, ALL)


def test_an_index_without_n_samples_is_refused() -> None:
    with pytest.raises(ValueError, match=r"made without n_samples. Make it as Pacer\(len"):
        Pacer()(LOSSES, ALL)


def test_a_negative_loss_is_refused_if_the_rule_does_not_take_it() -> None:
    pacer = Pacer(4, weighting=Linear(), age=below(1.0))
    with pytest.raises(ValueError, match="0 or more|non-negative"):
        pacer(LOSSES - 1, ALL)
    Pacer(4, weighting=Hard(), age=below(1.0))(LOSSES - 1, ALL)


def test_skip_nan_leaves_the_sample_out() -> None:
    pacer = Pacer(4, age=below(1.0), skip_nan=True)
    loss = torch.tensor([0.2, math.nan], requires_grad=True)
    result = pacer(loss, torch.tensor([0, 1]))
    result.backward()
    assert result.item() == pytest.approx(0.1)
    assert loss.grad is not None and loss.grad.tolist() == [0.5, 0.0]
    assert pacer.ledger.waiting.tolist() == [True, False, False, False]


def test_a_step_without_observed_losses_is_refused() -> None:
    pacer = Pacer(4)
    pacer(LOSSES, ALL)
    pacer.step()
    with pytest.raises(ValueError, match="nothing was observed since the last step"):
        pacer.step()


@pytest.mark.parametrize("other", [5, None])
def test_a_state_of_another_size_is_refused(other: int | None) -> None:
    with pytest.raises(ValueError, match="the state is of n_samples=4"):
        Pacer(other).load_state_dict(Pacer(4).state_dict())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pacer(4, weighting=Welsch(), age=Quantile(Constant(0.5))), "never reaches 0"),
        (lambda: Pacer(4, weighting=Welsch()), "never reaches 0"),
        (lambda: Pacer(4, couple=RankInGroup(0.1)), 'needs decide="step"'),
        (lambda: Pacer(decide="step"), "give n_samples"),
        (lambda: Pacer(columns={"group": ALL}), "give n_samples"),
        (lambda: Pacer(4, decide="bach"), "Did you mean 'batch'"),  # type: ignore[arg-type]  # the mistake under test
        (lambda: Pacer(4, reduction="men"), "Did you mean 'mean'"),  # type: ignore[arg-type]  # the mistake under test
        (lambda: Pacer(4, age=Quantile(Constant(0.5), by="group")), "reads the column 'group'"),
        (lambda: Pacer(4, columns={"group": ALL - 1}), r"labels from 0 up; got \[-1\]"),
        (lambda: Pacer(4, columns={"group": ALL[:3]}), r"one value per sample, shape \(4,\)"),
        (lambda: Pacer(4, columns={"sample_weight": LOSSES - 1}), "finite floats of 0 or more"),
        (lambda: Pacer(0), "n_samples must be a positive int; got 0"),
    ],
)
def test_settings_that_do_not_fit_are_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make()


def test_groups_are_whole_numbers() -> None:
    message = r"must hold whole numbers; got torch.float32. Convert it, with labels.astype\(int\)"
    with pytest.raises(TypeError, match=message):
        Pacer(4, columns={"group": LOSSES})


def test_logits_need_a_target_and_an_index() -> None:
    with pytest.raises(ValueError, match="logits and target together"):
        Pacer(4).observe(LOSSES, ALL, torch.zeros(4, 2))
    with pytest.raises(ValueError, match="needs the dataset index"):
        Pacer().observe(LOSSES, None, torch.zeros(4, 2), ALL % 2)
    with pytest.raises(ValueError, match=r"logits \(batch, classes\)"):
        Pacer(4).observe(LOSSES, ALL, torch.zeros(3, 2), ALL % 2)


def test_suspects_need_n_samples_and_a_positive_k() -> None:
    with pytest.raises(ValueError, match=r"make the pacer as Pacer\(len\(dataset\)\)"):
        Pacer().suspects(3)
    with pytest.raises(ValueError, match="k must be a positive int"):
        Pacer(4).suspects(0)


def test_a_denominator_without_a_sum_is_refused() -> None:
    with pytest.raises(ValueError, match="a denominator divides a sum"):
        Pacer(4, reduction="none")(LOSSES, ALL, denominator=2.0)


def test_a_difficulty_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"one difficulty per loss, shape \(4,\)"):
        Pacer(4)(LOSSES, ALL, difficulty=LOSSES[:2])


def test_the_repr_has_the_settings() -> None:
    assert "weighting=Hard()" in repr(Pacer(4, age=Threshold(Geometric(0.1, 1.35))))
    assert Pacer(4).age == Auto()
