"""Claims about the database of decisions."""

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import selfpaced
from selfpaced.audit._decisions.store import DECISIONS, Decision, Decisions, has_decisions

CONFIG: dict[str, Any] = {"files": {"ledger.parquet": "first"}}
# Writes decisions until it is killed, and prints each one that is saved.
WRITER = """
import sys
from pathlib import Path
from selfpaced.audit._decisions.store import Decisions
store = Decisions(Path(sys.argv[1]), {"files": {"ledger.parquet": "first"}})
print("ready", flush=True)
for place in range(int(sys.argv[2]), 1_000_000):
    store.add(str(place), "keep", None, "ann")
    print(place, flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Decisions:
    return Decisions(tmp_path, CONFIG)


def told(store: Decisions) -> dict[str, dict[str, tuple[str, str | None]]]:
    return {
        place: {by: (each.action, each.label) for by, each in of_place.items()}
        for place, of_place in store.latest().items()
    }


def test_the_last_decision_of_each_reviewer_counts(store: Decisions) -> None:
    store.add("3", "keep", None, "ann")
    store.add("3", "change", "dog", "bob")
    store.add("3", "unsure", None, "ann")
    assert told(store) == {"3": {"bob": ("change", "dog"), "ann": ("unsure", None)}}


def test_a_decision_says_who_decided_what_when(store: Decisions) -> None:
    store.add("a/1.png", "change", "dog", "ann", drawn=True, at="2026-01-02T03:04:05+00:00")
    saved = store.latest()["a/1.png"]["ann"]
    at = "2026-01-02T03:04:05+00:00"
    assert saved == Decision("a/1.png", "change", "dog", "ann", at, "review", True)
    store.add("b", "keep", None, "ann")
    assert store.latest()["b"]["ann"].at.endswith("+00:00")


def test_undo_takes_back_only_what_this_reviewer_decided_last(store: Decisions) -> None:
    store.add("1", "keep", None, "ann")
    store.add("1", "change", "dog", "ann")
    store.add("1", "keep", None, "bob")
    taken = store.undo("ann")
    assert taken is not None
    assert (taken.place, taken.action) == ("1", "change")
    assert told(store) == {"1": {"ann": ("keep", None), "bob": ("keep", None)}}
    store.undo("ann")
    assert told(store) == {"1": {"bob": ("keep", None)}}
    assert store.undo("ann") is None


def test_decisions_about_an_earlier_run_are_kept_and_not_used(tmp_path: Path) -> None:
    Decisions(tmp_path, CONFIG).add("1", "keep", None, "ann")
    later = Decisions(tmp_path, {"files": {"ledger.parquet": "second"}})
    assert later.latest() == {}
    assert later.earlier() == 1
    assert told(Decisions(tmp_path, CONFIG)) == {"1": {"ann": ("keep", None)}}


def test_labels_come_back_as_they_were(store: Decisions) -> None:
    labels = ["<script>", "=1+1", "\x1b[31m", "\u202eabc", "\U0001f600", "a'; DROP TABLE x; --"]
    for place, label in enumerate(labels):
        store.add(str(place), "change", label, "ann")
    assert [of["ann"].label for of in store.latest().values()] == labels


@pytest.mark.parametrize(
    ("decision", "error"),
    [
        (("1", "drop", None, "ann"), "A decision is one of keep, change, unsure; got 'drop'."),
        (
            ("1", "change", None, "ann"),
            "A decision to change a label has a new label, and no other",
        ),
        (("1", "keep", "dog", "ann"), "got 'keep' with 'dog'"),
        (("1", "keep", None, " "), "needs the name of the reviewer; got an empty one."),
    ],
)
def test_a_decision_that_cannot_be_is_refused(
    store: Decisions, decision: tuple[Any, ...], error: str
) -> None:
    with pytest.raises(ValueError, match=error):
        store.add(*decision)
    assert store.latest() == {}


def test_several_decisions_are_saved_all_or_none(store: Decisions) -> None:
    good, bad = Decision("1", "keep", None, "ann", ""), Decision("2", "change", None, "ann", "")
    with pytest.raises(ValueError, match="has a new label"):
        store.add_all([good, bad])
    assert store.latest() == {}
    store.add_all([good, good._replace(place="2", at="2026-01-01")])
    assert store.latest()["2"]["ann"].at == "2026-01-01"
    assert store.latest()["1"]["ann"].at != ""


def test_two_databases_at_once_lose_nothing(tmp_path: Path) -> None:
    def write(by: str) -> None:
        store = Decisions(tmp_path, CONFIG)
        for place in range(25):
            store.add(str(place), "keep", None, by)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, ["ann", "bob", "cem", "dan"]))
    latest = Decisions(tmp_path, CONFIG).latest()
    assert len(latest) == 25
    assert all(set(of) == {"ann", "bob", "cem", "dan"} for of in latest.values())


def test_no_decision_that_was_saved_is_lost_by_kill_9(tmp_path: Path) -> None:
    source, start = str(Path(selfpaced.__file__).parents[1]), 0
    for patience in (3, 11, 27):
        words = [sys.executable, "-c", WRITER, str(tmp_path), str(start)]
        environment = {**os.environ, "PYTHONPATH": source}
        program = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment)
        assert program.stdout is not None
        for _ in range(patience + 1):  # "ready", then decisions
            program.stdout.readline()
        program.kill()
        rest = [int(line) for line in program.stdout.read().split() if line.isdecimal()]
        program.wait()
        program.stdout.close()
        last = max([start + patience - 1, *rest])
        saved = {int(place) for place in Decisions(tmp_path, CONFIG).latest()}
        assert saved >= set(range(last + 1))
        start = last + 1
    assert start >= 41


def test_a_damaged_database_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / DECISIONS).write_bytes(b"not a database, but long enough to be read as one" * 30)
    with pytest.raises(ValueError, match=r"decisions.sqlite is damaged: .* Move it away"):
        Decisions(tmp_path, CONFIG)


def test_a_database_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / DECISIONS)
    base.execute("PRAGMA user_version = 2")
    base.close()
    before = (tmp_path / DECISIONS).read_bytes()
    with pytest.raises(ValueError, match="has version 2, of a newer selfpaced; this one reads"):
        Decisions(tmp_path, CONFIG)
    assert (tmp_path / DECISIONS).read_bytes() == before


def test_a_folder_that_cannot_be_written_to_is_said_to_be_one(tmp_path: Path) -> None:
    assert not has_decisions(tmp_path)
    with pytest.raises(OSError, match="cannot be used: unable to open database file"):
        Decisions(tmp_path / "missing", CONFIG)
