"""What README and docs show runs: every Python block, every command and its flags."""

import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import typer.main
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import selfpaced
from selfpaced import Indexed
from selfpaced._cli import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = [page for page in PAGES if "```python" in page.read_text()]


def name_of(page: Path) -> str:
    return page.name


def blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)


def users_own() -> dict[str, Any]:
    """What a page expects a reader to have: a dataset, a model, sequences of DNA."""
    labels = torch.arange(300) % 2
    x = torch.randn(300, 2, generator=torch.Generator().manual_seed(0)) + labels[:, None]
    dataset, model = TensorDataset(x, labels), nn.Linear(2, 2)
    body, head = nn.Sequential(nn.Linear(2, 8), nn.ReLU()), nn.Linear(8, 2)
    random = np.random.default_rng(0)
    sequences = ["".join(random.choice(list("ACGT"), 30)) for _ in range(40)]
    motif = "GATTACATTA"
    held = [s[:9] + motif + s[19:] if at % 2 else s for at, s in enumerate(sequences)]
    return {
        "DataLoader": DataLoader,
        "F": F,
        "dataset": dataset,
        "labels": labels,
        "loader": DataLoader(Indexed(dataset), batch_size=32),
        "epochs": 6,
        "model": model,
        "body": body,
        "head": head,
        "optimizer": torch.optim.Adam(nn.ModuleList([model, body, head]).parameters()),
        "x": x,
        "X": x.numpy(),
        "y": labels.numpy(),
        "sequences": held,
        "new_sequences": held[:4],
    }


@pytest.fixture
def page_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module that pickle finds, in a folder of its own: a page's blocks follow each other."""
    module = ModuleType("a_page_of_the_docs")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(tmp_path)
    vars(module).update(users_own())
    yield module


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the pages name: reviews.csv, new.csv and run/."""
    folder = tmp_path_factory.mktemp("audited")
    rows = [f"{word} film number {at},{kind}" for at in range(40) for word, kind in KINDS]
    (folder / "reviews.csv").write_text("text,sentiment\n" + "\n".join(rows) + "\n")
    (folder / "new.csv").write_text("text\ngood film\nbad film\n")
    command = ["audit", "reviews.csv", "--label", "sentiment", "--learner", "logistic"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        app([*command, "-o", "run", "--quiet"], standalone_mode=False)
    return folder


KINDS = [("good", "yes"), ("bad", "no")]


@pytest.mark.parametrize("page", PROGRAMS, ids=name_of)
def test_the_python_blocks_of_a_page_run(
    page: Path, page_module: ModuleType, audited: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(audited)
    for block in blocks(page):
        vars(page_module).update(users_own())  # a block may have used the names for others
        if "sequences" in block:
            vars(page_module)["y"] = np.where(np.arange(40) % 2, 1, -1)
        exec(compile(block, page.name, "exec"), vars(page_module))


def test_the_first_loop_of_the_readme_trains_and_names_suspects(page_module: ModuleType) -> None:
    exec(compile(blocks(ROOT / "README.md")[0], "README.md", "exec"), vars(page_module))
    assert vars(page_module)["pacer"].steps == 6
    assert isinstance(vars(page_module)["pacer"], selfpaced.Pacer)


def test_the_first_loop_ends_by_line_fifteen_of_the_readme() -> None:
    assert "pacer.step()" in "\n".join((ROOT / "README.md").read_text().splitlines()[:15])


SHOWN = re.compile(
    r"(?m)^    (?:accelerate launch -m )?(selfpaced [^#\n]*|make \w+|pip install [^#\n]*"
    r"|python -m [^#\n]*)|`((?:selfpaced|python -m benchmarks|make) [^`]*)`"
)


def commands() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for block, inline in SHOWN.findall(page.read_text()):
            found.append((page.name, " ".join((block or inline).split())))
    return sorted(set(found))


def parsed(words: list[str]) -> tuple[Any, list[str]]:
    """The command that the words name, and what is left for it."""
    command: Any = typer.main.get_command(app)
    while words and words[0] in subcommands(command):
        command, words = subcommands(command)[words[0]], words[1:]
    return command, words


def subcommands(command: Any) -> dict[str, Any]:
    return getattr(command, "commands", {})


def require_known_flags(words: list[str]) -> None:
    command, rest = parsed(words)
    known = {opt for p in command.params for opt in (*p.opts, *p.secondary_opts)} | {"--help"}
    flags = {word for word in rest if word.startswith("-")}
    assert flags <= known, f"{flags - known} of {words}"
    assert not subcommands(command) or not rest or flags, f"there is no command {rest[:1]}"


@pytest.mark.parametrize(("page", "command"), commands())
def test_a_command_that_is_shown_exists_with_its_flags(page: str, command: str) -> None:
    words = shlex.split(command)
    if words[0] == "selfpaced":
        require_known_flags(words[1:])
    elif words[0] == "make":
        assert re.search(rf"(?m)^{words[1]}:", (ROOT / "Makefile").read_text())
    elif words[:2] == ["pip", "install"]:
        extras = re.findall(r"selfpaced\[([\w,]+)\]", command)
        text = (ROOT / "pyproject.toml").read_text()
        assert all(re.search(rf"(?m)^{e} = \[", text) for part in extras for e in part.split(","))
    else:
        module = words[2].replace(".", "/")
        assert any((ROOT / f"{module}{end}").exists() for end in (".py", "/__main__.py"))


FLAG = re.compile(r"`(--[a-z][a-z-]*)")


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "audit.md"], ids=name_of)
def test_a_flag_that_is_named_exists(page: Path) -> None:
    every: set[str] = set()
    pending: list[Any] = [typer.main.get_command(app)]
    while pending:
        command = pending.pop()
        every |= {opt for p in command.params for opt in (*p.opts, *p.secondary_opts)}
        pending += subcommands(command).values()
    benchmarks = {"--table", "--overhead"}
    assert set(FLAG.findall(page.read_text())) <= every | benchmarks


def test_the_links_of_a_page_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_reference_is_what_the_docstrings_say() -> None:
    path = ROOT / "docs" / "reference.py"
    page = runpy.run_path(str(path))["page"]()
    assert path.with_suffix(".md").read_text() == page, "run python docs/reference.py"
