"""Claims about loops that do not do what their user means: they raise, or are told once."""

import copy
import math
import pickle
import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
)

from selfpaced import Indexed, PacedSampler, Pacer
from selfpaced.age import Quantile, Threshold
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant
from selfpaced.suspects import Judge

N = 200
EVERYTHING = Threshold(Constant(math.inf))
VALUES = TensorDataset(torch.linspace(0.5, 2.0, N))


def visit(pacer: Pacer, rows: Tensor, size: int = 50) -> None:
    for index in rows.split(size):
        pacer(0.5 + index / N, index)


def told(run: Callable[[], object]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run()
    return [str(warning.message) for warning in caught]


def epochs(pacer: Pacer, *orders: Tensor) -> None:
    for order in orders:
        visit(pacer, order)
        pacer.step()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_losses_without_gradients_are_refused_in_training_mode(mode: type[torch.no_grad]) -> None:
    pacer, loss = Pacer(4), torch.ones(4)
    with mode(), pytest.raises(ValueError, match=r"without gradients.*Call pacer\.eval\(\)"):
        pacer(loss, torch.arange(4))
    assert not pacer.ledger.waiting.any()
    with mode():
        assert float(pacer.eval()(2 * loss)) == 2
        pacer.train().observe(loss, torch.arange(4))
    assert pacer.ledger.waiting.all()


def test_a_pass_for_validation_that_replaces_losses_is_told_once() -> None:
    pacer, everything = Pacer(N, age=EVERYTHING), torch.arange(N)
    both = torch.cat([everything, everything[:60]])
    said = told(lambda: epochs(pacer, both, both))
    assert len(said) == 1
    assert "260 losses since the last step 60 were of samples seen before" in said[0]
    assert "Call pacer.eval() before it and pacer.train() after it" in said[0]


@pytest.mark.parametrize("draws", [N // 2, N, 3 * N // 2])
def test_draws_with_replacement_are_no_validation(draws: int) -> None:
    sampler = WeightedRandomSampler([1.0] * N, draws)
    orders = [torch.tensor(list(sampler)) for _ in range(4)]
    assert told(lambda: epochs(Pacer(N, age=EVERYTHING), *orders)) == []


def test_whole_epochs_and_scoring_passes_are_no_validation() -> None:
    pacer, everything = Pacer(N, age=EVERYTHING), torch.arange(N)

    def run() -> None:
        for _ in range(3):
            pacer.observe(torch.ones(60), everything[:60])
            epochs(pacer, everything.repeat(2))

    assert told(run) == []


def test_a_pacer_that_is_never_stepped_is_told() -> None:
    pacer = Pacer(N)
    said = told(lambda: visit(pacer, torch.arange(N).repeat(4)))
    assert len(said) == 1 and "saw 600 losses of 200 samples without a step" in said[0]


def test_a_pacer_that_is_larger_than_the_dataset_is_told() -> None:
    pacer, order = Pacer(3000, age=EVERYTHING), torch.arange(1797)
    assert told(lambda: epochs(pacer, order)) == []  # the rest may come in the next step
    said = told(lambda: epochs(pacer, order, order))
    assert len(said) == 1 and "from index 1797 on were never seen, of n_samples=3000" in said[0]


def test_parts_that_share_their_indices_are_told() -> None:
    parts: ConcatDataset[object] = ConcatDataset(
        [Indexed(Subset(VALUES, range(120))), Indexed(Subset(VALUES, range(80)))]
    )
    pacer, loader = Pacer(N, age=EVERYTHING), DataLoader(parts, 20, shuffle=True)

    def run() -> None:
        for _ in range(3):
            for index, value in loader:
                pacer(value, index)
            pacer.step()

    said = told(run)
    assert any("from index 120 on were never seen" in text for text in said)
    assert any("take Indexed(ConcatDataset(parts))" in text for text in said)


def test_steps_in_the_middle_of_an_epoch_are_not_told() -> None:
    pacer = Pacer(N, age=EVERYTHING)
    orders = [rows for _ in range(3) for rows in torch.arange(N).split(40)]
    assert told(lambda: epochs(pacer, *orders)) == []


def test_a_step_in_which_nothing_was_kept_is_told_once() -> None:
    pacer, everything = Pacer(N, age=Threshold(Constant(0.1)), difficulty=Loss()), torch.arange(N)
    said = told(lambda: epochs(pacer, everything, everything, everything))
    assert len(said) == 1 and "All 200 samples of this step had weight 0" in said[0]


def test_a_warning_points_at_the_line_of_the_user() -> None:
    pacer = Pacer(N, age=Threshold(Constant(0.1)), difficulty=Loss())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pacer.suspects(1)
        visit(pacer, torch.arange(N).repeat(4))
        pacer.step()
    assert len(caught) == 3 and {warning.filename for warning in caught} == {__file__}


def test_the_weights_of_a_scoring_pass_are_no_training() -> None:
    pacer = Pacer(N, age=Threshold(Constant(0.1)), difficulty=Loss(), decide="step")

    def run() -> None:
        pacer.observe(torch.ones(N), torch.arange(N))
        pacer.step()

    assert told(run) == []


def test_losses_of_ignored_labels_are_told() -> None:
    logits, labels = torch.zeros(N, 3), torch.arange(N) % 3
    labels[::4] = -100
    pacer = Pacer(N, age=EVERYTHING)

    def run() -> None:
        for _ in range(2):
            pacer(F.cross_entropy(logits, labels, reduction="none"), torch.arange(N))
            pacer.step()

    said = told(run)
    assert len(said) == 1 and "50 of 200 losses" in said[0] and "pacer(loss[known]" in said[0]


def test_difficulties_of_zero_are_the_callers() -> None:
    pacer, index = Pacer(N, age=EVERYTHING), torch.arange(N)

    def run() -> None:
        pacer(torch.ones(N), index, difficulty=torch.zeros(N))
        pacer.step()

    assert told(run) == []


def test_a_judge_without_logits_is_told() -> None:
    pacer = Pacer(N, age=EVERYTHING)
    epochs(pacer, torch.arange(N), torch.arange(N))
    with pytest.warns(UserWarning, match="counts doubtful labels, too.*probabilities=True"):
        Judge()(pacer)


def test_the_samples_of_a_permuted_subset_are_not_those_that_the_sampler_drew() -> None:
    order = torch.randperm(N, generator=torch.Generator().manual_seed(0)).tolist()
    pacer = Pacer(N, age=Quantile(Constant(0.5)), difficulty=Loss())

    def train(dataset: Dataset[object]) -> None:
        for _ in range(3):
            for index, value in DataLoader(dataset, 20, sampler=PacedSampler(pacer)):
                pacer(value, index)
            pacer.step()

    with pytest.raises(ValueError, match=r"Of the samples that PacedSampler drew \d+ were not"):
        train(Subset(Indexed(VALUES), order))
    pacer = Pacer(N, age=Quantile(Constant(0.5)), difficulty=Loss())
    train(Indexed(Subset(VALUES, order)))
    assert pacer.steps == 3


def test_an_epoch_that_ends_early_may_miss_samples_of_the_sampler() -> None:
    pacer = Pacer(N, age=Quantile(Constant(0.5)), difficulty=Loss())
    sampler = PacedSampler(pacer)
    for _ in range(3):
        loader = iter(DataLoader(Indexed(VALUES), 20, sampler=sampler))
        for index, value in (next(loader) for _ in range(2)):
            pacer(value, index)
        pacer.step()
    assert pacer.steps == 3


def test_signs_are_told_again_by_a_copy_and_not_saved() -> None:
    pacer = Pacer(N, age=EVERYTHING)
    visit(pacer, torch.arange(N))
    for other in (copy.deepcopy(pacer), pickle.loads(pickle.dumps(pacer))):
        other.step()
        assert other.steps == 1


def wolfe(seed: int, *, paced: bool) -> tuple[float, list[object]]:
    """Train by L-BFGS with a line search; return the accuracy on right labels and kept shares."""
    rng = torch.Generator().manual_seed(seed)
    centres = 1.5 * torch.randn(3, 8, generator=rng)
    y = torch.randint(3, (800,), generator=rng)
    x = centres[y] + torch.randn(800, 8, generator=rng)
    wrong = torch.rand(800, generator=rng) < 0.3
    noisy = torch.where(wrong, (y + torch.randint(1, 3, (800,), generator=rng)) % 3, y)
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 3))
    step = torch.optim.LBFGS(model.parameters(), max_iter=5, line_search_fn="strong_wolfe")
    pacer = Pacer(800, columns={"group": noisy})
    for _ in range(12):
        for index in torch.randperm(800, generator=rng).split(200):

            def closure(index: Tensor = index) -> Tensor:
                step.zero_grad()
                loss = F.cross_entropy(model(x[index]), noisy[index], reduction="none")
                total: Tensor = pacer(loss, index) if paced else loss.mean()
                total.backward()
                return total

            step.step(closure)
        if paced:
            pacer.step()
    hits = float((model(x).argmax(1) == y).float().mean())
    return hits, [row["kept_share"] for row in pacer.history]


def test_a_line_search_does_not_lower_the_loss_by_leaving_samples_out() -> None:
    seeds = (1, 2, 3)
    plain, runs = (
        [wolfe(seed, paced=False)[0] for seed in seeds],
        [wolfe(s, paced=True) for s in seeds],
    )
    assert sum(hits for hits, _ in runs) > sum(plain)
    assert min(float(str(share)) for _, shares in runs for share in shares) > 0.45


def test_repeated_calls_on_a_batch_use_the_weights_of_the_first() -> None:
    pacer = Pacer(40, age=Threshold(Constant(1.0)), difficulty=Loss())
    index = torch.arange(4)
    assert float(pacer(torch.full((4,), 0.5), index)) == 0.5
    assert float(pacer(torch.full((4,), 2.0), index)) == 2  # kept in the first call
    assert float(pacer(torch.full((4,), 2.0), index.clone())) == 0  # another batch
    index[0] = 0  # a buffer that is used again
    assert float(pacer(torch.full((4,), 3.0), index)) == 0
    with pytest.warns(UserWarning, match="All 4 samples of this step had weight 0"):
        pacer.step()
    assert pacer.ledger.loss[:4].tolist() == [3.0] * 4


def test_an_age_that_was_set_or_loaded_decides_anew() -> None:
    pacer, index = Pacer(4, age=None, difficulty=Loss()), torch.arange(4)
    pacer.current_age.fill_(0.5)
    state = pacer.state_dict()
    assert float(pacer(torch.ones(4), index)) == 0
    pacer.current_age.fill_(2.0)
    assert float(pacer(torch.ones(4), index)) == 1
    pacer.load_state_dict(state)
    assert float(pacer(torch.ones(4), index)) == 0


def test_a_scoring_pass_is_no_first_call() -> None:
    pacer, index = Pacer(4, age=Threshold(Constant(1.0)), difficulty=Loss()), torch.arange(4)
    pacer.observe(torch.full((4,), 0.5), index)
    assert float(pacer(torch.full((4,), 2.0), index)) == 0


def test_a_repeated_call_leaves_out_a_nan_of_its_own() -> None:
    pacer, index = Pacer(2, age=EVERYTHING, skip_nan=True), torch.arange(2)
    pacer(torch.ones(2), index)
    assert float(pacer(torch.tensor([4.0, math.nan]), index)) == 2


def test_the_mean_loss_has_no_weights() -> None:
    pacer = Pacer(4, age=Threshold(Constant(1.5)))
    assert math.isnan(pacer.mean_loss)
    for _ in range(2):
        weighted = pacer(torch.tensor([1.0, 1.0, 3.0, 3.0]), torch.arange(4))
        pacer.step()
    assert float(weighted) == 0.5 and pacer.mean_loss == 2
