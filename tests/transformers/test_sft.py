"""TRL's SFTTrainer with the mixin: its own metrics and checkpoints, and our weights."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import MixtralConfig, MixtralForCausalLM
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from selfpaced import Pacer
from selfpaced.age import Quantile, Threshold
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant, Ramp
from selfpaced.transformers import SelfPacedMixin

pytestmark = [
    # TRL uses a deprecated name of Transformers for checkpointing activations.
    pytest.mark.filterwarnings("ignore:`gradient_checkpointing` is deprecated:FutureWarning"),
    # TRL's fused head returns no logits, and its evaluation runs a second forward pass for them.
    pytest.mark.filterwarnings("ignore:`return_outputs=True`:FutureWarning"),
    pytest.mark.filterwarnings("ignore:`label_smoothing_factor` is deprecated:FutureWarning"),
]
N = 10
Make = Callable[..., Any]


class PacedSFT(SelfPacedMixin, SFTTrainer):
    """The class that a user writes."""


def texts(n: int = N) -> datasets.Dataset:
    """Numbers that count up from 0; text 4 is different."""
    rows = [" ".join(str(k) for k in range(3 + i % 4)) for i in range(n)]
    rows[4:5] = ["21 3 21 7"] if n > 4 else []
    return datasets.Dataset.from_list([{"text": row} for row in rows])


@pytest.fixture
def gpt(tiny: Any) -> Make:
    """Return a function that makes a model of the 24 words."""
    return partial(
        tiny.gpt, dropout=0.0, vocab_size=24, bos_token_id=1, eos_token_id=1, pad_token_id=0
    )


@pytest.fixture
def trainer(tiny: Any, gpt: Make, tmp_path: Path) -> Make:
    """Return a function that makes a trainer of a kind, by default of the texts.

    It takes the arguments of the trainer and those of ``SFTConfig``.
    """
    words = ("<pad>", "<eos>", *map(str, range(22)))

    def make(kind: Any, **given: Any) -> Any:
        settings: dict[str, Any] = {"num_train_epochs": 2, "learning_rate": 1e-2, "max_length": 12}
        settings |= {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2}
        settings |= {"bf16": False}
        settings |= {name: given.pop(name) for name in [*given] if hasattr(SFTConfig, name)}
        args = tiny.arguments(tmp_path, SFTConfig, **settings)
        tokenizer = tiny.tokenizer(words, pad_token="<pad>", eos_token="<eos>")
        default = {"model": gpt(), "train_dataset": texts(), "processing_class": tokenizer}
        return kind(args=args, **(default | given))

    return make


def losses(run: Any) -> list[float]:
    return [row["loss"] for row in run.state.log_history if "loss" in row]


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_with_all_weights_one_it_trains_as_the_host(trainer: Make, smoothing: float) -> None:
    plain = trainer(SFTTrainer, label_smoothing_factor=smoothing)
    ours = trainer(PacedSFT, label_smoothing_factor=smoothing, pacer=Pacer(N, age=None))
    plain.train()
    ours.train()
    for name, value in plain.model.state_dict().items():
        torch.testing.assert_close(ours.model.state_dict()[name], value, msg=name)
    assert losses(ours) == pytest.approx(losses(plain), rel=1e-4)


@pytest.mark.parametrize("steps", [1, 2])
def test_the_loss_that_balances_experts_is_the_hosts(trainer: Make, steps: int) -> None:
    settings: dict[str, Any] = {"gradient_accumulation_steps": steps, "logging_steps": 1}
    trained = [
        trainer(kind, model=experts(), **settings, **given)
        for kind, given in ((SFTTrainer, {}), (PacedSFT, {"pacer": Pacer(N, age=None)}))
    ]
    without = trainer(SFTTrainer, model=experts(), router_aux_loss_coef=0.0, **settings)
    for run in (*trained, without):
        run.train()
    plain, ours, other = (run.model.state_dict() for run in (*trained, without))
    for name, value in plain.items():
        torch.testing.assert_close(ours[name], value, msg=name)
    assert any((plain[name] - other[name]).abs().max() > 1e-3 for name in plain)
    assert [row.get("aux_loss") for row in trained[0].state.log_history if "loss" in row] == [
        row.get("aux_loss") for row in trained[1].state.log_history if "loss" in row
    ]


def experts() -> Any:
    """A model with four experts."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1}
    sizes |= {"num_attention_heads": 2, "num_key_value_heads": 2, "num_local_experts": 4}
    ends: dict[str, Any] = {"vocab_size": 24, "pad_token_id": 0, "eos_token_id": 1}
    return MixtralForCausalLM(MixtralConfig(**sizes, **ends, bos_token_id=1))


def test_its_own_metrics_are_logged_as_before(trainer: Make) -> None:
    plain, ours = trainer(SFTTrainer), trainer(PacedSFT)
    plain.train()
    ours.train()
    rows = [[row for row in run.state.log_history if "loss" in row] for run in (plain, ours)]
    for before, after in zip(*rows, strict=True):
        assert before.keys() == after.keys()
        assert {"entropy", "mean_token_accuracy", "num_tokens"} <= after.keys()
        assert before["mean_token_accuracy"] == after["mean_token_accuracy"]
    said = [row for row in ours.state.log_history if "spl/frac_selected" in row]
    assert [row["epoch"] for row in said] == [1.0, 2.0]
    assert not any("entropy" in row for row in said)


def by_hand(run: Any) -> Tensor:
    """The mean loss of each text over its tokens, one text at a time, without the fused head."""
    found = []
    for row in run.train_dataset:
        ids = torch.tensor([row["input_ids"]])
        with torch.no_grad():
            logits = run.model.eval()(input_ids=ids).logits[0]
        found.append(F.cross_entropy(logits[:-1], ids[0, 1:]))
    return torch.stack(found)


def test_each_text_is_judged_by_the_mean_of_its_tokens(trainer: Make) -> None:
    run = trainer(PacedSFT, learning_rate=0.0, num_train_epochs=1)
    run.train()
    torch.testing.assert_close(run.pacer.ledger.loss, by_hand(run))


@pytest.mark.filterwarnings("ignore:All .* samples of this step had weight 0")
def test_texts_that_are_left_out_give_no_gradient(trainer: Make) -> None:
    pacer = Pacer(N, age=Threshold(Constant(1e-9)), difficulty=Loss())
    run = trainer(PacedSFT, pacer=pacer)
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    run.train()
    assert all(torch.equal(before[name], value) for name, value in run.model.state_dict().items())


def test_the_odd_text_is_the_first_suspect(trainer: Make) -> None:
    run = trainer(PacedSFT, num_train_epochs=12, learning_rate=3e-2)
    run.train()
    assert run.pacer.suspects(1).tolist() == [4]


def test_suspects_are_rows_of_the_users_own_dataset(trainer: Make) -> None:
    rows = [{"prompt": "7 ", "completion": row["text"]} for row in texts()]
    rows[2]["prompt"] *= 12  # longer than max_length: the host drops it
    data = datasets.Dataset.from_list(rows)
    run = trainer(PacedSFT, train_dataset=data, shuffle_dataset=True)
    run.train()
    order = run.train_dataset["index"][:]
    assert order != sorted(order)
    seen = ~run.pacer.ledger.loss.isnan()
    assert seen.nonzero().flatten().tolist() == sorted(order)
    with pytest.raises(ValueError, match="left out or moved samples of the train_dataset"):
        trainer(PacedSFT, shuffle_dataset=True, sampler=True).train()


def test_a_run_resumes_to_the_bit(trainer: Make, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"num_train_epochs": 2}
    whole = trainer(
        PacedSFT,
        pacer=paced(),
        sampler=True,
        save_strategy="steps",
        save_steps=4,
        **settings,
    )
    whole.train()
    again = trainer(PacedSFT, pacer=paced(), sampler=True, **settings)
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))  # of 6: in the second epoch
    for name, value in whole.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], value), name
    assert torch.equal(again.pacer.ledger.packed, whole.pacer.ledger.packed)
    assert again.pacer.history == whole.pacer.history


def paced() -> Pacer:
    return Pacer(N, age=Quantile(Ramp(0.5, 1.0, steps=3)))


def test_evaluation_is_that_of_the_host(trainer: Make) -> None:
    run = trainer(PacedSFT, eval_dataset=texts(4))
    host = trainer(SFTTrainer, eval_dataset=texts(4), model=run.model)
    assert run.evaluate()["eval_loss"] == host.evaluate()["eval_loss"]
    assert "eval_entropy" in run.state.log_history[-1]


@pytest.mark.parametrize(
    "packed",
    [{"packing": True}, {"packing": True, "packing_strategy": "wrapped"}, {"padding_free": True}],
    ids=["packing", "wrapped", "padding_free"],
)
# TRL and Transformers warn that packing does not help a model without flash attention.
@pytest.mark.filterwarnings("ignore")
def test_packing_is_refused(trainer: Make, packed: dict[str, Any]) -> None:
    length = {} if packed.get("packing") else {"max_length": None}
    with pytest.raises(ValueError, match="put several samples in one row, which then has one loss"):
        run = trainer(PacedSFT, **packed, **length)
        run.train()


def test_a_loss_that_is_no_mean_of_the_tokens_is_refused(trainer: Make) -> None:
    run = trainer(PacedSFT, loss_type="dft")
    with pytest.raises(ValueError, match="not a mean of its losses per item"):
        run.train()


# TRL says that the function will get other outputs in a later version.
@pytest.mark.filterwarnings("ignore:.*compute_loss_func:FutureWarning")
def test_a_loss_function_of_the_user_trains_as_in_the_host(trainer: Make) -> None:
    def mean(outputs: Any, labels: Tensor, num_items_in_batch: Tensor) -> Tensor:
        scores, given = outputs.logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten()
        return F.cross_entropy(scores, given, reduction="sum") / num_items_in_batch

    plain = trainer(SFTTrainer, compute_loss_func=mean)
    ours = trainer(PacedSFT, compute_loss_func=mean, pacer=Pacer(N, age=None))
    plain.train()
    ours.train()
    for name, value in plain.model.state_dict().items():
        torch.testing.assert_close(ours.model.state_dict()[name], value, msg=name)
