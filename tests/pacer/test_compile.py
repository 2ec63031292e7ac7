import shutil

import pytest
import torch
from torch import nn
from torch._inductor import metrics
from torch.nn import functional as F

from selfpaced import Pacer
from selfpaced.age import Quantile
from selfpaced.difficulty import LeaveOneOut
from selfpaced.pacing import Constant
from selfpaced.weighting import Linear

KERNELS = 8  # most kernels of a compiled call
N = 12


def losses(pacer: Pacer, model: nn.Module, compiled: bool, *, bad: bool = False) -> list[float]:
    def train(x: torch.Tensor, y: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = pacer(F.cross_entropy(model(x), y, reduction="none"), index)
        return loss

    run = torch.compile(train, fullgraph=True, backend="aot_eager") if compiled else train
    generator, values = torch.Generator().manual_seed(0), []
    for _ in range(3):
        for index in torch.randperm(12, generator=generator).split(4):
            x = torch.randn(4, 3, generator=generator)
            value = run(x, index % 2, index + 10 * bad)
            value.backward()
            values.append(value.item())
        pacer.step()
    return values


def make() -> tuple[Pacer, nn.Module]:
    model = nn.Linear(3, 2)
    with torch.no_grad():
        model.weight.copy_(torch.arange(6.0).reshape(2, 3) / 10)
        model.bias.zero_()
    columns = {"group": torch.arange(12) % 2}
    age = Quantile(Constant(0.5), by="group")
    return Pacer(12, weighting=Linear(), age=age, columns=columns), model


def test_a_full_graph_gives_the_numbers_of_eager_mode() -> None:
    (eager, model), (compiled, same_model) = make(), make()
    expected = losses(eager, model, compiled=False)
    assert losses(compiled, same_model, compiled=True) == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(eager.ledger.packed, compiled.ledger.packed)
    torch.testing.assert_close(model.weight.grad, same_model.weight.grad)


@pytest.mark.parametrize("width", [3, 600])
def test_features_are_kept_in_a_full_graph(width: int) -> None:
    doubts = []
    for compiled in (False, True):
        torch.manual_seed(0)
        pacer = Pacer(12, columns={"group": torch.arange(12) % 2}, difficulty=LeaveOneOut())
        model = nn.Linear(width, 2)

        def train(x: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
            loss = F.cross_entropy(model(x), index % 2, reduction="none")  # noqa: B023 - it ends with the turn
            value: torch.Tensor = pacer(loss, index, features=x)  # noqa: B023
            return value

        run = torch.compile(train, fullgraph=True, backend="aot_eager") if compiled else train
        x = torch.randn(12, width)
        for _ in range(2):
            for index in torch.arange(12).split(4):
                run(x[index], index).backward()
            pacer.step()
        assert pacer.ledger.features is not None
        doubts.append(pacer.ledger.features.doubt)
    assert doubts[0].any()
    torch.testing.assert_close(doubts[0], doubts[1], rtol=1e-4, atol=1e-5)


def test_a_bad_index_under_compile_is_reported_at_the_step_and_writes_nothing() -> None:
    pacer, model = make()
    with pytest.raises(ValueError, match="10 bad samples since the last step"):
        losses(pacer, model, compiled=True, bad=True)
    assert int((pacer.ledger.visits > 0).sum()) <= 2


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch itself calls it
@pytest.mark.skipif(shutil.which("g++") is None, reason="Inductor writes C++ for the CPU")
@pytest.mark.parametrize("grouped", [False, True])
def test_a_compiled_call_is_few_kernels(grouped: bool) -> None:
    age = Quantile(Constant(0.5), by="group" if grouped else None)
    columns = {"group": torch.arange(N) % 2} if grouped else None
    eager, compiled = (Pacer(N, age=age, columns=columns) for _ in range(2))
    generator = torch.Generator().manual_seed(0)
    torch._dynamo.reset()
    metrics.reset()
    run = torch.compile(compiled, fullgraph=True)
    for _ in range(2):
        for index in torch.randperm(N, generator=generator).split(4):
            loss = torch.rand(4, generator=generator)
            torch.testing.assert_close(run(loss, index), eager(loss, index))
        eager.step(), compiled.step()
    assert 0 < metrics.generated_kernel_count <= KERNELS
    torch.testing.assert_close(compiled.ledger.packed, eager.ledger.packed)
