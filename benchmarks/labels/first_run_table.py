"""The lines of ``first_run``, in and out, and the Markdown table made of them."""

import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SHOWN = ("plain", "random", "told", "default")
NAMES = {
    "mnist": "MNIST 4,000, MLP",
    "fashion": "Fashion-MNIST 20,000, CNN",
    "fashion-mlp": "Fashion-MNIST 20,000, MLP",
}
HEADER = (
    "| data | noise | plain | random order | told the rate | default "
    "| AP plain / told / default | kept told / default |"
)
Key = tuple[str, str, str, int]


@dataclass(frozen=True)
class Row:
    """One training.

    Args:
        setting: Name of the data and network.
        noise: Kind and per cent of wrong labels.
        method: plain, random, told or default.
        seed: Of the noise, the weights and the order.
        epochs: Number of epochs.
        accuracy: Test accuracy after each epoch.
        ap_past: Average precision of "is this label wrong?" by ``ledger.suspicion``; None on clean
            data.
        ap_smoothed: The same by the smoothed loss (random order keeps the last loss only).
        shares: Kept share after each step; the last one was never used.
        seconds: Training time without the tests.
        versions: Of the packages.
        machine: Processor, cores and threads.
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

    @property
    def key(self) -> Key:
        """What tells one run from another."""
        return self.setting, self.noise, self.method, self.seed

    @property
    def ap(self) -> float | None:
        """That of the method's suspects: plain training has no more than its smoothed loss."""
        return self.ap_smoothed if self.method == "plain" else self.ap_past


@dataclass(frozen=True)
class Cell:
    """All seeds of one method on one kind of noise."""

    accuracy: float
    error: float
    ap: float | None
    ap_past: float | None
    kept: float
    seeds: int


def read(path: Path) -> list[Row]:
    """Read the lines; an absent file has none."""
    if not path.exists():
        return []
    return [Row(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def append(path: Path, row: Row) -> None:
    """Append one line by one write, so that parallel processes never mix theirs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(asdict(row)) + "\n"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def cell(rows: Sequence[Row]) -> Cell:
    """Average the seeds; the error is the standard error of the mean accuracy."""
    last = [row.accuracy[-1] for row in rows]
    return Cell(
        accuracy=statistics.fmean(last),
        error=statistics.stdev(last) / len(last) ** 0.5 if len(last) > 1 else 0.0,
        ap=_mean([row.ap for row in rows]),
        ap_past=_mean([row.ap_past for row in rows]),
        kept=statistics.fmean(row.shares[-1] for row in rows),
        seeds=len(rows),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """Average what is there."""
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
    """Return the claims made about one line of the table and whether each holds."""
    made = []
    if (setting, noise) == ("mnist", "sym40"):
        made.append(("default at .88 or more", default.accuracy >= 0.88))
    if setting == "fashion" or noise == "clean":
        gap = default.accuracy - plain.accuracy
        made.append((f"at most .5 points below plain ({100 * gap:+.2f})", gap >= -0.005))
    if default.ap is not None and plain.ap is not None and plain.ap_past is not None:
        gap, past = default.ap - plain.ap, default.ap - plain.ap_past
        text = f"AP not below plain's ({gap:+.4f}; {past:+.4f} were plain ranked as the default is)"
        made.append((text, gap >= 0))
    return made


def markdown(rows: Sequence[Row]) -> str:
    """Return the table and, below it, what holds of the claims."""
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
    """Order by setting, then clean, symmetric, pair."""
    names = list(NAMES)
    kinds = ("clean", "sym20", "sym40", "sym60", "pair30")
    return dict(
        sorted(found.items(), key=lambda item: (names.index(item[0][0]), kinds.index(item[0][1])))
    )


def _line(setting: str, noise: str, methods: dict[str, Cell]) -> str:
    """One line of the table."""
    blocks = [_accuracy(methods.get(method)) for method in SHOWN]
    aps = [_number(methods.get(method), "ap") for method in ("plain", "told", "default")]
    kept = [_number(methods.get(method), "kept") for method in ("told", "default")]
    parts = [NAMES[setting], noise, *blocks, " / ".join(aps), " / ".join(kept)]
    return f"| {' | '.join(parts)} |"


def _accuracy(found: Cell | None) -> str:
    """Mean and standard error, in per cent; one seed has no error."""
    if found is None:
        return "-"
    mean = f"{100 * found.accuracy:.1f}"
    return f"{mean} ± {100 * found.error:.1f}" if found.seeds > 1 else mean


def _number(found: Cell | None, name: str) -> str:
    """One number of a cell, three digits; n/a where there is none."""
    if found is None:
        return "-"
    value = found.ap if name == "ap" else found.kept
    return "n/a" if value is None else f"{value:.3f}"


def _note(rows: Sequence[Row]) -> str:
    """Say what the numbers are."""
    seeds = ", ".join(str(seed) for seed in sorted({row.seed for row in rows}))
    machines = {f"{row.machine['cpu']}, {row.machine['threads']} thread" for row in rows}
    epochs = {name: sorted({row.epochs for row in rows if row.setting == name}) for name in NAMES}
    lengths = ", ".join(f"{name} {found}" for name, found in epochs.items() if found)
    return (
        f"Test accuracy in per cent after the last epoch, mean and standard error over seeds "
        f"{seeds}. AP: average precision of the suspects. kept: share after the last step. "
        f"Epochs run: {lengths}. {'; '.join(sorted(machines))}."
    )
