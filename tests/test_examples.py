"""The examples run and show what they say."""

import ast
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


def test_augmentation_and_self_paced_learning_add_up(tmp_path: Path) -> None:
    said = output_of("augmented.py", tmp_path)
    plain, paced, augmented, both = (float(share) for share in re.findall(r"([\d.]+)%", said))
    assert plain + 8 < min(paced, augmented)
    assert max(paced, augmented) < both


def test_the_motif_is_found_that_nobody_has_marked(tmp_path: Path) -> None:
    said = output_of("latent_motif.py", tmp_path)
    assert "the motif reads GATTACA" in said
    told, found = (float(share) for share in re.findall(r"([\d.]+)% of the", said))
    assert told > 95
    assert found > 90


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


HOSTS = {  # what a user adds: lines beside those that are changed, without imports and prints
    "accelerate_plain.py": ("accelerate_paced.py", 3),
    "lightning_plain.py": ("lightning_paced.py", 3),
    "transformers_plain.py": ("transformers_paced.py", 2),
    "sklearn_plain.py": ("sklearn_classifier.py", 1),
    "skorch_plain.py": ("skorch_paced.py", 0),
    "trl_grpo_plain.py": ("trl_grpo.py", 2),
}


def lines_of(example: str) -> list[str]:
    """The lines of a program that do something: no imports, prints, comments and docstring."""
    tree = ast.parse((ROOT / "examples" / example).read_text())
    text = (ROOT / "examples" / example).read_text().splitlines()
    idle = {0}
    for node in tree.body:
        shown = isinstance(node, ast.Expr) and "print(" in ast.unparse(node)
        if isinstance(node, ast.Import | ast.ImportFrom) or shown or node is tree.body[0]:
            idle |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return [line for at, line in enumerate(text, 1) if at not in idle and line.strip()]


@pytest.mark.parametrize("plain", HOSTS)
def test_a_user_adds_few_lines(plain: str) -> None:
    paced, most = HOSTS[plain]
    assert len(lines_of(paced)) - len(lines_of(plain)) <= most
    program = (ROOT / "examples" / paced).read_text()
    assert "selfpaced" in program and "suspects" in program
