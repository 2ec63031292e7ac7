"""Training with wrong labels on MNIST and Fashion-MNIST: ``python -m benchmarks.labels.first_run``.

All methods use the same network, optimiser, batches and initial weights for a seed:

- plain: the mean loss of all samples. Its suspects are ranked by its smoothed loss.
- random: keeps as many samples as the default kept at that step, drawn at random.
- told: keeps the easiest samples by smoothed loss and is told the true share of right labels: all
  samples for two epochs, then linearly fewer until epoch 5, then that share.
- default: ``Pacer(n, columns={"group": labels})``.
- features: the default with ``difficulty=LeaveOneOut()``, which reads the activations of the hidden
  linear layers.

With the setting mnist-shifts all methods see each image moved by up to 2 pixels, at random.
Each run appends one line to ``results/first_run.jsonl``; finished runs are skipped.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from sklearn.metrics import average_precision_score
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.shared import data
from benchmarks.shared.images import (
    BATCH,
    LEARNING_RATE,
    SETTINGS,
    WRONG_SHARE,
    accuracy,
    corrupt,
    network,
    shifted,
    with_features,
)
from benchmarks.shared.result_lines import RESULTS, append, machine, parser, read, versions
from selfpaced import Pacer
from selfpaced.age import Quantile
from selfpaced.difficulty import LeaveOneOut, RandomOrder, Smoothed
from selfpaced.pacing import Constant, Ramp, Recorded

FILE = RESULTS / "first_run.jsonl"
METHODS = (
    "plain",
    "default",
    "features",
    "random",
    "told",
)  # In order of running: random needs the default.
SHOWN = ("plain", "random", "told", "default", "features")  # In order of the table.
NAMES = {  # Names of the settings in the table.
    "mnist": "MNIST 4,000, MLP",
    "mnist-shifts": "MNIST 4,000, MLP, shifts",
    "fashion": "Fashion-MNIST 20,000, CNN",
    "fashion-mlp": "Fashion-MNIST 20,000, MLP",
}
HEADER = (
    "| data | noise | plain | random order | told the rate | default | with features "
    "| AP plain / told / default / features | kept told / default / features "
    "| wrong but kept, right but left out, default | with features |"
)
LEAST_ACCURACY = 0.88  # Claimed accuracy of the default on MNIST with 40 % symmetric noise.
MOST_LOSS = 0.005  # Claimed largest loss of accuracy against plain training.
Key = tuple[str, str, str, int]


@dataclass(frozen=True)
class Run:
    """The setting, noise, method and seed of one training."""

    setting: str
    noise: str
    method: str
    seed: int


@dataclass(frozen=True)
class Row:
    """One training.

    Args:
        setting: Name of the data and network.
        noise: Kind and per cent of wrong labels.
        method: plain, random, told, default or features.
        seed: Seed of the noise, the weights and the order.
        epochs: Number of epochs.
        accuracy: Test accuracy after each epoch.
        ap_past: Average precision of ``ledger.suspicion`` at finding the wrong labels; None on
            clean data.
        ap_smoothed: The same for the smoothed loss (random order keeps the last loss only).
        shares: Kept share after each step; the last one was never used.
        seconds: Training time without the tests.
        versions: Versions of the packages.
        machine: Processor, cores and threads.
        mistakes: Shares of all samples that are wrong but kept, and right but left out, after the
            last step; None in older lines.
    """

    setting: str
    noise: str
    method: str
    seed: int
    epochs: int
    accuracy: list[float]
    ap_past: float | None
    ap_smoothed: float | None
    shares: list[float]
    seconds: float
    versions: dict[str, str]
    machine: dict[str, str | int]
    mistakes: list[float] | None = None

    @property
    def key(self) -> Key:
        """The arguments that identify the run."""
        return self.setting, self.noise, self.method, self.seed

    @property
    def ap(self) -> float | None:
        """Average precision of the method's suspects; plain training has only its smoothed loss."""
        return self.ap_smoothed if self.method == "plain" else self.ap_past


def pacer_of(run: Run, labels: Tensor, rows: list[Row]) -> Pacer:
    """Make the pacer of a method; that of plain keeps all samples and only observes."""
    n = len(labels)
    if run.method == "default":
        return Pacer(n, columns={"group": labels})
    if run.method == "features":
        return Pacer(n, columns={"group": labels}, difficulty=LeaveOneOut())
    if run.method == "told":
        fall = Ramp(1.0, 1 - WRONG_SHARE[run.noise], 4)
        return Pacer(n, age=Quantile(Recorded((1.0, *(fall(step) for step in range(5))))))
    if run.method == "random":
        shares = Recorded((1.0, *shares_of_default(run, rows)))
        return Pacer(n, age=Quantile(shares), difficulty=RandomOrder(run.seed))
    return Pacer(n, age=Quantile(Constant(1.0)))


def shares_of_default(run: Run, rows: list[Row]) -> list[float]:
    """Return the kept shares of the default with the same setting, noise and seed."""
    for row in rows:
        if row.key == (run.setting, run.noise, "default", run.seed):
            return row.shares
    raise LookupError(f"{run} needs the kept shares of the default: run that method first.")


@dataclass(frozen=True)
class Views:
    """The batches of a training: images, moved if the setting says so, and labels."""

    train: data.Split
    shift: int
    generator: torch.Generator

    def epoch(self, order: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield index, images and labels."""
        for index in torch.split(order, BATCH):
            images = shifted(self.train.images[index], self.shift, self.generator)
            yield index, images, self.train.labels[index]


def train_epoch(
    model: nn.Sequential,
    optimizer: torch.optim.Optimizer,
    pacer: Pacer,
    batches: Iterator[tuple[Tensor, Tensor, Tensor]],
    method: str,
) -> None:
    """Train on each batch once; in plain training the pacer only observes."""
    for index, images, labels in batches:
        logits, hidden = with_features(model, images)
        loss = F.cross_entropy(logits, labels, reduction="none")
        if method == "plain":
            pacer.observe(loss.detach(), index)
            total = loss.mean()
        else:
            total = pacer(loss, index, features=hidden if method == "features" else None)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    pacer.step()


def suspects(pacer: Pacer, wrong: Tensor) -> tuple[float | None, float | None]:
    """Return the average precision of the pacer's suspicion and of its smoothed loss."""
    if not bool(wrong.any()):
        return None, None
    smoothed = pacer.ledger.population(Smoothed())[1].difficulty
    by_suspicion = average_precision_score(wrong.numpy(), pacer.ledger.suspicion.numpy())
    return float(by_suspicion), float(average_precision_score(wrong.numpy(), smoothed.numpy()))


def execute(run: Run, epochs: int, rows: list[Row]) -> Row:
    """Train once and return the result line."""
    setting = SETTINGS[run.setting]
    clean = data.read(setting.source, "train", setting.n_train)
    test = data.read(setting.source, "t10k")
    train = data.Split(clean.images, corrupt(clean.labels, run.noise, run.seed))
    torch.manual_seed(run.seed)
    model = network(run.setting)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    pacer = pacer_of(run, train.labels, rows)
    shuffle = torch.Generator().manual_seed(run.seed)
    views = Views(train, setting.shift, torch.Generator().manual_seed(run.seed))
    accuracies, seconds = [], 0.0
    for _ in range(epochs):
        order = torch.randperm(len(train.labels), generator=shuffle)
        start = time.perf_counter()
        train_epoch(model, optimizer, pacer, views.epoch(order), run.method)
        seconds += time.perf_counter() - start
        accuracies.append(accuracy(model, test))
    wrong = train.labels != clean.labels
    ap_past, ap_smoothed = suspects(pacer, wrong)
    kept_at_end = pacer.weight > 0
    mistakes = [float((wrong & kept_at_end).float().mean())]
    mistakes.append(float((~wrong & ~kept_at_end).float().mean()))
    kept = (entry["kept_share"] for entry in pacer.history)
    shares = [share for share in kept if isinstance(share, float)]
    return Row(
        *(run.setting, run.noise, run.method, run.seed, epochs, accuracies),
        *(ap_past, ap_smoothed, shares, seconds, versions(), machine()),
        mistakes=mistakes,
    )


@dataclass(frozen=True)
class Cell:
    """Means over the seeds of one method on one kind of noise."""

    accuracy: float
    error: float
    ap: float | None
    ap_past: float | None
    kept: float
    mistakes: tuple[float, float] | None
    seeds: int


def cell(rows: Sequence[Row]) -> Cell:
    """Average the seeds; ``error`` is the standard error of the mean accuracy."""
    last = [row.accuracy[-1] for row in rows]
    return Cell(
        accuracy=statistics.fmean(last),
        error=statistics.stdev(last) / len(last) ** 0.5 if len(last) > 1 else 0.0,
        ap=_mean([row.ap for row in rows]),
        ap_past=_mean([row.ap_past for row in rows]),
        kept=statistics.fmean(row.shares[-1] for row in rows),
        mistakes=_both([row.mistakes for row in rows if row.mistakes]),
        seeds=len(rows),
    )


def _both(mistakes: Sequence[list[float]]) -> tuple[float, float] | None:
    """Average the two kinds of mistakes; None if there are no rows."""
    if not mistakes:
        return None
    kept, left_out = zip(*mistakes, strict=True)
    return statistics.fmean(kept), statistics.fmean(left_out)


def _mean(values: Sequence[float | None]) -> float | None:
    """Average the values that are not None; None if there is no such value."""
    found = [value for value in values if value is not None]
    return statistics.fmean(found) if found else None


def cells(rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, Cell]]:
    """Group by setting and noise, in order of appearance, then by method."""
    grouped: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for row in rows:
        grouped.setdefault((row.setting, row.noise), {}).setdefault(row.method, []).append(row)
    return {
        place: {method: cell(found) for method, found in methods.items()}
        for place, methods in grouped.items()
    }


def claims(setting: str, noise: str, plain: Cell, default: Cell) -> list[tuple[str, bool]]:
    """Return the claims about one line of the table, and whether each holds."""
    made = []
    if (setting, noise) == ("mnist", "sym40"):
        made.append(("default at .88 or more", default.accuracy >= LEAST_ACCURACY))
    if setting == "fashion" or noise == "clean":
        gap = default.accuracy - plain.accuracy
        made.append((f"at most .5 points below plain ({100 * gap:+.2f})", gap >= -MOST_LOSS))
    if default.ap is not None and plain.ap is not None and plain.ap_past is not None:
        gap, past = default.ap - plain.ap, default.ap - plain.ap_past
        text = f"AP not below plain's ({gap:+.4f}; {past:+.4f} were plain ranked as the default is)"
        made.append((text, gap >= 0))
    return made


def markdown(rows: Sequence[Row]) -> str:
    """Return the table, a note, and which claims hold."""
    lines = [HEADER, "|---" * (HEADER.count("|") - 1) + "|"]
    verdicts = []
    for (setting, noise), methods in _sorted(cells(rows)).items():
        lines.append(_line(setting, noise, methods))
        if {"plain", "default"} <= methods.keys():
            for text, holds in claims(setting, noise, methods["plain"], methods["default"]):
                verdicts.append(f"- {setting} {noise}: {text}: {'holds' if holds else 'FAILS'}")
    return "\n".join([*lines, "", _note(rows), "", *verdicts])


def _sorted(
    found: dict[tuple[str, str], dict[str, Cell]],
) -> dict[tuple[str, str], dict[str, Cell]]:
    """Order by setting, then by noise."""
    names, kinds = list(NAMES), list(WRONG_SHARE)
    return dict(
        sorted(found.items(), key=lambda item: (names.index(item[0][0]), kinds.index(item[0][1])))
    )


def _line(setting: str, noise: str, methods: dict[str, Cell]) -> str:
    """Return one line of the table."""
    blocks = [_accuracy(methods.get(method)) for method in SHOWN]
    told = ("told", "default", "features")
    aps = [_number(methods.get(method), "ap") for method in ("plain", *told)]
    kept = [_number(methods.get(method), "kept") for method in told]
    mistakes = [_mistakes(methods.get(method)) for method in ("default", "features")]
    parts = [NAMES[setting], noise, *blocks, " / ".join(aps), " / ".join(kept), *mistakes]
    return f"| {' | '.join(parts)} |"


def _accuracy(found: Cell | None) -> str:
    """Return mean and standard error in per cent; a single seed has no error."""
    if found is None:
        return "-"
    mean = f"{100 * found.accuracy:.1f}"
    return f"{mean} ± {100 * found.error:.1f}" if found.seeds > 1 else mean


def _number(found: Cell | None, name: str) -> str:
    """Return "ap" or "kept" of a cell with three digits; n/a if it has none."""
    if found is None:
        return "-"
    value = found.ap if name == "ap" else found.kept
    return "n/a" if value is None else f"{value:.3f}"


def _mistakes(found: Cell | None) -> str:
    """Return the shares of both kinds of mistakes in per cent."""
    if found is None or found.mistakes is None:
        return "-"
    return " / ".join(f"{100 * share:.2f} %" for share in found.mistakes)


def _note(rows: Sequence[Row]) -> str:
    """Explain the numbers of the table."""
    seeds = ", ".join(str(seed) for seed in sorted({row.seed for row in rows}))
    machines = {f"{row.machine['cpu']}, {row.machine['threads']} thread" for row in rows}
    epochs = {name: sorted({row.epochs for row in rows if row.setting == name}) for name in NAMES}
    lengths = ", ".join(f"{name} {found}" for name, found in epochs.items() if found)
    return (
        f"Test accuracy in per cent after the last epoch, mean and standard error over seeds "
        f"{seeds}. AP: average precision of the suspects. kept: share after the last step. "
        f"Epochs run: {lengths}. {'; '.join(sorted(machines))}."
    )


def planned(options: argparse.Namespace) -> list[Run]:
    """List the runs of this process; the methods of a seed stay together."""
    names = [options.setting] if options.setting else list(SETTINGS)
    seeds = [
        (name, kind, seed) for name in names for kind in options.noise for seed in options.seeds
    ]
    part, parts = (int(number) for number in options.shard.split("/"))
    return [
        Run(name, kind, method, seed)
        for name, kind, seed in seeds[part::parts]
        for method in options.methods
    ]


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    made = parser(__doc__, FILE)
    made.add_argument("--setting", choices=SETTINGS, help="run this setting only")
    made.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    made.add_argument("--noise", choices=WRONG_SHARE, nargs="+", default=list(WRONG_SHARE))
    made.add_argument("--methods", choices=METHODS, nargs="+", default=list(METHODS))
    made.add_argument(
        "--epochs", type=int, help="epochs of a trial, in place of those of the setting"
    )
    made.add_argument(
        "--shard",
        default="0/1",
        help="run one part of the work, such as 0/2, and start 1/2 beside it",
    )
    made.add_argument("--fresh", action="store_true", help="empty the JSONL file first")
    options = made.parse_args(arguments)
    if options.epochs and options.results == FILE:
        made.error("--epochs is for trials: name another JSONL file with --results.")
    return options


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table."""
    options = parse(arguments)
    if options.table:
        print(markdown(read(options.results, Row)))
        return
    torch.set_num_threads(1)
    if options.fresh:
        options.results.unlink(missing_ok=True)
    for run in planned(options):
        rows = read(options.results, Row)
        if any(row.key == (run.setting, run.noise, run.method, run.seed) for row in rows):
            continue
        row = execute(run, options.epochs or SETTINGS[run.setting].epochs, rows)
        append(options.results, row)
        print(f"{run}: accuracy {row.accuracy[-1]:.4f}, {row.seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
