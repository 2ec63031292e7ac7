"""Claims about processes of launchers, and about dropout that several processes share."""

import os

import pytest
import torch
from torch import nn

from selfpaced.audit._learning.machine import (
    ACCELERATE,
    LAUNCHED,
    Dropout,
    launched,
    share_batch,
)


@pytest.mark.parametrize("name", [*LAUNCHED, "ACCELERATE_MIXED_PRECISION"])
def test_a_launcher_is_known_by_its_variables(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for known in list(os.environ):
        if known in LAUNCHED or known.startswith(ACCELERATE):
            monkeypatch.delenv(known)
    assert not launched()
    monkeypatch.setenv(name, "1")
    assert launched()


def test_dropout_in_one_process_equals_torchs_bit_for_bit() -> None:
    x = torch.randn(5, 7)
    for mode in (True, False):
        ours, theirs = Dropout(0.4).train(mode), nn.Dropout(0.4).train(mode)
        torch.manual_seed(0)
        out = ours(x)
        torch.manual_seed(0)
        torch.testing.assert_close(out, theirs(x), rtol=0, atol=0)


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
