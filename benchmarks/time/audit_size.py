"""Time, memory and processes of ``selfpaced audit``: ``python -m benchmarks.time.audit_size``.

- A CSV of 100,000 rows (``--rows``) and 30 columns (20 of numbers, 8 of categories, a date, a
  name with 5,000 values), a tenth of its labels wrong: seconds and peak memory of the whole command
  on two threads. The targets are 180 s and 3 GB; for 1,000,000 rows 900 s and 12 GB.
- ``selfpaced --help``: median seconds of 9 calls, beside a Python that only imports typer and rich.
- A small table audited by one process and by two processes of ``torchrun`` (``accelerate launch
  --cpu`` starts only one, unless it is configured for MPI): how many suspects differ, and by how
  much their probabilities differ.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import datasets

from selfpaced._demo.noise import symmetric
from selfpaced._files import read_parquet

ROWS = 100_000  # Rows of the large table, unless --rows says another number.
NUMBERS = 20  # Its columns of numbers.
CATEGORIES = 8  # Its columns of categories.
NAMES = 5_000  # Different values in its column of names.
WRONG = 0.1  # Share of its labels that are wrong.
ROUNDS = 9  # Calls of the help.
# The command line of two processes.
TWO = "-m torch.distributed.run --standalone --nproc-per-node 2 -m selfpaced"


def big(path: Path, rows: int) -> int:
    """Write the large table; return its number of wrong labels."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(rows, NUMBERS))
    categories = rng.integers(0, 12, size=(rows, CATEGORIES))
    score = numbers[:, :6].sum(1) + (categories[:, :3] % 3 - 1).sum(1)
    right = np.digitize(score, np.quantile(score, [0.33, 0.67]))
    given = symmetric(right, WRONG, 3, seed=0)
    columns: dict[str, NDArray[Any]] = {
        f"number_{i}": numbers[:, i].round(5) for i in range(NUMBERS)
    }
    columns |= {f"kind_{i}": np.char.add("k", categories[:, i].astype(str)) for i in range(8)}
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1500, rows), unit="D")
    columns["day"] = days.strftime("%Y-%m-%d").to_numpy()
    columns["shop"] = np.char.add("shop ", rng.integers(0, NAMES, rows).astype(str))
    table = pd.DataFrame(columns | {"label": np.array(["low", "middle", "high"])[given]})
    table.to_csv(path, index=False)
    return int((given != right).sum())


def measured(command: list[str]) -> tuple[float, float]:
    """Run a command; return its seconds and its peak memory in GB."""
    start = time.perf_counter()
    child = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "2"})
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} ended with {status}.")
    return time.perf_counter() - start, usage.ru_maxrss / 1e6


def large(folder: Path, rows: int) -> None:
    """Audit the large table and print one line."""
    path = folder / "big.csv"
    wrong = big(path, rows)
    arguments = f"audit {path} --label label -o {folder / 'big'} --quiet"
    seconds, memory = measured([sys.executable, "-m", "selfpaced", *arguments.split()])
    found = len(suspects(folder / "big"))
    print(
        f"{rows:,} rows, 30 columns ({path.stat().st_size / 1e6:.0f} MB): {seconds:.0f} s, "
        f"{memory:.2f} GB; {found:,} suspects of {wrong:,} wrong",
        flush=True,
    )


def suspects(run: Path) -> pd.DataFrame:
    """Return the rows of suspects.csv whose label is more probably wrong than right."""
    listed = pd.read_csv(run / "suspects.csv")
    return listed[listed["fix"] == "yes"]


def helped() -> None:
    """Time the help and print one line."""
    bare = [sys.executable, "-c", "import typer, rich.console"]
    ours = [str(Path(sys.executable).with_name("selfpaced")), "--help"]
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(ROUNDS):
        for way, command in (("ours", ours), ("bare", bare)):
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times[way].append(time.perf_counter() - start)
    ours_median, bare_median = (statistics.median(times[way]) for way in ("ours", "bare"))
    print(
        f"selfpaced --help: {ours_median:.2f} s (target .3), median of {ROUNDS} "
        f"({min(times['ours']):.2f} to {max(times['ours']):.2f}); typer and rich alone "
        f"{bare_median:.2f} s",
        flush=True,
    )


def processes(folder: Path) -> None:
    """Audit with one process and with two; print one line."""
    bunch, path = datasets.load_digits(), folder / "digits.csv"
    given = symmetric(bunch.target, 0.2, 10, seed=0)
    pd.DataFrame(bunch.data, columns=bunch.feature_names).assign(label=given).to_csv(path)
    for name, start in (("one", "-m selfpaced"), ("two", TWO)):
        command = f"{start} audit {path} --label label -o {folder / name} --quiet"
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        subprocess.run([sys.executable, *command.split()], check=True, env=environment)
    one, two = (read_parquet(folder / name / "ledger.parquet") for name in ("one", "two"))
    rows = [set(suspects(folder / name)["row"]) for name in ("one", "two")]
    gap = float((one["probability"] - two["probability"]).abs().max())
    print(
        f"digits, one process / two: {len(rows[0])} / {len(rows[1])} suspects, "
        f"{len(rows[0] ^ rows[1])} in one only; probabilities differ by {gap:.1e} at most",
        flush=True,
    )


def main() -> None:
    """Measure all three, and print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the large table")
    rows = parser.parse_args().rows
    with TemporaryDirectory() as name:
        helped()
        processes(Path(name))
        large(Path(name), rows)


if __name__ == "__main__":
    main()
