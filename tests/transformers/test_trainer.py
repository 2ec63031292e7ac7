"""The self-paced Trainer is the host's own, except for the weights."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset
from transformers import (
    BertForMaskedLM,
    BertForTokenClassification,
    DataCollatorForLanguageModeling,
    DataCollatorForSeq2Seq,
    DataCollatorWithFlattening,
    T5Config,
    T5ForConditionalGeneration,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from selfpaced import PacedSampler, Pacer
from selfpaced.age import Quantile, Threshold
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant
from selfpaced.transformers import Items, SelfPacedMixin, SelfPacedTrainer

N = 14
Make = Callable[..., Any]
Samples = list[dict[str, Any]]


def seq2seq() -> Any:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2}
    sizes |= {"vocab_size": 30, "decoder_start_token_id": 0}
    return T5ForConditionalGeneration(T5Config(**sizes))


def labelled(tiny: Any, label_of: Callable[[list[int]], Any]) -> Samples:
    return [{"input_ids": ids, "labels": label_of(ids)} for ids in tiny.tokens(N)]


CASES: dict[str, Callable[[Any], tuple[Any, Samples, Any]]] = {  # model, samples and collator
    "classes": lambda tiny: (tiny.bert(), tiny.sentences(N), tiny.padding()),
    "numbers": lambda tiny: (
        tiny.bert(num_labels=1),
        labelled(tiny, lambda ids: ids[0] / 30),
        tiny.padding(),
    ),
    "tags": lambda tiny: (
        tiny.bert(num_labels=3, problem_type="multi_label_classification"),
        labelled(tiny, lambda ids: [1.0, 0.0, ids[0] % 2]),
        tiny.padding(),
    ),
    "causal language model": lambda tiny: (
        tiny.gpt(),
        tiny.texts(N),
        tiny.padding(DataCollatorForSeq2Seq),
    ),
    "labels of the collator": lambda tiny: (
        tiny.gpt(),
        [{"input_ids": ids} for ids in tiny.tokens(N)],
        DataCollatorForLanguageModeling(tiny.tokenizer(), mlm=False),
    ),
    "masked language model": lambda tiny: (
        tiny.bert(BertForMaskedLM),
        [{"input_ids": ids} for ids in tiny.tokens(N)],
        DataCollatorForLanguageModeling(tiny.tokenizer(), mlm_probability=0.3, seed=0),
    ),
    "classes of tokens": lambda tiny: (
        tiny.bert(BertForTokenClassification),
        labelled(tiny, lambda ids: [i % 2 for i in ids]),
        tiny.padding(DataCollatorForSeq2Seq),
    ),
    "sequence to sequence": lambda tiny: (
        seq2seq(),
        tiny.texts(N),
        tiny.padding(DataCollatorForSeq2Seq),
    ),
}


@pytest.fixture
def trained(tiny: Any, arguments: Make) -> Make:
    """Return a function that trains a trainer of a kind on one of the cases."""

    def train(kind: type[Trainer], case: str, **given: Any) -> Any:
        model, samples, collator = CASES[case](tiny)
        settings = {name: given.pop(name) for name in [*given] if hasattr(TrainingArguments, name)}
        run = kind(
            model=model,
            args=arguments(**settings),
            train_dataset=samples,
            data_collator=collator,
            **given,
        )
        assert isinstance(run, SelfPacedTrainer) is (kind is SelfPacedTrainer)
        run.train()
        return run

    return train


def assert_same_weights(one: Any, other: Any) -> None:
    for name, value in one.model.state_dict().items():
        torch.testing.assert_close(other.model.state_dict()[name], value, msg=name)


def losses(run: Any) -> list[float]:
    return [row["loss"] for row in run.state.log_history if "loss" in row]


# --- all weights 1


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_with_all_weights_one_it_trains_as_the_host(trained: Make, case: str, steps: int) -> None:
    settings = {"gradient_accumulation_steps": steps}
    plain = trained(Trainer, case, **settings)
    ours = trained(SelfPacedTrainer, case, pacer=Pacer(N, age=None), **settings)
    assert_same_weights(plain, ours)
    assert losses(ours) == pytest.approx(losses(plain), rel=1e-4)
    if case != "masked language model":
        assert not ours.pacer.ledger.loss.isnan().any()


@pytest.mark.parametrize("case", ["classes", "causal language model"])
def test_label_smoothing_works_as_in_the_host(trained: Make, case: str) -> None:
    plain = trained(Trainer, case, label_smoothing_factor=0.2)
    ours = trained(SelfPacedTrainer, case, label_smoothing_factor=0.2, pacer=Pacer(N, age=None))
    assert_same_weights(plain, ours)


def test_label_smoothing_does_not_change_the_difficulty(tiny: Any, paced: Make) -> None:
    known = {}
    for smoothing in (0.0, 0.2):
        run = paced(
            label_smoothing_factor=smoothing, learning_rate=0.0, model=tiny.bert(dropout=0.0)
        )
        run.train()
        known[smoothing] = run.pacer.ledger.loss
    torch.testing.assert_close(known[0.0], known[0.2])


@pytest.mark.parametrize("case", ["classes", "causal language model"])
def test_bf16_trains_as_the_host(trained: Make, case: str) -> None:
    plain = trained(Trainer, case, bf16=True)
    ours = trained(SelfPacedTrainer, case, bf16=True, pacer=Pacer(N, age=None))
    assert losses(ours) == pytest.approx(losses(plain), rel=1e-2)
    assert ours.pacer.ledger.loss.dtype == torch.float32


# --- the objective


def test_the_loss_of_a_step_is_the_weighted_sum_over_its_tokens(tiny: Any, paced: Make) -> None:
    threshold = 3.4
    run = paced(
        model=tiny.gpt(dropout=0.0),
        train_dataset=tiny.texts(8),
        data_collator=tiny.padding(DataCollatorForSeq2Seq),
        pacer=Pacer(8, age=Threshold(Constant(threshold)), difficulty=Loss()),
    )
    sums, means, counts = by_hand(run.model, tiny.texts(8))
    run.train()
    kept = means < threshold
    assert 0 < kept.sum() < 8
    expected = float((kept * sums).sum() / counts.sum())  # both batches are one step
    assert losses(run) == [pytest.approx(expected, rel=1e-4)]
    torch.testing.assert_close(run.pacer.ledger.loss, means)


@torch.no_grad()
def by_hand(model: nn.Module, samples: Samples) -> tuple[Tensor, Tensor, Tensor]:
    """The sum, the mean and the number of the losses of each sequence, one sequence at a time."""
    model.eval()
    found = []
    for sample in samples:
        ids, labels = torch.tensor([sample["input_ids"]]), torch.tensor(sample["labels"])
        logits = model(input_ids=ids).logits[0]
        loss = F.cross_entropy(logits[:-1], labels[1:], reduction="none")
        found.append((loss.sum(), loss.sum() / len(loss), torch.tensor(len(loss))))
    sums, means, counts = (torch.stack(column) for column in zip(*found, strict=True))
    return sums, means, counts


@pytest.mark.filterwarnings("ignore:All .* samples of this step had weight 0")
def test_samples_that_are_left_out_give_no_gradient(paced: Make) -> None:
    run = paced(pacer=Pacer(N, age=Threshold(Constant(1e-9)), difficulty=Loss()))
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    run.train()
    for name, value in run.model.state_dict().items():
        assert torch.equal(before[name], value), name
    assert losses(run) == [0.0, 0.0]


def test_a_sequence_without_a_label_is_not_judged(tiny: Any, paced: Make) -> None:
    samples = tiny.texts(N)
    samples[3]["labels"] = [-100] * len(samples[3]["labels"])
    run = paced(
        model=tiny.gpt(), train_dataset=samples, data_collator=tiny.padding(DataCollatorForSeq2Seq)
    )
    run.train()
    assert run.pacer.ledger.loss.isnan().nonzero().flatten().tolist() == [3]


def test_a_batch_without_a_label_trains_nothing(tiny: Any, paced: Make) -> None:
    samples = [{**sample, "labels": [-100] * len(sample["labels"])} for sample in tiny.texts(4)]
    run = paced(
        model=tiny.gpt(),
        train_dataset=[*samples, *tiny.texts(4)],
        data_collator=tiny.padding(DataCollatorForSeq2Seq),
        train_sampling_strategy="sequential",
    )
    run.train()
    assert run.pacer.ledger.loss.isnan().tolist() == [True] * 4 + [False] * 4


# --- evaluation


def test_evaluation_and_prediction_are_those_of_the_host(
    tiny: Any, paced: Make, arguments: Make
) -> None:
    run = paced(eval_dataset=tiny.sentences(6), label_names=["labels"])
    host: Any = Trainer(
        model=run.model,
        args=arguments(),
        eval_dataset=tiny.sentences(6),
        data_collator=tiny.padding(),
    )
    assert run.evaluate()["eval_loss"] == host.evaluate()["eval_loss"]
    run.train()
    assert run.evaluate()["eval_loss"] == host.evaluate()["eval_loss"]
    said, expected = run.predict(tiny.sentences(5)), host.predict(tiny.sentences(5))
    torch.testing.assert_close(torch.tensor(said.predictions), torch.tensor(expected.predictions))
    assert run.pacer.steps == 1


def test_evaluation_during_training_is_not_remembered(tiny: Any, paced: Make) -> None:
    run = paced(eval_dataset=tiny.sentences(3), eval_strategy="steps", eval_steps=1)
    before = run.pacer
    run.train()
    assert int(before.ledger.visits.max()) == 1
    assert sum("eval_loss" in row for row in run.state.log_history) == 2


def test_without_a_train_set_it_evaluates(tiny: Any, paced: Make) -> None:
    run = paced(train_dataset=None, eval_dataset=tiny.sentences(4))
    assert run.pacer.n_samples is None
    assert run.evaluate()["eval_loss"] > 0


def test_a_pacer_in_eval_mode_trains_as_the_host(trained: Make) -> None:
    plain = trained(Trainer, "classes")
    in_eval = Pacer(N).eval()
    ours = trained(SelfPacedTrainer, "classes", pacer=in_eval)
    assert_same_weights(plain, ours)
    assert in_eval.steps == 0


# --- epochs, logs, the sampler


def test_the_pacer_steps_after_every_epoch_and_logs_once(paced: Make) -> None:
    run = paced(num_train_epochs=3)
    run.train()
    assert run.pacer.steps == 3
    rows = [row for row in run.state.log_history if "spl/frac_selected" in row]
    assert [row["epoch"] for row in rows] == [1.0, 2.0, 3.0]
    assert {"spl/class_0/frac_selected", "spl/loss_q50", "spl/n_suspect"} <= rows[-1].keys()


def test_the_host_logs_its_loss_after_each_epoch_too(trained: Make) -> None:
    settings: dict[str, Any] = {"logging_strategy": "epoch", "num_train_epochs": 3}
    plain = trained(Trainer, "classes", **settings)
    ours = trained(SelfPacedTrainer, "classes", pacer=Pacer(N, age=None), **settings)
    assert len(losses(ours)) == 3
    assert losses(ours) == pytest.approx(losses(plain), rel=1e-5)


class Tracker(TrainerCallback):
    """Keeps the names of the numbers that a tracker of ``report_to`` would get."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.names |= kwargs["logs"].keys()


class Loose(Trainer):
    """A trainer of a user that passes its arguments on."""

    def __init__(self, *args: Any, flag: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class PacedLoose(SelfPacedMixin, Loose):
    """Its self-paced subclass."""


def test_a_trainer_that_passes_arguments_on_is_paced(tiny: Any, arguments: Make) -> None:
    given = {"args": arguments(), "data_collator": tiny.padding(), "flag": 1}
    run = PacedLoose(model=tiny.bert(), train_dataset=tiny.sentences(N), pacer=Pacer(N), **given)
    run.train()
    assert run.pacer.steps == 1 and run.pacer.ledger.loss.isfinite().all()
    late = PacedLoose(tiny.bert(), given["args"], tiny.padding(), tiny.sentences(N))  # not by name
    with pytest.raises(ValueError, match="was not given by name when the trainer was made"):
        late.train()


def test_pacers_and_samplers_of_the_wrong_type_are_refused(paced: Make) -> None:
    for pacer in (5, Pacer):
        with pytest.raises(TypeError, match="pacer must be a Pacer or None; got"):
            paced(pacer=pacer)
    for sampler in (1, "dataset"):
        with pytest.raises(TypeError, match="sampler must be a PacedSampler, True or False; got"):
            paced(sampler=sampler)
    assert paced(sampler=None).sampler is None


def test_a_model_that_returns_a_tuple_is_refused(tiny: Any, paced: Make) -> None:
    run = paced(model=tiny.bert(return_dict=False))
    with pytest.raises(ValueError, match="returned no logits, only tuple, so"):
        run.train()


def test_trackers_get_the_numbers(paced: Make) -> None:
    tracker = Tracker()
    paced(callbacks=[tracker]).train()
    assert "spl/eff_samples" in tracker.names


@pytest.mark.parametrize("own", [False, True], ids=["True", "the user's"])
def test_a_sampler_keeps_the_number_of_steps_and_skips_samples(paced: Make, own: bool) -> None:
    pacer = Pacer(N, age=Quantile(Constant(0.5)))
    sampler = PacedSampler(pacer, length="dataset", revisit=0.0) if own else True
    given = {} if own else {"pacer": pacer}
    run = paced(sampler=sampler, num_train_epochs=3, **given)
    assert run.pacer is pacer
    run.train()
    assert run.state.global_step == run.state.max_steps == 3 * 2
    visits = pacer.ledger.visits
    assert (visits[pacer.weight > 0] >= 1).all()
    assert int(visits.min()) < 3  # at least one sample was not visited in every epoch


def test_the_sampler_has_another_order_in_each_epoch(tiny: Any, paced: Make) -> None:
    asked: list[int] = []
    samples = tiny.sentences(N)

    class Recorded(Dataset[Any]):
        def __len__(self) -> int:
            return N

        def __getitem__(self, place: int) -> Any:
            asked.append(place)
            return samples[place]

    run = paced(
        train_dataset=Recorded(),
        pacer=Pacer(N),
        sampler=True,
        num_train_epochs=2,
    )
    run.train()
    first, second = asked[:N], asked[N:]
    assert sorted(first) == sorted(second) == list(range(N))
    assert first != second


def test_a_search_begins_each_trial_with_an_empty_memory(tiny: Any, paced: Make) -> None:
    run = paced(model=None, model_init=lambda: tiny.bert())
    run.train()
    known = run.pacer.ledger.packed.clone()
    run.train()
    assert run.pacer.steps == 1
    torch.testing.assert_close(run.pacer.ledger.packed, known, equal_nan=True)


def test_training_again_continues(paced: Make) -> None:
    run = paced()
    run.train()
    run.train()
    assert run.pacer.steps == 2


# --- refusals


def test_settings_that_leave_no_loss_per_sample_are_refused(paced: Make, arguments: Make) -> None:
    with pytest.raises(ValueError, match="Liger's fused loss does not return a loss per token"):
        paced(use_liger_kernel=True)
    args = arguments()
    args._n_gpu = 2
    with pytest.raises(ValueError, match="DataParallel, n_gpu=2.* one process per GPU"):
        paced(args=args)


def test_sequences_split_among_ranks_are_refused(
    paced: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SelfPacedTrainer, "get_cp_size", lambda self: 2)
    with pytest.raises(ValueError, match="parallelism split a sample among ranks"):
        paced()


def test_a_pacer_that_does_not_fit_is_refused(paced: Make) -> None:
    with pytest.raises(ValueError, match="is for n_samples=9, but the train_dataset has 14"):
        paced(pacer=Pacer(9))
    with pytest.raises(ValueError, match='has reduction="kept". Make the pacer without'):
        paced(pacer=Pacer(N, reduction="kept"))


def test_a_sampler_that_does_not_fit_is_refused(paced: Make) -> None:
    pacer = Pacer(N)
    refused: dict[str, dict[str, Any]] = {
        "fixes the number of steps before the training": {"sampler": PacedSampler(pacer)},
        "num_replicas=1, rank=0": {
            "sampler": PacedSampler(pacer, length="dataset", num_replicas=2, rank=0)
        },
        "has another pacer": {
            "sampler": PacedSampler(pacer, length="dataset"),
            "pacer": Pacer(N),
        },
        "both decide the order": {"sampler": True, "train_sampling_strategy": "sequential"},
    }
    for match, given in refused.items():
        with pytest.raises(ValueError, match=match):
            paced(**given)


def test_a_pacer_without_n_samples_can_be_used(paced: Make) -> None:
    run = paced(pacer=Pacer())
    run.train()
    assert run.pacer.steps == 1


def test_packed_batches_are_refused(tiny: Any, paced: Make) -> None:
    flat: Any = DataCollatorWithFlattening
    run = paced(
        model=tiny.gpt(),
        train_dataset=tiny.texts(N),
        data_collator=flat(),
    )
    with pytest.raises(ValueError, match="has 1 rows for 4 samples. Packed"):
        run.train()


class Own(nn.Module):
    """A model with a loss of its own, which weights classes."""

    def __init__(self, logits: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner, self.logits = nn.Embedding(30, 2), logits

    def forward(
        self, input_ids: Tensor, labels: Tensor, attention_mask: Tensor
    ) -> dict[str, Tensor]:
        logits = self.inner(input_ids).mean(1)
        loss = F.cross_entropy(logits, labels, weight=torch.tensor([1.0, 3.0]), reduction="none")
        return {"loss": loss.mean()} | ({"logits": logits} if self.logits else {})


def test_a_loss_that_is_no_mean_is_refused_at_the_first_batch(paced: Make) -> None:
    with pytest.raises(ValueError, match="not a mean of its losses per item.* Override item_loss"):
        paced(model=Own()).train()


@pytest.mark.parametrize("extra", [1e-3, 2e-4])
def test_a_small_term_of_the_model_is_noticed_whenever_it_comes(paced: Make, extra: float) -> None:
    class Later(Own):
        batches = 0

        def forward(
            self, input_ids: Tensor, labels: Tensor, attention_mask: Tensor
        ) -> dict[str, Tensor]:
            self.batches += 1
            logits = self.inner(input_ids).mean(1)
            added = extra if self.batches > 2 else 0.0
            return {"loss": F.cross_entropy(logits, labels) + added, "logits": logits}

    model = Later()
    with pytest.raises(ValueError, match="not a mean of its losses per item"):
        paced(model=model).train()
    assert model.batches == 3


class Recipe(Trainer):
    """Class weights, as the documentation of Transformers has them."""

    weight = torch.tensor([1.0, 3.0])

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        loss = F.cross_entropy(outputs.logits, labels, weight=self.weight)
        return (loss, outputs) if return_outputs else loss


class Bypassing(SelfPacedTrainer):
    """The recipe in a subclass of ours: the pacer sees nothing."""

    weight = Recipe.weight
    compute_loss = Recipe.compute_loss


class PacedRecipe(SelfPacedMixin, Recipe):
    """The recipe with its losses per sample."""

    def item_losses(self, outputs: Any, labels: Tensor) -> Items:
        loss = F.cross_entropy(outputs.logits, labels, reduction="none")[:, None]
        weight = self.weight[labels][:, None]
        return Items(weight * loss, loss, weight)


class Adding(SelfPacedTrainer):
    """It adds a term to the loss of ours."""

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        loss = super().compute_loss(model, inputs, num_items_in_batch=num_items_in_batch)
        bias: Tensor = model.get_parameter("classifier.bias")
        return loss + 0.1 * bias.sum()


def test_a_compute_loss_that_bypasses_the_pacer_is_refused(tiny: Any, arguments: Make) -> None:
    given = {"train_dataset": tiny.sentences(N), "data_collator": tiny.padding()}
    with pytest.raises(ValueError, match=r"Bypassing.compute_loss did not call .* item_losses"):
        Bypassing(model=tiny.bert(), args=arguments(), **given).train()
    run = Adding(model=tiny.bert(), args=arguments(), **given)
    run.train()
    assert run.pacer.steps == 1


def test_a_compute_loss_func_must_be_a_mean_of_item_losses(trained: Make) -> None:
    def mean(outputs: Any, labels: Tensor, num_items_in_batch: Tensor) -> Tensor:
        return F.cross_entropy(outputs.logits, labels, reduction="sum") / num_items_in_batch

    def focal(outputs: Any, labels: Tensor, num_items_in_batch: Tensor) -> Tensor:
        loss = F.cross_entropy(outputs.logits, labels, reduction="none")
        return ((1 - (-loss).exp()) * loss).mean()

    plain = trained(Trainer, "classes", compute_loss_func=mean)
    ours = trained(SelfPacedTrainer, "classes", compute_loss_func=mean, pacer=Pacer(N, age=None))
    assert_same_weights(plain, ours)
    with pytest.raises(ValueError, match="not a mean of its losses per item"):
        trained(SelfPacedTrainer, "classes", compute_loss_func=focal)


def test_class_weights_train_as_in_the_host(tiny: Any, arguments: Make) -> None:
    runs = []
    kinds: list[tuple[Any, dict[str, Any]]] = [
        (Recipe, {}),
        (PacedRecipe, {"pacer": Pacer(N, age=None)}),
    ]
    for kind, more in kinds:
        run: Any = kind(
            model=tiny.bert(dropout=0.0),
            args=arguments(),
            train_dataset=tiny.sentences(N),
            data_collator=tiny.padding(),
            **more,
        )
        run.train()
        runs.append(run)
    assert_same_weights(*runs)
    assert not runs[1].pacer.ledger.loss.isnan().any()


def test_a_model_without_logits_is_refused(paced: Make) -> None:
    with pytest.raises(ValueError, match="returned no logits, only loss.*use_liger_kernel"):
        paced(model=Own(logits=False)).train()


def test_logits_of_another_shape_are_refused(paced: Make) -> None:
    class Odd(Own):
        def forward(
            self, input_ids: Tensor, labels: Tensor, attention_mask: Tensor
        ) -> dict[str, Tensor]:
            said = super().forward(input_ids, labels, attention_mask)
            return {**said, "logits": said["logits"][:, None, None]}

    with pytest.raises(ValueError, match=r"got \(4, 1, 1, 2\) with labels of shape \(4,\)"):
        paced(model=Odd()).train()


def test_a_model_with_a_loss_of_its_own_can_override_item_losses(
    tiny: Any, arguments: Make
) -> None:
    class Weighted(SelfPacedMixin, Trainer):
        def item_losses(self, outputs: Any, labels: Tensor) -> Items:
            plain = F.cross_entropy(outputs["logits"], labels, reduction="none")[:, None]
            weight = torch.where(labels == 1, 3.0, 1.0)[:, None]
            return Items(plain * weight, plain, torch.ones_like(plain, dtype=torch.bool))

    run = Weighted(
        model=Own(),
        args=arguments(),
        train_dataset=tiny.sentences(N),
        data_collator=tiny.padding(),
        pacer=Pacer(N, age=None),
    )
    run.train()
    host = Trainer(
        model=Own(),
        args=arguments(),
        train_dataset=tiny.sentences(N),
        data_collator=tiny.padding(),
    )
    host.train()
    assert_same_weights(host, run)


def test_without_transformers_the_error_names_the_extra(
    import_error: Callable[[str, str], str],
) -> None:
    error = import_error("selfpaced.transformers", "transformers")
    assert 'pip install "selfpaced[transformers]"' in error
    assert "ImportError: selfpaced.transformers needs transformers" in error


def test_a_few_lines_make_the_example_better(
    run_example: Callable[[str], str], added_lines: Callable[[str, str], list[str]]
) -> None:
    names = ("transformers_plain.py", "transformers_paced.py")
    assert len(added_lines(*names)) <= 8
    printed = [run_example(name) for name in names]
    before, after = (float(re.findall(r"accuracy ([0-9.]+)%", text)[0]) for text in printed)
    assert after > before + 8
    assert int(printed[1].split("suspects ")[1].split("%")[0]) >= 95
