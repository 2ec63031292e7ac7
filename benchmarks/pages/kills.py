"""Kill the server of a review at random moments: no decision that it answered is lost.

A run on scikit-learn's wines is reviewed over HTTP, as the page does it. After a random number of
decisions the server is killed with SIGKILL and started again, until 1,000 decisions are answered.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from sklearn.datasets import load_wine

from selfpaced.audit._cases.file import read_gallery
from selfpaced.audit._decisions.store import Decisions
from selfpaced.audit._folder.config import read_config

# The largest number of decisions between two kills.
MOST = 40
ACTIONS = ("keep", "change", "unsure")


def audit(work: Path) -> Path:
    """Audit wines of which some labels are wrong, and return the folder of the run."""
    wine = load_wine(as_frame=True).frame
    wine.loc[::6, "target"] = 1
    wine.to_csv(work / "wine.csv", index=False)
    flags = ["--label", "target", "--learner", "logistic", "--output", "run", "--quiet"]
    words = [sys.executable, "-m", "selfpaced", "audit", "wine.csv", *flags]
    subprocess.run(words, cwd=work, check=True)
    return work / "run"


def start(run: Path) -> tuple[subprocess.Popen[str], str]:
    """Start the review, and return its process and address."""
    words = ["-m", "selfpaced", "review", str(run), "--no-browser", "--reviewer", "ann"]
    process = subprocess.Popen(
        [sys.executable, "-u", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    for line in process.stdout or ():
        found = re.search(r"http://\S+", line)
        if found is not None:
            return process, found[0]
    raise RuntimeError("The review has not started.")


def decide(address: str, place: str, action: str, label: str | None) -> bool:
    """Ask the server to save a decision; return whether it said that it is saved."""
    told = {"place": place, "action": action, "label": label, "new": False, "drawn": False}
    headers = {"Content-Type": "application/json", "Origin": "/".join(address.split("/")[:3])}
    body = json.dumps(told).encode()
    request = urllib.request.Request(f"{address}decide", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bool(json.load(answer)["place"] == place)
    except OSError:  # the server was killed
        return False


def main() -> None:
    """Print how many decisions were answered, and how many of them are saved."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=1_000)
    wanted = parser.parse_args().decisions
    draw, answered, kills = random.Random(0), 0, 0
    expected: dict[str, tuple[str, str | None]] = {}
    with tempfile.TemporaryDirectory() as work:
        run = audit(Path(work))
        cases = read_gallery(run).cases
        lost = 0
        while answered < wanted:
            process, address = start(run)
            for _ in range(draw.randint(1, MOST)):
                case, action = draw.choice(cases), draw.choice(ACTIONS)
                label = case.suggested if action == "change" else None
                if decide(address, case.sample.place, action, label):
                    expected[case.sample.place] = (action, label)
                    answered += 1
            process.kill()
            process.wait()
            kills += 1
            latest = Decisions(run, read_config(run)).latest()
            saved = {place: (of["ann"].action, of["ann"].label) for place, of in latest.items()}
            lost += sum(saved.get(place) != told for place, told in expected.items())
    print(f"{answered:,} decisions answered, {kills} kills: {lost} lost.")


if __name__ == "__main__":
    main()
