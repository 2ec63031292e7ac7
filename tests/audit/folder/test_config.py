"""Claims about config.json, which may come from a stranger."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selfpaced.audit._folder.config import LAYOUT, read_config

BUILT = {"network": "mlp", "folds": 2, "shape": [3], "outputs": 2, "members": ["network", "trees"]}


def config() -> dict[str, Any]:
    """Return the config.json of a run."""
    shares = {"network": [0.5, 1.0], "trees": [0.5, 2.0]}
    model = {"built": BUILT | {"shares": shares}, "names": ["cat", "dog"], "scale": [0.0, 1.0]}
    options: dict[str, Any] = {
        "label": "kind",
        "ignore": [],
        "side": None,
        "exact": False,
        "labels": None,
    }
    run = {"path": "pets.csv", "options": options, "seed": 3, "epochs": None, "columns": {}}
    parts = {"layout": LAYOUT, "model": model, "run": run, "selfpaced": "1", "versions": {}}
    return parts | {"files": {}, "origin": {}}


def written(folder: Path, text: object) -> Path:
    """Write a config.json."""
    (folder / "config.json").write_text(text if isinstance(text, str) else json.dumps(text))
    return folder


def test_a_config_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_config(written(tmp_path, config())) == config()


def put(*keys: str | int, value: Any) -> Callable[[Any], None]:
    """Return a function that sets a value deep in a config."""

    def change(values: Any) -> None:
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] = value

    return change


BUILT_AT = ("model", "built")
HOSTILE = [
    (put(*BUILT_AT, "network", value="os.system"), "network cannot be 'os.system'"),
    (put(*BUILT_AT, "network", value="../x:call"), "network cannot be"),
    (put(*BUILT_AT, "network", value="a b:c"), "network cannot be"),
    (put(*BUILT_AT, "network", value=["mlp"]), "network cannot be"),
    (put(*BUILT_AT, "folds", value=-1), "folds cannot be -1"),
    (put(*BUILT_AT, "folds", value=True), "folds cannot be True"),
    (put(*BUILT_AT, "outputs", value=10**12), "outputs cannot be"),
    (put(*BUILT_AT, "outputs", value=3), "outputs cannot be"),
    (put(*BUILT_AT, "shape", value=[10**12]), r"shape cannot be \[1000000000000\]"),
    (put(*BUILT_AT, "shape", value=[10**6, 10**6]), "shape cannot be"),
    (put(*BUILT_AT, "shape", value=[-3]), "shape cannot be"),
    (put(*BUILT_AT, "shape", value=[3.5]), "shape cannot be"),
    (put(*BUILT_AT, "shape", value=3), "shape cannot be"),
    (put(*BUILT_AT, "members", value=["network", "spam"]), "members cannot be"),
    (put(*BUILT_AT, "members", value=["trees", "trees"]), "members cannot be"),
    (put(*BUILT_AT, "members", value=[["trees"]]), "members cannot be"),
    (put(*BUILT_AT, "members", value=None), "members cannot be None"),
    (put(*BUILT_AT, "shares", value=None), "shares cannot be None"),
    (put(*BUILT_AT, "shares", value=[1]), "shares is not an object"),
    (put(*BUILT_AT, "shares", "trees", value=[-1, 1]), "shares cannot be"),
    (put(*BUILT_AT, "shares", "trees", value=[float("nan"), 1]), "shares cannot be"),
    (put(*BUILT_AT, "shares", "trees", value=1), "shares cannot be"),
    (put(*BUILT_AT, "shares", value={"trees": [1, 1]}), "shares cannot be"),
    (put("model", "names", value=[]), "names cannot be"),
    (put("model", "names", value=[{"a": 1}, 2]), "names cannot be"),
    (put("model", "names", value="cat"), "names cannot be 'cat'"),
    (put("model", "scale", value=[0, 0]), "scale cannot be"),
    (put("model", "scale", value=[float("nan"), 1]), "scale cannot be"),
    (put("model", "scale", value=[10**400, 1]), "scale cannot be"),
    (put("model", "scale", value=["0", 1]), "scale cannot be"),
    (put("run", "path", value=3), "path cannot be 3"),
    (put("run", "seed", value="3"), "seed cannot be '3'"),
    (put("run", "epochs", value=1.5), "epochs cannot be 1.5"),
    (put("run", "options", value=[]), "options is not an object"),
    (put("run", "options", "ignore", value="x"), "ignore cannot be 'x'"),
    (put("run", "options", "ignore", value=[1]), "ignore cannot be"),
    (put("run", "options", "side", value=10**6), "side cannot be 1000000"),
    (put("run", "options", "side", value=0), "side cannot be 0"),
    (put("run", "options", "exact", value=0), "exact cannot be 0"),
    (put("run", "options", "evil", value=1), r"options cannot be \['evil'\]"),
    (put("run", "columns", value={"row": 1}), "columns cannot be"),
    (put("run", "columns", value=3), "columns is not an object"),
    (put("versions", value=[]), "versions is not an object"),
    (put("layout", value="5\n"), "has layout 5, of selfpaced 1"),
]


@pytest.mark.parametrize(("change", "said"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_value_that_no_run_writes_is_refused_in_one_line(
    tmp_path: Path, change: Callable[[Any], None], said: str
) -> None:
    told, before = config(), set(sys.modules)
    change(told)
    with pytest.raises(ValueError, match=said) as raised:
        read_config(written(tmp_path, told))
    assert "\n" not in str(raised.value) and "config.json" in str(raised.value)
    assert len(str(raised.value)) < 400 + len(str(tmp_path)) and set(sys.modules) == before


@pytest.mark.parametrize("name", ["nets:make", "my-net:make", "2024.nets:Net.small"])
def test_a_network_may_have_any_name_that_can_be_imported(tmp_path: Path, name: str) -> None:
    told = config()
    put(*BUILT_AT, "network", value=name)(told)
    assert read_config(written(tmp_path, told)) == told


@pytest.mark.parametrize("text", ["[" * 100_000, "1" * 10_000, "{", '{"layout": 5}', "\ufffe"])
def test_text_that_is_no_config_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="config.json") as raised:
        read_config(written(tmp_path, text))
    assert "\n" not in str(raised.value)
