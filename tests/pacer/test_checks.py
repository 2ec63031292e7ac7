import math
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from selfpaced import Pacer
from selfpaced.age import Auto, Quantile, Threshold
from selfpaced.chain import Age
from selfpaced.coupling import CurriculumRegion, RankInGroup
from selfpaced.difficulty import Loss, Reversed, Shifted
from selfpaced.pacing import Constant, Ramp
from selfpaced.weighting import Hard, Linear, Welsch

ALL = torch.arange(4)
FIXED = Threshold(Constant(1.0))


class Halfway:
    """An age without the member ``by``."""

    needs_cut = False

    def __call__(self, step: int, population: object, previous: torch.Tensor) -> torch.Tensor:
        return previous


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Pacer(4, age=Ramp(0.3, 1.0, 5)),  # type: ignore[arg-type]  # the mistake under test
            r"age must be an age such as Quantile\(Constant\(0.5\)\), or None; got Ramp\(",
        ),
        (
            lambda: Pacer(4, age=0.5),  # type: ignore[arg-type]  # the mistake under test
            "age must be an age such as .*; got 0.5",
        ),
        (
            lambda: Pacer(4, age=Auto),  # type: ignore[arg-type]  # the mistake under test
            "age must be an age such as .*; got <class 'selfpaced.age.Auto'>, a class; call it",
        ),
        (
            lambda: Pacer(4, age=Halfway()),  # type: ignore[arg-type]  # the mistake under test
            "age must be an age such as .*Halfway object at .*, which lacks by",
        ),
        (
            lambda: Pacer(4, weighting=Hard),  # type: ignore[arg-type]  # the mistake under test
            r"weighting must be a rule such as Hard\(\); got <class",
        ),
        (
            lambda: Pacer(4, weighting="hard"),  # type: ignore[arg-type]  # the mistake under test
            r"weighting must be a rule such as Hard\(\); got 'hard'",
        ),
        (
            lambda: Pacer(4, difficulty=Loss),  # type: ignore[arg-type]  # the mistake under test
            r"difficulty must be a difficulty such as Loss\(\); got <class",
        ),
        (
            lambda: Pacer(4, difficulty=0.7),  # type: ignore[arg-type]  # the mistake under test
            r"difficulty must be a difficulty such as Loss\(\); got 0.7",
        ),
        (
            lambda: Quantile(0.5),  # type: ignore[arg-type]  # the mistake under test
            r"Quantile takes a pacing.*got 0.5. Use Quantile\(Constant\(0.5\)\)",
        ),
        (
            lambda: Threshold(0.5),  # type: ignore[arg-type]  # the mistake under test
            r"Threshold takes a pacing.*got 0.5. Use Threshold\(Constant\(0.5\)\)",
        ),
        (
            lambda: Quantile(Constant),  # type: ignore[arg-type]  # the mistake under test
            "Quantile takes a pacing.*got <class 'selfpaced.pacing.Constant'>",
        ),
    ],
)
def test_a_part_of_another_kind_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


@pytest.mark.parametrize("probe", [1.5, True, "3", -1])
def test_the_length_of_a_probe_is_an_int(probe: int) -> None:
    with pytest.raises(ValueError, match=f"probe must be an int of 0 or more; got {probe!r}"):
        Auto(probe=probe)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Pacer(4, difficulty=Shifted("prior")),
            r"Shifted\(column='prior'.*reads the column 'prior'; the pacer has \[\]",
        ),
        (
            lambda: Pacer(4, difficulty=Reversed(Shifted("prior")), columns={"other": ALL}),
            r"reads the column 'prior'; the pacer has \['other'\]. Pass columns=\{'prior'",
        ),
        (
            lambda: Pacer(4, age=FIXED, couple=RankInGroup(0.1), decide="step"),
            r"RankInGroup\(strength=0.1, by='group'\) reads the column 'group'",
        ),
        (
            lambda: Pacer(
                4,
                age=FIXED,
                weighting=Linear(),
                couple=CurriculumRegion("prior", 0.5),
                decide="step",
            ),
            r"CurriculumRegion\(by='prior', limit=0.5\) reads the column 'prior'",
        ),
        (
            lambda: Pacer(4, age=Quantile(Constant(0.5), by="class")),
            r"Quantile\(.*reads the column 'class'; the pacer has \[\]",
        ),
        (
            lambda: Pacer(
                4,
                difficulty=Shifted("prior"),
                columns={"prior": torch.tensor([0.0, math.nan, 1.0, math.nan])},
            ),
            r"column 'prior' must hold numbers; got NaN at \[1, 3\]. Fix the data",
        ),
        (
            lambda: Pacer(4, columns={"sample_weight": torch.tensor([0.0, 1.0, math.nan, 1.0])}),
            "'sample_weight' must hold finite floats",
        ),
        (
            lambda: Pacer(4, columns={"sample_weight": torch.tensor([0.0, 1.0, math.inf, 1.0])}),
            "'sample_weight' must hold finite floats",
        ),
        (
            lambda: Pacer(4, difficulty=Shifted("prior"), columns={"prior": torch.zeros(4, 1)}),
            r"'prior' must have one value per sample, shape \(4,\); got shape \(4, 1\)",
        ),
    ],
)
def test_a_missing_or_bad_column_is_refused_when_the_pacer_is_made(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_auto_does_not_need_its_group_column() -> None:
    assert Pacer(4, age=Auto(by="class")).current_age.shape == ()


def test_a_rule_that_never_cuts_is_allowed_with_a_threshold() -> None:
    pacer = Pacer(4, weighting=Welsch(), age=FIXED)
    assert 0 < pacer(torch.ones(4), ALL).item() < 1


@pytest.mark.parametrize("age", [Auto(warmup=1), Quantile(Constant(0.5), by="group")])
def test_memory_grows_with_the_number_of_groups_not_with_the_largest_label(age: Age) -> None:
    n = 4000
    noise = torch.randn(n, generator=torch.Generator().manual_seed(0))
    loss = torch.nn.functional.softplus(noise + torch.where(torch.arange(n) % 4 < 3, -4.0, 4.0))
    pacer = Pacer(n, age=age, columns={"group": torch.arange(n) // 2 * 10})
    assert len(pacer.current_age) == 19_991
    tracemalloc.start()
    for _ in range(2):
        pacer(loss, torch.arange(n))
        pacer.step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pacer.current_age.isfinite().any()
    assert peak < 60e6


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"groups": ALL},
            r"no part reads the column 'groups'. Did you mean 'group'\? Columns that",
        ),
        ({"weight": torch.ones(4)}, "'weight'. .*are read: 'class', 'group', 'sample_weight'."),
        (
            {"class": ALL, "classes": ALL},
            "no part reads the column 'classes'. Did you mean 'class'",
        ),
    ],
)
def test_a_column_that_no_part_reads_warns(columns: dict[str, Any], message: str) -> None:
    with pytest.warns(UserWarning, match=message) as caught:
        Pacer(4, age=Auto(by="class"), columns=columns)
    assert len(caught) == 1 and caught[0].filename == __file__


def test_a_column_that_a_part_reads_does_not_warn() -> None:
    columns = {"group": ALL, "sample_weight": torch.ones(4), "prior": torch.ones(4), "class": ALL}
    age = Quantile(Constant(0.5), by="class")
    assert Pacer(4, age=age, difficulty=Shifted("prior"), columns=columns).steps == 0


@pytest.mark.parametrize("dataset", [[1, 2, 3], TensorDataset(ALL), DataLoader([1]), 3.0])  # type: ignore[arg-type]  # a list is a dataset
def test_a_dataset_in_place_of_its_size_is_refused(dataset: Any) -> None:
    name = type(dataset).__name__
    message = rf"Pacer expects the number of samples.*; got {name}. .*Pacer\(len\(dataset\)\)"
    with pytest.raises(TypeError, match=message):
        Pacer(dataset)


@pytest.mark.parametrize("largest", [10_000, 300_000_000])
def test_labels_with_large_gaps_are_refused(largest: int) -> None:
    message = rf"labels below 10000, because .*; got {largest}. numpy.unique\(labels, return_inv"
    with pytest.raises(ValueError, match=message):
        Pacer(4, columns={"group": torch.tensor([0, 1, largest, 1])})
    assert len(Pacer(4, columns={"group": torch.tensor([0, 1, 9_999, 1])}).current_age) == 10_000


@pytest.mark.parametrize(
    "mistake", [{"couple": 0.1}, {"couple": RankInGroup}, {"difficulty": None}, {"weighting": None}]
)
def test_a_part_of_another_kind_is_named_by_its_argument(mistake: dict[str, Any]) -> None:
    (name,) = mistake
    with pytest.raises(TypeError, match=f"Pacer: {name} must be "):
        Pacer(4, decide="step", **mistake)
