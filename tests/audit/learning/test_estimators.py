"""Claims about scikit-learn estimators that are trained self-paced."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import sparse
from sklearn.datasets import load_wine
from torch import Tensor

from selfpaced import Pacer
from selfpaced.age import Threshold
from selfpaced.audit._learning import estimators as module
from selfpaced.audit._learning.aims import Classes, Numbers
from selfpaced.audit._learning.batches import spread
from selfpaced.audit._learning.choice import OF_NUMBERS
from selfpaced.audit._learning.ensembles import VIEWS, make
from selfpaced.audit._learning.estimators import Kind, Rounds
from selfpaced.audit._learning.inputs import Inputs
from selfpaced.audit._learning.mixture import mixed
from selfpaced.audit._learning.settings import ROUNDS, Settings
from selfpaced.audit._plain.pack import pack
from selfpaced.pacing import Constant
from selfpaced.suspects import HeldOut, judge_held_out

# The kinds that read dense numbers.
DENSE: list[Kind] = ["logistic", "kernel", "boosting", "trees"]
# All kinds.
KINDS: list[Kind] = [*DENSE, "words", "letters", "bayes"]
Rows = NDArray[np.float32]


def wine(seed: int = 0) -> tuple[Rows, Tensor, Tensor]:
    """Return rows, labels of which a fifth is wrong, and which are wrong."""
    X, y = load_wine(return_X_y=True)
    random = np.random.default_rng(seed)
    wrong = np.zeros(len(y), bool)
    wrong[random.permutation(len(y))[: len(y) // 5]] = True
    given = np.where(wrong, (y + random.integers(1, 3, len(y))) % 3, y)
    rows = ((X - X.mean(0)) / X.std(0)).astype(np.float32)
    return rows, torch.from_numpy(given.astype(np.int64)), torch.from_numpy(wrong)


def inputs_of(rows: Rows) -> Inputs:
    """Return rows as dense numbers, as words and as letters."""
    words = sparse.csr_array(np.hstack([np.maximum(rows, 0), np.maximum(-rows, 0)]))
    return Inputs(rows, words, words)


def started(*kinds: Kind, epochs: int = 4, seed: int = 0, **more: Any) -> Rounds:
    """Return a training on wine before its first round."""
    rows, labels, _ = wine()
    settings = Settings(epochs=epochs, seed=seed, **more)
    return Rounds(kinds, inputs_of(rows), labels, Classes(3), settings)


def line(n: int = 400) -> tuple[Rows, Tensor, Tensor]:
    """Return rows, numbers of which an eighth is wrong, and the right numbers."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, 3, generator=generator)
    truth = x @ torch.tensor([0.6, -0.6, 0.5])
    wrong = torch.arange(n) % 8 == 0
    return x.numpy(), torch.where(wrong, truth.roll(8) + 3, truth), truth


def judged(rounds: Rounds) -> HeldOut:
    """Judge the labels by the mixture."""
    shares = rounds.model.shares
    assert shares is not None
    probability = mixed((p, shares[kind]) for kind, p in rounds.held_out.items())
    return judge_held_out(torch.from_numpy(probability), rounds.labels)


@cache
def finished(kinds: Sequence[Kind], seed: int) -> Rounds:
    """Train on wine to the end."""
    rows, labels, _ = wine(seed)
    rounds = Rounds(kinds, inputs_of(rows), labels, Classes(3), Settings(epochs=ROUNDS))
    assert rounds.run()
    assert rounds.epoch == rounds.pacer.steps == rounds.done == rounds.pulses == ROUNDS
    return rounds


@pytest.mark.parametrize(
    ("kind", "least"), [("logistic", 0.8), ("kernel", 0.8), ("boosting", 0.5), ("trees", 0.8)]
)
def test_wrong_labels_are_the_most_suspicious_and_are_counted(kind: Kind, least: float) -> None:
    # the fewer samples and the less a model predicts, the less of what it contradicts is counted
    found, counts = [], []
    for seed in range(3):
        rounds, wrong = finished((kind,), seed), wine(seed)[2]
        k = int(wrong.sum())
        found.append(float(wrong[rounds.pacer.suspects(k)].float().mean()))
        count = judged(rounds).count
        counts.append(count.estimate / k)
        assert count.low <= k <= count.high
    assert np.mean(found) >= 0.85 and min(found) >= 0.8
    assert least < np.mean(counts) < 1.1


def test_a_mixture_of_all_kinds_finds_and_counts_wrong_labels() -> None:
    rounds, wrong = finished(tuple(DENSE), 0), wine(0)[2]
    k = int(wrong.sum())
    found = judged(rounds)
    assert float(wrong[rounds.pacer.suspects(k)].float().mean()) >= 0.9
    assert float(wrong[found.probability.argsort(descending=True)[:k]].float().mean()) >= 0.9
    assert abs(found.count.estimate / k - 1) < 0.1
    assert list(rounds.held_out) == DENSE and list(rounds.model.members) == DENSE
    assert all(p.shape == (178, 3) for p in rounds.held_out.values())


@pytest.mark.parametrize("kind", DENSE)
def test_outputs_have_a_probability_for_every_class_in_order(kind: Kind) -> None:
    rows, labels, _ = wine()
    rounds = Rounds([kind], Inputs(rows), labels * 2, Classes(6), Settings(epochs=3))
    rounds.run()
    outputs = rounds.model.predict(Inputs(rows), 6)
    assert outputs.shape == (len(rows), 6) and outputs.dtype == np.float64
    np.testing.assert_allclose(outputs.sum(1), 1, rtol=1e-6)
    assert outputs[:, [1, 3, 5]].max() < 1e-3  # classes that no sample has
    assert float((outputs.argmax(1) == (labels * 2).numpy()).mean()) > 0.7


@pytest.mark.parametrize("kind", KINDS)
def test_the_held_out_probabilities_are_of_the_estimator_that_left_the_row_out(kind: Kind) -> None:
    rounds = started(kind, epochs=2, folds=4)
    rounds.run()
    model, held_out = rounds.model.members[kind], rounds.held_out[kind]
    rows, labels, _ = wine()
    inputs = model.inputs.transform(inputs_of(rows).view(VIEWS[kind]))
    fold = spread(labels.numpy(), 4, 0)
    each = np.stack([estimator.predict_proba(inputs) for estimator in model.estimators])
    assert len(each) == 4 and held_out.dtype == np.float32
    np.testing.assert_allclose(held_out, each[fold, np.arange(len(rows))], atol=1e-6)


class Keeping(Classes):
    """Classes whose labels are all kept."""

    def pacer(self, labels: Tensor, *, held_out: bool = False) -> Pacer:
        return Pacer(len(labels), age=Threshold(Constant(math.inf)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_never_changes_its_own_held_out_probabilities(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "spread", lambda labels, *_: np.arange(len(labels)) % 3)
    rows, labels, _ = wine()
    other = labels.clone()
    other[100] = (other[100] + 1) % 3
    held_out = []
    for given in (labels, other):
        rounds = Rounds([kind], inputs_of(rows), given, Keeping(3), Settings(epochs=3))
        rounds.run()
        held_out.append(rounds.held_out[kind])
    one, two = held_out
    same_fold = np.arange(len(rows)) % 3 == 100 % 3
    assert (one[same_fold] == two[same_fold]).all()
    assert (one[~same_fold] != two[~same_fold]).any()


@pytest.mark.parametrize("kind", DENSE)
def test_only_the_row_itself_could_teach_its_label(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "spread", lambda labels, *_: np.arange(len(labels)) % 3)
    rows, labels, _ = wine()
    lone = np.zeros((len(rows), 1), np.float32)
    lone[3] = 1  # only row 3 can teach the label of row 3
    other = labels.clone()
    other[3] = (other[3] + 1) % 3
    predictions = []
    for given in (labels, other):
        rounds = Rounds([kind], Inputs(lone), given, Classes(3), Settings(epochs=3))
        rounds.run()
        predictions.append(rounds.held_out[kind][3])
    np.testing.assert_allclose(predictions[0], predictions[1], atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_class_of_one_sample_is_known_to_all_estimators_and_not_taught_by_it(kind: Kind) -> None:
    rows, labels, _ = wine()
    labels[7] = 3
    rounds = Rounds([kind], inputs_of(rows), labels, Classes(4), Settings(epochs=3))
    rounds.run()
    assert all(len(one.classes_) == 4 for one in rounds.model.members[kind].estimators)
    assert np.isfinite(rounds.pacer.ledger.loss.numpy()).all()
    assert rounds.held_out[kind][7].argmax() != 3


@pytest.mark.parametrize("kind", DENSE)
def test_a_training_on_two_rows_does_not_fail(kind: Kind) -> None:
    rows = Inputs(np.array([[0.0], [1.0]], np.float32))
    rounds = Rounds([kind], rows, torch.arange(2), Classes(2), Settings(epochs=3))
    assert rounds.run() and np.isfinite(rounds.model.predict(rows, 2)).all()
    if kind in OF_NUMBERS:
        rounds = Rounds([kind], rows, torch.tensor([0.5, 1.5]), Numbers(), Settings(epochs=3))
        assert rounds.run() and np.isfinite(rounds.model.predict(rows, None)).all()


@pytest.mark.parametrize(("asked", "folds"), [({}, 3), ({"folds": 5}, 5), ({"folds": 2}, 2)])
def test_each_class_is_spread_evenly_over_the_folds(asked: dict[str, int], folds: int) -> None:
    rounds = started("logistic", **asked)
    for label in range(3):
        sizes = np.bincount(rounds._fold[(rounds.labels == label).numpy()], minlength=folds)
        assert len(sizes) == folds and sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize("kind", OF_NUMBERS)
def test_numbers_are_learned_without_those_that_are_wrong(kind: Kind) -> None:
    rows, given, truth = line()
    rounds = Rounds([kind], Inputs(rows), given, Numbers(), Settings(epochs=ROUNDS))
    rounds.run()
    outputs = rounds.model.predict(Inputs(rows), None)
    assert outputs.shape == (400,) and outputs.dtype == np.float64
    wrong = (given - truth).abs() > 2
    assert not rounds.pacer.weight[wrong].any()
    right = ~wrong.numpy()
    assert rounds.held_out == {} and rounds.model.shares is None
    for predictions in (outputs, rounds._held_out[kind]):
        error = np.abs(predictions - truth.numpy())[right].mean()
        assert error < 0.2 * float(truth.std())


@pytest.mark.parametrize("kind", DENSE)
def test_images_are_read_as_rows_of_pixels(kind: Kind) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 100, (60, 1, 4, 4)).astype(np.uint8)
    images[30:, :, :2] += 150
    rounds = Rounds([kind], Inputs(images), torch.arange(60) // 30, Classes(2), Settings(epochs=5))
    rounds.run()
    assert (rounds.model.predict(Inputs(images), 2).argmax(1) == np.arange(60) // 30).all()


def outputs_of(rounds: Rounds) -> NDArray[Any]:
    """Return the predictions for wine."""
    return rounds.model.predict(inputs_of(wine()[0]), 3)


def test_the_seed_decides_the_outputs() -> None:
    def outputs(seed: int) -> NDArray[Any]:
        rounds = started("boosting", seed=seed)
        rounds.run()
        return outputs_of(rounds)

    assert (outputs(2**62) == outputs(2**62)).all()
    assert (outputs(0) != outputs(1)).any()


@cache
def whole(kinds: Sequence[Kind]) -> Rounds:
    """Train for four rounds without a stop."""
    rounds = started(*kinds)
    assert rounds.run()
    return rounds


@pytest.mark.parametrize("kinds", [(kind,) for kind in KINDS] + [("logistic", "trees")], ids=str)
@pytest.mark.parametrize("after", [0, 2])
def test_a_training_that_was_stopped_continues_bit_for_bit(
    kinds: tuple[Kind, ...], after: int
) -> None:
    expected, stopped, resumed = whole(kinds), started(*kinds), started(*kinds)
    if after:
        assert not stopped.run(pulse=lambda: stopped.epoch == after)
    assert stopped.epoch == stopped.done == after
    resumed.load_state_dict(stopped.state_dict())
    assert resumed.run()
    assert (outputs_of(resumed) == outputs_of(expected)).all()
    for kind in kinds:
        assert (resumed.held_out[kind] == expected.held_out[kind]).all()
    assert torch.equal(resumed.pacer.ledger.suspicion, expected.pacer.ledger.suspicion)
    assert resumed.pacer.history == expected.pacer.history


def test_a_state_can_be_read_without_running_code(tmp_path: Any) -> None:
    rounds = started("boosting", "logistic", epochs=2)
    rounds.run()
    torch.save(rounds.state_dict(), tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    again = started("boosting", "logistic", epochs=2)
    again.load_state_dict(state)
    assert again.run() and again.epoch == 2
    assert (outputs_of(again) == outputs_of(rounds)).all()


def test_watch_is_called_after_every_round() -> None:
    calls: list[tuple[int, int, float]] = []
    started("logistic", epochs=3).run(watch=lambda *call: calls.append(call))
    assert [call[:2] for call in calls] == [(1, 3), (2, 3), (3, 3)]
    assert all(0 < call[2] <= 1 for call in calls)


@pytest.mark.parametrize("kind", DENSE)
def test_a_class_whose_samples_are_all_left_out_stays_a_class(kind: Kind) -> None:
    _, labels, _ = wine()
    rounds = started(kind, epochs=6)
    rounds.run(pulse=lambda: rounds.epoch == 3)
    before = outputs_of(rounds)[:, 0].mean()
    for _ in range(3):
        rounds.pacer.weight[labels == 0] = 0
        rounds.run(pulse=lambda: True)
    outputs = outputs_of(rounds)
    assert outputs.shape[1] == 3 and np.isfinite(outputs).all()
    assert outputs[:, 0].mean() < before


def test_leaving_rows_out_changes_no_bin() -> None:
    rows, labels, _ = wine()
    wide = np.concatenate([rows] * 4) + np.arange(4 * len(rows), dtype=np.float32)[:, None] / 1e4
    assert len(np.unique(wide[:, 0])) > 255
    settings = Settings(epochs=2)
    rounds = Rounds(["boosting"], Inputs(wide), labels.repeat(4), Classes(3), settings)
    rounds.run(pulse=lambda: True)
    first = rounds.model.members["boosting"].estimators[0]
    bins = first._bin_mapper.bin_thresholds_
    rounds.pacer.weight[torch.from_numpy(wide[:, 0] > 0)] = 0
    rounds.run()
    after = first._bin_mapper.bin_thresholds_
    assert all((one == other).all() for one, other in zip(bins, after, strict=True))


def with_models(models: Any) -> dict[str, Any]:
    """Return a state after a round of boosting, with other models."""
    rounds = started("boosting")
    held_out = {"boosting": torch.zeros(len(rounds.labels), rounds.aim.outputs)}
    return rounds.state_dict() | {"models": models, "epoch": 1, "held_out": held_out}


def saved(estimators: Any) -> dict[str, Any]:
    """Return estimators as a state holds them."""
    text, arrays = pack(estimators)
    return {"parts": text, "arrays": {name: torch.from_numpy(a) for name, a in arrays.items()}}


def of_two_features() -> Any:
    """Return estimators of a first round of boosting that read two features."""
    model = make("boosting", of(30), False, 3, 0)
    model.grow(1)
    for one in model.estimators:
        one.fit(np.zeros((30, 2)), np.arange(30) % 3)
    return {"boosting": model.estimators}


def of(n: int) -> Inputs:
    """Return rows of two zeros."""
    return Inputs(np.zeros((n, 2), np.float32))


BAD: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: started("boosting").load_state_dict(with_models(torch.zeros(3))),
        "The models in the checkpoint cannot be read: .* Begin again with force=True",
    ),
    (
        lambda: started("boosting").load_state_dict(with_models(saved({}))),
        "The checkpoint holds other models of the kind boosting. Begin again with force=True",
    ),
    (
        lambda: started("boosting").load_state_dict(with_models(saved(of_two_features()))),
        "The checkpoint holds other models of the kind boosting. Begin again with force=True",
    ),
    (
        lambda: started("boosting").load_state_dict(
            started("boosting").state_dict() | {"epoch": "x"}
        ),
        "Rounds: 'epoch' of the state must be an int from 0 to .*; got 'x'",
    ),
    (lambda: started(cast(Kind, "logisitc")), "learner must be one of .* Did you mean .logistic"),
    (
        lambda: Rounds(["boosting"], of(3), torch.arange(2), Classes(2), Settings()),
        "needs a label per row; got 3 rows and 2 labels",
    ),
    (
        lambda: Rounds(["boosting"], of(3), torch.zeros(3).long(), Classes(1), Settings()),
        "two classes or more",
    ),
    (
        lambda: started("boosting").load_state_dict({"epoch": 1}),
        "Rounds: the state is cut short; it lacks",
    ),
    (
        lambda: started("boosting", "trees").load_state_dict(started("logistic").state_dict()),
        "Rounds of boosting, trees cannot load a state of logistic. Make Rounds with the kinds",
    ),
]


@pytest.mark.parametrize(("make", "said"), BAD)
def test_arguments_that_do_not_fit_are_refused(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epoch": -1}, "Rounds: 'epoch' of the state must be an int from 0 to"),
        ({"kinds": 3}, "Rounds: 'kinds' of the state must be a list of kinds; got 3"),
        (
            {"held_out": {}},
            r"Rounds: the state's held-out predictions is cut short; it lacks \['log",
        ),
        ({"held_out": {"logistic": torch.zeros(2)}}, "'logistic' .* must be float32 of shape"),
        ({"pacer": {"_extra_state": 3}}, "Pacer: the state must be a dict; got 3"),
    ],
)
def test_a_damaged_state_changes_nothing(change: dict[str, Any], said: str) -> None:
    saved, other = started("logistic"), started("logistic")
    saved.run(pulse=lambda: True)
    with pytest.raises(ValueError, match=said):
        other.load_state_dict(saved.state_dict() | change)
    assert other.epoch == 0 and other.held_out == {} and other.pacer.steps == 0
