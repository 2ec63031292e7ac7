"""The example is trl's own program but for a few lines, and shows what it says."""

import difflib
import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_self_paced_program_differs_by_a_few_lines() -> None:
    plain, paced = (
        (EXAMPLES / name).read_text().splitlines() for name in ("trl_grpo_plain.py", "trl_grpo.py")
    )
    ours = [line for line in difflib.ndiff(plain, paced) if line.startswith("+ ")]
    assert len(ours) <= 8
    assert len(paced) - len(plain) <= 4


def test_the_example_gets_better_and_finds_wrong_answer_keys(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, str(EXAMPLES / "trl_grpo.py")],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(EXAMPLES.parent / "src"), "OMP_NUM_THREADS": "1"},
    ).stdout
    before, after = map(float, re.findall(r"([0-9.]+)% (?:before|after)", said))
    assert after > before + 5
    wrong = int(re.findall(r"suspects: (\d+)%", said)[0])
    assert wrong >= 50  # by chance 10
