"""Claims about the result of an audit."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier
from torch import Tensor, nn

from selfpaced import Pacer
from selfpaced._saved import Assign
from selfpaced.audit import Audit
from selfpaced.audit._learning.committee import Committee
from selfpaced.audit._learning.settings import Settings
from selfpaced.audit._reliability import Reliability
from selfpaced.audit._result import result, result_held_out
from selfpaced.suspects import Count, judge_held_out


def test_a_suspect_is_more_probably_wrong_than_right_and_has_another_class(
    classes_found: Audit,
) -> None:
    assert classes_found.suspects.index.tolist() == [3, 1]
    assert not classes_found.numeric


def test_a_number_is_suspect_whatever_is_suggested(numbers_found: Audit) -> None:
    numbers_found.table["suggested"] = numbers_found.table["label"]
    assert numbers_found.suspects.index.tolist() == [2]
    assert numbers_found.numeric


def several(*rows: tuple[str, float, str], high: float = 3.0) -> Audit:
    """Return the result for rows (label, probability, suggested), most suspicious first."""
    table = pd.DataFrame(rows, columns=pd.Index(["label", "probability", "suggested"]))
    table.index = pd.RangeIndex(10, 10 + len(rows), name="index")
    return Audit(table, Count(2.0, 0.0, high), pd.DataFrame(), pd.DataFrame(), None, Pacer(1))


ROWS = (
    ("a", 0.9, "b"),
    ("a", 0.8, "a"),  # no other class is suggested
    ("b", 0.4, "a"),
    ("b", 0.6, "a"),
    ("a", math.nan, "b"),  # never visited
    ("a", 0.3, "b"),
    ("b", 0.1, "a"),
)


def test_the_suspects_come_first_and_then_the_doubtful_rows() -> None:
    found = several(*ROWS).doubtful(100)
    assert found.index.tolist() == [10, 13, 12, 15, 16]
    assert found["suspect"].tolist() == [True, True, False, False, False]
    assert list(found.columns) == ["label", "probability", "suggested", "suspect"]
    assert "suspect" not in several(*ROWS).table


@pytest.mark.parametrize(
    ("high", "n"), [(0.0, 2), (2.0, 2), (2.1, 3), (4.0, 4), (900.0, 5)], ids=str
)
def test_as_many_rows_are_doubtful_as_may_be_wrong(high: float, n: int) -> None:
    assert len(several(*ROWS, high=high).doubtful()) == n


@pytest.mark.parametrize("top", range(1, 7))
def test_top_is_the_number_of_doubtful_rows(top: int) -> None:
    assert several(*ROWS).doubtful(top).index.tolist() == [10, 13, 12, 15, 16][:top]


def test_of_numbers_all_rows_are_listed_in_their_order(numbers_found: Audit) -> None:
    assert numbers_found.doubtful().index.tolist() == [2, 3, 1]
    assert numbers_found.doubtful(9)["suspect"].tolist() == [True, False, False, False]


def test_top_must_be_a_positive_int(classes_found: Audit) -> None:
    with pytest.raises(ValueError, match="doubtful: top must be a positive int; got 0."):
        classes_found.doubtful(0)
    with pytest.raises(TypeError, match="doubtful: top must be a positive int; got 2.5."):
        classes_found.doubtful(2.5)  # type: ignore[arg-type]  # a slip of a user


def test_repr_of_numbers_names_no_classes(numbers_found: Audit) -> None:
    assert repr(numbers_found) == (
        "1 of 4 numbers is probably wrong (25.0%).\nAll in all about 2 are wrong (1 to 3)."
    )


def test_repr_of_classes_names_those_that_are_confused(classes_found: Audit) -> None:
    assert "1 labelled cat is probably dog" in repr(classes_found)


def test_repr_of_classes_steers_no_terminal(classes_found: Audit) -> None:
    table = classes_found.table.replace({"label": {"cat": "\x1b[31m\n\u202e"}})
    found = replace(classes_found, table=table)
    assert "  1 labelled \\x1b[31m \\u202e is probably dog" in repr(found).split("\n")


def test_the_result_holds_a_scikit_learn_estimator_unchanged() -> None:
    tree, pacer = DecisionTreeClassifier(), Pacer(3)
    pacer.observe(torch.ones(3), torch.arange(3))
    pacer.step()
    assert result(tree, pacer, torch.zeros(3, dtype=torch.int64), ["ant"]).model is tree


def test_repr_counts_the_kinds_of_errors_that_it_does_not_list(classes_found: Audit) -> None:
    table = pd.concat([classes_found.table] * 7, ignore_index=True)
    table["suggested"] = [f"{place} {label}" for place, label in enumerate(table["suggested"])]
    assert "  23 more of other kinds" in repr(
        replace(classes_found, table=table.assign(probability=1))
    )


def reliable(**withheld: bool) -> Reliability:
    """Return that these classes were learned, of which some are withheld."""
    columns = {"rows": 9, "recall": 0.5, "flagged": 0.6, "learned": True}
    table = pd.DataFrame(columns, index=pd.Index(list(withheld)))
    table["withheld"] = list(withheld.values())
    return Reliability(0.9, 0.5, 0.1, 0.7, table, {"trees": 1.0}, True)


def test_labels_of_a_withheld_class_are_no_suspects_unless_they_are_asked_for() -> None:
    found = replace(several(*ROWS), reliability=reliable(a=True, b=False))
    assert found.suspects.index.tolist() == [13]
    assert found.doubtful(5).index.tolist() == [13, 10, 12, 15, 16]  # asked for: of all classes
    assert found.doubtful(5)["suspect"].tolist() == [True] + [False] * 4
    assert len(found.table) == len(ROWS)
    every = replace(found, every_class=True)
    assert every.suspects.index.tolist() == [10, 13]
    assert every.doubtful(100).index.tolist() == [10, 13, 12, 15, 16]
    none = replace(found, reliability=reliable(a=True, b=True))
    assert none.suspects.empty and none.doubtful().empty
    assert len(none.doubtful(100)) and not none.doubtful(100)["suspect"].any()
    assert replace(found, reliability=reliable(a=False, b=False)).suspects.equals(every.suspects)


@dataclass
class Known:
    """A training that is over, with these held-out probabilities."""

    held_out: dict[str, NDArray[np.float32]]
    pacer: Pacer
    epoch: int = 1
    model: Any = None
    settings: Settings = field(default_factory=lambda: Settings(1))
    pulses: int = 1
    done: int = 1
    predicted: NDArray[np.float32] | None = None

    def run(self, watch: Any = None, pulse: Callable[[], bool] = lambda: False) -> bool:
        return True

    def state_dict(self) -> dict[str, Any]:
        return {}

    def _read(self, state: object) -> Assign:
        return lambda: None


def concluded(labels: Tensor, names: list[Any], **held_out: Any) -> Audit:
    """Return the result of trainings with these held-out probabilities, one for each kind."""
    pacer = Pacer(len(labels))
    pacer.observe(torch.ones(len(labels)), torch.arange(len(labels)))
    pacer.step()
    parts = [Known({kind: np.asarray(p, np.float32)}, pacer) for kind, p in held_out.items()]
    return result_held_out(Committee(parts, labels), labels, names, nn.Dropout())


def sure(truth: Tensor, classes: int) -> NDArray[Any]:
    """Return probabilities of 0.9 for the right class."""
    return np.where(np.eye(classes)[truth.numpy()], 0.9, 0.1 / (classes - 1))


def test_labels_are_judged_by_the_mixture_of_all_trainings() -> None:
    truth = torch.arange(90) % 3
    labels = truth.clone()
    labels[[4, 50]] = torch.tensor([2, 0])
    even = np.full((90, 3), 1 / 3)
    found = concluded(labels, ["ant", "bee", "cow"], trees=sure(truth, 3), network=even)
    assert found.suspects.index.tolist() == [4, 50]
    assert found.suspects["label"].tolist() == ["cow", "ant"]
    assert found.suspects["suggested"].tolist() == ["bee", "cow"]
    assert (found.table["suggested"] != found.table["label"]).all()
    assert found.table["loss"].is_monotonic_decreasing and not found.model.training
    assert found.confusion is not None
    assert found.confusion.loc["bee", "cow"] == pytest.approx(1, abs=0.1)
    judged = found.reliability
    assert judged is not None and judged.learners["trees"] > 0.9
    assert judged.accuracy == pytest.approx(88 / 90) and len(judged.withheld) == 0
    expected = judge_held_out(torch.from_numpy(sure(truth, 3)), labels)
    assert found.count.estimate == pytest.approx(expected.count.estimate, abs=0.1)


def test_outputs_of_a_network_that_no_class_has_are_left_out() -> None:
    truth = torch.arange(90) % 3
    p = np.concatenate([sure(truth, 3) / 2, np.full((90, 2), 0.25)], 1)
    found = concluded(truth, ["ant", "bee", "cow"], network=p)
    assert found.suspects.empty and found.reliability is not None
    assert found.reliability.accuracy == 1.0


def test_a_sample_that_no_batch_had_is_not_judged_and_comes_last() -> None:
    truth = torch.arange(90) % 3
    p = sure(truth, 3)
    p[7] = 0.0
    found = concluded(truth, ["ant", "bee", "cow"], network=p)
    row = found.table.iloc[-1]
    assert row.name == 7 and np.isnan(row["loss"]) and np.isnan(row["probability"])
    assert row["suggested"] == row["label"] and 7 not in found.doubtful(100).index
    assert found.reliability is not None and found.reliability.classes["rows"].sum() == 89
    both = concluded(truth, ["ant", "bee", "cow"], network=p, trees=sure(truth, 3))
    assert both.table["probability"].notna().all()


def test_many_classes_can_be_judged() -> None:
    truth = torch.arange(1000) % 500
    labels = truth.clone()
    labels[3] = 17
    found = concluded(labels, list(range(500)), network=np.eye(500)[truth.numpy()])
    assert found.table.index[0] == 3 and found.table["suggested"].iloc[0] == 3
