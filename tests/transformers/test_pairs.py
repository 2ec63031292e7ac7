"""TRL's RewardTrainer and DPOTrainer with the mixin: each pair of answers has a weight."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from torch.nn import functional as F
from transformers import GPT2Config, GPT2ForSequenceClassification
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.kto_config import KTOConfig
from trl.trainer.kto_trainer import KTOTrainer
from trl.trainer.reward_config import RewardConfig
from trl.trainer.reward_trainer import RewardTrainer

from selfpaced import Pacer
from selfpaced.age import Auto
from selfpaced.transformers import SelfPacedMixin

# TRL uses deprecated names of Transformers for checkpointing activations.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`.*gradient_checkpointing.*` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:trl"),
]
N = 24
WRONG = [3, 10, 17, 20]
Make = Callable[..., Any]


class PacedReward(SelfPacedMixin, RewardTrainer):
    """The class that a user writes."""


class PacedDPO(SelfPacedMixin, DPOTrainer):
    """The same for DPO."""


class PacedKTO(SelfPacedMixin, KTOTrainer):
    """The same for a trainer whose samples depend on each other."""


def pairs() -> datasets.Dataset:
    """The better answer begins with 5, the worse with 6; four pairs are the wrong way round."""
    rows = []
    for i in range(N):
        first, second = (f"{5 + one} " + " ".join(str(8 + i % 7) * (1 + i % 2)) for one in (0, 1))
        chosen, rejected = (second, first) if i in WRONG else (first, second)
        rows.append({"prompt": "7 7 ", "chosen": chosen, "rejected": rejected})
    return datasets.Dataset.from_list(rows)


def scorer() -> Any:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"vocab_size": 24, "n_positions": 40, "n_embd": 8, "n_head": 2}
    sizes |= {"n_layer": 1, "num_labels": 1, "bos_token_id": 1, "eos_token_id": 1}
    return GPT2ForSequenceClassification(GPT2Config(pad_token_id=0, **sizes))


@pytest.fixture
def trainer(tiny: Any, tmp_path: Path) -> Make:
    """Return a function that makes a trainer of a kind; it takes settings and arguments."""
    words = ("<pad>", "<eos>", *map(str, range(22)))

    def make(kind: Any, **given: Any) -> Any:
        rewards = issubclass(kind, RewardTrainer)
        config: Any = RewardConfig if rewards else DPOConfig
        config = KTOConfig if issubclass(kind, KTOTrainer) else config
        known = config.__dataclass_fields__
        settings: dict[str, Any] = {"num_train_epochs": 2, "learning_rate": 1e-2, "bf16": False}
        settings |= {"per_device_train_batch_size": 4, "max_length": 12}
        settings |= {name: given.pop(name) for name in [*given] if name in known}
        tokenizer = tiny.tokenizer(words, pad_token="<pad>", eos_token="<eos>")
        default = {"train_dataset": pairs(), "processing_class": tokenizer}
        ends = {"bos_token_id": 1, "eos_token_id": 1, "pad_token_id": 0}
        gpt = [tiny.gpt(dropout=0.0, vocab_size=24, **ends) for _ in range(2)]
        default |= {"model": scorer()} if rewards else {"model": gpt[0], "ref_model": gpt[1]}
        return kind(args=tiny.arguments(tmp_path, config, **settings), **(default | given))

    return make


CASES = [
    (PacedReward, {}),
    (PacedReward, {"center_rewards_coefficient": 0.1}),
    (PacedReward, {"gradient_accumulation_steps": 2}),
    (PacedDPO, {}),
    (PacedDPO, {"loss_type": ["ipo"]}),
    (PacedDPO, {"loss_type": ["hinge"], "loss_weights": [0.5]}),
    (PacedDPO, {"precompute_ref_log_probs": True}),
]


@pytest.mark.parametrize(("kind", "settings"), CASES)
def test_with_all_weights_one_it_trains_as_the_host(
    trainer: Make, kind: Any, settings: dict[str, Any]
) -> None:
    plain = trainer(kind.__bases__[1], **settings)
    ours = trainer(kind, pacer=Pacer(N, age=None), **settings)
    plain.train()
    ours.train()
    for name, value in plain.model.state_dict().items():
        torch.testing.assert_close(ours.model.state_dict()[name], value, msg=name)
    assert not ours.pacer.ledger.loss.isnan().any()


def test_a_pair_is_judged_by_the_probability_of_its_order(trainer: Make) -> None:
    run = trainer(PacedReward, learning_rate=0.0, num_train_epochs=1)
    run.train()
    assert isinstance(run.pacer.age, Auto)  # the one number of the model is a reward, no label
    model, found = run.model.eval(), []
    for row in run.train_dataset:
        chosen, rejected = (
            model(input_ids=torch.tensor([row[name]])).logits[0, 0]
            for name in ("chosen_ids", "rejected_ids")
        )
        found.append(-F.logsigmoid(chosen - rejected))
    torch.testing.assert_close(run.pacer.ledger.loss, torch.stack(found).detach())


@pytest.mark.parametrize("kind", [PacedReward, PacedDPO])
def test_pairs_the_wrong_way_round_are_the_suspects(trainer: Make, kind: Any) -> None:
    run = trainer(kind, num_train_epochs=6)
    run.train()
    assert sorted(run.pacer.suspects(4).tolist()) == WRONG


def test_losses_that_are_not_known_pair_by_pair_are_refused(trainer: Make) -> None:
    for settings in ({"loss_type": ["sigmoid", "sft"]}, {"loss_type": ["aot"]}, {"ld_alpha": 0.5}):
        with pytest.raises(ValueError, match="loss_type must be one of sigmoid, hinge, ipo"):
            trainer(PacedDPO, **settings).train()


def test_another_trainer_of_preferences_is_refused(trainer: Make) -> None:
    rows = [{"prompt": "7 7 ", "completion": "5 8", "label": i % 2 == 0} for i in range(N)]
    with pytest.raises(ValueError, match="SFTTrainer, RewardTrainer and DPOTrainer"):
        trainer(PacedKTO, train_dataset=datasets.Dataset.from_list(rows)).train()
