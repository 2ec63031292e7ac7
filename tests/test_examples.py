"""The examples run and show what they say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def output_of(example: str, folder: Path, *arguments: str, launch: tuple[str, ...] = ()) -> str:
    result = subprocess.run(
        [sys.executable, "-W", "error", *launch, str(ROOT / "examples" / example), *arguments],
        capture_output=True,
        text=True,
        check=arguments == (),
        cwd=folder,
        env={"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
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


@pytest.mark.parametrize("ranks", [1, 2])
def test_several_processes_find_what_one_finds(tmp_path: Path, ranks: int) -> None:
    run = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}")
    said = output_of("ddp.py", tmp_path, launch=run if ranks > 1 else ())
    kept, right = map(float, re.findall(r"0\.\d+", said))
    assert kept == pytest.approx(right, abs=0.08)  # 40 of 400 are visited: their valley moves
    assert int(said.split("suspects ")[1].split("%")[0]) >= 90


def test_a_stopped_program_goes_on_to_the_bit(tmp_path: Path) -> None:
    whole = output_of("resume.py", tmp_path)
    assert output_of("resume.py", tmp_path, "stop") == ""
    assert (tmp_path / "checkpoint.pt").exists()
    assert output_of("resume.py", tmp_path) == whole
