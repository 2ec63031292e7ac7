"""A resumed run of a Trainer is equal to an uninterrupted run, in one process and in two."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import Trainer, TrainerControl, TrainerState

from selfpaced import PacedSampler, Pacer
from selfpaced.age import Quantile
from selfpaced.pacing import Ramp
from selfpaced.transformers import SelfPacedTrainer
from selfpaced.transformers._epochs import Epochs, read_state, write_state

N = 22
EPOCHS = 3
LENGTH = 5  # tokens of each sequence: no padding
FILE = "selfpaced.safetensors"
Make = Callable[..., Any]


def accumulating(tiny: Any, folder: Path, **settings: Any) -> Any:
    """Arguments that accumulate over two batches of two; the models have dropout."""
    defaults: dict[str, Any] = {"save_strategy": "steps", "save_steps": 3}
    defaults |= {"num_train_epochs": EPOCHS, "learning_rate": 1e-2}
    defaults |= {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2}
    return tiny.arguments(folder, **(defaults | settings))


def growing(tiny: Any, folder: Path, *, samples: bool = False, **settings: Any) -> SelfPacedTrainer:
    """A trainer that keeps half of the samples at first, and all at the end."""
    pacer = Pacer(N, age=Quantile(Ramp(0.5, 1.0, steps=4)))
    sampler = PacedSampler(pacer, length="dataset", num_replicas=1, rank=0) if samples else False
    return SelfPacedTrainer(
        model=tiny.bert(),
        args=accumulating(tiny, folder, **settings),
        train_dataset=tiny.sentences(N, LENGTH, LENGTH),
        eval_dataset=tiny.sentences(8, LENGTH, LENGTH),
        pacer=pacer,
        sampler=sampler,
    )


@pytest.fixture
def trainer(tiny: Any) -> Make:
    """Return a function that makes the growing trainer."""
    return partial(growing, tiny)


@pytest.fixture
def resumed(tiny: Any) -> Make:
    """Return a function that resumes a run from a step, and gives its outcome."""
    return partial(resume, tiny)


def outcome(run: SelfPacedTrainer) -> dict[str, Any]:
    """The weights, the pacer and the logs, which must be equal in two runs."""
    assert run.model is not None
    logged = [
        {
            key: value
            for key, value in row.items()
            if "runtime" not in key and "per_second" not in key
        }
        for row in run.state.log_history
        if "train_runtime" not in row
    ]
    weights = dict(run.model.state_dict())
    state = run.pacer.get_extra_state()
    return {"model": weights, "pacer": state, "logged": logged}


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal to the bit; NaN is equal to NaN."""
    if isinstance(one, Tensor):
        return torch.equal(one.nan_to_num(nan=-7.0), other.nan_to_num(nan=-7.0))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def resume(
    tiny: Any, folder: Path, step: int, *, samples: bool = False, **settings: Any
) -> dict[str, Any]:
    run = growing(tiny, folder, samples=samples, save_strategy="no", **settings)
    run.train(resume_from_checkpoint=str(Path(folder, f"checkpoint-{step}")))
    return outcome(run)


@pytest.mark.parametrize("samples", [False, True], ids=["the host samples", "PacedSampler"])
def test_a_run_resumes_to_the_bit_from_any_step(
    trainer: Make, resumed: Make, tmp_path: Path, samples: bool
) -> None:
    whole = trainer(tmp_path, samples=samples, save_steps=1)
    whole.train()
    expected = outcome(whole)
    assert len(expected["pacer"]["history"]) == EPOCHS
    # An epoch has 6 steps, the last of one batch. The steps are in the middle of an epoch, before
    # that last step, after it, and at the end.
    for step in (9, 11, 12, 18):
        assert same(resumed(tmp_path, step, samples=samples), expected), step


def test_a_run_resumes_from_the_end_of_an_epoch(trainer: Make, tmp_path: Path) -> None:
    whole = trainer(tmp_path, save_strategy="epoch")
    whole.train()
    again = trainer(tmp_path, save_strategy="no")
    (tmp_path / "checkpoint-18").rename(tmp_path / "last")
    again.train(resume_from_checkpoint=True)  # finds the checkpoint of step 12
    assert same(outcome(again), outcome(whole))


def test_a_run_that_max_steps_ended_resumes_with_more_steps(trainer: Make, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"lr_scheduler_type": "constant", "save_steps": 8}
    short = trainer(tmp_path, max_steps=8, **settings)
    short.train()
    assert short.pacer.steps == 2  # the second epoch, of two steps, counts as one
    whole = trainer(tmp_path / "whole", max_steps=15, **settings)
    whole.train()
    again = trainer(tmp_path, max_steps=15, **settings)
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-8"))
    assert same(outcome(again), outcome(whole))  # the file was saved before that step


def test_rotation_and_the_best_model_keep_the_file(trainer: Make, tmp_path: Path) -> None:
    run = trainer(
        tmp_path,
        save_strategy="epoch",
        eval_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=True,
    )
    run.train()
    left = sorted(path.name for path in tmp_path.glob("checkpoint-*"))
    assert left
    assert all((tmp_path / name / FILE).exists() for name in left)
    assert run.pacer.steps == EPOCHS


def test_a_checkpoint_of_the_host_is_refused(tiny: Any, resumed: Make, tmp_path: Path) -> None:
    args = accumulating(tiny, tmp_path, max_steps=3)
    samples = tiny.sentences(N, LENGTH, LENGTH)
    Trainer(model=tiny.bert(), args=args, train_dataset=samples).train()
    with pytest.raises(ValueError, match="has no selfpaced.safetensors: the losses .* are lost"):
        resumed(tmp_path, 3)


def test_a_checkpoint_without_the_sampler_is_refused(
    trainer: Make, resumed: Make, tmp_path: Path
) -> None:
    trainer(tmp_path, max_steps=3).train()
    with pytest.raises(ValueError, match="was saved without a PacedSampler. Give the trainer the"):
        resumed(tmp_path, 3, samples=True)


def test_a_damaged_file_is_refused(trainer: Make, resumed: Make, tmp_path: Path) -> None:
    trainer(tmp_path, max_steps=3).train()
    file = tmp_path / "checkpoint-3" / FILE
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(ValueError, match="selfpaced.safetensors is damaged: .* another checkpoint"):
        resumed(tmp_path, 3)


def test_a_file_of_another_program_is_refused(trainer: Make, resumed: Make, tmp_path: Path) -> None:
    trainer(tmp_path, max_steps=3).train()
    folder = tmp_path / "checkpoint-3"
    (folder / FILE).write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(ValueError, match="was not written by selfpaced: its metadata has no"):
        resumed(tmp_path, 3)


def seen(loss: float) -> Epochs:
    """Return the callback of a run within its first epoch."""
    pacer = Pacer(N)
    pacer.observe(torch.full((N,), loss), torch.arange(N))
    made = Epochs(pacer, PacedSampler(pacer), lambda numbers: None)
    made.running = True
    return made


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"sampler": 3}, "PacedSampler: the state must be a dict; got 3"),
        ({"pacer": {"_extra_state": [3]}}, "Pacer: the state must be a dict; got 3"),
        ({"running": 1}, r"selfpaced.safetensors: 'running' of the state must be True or False"),
        ({"version": 2}, "selfpaced.safetensors: the state is of version 2, newer than 1"),
    ],
)
def test_a_damaged_part_of_a_file_changes_no_other_part(
    tmp_path: Path, damage: dict[str, Any], said: str
) -> None:
    seen(1.0).save(str(tmp_path), writes=True)
    write_state(read_state(tmp_path / FILE) | damage, tmp_path / FILE)
    other = seen(2.0)
    with pytest.raises(ValueError, match=said):
        other.load(str(tmp_path))
    assert other.pacer.ledger.loss.eq(2.0).all() and not other._restored


def test_a_file_whose_metadata_does_not_fit_is_refused(tmp_path: Path) -> None:
    for rest in ('{"a": "tensor:.b"}', "{"):
        save_file({".a": torch.ones(1)}, tmp_path / FILE, metadata={"selfpaced": rest})
        with pytest.raises(ValueError, match="is damaged: its metadata does not fit its tensors"):
            read_state(tmp_path / FILE)


def test_a_failed_write_leaves_the_earlier_file(trainer: Make, tmp_path: Path) -> None:
    run = trainer(tmp_path, max_steps=3)
    run.train()
    file = tmp_path / "checkpoint-3" / FILE
    before = file.read_bytes()
    run.pacer.history.append({"step": object()})  # no JSON type
    with pytest.raises(TypeError):
        run._save_optimizer_and_scheduler(str(file.parent))
    assert file.read_bytes() == before
    assert not list(tmp_path.rglob(".partial-*"))


def test_the_sampler_is_told_which_epoch_begins(tiny: Any, tmp_path: Path) -> None:
    pacer = Pacer(N)
    sampler = PacedSampler(pacer, length="dataset", num_replicas=1, rank=0)
    epochs = Epochs(pacer, sampler, lambda logs: None)
    now = accumulating(tiny, tmp_path), TrainerState(epoch=3.5), TrainerControl()
    epochs.on_train_begin(*now)
    epochs.on_epoch_begin(*now)
    next(iter(sampler))
    assert sampler.epoch == 3


def test_the_sampler_is_told_how_many_epochs_there_are(tiny: Any, tmp_path: Path) -> None:
    pacer = Pacer(N)
    sampler = PacedSampler(pacer, length="dataset", thin=0.5, num_replicas=1, rank=0)
    pacer.observe(torch.arange(float(N)), torch.arange(N))
    pacer.step()
    epochs = Epochs(pacer, sampler, lambda logs: None)
    for epoch, thinned in ((2, True), (3, False)):
        state = TrainerState(epoch=epoch, num_train_epochs=4)
        now = accumulating(tiny, tmp_path), state, TrainerControl()
        epochs.on_train_begin(*now)
        epochs.on_epoch_begin(*now)
        next(iter(sampler))
        assert (pacer.importance is not None) == thinned


def trained_weights(
    tiny: Any, kind: type[Trainer], what: str, folder: Path, **given: Any
) -> dict[str, Tensor]:
    """The weights after an epoch on classes, or on tokens of which each rank has another number."""
    if what == "classes":
        model, samples = tiny.bert(), tiny.sentences(N, LENGTH, LENGTH)
    else:
        model, samples = tiny.gpt(), tiny.texts(N, LENGTH, LENGTH)
        for place, sample in enumerate(samples):
            counted = 2 + place % 4
            labels = [*sample["input_ids"][:counted], *[-100] * (LENGTH - counted)]
            sample["labels"] = labels
    args = accumulating(tiny, folder / "one", save_strategy="no", num_train_epochs=1)
    run = kind(model=model, args=args, train_dataset=samples, **given)
    run.train()
    return dict(model.state_dict())


def rank_main(tiny: Any, rank: int, folder: Path) -> dict[str, Any]:
    saved: dict[str, Any] = {}
    for samples, step in ((False, 4), (True, 4), (True, 3)):  # 3 steps an epoch
        here = folder / str(samples)
        if f"whole {samples}" not in saved:
            whole = growing(tiny, here, samples=samples, save_steps=1, num_train_epochs=2)
            whole.train()
            saved[f"whole {samples}"] = outcome(whole)
        again = resume(tiny, here, step, samples=samples, num_train_epochs=2)
        saved[f"{step} {samples}"] = again
    for what in ("classes", "tokens"):
        saved[f"host's {what}"] = trained_weights(tiny, Trainer, what, folder)
        pacer = Pacer(N, age=None)
        ours = trained_weights(tiny, SelfPacedTrainer, what, folder, pacer=pacer)
        saved[f"our {what}"] = ours
    return saved


@pytest.fixture(scope="module")
def ranks(tiny: Any, run_ranks: Make) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run_ranks(partial(rank_main, tiny))
    return found


@pytest.mark.parametrize(("samples", "step"), [(False, 4), (True, 4), (True, 3)])
def test_two_processes_resume_to_the_bit(
    ranks: list[dict[str, Any]], samples: bool, step: int
) -> None:
    for saved in ranks:
        assert same(saved[f"{step} {samples}"], saved[f"whole {samples}"])


def test_two_processes_agree_and_see_every_sample(ranks: list[dict[str, Any]]) -> None:
    for samples in (False, True):
        first, second = (saved[f"whole {samples}"]["pacer"] for saved in ranks)
        assert same(first, second)
        assert not first["ledger"]["packed"][:, 0].isnan().any()


@pytest.mark.parametrize("what", ["classes", "tokens"])
def test_two_processes_with_all_weights_one_train_as_the_host(
    ranks: list[dict[str, Any]], what: str
) -> None:
    for saved in ranks:
        for name, value in saved[f"host's {what}"].items():
            torch.testing.assert_close(saved[f"our {what}"][name], value, msg=name)
