"""A step of the age over 100 million samples: ``python -m benchmarks.time.order_statistics``.

Time against ``np.partition`` of the same array in the same process, alternating, as the median of
three ratios; memory as the peak resident size above that with the input in place. Each case runs in
a fresh process with one thread. The memory reading needs Linux.
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

RATIO_TARGET, MEMORY_TARGET = 3.0, 1.5
STEP = 12  # past every warm-up and ramp of Auto
CASES = ("np.partition", "Quantile(Constant(0.6))", "Auto()")


class Measured(NamedTuple):
    """Median seconds of the case and its ratio to np.partition; the peak in GB above the input."""

    seconds: float
    ratio: float
    peak: float


def difficulties(n: int) -> NDArray[np.float32]:
    """Losses with two humps, as 20 % wrong labels leave them; built in place."""
    values = np.empty(n, np.float32)
    np.random.default_rng(0).standard_exponential(dtype=np.float32, out=values)
    values *= np.float32(0.1)
    values[::5] += np.float32(4)
    return values


def resident_peak() -> float:
    """GB: the highest resident size since the last reset."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e9


def reset_peak() -> None:
    """Make the highest resident size the present one."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def job(case: str, values: NDArray[np.float32]) -> Callable[[], object]:
    """Return the one call that the case is about."""
    if case == "np.partition":
        return lambda: np.partition(values, int(0.6 * len(values)))
    rule = Auto() if case == "Auto()" else Quantile(Constant(0.6))
    population = Population(torch.from_numpy(values), None, {})
    everything: Tensor = torch.tensor(float("inf"))
    return lambda: rule(STEP, population, everything)


def measure(case: str, n: int) -> Measured:
    """Measure one case; runs in its own process."""
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
    """One line of the table."""
    cells = f"| {case} | {found.seconds:.2f} | {found.ratio:.2f} | {found.peak:.2f} |"
    if case == "np.partition":
        return f"{cells} - |"
    met = found.ratio <= RATIO_TARGET and found.peak < MEMORY_TARGET
    return f"{cells} {'yes' if met else 'no'} |"


def main() -> None:
    """Measure every case in a process of its own and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--n", type=int, default=100_000_000, help="difficulties")
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
