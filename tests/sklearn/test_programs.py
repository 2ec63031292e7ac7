"""The example programs: few lines more than the plain one, and better."""

import difflib
import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(example: str, folder: Path) -> tuple[float, str]:
    """Accuracy in per cent, and all that a program says."""
    result = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / example)],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={"PYTHONPATH": str(EXAMPLES.parent / "src"), "OMP_NUM_THREADS": "1"},
    )
    said = re.search(r"accuracy ([0-9.]+)%", result.stdout)
    assert said is not None
    return float(said[1]), result.stdout


def right(said: str) -> int:
    """How many per cent of the first suspects are wrong indeed."""
    return int(said.split("suspects ")[1].split("%")[0])


def test_self_paced_is_better_by_one_changed_line(tmp_path: Path) -> None:
    plain, _ = run("sklearn_plain.py", tmp_path)
    paced, said = run("sklearn_classifier.py", tmp_path)
    assert paced > plain + 8
    assert right(said) >= 95
    before, after = (
        (EXAMPLES / name).read_text().splitlines()[1:]
        for name in ("sklearn_plain.py", "sklearn_classifier.py")
    )
    changed = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    assert not [line for line in changed if line[0] == "-"]
    assert len(changed) <= 8
    told = [line for line in changed if "import" not in line and "print" not in line]
    assert [line for line in told if line.strip("+ ")] == ["+ model = SelfPacedClassifier(model)"]


def test_a_dask_cluster_finds_that_self_paced_is_better(tmp_path: Path) -> None:
    accuracy, said = run("sklearn_dask.py", tmp_path)
    assert "best age Auto(" in said
    assert accuracy > 90 and right(said) >= 95
