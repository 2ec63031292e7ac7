"""Every Python block of the README runs, with a small model and data in the user's place."""

import re
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import selfpaced

README = (Path(__file__).parents[1] / "README.md").read_text()


def users_own() -> dict[str, Any]:
    labels = torch.arange(300) % 2
    model = nn.Linear(2, 2)
    return {
        "DataLoader": DataLoader,
        "F": F,
        "dataset": TensorDataset(torch.randn(300, 2) + labels[:, None], labels),
        "labels": labels,
        "epochs": 6,
        "model": model,
        "optimizer": torch.optim.Adam(model.parameters()),
        "X": torch.randn(300, 2).numpy(),
        "y": labels.numpy(),
    }


def test_the_blocks_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        namespace = users_own()
        exec(compile(block, "README.md", "exec"), namespace)
        assert isinstance(namespace.get("pacer", selfpaced.Pacer()), selfpaced.Pacer)


def test_the_loop_ends_by_line_fifteen() -> None:
    assert "pacer.step()" in "\n".join(README.splitlines()[:15])
