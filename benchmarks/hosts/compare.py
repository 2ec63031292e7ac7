"""The same training in every host: ``python -m benchmarks.hosts.compare``; ``--overhead``.

Fashion-MNIST's first 2,000 images with 40 % symmetric noise, 20 epochs, tested on 10,000. An MLP in
a plain loop of PyTorch, Accelerate, Lightning, Transformers and skorch, and scikit-learn's logistic
regression: each host's own training, and the same with the default pacer. Every line appends
to ``results/hosts.jsonl``; ``--table`` compares with the plain loop, paired by seed.

``--overhead`` trains pairs of both in each host, taking turns, and prints the median of the ratios
of processor seconds, and that of the fastest runs. scikit-learn's search is several fits: there it
is the whole over what is spent within the estimator. Nothing is written.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.hosts.trainings import HOSTS, Job, Trained, search_and_its_fits
from benchmarks.labels.first_run import corrupt
from benchmarks.labels.suspects import interval
from benchmarks.shared import data
from benchmarks.shared.lines import RESULTS, run_missing
from benchmarks.shared.provenance import machine, versions

IMAGES, EPOCHS, NOISE, SEEDS = 2_000, 20, "sym40", range(10)


@dataclass(frozen=True)
class Row:
    """One training."""

    host: str
    paced: bool
    seed: int
    accuracy: float
    versions: dict[str, str]
    machine: dict[str, str | int]


def job(seed: int, setting: str = "fashion-mlp", epochs: int = EPOCHS) -> Job:
    """Make the training of a seed."""
    clean = data.read(data.FASHION, "train", IMAGES)
    return Job(clean.images, corrupt(clean.labels, NOISE, seed), epochs, seed, setting)


def tested(trained: Trained) -> float:
    """Return the share of test images named rightly."""
    test = data.read(data.FASHION, "t10k")
    with torch.no_grad():
        hits = (trained.scores(test.images).argmax(1) == test.labels).float()
    return float(hits.mean())


def run(host: str, paced: bool, seed: int) -> Row:
    """Train and test once."""
    accuracy = tested(HOSTS[host](job(seed), paced))
    return Row(host, paced, seed, accuracy, versions() | hosts(), machine())


def hosts() -> dict[str, str]:
    """Return the versions of the hosts."""
    names = ("accelerate", "lightning", "scikit-learn", "skorch", "transformers")
    return {name: version(name) for name in names}


def table(rows: list[Row]) -> Iterator[str]:
    """Return the means of each host, and how far its paced training is from the loop's."""
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
    """Return own and paced seconds of pairs that take turns, after one that does not count."""
    if host == "sklearn":
        return np.array([search_and_its_fits(work) for _ in range(pairs + 1)])[1:]
    seconds = []
    for pair in range(pairs + 1):
        order = (False, True) if pair % 2 else (True, False)
        spent = {paced: HOSTS[host](work, paced).seconds for paced in order}
        seconds.append((spent[False], spent[True]))
    return np.array(seconds)[1:]


def overhead(setting: str, epochs: int, pairs: int, hosts: list[str]) -> Iterator[str]:
    """Return a line per host."""
    yield "| host | network | paced / own, median of pairs | quartiles | fastest / fastest |"
    yield "|---|---|---|---|---|"
    for host in hosts:
        own, ours = paired(host, job(0, setting, epochs), pairs).T
        low, middle, high = np.quantile(ours / own, (0.25, 0.5, 0.75))
        yield (
            f"| {host} | {setting} | {middle:.3f} | {low:.3f} to {high:.3f} "
            f"| {ours.min() / own.min():.3f} |"
        )


def main() -> None:
    """Train what is missing, or print."""
    if "--overhead" not in sys.argv:
        planned = [(host, paced, seed) for seed in SEEDS for host in HOSTS for paced in (0, 1)]
        run_missing(
            RESULTS / "hosts.jsonl",
            Row,
            [(host, bool(paced), seed) for host, paced, seed in planned],
            run,
            table,
        )
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--overhead", action="store_true")
    parser.add_argument("--setting", default="fashion", help="fashion (CNN) or fashion-mlp")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=21)
    parser.add_argument("--hosts", nargs="+", choices=HOSTS, default=list(HOSTS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    for line in overhead(options.setting, options.epochs, options.pairs, options.hosts):
        print(line, flush=True)


if __name__ == "__main__":
    main()
