"""The same training in every host: ``python -m benchmarks.hosts.compare``.

The first 2,000 images of Fashion-MNIST with 40 % symmetric noise, 20 epochs, 10,000 test images. An
MLP in a plain loop of PyTorch, Accelerate, Lightning, Transformers and skorch, and scikit-learn's
logistic regression: each with the host's own training and with the default pacer. Each run appends
one line to ``results/hosts.jsonl``; finished runs are skipped. The table compares the hosts with
the plain loop, paired by seed.

``--overhead`` trains alternately without and with a pacer in each host. It prints the median of the
ratios of processor seconds, and the ratio of the fastest runs. The search in scikit-learn fits
several times: its ratio is the whole time over the time inside the estimator. Nothing is written.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.hosts.trainings import HOSTS, Job, Trained, search_and_its_fits
from benchmarks.shared import data
from benchmarks.shared.images import SETTINGS, corrupt
from benchmarks.shared.result_lines import (
    RESULTS,
    interval,
    machine,
    parser,
    run_or_print,
    versions,
)

FILE = RESULTS / "hosts.jsonl"
IMAGES = 2_000  # Training images.
EPOCHS = 20  # Epochs of every training.
NOISE = "sym40"  # Noise of the labels.
SEEDS = range(10)  # Seeds of every host.


@dataclass(frozen=True)
class Row:
    """One training.

    Args:
        host: Name of the host.
        paced: True with the default pacer, false for the host's own training.
        accuracy: Accuracy on the test images.
    """

    host: str
    paced: bool
    seed: int
    accuracy: float
    versions: dict[str, str]
    machine: dict[str, str | int]


def job(seed: int, setting: str = "fashion-mlp", epochs: int = EPOCHS) -> Job:
    """Return the data and settings of a training."""
    clean = data.read(data.FASHION, "train", IMAGES)
    return Job(clean.images, corrupt(clean.labels, NOISE, seed), epochs, seed, setting)


def tested(trained: Trained) -> float:
    """Return the share of test images that are classified correctly."""
    test = data.read(data.FASHION, "t10k")
    with torch.no_grad():
        hits = (trained.scores(test.images).argmax(1) == test.labels).float()
    return float(hits.mean())


def run(host: str, paced: bool, seed: int) -> Row:
    """Train and test once; return the result line."""
    accuracy = tested(HOSTS[host](job(seed), paced))
    return Row(host, paced, seed, accuracy, versions() | hosts(), machine())


def hosts() -> dict[str, str]:
    """Return the versions of the hosts."""
    names = ("accelerate", "lightning", "scikit-learn", "skorch", "transformers")
    return {name: version(name) for name in names}


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table: means by host, and differences from the plain loop."""
    found = {(row.host, row.paced, row.seed): row.accuracy for row in rows}
    yield "| host | its own, % | self-paced, % | gain | self-paced less the loop's |"
    yield "|---|---|---|---|---|"
    for host in HOSTS:
        seeds = [seed for seed in SEEDS if (host, True, seed) in found]
        if len(seeds) < 2:
            continue
        own, ours = ([found[host, paced, seed] for seed in seeds] for paced in (False, True))
        gain = interval([b - a for a, b in zip(own, ours, strict=True)])
        less = interval([found[host, True, s] - found["loop", True, s] for s in seeds])
        means = f"{100 * np.mean(own):.1f} | {100 * np.mean(ours):.1f}"
        yield f"| {host} | {means} | {gain} | {'' if host == 'loop' else less} |"


def paired(host: str, work: Job, pairs: int) -> NDArray[np.float64]:
    """Return seconds without and with a pacer, shape (pairs, 2), alternating, after a warm-up."""
    if host == "sklearn":
        return np.array([search_and_its_fits(work) for _ in range(pairs + 1)])[1:]
    seconds = []
    for pair in range(pairs + 1):
        order = (False, True) if pair % 2 else (True, False)
        spent = {paced: HOSTS[host](work, paced).seconds for paced in order}
        seconds.append((spent[False], spent[True]))
    return np.array(seconds)[1:]


def overhead(setting: str, epochs: int, pairs: int, hosts: list[str]) -> Iterator[str]:
    """Yield the lines of a Markdown table of the overhead, a row per host."""
    yield "| host | network | paced / own, median of pairs | quartiles | fastest / fastest |"
    yield "|---|---|---|---|---|"
    for host in hosts:
        own, ours = paired(host, job(0, setting, epochs), pairs).T
        low, middle, high = np.quantile(ours / own, (0.25, 0.5, 0.75))
        yield (
            f"| {host} | {setting} | {middle:.3f} | {low:.3f} to {high:.3f} "
            f"| {ours.min() / own.min():.3f} |"
        )


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table, or measure the overhead."""
    made = parser(__doc__, FILE)
    made.add_argument("--overhead", action="store_true", help="measure the cost of the pacer")
    made.add_argument("--setting", default="fashion", choices=SETTINGS, help="with --overhead")
    made.add_argument("--epochs", type=int, default=2, help="with --overhead")
    made.add_argument("--pairs", type=int, default=21, help="with --overhead")
    made.add_argument(
        "--hosts", nargs="+", choices=HOSTS, default=list(HOSTS), help="with --overhead"
    )
    options = made.parse_args(arguments)
    if not options.overhead:
        planned = (
            (host, paced, seed) for seed in SEEDS for host in HOSTS for paced in (False, True)
        )
        run_or_print(options, Row, planned, run, table)
        return
    torch.set_num_threads(1)
    for line in overhead(options.setting, options.epochs, options.pairs, options.hosts):
        print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
