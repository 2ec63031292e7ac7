"""Imports run one way, from the last level to the first, and never in a circle."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "selfpaced"
LEVELS = {
    "ground": [
        "_version",
        "_public",
        "_errors",
        "_evidence",
        "_files",
        "_ranks",
        "_saved",
        "_text",
    ],
    "chain": ["chain"],
    "slots": ["weighting", "pacing", "age", "difficulty", "coupling"],
    "memory": ["_memory"],
    "pacer": ["_pacer", "_classic"],
    "package": ["__init__"],
    "pages": ["_page"],
    "around the pacer": ["_sampling", "suspects", "tracking", "prompts", "report"],
    "latent": ["latent"],
    "testing": ["testing"],
    "audit": ["audit"],
    "hosts": ["sklearn", "skorch", "lightning", "transformers", "trl"],
    "review": ["_review"],
    "demo": ["_demo"],
    "command line": ["_cli", "__main__"],
}
LEVEL = {room: level for level, rooms in enumerate(LEVELS.values()) for room in rooms}
NEEDS_AN_EXTRA = {"report", "latent", "audit", *LEVELS["hosts"], *LEVELS["demo"], "_cli", "_review"}
FILES = sorted(SOURCE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@cache
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


def rooms_read_by(path: Path) -> set[str]:
    """The rooms of our own that the file imports from."""
    names = {name.split(".")[1] for name, _ in imports(path) if name.startswith("selfpaced.")}
    return {name if name in LEVEL else "__init__" for name in names} - {room(path)}


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_every_file_has_its_place_in_a_level() -> None:
    assert {room(path) for path in FILES} == set(LEVEL)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_no_import_goes_up(path: Path) -> None:
    here = LEVEL[room(path)]
    above = {name for name in rooms_read_by(path) if LEVEL[name] > here}
    if room(path) == "__init__":
        above -= {name for name in above if LEVEL[name] <= LEVEL["_sampling"]}  # its lazy names
    assert not above


def test_rooms_import_in_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for path in FILES:
        graph.setdefault(room(path), set()).update(rooms_read_by(path))
    del graph["__init__"]  # its lazy names
    list(TopologicalSorter(graph).static_order())


def test_files_import_in_no_circle() -> None:
    modules = {module_of(path): path for path in FILES}
    graph = {}
    for name, path in modules.items():
        now = {module for module, on_import in imports(path) if on_import and module in modules}
        packages = {name.rpartition(".")[0]} if path.name != "__init__.py" else set()
        graph[name] = now - packages - {name}  # a file of a package comes before its __init__
    list(TopologicalSorter(graph).static_order())


def test_a_host_imports_no_other_host() -> None:
    for path in FILES:
        if room(path) in LEVELS["hosts"]:
            assert not rooms_read_by(path) & set(LEVELS["hosts"]), path.name


CORE = [path for path in FILES if room(path) not in NEEDS_AN_EXTRA]


@pytest.mark.parametrize("path", CORE, ids=lambda p: str(p.relative_to(SOURCE)))
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


def test_the_house_stays_small_enough_to_find_ones_way_in() -> None:
    assert len(list(SOURCE.glob("*.py"))) <= 17
    assert len(list((SOURCE / "audit").glob("*.py"))) <= 8
    assert len(list((SOURCE / "latent").glob("*.py"))) <= 2
    short = [path for path in FILES if path.name != "__init__.py" and lines(path) < 60]
    assert len(short) <= 12, [path.name for path in short]


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())
