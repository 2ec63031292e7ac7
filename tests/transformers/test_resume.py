"""A Trainer's run that was stopped goes on as if it had not been: one process and two."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    Trainer,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from selfpaced import PacedSampler, Pacer
from selfpaced.age import Quantile
from selfpaced.pacing import Ramp
from selfpaced.transformers import SelfPacedTrainer
from selfpaced.transformers._epochs import Epochs

Spawn = Callable[[Callable[[int, int, str], None], int], list[dict[str, Any]]]
N, EPOCHS, FILE = 22, 3, "selfpaced.safetensors"


def train_set(n: int = N) -> list[dict[str, Any]]:
    """Sequences of five tokens; the first decides the class, and every fifth label is wrong."""
    tokens = torch.randint(5, 40, (n, 5), generator=torch.Generator().manual_seed(0))
    labels = [int(row[0] > 22) ^ (place % 5 == 0) for place, row in enumerate(tokens.tolist())]
    return [{"input_ids": x, "labels": y} for x, y in zip(tokens, labels, strict=True)]


def model() -> BertForSequenceClassification:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    return BertForSequenceClassification(BertConfig(vocab_size=40, intermediate_size=8, **sizes))


def arguments(folder: Path | str, **settings: Any) -> TrainingArguments:
    """Accumulate over two batches of two; dropout stays on."""
    given: dict[str, Any] = {
        "save_strategy": "steps",
        "save_steps": 3,
        "num_train_epochs": EPOCHS,
    } | settings
    return TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=2,
        gradient_accumulation_steps=2,
        learning_rate=1e-2,
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        **given,
    )


def trainer(folder: Path | str, *, samples: bool = False, **settings: Any) -> SelfPacedTrainer:
    """A trainer that keeps half of the samples at first, and all in the end."""
    pacer = Pacer(N, age=Quantile(Ramp(0.5, 1.0, steps=4)))
    sampler = PacedSampler(pacer, length="dataset", num_replicas=1, rank=0) if samples else False
    args = arguments(folder, **settings)
    return SelfPacedTrainer(
        model=model(),
        args=args,
        train_dataset=train_set(),
        eval_dataset=train_set(8),
        pacer=pacer,
        sampler=sampler,
    )


def outcome(run: SelfPacedTrainer) -> dict[str, Any]:
    """All that two runs must have in common."""
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
    state = run.pacer.state_dict()["_extra_state"]
    return {"model": weights, "pacer": state, "logged": logged}


def same(one: Any, other: Any) -> bool:
    """Bit for bit, NaN included."""
    if isinstance(one, Tensor):
        return torch.equal(one.nan_to_num(nan=-7.0), other.nan_to_num(nan=-7.0))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def resumed(
    folder: Path | str, step: int, *, samples: bool = False, **settings: Any
) -> dict[str, Any]:
    run = trainer(folder, samples=samples, save_strategy="no", **settings)
    run.train(resume_from_checkpoint=str(Path(folder, f"checkpoint-{step}")))
    return outcome(run)


@pytest.mark.parametrize("samples", [False, True], ids=["the host samples", "PacedSampler"])
def test_a_run_goes_on_to_the_bit_from_any_step(samples: bool, tmp_path: Path) -> None:
    whole = trainer(tmp_path, samples=samples, save_steps=1)
    whole.train()
    expected = outcome(whole)
    assert len(expected["pacer"]["history"]) == EPOCHS
    # 6 steps an epoch, the last of one batch: in the middle, before that one, after it, the end
    for step in (9, 11, 12, 18):
        assert same(resumed(tmp_path, step, samples=samples), expected), step


def test_a_run_goes_on_from_the_end_of_an_epoch(tmp_path: Path) -> None:
    whole = trainer(tmp_path, save_strategy="epoch")
    whole.train()
    again = trainer(tmp_path, save_strategy="no")
    (tmp_path / "checkpoint-18").rename(tmp_path / "last")
    again.train(resume_from_checkpoint=True)  # finds the one of step 12
    assert same(outcome(again), outcome(whole))


def test_max_steps_cuts_an_epoch_short_and_more_of_them_go_on(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"lr_scheduler_type": "constant", "save_steps": 8}
    short = trainer(tmp_path, max_steps=8, **settings)
    short.train()
    assert short.pacer.steps == 2  # the second epoch, of two steps, counts as one
    whole = trainer(tmp_path / "whole", max_steps=15, **settings)
    whole.train()
    again = trainer(tmp_path, max_steps=15, **settings)
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-8"))
    assert same(outcome(again), outcome(whole))  # the file is of before that step


def test_rotation_and_the_best_model_keep_the_file(tmp_path: Path) -> None:
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


def test_a_checkpoint_of_the_host_says_what_is_lost(tmp_path: Path) -> None:
    plain = Trainer(model=model(), args=arguments(tmp_path, max_steps=3), train_dataset=train_set())
    plain.train()
    with pytest.raises(ValueError, match="has no selfpaced.safetensors: the losses .* are lost"):
        resumed(tmp_path, 3)


def test_a_checkpoint_of_another_order_is_refused(tmp_path: Path) -> None:
    trainer(tmp_path, max_steps=3).train()
    with pytest.raises(ValueError, match="was saved without a PacedSampler. Give the trainer the"):
        resumed(tmp_path, 3, samples=True)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    trainer(tmp_path, max_steps=3).train()
    file = tmp_path / "checkpoint-3" / FILE
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(ValueError, match="selfpaced.safetensors is damaged: .* another one"):
        resumed(tmp_path, 3)


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    trainer(tmp_path, max_steps=3).train()
    folder = tmp_path / "checkpoint-3"
    (folder / FILE).write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(ValueError, match="is no file of selfpaced: its metadata lacks it"):
        resumed(tmp_path, 3)


def test_a_failed_write_leaves_the_earlier_file(tmp_path: Path) -> None:
    run = trainer(tmp_path, max_steps=3)
    run.train()
    file = tmp_path / "checkpoint-3" / FILE
    before = file.read_bytes()
    run.pacer.history.append({"step": object()})  # type: ignore[dict-item]  # nothing JSON can hold
    with pytest.raises(TypeError):
        run._save_optimizer_and_scheduler(str(file.parent))
    assert file.read_bytes() == before
    assert not list(tmp_path.rglob(".partial-*"))


def test_the_sampler_is_told_which_epoch_begins(tmp_path: Path) -> None:
    pacer = Pacer(N)
    sampler = PacedSampler(pacer, length="dataset", num_replicas=1, rank=0)
    epochs = Epochs(pacer, sampler, lambda logs: None)
    now = arguments(tmp_path), TrainerState(epoch=3.5), TrainerControl()
    epochs.on_train_begin(*now)
    epochs.on_epoch_begin(*now)
    next(iter(sampler))
    assert sampler.epoch == 3


def gpt() -> GPT2LMHeadModel:
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(vocab_size=40, n_embd=8, n_layer=1, n_head=2, n_positions=8))


def texts() -> list[dict[str, Any]]:
    """Of some, fewer tokens count: the ranks have different numbers of them."""
    rows = [sample["input_ids"] for sample in train_set()]
    kept = [torch.arange(5) < 2 + i % 4 for i in range(N)]
    return [
        {"input_ids": x, "labels": torch.where(k, x, -100)} for x, k in zip(rows, kept, strict=True)
    ]


def weights_of(kind: type[Trainer], what: str, folder: str, **given: Any) -> dict[str, Tensor]:
    """The weights after an epoch."""
    made, data = (model(), train_set()) if what == "classes" else (gpt(), texts())
    args = arguments(Path(folder, "one"), save_strategy="no", num_train_epochs=1)
    run = kind(model=made, args=args, train_dataset=data, **given)
    run.train()
    return dict(made.state_dict())


def rank_main(rank: int, port: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK=str(rank))
    os.environ.update(WORLD_SIZE="2", LOCAL_RANK=str(rank), ACCELERATE_USE_CPU="true")
    torch.set_num_threads(1)
    saved: dict[str, Any] = {}
    for samples, step in ((False, 4), (True, 4), (True, 3)):  # 3 steps an epoch
        here = Path(folder, str(samples))
        if f"whole {samples}" not in saved:
            whole = trainer(here, samples=samples, save_steps=1, num_train_epochs=2)
            whole.train()
            saved[f"whole {samples}"] = outcome(whole)
        saved[f"{step} {samples}"] = resumed(here, step, samples=samples, num_train_epochs=2)
    for what in ("classes", "tokens"):
        saved[f"host's {what}"] = weights_of(Trainer, what, folder)
        ours = weights_of(SelfPacedTrainer, what, folder, pacer=Pacer(N, age=None))
        saved[f"our {what}"] = ours
    torch.save(saved, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def ranks(spawn: Spawn) -> list[dict[str, Any]]:
    return spawn(rank_main, 2)


@pytest.mark.parametrize(("samples", "step"), [(False, 4), (True, 4), (True, 3)])
def test_two_processes_go_on_to_the_bit(
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
def test_two_processes_with_all_weights_one_are_the_hosts(
    ranks: list[dict[str, Any]], what: str
) -> None:
    for saved in ranks:
        for name, value in saved[f"host's {what}"].items():
            torch.testing.assert_close(saved[f"our {what}"][name], value, msg=name)
