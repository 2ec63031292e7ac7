"""What the tests of pages share: a report of known samples."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selfpaced._page.content import Case, Curves, Gallery, Map, Neighbour, Report, Samples, Shown
from selfpaced._page.report import report_page

# The sides of a grid of samples on the map; sample i is at column i % 10 and row i // 10.
SIDE = 10
NAMES = ("cat", "dog", "fish")


def make_case(place: int, given: str = "cat", suggested: str = "dog", **more: Any) -> Case:
    """Return a case of a table."""
    near = Neighbour(Shown("3", "a near text"), suggested)
    settings: dict[str, Any] = {
        "probabilities": ((suggested, 0.9), (given, 0.05)),
        "differs": (("ears", "2.5", "7.5"),),
        "neighbours": (near, near, near),
        "line": place + 1,
        **more,
    }
    sample = settings.pop("sample", Shown(str(place), f"text {place}", row=(("ears", "2.5"),)))
    suspect = settings.pop("suspect", place % 4 != 3)
    probability = settings.pop("probability", 0.99 - place / 100)
    return Case(sample, suspect, given, suggested, probability, **settings)


def make_report(**more: Any) -> Report:
    """Return a report of 100 samples on a grid, of which samples 0 to 29 are cases."""
    n = SIDE * SIDE
    pairs = [("cat", "dog"), ("cat", "dog"), ("dog", "fish")]
    cases = tuple(make_case(place + 1, *pairs[place % 3]) for place in range(30))
    codes = np.arange(n, dtype=np.int32) % 3
    suspect = np.arange(n) < 30
    samples = Samples(
        list(range(1, n + 1)),
        codes,
        (codes + 1) % 3,
        NAMES,
        np.where(suspect, 0.9, 0.1).astype(np.float32),
        suspect,
        n,
    )
    across = (np.arange(n) % SIDE).astype(np.float32)
    up = (np.arange(n) // SIDE).astype(np.float32)
    series = {"kept share": [1.0, 0.5, 0.75], "mean loss": [2.0, float("nan"), 1.0]}
    counts = np.array([[3, 0], [2, 1], [1, 2]], np.int32)
    settings: dict[str, Any] = {
        "samples": samples,
        "maps": [
            Map("Grid", "column", "row", across, up, "A grid."),
            Map("Turned", "", "", up, across),
        ],
        "meant": np.array([[0, 0, 0], [20, 0, 0], [0, 10, 0]]),
        "panel": [["cat", "34", "90.0%"]],
        "heads": ["class", "rows", "predicted"],
        "curves": Curves(series, np.array([0.0, 1.0, 2.0], np.float32), counts, counts[::-1]),
        "how": [("command", "selfpaced audit pets.csv"), ("versions", "torch 2")],
        **more,
    }
    return Report(
        "pets.csv",
        "30 of 100 labels are probably wrong",
        ["All in all about 30 are wrong."],
        [("samples", "100")],
        ["A rare sample can look wrong."],
        settings.pop("gallery", Gallery("pets.csv", "row", "row", NAMES, cases)),
        **settings,
    )


@pytest.fixture(scope="session")
def a_case() -> Callable[..., Case]:
    """Return a function that makes a case of a table."""
    return make_case


@pytest.fixture(scope="session")
def a_report() -> Callable[..., Report]:
    """Return a function that makes a report of 100 samples on a grid."""
    return make_report


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Return a function that writes a report to the disk and returns its address."""

    def write(report: Report | None = None, **more: Any) -> str:
        path = tmp_path_factory.mktemp("page") / "report.html"
        made = replace(make_report() if report is None else report, **more)
        path.write_text(report_page(made), encoding="utf-8", errors="backslashreplace")
        return Path(path).as_uri()

    return write
