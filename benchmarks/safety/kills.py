"""Kill audits and corrections at random moments: the old result is left, or the new one.

Each audit replaces the result of another one (``--force``), whose labels have other names, and is
killed with SIGKILL: half of them at any moment, half of them while they write. Then the folder is
opened as a user would open it, and its files and predictions are compared with those of both
audits. Each correction replaces an older file and is killed at any moment.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pandas as pd
from sklearn.datasets import load_wine

from selfpaced.audit import Options, load, read

# The label columns of the two audits.
OLD, NEW = "old", "new"
# For how many seconds after an audit has begun to write it may be killed.
WRITING = 0.5
# Names that a killed process may leave behind.
LEFT = (".partial-", ".lock")


def table(path: Path) -> None:
    """Write wines with two columns of labels, of which some are wrong."""
    wine = load_wine(as_frame=True).frame
    for name in (OLD, NEW):
        wine[name] = [f"{name} {kind}" for kind in wine["target"]]
        wine.loc[::11, name] = f"{name} 1"
    wine.drop(columns="target").to_csv(path, index=False)


def audit(data: Path, label: str, *more: str) -> list[str]:
    """Return the command of an audit that writes to the folder run."""
    other = NEW if label == OLD else OLD
    flags = ["--label", label, "--ignore", other, "--learner", "logistic", "--output", "run"]
    return [sys.executable, "-m", "selfpaced", "audit", str(data), *flags, "--quiet", *more]


def content(run: Path) -> dict[str, str]:
    """Return the hash of each file of a run, without what a killed process may leave behind."""
    names = [path for path in run.iterdir() if not path.name.startswith(LEFT)]
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in names}


def killed(command: list[str], work: Path, seconds: float, *, writing: bool = False) -> None:
    """Start a command and kill it: after some seconds, or so long after it has begun to write."""
    process = subprocess.Popen(
        command, cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while writing and process.poll() is None and not any((work / "run").glob(".partial-*/*")):
        time.sleep(0.001)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def kill_audits(count: int, work: Path, draw: random.Random) -> Counter[str]:
    """Kill audits, and count what each left."""
    data, run = work / "wine.csv", work / "now" / "run"
    known = {}
    for label in (OLD, NEW):
        (work / label).mkdir()
        began = time.monotonic()
        subprocess.run(audit(data, label), cwd=work / label, check=True)
        whole = time.monotonic() - began
        known[label] = (content(work / label / "run"), predictions(work / label / "run", data))
    found: Counter[str] = Counter()
    for number in range(count):
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(work / OLD / "run", run)
        writing = number % 2 == 1
        seconds = draw.uniform(0, WRITING if writing else whole)
        killed(audit(data, NEW, "--force"), run.parent, seconds, writing=writing)
        predicted = predictions(run, data)  # opening the folder completes a switch
        files = content(run)
        files.pop("checkpoint.pt", None)
        left = (label for label in known if known[label] == (files, predicted))
        found[next(left, "MIXED")] += 1
    return found


def predictions(run: Path, data: Path) -> list[str]:
    """Return what the model in a folder predicts."""
    labels = load(run).predict(read(data, Options(known=False)))["predicted"]
    return [str(label) for label in labels]


def kill_corrections(count: int, work: Path, draw: random.Random) -> Counter[str]:
    """Kill corrections, and count what each left."""
    copy, before = work / "copy.csv", b"an older file\n"
    run = work / NEW / "run"
    command = [sys.executable, "-m", "selfpaced", "fix", str(run), str(copy), "--force"]
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    whole, after = time.monotonic() - began, copy.read_bytes()
    changed = pd.read_csv(copy)["selfpaced_was"].notna().sum()
    listed = (pd.read_csv(run / "suspects.csv")["fix"] == "yes").sum()
    found: Counter[str] = Counter({"rows changed less those listed": int(changed - listed)})
    for _ in range(count):
        copy.write_bytes(before)
        killed(command, work, draw.uniform(0.5, 1.1) * whole)
        found[{before: OLD, after: NEW}.get(copy.read_bytes(), "MIXED")] += 1
    return found


def main() -> None:
    """Kill, and print what was left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="kills of each command")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        table(work / "wine.csv")
        for what, kill in (("audit --force", kill_audits), ("fix --force", kill_corrections)):
            left = kill(given.count, work, draw)
            print(f"{given.count} kills of {what}: {dict(sorted(left.items()))}")


if __name__ == "__main__":
    main()
