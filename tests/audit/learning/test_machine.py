"""Claims about dropout that several processes share."""

import torch
from torch import nn

from selfpaced.audit._learning.machine import Dropout, share_batch


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
