"""Claims about the commands report, review, export and import, and the way from audit to fix."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from typer.testing import Result

from selfpaced.audit._decisions.store import Decisions
from selfpaced.audit._folder.config import read_config

if TYPE_CHECKING:
    from playwright.sync_api import Page

Run = Callable[..., Result]
Say = Callable[..., str]


@pytest.fixture(scope="module")
def folder(done: Say, wine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run on wines of which about every sixth has a wrong label."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    words = ("--label", "kind", "--learner", "logistic", "--top", 50)
    done("audit", wine, *words, "-o", folder, "--quiet")
    return folder


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the folder that may be changed."""
    copy = tmp_path / "run"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


Started = Callable[..., "tuple[subprocess.Popen[str], str]"]


@pytest.fixture
def started(environment: dict[str, str]) -> "Started":
    """Return a function that starts a review, and returns the process and its address."""

    def start(folder: Path, *words: str) -> "tuple[subprocess.Popen[str], str]":
        command = [sys.executable, "-m", "selfpaced", "review", str(folder), "--no-browser", *words]
        program = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**environment, "PYTHONUNBUFFERED": "1"},
        )
        assert program.stdout is not None
        said = ""
        while "http" not in said:
            line = program.stdout.readline()
            assert line, program.communicate()[1]
            said += line
        address = re.search(r"http://\S+", said)
        assert address is not None
        return program, address[0]

    return start


def ended(program: "subprocess.Popen[str]", how: int = signal.SIGINT) -> str:
    """End a review, and return what it printed last."""
    program.send_signal(how)
    out, error = program.communicate(timeout=60)
    assert "Traceback" not in error
    return out


def test_from_an_audit_to_corrected_data_in_five_commands_and_55_keys(
    open_page: Callable[..., "Page"],
    started: "Started",
    done: Say,
    wine: Path,
    tmp_path: Path,
) -> None:
    commands, run = 0, tmp_path / "run"
    words = ("--label", "kind", "--learner", "logistic", "--top", 50)
    done("audit", wine, *words, "-o", run, "--quiet")
    commands += 1
    program, address = started(run, "--reviewer", "ann")
    commands += 1
    page, keys = open_page(address), 0
    suspects = pd.read_csv(run / "suspects.csv")
    assert len(suspects) == 50
    for fix in suspects["fix"]:
        page.keyboard.press("a" if fix == "yes" else "k")
        keys += 1
    page.wait_for_function("review.busy.then(() => true)")
    assert page.locator("#count").inner_text() == "50 of 50 decided"
    told = ended(program)
    assert "50 samples are decided" in told
    assert f"Next, write the corrected data: selfpaced fix {run} CORRECTED" in told
    said = done("fix", run, tmp_path / "new.csv")
    commands += 1
    assert (commands <= 5, keys <= 55) == (True, True)
    wrong = suspects[suspects["fix"] == "yes"]
    assert said.startswith(f"By the review: {len(wrong)} to change, {50 - len(wrong)} to keep.\n")
    new = pd.read_csv(tmp_path / "new.csv")["kind"]
    assert new.iloc[wrong["row"] - 1].tolist() == wrong["suggested"].tolist()
    log = pd.read_csv(tmp_path / "new.csv.changes.csv")
    assert set(log["reviewer"]) == {"ann"}
    assert len(log) == len(wrong)


def test_a_review_ends_by_a_signal_and_answers_nobody_else(
    started: "Started", copied: Path
) -> None:
    program, address = started(copied)
    with urllib.request.urlopen(address) as answer:
        assert answer.status == 200
        assert "server" not in {name.lower() for name in answer.headers}
    assert address.startswith("http://127.0.0.1:")
    ended(program, signal.SIGTERM)
    assert program.returncode == 128 + signal.SIGTERM


def test_a_port_that_is_in_use_is_one_line_of_error(
    started: "Started", refused: Say, copied: Path
) -> None:
    program, address = started(copied)
    port = address.split(":")[2].split("/")[0]
    said = refused("review", copied, "--port", port, "--no-browser")
    assert said.startswith(f"--port {port} cannot be used:") or said.startswith(f"port={port}")
    ended(program)


def test_a_folder_that_cannot_be_reviewed_is_one_line_of_error(
    refused: Say, copied: Path, tmp_path: Path
) -> None:
    assert "There is no folder" in refused("review", tmp_path / "none")
    (copied / "decisions.sqlite").write_text("not a database" * 100)
    assert "decisions.sqlite is damaged" in refused("review", copied, "--no-browser")
    (copied / "cases.json").unlink()
    assert "cases.json is missing" in refused("review", copied)
    assert "cases.json is missing" in refused("report", copied)
    assert "cases.json is missing" in refused("export", copied, tmp_path / "a.json")


def test_the_report_is_written_again_with_the_decisions(
    done: Say, refused: Say, copied: Path, tmp_path: Path
) -> None:
    row = pd.read_csv(copied / "suspects.csv")["row"].iloc[0]
    assert done("report", copied) == f"{copied / 'report.html'}  the report\n"
    Decisions(copied, read_config(copied)).add(str(row), "keep", None, "ann")
    said = done("report", copied, "-o", tmp_path / "told.html")
    assert said == f"{tmp_path / 'told.html'}  the report, with 1 decision\n"
    assert "Choose another name, or pass --force" in refused(
        "report", copied, "-o", tmp_path / "told.html"
    )


def test_decisions_go_to_another_program_and_back(done: Say, copied: Path, tmp_path: Path) -> None:
    said = done("export", copied, tmp_path / "a.csv")
    assert said == f"{tmp_path / 'a.csv'}  the suspects\n"
    frame = pd.read_csv(tmp_path / "a.csv")
    frame["decision"] = ["accept"] * 3 + [None] * (len(frame) - 3)
    frame.to_csv(tmp_path / "b.csv", index=False)
    said = done("import", copied, tmp_path / "b.csv", "--reviewer", "ann")
    assert said.startswith(f"3 decisions by ann added to the review of {copied}.\n")
    said = done("fix", copied, tmp_path / "new.csv")
    assert re.search(r"By the review: 3 to change, \d+ suspects not decided\.\n", said)
    assert "the labelling interface" in done("export", copied, tmp_path / "a.json")


def test_a_review_and_an_edited_table_are_a_question(
    done: Say, refused: Say, copied: Path, tmp_path: Path
) -> None:
    path = copied / "suspects.csv"
    suspects = pd.read_csv(path)
    Decisions(copied, read_config(copied)).add(str(suspects["row"].iloc[0]), "keep", None, "ann")
    suspects.assign(fix="no").to_csv(path, index=False)
    said = refused("fix", copied, tmp_path / "a.csv")
    assert "has decisions of a review, and suspects.csv was changed after the audit" in said
    assert said.endswith("Pass --use review or --use suspects.")
    assert "By the review: 0 to change, 1 to keep, " in done(
        "fix", copied, tmp_path / "a.csv", "--use", "review"
    )
    assert "By suspects.csv: 0 to change." in done(
        "fix", copied, tmp_path / "b.csv", "--use", "suspects"
    )
    assert "By the suggestions, which nobody has checked: " in done(
        "fix", copied, tmp_path / "c.csv", "--use", "suggestions"
    )


def test_what_fix_is_asked_for_must_be_one_thing(
    refused: Say, copied: Path, tmp_path: Path
) -> None:
    assert "pass --move or --undo; none of them was given" in refused("fix", copied)
    assert "more than one was given" in refused("fix", copied, tmp_path / "a.csv", "--move")
    assert "its files cannot be moved. Name the corrected copy" in refused("fix", copied, "--move")
    assert "no files of this run were moved" in refused("fix", copied, "--undo")
    said = refused("fix", copied, tmp_path / "a.csv", "--use", "review", "--decisions", "b.csv")
    assert "--use and --decisions both say where the changes come from" in said
    assert "--reviewer is for the decisions of a review" in refused(
        "fix", copied, tmp_path / "a.csv", "--use", "suspects", "--reviewer", "ann"
    )
    assert "is decided yet" in refused("fix", copied, tmp_path / "a.csv", "--use", "review")
    assert not os.path.exists(tmp_path / "a.csv")
