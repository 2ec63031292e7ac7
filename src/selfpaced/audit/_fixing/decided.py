"""Which labels are to be changed, and who says so: the review, a file, or the suggestions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from selfpaced._errors import require
from selfpaced.audit._decisions.precision import verdict
from selfpaced.audit._decisions.store import DECISIONS, Decision
from selfpaced.audit._fixing.spelling import key
from selfpaced.audit._reading.words import are, at

# The columns of the log of a correction.
LOG = ("place", "given", "new", "decision", "reviewer", "time", "source")


@dataclass(frozen=True)
class Choice:
    """A label to change.

    Args:
        place: The row, file or index of the sample, as text.
        given: The label that it has.
        label: The label that it gets.
        by: Who decided; "" if nobody did.
        time: When, in ISO 8601; "" if it is not known.
    """

    place: str
    given: str
    label: str
    by: str = ""
    time: str = ""


@dataclass(frozen=True)
class Choices:
    """The labels to change, and where they come from.

    Args:
        source: What says so, such as the name of a file.
        changes: The labels to change.
        kept: How many labels are to stay.
        unsure: About how many labels nobody is sure; they stay.
        looked: Whether a person has looked at the changes.
        undecided: How many suspects nobody has decided about; their labels stay.
    """

    source: str
    changes: tuple[Choice, ...]
    kept: int = 0
    unsure: int = 0
    looked: bool = True
    undecided: int = 0

    @property
    def told(self) -> str:
        """Where the changes come from, in a sentence."""
        n, parts = len(self.changes), [f"{self.kept:,} to keep"] if self.kept else []
        parts += [f"{self.unsure:,} unsure"] if self.unsure else []
        parts += [f"{self.undecided:,} suspects not decided"] if self.undecided else []
        by = self.source if self.looked else f"{self.source}, which nobody has checked"
        return f"By {by}: {', '.join([f'{n:,} to change', *parts])}."

    def log(self) -> pd.DataFrame:
        """Return the changes as a table: what changed, and who decided it when."""
        decision = "change" if self.looked else "suggestion"
        rows = [
            (each.place, each.given, each.label, decision, each.by, each.time, self.source)
            for each in self.changes
        ]
        return pd.DataFrame(rows, columns=list(LOG))


def from_review(
    latest: Mapping[str, Mapping[str, Decision]],
    given: Mapping[str, str],
    noun: str,
    reviewer: str | None = None,
) -> Choices:
    """Return the labels to change by the decisions of a review.

    Args:
        latest: The decisions, as ``Decisions.latest`` returns them.
        given: The label of each sample that the audit judged, by its place.
        noun: What a place is called, such as "row".
        reviewer: Only the decisions of this person count; None: those of all.

    Raises:
        ValueError: If reviewers disagree, for a reviewer who decided nothing, and for decisions
            about samples that the audit did not judge.
    """
    if reviewer is not None:
        people = sorted({by for of_place in latest.values() for by in of_place})
        require(
            reviewer in people,
            f"{reviewer!r} has decided nothing; there are decisions of {', '.join(people)}. Pass "
            f"reviewer=... with one of them.",
        )
        latest = {
            place: {reviewer: of_place[reviewer]}
            for place, of_place in latest.items()
            if reviewer in of_place
        }
    said = {place: verdict(of_place) for place, of_place in latest.items()}
    disputed = [place for place, each in said.items() if each == "disagree"]
    require(
        not disputed,
        f"The reviewers disagree about {at(noun, disputed)}. Decide again in the review, or pass "
        f"reviewer=... to take the decisions of one of them.",
    )
    strange = [place for place in said if place not in given]
    require(
        not strange,
        f"{DECISIONS} has decisions about {at(noun, strange)}, which {are(len(strange))} not in "
        f"the run any more. Review the run again.",
    )
    changes = []
    for place, each in said.items():
        if each == "wrong":
            sure = next(one for one in latest[place].values() if one.action == "change")
            changes.append(Choice(place, given[place], str(sure.label), sure.by, sure.at))
    verdicts = list(said.values())
    return Choices("the review", tuple(changes), verdicts.count("right"), verdicts.count("unsure"))


def from_suggestions(ledger: pd.DataFrame) -> Choices:
    """Return the labels to change by the suggestions: those of all suspects.

    Args:
        ledger: The ledger of the run; its first column is the place.
    """
    suspects = ledger[ledger["suspect"].to_numpy(bool)]
    rows = zip(suspects.iloc[:, 0], suspects["given"], suspects["suggested"], strict=True)
    return Choices("the suggestions", tuple(Choice(*map(str, row)) for row in rows), looked=False)


def changed(choices: Iterable[Choice]) -> tuple[Choice, ...]:
    """Return the choices that change a label."""
    return tuple(each for each in choices if key(each.label) != key(each.given))
