"""Claims about a run, from its plan to its result."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from torch import nn

from selfpaced import Pacer
from selfpaced.age import Threshold
from selfpaced.audit import Options, Trained, read
from selfpaced.audit import _run as module
from selfpaced.audit._learning.choice import OF_NUMBERS
from selfpaced.audit._learning.estimators import Rounds
from selfpaced.audit._learning.machine import Alone
from selfpaced.audit._learning.training import Training
from selfpaced.audit._plan import Plan
from selfpaced.audit._prepare import prepare
from selfpaced.audit._run import Epoch, Run, architecture, machine
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant

Start = Callable[[Plan, Path], Run]
Train = Callable[[Plan, Path], Run]
WriteModule = Callable[[str, str], None]

ROWS = 160
# The rows of the table with a wrong label.
WRONG = range(3, 160, 10)
# Settings of a network that learns 160 rows well, and judges the labels that it learned.
LONG: dict[str, Any] = {"epochs": 40, "batch_size": 16, "folds": 0}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a table of two clusters: in every tenth row the class and the weight are wrong."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("data") / "pets.csv"
    lines = ["ears,tail,kind,weight"]
    for place in range(ROWS):
        dog = place % 2
        ears, tail = rng.normal(size=2) + 4 * dog
        weight = ears + 2 * tail
        if place in WRONG:
            dog, weight = 1 - dog, weight + 40
        lines.append(f"{ears:.4f},{tail:.4f},{('cat', 'dog')[dog]},{weight:.4f}")
    path.write_text("\n".join(lines) + "\n")
    return path


PLAN: dict[str, Any] = {"epochs": 6, "learner": "network"}


def plan_of(table: Path, label: str = "kind", **asked: Any) -> Plan:
    """Return a plan of six epochs of a network, unless something else is asked for."""
    other = {"kind": "weight", "weight": "kind"}[label]
    return Plan(table, Options(label=label, ignore=(other,)), **PLAN | asked)


@pytest.fixture(scope="module")
def train(start: Start) -> Train:
    """Return a function that trains a run to its end."""

    def train_run(plan: Plan, folder: Path) -> Run:
        run = start(plan, folder)
        assert run.train()
        return run

    return train_run


def network_of(model: Trained) -> Any:
    """Return the network of a model."""
    return model.model.members["network"].module


def test_wrong_labels_are_found_by_a_network_that_learned_them(
    table: Path, tmp_path: Path, train: Train
) -> None:
    found, model = train(plan_of(table, **LONG), tmp_path).conclude()
    assert set(found.table.index[: len(WRONG)]) == set(WRONG)
    assert model.names == ("cat", "dog") and not network_of(model).training
    assert model.predict(read(table, Options(known=False)))["predicted"][3] == "dog"
    assert found.reliability is None and model.built["shares"] is None


KINDS = ["logistic", "kernel", "boosting", "trees", "network"]


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        ({"epochs": 8}, KINDS),
        ({"learner": "network", "epochs": 40, "batch_size": 16}, ["network"]),
        ({"learner": "network", "epochs": 40, "batch_size": 16, "folds": 2}, ["network"]),
        ({"learner": "boosting"}, ["boosting"]),
        ({"learner": "kernel"}, ["kernel"]),
        ({"learner": "trees"}, ["trees"]),
        ({"learner": "logistic"}, ["logistic"]),
    ],
    ids=str,
)
def test_wrong_labels_are_found_by_models_that_did_not_learn_them(
    table: Path, tmp_path: Path, train: Train, asked: dict[str, Any], kinds: list[str]
) -> None:
    plan = plan_of(table, **{"learner": "auto", "epochs": None} | asked)
    found, model = train(plan, tmp_path).conclude()
    if kinds == ["logistic"]:  # wrong labels of one class only move its plane
        assert len(set(found.table.index[:20]) & set(WRONG)) >= 14
    else:  # row 119 has a right label, and lies among the other class
        assert set(WRONG) <= set(found.table.index[:17])
        assert set(WRONG) <= set(found.suspects.index) <= {*WRONG, 119}
    assert found.count.low <= len(WRONG) <= found.count.high
    assert model.predict(read(table, Options(known=False)))["predicted"][3] == "dog"
    assert list(model.model.members) == kinds == model.built["members"]
    weights = {kind: share[0] for kind, share in model.built["shares"].items()}
    assert found.reliability is not None and found.reliability.learners == weights
    assert list(weights) == kinds and model.built["folds"] == (
        asked.get("folds") or FOLDS[kinds[-1]]
    )


FOLDS = dict.fromkeys(KINDS, 5) | {"network": 3}


def test_wrong_numbers_are_found_in_the_users_unit(
    table: Path, tmp_path: Path, train: Train
) -> None:
    found, _ = train(plan_of(table, "weight", epochs=40), tmp_path).conclude()
    assert set(WRONG) <= set(found.table.index[:20])
    three = found.table.loc[3]
    assert three["label"] > 40 and abs(three["label"] - 40 - three["suggested"]) < 5


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_an_estimator_learns_numbers_instead_of_a_network(
    table: Path, tmp_path: Path, train: Train, name: str
) -> None:
    run = train(plan_of(table, "weight", learner=name, epochs=None), tmp_path)
    found, model = run.conclude()
    (part,) = run.learner.parts
    assert isinstance(part, Rounds) and run.learner.pulses == run.learner.epochs == 8
    assert len(set(found.table.index[:20]) & set(WRONG)) >= 14
    assert list(model.model.members) == [name] and model.built["shares"] is None


@pytest.mark.parametrize("name", ["trees", "kernel"])
def test_a_learner_of_classes_is_refused_for_numbers(
    table: Path, tmp_path: Path, start: Start, name: str
) -> None:
    with pytest.raises(ValueError, match=f"learner={name} learns classes, and these labels are nu"):
        start(plan_of(table, "weight", learner=name), tmp_path)


def test_the_users_network_is_trained(
    table: Path, tmp_path: Path, start: Start, train: Train, write_module: WriteModule
) -> None:
    write_module(
        "nets_of_a_user",
        "from torch import nn\n"
        "def make(shape, outputs):\n"
        "    return nn.Sequential(nn.Linear(*shape, 8), nn.BatchNorm1d(8), nn.Linear(8, outputs))\n"
        "def nothing(shape, outputs):\n"
        "    return 7\n",
    )
    _, model = train(plan_of(table, model="nets_of_a_user:make"), tmp_path).conclude()
    assert isinstance(network_of(model).networks[0][1], nn.BatchNorm1d)
    assert model.built["network"] == "nets_of_a_user:make" and model.built["folds"] == 3
    alone = plan_of(table, model="nets_of_a_user:make", learner="auto", epochs=1, folds=0)
    _, model = train(alone, tmp_path).conclude()
    assert isinstance(network_of(model)[1], nn.BatchNorm1d) and model.built["folds"] == 0
    with pytest.raises(ValueError, match="must return a torch module; it returned int"):
        start(plan_of(table, model="nets_of_a_user:nothing"), tmp_path)


def test_a_network_that_could_not_be_saved_is_refused_before_the_training(
    table: Path,
    tmp_path: Path,
    start: Start,
    with_text: type[nn.Linear],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def make(shape: tuple[int, ...], outputs: int) -> nn.Module:
        return with_text(shape[0], outputs)

    monkeypatch.setattr("selfpaced.audit._learning.networks.factory", lambda name: make)
    with pytest.raises(ValueError, match="The network cannot be saved: its state holds more than"):
        start(plan_of(table, model="my.networks:make"), tmp_path)


def images(folder: Path, side: int, n: int = 12) -> Path:
    """Write an array of n images."""
    path = folder / f"{side}.npz"
    pixels = np.random.default_rng(0).integers(0, 255, (n, side, side), dtype=np.uint8)
    np.savez(path, X=pixels, y=np.arange(n) % 3)
    return path


def test_images_of_eight_pixels_get_a_cnn(tmp_path: Path, train: Train) -> None:
    for side, name in ((8, "cnn"), (7, "mlp")):
        plan = Plan(images(tmp_path, side), learner="network", epochs=1)
        made = architecture(plan, prepare(read(plan.path, plan.options)), 3)
        assert made == {"network": name, "folds": 3, "shape": [1, side, side], "outputs": 3}
        built = train(plan, tmp_path).conclude()[1].built
        assert built.items() >= made.items() and built["members"] == ["network"]


@pytest.mark.parametrize(("side", "shift"), [(13, 0), (14, 1), (28, 2)])
def test_images_are_shifted_unless_the_plan_says_no(
    tmp_path: Path, start: Start, side: int, shift: int
) -> None:
    plan = Plan(images(tmp_path, side), learner="network", epochs=1)
    assert start(plan, tmp_path).learner.parts[0].settings.shift == shift
    assert start(replace(plan, shifts=False), tmp_path).learner.parts[0].settings.shift == 0


def test_tables_are_not_shifted_and_each_training_has_its_settings(
    table: Path, tmp_path: Path, start: Start
) -> None:
    plan = plan_of(table, learner="auto", epochs=None)
    rounds, network = start(plan, tmp_path).learner.parts
    assert isinstance(rounds, Rounds) and isinstance(network, Training)
    assert rounds.settings == plan.rounds(ROWS) and network.settings == plan.settings(ROWS)
    assert (rounds.settings.folds, network.settings.folds, network.settings.shift) == (5, 3, 0)
    (alone,) = start(plan_of(table, "weight", learner="auto"), tmp_path).learner.parts
    assert alone.settings.folds == 0


# What is asked for, the label, the pulse that stops the run, and the number of losses kept.
STOPS: list[tuple[dict[str, Any], str, int, int]] = [
    ({"folds": 0}, "kind", 7, 6),
    ({}, "kind", 7, 6),
    ({}, "kind", 36, 6),
    ({}, "weight", 7, 6),
    ({}, "weight", 30, 6),
    ({"learner": "boosting"}, "kind", 2, 6),
    ({"learner": "boosting"}, "weight", 2, 6),
    ({"learner": "auto", "epochs": 3}, "kind", 2, 3),
    ({"learner": "auto", "epochs": 3}, "kind", 3, 3),
    ({"learner": "auto", "epochs": 3}, "kind", 14, 3),
]


@pytest.mark.parametrize(("asked", "label", "after", "kept"), STOPS)
def test_a_run_that_was_stopped_continues_bit_for_bit(
    table: Path,
    tmp_path: Path,
    start: Start,
    train: Train,
    asked: dict[str, Any],
    label: str,
    after: int,
    kept: int,
) -> None:
    plan = plan_of(table, label, **asked)
    whole, _ = train(plan, tmp_path).conclude()
    folder, calls = tmp_path / "stopped", []
    folder.mkdir()

    def pulse() -> bool:
        calls.append(1)
        return len(calls) == after

    stopped = start(plan, folder)
    assert not stopped.train(pulse=pulse) and stopped.learner.done == after
    again = start(plan, folder)
    again.resume()
    assert again.learner.done == after and again.train()
    assert again.conclude()[0].table.equals(whole.table)
    losses = again.losses_by_epoch()
    assert losses is not None and losses.shape == (kept, ROWS)


def test_a_run_goes_on_with_the_same_trainings_only(
    table: Path, tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(table, learner="auto")
    start(plan, tmp_path).train(pulse=lambda: True)
    prepared = prepare(read(plan.path, plan.options))

    @dataclass(frozen=True)
    class OneOfTwo(Alone):
        num_processes: int = 2

    other = Run(plan, prepared, tmp_path, OneOfTwo(torch.device("cpu")))
    with pytest.raises(
        ValueError, match="stopped with 2 kinds of training, and would go on with 1"
    ):
        other.resume()


OWN = (
    "from torch import nn\ndef make(shape, n):\n    return nn.Sequential(nn.Linear(*shape, n){})\n"
)


def test_a_run_goes_on_with_the_same_code_versions_and_features_only(
    table: Path,
    tmp_path: Path,
    start: Start,
    write_module: WriteModule,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_module("own_net", OWN.format(""))
    plan = plan_of(table, model="own_net:make", epochs=2)
    start(plan, tmp_path).train(pulse=lambda: True)
    said = "other parts; these differ: {}. Restore them, or begin again with force=True"

    write_module("own_net", OWN.format(", nn.Tanh()"))
    with pytest.raises(ValueError, match=said.format(r"the code of model=\.\.\.")):
        start(plan, tmp_path).resume()

    write_module("own_net", OWN.format("") + "# the same network\n")
    other = replace(prepare(read(plan.path, plan.options)))
    other.inputs.dense[0] += 1
    with pytest.raises(ValueError, match=said.format("the numbers that the samples become")):
        Run(plan, other, tmp_path, machine(plan)).resume()

    monkeypatch.setattr("selfpaced.audit._folder.origin.__version__", "9.1")
    with pytest.raises(ValueError, match=said.format(r"selfpaced \(.*, then 9\.1\)")):
        start(plan, tmp_path).resume()
    monkeypatch.undo()
    monkeypatch.syspath_prepend(str(tmp_path))
    start(plan, tmp_path).resume()


def test_a_run_that_is_killed_continues_from_its_last_checkpoint(
    table: Path, tmp_path: Path, start: Start, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(table)
    whole, _ = train(plan, tmp_path).conclude()
    monkeypatch.setattr(module, "MINUTE", 0.0)

    def die(epoch: Epoch) -> None:
        if epoch.number == 4:
            raise KeyboardInterrupt

    folder = tmp_path / "killed"
    folder.mkdir()
    with pytest.raises(KeyboardInterrupt):
        start(plan, folder).train(die)
    again = start(plan, folder)
    again.resume()
    assert again.learner.epoch == 3
    again.train()
    assert again.conclude()[0].table.equals(whole.table)


def test_watch_is_called_after_every_epoch(table: Path, tmp_path: Path, start: Start) -> None:
    epochs: list[Epoch] = []
    losses: list[float] = []

    def watch(epoch: Epoch) -> None:
        epochs.append(epoch)
        losses.append(epoch.loss)

    start(plan_of(table), tmp_path).train(watch)
    assert [(epoch.number, epoch.of) for epoch in epochs] == [(n, 6) for n in range(1, 7)]
    assert losses[-1] < losses[0]


def test_doubted_counts_classes_that_look_wrong_and_numbers_that_are_left_out() -> None:
    losses, labels = torch.tensor([0.01, 0.02, 0.03, 5.0]), torch.tensor([0, 0, 0, 1])
    logits = torch.stack([-losses, torch.expm1(losses).log() - losses], 1)
    logits[3] = logits[3].flip(0)
    classes, numbers = Pacer(4), Pacer(4, age=Threshold(Constant(0.025)), difficulty=Loss())
    for _ in range(4):
        classes.observe(losses, torch.arange(4), logits, labels, probabilities=True)
        numbers.observe(losses, torch.arange(4))
        for pacer in (classes, numbers):
            pacer.step()
    assert Epoch(4, 9, 1.0, classes).doubted == 1
    assert Epoch(4, 9, 0.5, numbers).doubted == 2
    assert Epoch(4, 9, 0.5, numbers).loss == pytest.approx(0.015)


def test_too_many_losses_are_not_kept(
    table: Path, tmp_path: Path, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_LOSSES", 6 * ROWS - 1)
    assert train(plan_of(table), tmp_path).losses_by_epoch() is None


def test_a_full_disk_is_noticed_before_the_training(
    table: Path,
    tmp_path: Path,
    start: Start,
    full_disk: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = start(plan_of(table), tmp_path)
    monkeypatch.setattr("selfpaced._files.os.fsync", full_disk)
    with pytest.raises(OSError, match="disk is full: .* Free some space and begin again"):
        run.train()
    assert run.learner.epoch == 0 and not list(tmp_path.iterdir())


def test_settings_that_the_machine_does_not_support_are_refused(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="^precision=fp16 needs a GPU, and this machine has none"):
        machine(plan_of(table, precision="fp16"))
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    monkeypatch.setattr(Accelerator, "num_processes", 2)
    with pytest.raises(ValueError, match=r"^learner=boosting runs in one process; got 2. Start"):
        machine(plan_of(table, learner="boosting"))


@pytest.fixture
def fresh_accelerate() -> Any:
    """Reset accelerate before and after a test: a process keeps its first precision."""
    AcceleratorState._reset_state(True)
    GradientState._reset_state()
    yield
    AcceleratorState._reset_state(True)
    GradientState._reset_state()


@pytest.mark.usefixtures("fresh_accelerate")
def test_one_process_needs_no_accelerate_for_the_same_bits(
    table: Path, tmp_path: Path, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = train(plan_of(table), tmp_path)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")  # as a launcher does
    launched = train(plan_of(table), tmp_path)
    assert isinstance(alone.machine, Alone) and isinstance(launched.machine, Accelerator)
    one, other = alone.learner.state_dict(), launched.learner.state_dict()
    torch.testing.assert_close(one, other, rtol=0, atol=0)
    (found, model), (same, like) = alone.conclude(), launched.conclude()
    assert found.table.equals(same.table)
    ours, theirs = (network_of(each).state_dict() for each in (model, like))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


@pytest.mark.usefixtures("fresh_accelerate")
def test_a_precision_holds_only_in_the_training(table: Path, tmp_path: Path, start: Start) -> None:
    run = start(plan_of(table, precision="bf16", **LONG), tmp_path)
    seen: list[torch.dtype] = []
    (part,) = run.learner.parts
    layers = [layer for layer in part.model.modules() if isinstance(layer, nn.Linear)]
    layers[0].register_forward_hook(lambda *each: seen.append(each[-1].dtype))
    run.train()
    assert set(seen) == {torch.bfloat16}
    seen.clear()
    found, model = run.conclude()
    model.outputs(run.prepared.inputs)
    assert set(seen) == {torch.float32}
    assert set(found.table.index[: len(WRONG)]) == set(WRONG)


def test_the_seed_decides_the_result(table: Path, tmp_path: Path, train: Train) -> None:
    plan = plan_of(table)
    one, same = (train(plan, tmp_path).conclude()[0].table for _ in range(2))
    other = train(replace(plan, seed=1), tmp_path).conclude()[0].table
    assert one.equals(same) and not one.equals(other)


def test_numbers_are_judged_by_estimators_that_did_not_learn_them(
    table: Path, tmp_path: Path, train: Train
) -> None:
    run = train(plan_of(table, "weight", learner="boosting", epochs=None), tmp_path)
    found, _ = run.conclude()
    (part,), (center, unit) = run.learner.parts, run.prepared.scale
    assert part.predicted is not None
    suggested = found.table["suggested"].sort_index().to_numpy()
    np.testing.assert_allclose(suggested, part.predicted * unit + center, rtol=1e-5)
