"""Claims about the state of a training on the disk."""

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from selfpaced.audit import Options, Source
from selfpaced.audit._folder import checkpoint
from selfpaced.audit._plan import Plan, to_json

PLAN = Plan(Path("pets.csv"), Options(label="kind"))


def source(features: Any, labels: list[Any]) -> Source:
    where = pd.Series(range(len(labels)), name="row")
    none = pd.DataFrame()
    return Source(Path("a"), "table", features, pd.Series(labels), where, none, False, (), none)


def saved(folder: Path) -> dict[str, Any]:
    state = {"model": torch.arange(3.0), "epoch": 2}
    checkpoint.save(folder, PLAN, "abc", state, torch.zeros(2, 3))
    return state


def test_a_training_comes_back(tmp_path: Path) -> None:
    state = saved(tmp_path)
    back = checkpoint.load(tmp_path, PLAN, "abc")
    assert torch.equal(back["training"]["model"], state["model"])
    assert back["training"]["epoch"] == 2 and back["losses"].shape == (2, 3)
    assert os.listdir(tmp_path) == ["checkpoint.pt"]


def test_another_plan_is_refused_with_what_differs(tmp_path: Path) -> None:
    saved(tmp_path)
    said = (
        r"checkpoint.pt is of another run; it differs in --epochs \(30, then 9\), --seed "
        r"\(0, then 1\). Go on with the same options, or begin again with --force."
    )
    with pytest.raises(ValueError, match=said):
        checkpoint.load(tmp_path, replace(PLAN, seed=1, epochs=9), "abc")


def test_other_samples_are_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    said = "pets.csv has changed since the run in .* was stopped. Bring the file back, or begin"
    with pytest.raises(ValueError, match=said):
        checkpoint.load(tmp_path, PLAN, "abd")


@pytest.mark.parametrize("cut", [0, 10, 500])
def test_a_damaged_checkpoint_is_told_in_one_line(tmp_path: Path, cut: int) -> None:
    saved(tmp_path)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match="is damaged, or no state of a run. Move it away") as told:
        checkpoint.load(tmp_path, PLAN, "abc")
    assert "\n" not in str(told.value)


def test_a_checkpoint_without_all_its_parts_is_refused(tmp_path: Path) -> None:
    bare: dict[str, Any] = {"data": "abc", "training": {}, "losses": None}
    for state in ({"data": "abc"}, 5, dict.fromkeys(("plan", "data", "training", "losses"))):
        torch.save(state, tmp_path / "checkpoint.pt")
        with pytest.raises(ValueError, match="is no state of a run. Move it away to begin again"):
            checkpoint.load(tmp_path, PLAN, "abc")
        with pytest.raises(ValueError, match="is no state of a run"):
            checkpoint.require_own(tmp_path)
    for plan in ({}, to_json(PLAN) | {"options": {"labels": None, "use": []}}):
        torch.save(bare | {"plan": plan}, tmp_path / "checkpoint.pt")
        with pytest.raises(ValueError, match="is no state of a run. Move it away to begin again"):
            checkpoint.load(tmp_path, PLAN, "abc")


def test_the_data_may_have_moved_since(tmp_path: Path) -> None:
    saved(tmp_path)
    moved = replace(PLAN, path=Path("elsewhere") / PLAN.path)
    assert checkpoint.load(tmp_path, moved, "abc")["training"]["epoch"] == 2


def test_what_is_usual_may_be_said(tmp_path: Path) -> None:
    saved(tmp_path)
    said = replace(PLAN, epochs=30, learning_rate=0.001)
    assert checkpoint.load(tmp_path, said, "abc")["training"]["epoch"] == 2


def test_nothing_to_go_on_with_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no checkpoint.pt to go on with. Leave --re"):
        checkpoint.load(tmp_path, PLAN, "abc")
    (tmp_path / "summary.md").touch()
    said = "The run in .* is over: there is nothing to go on with. Begin again with --force"
    with pytest.raises(FileNotFoundError, match=said):
        checkpoint.load(tmp_path, PLAN, "abc")


@pytest.mark.parametrize(("earlier", "do"), [(True, "go on with --resume"), (False, "begin again")])
def test_on_a_full_disk_the_earlier_state_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: bool, do: str
) -> None:
    if earlier:
        saved(tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    said = f"The disk is full: .*checkpoint.pt could not be written. Free some space and {do}."
    with pytest.raises(OSError, match=said):
        checkpoint.save(tmp_path, PLAN, "new", {}, None)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["checkpoint.pt"] * earlier
    if earlier:
        checkpoint.load(tmp_path, PLAN, "abc")


FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
OTHERS = [
    source(FRAME, [1, 1]),
    source(FRAME.rename(columns={"a": "c"}), [1, 2]),
    source(FRAME.assign(a=[1, 3]), [1, 2]),
    source(np.zeros((2, 2)), [1, 2]),
    source(np.zeros((2, 2), np.float32), [1, 2]),
    source(np.zeros((2, 1, 2)), [1, 2]),
    source(np.ones((2, 2)), [1, 2]),
]


def test_samples_that_differ_have_other_fingerprints() -> None:
    prints = [checkpoint.fingerprint(each) for each in [source(FRAME, [1, 2]), *OTHERS]]
    assert len(set(prints)) == len(prints)
    assert checkpoint.fingerprint(source(FRAME.copy(), [1, 2])) == prints[0]
