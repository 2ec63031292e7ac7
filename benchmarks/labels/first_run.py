"""Wrong labels in MNIST and Fashion-MNIST, last epoch: ``python -m benchmarks.labels.first_run``.

Methods, all with the same network, optimiser, batches and initial weights per seed:

- plain: the mean loss of everything. Its suspects are ranked by its own smoothed loss.
- random: as many samples as the default kept at that step, chosen at random.
- told: easiest first by the smoothed loss, told the true share of right labels: everything for two
  epochs, then linearly down to that share, which it reaches at epoch 5 and holds.
- default: ``Pacer(n, columns={"group": labels})``.

Every run appends one line to ``results/first_run.jsonl``; runs that are there are skipped.
``--table`` prints the table of the lines. ``--shard 0/2`` and ``--shard 1/2`` share the work.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from sklearn.metrics import average_precision_score
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.labels import first_run_table
from benchmarks.labels.first_run_table import Row
from benchmarks.shared import data
from benchmarks.shared.provenance import machine, versions
from selfpaced import Pacer
from selfpaced._demo import noise
from selfpaced.age import Quantile
from selfpaced.difficulty import RandomOrder, Smoothed
from selfpaced.pacing import Constant, Ramp, Recorded

BATCH, LEARNING_RATE, CLASSES = 128, 1e-3, 10
RESULTS = Path(__file__).parents[1] / "results" / "first_run.jsonl"
METHODS = ("plain", "default", "random", "told")  # random repeats the shares of default
WRONG_SHARE = {"clean": 0.0, "sym20": 0.2, "sym40": 0.4, "sym60": 0.6, "pair30": 0.3}


@dataclass(frozen=True)
class Setting:
    """A data set, how much of its training part, and for how long; the network follows the data."""

    source: data.Source
    n_train: int
    epochs: int


SETTINGS = {
    "mnist": Setting(data.MNIST, n_train=4_000, epochs=30),
    "fashion": Setting(data.FASHION, n_train=20_000, epochs=15),
    "fashion-mlp": Setting(data.FASHION, n_train=20_000, epochs=15),
}


@dataclass(frozen=True)
class Run:
    """One training: what is written to one line."""

    setting: str
    noise: str
    method: str
    seed: int


def network(setting: str) -> nn.Sequential:
    """Make an MLP, or the small CNN of "fashion"; images come as (B, 784)."""
    if setting != "fashion":
        return nn.Sequential(
            *(nn.Linear(784, 256), nn.ReLU()),
            *(nn.Linear(256, 256), nn.ReLU()),
            nn.Linear(256, CLASSES),
        )
    return nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Flatten(),
        *(nn.Linear(32 * 7 * 7, 128), nn.ReLU()),
        nn.Linear(128, CLASSES),
    )


def corrupt(labels: Tensor, kind: str, seed: int) -> Tensor:
    """Return the labels with noise; equal for all methods of a seed."""
    if kind == "clean":
        return labels
    make = noise.pair if kind.startswith("pair") else noise.symmetric
    wrong = make(labels.numpy(), WRONG_SHARE[kind], CLASSES, seed=seed)
    return torch.as_tensor(wrong)


def paced(run: Run, labels: Tensor, rows: list[Row]) -> Pacer:
    """Make the pacer of a method; for plain one that only watches."""
    n = len(labels)
    if run.method == "default":
        return Pacer(n, columns={"group": labels})
    if run.method == "told":
        fall = Ramp(1.0, 1 - WRONG_SHARE[run.noise], 4)
        return Pacer(n, age=Quantile(Recorded((1.0, *(fall(step) for step in range(5))))))
    if run.method == "random":
        shares = Recorded((1.0, *shares_of_default(run, rows)))
        return Pacer(n, age=Quantile(shares), difficulty=RandomOrder(run.seed))
    return Pacer(n, age=Quantile(Constant(1.0)))


def shares_of_default(run: Run, rows: list[Row]) -> list[float]:
    """Return what the default kept after each step of the same setting, noise and seed."""
    for row in rows:
        if row.key == (run.setting, run.noise, "default", run.seed):
            return row.shares
    raise LookupError(f"{run} repeats the kept shares of the default; run that method first.")


@torch.no_grad()
def accuracy(model: nn.Module, test: data.Split) -> float:
    """Return the share of test images that the model names rightly."""
    hits = [
        (model(images).argmax(1) == labels).sum()
        for images, labels in zip(
            torch.split(test.images, 1000), torch.split(test.labels, 1000), strict=True
        )
    ]
    return int(torch.stack(hits).sum()) / len(test.labels)


def train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    pacer: Pacer,
    train: data.Split,
    order: Tensor,
    watch_only: bool,
) -> None:
    """Train on each sample once, in the given order."""
    for index in torch.split(order, BATCH):
        loss = F.cross_entropy(model(train.images[index]), train.labels[index], reduction="none")
        if watch_only:
            pacer.observe(loss.detach(), index)
            total = loss.mean()
        else:
            total = pacer(loss, index)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    pacer.step()


def suspects(pacer: Pacer, wrong: Tensor) -> tuple[float | None, float | None]:
    """Return the average precision of the pacer's suspicion, and of its smoothed loss."""
    if not bool(wrong.any()):
        return None, None
    smoothed = pacer.ledger.population(Smoothed())[1].difficulty
    by_past = average_precision_score(wrong.numpy(), pacer.ledger.suspicion.numpy())
    return float(by_past), float(average_precision_score(wrong.numpy(), smoothed.numpy()))


def execute(run: Run, epochs: int, rows: list[Row]) -> Row:
    """Train once and return the line."""
    setting = SETTINGS[run.setting]
    clean = data.read(setting.source, "train", setting.n_train)
    test = data.read(setting.source, "t10k")
    train = data.Split(clean.images, corrupt(clean.labels, run.noise, run.seed))
    torch.manual_seed(run.seed)
    model = network(run.setting)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    pacer = paced(run, train.labels, rows)
    shuffle = torch.Generator().manual_seed(run.seed)
    accuracies, seconds = [], 0.0
    for _ in range(epochs):
        order = torch.randperm(len(train.labels), generator=shuffle)
        start = time.perf_counter()
        train_epoch(model, optimizer, pacer, train, order, run.method == "plain")
        seconds += time.perf_counter() - start
        accuracies.append(accuracy(model, test))
    ap_past, ap_smoothed = suspects(pacer, train.labels != clean.labels)
    kept = (entry["kept_share"] for entry in pacer.history)
    shares = [share for share in kept if isinstance(share, float)]
    return Row(
        *(run.setting, run.noise, run.method, run.seed, epochs, accuracies),
        *(ap_past, ap_smoothed, shares, seconds, versions(), machine()),
    )


def planned(options: argparse.Namespace) -> list[Run]:
    """List the runs of this process; a seed's methods stay together, default before random."""
    names = [options.setting] if options.setting else list(SETTINGS)
    seeds = [(name, kind, seed) for name in names for kind in WRONG_SHARE for seed in options.seeds]
    part, parts = (int(number) for number in options.shard.split("/"))
    return [
        Run(name, kind, method, seed)
        for name, kind, seed in seeds[part::parts]
        for method in METHODS
    ]


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--setting", choices=SETTINGS, help="one setting only")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--epochs", type=int, help="instead of the setting's own, to try things out"
    )
    parser.add_argument("--shard", default="0/1", help="part/parts of the runs, from 0/parts on")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the JSONL file")
    parser.add_argument("--fresh", action="store_true", help="empty the JSONL file first")
    parser.add_argument("--table", action="store_true", help="print the table, run nothing")
    options = parser.parse_args(arguments)
    if options.epochs and options.results == RESULTS:
        parser.error("--epochs is for trying things out: name another file with --results.")
    return options


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table."""
    options = parse(arguments)
    if options.table:
        print(first_run_table.markdown(first_run_table.read(options.results)))
        return
    torch.set_num_threads(1)
    if options.fresh:
        options.results.unlink(missing_ok=True)
    for run in planned(options):
        rows = first_run_table.read(options.results)
        if any(row.key == (run.setting, run.noise, run.method, run.seed) for row in rows):
            continue
        row = execute(run, options.epochs or SETTINGS[run.setting].epochs, rows)
        first_run_table.append(options.results, row)
        print(f"{run}: accuracy {row.accuracy[-1]:.4f}, {row.seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
