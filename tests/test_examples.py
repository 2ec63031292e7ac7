"""The examples run and show what they say."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_plain_loop_finds_the_mislabeled_blobs() -> None:
    result = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / "loop.py")],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "src")},
    )
    assert "of the first 100 suspects" in result.stdout
    share = int(result.stdout.split("suspects ")[1].split("%")[0])
    assert share >= 90
