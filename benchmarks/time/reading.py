"""Time to read a large CSV file beside polars: ``python -m benchmarks.time.reading``.

The file has 1,000,000 rows of 20 columns of decimals, 5 of whole numbers, 4 of categories and the
labels. polars reads it with the inference of types over all rows. Ours is ``selfpaced.audit.read``,
which also looks for gaps, ids, copies, leaks and groups. Each reading is a program of its own; the
two take turns, and the ratio is that of the medians.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

ROWS = 1_000_000
TIMES = 5
POLARS = "import polars; read = lambda: polars.read_csv(path, infer_schema_length=None)"
OURS = """
from selfpaced.audit import Options, read as reads
read = lambda: reads(path, Options(label="label"))
"""
CLOCK = """
from time import perf_counter, process_time
wall, cpu = perf_counter(), process_time()
table = read()
print(perf_counter() - wall, process_time() - cpu)
"""


def write(path: Path, rows: int) -> None:
    """Write the file."""
    rng = np.random.default_rng(0)
    columns: dict[str, NDArray[Any]] = {
        f"x{place}": np.round(rng.normal(size=rows), 4) for place in range(20)
    }
    columns |= {f"n{place}": rng.integers(0, 1_000, rows) for place in range(5)}
    names = np.array(["red", "green", "blue", "black"])
    columns |= {f"c{place}": names[rng.integers(0, 4, rows)] for place in range(4)}
    columns["label"] = np.array(["yes", "no"])[rng.integers(0, 2, rows)]
    csv.write_csv(pa.table(columns), path)


def measure(path: Path, how: str) -> tuple[float, float]:
    """Return the seconds of one reading: on the clock, and of the CPU."""
    program = f"path = {str(path)!r}\n{how}\n{CLOCK}"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    wall, cpu = map(float, done.stdout.split())
    return wall, cpu


def run(rows: int, times: int) -> None:
    """Read the file by turns, and print the medians and their ratio."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "large.csv")
        write(path, rows)
        print(f"{rows:,} rows, {path.stat().st_size / 1e6:.0f} MB")
        taken = [(measure(path, POLARS), measure(path, OURS)) for _ in range(times)]
    for place, name in enumerate(("seconds", "CPU seconds")):
        theirs, ours = (statistics.median(each[who][place] for each in taken) for who in (0, 1))
        print(f"{name}: polars {theirs:.2f}, selfpaced {ours:.2f}, ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--rows", type=int, default=ROWS)
    made.add_argument("--times", type=int, default=TIMES)
    options = made.parse_args(sys.argv[1:])
    run(options.rows, options.times)
