"""config.json: the settings of a run, and what is needed to build its model again.

The file may come from a stranger: every value is checked here before anything is done with it.
"""

import json
import math
import re
import sys
from dataclasses import fields
from pathlib import Path
from reprlib import repr as short
from types import NoneType, UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

from selfpaced._errors import require, require_keys
from selfpaced._version import __version__
from selfpaced.audit._folder.files import CHECKPOINT, CONFIG
from selfpaced.audit._folder.seal import FILES
from selfpaced.audit._folder.staging import settle
from selfpaced.audit._learning.ensembles import VIEWS
from selfpaced.audit._learning.networks import BUILT_IN
from selfpaced.audit._plan import Plan
from selfpaced.audit._reading.source import Options

# The version of the folder's layout. It grows whenever an older version of selfpaced could not read
# what is written.
LAYOUT = 5
# The keys of config.json.
KEYS = {FILES, "layout", "model", "origin", "run", "selfpaced", "versions"}
# The keys of its section "model", and of "built" in it.
MODEL_KEYS = {"built", "names", "scale"}
BUILT_KEYS = {"folds", "members", "network", "outputs", "shape", "shares"}
# The member of the model that is a network.
NETWORK = "network"
# The name of a network of the user.
OWN = re.compile(r"\w[\w.-]*:[^\W\d][\w.]*")
# The largest number of letters of a value in a message.
MOST_LETTERS = 40
# The largest number of numbers of a sample.
MOST_NUMBERS = 10**8


def read_config(folder: Path) -> dict[str, Any]:
    """Read the config.json of a finished run.

    Raises:
        FileNotFoundError: If the folder does not exist or holds no finished run.
        ValueError: For a damaged file, and for a run of another version.
    """
    path = folder / CONFIG
    _require_there(folder, path)
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}. Copy the folder again.") from error
    require(
        isinstance(config, dict) and "layout" in config,
        f"{path} is not the config.json of a run. Give the folder that selfpaced audit wrote.",
    )
    require(
        config["layout"] == LAYOUT,
        f"{path} has layout {_line(config['layout'])}, of selfpaced "
        f"{_line(config.get('selfpaced'))}; selfpaced {__version__} reads layout {LAYOUT}. Use the "
        f"version that wrote it, or audit again.",
    )
    require_keys(config, KEYS, str(path))
    for section in (FILES, "model", "origin", "run", "versions"):
        _require_object(config[section], section, path)
    check_run(config["run"], path)
    _check_model(config["model"], path)
    return config


def _line(value: object) -> str:
    """Return a value in one short line."""
    return " ".join(str(value).split())[:MOST_LETTERS]


def _require_there(folder: Path, path: Path) -> None:
    """Raise unless the folder holds a finished run."""
    if not folder.exists():
        raise FileNotFoundError(f"There is no folder {folder}. Check the name.")
    settle(folder)
    if not path.is_file():
        stopped = (folder / CHECKPOINT).is_file()
        do = (
            "Its audit was stopped: go on with resume=True"
            if stopped
            else "Give a folder that selfpaced audit wrote"
        )
        raise FileNotFoundError(f"{folder} holds no {CONFIG}: no run has ended there. {do}.")


def _require_object(value: object, name: str, path: Path) -> None:
    """Raise unless a section of config.json is an object."""
    require(
        isinstance(value, dict),
        f"{path} is damaged: {name} is not an object. Copy the folder again.",
    )


def check_run(run: dict[str, Any], path: Path) -> None:
    """Raise for settings that no run has; some may be missing.

    Args:
        run: The settings, as ``to_json`` writes a plan.
        path: The file that they were read from.

    Raises:
        ValueError: Naming the setting.
    """
    options, columns = run.get("options", {}), run.get("columns", {})
    _require_object(options, "options", path)
    _require_object(columns, "columns", path)
    _require(all(isinstance(name, str) for name in columns.values()), "columns", columns, path)
    for settings, of in ((run, Plan), (options, Options)):
        hints = get_type_hints(of)
        for field in fields(of):
            name = field.name
            if name in settings and name != "options":
                _require(_fits(settings[name], hints[name]), name, settings[name], path)
    unknown = sorted(set(options) - {field.name for field in fields(Options)})
    _require(not unknown, "options", unknown, path)
    side = options.get("side")
    _require(side is None or 1 <= side**2 <= MOST_NUMBERS, "side", side, path)


def _fits(value: object, hint: Any) -> bool:
    """Return whether a value of JSON stands for one of a type.

    >>> _fits("a.csv", Path | None), _fits(["a"], tuple[str, ...]), _fits(True, int)
    (True, True, False)
    """
    if get_origin(hint) is UnionType:
        return any(_fits(value, one) for one in get_args(hint))
    if get_origin(hint) is tuple:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if hint is float:
        return _is_number(value)
    kinds = {Path: str, NoneType: NoneType, int: int, str: str, bool: bool}
    return type(value) is kinds[hint]


def _is_number(value: object) -> bool:
    """Return whether a value is a finite number, and not a bool."""
    return type(value) in (int, float) and abs(cast(float, value)) <= sys.float_info.max


def _check_model(model: dict[str, Any], path: Path) -> None:
    """Raise for a model that no run has."""
    require_keys(model, MODEL_KEYS, str(path))
    _require_object(model["built"], "built", path)
    built, names, scale = model["built"], model["names"], model["scale"]
    require_keys(built, BUILT_KEYS, str(path))
    named = isinstance(names, list) and all(isinstance(name, str | int | float) for name in names)
    _require(names is None or (named and len(names) > 0), "names", names, path)
    numbers = isinstance(scale, list) and len(scale) == 2 and all(map(_is_number, scale))
    _require(numbers and scale[1] > 0, "scale", scale, path)
    outputs = 1 if names is None else len(names)
    _require(
        type(built["outputs"]) is int and built["outputs"] == outputs,
        "outputs",
        built["outputs"],
        path,
    )
    _require(type(built["folds"]) is int and built["folds"] >= 0, "folds", built["folds"], path)
    shape = built["shape"]
    right = isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)
    _require(right and math.prod(shape) <= MOST_NUMBERS, "shape", shape, path)
    name = built["network"]
    known = isinstance(name, str) and (name in BUILT_IN or OWN.fullmatch(name) is not None)
    _require(known, "network", name, path)
    _check_members(built["members"], built["shares"], path)


def _check_members(members: Any, shares: Any, path: Path) -> None:
    """Raise for members of a mixture that do not exist, and for shares that are none."""
    right = isinstance(members, list) and all(m in (*VIEWS, NETWORK) for m in members)
    _require(right and len(set(members)) == len(members), "members", members, path)
    if shares is None:
        _require(len(members) <= 1, "shares", shares, path)
        return
    _require_object(shares, "shares", path)
    _require(set(members) <= set(shares), "shares", shares, path)
    for share in shares.values():
        numbers = isinstance(share, list) and len(share) == 2 and all(map(_is_number, share))
        _require(numbers and min(share) >= 0, "shares", share, path)


def _require(condition: bool, name: str, value: object, path: Path) -> None:
    """Raise unless a value is one that a run writes."""
    require(
        condition,
        f"{path} is damaged: {name} cannot be {short(value)}. Copy the folder again.",
    )
