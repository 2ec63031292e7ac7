"""CPU seconds of ``selfpaced audit`` and how many are imports: ``python -m benchmarks.time.start``.

A line for each of ``selfpaced --help``, an audit of a file that does not exist, an audit of
scikit-learn's wine (178 rows of 13 numbers) and an audit of VADER's tweets with the label of one
rater: the median CPU seconds (user and system, with one thread) of several runs. For the two
audits of data, also the median of a Python that imports the same modules and does nothing else.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from sklearn import datasets

from benchmarks.shared import texts

ROUNDS = 5  # Runs of each command.
NAMES = ("negative", "neutral", "positive")  # The classes of the tweets.
# Runs a command, and then writes the names of the imported modules in the order of the imports.
RECORD = """
import sys
from selfpaced._cli import app
app(sys.argv[2:], standalone_mode=False)
with open(sys.argv[1], "w") as file:
    print(*sys.modules, sep="\\n", file=file)
"""
# Imports these modules; some are parts of others and cannot be imported by themselves.
IMPORT = """
import sys
from contextlib import suppress
from importlib import import_module
for name in open(sys.argv[1]).read().splitlines():
    with suppress(ImportError):
        import_module(name)
"""


def cpu_seconds(command: list[str], folder: Path, code: int = 0) -> float:
    """Run a command that ends with this code; return its CPU seconds."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with Path(os.devnull).open("w") as nowhere:
        child = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=nowhere, stderr=nowhere
        )
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != code:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}.")
    return usage.ru_utime + usage.ru_stime


def median(command: list[str], folder: Path, rounds: int, code: int = 0) -> float:
    """Return the median CPU seconds of several runs."""
    return statistics.median(cpu_seconds(command, folder, code) for _ in range(rounds))


def small(words: str, folder: Path, rounds: int, code: int) -> None:
    """Time a command that reads no data; print one line."""
    seconds = median([sys.executable, "-m", "selfpaced", *words.split()], folder, rounds, code)
    print(f"selfpaced {words}: {seconds:.2f} s", flush=True)


def audited(frame: pd.DataFrame, name: str, what: str, folder: Path, rounds: int) -> None:
    """Time the audit of a table, and its imports; print one line."""
    frame.to_csv(folder / name, index=False)
    words = ["audit", name, "--label", "label", "-o", "run", "--force", "--quiet"]
    cpu_seconds([sys.executable, "-c", RECORD, "modules.txt", *words], folder)
    whole = median([sys.executable, "-m", "selfpaced", *words], folder, rounds)
    imports = median([sys.executable, "-c", IMPORT, "modules.txt"], folder, rounds)
    print(
        f"{len(frame):,} {what}: {whole:.1f} s, of which imports {imports:.1f} s "
        f"({imports / whole:.0%})",
        flush=True,
    )


def main() -> None:
    """Measure all four, and print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="runs of each command")
    rounds = parser.parse_args().rounds
    wine, tweets = datasets.load_wine(as_frame=True).frame, texts.read("tweets", 0)
    told = pd.DataFrame({"text": tweets.text, "label": np.array(NAMES)[tweets.one]})
    with TemporaryDirectory() as name:
        folder = Path(name)
        small("--help", folder, rounds, 0)
        small("audit nope.csv", folder, rounds, 2)
        audited(wine.rename(columns={"target": "label"}), "wine.csv", "wines", folder, rounds)
        audited(told, "tweets.csv", "tweets", folder, rounds)


if __name__ == "__main__":
    main()
