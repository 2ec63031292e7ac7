"""Writing rows, also on an imitated accelerator: no values are read, copies go backwards."""

import pytest
import torch
from torch import Tensor

from selfpaced import Pacer
from selfpaced._memory import columns as columns_module
from selfpaced._memory.columns import place

N, BATCH = 6, 16


@pytest.fixture(params=["cpu", "accelerator"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    copy = torch.Tensor.index_copy_

    def backwards(column: Tensor, dim: int, index: Tensor, new: Tensor) -> Tensor:
        return copy(column, dim, index.flip(0), new.flip(0))

    name: str = request.param
    if name == "accelerator":
        monkeypatch.setattr(columns_module, "values_can_be_read", lambda tensor: False)
        monkeypatch.setattr(torch.Tensor, "index_copy_", backwards)
    return name


def one_by_one(column: Tensor, new: Tensor, index: Tensor, valid: Tensor | None) -> Tensor:
    expected = column.clone()
    for at in range(len(index)):
        if valid is None or valid[at]:
            expected[index[at]] = new[at]
    return expected


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("some_are_invalid", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_the_last_valid_place_of_each_row_wins(some_are_invalid: bool, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    index = torch.randint(N, (BATCH,), generator=generator)
    valid = torch.rand(BATCH, generator=generator) < 0.5 if some_are_invalid else None
    packed = torch.rand(N, 4, generator=generator)
    columns = [packed[:, 0], torch.zeros(N, dtype=torch.int32), torch.zeros(N, 3)]
    values = [torch.rand(size, generator=generator) for size in ((BATCH,), (BATCH, 3))]
    values.insert(1, torch.arange(BATCH, dtype=torch.int32))
    expected = [one_by_one(c, v, index, valid) for c, v in zip(columns, values, strict=True)]
    others = packed[:, 1:].clone()
    place(list(zip(columns, values, strict=True)), index, valid)
    for column, wanted in zip(columns, expected, strict=True):
        assert torch.equal(column, wanted)
    assert torch.equal(packed[:, 1:], others)


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("valid", [[True, False], [False, True], [False, False]])
def test_an_invalid_place_writes_nothing_first_or_last(valid: list[bool]) -> None:
    column = torch.tensor([7.0, 8.0])
    new = torch.tensor([1.0, 2.0])
    place([(column, new)], torch.tensor([1, 1]), torch.tensor(valid))
    assert column.tolist() == [7.0, 1.0 if valid[0] else 2.0 if valid[1] else 8.0]


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("nan_at", [0, 1])
def test_a_pacer_keeps_the_valid_visit_of_an_index_with_a_nan(nan_at: int) -> None:
    loss = torch.tensor([2.0, 2.0, 5.0])
    loss[nan_at] = torch.nan
    pacer = Pacer(3, skip_nan=True)
    pacer(loss, torch.tensor([1, 1, 0]))
    pacer.step()
    assert pacer.ledger.loss[:2].tolist() == [5.0, 2.0]
    assert pacer.ledger.visits.tolist() == [1, 1, 0]


def test_an_accelerator_remembers_what_the_cpu_remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    loss = torch.rand(BATCH, generator=generator)
    index = torch.randint(N, (BATCH,), generator=generator)
    ledgers = []
    for blind in (False, True):
        if blind:
            for module in ("_pacer.pacer", "_memory.columns"):
                monkeypatch.setattr(f"selfpaced.{module}.values_can_be_read", lambda tensor: False)
        pacer = Pacer(N)
        pacer(loss, index)
        pacer.step()
        ledgers.append(pacer.ledger.packed)
    assert torch.equal(ledgers[0].nan_to_num(-1), ledgers[1].nan_to_num(-1))


@pytest.mark.usefixtures("device")
def test_the_arguments_are_not_changed() -> None:
    index, new = torch.tensor([1, 0, 1]), torch.arange(3.0)
    valid = torch.tensor([True, True, False])
    place([(torch.zeros(2), new)], index, valid)
    assert index.tolist() == [1, 0, 1]
    assert new.tolist() == [0, 1, 2]
    assert valid.tolist() == [True, True, False]
