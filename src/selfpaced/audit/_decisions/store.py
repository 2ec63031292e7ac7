"""The decisions about the labels of a run: a database in its folder, to which rows are only added.

Each decision is on the disk before ``add`` returns. Several processes may write at once. A decision
of one reviewer never replaces that of another.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from selfpaced._errors import require
from selfpaced.audit._folder.files import LEDGER
from selfpaced.audit._folder.seal import FILES

# The name of the database in the folder of a run. A new run in the folder does not remove it.
DECISIONS = "decisions.sqlite"
# What can be decided: the given label is right, it becomes another one, or the reviewer is unsure.
Action = Literal["keep", "change", "unsure"]
# The version of the database.
VERSION = 1
# For how many seconds a process waits for another one that writes.
PATIENCE = 10.0
TABLE = """
CREATE TABLE IF NOT EXISTS decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL,
    place TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('keep', 'change', 'unsure')),
    label TEXT,
    reviewer TEXT NOT NULL,
    at TEXT NOT NULL,
    source TEXT NOT NULL,
    drawn INTEGER NOT NULL,
    undone TEXT
)
"""


class Decision(NamedTuple):
    """A decision about the label of a sample.

    Args:
        place: The row, file or index of the sample, as text.
        action: What was decided.
        label: The new label; None unless the label changes.
        by: The name of the reviewer.
        at: The time in UTC, in ISO 8601.
        source: Where it was made: "review", or the name of a file that was imported.
        drawn: Whether the sample was drawn at random from those that were undecided.
    """

    place: str
    action: Action
    label: str | None
    by: str
    at: str
    source: str = "review"
    drawn: bool = False


class Decisions:
    """The decisions about a run.

    Args:
        folder: The folder of a finished run.
        config: Its config.json, as ``read_config`` returned it: decisions about an earlier run in
            the folder are kept, and not returned.

    Raises:
        ValueError: For a database that is damaged, or of a newer version.
        OSError: If it cannot be opened.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        """Make the database if there is none."""
        self.path, self.run = folder / DECISIONS, str(config[FILES][LEDGER])
        with self._open() as base:
            version = base.execute("PRAGMA user_version").fetchone()[0]
            require(
                version <= VERSION,
                f"{self.path} has version {version}, of a newer selfpaced; this one reads version "
                f"{VERSION}. Use the version that wrote it.",
            )
            base.execute("PRAGMA journal_mode = WAL")
            base.execute(TABLE)
            base.execute(f"PRAGMA user_version = {VERSION}")

    def add(
        self,
        place: str,
        action: Action,
        label: str | None,
        by: str,
        *,
        source: str = "review",
        drawn: bool = False,
        at: str | None = None,
    ) -> None:
        """Save a decision; the earlier one of this reviewer about the sample no longer counts.

        Args:
            place: The row, file or index of the sample.
            action: What was decided.
            label: The new label, if it changes.
            by: The name of the reviewer.
            source: Where it was made.
            drawn: Whether the sample was drawn at random from those that were undecided.
            at: The time, in ISO 8601; None for now.

        Raises:
            ValueError: For an action that does not exist, a change without a label, a label without
                a change, and an empty name.
        """
        when = _now() if at is None else at
        self.add_all([Decision(place, action, label, by, when, source, drawn)])

    def add_all(self, decisions: Sequence[Decision]) -> None:
        """Save decisions, all or none; one without a time gets that of now; see ``add``."""
        for each in decisions:
            _check(each)
        now = _now()
        rows = [
            (self.run, *each[:4], each.at or now, each.source, int(each.drawn))
            for each in decisions
        ]
        with self._open() as base:
            base.executemany(
                f"INSERT INTO decisions (run, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
            )

    def undo(self, by: str) -> Decision | None:
        """Take back the last decision of a reviewer that counts, and return it; None for none."""
        with self._open() as base:
            base.execute("BEGIN IMMEDIATE")
            found = base.execute(
                f"SELECT id, {COLUMNS} FROM decisions WHERE run = ? AND reviewer = ? "
                "AND undone IS NULL ORDER BY id DESC LIMIT 1",
                (self.run, by),
            ).fetchone()
            if found is not None:
                sql = "UPDATE decisions SET undone = ? WHERE id = ?"
                base.execute(sql, (_now(), found[0]))
        return None if found is None else _decision(found[1:])

    def latest(self) -> dict[str, dict[str, Decision]]:
        """Return the decisions that count, by place and by reviewer, in the order they were made.

        Of several decisions of one reviewer about a sample the last one counts.
        """
        with self._open() as base:
            rows = base.execute(
                f"SELECT {COLUMNS} FROM decisions WHERE run = ? AND undone IS NULL ORDER BY id",
                (self.run,),
            ).fetchall()
        found: dict[str, dict[str, Decision]] = {}
        for decision in map(_decision, rows):
            of_place = found.setdefault(decision.place, {})
            of_place.pop(decision.by, None)
            of_place[decision.by] = decision
        return found

    def earlier(self) -> int:
        """Return how many decisions are about an earlier run in the folder."""
        with self._open() as base:
            sql = "SELECT COUNT(*) FROM decisions WHERE run != ? AND undone IS NULL"
            return int(base.execute(sql, (self.run,)).fetchone()[0])

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection; what the block writes is on the disk after it, or nothing is."""
        base = None
        try:
            base = sqlite3.connect(self.path, timeout=PATIENCE)
            base.execute("PRAGMA synchronous = FULL")
            with base:
                yield base
        except sqlite3.OperationalError as error:
            raise OSError(f"{self.path} cannot be used: {error}.") from error
        except sqlite3.DatabaseError as error:
            raise ValueError(
                f"{self.path} is damaged: {error}. Move it away, or restore a copy."
            ) from error
        finally:
            if base is not None:
                base.close()


# The columns of a decision, in the order of ``Decision``.
COLUMNS = "place, action, label, reviewer, at, source, drawn"


def _decision(row: tuple[Any, ...]) -> Decision:
    """Return a decision of a row of the database."""
    place, action, label, by, at, source, drawn = row
    return Decision(place, action, label, by, at, source, bool(drawn))


def _check(decision: Decision) -> None:
    """Raise for a decision that cannot be."""
    action, label = decision.action, decision.label
    require(
        action in get_args(Action),
        f"A decision is one of {', '.join(get_args(Action))}; got {action!r}.",
    )
    require(
        (label is not None) == (action == "change"),
        f"A decision to change a label has a new label, and no other has one; got {action!r} with "
        f"{label!r}.",
    )
    require(
        bool(decision.by.strip()), "A decision needs the name of the reviewer; got an empty one."
    )


def _now() -> str:
    """Return the time in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def has_decisions(folder: Path) -> bool:
    """Say whether a folder has a database of decisions."""
    return (folder / DECISIONS).is_file()
