"""The train set of a self-paced trainer: its index, its labels, and the default pacer for them."""

from collections.abc import Callable
from typing import Any

import datasets
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from selfpaced import Indexed, Pacer
from selfpaced.age import Deviations

N = 14
Make = Callable[..., Any]
Samples = list[dict[str, Any]]


# --- the default pacer


def test_the_default_protects_each_class(tiny: Any, paced: Make) -> None:
    classes = torch.tensor([sample["labels"] for sample in tiny.sentences(N)])
    table = datasets.Dataset.from_list(tiny.sentences(N))
    named = table.cast_column("labels", datasets.ClassLabel(names=["low", "high"]))
    for dataset in (tiny.sentences(N), table, named, table.with_format("torch")):
        made = paced(train_dataset=dataset).pacer
        assert torch.equal(made.ledger.columns["group"], classes)


def test_the_default_age_of_numbers_is_deviations(tiny: Any, paced: Make) -> None:
    numbers = [{**sample, "labels": sample["labels"] + 0.5} for sample in tiny.sentences(N)]
    run = paced(model=tiny.bert(num_labels=1), train_dataset=numbers)
    assert run.pacer.age == Deviations()
    whole = paced(model=tiny.bert(num_labels=1))  # whole numbers, and one output
    assert whole.pacer.age == Deviations()


WITHOUT_CLASSES: dict[str, Callable[[Any], Samples]] = {
    "causal language model": lambda tiny: tiny.texts(N),
    "tags": lambda tiny: [
        {"input_ids": ids, "labels": [1.0, 0.0, ids[0] % 2]} for ids in tiny.tokens(N)
    ],
    "labels of the collator": lambda tiny: [{"input_ids": ids} for ids in tiny.tokens(N)],
}


@pytest.mark.filterwarnings("ignore:The labels are tags")
@pytest.mark.parametrize("case", WITHOUT_CLASSES)
def test_the_default_without_classes_has_no_groups(tiny: Any, paced: Make, case: str) -> None:
    samples = WITHOUT_CLASSES[case](tiny)
    for dataset in (samples, datasets.Dataset.from_list(samples)):
        made = paced(model=tiny.gpt(), train_dataset=dataset).pacer
        assert not made.ledger.columns
        assert made.current_age.ndim == 0


class Lazy(Dataset[Any]):
    """A dataset whose labels are known only when an item is loaded."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, place: int) -> Any:
        return self.samples[place]


def test_labels_that_need_loading_raise_a_warning(tiny: Any, paced: Make) -> None:
    with pytest.warns(UserWarning, match="labels of a Lazy are not known without loading"):
        made = paced(train_dataset=Lazy(tiny.sentences(N))).pacer
    assert not made.ledger.columns
    number = paced(model=tiny.bert(num_labels=1), train_dataset=Lazy(tiny.sentences(N))).pacer
    assert number.age == Deviations()


class Labelled(Lazy):
    """A dataset with an attribute of labels, as datasets of images have it."""

    def __init__(self, samples: Samples) -> None:
        super().__init__(samples)
        self.targets = [sample["labels"] for sample in samples]


def test_labels_in_an_attribute_of_a_dataset_make_groups(tiny: Any, paced: Make) -> None:
    dataset = Labelled(tiny.sentences(N))
    labels = torch.tensor(dataset.targets)
    made = paced(train_dataset=dataset).pacer
    assert torch.equal(made.ledger.columns["group"], labels)
    part = paced(train_dataset=Subset(dataset, [5, 2, 7, 4])).pacer
    assert torch.equal(part.ledger.columns["group"], labels[[5, 2, 7, 4]])


@pytest.mark.parametrize(
    "targets",
    [lambda first: [9, 0, 1], lambda first: [1 - first] * 99, lambda first: "text"],
    ids=["another length", "other values", "text"],
)
def test_an_attribute_that_holds_no_labels_is_not_used(
    tiny: Any, paced: Make, targets: Any
) -> None:
    dataset = Lazy(tiny.sentences(N))
    dataset.targets = targets(dataset[0]["labels"])  # type: ignore[attr-defined]  # not of the class
    with pytest.warns(UserWarning, match="no class is protected"):
        assert not paced(train_dataset=dataset).pacer.ledger.columns


def test_the_default_age_of_several_numbers_is_deviations(tiny: Any, paced: Make) -> None:
    rows = [{"input_ids": ids, "labels": [0.1, 0.2]} for ids in tiny.tokens(N)]
    model = tiny.bert(num_labels=2, problem_type="regression")
    assert paced(model=model, train_dataset=rows).pacer.age == Deviations()


@pytest.mark.parametrize("named", [True, False], ids=["named", "guessed"])
def test_tags_raise_a_warning_with_the_default_age(tiny: Any, paced: Make, named: bool) -> None:
    rows = [{"input_ids": ids, "labels": [1.0, 0.0, ids[0] % 2 / 1]} for ids in tiny.tokens(N)]
    settings = {"problem_type": "multi_label_classification"} if named else {}
    given = {"model": tiny.bert(num_labels=3, **settings), "train_dataset": rows}
    with pytest.warns(UserWarning, match=r"labels are tags.* give pacer=Pacer\(n, age=Quantile"):
        paced(**given)
    paced(**given, pacer=Pacer(N, age=Deviations()))  # an age of the user: no warning


# --- the index


class Batched(Lazy):
    """A dataset that loads a whole batch in one call."""

    def __getitems__(self, places: list[int]) -> Samples:
        return [self.samples[place] for place in places]


def with_a_transform(samples: Samples) -> datasets.Dataset:
    """A table that makes its items with a function of the user."""
    rows = datasets.Dataset.from_list(samples)
    rows.set_transform(lambda batch: {**batch, "extra": [0] * len(batch["labels"])})
    return rows


KINDS: dict[str, Callable[[Samples], Any]] = {
    "list": list,
    "torch": Lazy,
    "torch, batched": Batched,
    "table": datasets.Dataset.from_list,
    "table of tensors": lambda samples: datasets.Dataset.from_list(samples).with_format("torch"),
    "table with a transform": with_a_transform,
}


@pytest.mark.parametrize("removed", [True, False], ids=["columns removed", "columns kept"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_loss_goes_to_its_own_sample(tiny: Any, paced: Make, kind: str, removed: bool) -> None:
    if kind == "table with a transform" and not removed:
        pytest.skip("its extra column would reach the model")
    run = paced(
        model=tiny.bert(dropout=0.0),
        train_dataset=KINDS[kind](tiny.sentences(N)),
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
        for sample in tiny.sentences(N)
    ]
    torch.testing.assert_close(run.pacer.ledger.loss, torch.stack(expected))
    assert len(run.pacer.suspects(3)) == 3


def test_the_hosts_default_collator_is_enough(tiny: Any, paced: Make) -> None:
    same_length = [{**sample, "input_ids": sample["input_ids"][:3]} for sample in tiny.sentences(N)]
    run = paced(train_dataset=same_length, data_collator=None)
    run.train()
    assert not run.pacer.ledger.loss.isnan().any()


def test_a_collator_of_tuples_gets_them_without_the_index(paced: Make) -> None:
    seen = []

    def collate(items: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        seen.append({len(item) for item in items})
        ids, labels = zip(*items, strict=True)
        return {"input_ids": torch.stack(ids), "labels": torch.stack(labels)}

    rows = TensorDataset(torch.arange(12).reshape(6, 2) + 5, torch.arange(6) % 2)
    run = paced(train_dataset=rows, data_collator=collate, pacer=Pacer(6))
    run.train()
    assert seen and all(sizes == {2} for sizes in seen)
    assert not run.pacer.ledger.loss.isnan().any()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_collator_that_sorts_is_refused(tiny: Any, paced: Make, workers: int) -> None:
    def by_length(items: Samples) -> Any:
        return tiny.padding()(sorted(items, key=lambda item: len(item["input_ids"])))

    with pytest.raises(ValueError, match="changes the order of the samples"):
        paced(data_collator=by_length, dataloader_num_workers=workers).train()


def test_the_collator_and_the_columns_of_the_trainer_do_not_change(tiny: Any, paced: Make) -> None:
    mine = tiny.padding()
    run = paced(data_collator=mine)
    run.train()
    assert run.data_collator is mine
    assert "index" not in run._signature_columns


def test_loader_workers_deliver_the_index(paced: Make) -> None:
    run = paced(dataloader_num_workers=1)
    run.train()
    assert not run.pacer.ledger.loss.isnan().any()


def test_a_stream_is_refused(tiny: Any, paced: Make) -> None:
    class Stream(IterableDataset[Any]):
        def __iter__(self) -> Any:
            return iter(tiny.sentences(N))

    for stream in (Stream(), datasets.Dataset.from_list(tiny.sentences(N)).to_iterable_dataset()):
        with pytest.raises(TypeError, match="A stream has no indices to remember losses by"):
            paced(train_dataset=stream, max_steps=2)


def test_a_column_index_of_the_user_is_refused(tiny: Any, paced: Make) -> None:
    rows = datasets.Dataset.from_list([{**sample, "index": 7} for sample in tiny.sentences(N)])
    with pytest.raises(ValueError, match='has a column "index" already.* Rename it'):
        paced(train_dataset=rows)


def test_a_batch_without_labels_is_refused(tiny: Any, paced: Make) -> None:
    def collate(items: Samples) -> dict[str, Any]:
        batch = tiny.padding()(items)
        return {"input_ids": batch["input_ids"]}

    with pytest.raises(ValueError, match='batch has no "labels", only input_ids.*RewardTrainer'):
        paced(data_collator=collate).train()


@pytest.mark.filterwarnings("ignore:The labels of a")
@pytest.mark.parametrize("kind", KINDS)
def test_another_train_set_without_indices_is_refused(tiny: Any, paced: Make, kind: str) -> None:
    run = paced(train_dataset=KINDS[kind](tiny.sentences(N)))
    for other in (KINDS[kind](tiny.sentences(N)), Indexed(tiny.sentences(2 * N))):
        run.train_dataset = other
        with pytest.raises(ValueError, match="was replaced after .* Make a new trainer for it"):
            run.train()


def test_a_part_of_the_train_set_can_take_its_place(tiny: Any, paced: Make) -> None:
    run = paced(train_dataset=datasets.Dataset.from_list(tiny.sentences(N)))
    run.train_dataset = run.train_dataset.select([9, 3, 5]).shuffle(seed=0)
    run.train()
    assert (~run.pacer.ledger.loss.isnan()).nonzero().flatten().tolist() == [3, 5, 9]
    run = paced(train_dataset=tiny.sentences(N))
    run.train_dataset = Subset(run.train_dataset, [9, 3, 5])
    run.train()
    assert (~run.pacer.ledger.loss.isnan()).nonzero().flatten().tolist() == [3, 5, 9]


@pytest.mark.parametrize("removed", [True, False])
@pytest.mark.parametrize("kind", ["list", "table"])
def test_the_numbered_train_set_can_be_predicted(
    tiny: Any, paced: Make, kind: str, removed: bool
) -> None:
    run = paced(train_dataset=KINDS[kind](tiny.sentences(N)), remove_unused_columns=removed)
    assert len(run.predict(run.train_dataset).predictions) == N
