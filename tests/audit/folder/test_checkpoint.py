"""Claims about the checkpoint of a run."""

import os
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from selfpaced.audit import Options
from selfpaced.audit._folder import checkpoint
from selfpaced.audit._plan import Plan, to_json

PLAN = Plan(Path("pets.csv"), Options(label="kind"))
ORIGIN = {"samples": "abc", "torch": "2.6", "code": "1234", "features": "5678"}


def saved(folder: Path) -> dict[str, Any]:
    """Write a checkpoint of PLAN and its ORIGIN; return the state of the training."""
    state = {"model": torch.arange(3.0), "epoch": 2}
    checkpoint.save(folder, PLAN, ORIGIN, state, torch.zeros(2, 3))
    return state


def test_a_training_is_read_back(tmp_path: Path) -> None:
    state = saved(tmp_path)
    loaded = checkpoint.load(tmp_path, PLAN, ORIGIN)
    assert torch.equal(loaded["training"]["model"], state["model"])
    assert loaded["training"]["epoch"] == 2 and loaded["losses"].shape == (2, 3)
    assert os.listdir(tmp_path) == ["checkpoint.pt"]


def test_another_plan_is_refused_with_the_settings_that_differ(tmp_path: Path) -> None:
    saved(tmp_path)
    said = (
        r"checkpoint.pt belongs to another run; it differs in epochs=\.\.\. \(None, then 9\), "
        r"seed=\.\.\. \(0, then 1\). Go on with the same settings, or begin again with force=True."
    )
    with pytest.raises(ValueError, match=said):
        checkpoint.load(tmp_path, replace(PLAN, seed=1, epochs=9), ORIGIN)


def test_other_samples_are_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    said = (
        "pets.csv has changed since the run in .* was stopped. Restore the file, or begin again "
        "with force=True"
    )
    with pytest.raises(ValueError, match=said):
        checkpoint.load(tmp_path, PLAN, ORIGIN | {"samples": "abd"})


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"torch": "2.7"}, r"torch \(2.6, then 2.7\)"),
        ({"code": "9"}, r"the code of model=\.\.\."),
        ({"features": "9"}, "the numbers that the samples become"),
        (
            {"text_model": "9", "skrub": "1"},
            r"skrub \(None, then 1\), the files of text_model=\.\.\.",
        ),
    ],
)
def test_other_versions_code_or_features_are_refused(
    tmp_path: Path, other: dict[str, str], said: str
) -> None:
    saved(tmp_path)
    with pytest.raises(ValueError, match=f"other parts; these differ: {said}. Restore them, or"):
        checkpoint.load(tmp_path, PLAN, ORIGIN | other)


@pytest.mark.parametrize("cut", [0, 10, 500])
def test_a_damaged_checkpoint_is_refused_in_one_line(tmp_path: Path, cut: int) -> None:
    saved(tmp_path)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:cut])
    said = "is damaged, or not a checkpoint of a run. Move it away to begin again"
    with pytest.raises(ValueError, match=said) as raised:
        checkpoint.load(tmp_path, PLAN, ORIGIN)
    assert "\n" not in str(raised.value)


def test_a_checkpoint_without_all_its_parts_is_refused(tmp_path: Path) -> None:
    bare: dict[str, Any] = {"origin": ORIGIN, "training": {}, "losses": None}
    said = "is not a checkpoint of a run. Move it away to begin again"
    for state in ({"origin": ORIGIN}, 5, dict.fromkeys(("plan", "origin", "training", "losses"))):
        torch.save(state, tmp_path / "checkpoint.pt")
        with pytest.raises(ValueError, match=said):
            checkpoint.load(tmp_path, PLAN, ORIGIN)
        with pytest.raises(ValueError, match=said):
            checkpoint.require_own(tmp_path)
    for plan in ({}, to_json(PLAN) | {"options": {"labels": None, "use": []}}):
        torch.save(bare | {"plan": plan}, tmp_path / "checkpoint.pt")
        with pytest.raises(ValueError, match=said):
            checkpoint.load(tmp_path, PLAN, ORIGIN)


def test_a_checkpoint_of_a_stranger_is_refused_in_one_line(tmp_path: Path) -> None:
    saved(tmp_path)
    path = tmp_path / "checkpoint.pt"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match="is damaged, or not a checkpoint of a run"):
        checkpoint.load(tmp_path, PLAN, ORIGIN)  # it may unpack to any size
    path.write_bytes(pickle.dumps(Evil(tmp_path / "canary")))
    with pytest.raises(ValueError, match="is damaged, or not a checkpoint of a run"):
        checkpoint.load(tmp_path, PLAN, ORIGIN)
    bare: dict[str, Any] = {"origin": ORIGIN, "training": {}, "losses": None}
    for change in ({"epochs": "x"}, {"model": ["os:system"]}, {"options": [1]}):
        torch.save(bare | {"plan": to_json(PLAN) | change}, path)
        with pytest.raises(ValueError, match="checkpoint.pt is damaged: "):
            checkpoint.load(tmp_path, PLAN, ORIGIN)
    assert not (tmp_path / "canary").exists()


class Evil:
    """Makes a folder if it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_a_state_that_does_not_fit_the_training_is_one_line(tmp_path: Path) -> None:
    said = r"checkpoint.pt does not fit this training .TypeError: a b.\. Begin again with force=T"
    with pytest.raises(ValueError, match=said), checkpoint.fitting(tmp_path):
        raise TypeError("a\nb")
    with pytest.raises(ValueError, match="^as it is$"), checkpoint.fitting(tmp_path):
        raise ValueError("as it is")


def test_a_checkpoint_of_an_earlier_version_can_be_replaced_but_not_continued(
    tmp_path: Path,
) -> None:
    earlier = {"plan": to_json(PLAN), "data": "abc", "training": {}, "losses": None}
    torch.save(earlier, tmp_path / "checkpoint.pt")
    checkpoint.require_own(tmp_path)
    said = "was written by another version of selfpaced. Go on with that version, or begin again"
    with pytest.raises(ValueError, match=said):
        checkpoint.load(tmp_path, PLAN, ORIGIN)


def test_the_data_may_have_been_moved(tmp_path: Path) -> None:
    saved(tmp_path)
    moved = replace(PLAN, path=Path("elsewhere") / PLAN.path)
    assert checkpoint.load(tmp_path, moved, ORIGIN)["training"]["epoch"] == 2


def test_defaults_may_be_given(tmp_path: Path) -> None:
    saved(tmp_path)
    given = replace(PLAN, learning_rate=0.001)
    assert checkpoint.load(tmp_path, given, ORIGIN)["training"]["epoch"] == 2


def test_a_folder_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    said = "holds no checkpoint.pt to go on with. Leave out resume=True to begin"
    with pytest.raises(FileNotFoundError, match=said):
        checkpoint.load(tmp_path, PLAN, ORIGIN)
    (tmp_path / "summary.md").touch()
    said = "The run in .* is over: there is nothing to go on with. Begin again with force=True"
    with pytest.raises(FileNotFoundError, match=said):
        checkpoint.load(tmp_path, PLAN, ORIGIN)


@pytest.mark.parametrize(
    ("earlier", "do"), [(True, "go on with resume=True"), (False, "begin again")]
)
def test_on_a_full_disk_the_earlier_state_stays(
    tmp_path: Path,
    full_disk: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    earlier: bool,
    do: str,
) -> None:
    if earlier:
        saved(tmp_path)
    monkeypatch.setattr(os, "fsync", full_disk)
    said = f"The disk is full: .*checkpoint.pt could not be written. Free some space and {do}."
    with pytest.raises(OSError, match=said):
        checkpoint.save(tmp_path, PLAN, ORIGIN, {}, None)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["checkpoint.pt"] * earlier
    if earlier:
        checkpoint.load(tmp_path, PLAN, ORIGIN)
