"""What several tests of the audit share: results made by hand, runs, networks and full disks."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

from selfpaced import Pacer
from selfpaced.audit import Audit, read
from selfpaced.audit._plan import Plan
from selfpaced.audit._prepare import prepare
from selfpaced.audit._run import Run, machine
from selfpaced.suspects import Count

Start = Callable[[Plan, Path], Run]
WriteModule = Callable[[str, str], None]


@pytest.fixture(scope="session")
def start() -> Start:
    """Return a function that reads the samples of a plan and returns a run before its training."""

    def start_run(plan: Plan, folder: Path) -> Run:
        return Run(plan, prepare(read(plan.path, plan.options)), folder, machine(plan))

    return start_run


@pytest.fixture
def full_disk() -> Callable[..., Any]:
    """Return a function that raises the error of a full disk, whatever it is called with."""

    def write(*_: object, **__: object) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return write


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WriteModule]:
    """Return a function that writes a module of a user, which can be imported by its name."""
    written: list[str] = []

    def write(name: str, body: str) -> None:
        (tmp_path / f"{name}.py").write_text(body)
        sys.modules.pop(name, None)
        written.append(name)

    monkeypatch.syspath_prepend(str(tmp_path))
    yield write
    for name in written:
        sys.modules.pop(name, None)


class WithText(nn.Linear):
    """A network whose state holds a text, which a run cannot save."""

    def get_extra_state(self) -> Any:
        return "a word"

    def set_extra_state(self, state: Any) -> None:
        pass


@pytest.fixture(scope="session")
def with_text() -> type[nn.Linear]:
    """Return a class of networks that a run cannot save."""
    return WithText


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
    """Return an audit of four classes; samples 3 and 1 are suspects, in this order."""
    rows: list[tuple[object, float, object, float]] = [
        ("cat", 0.01, "cat", 0.99),
        ("dog", 0.75, "cat", 0.8),
        ("dog", 0.6, "dog", 0.7),
        ("cat", 0.98765, "dog", 0.95),
    ]
    return finding(rows, confusion=True)


@pytest.fixture
def numbers_found() -> Audit:
    """Return an audit of four numbers; sample 2 is a suspect."""
    rows: list[tuple[object, float, object, float]] = [
        (1.5, 0.01, 1.4, float("nan")),
        (2.5, 0.02, 2.25, float("nan")),
        (900.0, 0.99, 3.125, float("nan")),
        (3.5, 0.1, 3.75, float("nan")),
    ]
    return finding(rows, confusion=False)
