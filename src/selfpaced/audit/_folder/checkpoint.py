"""The checkpoint of a run: the state of a training on the disk, to continue a run later."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import torch

from selfpaced._errors import require
from selfpaced._files import replacing
from selfpaced.audit._folder.config import check_run
from selfpaced.audit._folder.files import CHECKPOINT, disk_is_full, require_checkpoint
from selfpaced.audit._folder.origin import differences
from selfpaced.audit._plan import Plan, from_json, to_json
from selfpaced.audit._plan import differences as differences_of_plans

# The keys of a checkpoint.
KEYS = {"plan", "origin", "training", "losses"}


def save(
    folder: Path, plan: Plan, origin: Mapping[str, str], training: dict[str, Any], losses: Any
) -> None:
    """Write the state of a training into the folder of its run; an earlier state is replaced.

    Args:
        folder: The folder of the run.
        plan: The settings of the run.
        origin: What the run is made from; see ``origin.py``.
        training: The ``state_dict`` of the training.
        losses: Losses after each epoch so far, float32, shape (epochs, n); None if not kept.

    Raises:
        OSError: If the disk is full; an earlier state stays as it was.
    """
    state = {
        "plan": to_json(plan),
        "origin": dict(origin),
        "training": training,
        "losses": losses,
    }
    path = folder / CHECKPOINT
    try:
        with replacing(path) as made, made.open("wb") as file:
            torch.save(state, file)
    except (OSError, RuntimeError) as error:
        if not disk_is_full(error):
            raise
        do = "go on with resume=True" if path.exists() else "begin again"
        raise OSError(
            f"The disk is full: {path} could not be written. Free some space and {do}."
        ) from error


def load(folder: Path, plan: Plan, origin: Mapping[str, str]) -> dict[str, Any]:
    """Read the checkpoint of a run that was stopped.

    Args:
        folder: The folder of the run.
        plan: The settings with which the run is to continue.
        origin: What it is to continue with.

    Returns:
        "training" and "losses", as they were passed to ``save``.

    Raises:
        FileNotFoundError: If the folder holds no checkpoint.
        ValueError: For a checkpoint that cannot be read, and for another plan or origin.
    """
    require_checkpoint(folder)
    path = folder / CHECKPOINT
    state = _read(path)
    complete = state.keys() >= KEYS and isinstance(state["origin"], dict)
    require(
        complete,
        f"{path} was written by another version of selfpaced. Go on with that version, or begin "
        f"again with force=True.",
    )
    labels = plan.options.labels  # files may have moved, so paths are not compared
    saved = _plan(path, state["plan"])
    saved = replace(saved, path=plan.path, options=replace(saved.options, labels=labels))
    changed = differences_of_plans(_with_defaults(saved), _with_defaults(plan))
    require(
        not changed,
        f"{path} belongs to another run; it differs in {', '.join(changed)}. Go on with the "
        f"same settings, or begin again with force=True.",
    )
    before = state["origin"]
    require(
        before.get("samples") == origin["samples"],
        f"{plan.path} has changed since the run in {folder} was stopped. Restore the file, or "
        f"begin again with force=True.",
    )
    changed = differences(before, origin)
    require(
        not changed,
        f"{path} was written with other parts; these differ: {', '.join(changed)}. Restore them, "
        f"or begin again with force=True.",
    )
    return {"training": state["training"], "losses": state["losses"]}


@contextmanager
def fitting(folder: Path) -> Iterator[None]:
    """Turn the errors of a state whose parts do not fit the training into one line."""
    try:
        yield
    except (ValueError, OSError, MemoryError):
        raise
    except Exception as error:  # whoever wrote the file chooses what is raised
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{folder / CHECKPOINT} does not fit this training ({type(error).__name__}: {reason}). "
            f"Begin again with force=True."
        ) from error


def remove(folder: Path) -> None:
    """Remove the checkpoint of a run."""
    (folder / CHECKPOINT).unlink()


def require_own(folder: Path) -> None:
    """Raise if a file with the name of the checkpoint is not a checkpoint: it would be replaced.

    Raises:
        ValueError: For such a file.
    """
    if (folder / CHECKPOINT).is_file():
        _read(folder / CHECKPOINT)


def _read(path: Path) -> dict[str, Any]:
    """Return the state that ``save`` wrote."""
    try:
        with ZipFile(path) as archive:
            stored = all(part.compress_type == ZIP_STORED for part in archive.infolist())
        require(stored, "It is compressed: it may unpack to any size.")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # torch.load raises many types for a file of another kind
        raise ValueError(
            f"{path} is damaged, or not a checkpoint of a run. Move it away to begin again."
        ) from error
    ours = isinstance(state, dict) and isinstance(state.get("plan"), dict)
    require(ours, f"{path} is not a checkpoint of a run. Move it away to begin again.")
    return dict(state)


def _plan(path: Path, saved: dict[str, Any]) -> Plan:
    """Return the plan in a checkpoint."""
    check_run(saved, path)
    try:
        return from_json(saved)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is not a checkpoint of a run. Move it away to begin again."
        ) from error


def _with_defaults(plan: Plan) -> Plan:
    """Return a plan with its default settings filled in: giving a default makes no difference."""
    return replace(plan, learning_rate=plan.settings(1).learning_rate)
