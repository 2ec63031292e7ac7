"""The self-paced Trainer is the host's own, but for the weights."""

import difflib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertForTokenClassification,
    DataCollatorForLanguageModeling,
    DataCollatorForSeq2Seq,
    DataCollatorWithFlattening,
    DataCollatorWithPadding,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from selfpaced import PacedSampler, Pacer
from selfpaced.age import Deviations, Quantile, Threshold
from selfpaced.difficulty import Loss
from selfpaced.pacing import Constant
from selfpaced.transformers import Items, SelfPacedMixin, SelfPacedTrainer

N, VOCABULARY = 14, 30
Samples = list[dict[str, Any]]


def tokens(n: int = N, longest: int = 7) -> list[list[int]]:
    """Sequences of three tokens and more, of several lengths."""
    drawn = torch.randint(5, VOCABULARY, (n, longest), generator=torch.Generator().manual_seed(0))
    return [row[: 3 + place % (longest - 2)] for place, row in enumerate(drawn.tolist())]


def sentences(n: int = N) -> Samples:
    """The first token decides the class."""
    return [{"input_ids": ids, "labels": int(ids[0] > 17)} for ids in tokens(n)]


def texts(n: int = N) -> Samples:
    """The first token is a prompt, which does not count."""
    return [{"input_ids": ids, "labels": [-100, *ids[1:]]} for ids in tokens(n)]


def tokenizer() -> Any:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    words = {name: place for place, name in enumerate(["[PAD]", "[MASK]", *map(str, range(28))])}
    made = Tokenizer(WordLevel(words, unk_token="[PAD]"))
    kind: Any = PreTrainedTokenizerFast
    return kind(tokenizer_object=made, pad_token="[PAD]", mask_token="[MASK]")


def bert(kind: Any = BertForSequenceClassification, **settings: Any) -> Any:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=VOCABULARY, intermediate_size=8, **sizes, **settings)
    return kind(config)


def gpt(**settings: Any) -> Any:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"n_embd": 8, "n_layer": 1, "n_head": 2, "n_positions": 16}
    ids: dict[str, Any] = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
    return GPT2LMHeadModel(GPT2Config(vocab_size=VOCABULARY, **sizes, **ids, **settings))


def seq2seq() -> PreTrainedModel:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2}
    ids: dict[str, Any] = {"decoder_start_token_id": 0}
    return T5ForConditionalGeneration(T5Config(vocab_size=VOCABULARY, **sizes, **ids))


def arguments(folder: Path, **settings: Any) -> TrainingArguments:
    given: dict[str, Any] = {
        "gradient_accumulation_steps": 2,
        "num_train_epochs": 1,
        "learning_rate": 1e-2,
        "save_strategy": "no",
    } | settings
    return TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=4,
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        **given,
    )


def padding(kind: Callable[..., Any] = DataCollatorWithPadding) -> Any:
    return kind(tokenizer())


def paced(folder: Path, **given: Any) -> Any:
    """A trainer of sentences, unless told otherwise."""
    settings = {name: given.pop(name) for name in list(given) if hasattr(TrainingArguments, name)}
    defaults = {
        "model": bert(),
        "args": arguments(folder, **settings),
        "train_dataset": sentences(),
        "data_collator": padding(),
    }
    return SelfPacedTrainer(**(defaults | given))


def pacer_of(trainer: Any) -> Pacer:
    assert isinstance(trainer.pacer, Pacer)
    return trainer.pacer


CASES: dict[str, tuple[Callable[[], PreTrainedModel], Callable[[], Samples], Callable[[], Any]]] = {
    "classes": (bert, sentences, padding),
    "numbers": (
        lambda: bert(num_labels=1),
        lambda: [{"input_ids": ids, "labels": ids[0] / 30} for ids in tokens()],
        padding,
    ),
    "tags": (
        lambda: bert(num_labels=3, problem_type="multi_label_classification"),
        lambda: [{"input_ids": ids, "labels": [1.0, 0.0, ids[0] % 2]} for ids in tokens()],
        padding,
    ),
    "causal language model": (gpt, texts, lambda: padding(DataCollatorForSeq2Seq)),
    "labels of the collator": (
        gpt,
        lambda: [{"input_ids": ids} for ids in tokens()],
        lambda: DataCollatorForLanguageModeling(tokenizer(), mlm=False),
    ),
    "masked language model": (
        lambda: bert(BertForMaskedLM),
        lambda: [{"input_ids": ids} for ids in tokens()],
        lambda: DataCollatorForLanguageModeling(tokenizer(), mlm_probability=0.3, seed=0),
    ),
    "classes of tokens": (
        lambda: bert(BertForTokenClassification),
        lambda: [{"input_ids": ids, "labels": [i % 2 for i in ids]} for ids in tokens()],
        lambda: padding(DataCollatorForSeq2Seq),
    ),
    "sequence to sequence": (
        seq2seq,
        texts,
        lambda: padding(DataCollatorForSeq2Seq),
    ),
}


def trained(kind: type[Trainer], case: str, folder: Path, **given: Any) -> Trainer:
    made, samples, collator = CASES[case]
    settings: dict[str, Any] = {
        name: given.pop(name) for name in list(given) if hasattr(TrainingArguments, name)
    }
    run = kind(
        model=made(),
        args=arguments(folder, **settings),
        train_dataset=samples(),
        data_collator=collator(),
        **given,
    )
    run.train()
    return run


def assert_same_weights(one: Trainer, other: Trainer) -> None:
    assert one.model is not None
    assert other.model is not None
    for name, value in one.model.state_dict().items():
        torch.testing.assert_close(other.model.state_dict()[name], value, msg=name)


def losses(run: Trainer) -> list[float]:
    return [row["loss"] for row in run.state.log_history if "loss" in row]


# --- all weights 1


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_with_all_weights_one_it_is_the_hosts_run(case: str, steps: int, tmp_path: Path) -> None:
    settings = {"gradient_accumulation_steps": steps}
    plain = trained(Trainer, case, tmp_path, **settings)
    ours = trained(SelfPacedTrainer, case, tmp_path, pacer=Pacer(N, age=None), **settings)
    assert_same_weights(plain, ours)
    assert losses(ours) == pytest.approx(losses(plain), rel=1e-4)
    assert isinstance(ours, SelfPacedTrainer)
    if case != "masked language model":
        assert not pacer_of(ours).ledger.loss.isnan().any()


@pytest.mark.parametrize("case", ["classes", "causal language model"])
def test_label_smoothing_is_the_hosts(case: str, tmp_path: Path) -> None:
    plain = trained(Trainer, case, tmp_path, label_smoothing_factor=0.2)
    ours = trained(
        SelfPacedTrainer, case, tmp_path, label_smoothing_factor=0.2, pacer=Pacer(N, age=None)
    )
    assert_same_weights(plain, ours)


def test_label_smoothing_does_not_change_what_samples_are_judged_by(tmp_path: Path) -> None:
    known = {}
    for smoothing in (0.0, 0.2):
        run = paced(tmp_path, label_smoothing_factor=smoothing, learning_rate=0.0, **still())
        run.train()
        known[smoothing] = pacer_of(run).ledger.loss
    torch.testing.assert_close(known[0.0], known[0.2])


def still() -> dict[str, Any]:
    """A model without dropout."""
    return {"model": bert(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)}


@pytest.mark.parametrize("case", ["classes", "causal language model"])
def test_bf16_trains_as_the_hosts(case: str, tmp_path: Path) -> None:
    plain = trained(Trainer, case, tmp_path, bf16=True)
    ours = trained(SelfPacedTrainer, case, tmp_path, bf16=True, pacer=Pacer(N, age=None))
    assert losses(ours) == pytest.approx(losses(plain), rel=1e-2)
    assert isinstance(ours, SelfPacedTrainer)
    assert pacer_of(ours).ledger.loss.dtype == torch.float32


# --- the objective


def test_the_loss_of_a_step_is_the_weighted_sum_over_its_tokens(tmp_path: Path) -> None:
    threshold = 3.4
    run = paced(
        tmp_path,
        model=gpt(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0),
        train_dataset=texts(8),
        data_collator=padding(DataCollatorForSeq2Seq),
        pacer=Pacer(8, age=Threshold(Constant(threshold)), difficulty=Loss()),
    )
    sums, means, counts = by_hand(run.model, texts(8))
    run.train()
    kept = means < threshold
    assert 0 < kept.sum() < 8
    expected = float((kept * sums).sum() / counts.sum())  # both batches are one step
    assert losses(run) == [pytest.approx(expected, rel=1e-4)]
    torch.testing.assert_close(pacer_of(run).ledger.loss, means)


@torch.no_grad()
def by_hand(model: nn.Module, samples: Samples) -> tuple[Tensor, Tensor, Tensor]:
    """The sum, the mean and the number of each sequence's losses, one by one."""
    model.eval()
    found = []
    for sample in samples:
        ids, labels = torch.tensor([sample["input_ids"]]), torch.tensor(sample["labels"])
        logits = model(input_ids=ids).logits[0]
        loss = F.cross_entropy(logits[:-1], labels[1:], reduction="none")
        found.append((loss.sum(), loss.sum() / len(loss), torch.tensor(len(loss))))
    sums, means, counts = (torch.stack(column) for column in zip(*found, strict=True))
    return sums, means, counts


def test_samples_that_are_left_out_give_no_gradient(tmp_path: Path) -> None:
    run = paced(tmp_path, pacer=Pacer(N, age=Threshold(Constant(1e-9)), difficulty=Loss()))
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    run.train()
    for name, value in run.model.state_dict().items():
        assert torch.equal(before[name], value), name
    assert losses(run) == [0.0, 0.0]


def test_a_sequence_without_a_label_is_not_judged(tmp_path: Path) -> None:
    samples = texts()
    samples[3]["labels"] = [-100] * len(samples[3]["labels"])
    run = paced(tmp_path, model=gpt(), train_dataset=samples, data_collator=lm_padding())
    run.train()
    assert pacer_of(run).ledger.loss.isnan().nonzero().flatten().tolist() == [3]


def test_a_batch_without_a_label_trains_nothing(tmp_path: Path) -> None:
    samples = [{**sample, "labels": [-100] * len(sample["labels"])} for sample in texts(4)]
    run = paced(
        tmp_path,
        model=gpt(),
        train_dataset=[*samples, *texts(4)],
        data_collator=lm_padding(),
        train_sampling_strategy="sequential",
    )
    run.train()
    assert pacer_of(run).ledger.loss.isnan().tolist() == [True] * 4 + [False] * 4


def lm_padding() -> Any:
    return padding(DataCollatorForSeq2Seq)


# --- the default pacer


def test_the_default_protects_each_class(tmp_path: Path) -> None:
    classes = torch.tensor([sample["labels"] for sample in sentences()])
    table = datasets.Dataset.from_list(sentences())
    named = table.cast_column("labels", datasets.ClassLabel(names=["low", "high"]))
    for dataset in (sentences(), table, named, table.with_format("torch")):
        made = pacer_of(paced(tmp_path, train_dataset=dataset))
        assert torch.equal(made.ledger.columns["group"], classes)


def test_the_default_of_numbers_looks_at_deviations(tmp_path: Path) -> None:
    numbers = [{**sample, "labels": sample["labels"] + 0.5} for sample in sentences()]
    run = paced(tmp_path, model=bert(num_labels=1), train_dataset=numbers)
    assert pacer_of(run).age == Deviations()
    whole = paced(tmp_path, model=bert(num_labels=1))  # whole numbers, and one output
    assert pacer_of(whole).age == Deviations()


@pytest.mark.parametrize("case", ["causal language model", "tags", "labels of the collator"])
def test_the_default_without_classes_has_no_groups(case: str, tmp_path: Path) -> None:
    _, samples, _ = CASES[case]
    for dataset in (samples(), datasets.Dataset.from_list(samples())):
        made = pacer_of(paced(tmp_path, model=gpt(), train_dataset=dataset))
        assert not made.ledger.columns
        assert made.current_age.ndim == 0


class Lazy(Dataset[Any]):
    """A dataset that makes its items when asked, and knows its labels only then."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, place: int) -> Any:
        return self.samples[place]


def test_labels_that_would_cost_loading_are_asked_for(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="labels of a Lazy are not known without loading"):
        made = pacer_of(paced(tmp_path, train_dataset=Lazy(sentences())))
    assert not made.ledger.columns
    number = pacer_of(paced(tmp_path, model=bert(num_labels=1), train_dataset=Lazy(sentences())))
    assert number.age == Deviations()


class Labelled(Lazy):
    """A dataset that keeps its labels beside its items, as those of images do."""

    def __init__(self, samples: Samples) -> None:
        super().__init__(samples)
        self.targets = [sample["labels"] for sample in samples]


def test_labels_that_a_dataset_keeps_make_groups(tmp_path: Path) -> None:
    dataset = Labelled(sentences())
    labels = torch.tensor(dataset.targets)
    made = pacer_of(paced(tmp_path, train_dataset=dataset))
    assert torch.equal(made.ledger.columns["group"], labels)
    part = pacer_of(paced(tmp_path, train_dataset=Subset(dataset, [5, 2, 7, 4])))
    assert torch.equal(part.ledger.columns["group"], labels[[5, 2, 7, 4]])


@pytest.mark.parametrize("targets", [[9, 0, 1], [1 - sentences()[0]["labels"]] * 99, "text"])
def test_what_a_dataset_keeps_of_something_else_is_no_label(targets: Any, tmp_path: Path) -> None:
    dataset = Lazy(sentences())
    dataset.targets = targets  # type: ignore[attr-defined]  # not of the class
    with pytest.warns(UserWarning, match="no class is protected"):
        assert not pacer_of(paced(tmp_path, train_dataset=dataset)).ledger.columns


# --- the index


class Batched(Lazy):
    """A dataset that is read a batch at a time."""

    def __getitems__(self, places: list[int]) -> Samples:
        return [self.samples[place] for place in places]


def on_the_fly() -> datasets.Dataset:
    rows = datasets.Dataset.from_list(sentences())
    rows.set_transform(lambda batch: {**batch, "extra": [0] * len(batch["labels"])})
    return rows


KINDS: dict[str, Callable[[], Any]] = {
    "list": sentences,
    "torch": lambda: Lazy(sentences()),
    "torch, batched": lambda: Batched(sentences()),
    "table": lambda: datasets.Dataset.from_list(sentences()),
    "table of tensors": lambda: datasets.Dataset.from_list(sentences()).with_format("torch"),
    "table with a transform": on_the_fly,
}


@pytest.mark.parametrize("removed", [True, False], ids=["columns removed", "columns kept"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_loss_goes_to_its_own_sample(kind: str, removed: bool, tmp_path: Path) -> None:
    if kind == "table with a transform" and not removed:
        pytest.skip("its extra column would reach the model, as the host says")
    run = paced(
        tmp_path,
        **still(),
        train_dataset=KINDS[kind](),
        remove_unused_columns=removed,
        learning_rate=0.0,
        pacer=Pacer(N),
    )
    run.train()
    expected = [
        F.cross_entropy(
            run.model.eval()(input_ids=torch.tensor([sample["input_ids"]])).logits,
            torch.tensor([sample["labels"]]),
        )
        for sample in sentences()
    ]
    torch.testing.assert_close(pacer_of(run).ledger.loss, torch.stack(expected))
    assert len(run.pacer.suspects(3)) == 3


def test_the_hosts_default_collator_is_enough(tmp_path: Path) -> None:
    same_length = [{**sample, "input_ids": sample["input_ids"][:3]} for sample in sentences()]
    run = paced(tmp_path, train_dataset=same_length, data_collator=None)
    run.train()
    assert not pacer_of(run).ledger.loss.isnan().any()


def test_a_collator_of_tuples_gets_them_as_they_were(tmp_path: Path) -> None:
    seen = []

    def collate(items: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        seen.append({len(item) for item in items})
        ids, labels = zip(*items, strict=True)
        return {"input_ids": torch.stack(ids), "labels": torch.stack(labels)}

    rows = TensorDataset(torch.arange(12).reshape(6, 2) + 5, torch.arange(6) % 2)
    run = paced(tmp_path, train_dataset=rows, data_collator=collate, pacer=Pacer(6))
    run.train()
    assert seen == [{2}, {2}]
    assert not pacer_of(run).ledger.loss.isnan().any()


def test_the_collator_and_the_columns_stay_the_users(tmp_path: Path) -> None:
    mine = padding()
    run = paced(tmp_path, data_collator=mine)
    run.train()
    assert run.data_collator is mine
    assert "index" not in run._signature_columns


def test_workers_deliver_the_index(tmp_path: Path) -> None:
    run = paced(tmp_path, dataloader_num_workers=1)
    run.train()
    assert not pacer_of(run).ledger.loss.isnan().any()


def test_a_stream_is_refused(tmp_path: Path) -> None:
    class Stream(IterableDataset[Any]):
        def __iter__(self) -> Any:
            return iter(sentences())

    for stream in (Stream(), datasets.Dataset.from_list(sentences()).to_iterable_dataset()):
        with pytest.raises(TypeError, match="A stream has no indices to remember losses by"):
            paced(tmp_path, train_dataset=stream, max_steps=2)


def test_an_index_of_the_users_is_not_overwritten(tmp_path: Path) -> None:
    rows = datasets.Dataset.from_list([{**sample, "index": 7} for sample in sentences()])
    with pytest.raises(ValueError, match='has a column "index" already.* Rename it'):
        paced(tmp_path, train_dataset=rows)


def test_a_batch_that_lost_its_labels_is_named(tmp_path: Path) -> None:
    def collate(items: Samples) -> dict[str, Any]:
        batch = padding()(items)
        return {"input_ids": batch["input_ids"]}

    with pytest.raises(ValueError, match='batch has no "labels", only input_ids'):
        paced(tmp_path, data_collator=collate).train()


# --- evaluation


def test_evaluation_and_prediction_are_the_hosts(tmp_path: Path) -> None:
    run = paced(tmp_path, eval_dataset=sentences(6), label_names=["labels"])
    host: Any = Trainer(
        model=run.model,
        args=arguments(tmp_path),
        eval_dataset=sentences(6),
        data_collator=padding(),
    )
    assert run.evaluate()["eval_loss"] == host.evaluate()["eval_loss"]
    run.train()
    assert run.evaluate()["eval_loss"] == host.evaluate()["eval_loss"]
    said, expected = run.predict(sentences(5)), host.predict(sentences(5))
    torch.testing.assert_close(torch.tensor(said.predictions), torch.tensor(expected.predictions))
    assert pacer_of(run).steps == 1


def test_evaluation_during_training_is_not_remembered(tmp_path: Path) -> None:
    run = paced(tmp_path, eval_dataset=sentences(3), eval_strategy="steps", eval_steps=1)
    before = pacer_of(run)
    run.train()
    assert int(before.ledger.visits.max()) == 1
    assert sum("eval_loss" in row for row in run.state.log_history) == 2


@pytest.mark.parametrize("removed", [True, False])
@pytest.mark.parametrize("kind", ["list", "table"])
def test_the_numbered_train_set_can_be_predicted(kind: str, removed: bool, tmp_path: Path) -> None:
    run = paced(tmp_path, train_dataset=KINDS[kind](), remove_unused_columns=removed)
    assert len(run.predict(run.train_dataset).predictions) == N


def test_without_a_train_set_it_evaluates(tmp_path: Path) -> None:
    run = paced(tmp_path, train_dataset=None, eval_dataset=sentences(4))
    assert run.pacer.n_samples is None
    assert run.evaluate()["eval_loss"] > 0


def test_a_pacer_at_rest_is_the_hosts_training(tmp_path: Path) -> None:
    plain = trained(Trainer, "classes", tmp_path)
    resting = Pacer(N).eval()
    ours = trained(SelfPacedTrainer, "classes", tmp_path, pacer=resting)
    assert_same_weights(plain, ours)
    assert resting.steps == 0


# --- epochs, logs, the sampler


def test_the_pacer_steps_after_every_epoch_and_says_so_once(tmp_path: Path) -> None:
    run = paced(tmp_path, num_train_epochs=3)
    run.train()
    assert pacer_of(run).steps == 3
    rows = [row for row in run.state.log_history if "spl/frac_selected" in row]
    assert [row["epoch"] for row in rows] == [1.0, 2.0, 3.0]
    assert {"spl/class_0/frac_selected", "spl/loss_q50", "spl/n_suspect"} <= rows[-1].keys()


class Heard(TrainerCallback):
    """What a tracker of ``report_to`` hears."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.names |= kwargs["logs"].keys()


class Loose(Trainer):
    """A trainer of the user's, which passes on what it is given."""

    def __init__(self, *args: Any, flag: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class PacedLoose(SelfPacedMixin, Loose):
    """The same, self-paced."""


def test_a_trainer_that_passes_arguments_on_is_paced(tmp_path: Path) -> None:
    given = {"args": arguments(tmp_path), "data_collator": padding(), "flag": 1}
    run = PacedLoose(model=bert(), train_dataset=sentences(), pacer=Pacer(N), **given)
    run.train()
    assert run.pacer.steps == 1 and run.pacer.ledger.loss.isfinite().all()
    late = PacedLoose(bert(), given["args"], padding(), sentences())  # by place: not seen
    with pytest.raises(ValueError, match="was not there when the trainer was made"):
        late.train()


def test_pacers_and_samplers_that_are_none_are_told(tmp_path: Path) -> None:
    for pacer in (5, Pacer):
        with pytest.raises(TypeError, match="pacer must be a Pacer; got"):
            paced(tmp_path, pacer=pacer)
    for sampler in (1, "dataset"):
        with pytest.raises(TypeError, match="sampler must be a PacedSampler, True or False; got"):
            paced(tmp_path, sampler=sampler)
    assert paced(tmp_path, sampler=None).sampler is None


def test_a_model_that_puts_out_a_tuple_is_told(tmp_path: Path) -> None:
    run = paced(tmp_path, model=bert(return_dict=False))
    with pytest.raises(ValueError, match="put out no logits, only tuple, so"):
        run.train()


def test_several_numbers_are_judged_by_their_deviations(tmp_path: Path) -> None:
    rows = [{"input_ids": ids, "labels": [0.1, 0.2]} for ids in tokens()]
    model = bert(num_labels=2, problem_type="regression")
    assert pacer_of(paced(tmp_path, model=model, train_dataset=rows)).age == Deviations()


def test_trackers_hear_the_numbers(tmp_path: Path) -> None:
    heard = Heard()
    paced(tmp_path, callbacks=[heard]).train()
    assert "spl/eff_samples" in heard.names


@pytest.mark.parametrize("own", [False, True], ids=["True", "the user's"])
def test_a_sampler_keeps_the_number_of_steps_and_leaves_out(own: bool, tmp_path: Path) -> None:
    pacer = Pacer(N, age=Quantile(Constant(0.5)))
    sampler = PacedSampler(pacer, length="dataset", revisit=0.0) if own else True
    given = {} if own else {"pacer": pacer}
    run = paced(tmp_path, sampler=sampler, num_train_epochs=3, **given)
    assert run.pacer is pacer
    run.train()
    assert run.state.global_step == run.state.max_steps == 3 * 2
    visits = pacer.ledger.visits
    assert (visits[pacer.weight > 0] >= 1).all()
    assert int(visits.min()) < 3  # somebody was not visited in every epoch


def test_the_sampler_begins_each_epoch_with_another_order(tmp_path: Path) -> None:
    asked: list[int] = []

    class Recorded(Lazy):
        def __getitem__(self, place: int) -> Any:
            asked.append(place)
            return self.samples[place]

    run = paced(
        tmp_path,
        train_dataset=Recorded(sentences()),
        pacer=Pacer(N),
        sampler=True,
        num_train_epochs=2,
    )
    run.train()
    first, second = asked[:N], asked[N:]
    assert sorted(first) == sorted(second) == list(range(N))
    assert first != second


def test_a_search_begins_each_trial_with_an_empty_memory(tmp_path: Path) -> None:
    run = paced(tmp_path, model=None, model_init=lambda: bert())
    run.train()
    known = pacer_of(run).ledger.packed.clone()
    run.train()
    assert pacer_of(run).steps == 1
    torch.testing.assert_close(pacer_of(run).ledger.packed, known, equal_nan=True)


def test_training_again_goes_on(tmp_path: Path) -> None:
    run = paced(tmp_path)
    run.train()
    run.train()
    assert pacer_of(run).steps == 2


# --- what cannot be


def test_settings_that_leave_no_loss_per_sample_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="compute_loss_func returns one number for all samples"):
        paced(tmp_path, compute_loss_func=lambda outputs, labels, num_items_in_batch: None)
    with pytest.raises(ValueError, match="Liger's fused loss never has a loss per token"):
        paced(tmp_path, use_liger_kernel=True)
    args = arguments(tmp_path)
    args._n_gpu = 2
    with pytest.raises(ValueError, match="DataParallel, n_gpu=2.* one process per GPU"):
        paced(tmp_path, args=args)


def test_sequences_split_among_ranks_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SelfPacedTrainer, "get_cp_size", lambda self: 2)
    with pytest.raises(ValueError, match="parallelism split a sample among ranks"):
        paced(tmp_path)


def test_a_pacer_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is of n_samples=9, the train_dataset has 14"):
        paced(tmp_path, pacer=Pacer(9))
    with pytest.raises(ValueError, match='got reduction="kept". Make the pacer without it'):
        paced(tmp_path, pacer=Pacer(N, reduction="kept"))


def test_a_sampler_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    pacer = Pacer(N)
    refused: dict[str, dict[str, Any]] = {
        "fixes the number of steps up front": {"sampler": PacedSampler(pacer)},
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
            paced(tmp_path, **given)


def test_a_pacer_without_samples_weighs_and_knows_no_suspects(tmp_path: Path) -> None:
    run = paced(tmp_path, pacer=Pacer())
    run.train()
    assert pacer_of(run).steps == 1


def test_packed_batches_are_named(tmp_path: Path) -> None:
    flat: Any = DataCollatorWithFlattening
    run = paced(
        tmp_path,
        model=gpt(),
        train_dataset=texts(),
        data_collator=flat(),
    )
    with pytest.raises(ValueError, match="has 1 rows for 4 samples: packed"):
        run.train()


class Own(nn.Module):
    """A model with a loss of its own: classes weigh differently."""

    def __init__(self, logits: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner, self.logits = nn.Embedding(VOCABULARY, 2), logits

    def forward(
        self, input_ids: Tensor, labels: Tensor, attention_mask: Tensor
    ) -> dict[str, Tensor]:
        logits = self.inner(input_ids).mean(1)
        loss = F.cross_entropy(logits, labels, weight=torch.tensor([1.0, 3.0]), reduction="none")
        return {"loss": loss.mean()} | ({"logits": logits} if self.logits else {})


def test_a_loss_that_is_no_mean_is_noticed_in_the_first_batch(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a mean of its losses per item.* Override item_loss"):
        paced(tmp_path, model=Own()).train()


def test_a_model_without_logits_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="put out no logits, only loss.*use_liger_kernel"):
        paced(tmp_path, model=Own(logits=False)).train()


def test_logits_of_another_shape_are_named(tmp_path: Path) -> None:
    class Odd(Own):
        def forward(
            self, input_ids: Tensor, labels: Tensor, attention_mask: Tensor
        ) -> dict[str, Tensor]:
            said = super().forward(input_ids, labels, attention_mask)
            return {**said, "logits": said["logits"][:, None, None]}

    with pytest.raises(ValueError, match=r"got \(4, 1, 1, 2\) with labels of shape \(4,\)"):
        paced(tmp_path, model=Odd()).train()


def test_a_model_with_a_loss_of_its_own_may_say_what_it_is(tmp_path: Path) -> None:
    class Weighted(SelfPacedMixin, Trainer):
        def item_losses(self, outputs: Any, labels: Tensor) -> Items:
            plain = F.cross_entropy(outputs["logits"], labels, reduction="none")[:, None]
            weight = torch.where(labels == 1, 3.0, 1.0)[:, None]
            return Items(plain * weight, plain, torch.ones_like(plain, dtype=torch.bool))

    run = Weighted(
        model=Own(),
        args=arguments(tmp_path),
        train_dataset=sentences(),
        data_collator=padding(),
        pacer=Pacer(N, age=None),
    )
    run.train()
    host = Trainer(
        model=Own(),
        args=arguments(tmp_path),
        train_dataset=sentences(),
        data_collator=padding(),
    )
    host.train()
    assert_same_weights(host, run)


def test_without_transformers_the_extra_is_named() -> None:
    program = "import sys; sys.modules['transformers'] = None; import selfpaced.transformers"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert 'pip install "selfpaced[transformers]"' in result.stderr
    assert "ImportError: selfpaced.transformers needs transformers" in result.stderr


EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_example_is_the_hosts_program_but_for_a_few_lines(tmp_path: Path) -> None:
    plain, ours = (EXAMPLES / f"transformers_{kind}.py" for kind in ("plain", "paced"))
    lines = difflib.ndiff(plain.read_text().splitlines(), ours.read_text().splitlines())
    assert sum(line.startswith("+ ") for line in lines) <= 8
    said = [said_by(program, tmp_path) for program in (plain, ours)]
    before, after = (float(re.findall(r"accuracy ([0-9.]+)%", text)[0]) for text in said)
    assert after > before + 8
    assert int(said[1].split("suspects ")[1].split("%")[0]) >= 95


def said_by(program: Path, folder: Path) -> str:
    """What a program prints, without a network."""
    offline = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "HOME": str(folder)}
    result = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={"PYTHONPATH": str(EXAMPLES.parent / "src")} | offline,
    )
    return result.stdout
