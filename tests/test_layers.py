"""Imports run one way: from the top of this list to the bottom, never back."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "selfpaced"
ORDER = [
    "_version",
    "errors",
    "weighting",
    "shapes",
    "pacing",
    "rows",
    "labels",
    "plain",
    "placing",
    "dynamics",
    "evidence",
    "ranks",
    "ledger",
    "ring",
    "valley",
    "auto",
    "cut",
    "deviations",
    "growing",
    "age",
    "difficulty",
    "coupling",
    "reduction",
    "trace",
    "batch",
    "settings",
    "restore",
    "pacer",
    "loss",
    "sampling",
    "order",
    "sampler",
    "suspects",
    "tracking",
    "prompts",
    "testing",
    "__init__",
    "sklearn",
    "lightning",
    "transformers",
    "trl",
    "skorch",
    "latent",
    "report",
    "audit",
    "demo",
    "cli",
    "__main__",
]
CORE = ORDER[: ORDER.index("sklearn")]
FILES = sorted(SOURCE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[str, bool]]:
    """Every module that the file imports, and whether it does so on being imported."""
    tree = ast.parse(path.read_text())
    top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "selfpaced":
            found += [(f"selfpaced.{alias.name}", id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((str(node.module), id(node) in top))
    return found


def test_every_file_has_its_place_in_the_order() -> None:
    assert {room(path) for path in FILES} <= set(ORDER)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_run_one_way(path: Path) -> None:
    here = ORDER.index(room(path))
    for module, _ in imports(path):
        if module.startswith("selfpaced."):
            there = module.split(".")[1]
            there = there if there in ORDER else "__init__"
            assert there == room(path) or ORDER.index(there) < here, f"{path.name}: {module}"


@pytest.mark.parametrize("path", [p for p in FILES if room(p) in CORE], ids=lambda p: p.name)
def test_the_core_imports_torch_and_numpy_only(path: Path) -> None:
    allowed = set(sys.stdlib_module_names) | {"torch", "numpy", "selfpaced"}
    for module, on_import in imports(path):
        assert module.split(".")[0] in allowed or not on_import, f"{path.name}: {module}"


def test_the_names_of_selfpaced_load_nothing_heavier_than_torch() -> None:
    program = (
        "import sys, torch; before = set(sys.modules); from selfpaced import *; "
        "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(SOURCE.parent)},
    )
    loaded = set(result.stdout.split())
    assert "selfpaced" in loaded
    assert loaded <= set(sys.stdlib_module_names) | {"selfpaced", "torch", "numpy"}, loaded
