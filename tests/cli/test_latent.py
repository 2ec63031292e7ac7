"""Claims about the commands ``selfpaced latent digits`` and ``selfpaced latent motif``."""

import gzip
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from selfpaced._demo import latent as experiment
from selfpaced._demo.latent import NAMES, Comparison, Run, Step, Task

Say = Callable[..., str]
Python = Callable[..., "subprocess.CompletedProcess[str]"]
Asked = list[dict[str, Any]]

GOOD = b">a\nACGT\n>b\nacgt\n"
SHORT = b">a\nACG\n>b\nacg\n"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Replace the searches by results that take no time, and return the settings of each call."""
    found: Asked = []

    def compare(task: Task, **settings: Any) -> Comparison:
        watch = settings.pop("watch")
        found.append({"task": task, "threads": torch.get_num_threads(), **settings})
        runs = {}
        for place, name in enumerate(NAMES):
            objective = 10.0 + place
            steps = (Step(20.0, 1.0, 0.1), Step(objective, 0.5, 0.2))
            runs[name] = [Run(objective, 0.0, 0.5, steps, 0.25)] * settings["starts"]
            watch(name, objective)
        return Comparison(task, settings["C"], runs)

    monkeypatch.setattr(experiment, "compare", compare)
    return found


def test_digits_print_five_searches_one_sentence_and_what_the_paper_says(
    done: Say, asked: Asked, tmp_path: Path
) -> None:
    shown = done("latent", "digits", "-o", tmp_path / "new" / "out")
    assert "digits 3 and 8: 238 to train on, 119 to test; C = 150, factor 1.3, 4 starts" in shown
    for words in (*NAMES, "objective", "train error", "test error", "fits", "seconds", "4 of 4"):
        assert words in shown
    said = " ".join(shown.split())
    assert "Here the order helped: neither more fits nor another order did as well." in said
    assert "12, 8, 11 and 22%" in said and "NIPS 2010" in said
    written = {path.name for path in (tmp_path / "new" / "out").iterdir()}
    assert written == {"searches.png", "searches.csv"}
    assert all(name in shown for name in written)
    assert max(len(line) for line in shown.splitlines() if "out" not in line) <= 100


def test_motif_prints_the_papers_table_too(done: Say, asked: Asked, tmp_path: Path) -> None:
    shown = done("latent", "motif", "-o", tmp_path)
    assert "a generated motif, TGACGCAATG: 1,000 to train on, 2,000 to test" in shown
    for cell in ("106.50 / 106.60", "34.89 / 30.31", "32.15 / 32.24", "protein 5"):
        assert cell in shown
    assert "18 of 100 runs, self-paced in 1 of 100" in " ".join(shown.split())
    assert max(len(line) for line in shown.splitlines() if "/tmp" not in line) <= 100


def test_options_reach_the_searches(done: Say, asked: Asked, tmp_path: Path) -> None:
    options = ("--C", "25", "--factor", "2", "--seed", "7", "--starts", "2", "--pair", "1-7")
    done("latent", "digits", *options, "-o", tmp_path)
    (settings,) = asked
    assert settings["task"].name == "digits 1 and 7"
    assert settings["threads"] == 1
    assert {name: settings[name] for name in ("C", "factor", "seed", "starts")} == {
        "C": 25.0,
        "factor": 2.0,
        "seed": 7,
        "starts": 2,
    }


def test_a_matrix_is_planted(done: Say, asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "m.jaspar").write_text("A [ 9 0 0 ]\nC [ 0 9 0 ]\nG [ 0 0 9 ]\nT [ 1 1 1 ]\n")
    shown = done("latent", "motif", "--matrix", tmp_path / "m.jaspar", "-o", tmp_path)
    assert "the motif of m.jaspar" in shown
    assert asked[0]["task"].problem.length == 3


def test_the_users_sequences_are_learned_from_end_to_end(done: Say, tmp_path: Path) -> None:
    for name, text in (("yes.fa", "ACGTTTGACGCA"), ("no.fa", "AAATTTAACCAA")):
        (tmp_path / name).write_text("".join(f">{n}\n{text}\n" for n in range(9)))
    files = ("--positives", tmp_path / "yes.fa", "--negatives", tmp_path / "no.fa")
    options = (*files, "--length", "4", "--starts", "1", "--C", "10")
    shown = done("latent", "motif", *options, "-o", tmp_path / "out")
    assert "yes.fa: 12 to train on, 6 to test" in shown
    assert "0.00%" in shown
    assert (tmp_path / "out" / "searches.png").exists()


def test_a_motif_in_the_users_sequences_has_ten_letters(
    done: Say, asked: Asked, tmp_path: Path
) -> None:
    (tmp_path / "x.fa").write_text(">a\nACGTTTGACGCA\n>b\nACGTTTGACGCA\n")
    files = ("--positives", tmp_path / "x.fa", "--negatives", tmp_path / "x.fa")
    done("latent", "motif", *files, "-o", tmp_path / "out")
    assert asked[0]["task"].problem.length == 10


@pytest.mark.parametrize(
    ("yes", "no", "says"),
    [
        (b"ACGT\n", GOOD, "yes.fa: a FASTA file begins with a line '>name'."),
        (gzip.compress(GOOD, mtime=0), GOOD, "yes.fa: a FASTA file begins with a line '>name'."),
        (GOOD, b"", "no.fa: there are no sequences."),
        (GOOD, GOOD + b">c\n>d\nACGT\n", "no.fa: sequence 3, 'c', is empty. Leave it out."),
        (GOOD, GOOD + b">\n", "no.fa: sequence 3 is empty. Leave it out."),
        (GOOD, b">a\nACGT\n", "no.fa: 1 sequence is too few, one to train on and one to test are"),
        (
            GOOD,
            GOOD + b">odd one\nACNN\n>d\nNCGT\n",
            "no.fa: sequence 3, 'odd', has 'N' as letter 3, which is none of A, C, G, T. Leave "
            "such sequences out (2 of 4 there).",
        ),
        (GOOD + b">c\nACG\n", GOOD, "yes.fa: sequence 3, 'c', has 3 letters, and the"),
        (GOOD, GOOD + b">c\nACGTA\n", "no.fa: sequence 3, 'c', has 5 letters, and the first one"),
        (SHORT, SHORT, "yes.fa: Motif(length=4, order=3, skip=0) needs sequences of 4 letters"),
    ],
)
def test_bad_sequences_are_one_line_before_any_search(
    refused: Say, yes: bytes, no: bytes, says: str, asked: Asked, tmp_path: Path
) -> None:
    (tmp_path / "yes.fa").write_bytes(yes)
    (tmp_path / "no.fa").write_bytes(no)
    files = ("--positives", tmp_path / "yes.fa", "--negatives", tmp_path / "no.fa")
    said = refused("latent", "motif", *files, "--length", 4, "-o", tmp_path / "out", code=1)
    assert f"{tmp_path}/{says}" in said
    assert not asked


def test_an_error_about_several_lengths_names_both_files(
    refused: Say, asked: Asked, tmp_path: Path
) -> None:
    yes, no = tmp_path / "yes.fa", tmp_path / "no.fa"
    yes.write_bytes(GOOD)
    no.write_bytes(SHORT)
    files = ("--positives", yes, "--negatives", no)
    said = refused("latent", "motif", *files, "-o", tmp_path, code=1)
    says = f"{no}: sequence 1, 'a', has 3 letters, and the first one of {yes} has 4. Cut all to"
    assert says in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("digits", "--pair", "38"), "--pair takes two digits, as in 3-8; got '38'."),
        (("digits", "--pair", "3-12"), "A pair is two digits, as in 3-8; got 3-12."),
        (("digits", "--factor", "1"), "Growing: factor must be above 1; got 1.0."),
        (("digits", "--C", "0"), "LatentSVM: C must be above 0; got 0.0."),
        (("motif", "--positives", "a.fa"), "--positives and --negatives need each other"),
        (("motif", "--length", "5"), "--length is for your own sequences: a planted motif has its"),
        (("motif", "--length", "5", "--matrix", "m"), "--length is for your own sequences: a"),
        (("motif", "--matrix", "absent.jaspar"), "No such file or directory: 'absent.jaspar'"),
        (
            ("motif", "--matrix", "m", "--positives", "a", "--negatives", "b"),
            "--matrix is planted in generated sequences. Leave it out with --positives.",
        ),
    ],
)
def test_mistakes_are_one_line(
    refused: Say, arguments: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    begun = "--factor" in arguments or "--C" in arguments  # the search checks them
    assert says in refused("latent", *arguments, "-o", tmp_path, code=1, begun=begun)


def test_an_output_that_is_a_file_is_refused(refused: Say, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    said = refused("latent", "digits", "-o", tmp_path / "taken", code=1)
    assert said.startswith("--output: cannot make")


def test_help_loads_no_data_and_no_pictures(python: Python) -> None:
    program = (
        "import sys; from selfpaced._cli import app; app(sys.argv[1:], standalone_mode=False); "
        "heavy = {'matplotlib', 'sklearn', 'scipy', 'selfpaced._demo'} & set(sys.modules); "
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    result = python("-c", program, "latent", "--help")
    assert result.returncode == 0, result.stderr
    assert "digits" in result.stdout and "motif" in result.stdout
