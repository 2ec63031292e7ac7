"""PacedLoss, without a subclass: it trains as the host with all weights 1, and has limits."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel, Trainer

from selfpaced import Indexed, Pacer
from selfpaced.age import Quantile, Threshold
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant
from selfpaced.transformers import PacedLoss

N = 12
Make = Callable[..., Any]
ITEMS: list[dict[str, Any]] = [
    {"x": torch.tensor([float(i - 6), 1.0]), "labels": int(i >= 6)} for i in range(N)
]


class Two(nn.Module):
    """A model of two classes, with its mean loss."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(2, 2)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        logits = self.layer(x)
        loss = {} if labels is None else {"loss": F.cross_entropy(logits, labels)}
        return {**loss, "logits": logits}


@pytest.fixture
def settings(arguments: Make) -> Make:
    """Return a function that makes arguments that keep the index in the batch."""

    def make(**changed: Any) -> Any:
        defaults = {"remove_unused_columns": False, "learning_rate": 0.1, "num_train_epochs": 2}
        return arguments(**({"gradient_accumulation_steps": 1} | defaults | changed))

    return make


@pytest.fixture
def quick(settings: Make) -> Make:
    """Return a function that makes the host's trainer with a PacedLoss."""

    def make(pacer: Pacer, model: Any = None, items: Any = None, **changed: Any) -> Trainer:
        model = Two() if model is None else model
        loss = PacedLoss(model, pacer)
        return Trainer(
            model,
            settings(**changed),
            train_dataset=Indexed(ITEMS) if items is None else items,
            eval_dataset=ITEMS,
            compute_loss_func=loss,
            callbacks=[loss],
        )

    return make


def keeping(share: float) -> Pacer:
    return Pacer(N, age=Quantile(Constant(share)))


@pytest.mark.parametrize("accumulation", [1, 3])
def test_with_all_weights_one_it_trains_as_the_host(
    quick: Make, settings: Make, accumulation: int
) -> None:
    run = quick(keeping(1.0), gradient_accumulation_steps=accumulation)
    plain = Trainer(
        Two(),
        settings(gradient_accumulation_steps=accumulation),
        train_dataset=ITEMS,
        eval_dataset=ITEMS,
    )
    for trainer in (run, plain):
        trainer.train()
    assert run.model is not None and plain.model is not None
    for mine, hosts in zip(run.model.parameters(), plain.model.parameters(), strict=True):
        torch.testing.assert_close(mine, hosts)
    assert run.evaluate()["eval_loss"] == pytest.approx(plain.evaluate()["eval_loss"])


def test_each_loss_goes_to_its_own_sample_and_the_pacer_steps(quick: Make) -> None:
    model = Two()
    x = torch.stack([item["x"] for item in ITEMS])
    y = torch.tensor([item["labels"] for item in ITEMS])
    expected = F.cross_entropy(model(x)["logits"], y, reduction="none")
    pacer = keeping(0.5)
    quick(pacer, model, learning_rate=0.0, num_train_epochs=2).train()
    torch.testing.assert_close(pacer.ledger.loss, expected.detach())
    assert pacer.steps == 2 and pacer.weight.sum() == N / 2


@pytest.mark.filterwarnings("ignore:All .* samples of this step had weight 0")
def test_samples_that_are_left_out_train_nothing(quick: Make) -> None:
    model = Two()
    before = model.layer.weight.clone()
    pacer = Pacer(N, age=Threshold(Constant(0.0)), difficulty=Loss())
    quick(pacer, model, weight_decay=0.0).train()
    assert torch.equal(model.layer.weight, before)


def test_evaluation_is_not_remembered(quick: Make) -> None:
    pacer = keeping(1.0)
    quick(pacer).evaluate()
    assert not pacer.ledger.waiting.any()


def test_a_batch_without_an_index_is_refused(quick: Make) -> None:
    with pytest.raises(ValueError, match=r"no index. Use Trainer\(train_dataset=Indexed"):
        quick(keeping(1.0), items=ITEMS).train()


def test_a_loss_that_is_no_callback_is_refused(settings: Make) -> None:
    model = Two()
    loss = PacedLoss(model, keeping(1.0))
    run = Trainer(model, settings(), train_dataset=Indexed(ITEMS), compute_loss_func=loss)
    with pytest.raises(ValueError, match=r"must also be a callback.* callbacks=\[loss\]\)"):
        run.train()


def test_labels_per_token_are_refused() -> None:
    loss = PacedLoss(Two(), Pacer(2))
    loss._index, loss._steps = torch.arange(2), True
    outputs, labels = {"logits": torch.zeros(2, 3, 5)}, torch.zeros(2, 3, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"one label per sample; got labels of shape \(2, 3\)"):
        loss(outputs, labels)


def test_several_gpus_in_one_process_are_refused(quick: Make, settings: Make) -> None:
    given = settings()
    given._n_gpu = 2
    run: Any = quick(keeping(1.0))
    loss = run.compute_loss_func
    assert loss in run.callback_handler.callbacks
    with pytest.raises(ValueError, match=r"several GPUs in one process \(n_gpu=2\)"):
        loss.on_train_begin(given, run.state, run.control)


def test_a_pacer_of_the_wrong_type_is_refused() -> None:
    wrong: Any = PreTrainedModel
    with pytest.raises(TypeError, match="PacedLoss expects a Pacer; got type"):
        PacedLoss(Two(), wrong)
