"""A step of the age over 100 million samples: ``python -m benchmarks.time.order_statistics``.

Time is compared with ``np.partition`` of the same array in the same process, in alternation: the
median of three ratios. Memory is the peak resident size above the size with the input in place.
Each case runs in a new process with one thread. The memory reading needs Linux.
"""

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfpaced.age import Auto, Quantile
from selfpaced.chain import Population
from selfpaced.pacing import Constant

RATIO_TARGET = 3.0  # Most seconds, as a multiple of np.partition.
MEMORY_TARGET = 1.5  # Most GB above the input.
STEP = 12  # A step after every warm-up and ramp of Auto.
# The cases, each printed by its name.
CASES = ("np.partition", "Quantile(Constant(0.6))", "Auto()")


class Measured(NamedTuple):
    """Median seconds of a case, the ratio to np.partition, and the peak in GB above the input."""

    seconds: float
    ratio: float
    peak: float


def difficulties(n: int) -> NDArray[np.float32]:
    """Return losses with two modes, as 20 % wrong labels cause them; made without copies."""
    values = np.empty(n, np.float32)
    np.random.default_rng(0).standard_exponential(dtype=np.float32, out=values)
    values *= np.float32(0.1)
    values[::5] += np.float32(4)
    return values


def resident_peak() -> float:
    """Return the highest resident size since the last reset, in GB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e9


def reset_peak() -> None:
    """Set the highest resident size to the present size."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def job(case: str, values: NDArray[np.float32]) -> Callable[[], object]:
    """Return the call that a case measures."""
    if case == "np.partition":
        return lambda: np.partition(values, int(0.6 * len(values)))
    rule = Auto() if case == "Auto()" else Quantile(Constant(0.6))
    population = Population(torch.from_numpy(values), None, {})
    everything: Tensor = torch.tensor(float("inf"))
    return lambda: rule(STEP, population, everything)


def measure(case: str, n: int) -> Measured:
    """Measure one case; called in its own process."""
    torch.set_num_threads(1)
    values = difficulties(n)
    rule, partition = job(case, values), job("np.partition", values)
    reset_peak()
    before = resident_peak()
    rule()
    peak = resident_peak() - before
    pairs = [(seconds(rule), seconds(partition)) for _ in range(3)]
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    return Measured(statistics.median(ours for ours, _ in pairs), ratio, peak)


def row(case: str, found: Measured) -> str:
    """Return one line of the table."""
    cells = f"| {case} | {found.seconds:.2f} | {found.ratio:.2f} | {found.peak:.2f} |"
    if case == "np.partition":
        return f"{cells} - |"
    met = found.ratio <= RATIO_TARGET and found.peak < MEMORY_TARGET
    return f"{cells} {'yes' if met else 'no'} |"


def main() -> None:
    """Measure every case in its own process and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=100_000_000, help="number of difficulties")
    options = parser.parse_args()
    print(f"{options.n:,} float32 difficulties, {options.n * 4 / 1e9:.2f} GB, one thread\n")
    print(
        f"| case | seconds | / np.partition (target <= {RATIO_TARGET:.0f}) | "
        f"peak GB above the input (target < {MEMORY_TARGET}) | met |"
    )
    print("|---|---|---|---|---|")
    for case in CASES:
        with multiprocessing.get_context("spawn").Pool(1) as process:
            print(row(case, process.apply(measure, (case, options.n))), flush=True)


if __name__ == "__main__":
    main()
