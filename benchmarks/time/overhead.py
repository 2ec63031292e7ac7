"""What a Pacer costs per batch, on one CPU thread: ``python -m benchmarks.time.overhead``.

Blocks without and with the pacer alternate. Each pair of blocks gives one ratio; the table shows
the median ratio with its quartiles, for two measurements:

- criterion: per-sample cross-entropy, pacer and backward to the logits, against the mean
  cross-entropy and backward (batch 128, 10 classes, a ledger of a million rows);
- training step: an MLP 784-512-10 with Adam, forward, backward and update.

``--device cuda`` measures on a GPU instead. It counts the kernels that a batch of the criterion
launches, and raises if the pacer waits for the device.
"""

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity

from selfpaced import Pacer

BATCH = 128  # Samples in a batch.
CLASSES = 10  # Classes of the labels.
ROWS = 1_000_000  # Rows of the ledger.
COUNTED = 20  # Batches in which kernels are counted.
CRITERION_TARGET = 2.2  # Most time of the criterion, as a multiple of that without the pacer.
STEP_TARGET = 4.0  # Most added time of a training step, in per cent.

Work = Callable[[], None]


@dataclass(frozen=True)
class Paired:
    """Quartiles of the ratio with / without over the pairs, and the median microseconds of both."""

    low: float
    median: float
    high: float
    plain_us: float
    paced_us: float


def _wait() -> None:
    """Wait until the GPU is done, if one is in use."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def seconds_per_call(work: Work, calls: int) -> float:
    """Time a block of calls until the device is done; return the mean seconds of one call."""
    _wait()
    start = time.perf_counter()
    for _ in range(calls):
        work()
    _wait()
    return (time.perf_counter() - start) / calls


def paired(plain: Work, paced: Work, pairs: int, calls: int) -> Paired:
    """Time blocks in pairs, the first of a pair in turn plain and paced, after a warm-up pair."""
    times = []
    for pair in range(pairs + 1):
        order = (plain, paced) if pair % 2 == 0 else (paced, plain)
        measured = [seconds_per_call(work, calls) for work in order]
        times.append(measured if pair % 2 == 0 else measured[::-1])
    seconds = np.array(times[1:])
    low, median, high = np.quantile(seconds[:, 1] / seconds[:, 0], (0.25, 0.5, 0.75))
    plain_us, paced_us = 1e6 * np.median(seconds, axis=0)
    return Paired(float(low), float(median), float(high), float(plain_us), float(paced_us))


def paced_ledger(grouped: bool, generator: torch.Generator, device: str = "cpu") -> Pacer:
    """Return a pacer of a million seen rows after its warm-up, whose age leaves samples out."""
    groups = torch.randint(CLASSES, (ROWS,), generator=generator)
    pacer = Pacer(ROWS, columns={"group": groups} if grouped else None)
    everyone = torch.arange(ROWS)
    for _ in range(4):
        wrong = torch.rand(ROWS, generator=generator) < 0.3
        loss = torch.rand(ROWS, generator=generator) + 4 * wrong
        pacer.observe(loss, everyone)
        pacer.step()
    return pacer.to(device)


def batches(
    generator: torch.Generator, device: torch.device, count: int = 64
) -> Callable[[], Tensor]:
    """Return a function that returns the next of the prepared batches of indices."""
    drawn = torch.randint(ROWS, (count, BATCH), generator=generator).to(device)
    position = 0

    def following() -> Tensor:
        nonlocal position
        position = (position + 1) % count
        return drawn[position]

    return following


def criterion_pair(pacer: Pacer, generator: torch.Generator) -> tuple[Work, Work]:
    """Return forward and backward of the criterion alone, without and with the pacer."""
    device = pacer.current_age.device
    logits = torch.randn(BATCH, CLASSES, generator=generator).to(device).requires_grad_()
    target = torch.randint(CLASSES, (BATCH,), generator=generator).to(device)
    following = batches(generator, device)

    def plain() -> None:
        logits.grad = None
        following()
        F.cross_entropy(logits, target).backward()

    def paced() -> None:
        logits.grad = None
        pacer(F.cross_entropy(logits, target, reduction="none"), following()).backward()

    return plain, paced


def step_pair(pacer: Pacer, generator: torch.Generator) -> tuple[Work, Work]:
    """Return a whole training step of the MLP, without and with the pacer."""
    device = pacer.current_age.device
    images = torch.rand(BATCH, 784, generator=generator).to(device)
    target = torch.randint(CLASSES, (BATCH,), generator=generator).to(device)
    following = batches(generator, device)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, CLASSES)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def update(loss: Tensor) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def plain() -> None:
        following()
        update(F.cross_entropy(model(images), target))

    def paced() -> None:
        update(pacer(F.cross_entropy(model(images), target, reduction="none"), following()))

    return plain, paced


def row(name: str, found: Paired, as_percent: bool) -> str:
    """Return one line of the table, with the target and whether it is met."""
    quartiles = (found.median, found.low, found.high)
    if as_percent:
        value, low, high = (100 * (ratio - 1) for ratio in quartiles)
        target, met = f"<= {STEP_TARGET:.0f} %", value <= STEP_TARGET
        shown = f"{value:+.1f} % ({low:+.1f} to {high:+.1f})"
    else:
        value, low, high = quartiles
        target, met = f"<= {CRITERION_TARGET}", value <= CRITERION_TARGET
        shown = f"{value:.2f} ({low:.2f} to {high:.2f})"
    times = f"{found.plain_us:.0f} | {found.paced_us:.0f}"
    return f"| {name} | {times} | {shown} | {target} | {'yes' if met else 'no'} |"


def launches(work: Work) -> float:
    """Return how many kernels a call launches on the GPU; raise if it waits for the GPU."""
    work()
    torch.cuda.synchronize()
    with torch.profiler.profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as found:
        torch.cuda.set_sync_debug_mode("error")
        try:
            for _ in range(COUNTED):
                work()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    launched = [each.count for each in found.key_averages() if "LaunchKernel" in each.key]
    return float(sum(launched)) / COUNTED


def profile(work: Work, calls: int) -> None:
    """Print the time of the criterion with the pacer, by function."""
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(calls):
        work()
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=31, help="pairs of blocks per row")
    parser.add_argument("--calls", type=int, default=200, help="calls in a block")
    parser.add_argument("--profile", action="store_true", help="profile the criterion instead")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="where to measure")
    options = parser.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    names = ("no groups", "groups")
    pacers = {name: paced_ledger(name == "groups", generator, options.device) for name in names}
    if options.device == "cuda":
        for name, pacer in pacers.items():
            plain, paced = (launches(work) for work in criterion_pair(pacer, generator))
            print(f"criterion, {name}: {plain:g} kernels a batch without the pacer, {paced:g} with")
    if options.profile:
        for pacer in pacers.values():
            profile(criterion_pair(pacer, generator)[1], 5000)
        return
    print("| what | plain us | paced us | paced / plain, median (quartiles) | target | met |")
    print("|---|---|---|---|---|---|")
    for name, pacer in pacers.items():
        found = paired(*criterion_pair(pacer, generator), options.pairs, options.calls)
        print(row(f"criterion, {name}", found, as_percent=False), flush=True)
    for name, pacer in pacers.items():
        found = paired(*step_pair(pacer, generator), options.pairs, options.calls)
        print(row(f"training step, {name}", found, as_percent=True), flush=True)


if __name__ == "__main__":
    main()
