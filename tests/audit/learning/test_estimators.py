"""Claims about scikit-learn estimators that are trained self-paced."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_wine
from torch import Tensor

from selfpaced.audit._learning.aims import Classes, Numbers
from selfpaced.audit._learning.estimators import ROUNDS, Name, Rounds
from selfpaced.audit._learning.training import Settings
from selfpaced.suspects import Judge

NAMES: list[Name] = ["hgb", "logistic"]
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


def started(name: Name, epochs: int = 4, seed: int = 0) -> Rounds:
    """Return a training on wine before its first round."""
    rows, labels, _ = wine()
    return Rounds(name, rows, labels, Classes(3), Settings(epochs=epochs, seed=seed))


def line(n: int = 400) -> tuple[Rows, Tensor, Tensor]:
    """Return rows, numbers of which an eighth is wrong, and the right numbers."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, 3, generator=generator)
    truth = x @ torch.tensor([0.6, -0.6, 0.5])
    wrong = torch.arange(n) % 8 == 0
    return x.numpy(), torch.where(wrong, truth.roll(8) + 3, truth), truth


@pytest.mark.parametrize("name", NAMES)
def test_wrong_labels_are_the_most_suspicious(name: Name) -> None:
    rows, labels, wrong = wine()
    rounds = Rounds(name, rows, labels, Classes(3), Settings(epochs=ROUNDS[name]))
    assert rounds.run()
    assert rounds.epoch == rounds.pacer.steps == ROUNDS[name]
    k = int(wrong.sum())
    assert float(wrong[rounds.pacer.suspects(k)].float().mean()) >= 0.85


@pytest.mark.parametrize("name", NAMES)
def test_outputs_have_a_probability_for_every_class_in_order(name: Name) -> None:
    rows, labels, _ = wine()
    rounds = Rounds(name, rows, labels * 2, Classes(6), Settings(epochs=3))
    rounds.run()
    outputs = rounds.outputs(rows)
    assert outputs.shape == (len(rows), 6) and outputs.dtype == np.float64
    np.testing.assert_allclose(outputs.sum(1), 1, rtol=1e-6)
    assert not outputs[:, [1, 3, 5]].any()  # classes that no sample has
    assert float((outputs.argmax(1) == (labels * 2).numpy()).mean()) > 0.7


@pytest.mark.parametrize("name", NAMES)
def test_the_number_of_wrong_labels_is_estimated_well(name: Name) -> None:
    rows, labels, wrong = wine()
    rounds = Rounds(name, rows, labels, Classes(3), Settings(epochs=ROUNDS[name]))
    rounds.run()
    assert abs(Judge()(rounds.pacer).count.estimate / int(wrong.sum()) - 1) < 0.25


@pytest.mark.parametrize("name", NAMES)
def test_no_row_is_judged_by_an_estimator_fitted_to_its_label(name: Name) -> None:
    rows, labels, _ = wine()
    lone = np.zeros((len(rows), 1), np.float32)
    lone[3] = 1  # only row 3 can teach the label of row 3
    other = labels.clone()
    other[3] = (other[3] + 1) % 3
    predictions = []
    for given in (labels, other):
        rounds = Rounds(name, lone, given, Classes(3), Settings(epochs=3))
        rounds._fold = np.arange(len(rows)) % 3  # the folds must not depend on the labels
        rounds.run()
        predictions.append(rounds._held_out_predictions()[3])
    np.testing.assert_allclose(predictions[0], predictions[1], atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_class_of_one_sample_is_known_to_all_estimators(name: Name) -> None:
    rows, labels, _ = wine()
    labels[7] = 3
    rounds = Rounds(name, rows, labels, Classes(4), Settings(epochs=3))
    rounds.run()
    assert all(len(one.classes_) == 4 for one in rounds.model.estimators)
    assert np.isfinite(rounds.pacer.ledger.loss.numpy()).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_training_on_two_rows_does_not_fail(name: Name) -> None:
    rows = np.array([[0.0], [1.0]], np.float32)
    for labels, aim in ((torch.arange(2), Classes(2)), (torch.tensor([0.5, 1.5]), Numbers())):
        rounds = Rounds(name, rows, labels, aim, Settings(epochs=3))
        assert rounds.run() and np.isfinite(rounds.outputs(rows)).all()


def test_each_class_is_spread_evenly_over_the_folds() -> None:
    rounds = started("logistic")
    for label in range(3):
        sizes = np.bincount(rounds._fold[(rounds.labels == label).numpy()], minlength=3)
        assert sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_learned_without_those_that_are_wrong(name: Name) -> None:
    rows, given, truth = line()
    rounds = Rounds(name, rows, given, Numbers(), Settings(epochs=ROUNDS[name]))
    rounds.run()
    outputs = rounds.outputs(rows)
    assert outputs.shape == (400,) and outputs.dtype == np.float64
    wrong = (given - truth).abs() > 2
    assert not rounds.pacer.weight[wrong].any()
    right = ~wrong.numpy()
    for predictions in (outputs, rounds._held_out_predictions()):
        error = np.abs(predictions - truth.numpy())[right].mean()
        assert error < 0.2 * float(truth.std())


@pytest.mark.parametrize("name", NAMES)
def test_images_are_read_as_rows_of_pixels(name: Name) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 100, (60, 1, 4, 4)).astype(np.uint8)
    images[30:, :, :2] += 150
    rounds = Rounds(name, images, torch.arange(60) // 30, Classes(2), Settings(epochs=5))
    rounds.run()
    assert (rounds.outputs(images).argmax(1) == np.arange(60) // 30).all()


def test_the_seed_decides_the_outputs() -> None:
    def outputs(seed: int) -> NDArray[Any]:
        rounds = started("hgb", seed=seed)
        rounds.run()
        return rounds.outputs(wine()[0])

    assert (outputs(2**62) == outputs(2**62)).all()
    assert (outputs(0) != outputs(1)).any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_training_that_was_stopped_continues_bit_for_bit(name: Name, after: int) -> None:
    whole, stopped, resumed = (started(name, epochs=5) for _ in range(3))
    assert whole.run()
    if after:
        assert not stopped.run(pulse=lambda: stopped.epoch == after)
    assert stopped.epoch == after
    resumed.load_state_dict(stopped.state_dict())
    assert resumed.run()
    rows = wine()[0]
    assert (resumed.outputs(rows) == whole.outputs(rows)).all()
    assert torch.equal(resumed.pacer.ledger.suspicion, whole.pacer.ledger.suspicion)
    assert resumed.pacer.history == whole.pacer.history


def test_a_state_can_be_read_without_running_code(tmp_path: Any) -> None:
    rounds = started("hgb", epochs=2)
    rounds.run()
    torch.save(rounds.state_dict(), tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    again = started("hgb", epochs=2)
    again.load_state_dict(state)
    assert again.run() and again.epoch == 2


def test_watch_is_called_after_every_round() -> None:
    calls: list[tuple[int, int, float]] = []
    started("logistic", epochs=3).run(watch=lambda *call: calls.append(call))
    assert [call[:2] for call in calls] == [(1, 3), (2, 3), (3, 3)]
    assert all(0 < call[2] <= 1 for call in calls)


@pytest.mark.parametrize("name", NAMES)
def test_a_class_whose_samples_are_all_left_out_stays_a_class(name: Name) -> None:
    rows, labels, _ = wine()
    rounds = started(name, epochs=6)
    rounds.run(pulse=lambda: rounds.epoch == 3)
    before = rounds.outputs(rows)[:, 0].mean()
    for _ in range(3):
        rounds.pacer.weight[labels == 0] = 0
        rounds.run(pulse=lambda: True)
    outputs = rounds.outputs(rows)
    assert outputs.shape[1] == 3 and np.isfinite(outputs).all()
    assert outputs[:, 0].mean() < before


def test_leaving_rows_out_changes_no_bin() -> None:
    rows, labels, _ = wine()
    wide = np.concatenate([rows] * 4) + np.arange(4 * len(rows), dtype=np.float32)[:, None] / 1e4
    assert len(np.unique(wide[:, 0])) > 255
    rounds = Rounds("hgb", wide, labels.repeat(4), Classes(3), Settings(epochs=2))
    rounds.run(pulse=lambda: True)
    bins = rounds.model.estimators[0]._bin_mapper.bin_thresholds_
    rounds.pacer.weight[torch.from_numpy(wide[:, 0] > 0)] = 0
    rounds.run()
    after = rounds.model.estimators[0]._bin_mapper.bin_thresholds_
    assert all((one == other).all() for one, other in zip(bins, after, strict=True))


def of_another_version() -> dict[str, Any]:
    """A state whose model is of a module that there is no more."""
    gone = b"cselfpaced.audit.ensembles\nEnsemble\n."
    model = torch.frombuffer(bytearray(gone), dtype=torch.uint8)
    return started("hgb").state_dict() | {"model": model}


BAD: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: started("hgb").load_state_dict(of_another_version()),
        r"model of another version of selfpaced \(No module named 'selfpaced.audit.ensembles'\). "
        r"Use that version, or begin again with force=True",
    ),
    (lambda: started(cast(Name, "logisitc")), "estimator must be one of .* Did you mean .logistic"),
    (
        lambda: Rounds("hgb", np.zeros((3, 2)), torch.arange(2), Classes(2), Settings()),
        "needs a label per row; got 3 rows and 2 labels",
    ),
    (
        lambda: Rounds("hgb", np.zeros((3, 2)), torch.zeros(3).long(), Classes(1), Settings()),
        "two classes or more",
    ),
    (
        lambda: started("hgb").load_state_dict({"epoch": 1}),
        "Rounds: the state is cut short; it lacks",
    ),
    (
        lambda: started("hgb").load_state_dict(started("logistic").state_dict()),
        r"Rounds\('hgb'\) cannot load a state of 'logistic'. Make Rounds with the name",
    ),
]


@pytest.mark.parametrize(("make", "said"), BAD)
def test_arguments_that_do_not_fit_are_refused(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()
