"""A run folder from a stranger: whatever it holds, it runs no code, and errors are one line."""

import copy
import json
import os
import pickle
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import save_file

from selfpaced._cli import app
from selfpaced.audit import Options, Source, load, read
from selfpaced.audit._cases.report import write_report
from selfpaced.audit._fixing.from_run import Request, fix_from
from selfpaced.audit._folder.seal import write_config

ROWS = 60
CANARY = "canary_of_a_run"  # a module that the folder of the runs holds; nothing may import it
# The files that programs read again.
READ = ("config.json", "features.safetensors", "estimators.safetensors", "model.safetensors")
MORE = ("suspects.csv", "ledger.parquet")
ODD: list[Any] = [
    *(None, True, [], {}, "", "a", "os:system", "subprocess:call", f"{CANARY}:make", "../../x"),
    *(0, -1, 3, 10**12, 2**63, 10**400, 1e308, float("nan"), float("inf"), "\0", "n" * 500),
    *([1], ["network"], {"a": 1}, {"part": 0}, {"part": 10**9}, [["list", []]], "/dev/zero"),
]


class Made(NamedTuple):
    """A run, new samples, and what its model says of them."""

    folder: Path
    source: Source
    predicted: pd.DataFrame


def _table(folder: Path) -> tuple[Path, list[str]]:
    """Write a table with text, categories, dates, names and numbers."""
    random, words = np.random.default_rng(0), "good bad film plot actor scene".split()
    kinds = np.arange(ROWS) % 2
    frame = pd.DataFrame(
        {
            "n": random.normal(size=ROWS) + 3 * kinds,
            "coat": random.choice(["red", "blue", "grey"], ROWS),
            "born": pd.date_range("2020-01-01", periods=ROWS).astype(str),
            "said": [" ".join([*random.choice(words, 5), "meow woof".split()[k]]) for k in kinds],
            "kind": np.where(kinds, "dog", "cat"),
        }
    )
    frame.to_csv(folder / "pets.csv", index=False)
    return folder / "pets.csv", ["--label", "kind", "--use", "coat", "--use", "born"]


def _numbers(folder: Path) -> tuple[Path, list[str]]:
    """Write a table whose labels are numbers."""
    x = np.random.default_rng(0).normal(size=(ROWS, 2))
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "price": 3 * x[:, 0] + 100})
    frame.to_csv(folder / "homes.csv", index=False)
    return folder / "homes.csv", ["--label", "price", "--numbers", "--learner", "boosting"]


def _images(folder: Path) -> tuple[Path, list[str]]:
    """Write small images of two shades."""
    for place in range(24):
        path = folder / "shades" / f"{place % 2}" / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 20 + 180 * (place % 2) + place).save(path)
    return folder / "shades", ["--learner", "network"]


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Made]:
    """Return a run of a table, of numbers and of images, with all kinds of models."""
    made = []
    for write in (_table, _numbers, _images):
        place = tmp_path_factory.mktemp("runs")
        path, words = write(place)
        folder = place / "run"
        app(
            ["audit", str(path), *words, "--epochs", "2", "--quiet", "--output", str(folder)],
            standalone_mode=False,
        )
        use = ("coat", "born") if path.stem == "pets" else ()
        source = read(
            path, Options(label=None if path.is_dir() else words[1], use=use, known=False)
        )
        made.append(Made(folder, source, load(folder).predict(source)))
    return made


@pytest.fixture(scope="session", autouse=True)
def _canary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Put a module on the path that nothing may import."""
    folder = tmp_path_factory.mktemp("canary")
    (folder / f"{CANARY}.py").write_text("raise SystemExit('code of the folder was run')\n")
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


class Evil:
    """Makes a folder if it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def places(value: Any, start: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the places of all values in a value of JSON."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    found = [start] if start else []
    if isinstance(value, dict | list):
        for key, one in inside:
            found += places(one, (*start, key)) if isinstance(one, dict | list) else [(*start, key)]
    return found


def changed(data: st.DataObject, value: Any) -> Any:
    """Return a value of JSON with one to three values replaced, removed or moved."""
    value = copy.deepcopy(value)
    for _ in range(data.draw(st.integers(1, 3))):
        there = places(value)
        if not there:
            return value
        *way, last = data.draw(st.sampled_from(there))
        inside = value
        for key in way:
            inside = inside[key]
        do = data.draw(st.sampled_from(["replace", "replace", "remove", "add", "move"]))
        if do == "remove":
            del inside[last]
        elif do == "add" and isinstance(inside, dict):
            inside[data.draw(st.sampled_from(["__class__", "a", "func", "transform"]))] = 1
        elif do == "move":
            *other, end = data.draw(st.sampled_from(there))
            inside[last] = copy.deepcopy(_at(value, (*other, end)))
        else:
            inside[last] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
    return value


def _at(value: Any, way: tuple[Any, ...]) -> Any:
    """Return the value at a place, or None if it was removed."""
    try:
        for key in way:
            value = value[key]
    except (KeyError, IndexError, TypeError):
        return None
    return value


def reseal(folder: Path) -> None:
    """Write the hashes of the files as they are now: an attacker can do this."""
    config = json.loads((folder / "config.json").read_text())
    if isinstance(config, dict):
        write_config(config, folder)


def copied(run: Made, place: str) -> Path:
    """Copy what programs read of a run."""
    folder = Path(place, "run")
    folder.mkdir()
    for name in (*READ, *MORE):
        if (run.folder / name).is_file():
            shutil.copy(run.folder / name, folder / name)
    return folder


def tried(folder: Path, do: Callable[[], Any]) -> Any:
    """Return what a call returns; None after an error, which must be one line for the user."""
    before = sorted(path.name for path in folder.parent.iterdir())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numbers without sense
            found = do()
    except (ValueError, OSError, MemoryError) as error:
        assert "\n" not in str(error).strip(), error
        found = None
    assert sorted(path.name for path in folder.parent.iterdir()) == before
    assert CANARY not in sys.modules
    return found


def predicted(run: Made, folder: Path) -> Any:
    """Return the predictions of a copy, None after an error."""
    return tried(folder, lambda: load(folder).predict(run.source))


WHICH = st.integers(0, 2)


@given(WHICH, st.data())
def test_a_config_from_a_stranger_runs_no_code(
    runs: list[Made], which: int, data: st.DataObject
) -> None:
    run = runs[which]
    with TemporaryDirectory() as place:
        folder = copied(run, place)
        config = changed(data, json.loads((folder / "config.json").read_text()))
        (folder / "config.json").write_text(json.dumps(config))
        predicted(run, folder)
        tried(folder, lambda: write_report(folder))
        tried(folder, lambda: fix_from(Request(folder, folder / "fixed.csv", force=True)))


@given(WHICH, st.sampled_from(READ), st.data())
def test_a_damaged_file_gives_an_error_or_the_same_predictions(
    runs: list[Made], which: int, name: str, data: st.DataObject
) -> None:
    run = runs[which]
    with TemporaryDirectory() as place:
        folder = copied(run, place)
        path = folder / name
        if not path.is_file() or name == "config.json":
            name = "features.safetensors"
            path = folder / name
        whole = path.read_bytes()
        at = data.draw(st.integers(0, len(whole) - 1))
        flip = data.draw(st.integers(1, 255))
        other = runs[data.draw(WHICH)].folder / name
        harm = {
            "cut": whole[:at],
            "flip": whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :],
            "swap": other.read_bytes() if other.is_file() else b"",
            "pickle": pickle.dumps(Evil(Path(place, "canary"))),
        }
        path.write_bytes(harm[data.draw(st.sampled_from(sorted(harm)))])
        found = predicted(run, folder)
        assert found is None or found.equals(run.predicted)
        reseal(folder)
        predicted(run, folder)


@given(WHICH, st.sampled_from(READ[1:3]), st.data())
def test_parts_of_a_model_from_a_stranger_run_no_code(
    runs: list[Made], which: int, name: str, data: st.DataObject
) -> None:
    run = runs[which]
    with TemporaryDirectory() as place:
        folder = copied(run, place)
        path = folder / name
        if not path.is_file():
            path = folder / "features.safetensors"
        with safe_open(path, "np") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}
            parts = json.loads(file.metadata()["parts"])
        if data.draw(st.booleans()) and arrays:
            key = data.draw(st.sampled_from(sorted(arrays)))
            arrays[key] = harmed(data, arrays[key])
        else:
            parts = changed(data, parts)
        save_file(arrays, path, {"parts": json.dumps(parts)})
        reseal(folder)
        predicted(run, folder)


def harmed(data: st.DataObject, array: Any) -> Any:
    """Return an array with another shape, type or number."""
    do = data.draw(st.sampled_from(["number", "number", "shape", "type", "empty"]))
    if do == "number" and array.size:
        array = array.copy().reshape(-1)
        at = data.draw(st.integers(0, array.size - 1))
        limits = np.iinfo(array.dtype) if array.dtype.kind in "iu" else np.finfo(np.float32)
        odd = [0, 1, limits.min, limits.max, array.size]
        array[at] = np.array(data.draw(st.sampled_from(odd))).astype(array.dtype)
        return array
    if do == "shape":
        return array.reshape(-1)[: max(1, array.size // 2)].copy()
    return array.astype(np.float32) if do == "type" else array[:0].copy()
