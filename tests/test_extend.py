"""A part of one's own: what it lacks is told, and what it says about itself is heard."""

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from selfpaced import Pacer, age, coupling, difficulty, pacing, weighting
from selfpaced._memory.ledger import EVIDENCE
from selfpaced.age import Auto, Deviations, Quantile
from selfpaced.chain import Age, Coupling, Difficulty, Number, Population, Rows, Weighting
from selfpaced.difficulty import Loss
from selfpaced.latent import Search
from selfpaced.pacing import Constant
from selfpaced.tracking import scalars
from selfpaced.weighting import Hard, Rule

SOURCE = Path(__file__).parents[1] / "src" / "selfpaced"
N = 6


@dataclass(frozen=True)
class KeepAll(Age):
    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        return torch.full_like(previous, math.inf)


class WeightOnly(Rule):
    def __call__(self, difficulty: Tensor, age: Number) -> Tensor:
        return (difficulty < age).to(difficulty.dtype)


class ScoreOnly:
    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        return memory


def shift(difficulty: Tensor, population: Population, rule: Weighting, age: Tensor) -> Tensor:
    return difficulty


LACKING: list[tuple[Callable[[], object], str]] = [
    (
        lambda: Pacer(N, weighting=lambda d, age: (d < age).float()),  # type: ignore[arg-type]  # the mistake
        r"weighting must be a rule such as Hard\(\); got <function .*which lacks penalty and "
        r"latent_loss and cuts. To write your own, subclass selfpaced.weighting.Rule; docs/",
    ),
    (
        lambda: Pacer(N, weighting=WeightOnly()),  # type: ignore[arg-type]  # the mistake under test
        r"lacks penalty and latent_loss. .*selfpaced.weighting.Rule; docs/extend.md",
    ),
    (
        lambda: Pacer(N, difficulty=ScoreOnly()),  # type: ignore[arg-type]  # the mistake under test
        r"lacks fold and reads and labels and judged. .*selfpaced.chain.Difficulty; docs/extend.md",
    ),
    (
        lambda: Pacer(N, age=lambda step, population, previous: previous),  # type: ignore[arg-type]  # the mistake
        r"lacks by and first and evidence and settle. .*selfpaced.chain.Age; docs/extend.md",
    ),
    (
        lambda: Pacer(N, couple=shift, decide="step"),  # type: ignore[arg-type]  # the mistake under test
        r"lacks reads. .*selfpaced.chain.Coupling; docs/extend.md",
    ),
    (
        lambda: Search(weighting=WeightOnly()),  # type: ignore[arg-type]  # the mistake under test
        r"Search: weighting .*lacks penalty and latent_loss. .*docs/extend.md",
    ),
    (
        lambda: Search(age=lambda step, population, previous: previous),  # type: ignore[arg-type]  # the mistake
        r"Search: age .*such as Growing\(\), or None; .*lacks by .*docs/extend.md",
    ),
]


@pytest.mark.parametrize(("make", "message"), LACKING)
def test_a_part_that_lacks_something_is_told_with_the_page(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        make()


def test_the_page_exists() -> None:
    assert (SOURCE.parents[1] / "docs" / "extend.md").exists()


LOSSES = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5, 3.0])


def stepped(own: Age, steps: int = 3) -> Pacer:
    pacer = Pacer(N, age=own, difficulty=Loss())
    for _ in range(steps):
        pacer.observe(LOSSES, torch.arange(N))
        pacer.step()
    return pacer


@dataclass(frozen=True)
class Probing(KeepAll):
    def probing(self, step: int, population: Population | None, previous: Tensor) -> bool:
        return True


def test_the_losses_of_an_ages_experiment_are_no_evidence() -> None:
    assert bool((stepped(KeepAll()).ledger.packed[:, EVIDENCE] > 0).all())
    assert stepped(Probing()).ledger.packed[:, EVIDENCE].tolist() == [0.0] * N


def test_the_probe_of_a_hard_task_is_no_evidence() -> None:
    """Its age is above ln 2, as where several classes overlap: only the age can say what it is."""
    losses = torch.linspace(0.3, 3.0, 2_000)
    pacer, gained = Pacer(len(losses), age=Auto(), difficulty=Loss()), []
    for _ in range(12):
        before = float(pacer.ledger.packed[0, EVIDENCE])
        pacer.observe(losses, torch.arange(len(losses)))
        pacer.step()
        gained.append(float(pacer.ledger.packed[0, EVIDENCE]) > before)
    probes = [bool(row["probe"]) for row in pacer.history]
    assert [k + 1 for k, probe in enumerate(probes) if probe] == [5, 6, 7]
    assert float(pacer.history[4]["age"]) > math.log(2)  # type: ignore[arg-type]
    recovering = [probes[k] or probes[k - 1] for k in range(1, len(probes))]
    assert [not gain for gain in gained[2:]] == recovering[:-1]


@dataclass(frozen=True)
class Residuals(KeepAll):
    def evidence(self, loss: Tensor, classes: int | None) -> float:
        return 7.0


def test_an_age_says_what_its_losses_are_worth() -> None:
    assert stepped(Residuals()).ledger.packed[:, EVIDENCE].tolist() == pytest.approx([14.0] * N)


@dataclass(frozen=True)
class LastOfTheTied(Age):
    """Keeps all below a half, and of those at a half the last."""

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        return torch.full_like(previous, 0.5)

    def settle(self, weight: Tensor, step: int, population: Population, age: Tensor) -> Tensor:
        tied = (population.difficulty == age).nonzero().squeeze(1)[-1:]
        return weight.index_fill(0, tied, 1.0)


def test_an_age_settles_its_ties() -> None:
    pacer = Pacer(4, age=LastOfTheTied(), difficulty=Loss())
    pacer.observe(torch.tensor([0.1, 0.5, 0.5, 0.9]), torch.arange(4))
    pacer.step()
    assert pacer.weight.tolist() == [1, 0, 1, 0]


@dataclass(frozen=True)
class JudgesFromTwo(KeepAll):
    @property
    def judges_from(self) -> int:
        return 2


@pytest.mark.parametrize(("own", "counted"), [(KeepAll(), False), (JudgesFromTwo(), True)])
def test_an_age_says_when_its_losses_tell_wrong_labels(own: Age, counted: bool) -> None:
    assert "spl/n_suspect" not in scalars(stepped(own, 1))
    assert ("spl/n_suspect" in scalars(stepped(own, 2))) is counted


@dataclass(frozen=True)
class ReadsDay(KeepAll):
    @property
    def reads(self) -> tuple[str, ...]:
        return ("day",)


def test_an_age_names_the_columns_that_it_reads() -> None:
    with pytest.raises(ValueError, match=r"ReadsDay\(\) reads the column 'day'; the pacer has"):
        Pacer(N, age=ReadsDay())
    Pacer(N, age=ReadsDay(), columns={"day": torch.zeros(N)})


def test_an_age_may_use_the_number_of_steps() -> None:
    assert Auto().within(8) == Auto(epochs=8)
    assert KeepAll().within(8) == KeepAll()


def test_what_the_ages_of_the_library_say_of_themselves() -> None:
    assert Auto(warmup=4).judges_from == 4 and Auto().reads == () and Auto().by == "group"
    assert Quantile(Constant(0.5), by="class").reads == ("class",)
    assert Deviations().evidence(torch.tensor([1.0, 2.0, 9.0]), None) == 0.5
    assert age.Usual().steady and not Quantile(Constant(0.5)).steady


MEMBERS = {
    name
    for module in (age, coupling, difficulty, pacing, weighting)
    for name in module.__all__
    if name not in ("Rule", "ScaleFree")
}


def test_nobody_asks_which_member_a_part_is() -> None:
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "isinstance",
                "issubclass",
            ):
                named = {part.id for part in ast.walk(node.args[1]) if isinstance(part, ast.Name)}
                assert not named & MEMBERS, f"{path.name}: {ast.unparse(node)}"


def test_the_protocols_have_defaults_for_all_but_the_call() -> None:
    class Own(Difficulty):
        def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
            return memory

    class Same(Coupling):
        def __call__(
            self, difficulty: Tensor, population: Population, weighting: Weighting, age: Tensor
        ) -> Tensor:
            return difficulty

    pacer = Pacer(N, difficulty=Own(), age=KeepAll(), couple=Same(), decide="step")
    pacer.observe(LOSSES, torch.arange(N))
    pacer.step()
    assert pacer.weight.tolist() == [1.0] * N and isinstance(pacer.weighting, Hard)
