"""A training on the disk, from which a run that was stopped goes on."""

from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from selfpaced._errors import require
from selfpaced._files import replacing
from selfpaced.audit._folder.files import disk_is_full
from selfpaced.audit._plan import Plan, differences, from_json, to_json
from selfpaced.audit._reading.source import Source

NAME = "checkpoint.pt"
KEYS = {"plan", "data", "training", "losses"}


def save(folder: Path, plan: Plan, data: str, training: dict[str, Any], losses: Any) -> None:
    """Write a training into the folder of its run, in place of an earlier state of it.

    Args:
        folder: Of the run.
        plan: What was asked for.
        data: What ``fingerprint`` says of the samples.
        training: Its ``state_dict``.
        losses: Of the epochs so far, float32, shape (epochs, n); None where they are not kept.

    Raises:
        OSError: When the disk is full; an earlier state stays as it was.
    """
    state = {"plan": to_json(plan), "data": data, "training": training, "losses": losses}
    path = folder / NAME
    try:
        with replacing(path) as made, made.open("wb") as file:
            torch.save(state, file)
    except (OSError, RuntimeError) as error:
        if not disk_is_full(error):
            raise
        do = "go on with --resume" if path.exists() else "begin again"
        raise OSError(
            f"The disk is full: {path} could not be written. Free some space and {do}."
        ) from error


def load(folder: Path, plan: Plan, data: str) -> dict[str, Any]:
    """Read the training of a run that was stopped.

    Args:
        folder: Of the run.
        plan: What is asked for now.
        data: What ``fingerprint`` says of the samples now.

    Returns:
        "training" and "losses", as ``save`` got them.

    Raises:
        FileNotFoundError: When there is none.
        ValueError: For one that cannot be read, and for another plan or other samples.
    """
    require_checkpoint(folder)
    path = folder / NAME
    state = _read(path)
    labels = plan.options.labels  # where the data are may change, what they are not
    saved = _plan(path, state["plan"])
    saved = replace(saved, path=plan.path, options=replace(saved.options, labels=labels))
    changed = differences(_spelled_out(saved), _spelled_out(plan))
    require(
        not changed,
        f"{path} is of another run; it differs in {', '.join(changed)}. Go on with the same "
        f"options, or begin again with --force.",
    )
    require(
        state["data"] == data,
        f"{plan.path} has changed since the run in {folder} was stopped. Bring the file back, or "
        f"begin again with --force.",
    )
    return {"training": state["training"], "losses": state["losses"]}


def remove(folder: Path) -> None:
    """Remove the checkpoint of a run."""
    (folder / NAME).unlink()


def require_checkpoint(folder: Path) -> None:
    """Raise unless there is a run to go on with.

    Raises:
        FileNotFoundError: In one line.
    """
    if (folder / NAME).is_file():
        return
    if (folder / "summary.md").is_file():
        raise FileNotFoundError(
            f"The run in {folder} is over: there is nothing to go on with. Begin again with "
            f"--force, or choose another folder."
        )
    raise FileNotFoundError(f"{folder} holds no {NAME} to go on with. Leave --resume out to begin.")


def require_own(folder: Path) -> None:
    """Raise where a file of the checkpoint's name is none of ours: it would be replaced.

    Raises:
        ValueError: In one line.
    """
    if (folder / NAME).is_file():
        _read(folder / NAME)


def _read(path: Path) -> dict[str, Any]:
    """Return what ``save`` wrote."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # as many kinds as there are ways to be no such file
        raise ValueError(
            f"{path} is damaged, or no state of a run. Move it away to begin again."
        ) from error
    whole = isinstance(state, dict) and state.keys() >= KEYS and isinstance(state["plan"], dict)
    require(whole, f"{path} is no state of a run. Move it away to begin again.")
    return dict(state)


def _plan(path: Path, told: dict[str, Any]) -> Plan:
    """Return the plan in a checkpoint."""
    try:
        return from_json(told)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is no state of a run. Move it away to begin again.") from error


def _spelled_out(plan: Plan) -> Plan:
    """Return a plan that says what it takes for granted, so that saying it is no difference."""
    settings = plan.settings(1)
    return replace(plan, epochs=settings.epochs, learning_rate=settings.learning_rate)


def fingerprint(source: Source) -> str:
    """Return 32 hexadecimal digits that other samples or labels do not have.

    >>> frame, where = pd.DataFrame({"a": [1, 2]}), pd.Series([1, 2], name="row")
    >>> def data(labels):
    ...     labels = pd.Series(labels)
    ...     return Source(Path("a"), "table", frame, labels, where, frame, False, (), frame)
    >>> fingerprint(data(["x", "y"])) == fingerprint(data(["y", "x"]))
    False
    """
    digest = blake2b(digest_size=16)
    rows = source.features
    if isinstance(rows, pd.DataFrame):
        digest.update("\0".join(rows.columns).encode())
        digest.update(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes())
    else:
        digest.update(str(rows.shape).encode())
        digest.update(np.ascontiguousarray(rows).data)
    for column in (source.labels, source.where):
        digest.update(pd.util.hash_pandas_object(column, index=False).to_numpy().tobytes())
    return digest.hexdigest()
