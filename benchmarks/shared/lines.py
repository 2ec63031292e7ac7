"""Benchmarks that append one line per run to a JSONL file, and skip the runs that are there."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.labels.first_run import SETTINGS, WRONG_SHARE, corrupt
from benchmarks.shared import data

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Line = TypeVar("Line")
Row = TypeVar("Row", bound="DataclassInstance")

RESULTS = Path(__file__).parents[1] / "results"


class Planned(NamedTuple):
    """A data set, a noise and a seed."""

    setting: str
    noise: str
    seed: int


def corrupted(run: Planned) -> tuple[data.Split, NDArray[np.bool]]:
    """Return the training part with noise, and which labels are wrong."""
    setting = SETTINGS[run.setting]
    clean = data.read(setting.source, "train", setting.n_train)
    noisy = corrupt(clean.labels, run.noise, run.seed)
    return data.Split(clean.images, noisy), (noisy != clean.labels).numpy()


def read(path: Path, kind: Callable[..., Line]) -> list[Line]:
    """Read the lines; an absent file has none."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [kind(**json.loads(line)) for line in lines]


def append(path: Path, row: "DataclassInstance") -> None:
    """Add a dataclass as a line, and print it."""
    with path.open("a") as file:
        file.write(json.dumps(asdict(row)) + "\n")
    print(row, flush=True)


def run_missing(
    path: Path,
    kind: Callable[..., Row],
    planned: Iterable[tuple[object, ...]],
    execute: Callable[..., Row],
    table: Callable[[list[Row]], Iterable[str]],
) -> None:
    """Run what is missing in the file, on one thread; with ``--table`` only print its table.

    Args:
        path: The JSONL file.
        kind: Of its lines.
        planned: The arguments of each run, which are the first fields of its line.
        execute: Makes a line.
        table: Makes Markdown of the lines.
    """
    torch.set_num_threads(1)
    if "--table" in sys.argv:
        print("\n".join(table(read(path, kind))))
        return
    for plan in planned:
        if plan not in {tuple(asdict(row).values())[: len(plan)] for row in read(path, kind)}:
            append(path, execute(*plan))


def work(
    about: str | None,
    arguments: list[str],
    path: Path,
    kind: Callable[..., Any],
    execute: Callable[[Planned], Any],
) -> None:
    """Run what is missing in the file, on one thread."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--setting", choices=SETTINGS, nargs="+", default=list(SETTINGS))
    parser.add_argument("--noise", choices=WRONG_SHARE, nargs="+", default=list(WRONG_SHARE))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--results", type=Path, default=path, help="the JSONL file")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for chosen in product(options.setting, options.noise, options.seeds):
        run = Planned(*chosen)
        done = {Planned(row.setting, row.noise, row.seed) for row in read(options.results, kind)}
        if run not in done and (row := execute(run)) is not None:
            append(options.results, row)
