"""Public names are imported on first access, so that the command line loads nothing heavy."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import selfpaced

SOURCE = Path(selfpaced.__file__).parent
HEAVY = ["torch", "numpy", "pandas", "scipy", "sklearn", "skrub", "pyarrow", "matplotlib"]
HEAVY += ["PIL", "accelerate", "safetensors", "psutil"]


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE.parent)},
    )


def run(program: str) -> str:
    result = python("-c", program)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize("asked", ["--help", "--version", "audit --help", "demo digits --help"])
def test_the_command_line_loads_nothing_heavy(asked: str) -> None:
    result = python("-X", "importtime", "-m", "selfpaced", *asked.split())
    assert result.returncode == 0
    loaded = {line.split("|")[-1].strip() for line in result.stderr.splitlines()}
    assert {"selfpaced", "selfpaced._cli", "typer"} <= loaded
    assert not loaded & set(HEAVY)


def test_importing_the_package_loads_no_module_of_it() -> None:
    loaded = run("import sys, selfpaced; print(*(m for m in sys.modules if 'selfpaced' in m))")
    assert set(loaded.split()) == {"selfpaced", "selfpaced._public", "selfpaced._version"}


def test_a_star_import_has_all_names() -> None:
    names = run("from selfpaced import *; print(*dir())").split()
    assert set(selfpaced.__all__) <= set(names)


@pytest.mark.parametrize("name", ["pacing", "Pacer"])
def test_a_name_is_both_an_attribute_and_importable(name: str) -> None:
    as_attribute = run(f"import selfpaced; print(selfpaced.{name})")
    assert run(f"from selfpaced import {name}; print({name})") == as_attribute


def test_a_private_module_can_be_imported_before_its_public_name() -> None:
    program = (
        "import selfpaced._classic, selfpaced; "
        "print(selfpaced.SPLLoss is selfpaced._classic.SPLLoss)"
    )
    assert run(program) == "True"


def test_an_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="^module 'selfpaced' has no attribute 'Pacr'$"):
        vars(selfpaced)["__getattr__"]("Pacr")
    assert not hasattr(selfpaced, "numpy")
    error = python("-c", "import selfpaced; selfpaced.Pacr").stderr
    assert error.endswith("'selfpaced' has no attribute 'Pacr'. Did you mean: 'Pacer'?\n")


def test_dir_lists_all_names() -> None:
    names = run("import selfpaced; print(*dir(selfpaced))").split()
    assert {*selfpaced.__all__, "__file__", "__path__"} <= set(names)
    assert all(hasattr(selfpaced, name) for name in names)


def test_public_classes_pickle() -> None:
    for name in selfpaced.__all__:
        item = getattr(selfpaced, name)
        if isinstance(item, type):
            assert pickle.loads(pickle.dumps(item)) is item
