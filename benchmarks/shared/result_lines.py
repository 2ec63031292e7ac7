"""Result lines: a benchmark appends one line per run to a JSONL file and skips finished runs.

A line is a frozen dataclass. Its first fields are the arguments of the run, which identify it.
"""

import argparse
import json
import os
import platform
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch
from scipy.stats import t as student

import selfpaced

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Line = TypeVar("Line", bound="DataclassInstance")

RESULTS = Path(__file__).parents[1] / "results"  # Folder of the committed result lines.


def parser(about: str | None, path: Path) -> argparse.ArgumentParser:
    """Return a command line with ``--table`` and ``--results``.

    Args:
        about: Docstring of the benchmark, printed by ``--help``.
        path: Default JSONL file.
    """
    made = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument(
        "--table", action="store_true", help="print the table of the result lines; run nothing"
    )
    made.add_argument(
        "--results",
        type=Path,
        default=path,
        help=f"JSONL file of the result lines (default: benchmarks/results/{path.name})",
    )
    return made


def run_or_print(
    options: argparse.Namespace,
    kind: type[Line],
    planned: Iterable[tuple[object, ...]],
    execute: Callable[..., Line],
    table: Callable[[list[Line]], Iterable[str]],
) -> None:
    """Run what the file lacks, on one thread; with ``--table`` only print the table.

    Args:
        options: Parsed command line of `parser`.
        kind: Dataclass of a line.
        planned: Arguments of each run, equal to the first fields of its line.
        execute: Runs one of them and returns its line.
        table: Makes the lines of a Markdown table from all result lines.
    """
    torch.set_num_threads(1)
    if options.table:
        print("\n".join(table(read(options.results, kind))))
        return
    for plan in planned:
        done = {tuple(asdict(row).values())[: len(plan)] for row in read(options.results, kind)}
        if plan not in done:
            row = execute(*plan)
            append(options.results, row)
            print(row, flush=True)


def read(path: Path, kind: type[Line]) -> list[Line]:
    """Read the result lines; a missing file has none."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [kind(**json.loads(line)) for line in lines]


def append(path: Path, row: "DataclassInstance") -> None:
    """Append one line in a single write, so that parallel processes never mix their lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(asdict(row)) + "\n"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def interval(differences: Sequence[float]) -> str:
    """Return the mean of paired differences with its 95 % confidence interval over the seeds."""
    if len(differences) < 2:
        return f"{differences[0]:+.3f}"
    quantile = float(student.ppf(0.975, len(differences) - 1))
    half = quantile * statistics.stdev(differences) / len(differences) ** 0.5
    return f"{statistics.mean(differences):+.3f} ± {half:.3f}"


def versions() -> dict[str, str]:
    """Return the versions of selfpaced, Python and the main packages."""
    found = {name: version(name) for name in ("torch", "numpy", "scikit-learn")}
    return {"selfpaced": selfpaced.__version__, "python": platform.python_version(), **found}


def machine() -> dict[str, str | int]:
    """Return the processor, its number of cores, and the number of threads that torch uses."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        cpu = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), cpu)
    return {"cpu": cpu, "cores": os.cpu_count() or 0, "threads": torch.get_num_threads()}
