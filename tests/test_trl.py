"""Self-paced GRPO in TRL's own trainer, with a tiny model and tokenizer."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from torch import Tensor
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

pytestmark = [  # Transformers warns of deprecated names that it uses itself
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:`gradient_checkpointing` is deprecated:FutureWarning"),
]

Make = Callable[..., Any]
LETTERS = "abcdefghijkl"  # a prompt is one letter
END = "E"  # the end of a completion, and padding
N = len(LETTERS)


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


def settings(tiny: Any, folder: Path, kind: Any = GRPOConfig, **changed: Any) -> Any:
    defaults: dict[str, Any] = {"per_device_train_batch_size": 12, "num_generations": 4}
    defaults |= {"max_completion_length": 1, "learning_rate": 1e-2}
    defaults |= {"bf16": False, "activation_checkpointing": False}
    return tiny.arguments(folder, kind, **(defaults | changed))


def model_and_tokenizer(tiny: Any) -> tuple[Any, Any]:
    ids = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), N)
    model = tiny.gpt(dropout=0.0, n_embd=16, n_positions=8, vocab_size=N + 1, **ids)
    tokenizer = tiny.tokenizer(LETTERS + END, letters=True, pad_token=END, eos_token=END)
    return model, tokenizer


def make_trainer(
    tiny: Any,
    folder: Path,
    reward: Any = None,
    kind: Any = SelfPacedGRPOTrainer,
    config: Any = GRPOConfig,
    data: Any = None,
    evaluated: Any = None,
    **changed: Any,
) -> Any:
    """A trainer of the letters, whose pacer keeps a band of pass rates by default."""
    reward = PassRates(Band(0.2, 0.8).pacer(N), early) if reward is None else reward
    model, tokenizer = model_and_tokenizer(tiny)
    return kind(
        model,
        reward,
        settings(tiny, folder, config, **changed),
        dataset() if data is None else data,
        evaluated,
        processing_class=tokenizer,
    )


@pytest.fixture
def paced(tiny: Any, tmp_path: Path) -> Make:
    """Return a function that makes a self-paced trainer."""
    return partial(make_trainer, tiny, tmp_path)


class Seen:
    """A reward that remembers the prompts of each batch."""

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


def test_a_band_of_everything_trains_what_trl_trains(paced: Make) -> None:
    ours = paced(PassRates(Band(0.0, 1.0).pacer(N), early), num_train_epochs=2)
    ours.train()
    plain = paced(early, GRPOTrainer, num_train_epochs=2)
    plain.train()  # made after the other has trained: making a trainer sets the seed of generation
    assert torch.equal(weights(ours), weights(plain))
    assert not torch.equal(weights(ours), weights(paced()))
    for mine, its in zip(ours.state.log_history, plain.state.log_history, strict=True):
        assert mine.get("rewards/early/mean") == its.get("rewards/early/mean")


def test_only_prompts_that_are_solved_sometimes_are_drawn(paced: Make) -> None:
    seen = Seen()
    trainer = paced(PassRates(Band(0.2, 0.8).pacer(N), seen), num_train_epochs=4)
    trainer.revisit = 0.0
    trainer.train()
    assert len(seen.batches) == trainer.state.max_steps == 4 * N // 3
    drawn = [prompt for batch in seen.batches for prompt in batch]
    assert sorted(drawn[:N]) == list(LETTERS)  # no pass rate is known: TRL's own epoch
    assert not {"a", "b"} & set(drawn[N:])


def test_the_share_of_the_prompts_is_logged_with_the_loss(paced: Make) -> None:
    trainer = paced(max_steps=4)
    trainer.train()
    *steps, end = trainer.state.log_history
    assert len(steps) == 4
    for said in steps:
        assert 0 <= said["spl/frac_selected"] <= 1
        assert said["rewards/early/mean"] is not None  # TRL's own numbers are still there
    assert steps[-1]["spl/frac_never_solved"] >= 1 / N
    assert steps[-1]["spl/frac_always_solved"] >= 1 / N
    assert "spl/pass_rate" not in end


@pytest.mark.parametrize(
    ("accumulate", "per_generation", "ahead"),
    [(1, None, 1), (2, None, 1), (2, 4, 0), (4, 2, 2)],
)
def test_a_batch_is_drawn_a_known_number_of_generations_ahead(
    paced: Make,
    monkeypatch: pytest.MonkeyPatch,
    accumulate: int,
    per_generation: int | None,
    ahead: int,
) -> None:
    """Trainer fetches the batches of a step together, and Accelerate fetches one more."""
    known: list[int] = []
    draw = PromptSampler._draw

    def watched(sampler: PromptSampler, epoch: Any) -> None:
        known.append(sampler.pacer.steps)
        draw(sampler, epoch)

    monkeypatch.setattr(PromptSampler, "_draw", watched)
    generated = per_generation or accumulate
    trainer = paced(
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


def test_the_pacer_steps_after_the_set_number_of_generations(paced: Make) -> None:
    trainer = paced(max_steps=5)
    trainer.every = 2
    trainer.train()
    assert trainer.pass_rates.pacer.steps == 2
    assert trainer.pass_rates.batches == 1


@pytest.fixture(scope="module")
def whole(
    tiny: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A run of three epochs of four steps, with a checkpoint after each step."""
    folder = tmp_path_factory.mktemp("whole")
    trainer, seen = resumable(tiny, folder)
    trainer.train()
    yield folder, outcome(trainer, seen)


def resumable(tiny: Any, folder: Path) -> tuple[SelfPacedGRPOTrainer, Seen]:
    seen = Seen()
    rates = PassRates(Band(0.2, 0.8).pacer(N), seen)
    trainer = make_trainer(
        tiny, folder, rates, save_strategy="steps", save_steps=1, num_train_epochs=3
    )
    trainer.every = 2
    return trainer, seen


def outcome(trainer: SelfPacedGRPOTrainer, seen: Seen) -> dict[str, Any]:
    pacer = trainer.pass_rates.pacer
    return {"seen": seen.batches, "packed": pacer.ledger.packed, "weights": weights(trainer)}


@pytest.mark.parametrize("step", [4, 6, 11])
@pytest.mark.filterwarnings("ignore:.*does not have a .config_class. attribute")
def test_a_stopped_run_resumes_to_the_bit(
    tiny: Any, tmp_path: Path, whole: tuple[Path, dict[str, Any]], step: int
) -> None:
    folder, expected = whole
    trainer, seen = resumable(tiny, tmp_path)
    trainer.train(resume_from_checkpoint=str(folder / f"checkpoint-{step}"))
    resumed = outcome(trainer, seen)
    assert resumed["seen"] == expected["seen"][step:]
    assert torch.equal(resumed["packed"].nan_to_num(-1), expected["packed"].nan_to_num(-1))
    assert torch.equal(resumed["weights"], expected["weights"])


def test_a_checkpoint_of_another_trainer_is_refused(
    tiny: Any, tmp_path: Path, whole: tuple[Path, dict[str, Any]]
) -> None:
    folder, _ = whole
    copied = tmp_path / "checkpoint-5"
    copied.mkdir()
    for file in (folder / "checkpoint-5").iterdir():
        if file.name != "selfpaced.pt":
            (copied / file.name).symlink_to(file)
    trainer, _ = resumable(tiny, tmp_path)
    with pytest.raises(
        ValueError, match="has no selfpaced.pt: it was saved by another trainer, or"
    ):
        trainer.train(resume_from_checkpoint=str(copied))


def test_rewards_of_an_evaluation_are_not_remembered(paced: Make) -> None:
    trainer = paced(evaluated=dataset(4), per_device_eval_batch_size=4, max_steps=1)
    said = trainer.evaluate()
    assert "eval_rewards/early/mean" in said
    assert not any(name.startswith("spl/") for name in said)
    assert trainer.pass_rates.batches == 0


def test_prompts_that_are_trained_on_can_be_evaluated(paced: Make) -> None:
    trainer = paced(per_device_eval_batch_size=4, max_steps=1)
    trainer.train()
    before = trainer.pass_rates.batches
    assert "sample_index" in trainer.train_dataset.column_names
    assert "eval_rewards/early/mean" in trainer.evaluate(trainer.train_dataset)
    assert trainer.pass_rates.batches == before


@pytest.mark.parametrize("every", [0, 2.5, "1"])
def test_a_wrong_number_of_generations_is_refused(paced: Make, every: Any) -> None:
    trainer = paced(max_steps=1)
    trainer.every = every
    with pytest.raises((TypeError, ValueError), match="every must be a positive int; got"):
        trainer.train()


def test_an_async_reward_is_remembered(paced: Make) -> None:
    trainer = paced(AsyncPassRates(Band(0.2, 0.8).pacer(N), early_later), max_steps=4)
    trainer.train()
    assert trainer.pass_rates.pacer.steps == 4
    assert not trainer.pass_rates.rate.isnan().any()
    assert "rewards/early_later/mean" in trainer.state.log_history[0]


class SelfPacedRLOOTrainer(SelfPacedGRPOMixin, RLOOTrainer):  # type: ignore[misc]  # not GRPO's types
    """The class of the mixin's docstring."""


def test_the_mixin_serves_rloo_too(paced: Make) -> None:
    trainer = paced(kind=SelfPacedRLOOTrainer, config=RLOOConfig, max_steps=5, beta=0.0)
    trainer.train()
    assert trainer.pass_rates.pacer.steps == 5
    assert trainer.state.log_history[-2]["spl/frac_never_solved"] >= 1 / N


def test_any_pacer_of_the_right_size_can_be_used(paced: Make) -> None:
    easy = Pacer(N, age=Quantile(Constant(0.5)))
    trainer = paced(PassRates(easy, early), max_steps=6)
    trainer.train()
    assert trainer.state.log_history[-2]["spl/frac_selected"] == 0.5


def test_the_users_dataset_does_not_change(paced: Make) -> None:
    data = dataset()
    trainer = paced(data=data)
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
            "made for 3 prompts, but the training set has 12. Make it as Pacer",
        ),
        ({"dataloader_num_workers": 2}, "got dataloader_num_workers=2. Use 0"),
        (
            {"remove_unused_columns": True},
            "removed the column 'sample_index'.*remove_unused_columns=",
        ),
        ({"data": wrong_column()}, "must hold 0, 1, ..., 11 in order.* remove the column"),
        ({"evaluated": wrong_column()}, "eval_dataset has a column 'sample_index'"),
        ({"evaluated": {"one": wrong_column()}}, "eval_dataset has a column 'sample_index'"),
    ],
)
def test_settings_that_do_not_fit_are_refused_when_training_begins(
    paced: Make, given: dict[str, Any], message: str
) -> None:
    trainer = paced(per_device_eval_batch_size=4, **given)
    with pytest.raises(ValueError, match=message):
        trainer.train()


def test_a_stream_of_prompts_is_refused(paced: Make) -> None:
    trainer = paced(data=dataset().to_iterable_dataset(), max_steps=1)
    with pytest.raises(TypeError, match="got IterableDataset. A stream has no indices"):
        trainer.train()


def test_without_trl_the_error_names_the_extra(import_error: Callable[[str, str], str]) -> None:
    assert 'pip install "selfpaced[trl]"' in import_error("selfpaced.trl", "datasets")


def trainer_of_two_ranks(tiny: Any, folder: Path) -> Any:
    """A trainer of which each rank has two of the four completions of each prompt."""
    return make_trainer(
        tiny,
        folder,
        Recorded(Band(0.2, 0.8).pacer(N), early),
        per_device_train_batch_size=2,
        gradient_accumulation_steps=2,
        num_train_epochs=2,
        save_strategy="steps",
        save_steps=1,
        logging_strategy="no",
    )


class Recorded(PassRates):
    """Keeps the indices and the rewards that it records."""

    def record(self, rewards: Any, index: Any) -> None:
        self.recorded = [*getattr(self, "recorded", []), (list(index), list(rewards))]
        super().record(rewards, index)


def rank_main(tiny: Any, rank: int, folder: Path) -> dict[str, Any]:
    saved: dict[str, Any] = {}
    for name, start in (("whole", None), ("resumed", "checkpoint-8")):
        trainer = trainer_of_two_ranks(tiny, folder / name)
        trainer.train(resume_from_checkpoint=start and str(folder / "whole" / start))
        rates = trainer.pass_rates
        saved[name] = {"recorded": rates.recorded, "packed": rates.pacer.ledger.packed}
        saved[name]["weights"] = weights(trainer)
        saved[name]["drawn"] = trainer._prompts.state_dict()["drawn"]
    return saved


def pass_rates(ranks: list[dict[str, Any]]) -> Tensor:
    """The last pass rate of each prompt, computed from the rewards of both ranks."""
    rewards: dict[int, list[float]] = {}
    for mine, its in zip(*(saved["whole"]["recorded"] for saved in ranks), strict=True):
        batch: dict[int, list[float]] = {}
        for index, reward in (*zip(*mine, strict=True), *zip(*its, strict=True)):
            batch.setdefault(index, []).append(reward)
        rewards |= batch
    assert {len(each) for each in rewards.values()} == {4}  # a rank has only two of the four
    return torch.tensor([sum(rewards[prompt]) / 4 for prompt in range(N)])


def test_two_ranks_have_the_same_pass_rates_and_resume_to_the_bit(
    tiny: Any, run_ranks: Make
) -> None:
    ranks = run_ranks(partial(rank_main, tiny))  # one test, because it takes long
    expected = pass_rates(ranks)
    assert any(0 < rate < 1 for rate in expected.tolist())
    for saved in ranks:
        whole, resumed = saved["whole"], saved["resumed"]
        torch.testing.assert_close(1 - whole["packed"][:, 0], expected)
        assert 0 < len(resumed["recorded"]) < len(whole["recorded"])
        assert resumed["recorded"] == whole["recorded"][-len(resumed["recorded"]) :]
        for run in (whole, resumed):
            assert torch.equal(run["drawn"], ranks[0]["whole"]["drawn"])
            assert torch.equal(run["packed"], whole["packed"])
            assert torch.equal(run["weights"], ranks[0]["whole"]["weights"])
