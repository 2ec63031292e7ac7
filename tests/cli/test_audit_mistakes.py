"""Claims about mistakes of users: no file of theirs is lost, and one line says what is wrong."""

import gzip
import json
import os
import re
import shlex
import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
import torch
from typer.testing import Result

from selfpaced.audit import Audit, _run

Run = Callable[..., Result]
Say = Callable[..., str]

ROWS = pd.DataFrame(
    {"x": [n % 2 + n / 100 for n in range(60)], "kind": ["cat", "dog"] * 30, "tag": ["a"] * 60}
)
AUDIT = ("--label", "kind", "--epochs", 2, "--learner", "logistic")


@pytest.fixture(autouse=True)
def table(here: Path) -> Path:
    """Save the rows as a.csv in the working folder."""
    ROWS.to_csv("a.csv", index=False)
    return here / "a.csv"


def stopped(run: Run, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> Result:
    """Run a command whose training is stopped at its first pulse."""
    train = _run.Run.train

    def interrupted(self: _run.Run, watch: object = None, pulse: object = None) -> bool:
        return train(self, None, lambda: True)

    with monkeypatch.context() as patch:
        patch.setattr(_run.Run, "train", interrupted)
        return run(*arguments)


def test_data_is_never_replaced_by_a_result(refused: Say) -> None:
    table = Path("ledger.parquet")
    ROWS.to_parquet(table)
    before = table.read_bytes()
    said = "ledger.parquet is a file of the run itself. Choose another name or folder."
    assert said in refused("audit", table, *AUDIT, "-o", ".", "--force")
    assert table.read_bytes() == before


def test_a_checkpoint_of_another_program_is_not_removed(refused: Say) -> None:
    torch.save({"epoch": 3}, "checkpoint.pt")
    assert "checkpoint.pt is not a checkpoint of a run. Move it away" in refused(
        "audit", "a.csv", *AUDIT, "-o", ".", "--force"
    )
    assert torch.load("checkpoint.pt") == {"epoch": 3}


def test_results_are_not_replaced_by_copies_or_predictions(done: Say, refused: Say) -> None:
    done("audit", "a.csv", *AUDIT, "-o", "run", "--quiet")
    before = Path("run/suspects.csv").read_bytes()
    said = "run/suspects.csv is a file of the run itself"
    assert said in refused("fix", "run", "run/suspects.csv", "--force")
    again = ("audit", "a.csv", *AUDIT, "-o", "run", "--force", "--fix", "run/suspects.csv")
    assert said in refused(*again)
    assert said in refused("predict", "run", "a.csv", "-o", "run/suspects.csv", "--force")
    assert Path("run/suspects.csv").read_bytes() == before


@pytest.mark.parametrize("name", ["p.parquet", "p.csv.gz"])
def test_predictions_are_csv_by_name_as_well(done: Say, refused: Say, name: str) -> None:
    done("audit", "a.csv", *AUDIT, "-o", "run", "--quiet")
    assert "--output is a CSV file; got p" in refused("predict", "run", "a.csv", "-o", name)


def test_cells_that_hold_lists_are_shown(done: Say) -> None:
    rows = [row | {"tag": ["a", "b"]} for row in ROWS.to_dict("records")]
    Path("nest.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    done("audit", "nest.jsonl", *AUDIT, "-o", "run")
    done("predict", "run", "nest.jsonl", "-o", "p.csv")
    assert len(pd.read_csv("p.csv")) == 60


def test_force_holds_for_the_copy_after_a_stop(
    run: Run, done: Say, refused: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("new.csv").touch()
    words = ("audit", "a.csv", *AUDIT, "-o", "run", "--fix", "new.csv", "--force")
    again = stopped(run, monkeypatch, *words).stderr.splitlines()[1]
    assert again.endswith("--force --resume")
    done(*shlex.split(again)[1:])
    assert Path("new.csv").read_text().startswith("x,kind,tag,selfpaced_was")
    assert stopped(run, monkeypatch, *words[:-3], "--force").exit_code == 130
    assert "Choose --force or --resume" in refused(*words[:-3], "--force", "--resume")


def test_a_stop_without_a_checkpoint_does_not_claim_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stopped(run, monkeypatch, "audit", "a.csv", *AUDIT, "-o", "run").exit_code == 130

    def interrupted(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("selfpaced.audit._prepare.prepare", interrupted)
    other = run("audit", "a.csv", *AUDIT, "-o", "run", "--seed", 9, "--force")
    told, again = other.stderr.splitlines()
    assert told == "Stopped before the training was saved. Start again with"
    assert again.endswith("--output run --force")


def test_a_table_that_cannot_be_corrected_is_an_error_before_the_training(
    refused: Say, here: Path
) -> None:
    ROWS.assign(selfpaced_was="").to_csv("was.csv", index=False)
    said = refused("audit", "was.csv", *AUDIT, "-o", "run", "--fix", "new.csv")
    assert "has a column selfpaced_was from an earlier correction" in said
    days = ROWS.assign(kind=[datetime(2020 + n % 2, 1, 1) for n in range(60)])
    days.to_parquet("days.parquet")
    said = refused("audit", "days.parquet", *AUDIT, "-o", "run", "--fix", "new.parquet")
    assert "fix does not write labels of type timestamp" in said and not (here / "run").exists()


def test_a_correction_that_fails_leaves_the_results(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError("No space left on device")

    monkeypatch.setattr("selfpaced.audit._fixing.from_run.fix", full)
    result = run("audit", "a.csv", *AUDIT, "-o", "run", "--fix", "new.csv")
    assert result.exit_code == 2 and "run/summary.md" in result.stdout
    assert (
        "The results are in run, but new.csv was not written: No space left on device. To write "
        "it, run selfpaced fix run new.csv\n"
    ) in result.stderr


def test_suspects_that_a_spreadsheet_saved_are_read(done: Say, refused: Say, here: Path) -> None:
    flipped = ROWS.assign(kind=["dog", "dog", *ROWS["kind"][2:]])
    flipped.to_csv("a.csv", index=False)
    done("audit", "a.csv", *AUDIT, "--top", 9, "-o", "run", "--quiet")
    path = here / "run" / "suspects.csv"
    head = path.read_text().splitlines()[0]
    assert head == "row,line,fix,probability,given,suggested,confidence,x,kind,tag"
    path.write_text(
        f"{head.replace(',', ';')}\r\n1,0;2;Yes;0,9;dog;cat;0,9;0,0;dog;a\r\n{';' * 9}\r\n",
        encoding="utf-16",
    )
    done("fix", "run", "new.csv")
    assert Path("new.csv").read_text().splitlines()[1] == "0.0,cat,a,dog"
    path.write_text(f"{head}\nfirst,2,yes,0.9,dog,cat,0.9,0.0,dog,a\n")
    assert "whole number in the column row; got ['first']" in refused("fix", "run", "b.csv")
    path.write_text(f"{head}\n1,2,yes,0.9,dog,cat,0.9,0.0,dog,a,more\n")
    assert "suspects.csv cannot be read" in refused("fix", "run", "b.csv")
    path.write_text(f"{head}\n1,2,,0.9,dog,cat,0.9,0.0,dog,a\n")
    assert "needs yes or no in the column fix; got '' for row 1" in refused("fix", "run", "b.csv")


def test_a_copy_does_harm_only_with_force(done: Say, refused: Say) -> None:
    done("audit", "a.csv", *AUDIT, "-o", "run", "--quiet")
    path = Path("run/suspects.csv")
    path.write_text("row,fix,given,suggested\n3,yes,cat,dgo\n")
    assert refused("fix", "run", "b.csv") == (
        "By suspects.csv, a label becomes 'dgo' for row 3, which is not a class of a.csv; did you "
        "mean 'dog'? Correct it, or pass --force to add the class."
    )
    done("fix", "run", "b.csv", "--force")
    dogs = "".join(f"{row},yes,dog,cat\n" for row in range(2, 61, 2))
    path.write_text(f"row,fix,given,suggested\n{dogs}")
    said = "The copy of a.csv would have no row left of the class 'dog' (30 rows). Keep the"
    for flags in ((), ("--drop",)):
        assert said in refused("fix", "run", "c.csv", *flags)
    assert not Path("c.csv").exists()
    table = done("fix", "run", "c.csv", "--force")
    assert re.search(r"dog\s+│\s+30\s+│\s+0\s+│\s+cat \(30\)", table)


def test_a_copy_of_an_audit_does_harm_only_with_force(
    run: Run, done: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    def certain(self: Audit) -> pd.DataFrame:
        table = self.table.assign(suggested="dog")
        return table[table["label"] == "cat"]

    monkeypatch.setattr(Audit, "suspects", property(certain))
    monkeypatch.setattr(
        Audit, "doubtful", lambda self, _: self.suspects.assign(suspect=True, probability=0.9)
    )
    words = ("audit", "a.csv", *AUDIT, "-o", "my run", "--fix", "new.csv")
    result = run(*words)
    assert result.exit_code == 2 and "my run/summary.md" in result.stdout
    assert (
        "The results are in my run, but new.csv was not written: The copy of a.csv would have no "
        "row left of the class 'cat' (30 rows). Keep the given label where it is right, or "
        "pass --force to give up the class. To write it, run selfpaced fix "
        "'my run' new.csv\n"
    ) in result.stderr
    assert not Path("new.csv").exists()
    table = done(*words, "--force")
    assert re.search(r"cat\s+│\s+30\s+│\s+0\s+│\s+dog \(30\)", table)


def test_a_damaged_file_is_one_line_of_error(done: Say, refused: Say) -> None:
    Path("b.csv.gz").write_bytes(gzip.compress(b"x,kind\n" * 99)[:12] + b"\xff" * 40)
    assert "b.csv.gz" in refused("audit", "b.csv.gz", *AUDIT)
    assert "os:getcwd could not be made for samples of shape (1,)" in refused(
        "audit", "a.csv", "--label", "kind", "--model", "os:getcwd", begun=True
    )
    done("audit", "a.csv", *AUDIT, "-o", "run", "--quiet")
    path = Path("run/config.json")
    whole = json.loads(path.read_text())
    for section in ("run", "model", "versions"):
        path.write_text(json.dumps(whole | {section: None}))
        assert f"is damaged: {section} is not an object" in refused("predict", "run", "a.csv")


def test_errors_about_numbers_out_of_range_name_them(refused: Say) -> None:
    ROWS.assign(kind=[(-1) ** n * 1e308 for n in range(60)]).to_csv("huge.csv", index=False)
    said = refused("audit", "huge.csv", *AUDIT, "--numbers")
    assert "kind runs from -1e+308 to 1e+308, which is too wide" in said
    assert "learning_rate must be above 0, and finite; got inf" in refused(
        "audit", "a.csv", "--label", "kind", "--learning-rate", "inf"
    )


def test_a_line_with_half_of_a_surrogate_pair_is_left_out(done: Say) -> None:
    lines = [json.dumps(row) for row in ROWS.to_dict("records")]
    lines[7] = '{"x": 1, "kind": "cat", "tag": "\\ud800"}'
    lines[8] = '{"x": 1, "kind": "cat", "tag": "\\ud83d\\ude00"}'
    Path("half.jsonl").write_text("\n".join(lines))
    assert "line 8" in done("audit", "half.jsonl", *AUDIT, "-o", "run")
