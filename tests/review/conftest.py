"""What the tests of the review share: the folder of a run with known cases."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selfpaced._page.content import Case, Gallery, Neighbour, Shown
from selfpaced.audit._cases.file import Told, write_cases
from selfpaced.audit._folder.seal import write_config

TOLD = Told("2 are wrong", ["So it is."], [["samples", "9"]], [], [], [], [], [], {"series": {}})


def make_gallery(n: int = 12, classes: tuple[str, ...] = ("cat", "dog", "fish")) -> Gallery:
    """Return n rows of which every third is labelled dog and looks like fish, the others cat."""
    cases = []
    for at in range(n):
        given, suggested = ("dog", "fish") if at % 3 == 2 else ("cat", "dog")
        if not classes:
            given, suggested = str(at), "3.5"
        near = (Neighbour(Shown("99", "near"), suggested),)
        sample = Shown(str(at + 1), f"text {at + 1}", row=(("ears", "2"),))
        chance = 0.99 - at / 100
        cases.append(Case(sample, at < n - 2, given, suggested, chance, neighbours=near))
    return Gallery("pets.csv", "row", "row", classes, tuple(cases))


@pytest.fixture(scope="session")
def gallery() -> Callable[..., Gallery]:
    """Return a function that makes a gallery of n cases."""
    return make_gallery


@pytest.fixture
def folder_of(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes the folder of a run with a gallery."""

    def write(gallery: Gallery | None = None, name: str = "run") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "ledger.parquet").write_bytes(name.encode())
        write_cases(make_gallery() if gallery is None else gallery, TOLD, folder)
        plan: dict[str, Any] = {"path": "pets.csv", "options": {"label": "kind"}}
        built = {"folds": 0, "members": ["logistic"], "network": "mlp", "outputs": 1, "shape": [1]}
        model = {"built": built | {"shares": None}, "names": None, "scale": [0.0, 1.0]}
        config = {"layout": 5, "model": model, "origin": {}, "run": plan, "selfpaced": "0"}
        write_config(config | {"versions": {}}, folder)
        assert json.loads((folder / "config.json").read_text())["files"]["ledger.parquet"]
        return folder

    return write
