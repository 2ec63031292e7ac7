"""Audits made by hand, of four samples each."""

import pandas as pd
import pytest
import torch
from torch import nn

from selfpaced import Pacer
from selfpaced.audit import Audit
from selfpaced.suspects import Count


def finding(rows: list[tuple[object, float, object, float]], confusion: bool) -> Audit:
    """Return an audit of rows (label, probability, suggested, confidence), in the file's order."""
    names = ["label", "probability", "suggested", "confidence"]
    table = pd.DataFrame(rows, columns=pd.Index(names))
    table["loss"] = 2 * table["probability"]
    classes = sorted(set(table["label"].astype(str)))
    n = len(rows)
    pacer = Pacer(n)
    for _ in range(2):
        loss = torch.tensor(table["loss"].tolist())
        logits = torch.stack([-loss, torch.zeros(n)], 1)
        target = torch.zeros(n, dtype=torch.int64)
        if confusion:
            pacer.observe(loss, torch.arange(n), logits=logits, target=target)
        else:
            pacer.observe(loss, torch.arange(n))
        pacer.step()
    return Audit(
        table.rename_axis("index").sort_values("loss", ascending=False, kind="stable"),
        Count(2.0, 1.0, 3.0),
        pd.DataFrame(0.0, index=classes, columns=classes) if confusion else None,
        pacer.history.to_frame(),
        nn.Linear(1, 1),
        pacer,
    )


@pytest.fixture
def classes_found() -> Audit:
    """Samples 3 and 1 are suspects, in this order."""
    rows: list[tuple[object, float, object, float]] = [
        ("cat", 0.01, "cat", 0.99),
        ("dog", 0.75, "cat", 0.8),
        ("dog", 0.6, "dog", 0.7),
        ("cat", 0.98765, "dog", 0.95),
    ]
    return finding(rows, confusion=True)


@pytest.fixture
def numbers_found() -> Audit:
    """Sample 2 is suspect."""
    rows: list[tuple[object, float, object, float]] = [
        (1.5, 0.01, 1.4, float("nan")),
        (2.5, 0.02, 2.25, float("nan")),
        (900.0, 0.99, 3.125, float("nan")),
        (3.5, 0.1, 3.75, float("nan")),
    ]
    return finding(rows, confusion=False)
