"""The examples run and show what they say."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def output_of(example: str, folder: Path) -> str:
    result = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / example)],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT / "src")},
    )
    return result.stdout


def test_the_plain_loop_finds_the_mislabeled_blobs(tmp_path: Path) -> None:
    said = output_of("loop.py", tmp_path)
    assert "of the first 100 suspects" in said
    share = int(said.split("suspects ")[1].split("%")[0])
    assert share >= 90


def test_the_classic_program_names_the_planted_point(tmp_path: Path) -> None:
    said = output_of("classic.py", tmp_path)
    left_out, planted = re.search(r"\[(.*)\] are left out; (\d+) was planted", said).groups()  # type: ignore[union-attr]
    assert planted in left_out.split(", ")
    assert len(left_out.split(", ")) <= 5
    assert (tmp_path / "classic.gif").stat().st_size > 10_000
