"""The memory that an audit is said to need, and its peak: ``python -m benchmarks.time.memory``.

Each table is read and its features are made by a program of its own, on Linux. The peak is counted
from the memory after reading.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks.shared import texts

PROGRAM = """
import sys
from pathlib import Path
from selfpaced.audit import Options, read
from selfpaced.audit._features.fit import estimate, fit

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))

source = read(sys.argv[1], Options(label="label"))
Path("/proc/self/clear_refs").write_text("5")  # the peak begins again
before, told = status("VmRSS"), estimate(source)
fit(source)
print(told, status("VmHWM") - before)
"""
RNG = np.random.default_rng(0)


def numbers() -> pd.DataFrame:
    """Return a million rows of decimals and a few categories."""
    n, names = 1_000_000, np.array(["red", "green", "blue", "black"])
    columns = {f"x{place}": RNG.normal(size=n).round(4) for place in range(25)}
    colours = {f"c{place}": names[RNG.integers(0, 4, n)] for place in range(4)}
    return pd.DataFrame(columns | colours)


def gaps() -> pd.DataFrame:
    """Return rows of numbers, a tenth of them missing."""
    values = RNG.normal(size=(200_000, 30))
    values[RNG.random(values.shape) < 0.1] = np.nan
    return pd.DataFrame(values, columns=[f"x{place}" for place in range(30)])


def categories() -> pd.DataFrame:
    """Return rows of ten columns of thirty categories."""
    names = np.array([f"category {place}" for place in range(30)])
    return pd.DataFrame({f"c{each}": names[RNG.integers(0, 30, 200_000)] for each in range(10)})


def snippets() -> pd.DataFrame:
    """Return the movie snippets of VADER."""
    return pd.DataFrame({"text": texts.drawn("movies", 1, 0)[0]})


def measure(make: Callable[[], pd.DataFrame]) -> None:
    """Print the told and the needed memory of a table."""
    with TemporaryDirectory() as folder:
        path, table = Path(folder, "table.csv"), make()
        table.assign(label=RNG.integers(0, 2, len(table))).to_csv(path, index=False)
        words = [sys.executable, "-c", PROGRAM, str(path)]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
    told, needed = (int(word) / 1e9 for word in done.stdout.split())
    shape = f"{len(table):,} x {table.shape[1]}"
    print(f"{make.__name__}, {shape}: told {told:.2f} GB, needed {needed:.2f}, {told / needed:.2f}")


if __name__ == "__main__":
    for kind in (numbers, gaps, categories, snippets):
        measure(kind)
