"""Claims about the comparison on latent SVMs, and about files of sequences."""

import csv
from pathlib import Path

import numpy as np
import pytest

from selfpaced._demo import latent
from selfpaced._demo.latent import (
    CCCP,
    LONG,
    NAMES,
    PACED,
    RANDOM,
    Comparison,
    Data,
    Run,
    Step,
    Task,
    compare,
    digits,
    planted,
    sequences,
    write_files,
)
from selfpaced._demo.latent_paper import Score, against, best, sentence
from selfpaced._demo.sequences import CONSENSUS, Fasta, made_matrix, plant, read_fasta, read_jaspar
from selfpaced.latent.problems import Motif
from selfpaced.latent.problems._letters import LETTERS

JASPAR = ">MA0000.1 made\nA [ 4 0 ]\nC [ 4 8 ]\nG [ 0 0 ]\nT [ 0 0 ]\n>other\nA [ 1 ]\n"


@pytest.fixture(scope="module")
def task() -> Task:
    return digits((3, 8), seed=0)


@pytest.fixture(scope="module")
def small() -> Task:
    """Return a task of few sequences and few features, which is learned quickly."""
    random = np.random.default_rng(0)
    train, test = (Data(*plant(made_matrix()[:6], 80, random)) for _ in range(2))
    return Task("small", Motif(length=6, order=2), train, test)


@pytest.fixture(scope="module")
def compared(small: Task) -> Comparison:
    return compare(small, C=30.0, factor=1.5, starts=2, seed=0, watch=lambda name, _: None)


def run(objective: float, *, test_error: float = 0.1, fits: int = 3) -> Run:
    return Run(objective, 0.1, test_error, (Step(objective, 1.0, 0.1),) * fits, 0.1)


def scored(
    paced: list[float],
    cccp: list[float],
    long: list[float],
    other: list[float],
    slow: list[float] | None = None,
) -> str:
    rows = [
        [run(objective) for objective in row] for row in (paced, cccp, long, other, slow or long)
    ]
    runs = dict(zip(NAMES, rows, strict=True))
    return sentence(Comparison(None, 100.0, runs))  # type: ignore[arg-type]  # no task is needed


def test_two_digits_are_split_by_the_seed(task: Task) -> None:
    assert task.train.x.shape[1:] == (11, 10)
    assert len(task.train.y) == 238 and len(task.test.y) == 119
    assert (task.train.y == 1).sum() == 116 and (task.test.y == 1).sum() == 58  # of 174 eights
    again, other = digits((3, 8), seed=0), digits((3, 8), seed=1)
    assert np.array_equal(task.train.x, again.train.x)
    assert not np.array_equal(task.train.y, other.train.y)


@pytest.mark.parametrize("pair", [(3, 3), (3, 12)])
def test_a_pair_that_is_not_two_digits_is_refused(pair: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"A pair is two digits, as in 3-8; got 3-"):
        digits(pair, seed=0)


def test_every_search_runs_from_every_start(compared: Comparison) -> None:
    assert list(compared.runs) == list(NAMES)
    assert all(len(runs) == 2 for runs in compared.runs.values())
    for start in range(2):
        firsts = {runs[start].steps[0].objective for runs in compared.runs.values()}
        assert len(firsts) == 1, "the first fit is the same: all weights are 1"


def test_the_longer_cccp_continues_cccp(compared: Comparison) -> None:
    for paced, short, long in zip(*(compared.runs[n] for n in (PACED, CCCP, LONG)), strict=True):
        assert len(long.steps) <= len(paced.steps)
        both = min(len(short.steps), len(long.steps))
        assert [s.objective for s in short.steps[:both]] == [s.objective for s in long.steps[:both]]
        if len(paced.steps) >= len(short.steps):
            assert long.objective <= short.objective + compared.C * latent.EPS


def test_both_orders_leave_samples_out_and_keep_all_in_the_end(compared: Comparison) -> None:
    for name in (PACED, RANDOM):
        for one in compared.runs[name]:
            assert min(step.kept_share for step in one.steps) < 0.6
            assert one.steps[-1].kept_share == 1.0
    first = [compared.runs[name][0].steps[2].kept_share for name in (PACED, RANDOM)]
    assert first[0] == first[1], "the first choice is made from the same losses"


def test_watch_is_called_after_each_run(small: Task) -> None:
    watched: list[str] = []
    compare(small, C=30.0, factor=1.5, starts=1, seed=0, watch=lambda n, _: watched.append(n))
    assert watched == list(NAMES)


def test_the_files_hold_every_fit(tmp_path: Path, compared: Comparison) -> None:
    picture, table = write_files(tmp_path, compared)
    assert picture.read_bytes().startswith(b"\x89PNG")
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(one.steps) for runs in compared.runs.values() for one in runs)
    assert rows[0]["search"] == PACED and rows[0]["fit"] == "1" and rows[0]["kept share"] == "1.0"


def test_only_differences_above_the_precision_count() -> None:
    runs = {PACED: [run(1.0), run(1.0), run(2.0)], CCCP: [run(1.05), run(1.2), run(1.0)]}
    comparison = Comparison(None, 100.0, runs)  # type: ignore[arg-type]  # no task is needed
    assert against(comparison, CCCP) == Score(lower=1, higher=1)


def test_the_best_run_has_the_lowest_objective_not_the_lowest_error() -> None:
    assert best([run(2.0, test_error=0.0), run(1.0, test_error=0.3)]).test_error == 0.3


def test_a_run_at_chance_is_stuck() -> None:
    assert run(1.0, test_error=0.45).stuck and not run(1.0, test_error=0.44).stuck


@pytest.mark.parametrize(
    ("others", "says"),
    [
        (([5.0], [5.0], [5.0]), "Here the order helped"),
        (([5.0], [1.0], [5.0]), "What helped here is the number of fits"),
        (([5.0], [5.0], [1.0]), "What helped here is leaving samples out, in any order"),
        (([1.0], [5.0], [5.0]), "Here self-paced learning did not help"),
    ],
)
def test_the_sentence_follows_from_the_numbers(
    others: tuple[list[float], list[float], list[float]], says: str
) -> None:
    said = scored([1.0], *others)
    assert says in said
    assert "Of 1 start, self-paced ended lower than CCCP by the paper's rule in" in said


def test_a_motif_is_planted_in_every_other_sequence() -> None:
    sure = np.eye(4)[[LETTERS.index(letter) for letter in CONSENSUS]]
    x, y = plant(sure, 200, np.random.default_rng(0))
    texts = ["".join(LETTERS[letter] for letter in row) for row in x]
    assert all(CONSENSUS in text for text, label in zip(texts, y, strict=True) if label == 1)
    assert sum(CONSENSUS in text for text, label in zip(texts, y, strict=True) if label == -1) < 3
    assert x.shape == (200, 60) and (y == 1).sum() == 100


def test_the_made_motif_has_shares_of_1_at_each_place() -> None:
    assert made_matrix().sum(1) == pytest.approx(1.0)
    assert "".join(LETTERS[place] for place in made_matrix().argmax(1)) == CONSENSUS


def test_a_made_task_has_as_many_places_as_the_matrix() -> None:
    made = planted("made", made_matrix()[:6], seed=0)
    assert made.problem.length == 6  # type: ignore[attr-defined]  # a Motif
    assert (len(made.train.y), len(made.test.y)) == (1000, 2000)


def test_the_sentence_reports_the_patient_search() -> None:
    said = scored([9, 9], [9, 9], [9, 9], [9, 9], [8, 9.5])
    assert said.endswith("than the longer CCCP in 1, higher in 1, after 3 fits.")


def test_a_motif_longer_than_a_sequence_is_refused() -> None:
    with pytest.raises(ValueError, match="A motif must fit into 60 letters; this one has 61"):
        plant(np.full((61, 4), 0.25), 2, np.random.default_rng(0))


def test_the_first_matrix_of_a_jaspar_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "m.jaspar").write_text(JASPAR)
    assert read_jaspar(tmp_path / "m.jaspar").tolist() == [[0.5, 0.5, 0, 0], [0, 1, 0, 0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", "has a line for each of A, C, G, T.* found lines for no letter"),
        (
            JASPAR.replace("T [ 0 0 ]", "T [ 0 ]"),
            "with the same number of counts; found lines for A, C, G, T",
        ),
        (JASPAR.replace("4 8", "4 x"), "counts of a matrix must be numbers; could not convert"),
        (
            JASPAR.replace("4 8", "4 0"),
            "the counts of each place must be finite, 0 or more, and not all 0",
        ),
        (JASPAR.replace("4 8", "4 inf"), "m.jaspar: the counts of each place must be finite"),
        (JASPAR.replace("4 8", "4 nan"), "m.jaspar: the counts of each place must be finite"),
    ],
)
def test_bad_matrices_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "m.jaspar").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_jaspar(tmp_path / "m.jaspar")


def test_fasta_may_break_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.fa"
    path.write_text(">one of two\nACG\nT\n\n>\nGGGG\n")
    assert read_fasta(path) == Fasta(path, ["one", ""], ["ACGT", "GGGG"])


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b""])
def test_files_may_begin_with_a_byte_order_mark_and_have_latin_1_headers(
    tmp_path: Path, before: bytes
) -> None:
    (tmp_path / "x.fa").write_bytes(before + b">prot\xe9ine\nACGT\n")
    (tmp_path / "m.jaspar").write_bytes(before + JASPAR.replace("made", "é").encode("latin-1"))
    assert read_fasta(tmp_path / "x.fa").texts == ["ACGT"]
    assert read_jaspar(tmp_path / "m.jaspar").shape == (2, 4)


@pytest.mark.parametrize("seed", range(5))
def test_each_of_the_users_files_is_split_into_thirds_by_seed(seed: int) -> None:
    holds = Fasta(Path("a.fa"), [""] * 3, ["ACGTACGT"] * 3)
    others = Fasta(Path("b.fa"), [""] * 9, ["CCCCCCCC"] * 9)
    made, again = (sequences(holds, others, 3, seed) for _ in range(2))
    assert (made.name, made.problem) == ("a.fa", Motif(length=3))
    for part, twin, n in ((made.train, again.train, (2, 6)), (made.test, again.test, (1, 3))):
        assert [1 if text == "ACGTACGT" else -1 for text in part.x] == part.y.tolist()
        assert ((part.y == 1).sum(), (part.y == -1).sum()) == n
        assert part.y.tolist() == twin.y.tolist()
