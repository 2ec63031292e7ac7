"""Claims about a pacer that is given features, and what it remembers of them."""

import math
import re
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from selfpaced import Ledger, Pacer
from selfpaced._memory.features import WIDEST, Features
from selfpaced._memory.leave_one_out import doubts
from selfpaced.age import Quantile
from selfpaced.chain import Difficulty, Rows
from selfpaced.difficulty import LeaveOneOut, Reversed, Shifted, Smoothed
from selfpaced.pacing import Constant

N, WIDTH, CLASSES = 120, 5, 3
CPU = torch.device("cpu")
ALL = torch.arange(N)


def data(seed: int = 0, wrong: float = 0.2) -> tuple[Tensor, Tensor, Tensor]:
    """Three clusters: features, labels of which a share is wrong, and which these are."""
    rng = torch.Generator().manual_seed(seed)
    truth = torch.randint(CLASSES, (N,), generator=rng)
    centres = 3 * torch.randn(CLASSES, WIDTH, generator=rng)
    x = centres[truth] + torch.randn(N, WIDTH, generator=rng)
    is_wrong = torch.rand(N, generator=rng) < wrong
    return x, torch.where(is_wrong, (truth + 1) % CLASSES, truth), is_wrong


def test_wide_features_are_projected_and_still_tell() -> None:
    x, y, wrong = data()
    wide = torch.cat([x.repeat(1, 200), torch.zeros(N, 24)], 1)
    features = Features(N, wide.shape[1], CPU)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features.write(ALL, wide, None)
    features.judge(ALL, y, torch.ones(N))
    assert features.rows.shape == (N, WIDEST)
    assert float((features.doubt[wrong] > 0).float().mean()) > 0.9


def paced(difficulty: object = None) -> Pacer:
    _, y, wrong = data()
    made = LeaveOneOut() if difficulty is None else difficulty
    age = Quantile(Constant(1 - int(wrong.sum()) / N))
    return Pacer(N, age=age, difficulty=made, columns={"group": y})  # type: ignore[arg-type]


def epoch(pacer: Pacer, part: slice = slice(None), scale: float = 1.0) -> None:
    x, _, _ = data()
    loss = torch.linspace(0.5, 1.0, N).requires_grad_()
    for index in ALL[part].split(32):
        pacer(scale * loss[index], index, features=scale * x[index])


def test_a_pacer_leaves_out_what_is_doubted_where_losses_say_nothing() -> None:
    _, _, wrong = data()
    pacer = paced()
    epoch(pacer)
    pacer.step()
    assert float(wrong[pacer.weight == 0].float().mean()) > 0.8
    assert set(pacer.suspects(10).tolist()) <= set(range(N))


def test_suspects_are_ranked_by_both() -> None:
    _, _, wrong = data()
    pacer = paced()
    for _ in range(3):
        epoch(pacer)
        pacer.step()
    found = pacer.suspects(int(wrong.sum()))
    assert float(wrong[found].float().mean()) > 0.9


def test_left_out_samples_do_not_count_in_the_fit() -> None:
    x, y, wrong = data()
    pacer = paced()
    pacer.weight.copy_((~wrong).float())
    epoch(pacer)
    pacer.step()
    assert pacer.ledger.features is not None
    torch.testing.assert_close(pacer.ledger.features.doubt, doubts(x, y, (~wrong).float(), ALL))


def test_samples_that_were_not_seen_keep_their_doubt() -> None:
    pacer = paced()
    epoch(pacer)
    pacer.step()
    assert pacer.ledger.features is not None
    before = pacer.ledger.features.doubt
    epoch(pacer, slice(0, 60))
    pacer.step()
    assert torch.equal(pacer.ledger.features.doubt[60:], before[60:])
    assert not torch.equal(pacer.ledger.features.doubt[:60], before[:60])


@pytest.mark.parametrize("within", [False, True])
def test_a_resumed_run_is_equal_to_the_bit(within: bool) -> None:
    pacer, other = paced(), paced()
    epoch(pacer)
    pacer.step()
    if within:
        epoch(pacer, slice(0, 50))
    other.load_state_dict(pacer.state_dict())
    for each in (pacer, other):
        epoch(each, slice(50, None) if within else slice(None), scale=1.5)
        each.step()
    assert pacer.ledger.features is not None and other.ledger.features is not None
    assert torch.equal(pacer.ledger.features.doubt, other.ledger.features.doubt)
    assert torch.equal(pacer.weight, other.weight)
    assert torch.equal(pacer.ledger.packed, other.ledger.packed)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("doubt", torch.zeros(3), "'doubt' of the state's memory of features must be"),
        ("index", torch.tensor([1, 2]), "must be the samples that wait for a step"),
        ("width", 0, "'width' of the state's memory of features must be an int from 1"),
    ],
)
def test_a_damaged_state_is_refused(key: str, value: object, message: str) -> None:
    ledger = Ledger(4)
    ledger.write(torch.tensor([2]), torch.tensor([1.0]))
    ledger.keep(torch.tensor([2]), torch.ones(1, 2))
    state = ledger.state_dict()
    state["features"][key] = value
    with pytest.raises(ValueError, match=message):
        Ledger(4).load_state_dict(state)


def test_features_are_asked_for_and_refused() -> None:
    loss, index = torch.ones(2, requires_grad=True), torch.arange(2)
    with pytest.raises(ValueError, match="judges labels by features, and got none. Call "):
        paced()(loss, index)
    unread = re.escape("Pacer got features, but Smoothed(decay=0.7) does not read them.")
    with pytest.raises(ValueError, match=unread):
        paced(Smoothed(0.7))(loss, index, features=torch.ones(2, 3))
    for features in (torch.ones(2), torch.ones(3, 2), torch.ones(2, 0), torch.ones(2, 3).long()):
        with pytest.raises(ValueError, match="features as real numbers of shape"):
            paced()(loss, index, features=features)
    pacer = paced()
    pacer(loss, index, features=torch.ones(2, 3))
    with pytest.raises(ValueError, match="has kept 3 features of each sample; got 4"):
        pacer(loss, index, features=torch.ones(2, 4))
    with pytest.raises(ValueError, match="group"):
        Pacer(N, age=None, difficulty=LeaveOneOut())


def test_features_that_are_not_finite_are_named_at_the_step() -> None:
    pacer, (x, _, _) = paced(), data()
    x[7, 2] = math.nan
    pacer(torch.ones(N, requires_grad=True), ALL, features=x)
    with pytest.raises(ValueError, match="NaN or infinite, of 1 samples, the first at index 7"):
        pacer.step()


def test_the_features_of_a_loss_that_overflows_do_not_count() -> None:
    pacer, (x, _, _) = paced(), data()
    x[7] = math.inf
    loss = torch.where(ALL == 7, math.inf, 1.0).requires_grad_()
    pacer(loss, ALL, features=x)
    pacer.step()
    assert pacer.ledger.features is not None
    assert float(pacer.ledger.features.doubt[7]) == 0 and bool(pacer.ledger.features.doubt[8])


def test_samples_without_mass_do_not_count_in_the_fit() -> None:
    x, y, wrong = data()
    mass = (~wrong).float()
    columns = {"group": y, "sample_weight": mass}
    pacer = Pacer(N, difficulty=LeaveOneOut(), columns=columns)
    epoch(pacer)
    pacer.step()
    assert pacer.ledger.features is not None
    torch.testing.assert_close(pacer.ledger.features.doubt, doubts(x, y, mass, ALL))


def test_a_state_without_features_is_refused_within_an_epoch() -> None:
    without, needs = paced(Smoothed()), paced()
    loss = torch.ones(N, requires_grad=True)
    without(loss, ALL)
    with pytest.raises(ValueError, match="of a pacer without features, within an epoch"):
        needs.load_state_dict(without.state_dict())
    without.step()
    needs.load_state_dict(without.state_dict())
    epoch(needs)
    without.load_state_dict(needs.state_dict())
    assert without.ledger.features is None


def test_the_default_dtype_does_not_matter() -> None:
    usual, other = paced(), paced()
    loss, (x, _, _) = torch.ones(N, requires_grad=True), data()
    usual(loss, ALL, features=x)
    torch.set_default_dtype(torch.float64)
    try:
        other(loss, ALL, features=x)
    finally:
        torch.set_default_dtype(torch.float32)
    assert usual.ledger.features is not None and other.ledger.features is not None
    assert torch.equal(other.ledger.features.rows, usual.ledger.features.rows)
    assert other.ledger.features.doubt.dtype == torch.float32


@pytest.mark.parametrize("labels", [torch.arange(N) - 1, torch.arange(N) * 10**9])
def test_labels_that_are_no_classes_are_refused(labels: Tensor) -> None:
    with pytest.raises(ValueError, match="label"):
        Pacer(N, age=None, difficulty=LeaveOneOut(by="label"), columns={"label": labels})


@dataclass(frozen=True)
class Hiding(Difficulty):
    """A difficulty of another one that does not pass its labels on."""

    of: Difficulty

    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        return self.of(memory, rows)


def test_a_difficulty_that_hides_another_ones_need_is_refused() -> None:
    with pytest.raises(ValueError, match="is a difficulty of one that judges by features"):
        paced(Hiding(LeaveOneOut()))


def test_a_difficulty_of_another_one_passes_the_features_on() -> None:
    for outer in (Reversed(LeaveOneOut()), Shifted("group", 0.0, of=LeaveOneOut())):
        pacer = paced(outer)
        epoch(pacer)
        pacer.step()
        assert pacer.ledger.features is not None and bool(pacer.ledger.features.doubt.any())
