"""A path without an underscore is a promise: which names are public, and what they say."""

import ast
import doctest
import importlib
import inspect
import re
import runpy
from collections import Counter
from pathlib import Path

import pytest

import selfpaced

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "selfpaced"
PUBLIC = [  # the table of public modules; everything else has an underscore in its path
    "selfpaced",
    "selfpaced.age",
    "selfpaced.audit",
    "selfpaced.chain",
    "selfpaced.coupling",
    "selfpaced.difficulty",
    "selfpaced.latent",
    "selfpaced.latent.problems",
    "selfpaced.lightning",
    "selfpaced.pacing",
    "selfpaced.prompts",
    "selfpaced.report",
    "selfpaced.sklearn",
    "selfpaced.skorch",
    "selfpaced.suspects",
    "selfpaced.testing",
    "selfpaced.tracking",
    "selfpaced.transformers",
    "selfpaced.trl",
    "selfpaced.weighting",
]
LAZY = ["selfpaced", "selfpaced.audit", "selfpaced.latent"]


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_public(module: str) -> bool:
    return not any(part.startswith("_") for part in module.split("."))


def members(module: str) -> list[tuple[str, object]]:
    found = importlib.import_module(module)
    return [(name, getattr(found, name)) for name in found.__all__]


MEMBERS = [
    pytest.param(module, name, member, id=f"{module}.{name}")
    for module in PUBLIC
    for name, member in members(module)
    if inspect.isclass(member) or inspect.isfunction(member)
]


def test_the_public_modules_are_those_of_the_table() -> None:
    assert sorted({m for m in map(module_of, SOURCE.rglob("*.py")) if is_public(m)}) == PUBLIC


@pytest.mark.parametrize(("module", "name", "member"), MEMBERS)
def test_a_public_name_says_its_public_path_and_what_it_is(
    module: str, name: str, member: object
) -> None:
    assert member.__module__ == module
    assert inspect.getdoc(member)
    assert getattr(importlib.import_module(module), name) is member


def test_the_reference_has_every_public_module() -> None:
    modules = runpy.run_path(str(ROOT / "docs" / "reference.py"))["MODULES"]
    assert sorted(modules) == PUBLIC


def test_a_class_has_one_public_path() -> None:
    paths = Counter(id(parameters.values[2]) for parameters in MEMBERS)
    assert set(paths.values()) == {1}


@pytest.mark.parametrize("module", PUBLIC)
def test_what_a_public_module_defines_is_listed_or_private(module: str) -> None:
    found = importlib.import_module(module)
    file = Path(str(found.__file__))
    defined = {
        node.name
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
    }
    assert defined <= set(found.__all__)
    assert len(set(found.__all__)) == len(found.__all__)


@pytest.mark.parametrize("module", LAZY)
def test_the_examples_of_lazily_imported_names_run(module: str) -> None:
    tried = 0
    shown = dict(members(module))
    for name, member in shown.items():
        for test in doctest.DocTestFinder(recurse=False).find(
            member, name=name, globs=dict(shown), module=False
        ):
            result = doctest.DocTestRunner().run(test)
            assert result.failed == 0, test.name
            tried += result.attempted
    assert tried > 15


@pytest.mark.parametrize("module", LAZY)
def test_what_type_checkers_see_is_what_is_imported(module: str) -> None:
    found = importlib.import_module(module)
    tree = ast.parse(Path(str(found.__file__)).read_text())
    branch = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {"__version__"} & set(found.__all__)
    for node in branch.body:
        assert isinstance(node, ast.ImportFrom)
        home = importlib.import_module(str(node.module))
        for alias in node.names:
            seen.add(alias.name)
            assert getattr(found, alias.name) is getattr(home, alias.name)
    assert seen == set(found.__all__)


IMPORT = re.compile(
    r"(?m)^\s*(?:>>> |\.\.\. )?(?:from|import) (selfpaced[\w.]*)(?: import ([^#\n]+))?"
)
READ = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").glob("*.py")),
]


@pytest.mark.parametrize("path", READ, ids=lambda p: p.name)
def test_readers_are_shown_public_paths_only(path: Path) -> None:
    for module, names in IMPORT.findall(path.read_text()):
        assert module in PUBLIC, module
        for name in filter(None, re.split(r"[\s,()]+", names)):
            found = importlib.import_module(module)
            assert name in found.__all__ or f"{module}.{name}" in PUBLIC, f"{module}.{name}"


def test_an_error_names_the_public_path() -> None:
    assert repr(selfpaced.Pacer) == "<class 'selfpaced.Pacer'>"
