"""Self-paced GRPO in trl's own trainer, with a model and a tokenizer made here."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.rloo_config import RLOOConfig
from trl.trainer.rloo_trainer import RLOOTrainer
from trl.trainer.utils import RepeatSampler

from selfpaced import Pacer
from selfpaced.age import Quantile
from selfpaced.pacing import Constant
from selfpaced.prompts import AsyncPassRates, Band, PassRates, PromptSampler
from selfpaced.trl import SelfPacedGRPOMixin, SelfPacedGRPOTrainer

pytestmark = [  # transformers warns of names that it uses itself
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:`gradient_checkpointing` is deprecated:FutureWarning"),
]

Spawn = Callable[[Callable[[int, int, str], None], int], list[dict[str, Any]]]
N, LETTERS = 12, "abcdefghijkl"
SIGNS = {sign: place for place, sign in enumerate(LETTERS + "E")}


def tokenizer() -> PreTrainedTokenizerFast:
    letters = Tokenizer(models.WordLevel(SIGNS, unk_token="E"))
    letters.decoder = decoders.Fuse()
    letters.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return PreTrainedTokenizerFast(tokenizer_object=letters, eos_token="E", pad_token="E")


def model() -> GPT2LMHeadModel:
    torch.manual_seed(0)
    config = GPT2Config(
        n_layer=1,
        n_head=2,
        n_embd=16,
        n_positions=8,
        vocab_size=13,
        bos_token_id=12,
        eos_token_id=12,
    )
    config.resid_pdrop = config.embd_pdrop = config.attn_pdrop = 0.0
    return GPT2LMHeadModel(config)


def weights(trainer: GRPOTrainer) -> Tensor:
    assert trainer.model is not None
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()])


def dataset(n: int = N) -> Dataset:
    return Dataset.from_dict({"prompt": list(LETTERS[:n])})


def early(completions: list[str], prompts: list[str], **columns: object) -> list[float | None]:
    """Reward a letter of the first half; prompt "a" never, prompt "b" always."""
    fixed = {"a": 0.0, "b": 1.0}
    pairs = zip(completions, prompts, strict=True)
    return [fixed.get(prompt, float(said[:1] in LETTERS[:6])) for said, prompt in pairs]


async def early_later(completions: list[str], **columns: Any) -> list[float | None]:
    return early(completions, **columns)


def settings(folder: Path, kind: Any = GRPOConfig, **changed: Any) -> Any:
    given = {
        "output_dir": str(folder),
        "per_device_train_batch_size": 12,
        "num_generations": 4,
        "max_completion_length": 1,
        "learning_rate": 1e-2,
        "use_cpu": True,
        "bf16": False,
        "report_to": "none",
        "disable_tqdm": True,
        "logging_steps": 1,
        "save_strategy": "no",
        "activation_checkpointing": False,
    }
    return kind(**given | changed)


def paced(
    folder: Path,
    reward: Any = None,
    kind: type[SelfPacedGRPOTrainer] = SelfPacedGRPOTrainer,
    data: Any = None,
    evaluated: Any = None,
    **changed: Any,
) -> SelfPacedGRPOTrainer:
    reward = PassRates(Band(0.2, 0.8).pacer(N), early) if reward is None else reward
    return kind(
        model(),
        reward,
        settings(folder, **changed),
        dataset() if data is None else data,
        evaluated,
        processing_class=tokenizer(),
    )


class Seen:
    """A reward that remembers which prompts it was asked about, batch by batch."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def __call__(
        self, prompts: list[str], completions: list[str], **columns: Any
    ) -> list[float | None]:
        self.batches.append(prompts[::4])
        return early(completions, prompts, **columns)


@pytest.mark.parametrize(
    ("batch_size", "repeat", "shuffle"), [(1, 1, True), (5, 3, True), (3, 2, False)]
)
@pytest.mark.parametrize("all_kept", [True, False])
def test_with_everything_kept_or_revisited_the_order_is_trls(
    batch_size: int, repeat: int, shuffle: bool, all_kept: bool
) -> None:
    plain = RepeatSampler(range(13), 2, batch_size, repeat, shuffle, seed=7)
    pacer = Band(0.0, 1.0).pacer(13)
    if not all_kept:
        pacer.weight.zero_()
    sampler = PromptSampler(pacer, 2, batch_size, repeat, shuffle, 7, revisit=1.0)
    assert len(sampler) == len(plain)
    for _ in range(3):
        assert list(sampler) == list(plain)


def test_a_band_of_everything_trains_what_trl_trains(tmp_path: Path) -> None:
    ours = paced(tmp_path, PassRates(Band(0.0, 1.0).pacer(N), early), num_train_epochs=2)
    ours.train()
    plain = GRPOTrainer(
        model(),
        early,
        settings(tmp_path, num_train_epochs=2),
        dataset(),
        processing_class=tokenizer(),
    )
    plain.train()  # after the other: making a trainer seeds what is generated
    assert torch.equal(weights(ours), weights(plain))
    assert not torch.equal(weights(ours), weights(paced(tmp_path)))
    for mine, its in zip(ours.state.log_history, plain.state.log_history, strict=True):
        assert mine.get("rewards/early/mean") == its.get("rewards/early/mean")


def test_only_prompts_that_are_solved_sometimes_are_drawn(tmp_path: Path) -> None:
    seen = Seen()
    trainer = paced(tmp_path, PassRates(Band(0.2, 0.8).pacer(N), seen), num_train_epochs=4)
    trainer.revisit = 0.0
    trainer.train()
    assert len(seen.batches) == trainer.state.max_steps == 4 * N // 3
    drawn = [prompt for batch in seen.batches for prompt in batch]
    assert sorted(drawn[:N]) == list(LETTERS)  # nobody is known: trl's own epoch
    assert not {"a", "b"} & set(drawn[N:])


def test_the_share_of_the_prompts_is_logged_with_the_loss(tmp_path: Path) -> None:
    trainer = paced(tmp_path, max_steps=4)
    trainer.train()
    *steps, end = trainer.state.log_history
    assert len(steps) == 4
    for said in steps:
        assert 0 <= said["spl/frac_selected"] <= 1
        assert said["rewards/early/mean"] is not None  # trl's own numbers are still there
    assert steps[-1]["spl/frac_never_solved"] >= 1 / N
    assert steps[-1]["spl/frac_always_solved"] >= 1 / N
    assert "spl/pass_rate" not in end


@pytest.mark.parametrize(
    ("accumulate", "per_generation", "ahead"),
    [(1, None, 1), (2, None, 1), (2, 4, 0), (4, 2, 2)],
)
def test_a_batch_is_drawn_so_many_generations_ahead(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    accumulate: int,
    per_generation: int | None,
    ahead: int,
) -> None:
    """Trainer fetches the batches of a step together, and accelerate one more."""
    known: list[int] = []
    draw = PromptSampler._draw

    def watched(sampler: PromptSampler, epoch: Any) -> None:
        known.append(sampler.pacer.steps)
        draw(sampler, epoch)

    monkeypatch.setattr(PromptSampler, "_draw", watched)
    generated = per_generation or accumulate
    trainer = paced(
        tmp_path,
        per_device_train_batch_size=8 // generated,
        num_generations=2,
        gradient_accumulation_steps=accumulate,
        steps_per_generation=per_generation,
        num_train_epochs=2,
        logging_strategy="no",
    )
    trainer.train()
    lag = [batch - steps for batch, steps in enumerate(known)]
    epochs = lag[:3], lag[3:]  # 12 prompts in batches of 4
    for epoch in epochs:
        assert epoch[0] == 0  # nothing is fetched across the end of an epoch
        assert max(epoch) == ahead


def test_the_pacer_steps_every_so_many_generations(tmp_path: Path) -> None:
    trainer = paced(tmp_path, max_steps=5)
    trainer.every = 2
    trainer.train()
    assert trainer.pass_rates.pacer.steps == 2
    assert trainer.pass_rates.batches == 1


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A run of three epochs of four steps, with a checkpoint at each."""
    folder = tmp_path_factory.mktemp("whole")
    trainer, seen = resumable(folder)
    trainer.train()
    yield folder, outcome(trainer, seen)


def resumable(folder: Path) -> tuple[SelfPacedGRPOTrainer, Seen]:
    seen = Seen()
    rates = PassRates(Band(0.2, 0.8).pacer(N), seen)
    trainer = paced(folder, rates, save_strategy="steps", save_steps=1, num_train_epochs=3)
    trainer.every = 2
    return trainer, seen


def outcome(trainer: SelfPacedGRPOTrainer, seen: Seen) -> dict[str, Any]:
    pacer = trainer.pass_rates.pacer
    return {"seen": seen.batches, "packed": pacer.ledger.packed, "weights": weights(trainer)}


@pytest.mark.parametrize("step", [4, 6, 11])
@pytest.mark.filterwarnings("ignore:.*does not have a .config_class. attribute")
def test_a_stopped_run_goes_on_to_the_bit(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path, step: int
) -> None:
    folder, expected = whole
    trainer, seen = resumable(tmp_path)
    trainer.train(resume_from_checkpoint=str(folder / f"checkpoint-{step}"))
    resumed = outcome(trainer, seen)
    assert resumed["seen"] == expected["seen"][step:]
    assert torch.equal(resumed["packed"].nan_to_num(-1), expected["packed"].nan_to_num(-1))
    assert torch.equal(resumed["weights"], expected["weights"])


def test_a_checkpoint_of_another_trainer_is_refused(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, _ = whole
    copied = tmp_path / "checkpoint-5"
    copied.mkdir()
    for file in (folder / "checkpoint-5").iterdir():
        if file.name != "selfpaced.pt":
            (copied / file.name).symlink_to(file)
    trainer, _ = resumable(tmp_path)
    with pytest.raises(
        ValueError, match="has no selfpaced.pt: it was saved by another trainer, or"
    ):
        trainer.train(resume_from_checkpoint=str(copied))


def test_rewards_of_an_evaluation_are_not_remembered(tmp_path: Path) -> None:
    trainer = paced(tmp_path, evaluated=dataset(4), per_device_eval_batch_size=4, max_steps=1)
    said = trainer.evaluate()
    assert "eval_rewards/early/mean" in said
    assert not any(name.startswith("spl/") for name in said)
    assert trainer.pass_rates.batches == 0


def test_prompts_that_are_trained_on_can_be_evaluated(tmp_path: Path) -> None:
    trainer = paced(tmp_path, per_device_eval_batch_size=4, max_steps=1)
    trainer.train()
    before = trainer.pass_rates.batches
    assert "sample_index" in trainer.train_dataset.column_names
    assert "eval_rewards/early/mean" in trainer.evaluate(trainer.train_dataset)
    assert trainer.pass_rates.batches == before


@pytest.mark.parametrize("every", [0, 2.5, "1"])
def test_a_wrong_number_of_generations_is_told(tmp_path: Path, every: Any) -> None:
    trainer = paced(tmp_path, max_steps=1)
    trainer.every = every
    with pytest.raises((TypeError, ValueError), match="every must be a positive int; got"):
        trainer.train()


def test_an_async_reward_is_remembered(tmp_path: Path) -> None:
    trainer = paced(tmp_path, AsyncPassRates(Band(0.2, 0.8).pacer(N), early_later), max_steps=4)
    trainer.train()
    assert trainer.pass_rates.pacer.steps == 4
    assert not trainer.pass_rates.rate.isnan().any()
    assert "rewards/early_later/mean" in trainer.state.log_history[0]


class SelfPacedRLOOTrainer(SelfPacedGRPOMixin, RLOOTrainer):  # type: ignore[misc]  # not GRPO's types
    """As the mixin's docstring says."""


def test_the_mixin_serves_rloo_too(tmp_path: Path) -> None:
    rates = PassRates(Band(0.2, 0.8).pacer(N), early)
    trainer = SelfPacedRLOOTrainer(
        model(),
        rates,
        settings(tmp_path, RLOOConfig, max_steps=5, beta=0.0),
        dataset(),
        processing_class=tokenizer(),
    )
    trainer.train()
    assert rates.pacer.steps == 5
    assert trainer.state.log_history[-2]["spl/frac_never_solved"] >= 1 / N


def test_any_pacer_of_the_right_size_will_do(tmp_path: Path) -> None:
    easy = Pacer(N, age=Quantile(Constant(0.5)))
    trainer = paced(tmp_path, PassRates(easy, early), max_steps=6)
    trainer.train()
    assert trainer.state.log_history[-2]["spl/frac_selected"] == 0.5


def test_the_users_dataset_is_left_alone(tmp_path: Path) -> None:
    data = dataset()
    trainer = paced(tmp_path, data=data)
    trainer.get_train_dataloader()
    trainer.get_train_dataloader()
    assert data.column_names == ["prompt"]
    assert list(trainer.train_dataset["sample_index"]) == list(range(N))


def wrong_column() -> Dataset:
    return dataset().add_column("sample_index", list(range(1, N + 1)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"reward": early}, r"one reward function wrapped as PassRates\(pacer, function\); got 0"),
        (
            {"reward": [PassRates(Pacer(N), early), PassRates(Pacer(N), early)]},
            "wrapped as PassRates.*got 2",
        ),
        (
            {"reward": PassRates(Pacer(3), early)},
            "made for 3 prompts, the training set has 12. Make it as Pacer",
        ),
        ({"dataloader_num_workers": 2}, "got dataloader_num_workers=2. Use 0"),
        ({"remove_unused_columns": True}, "lost its column 'sample_index'.*remove_unused_columns="),
        ({"data": wrong_column()}, "must hold 0, 1, ..., 11 in order. Remove it"),
        ({"evaluated": wrong_column()}, "eval_dataset has a column 'sample_index'"),
        ({"evaluated": {"one": wrong_column()}}, "eval_dataset has a column 'sample_index'"),
    ],
)
def test_what_does_not_fit_is_said_when_training_begins(
    tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    trainer = paced(tmp_path, per_device_eval_batch_size=4, **given)
    with pytest.raises(ValueError, match=message):
        trainer.train()


def test_a_stream_of_prompts_is_refused(tmp_path: Path) -> None:
    trainer = paced(tmp_path, data=dataset().to_iterable_dataset(), max_steps=1)
    with pytest.raises(TypeError, match="got IterableDataset. A stream has no indices"):
        trainer.train()


def test_without_trl_the_error_names_the_extra() -> None:
    program = "import sys; sys.modules['datasets'] = None; import selfpaced.trl"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert 'pip install "selfpaced[trl]"' in result.stderr


def ranks_settings(folder: Path) -> tuple[SelfPacedGRPOTrainer, Seen]:
    """Two ranks, each with two of the four completions of each prompt."""
    seen = Seen()
    rates = PassRates(Band(0.2, 0.8).pacer(N), seen)
    return paced(
        folder,
        rates,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=2,
        num_train_epochs=2,
        save_strategy="steps",
        save_steps=1,
        logging_strategy="no",
    ), seen


def spy(rates: PassRates | AsyncPassRates, taught: list[Any]) -> Callable[..., None]:
    """Remember what is recorded, too."""
    record = rates.record

    def recorded(rewards: list[float], index: list[int]) -> None:
        taught.append((list(index), list(rewards)))
        record(rewards, index)

    return recorded


def rank_main(rank: int, port: int, folder: str) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "ACCELERATE_USE_CPU": "true"}
    torch.set_num_threads(1)
    saved: dict[str, Any] = {}
    for name, start in (("whole", None), ("resumed", "checkpoint-8")):
        trainer, _ = ranks_settings(Path(folder) / name)
        taught: list[tuple[list[int], list[float]]] = []
        trainer.pass_rates.record = spy(trainer.pass_rates, taught)  # type: ignore[method-assign]  # on purpose
        trainer.train(resume_from_checkpoint=start and str(Path(folder) / "whole" / start))
        pacer: Pacer = trainer.pass_rates.pacer
        saved[name] = {"taught": taught, "packed": pacer.ledger.packed}
        saved[name]["weights"] = weights(trainer)
        saved[name]["drawn"] = trainer._prompts.state_dict()["drawn"]
    torch.save(saved, Path(folder) / f"{rank}.pt")
    torch.distributed.barrier()
    os._exit(0)  # taking gloo down beneath a model in DistributedDataParallel hangs now and then


def pass_rates(ranks: list[dict[str, Any]]) -> Tensor:
    """Each prompt's last pass rate, counted anew from the rewards of both ranks."""
    rewards: dict[int, list[float]] = {}
    for mine, its in zip(*(saved["whole"]["taught"] for saved in ranks), strict=True):
        batch: dict[int, list[float]] = {}
        for index, reward in (*zip(*mine, strict=True), *zip(*its, strict=True)):
            batch.setdefault(index, []).append(reward)
        rewards |= batch
    assert {len(each) for each in rewards.values()} == {4}  # none has them all by itself
    return torch.tensor([sum(rewards[prompt]) / 4 for prompt in range(N)])


def test_two_ranks_know_the_same_draw_the_same_and_go_on_to_the_bit(spawn: Spawn) -> None:
    ranks = spawn(rank_main, 2)  # once, because it takes long
    expected = pass_rates(ranks)
    assert any(0 < rate < 1 for rate in expected.tolist())
    for saved in ranks:
        whole, resumed = saved["whole"], saved["resumed"]
        torch.testing.assert_close(1 - whole["packed"][:, 0], expected)
        assert 0 < len(resumed["taught"]) < len(whole["taught"])
        assert resumed["taught"] == whole["taught"][-len(resumed["taught"]) :]
        for run in (whole, resumed):
            assert torch.equal(run["drawn"], ranks[0]["whole"]["drawn"])
            assert torch.equal(run["packed"], whole["packed"])
            assert torch.equal(run["weights"], ranks[0]["whole"]["weights"])
