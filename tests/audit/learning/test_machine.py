"""Claims about dropout that several processes share."""

import pytest
import torch
from torch import nn

from selfpaced.audit._learning.machine import Dropout, share_batch


@pytest.mark.parametrize("p", [0.3, 0.5])
def test_dropout_keeps_the_mean_and_drops_the_given_share(p: float) -> None:
    torch.manual_seed(0)
    out = Dropout(p)(torch.ones(1_000, 100))
    assert float((out == 0).float().mean()) == pytest.approx(p, abs=0.005)
    assert float(out.mean()) == pytest.approx(1, abs=0.01)
    assert out.unique().numel() == 2  # 0 and the scale


def test_dropout_does_nothing_in_evaluation_nor_with_a_probability_of_0() -> None:
    x = torch.randn(5, 7)
    assert Dropout(0.4).eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_gradients_pass_where_inputs_were_kept() -> None:
    x = torch.ones(4, 50, requires_grad=True)
    out = Dropout(0.5)(x)
    out.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, out.detach())


def test_several_processes_drop_the_same_inputs_as_one() -> None:
    x = torch.randn(5, 7)
    torch.manual_seed(0)
    alone = Dropout(0.4)(x)
    shared = torch.empty_like(x)
    for process in (0, 1):
        model = nn.Sequential(Dropout(0.4))
        share_batch(model, 5, process, 2)
        torch.manual_seed(0)
        shared[process::2] = model(x[process::2])
        torch.manual_seed(0)
        assert torch.equal(model.eval()(x), x)
    torch.testing.assert_close(shared, alone)
