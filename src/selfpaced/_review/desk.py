"""What a reviewer may ask for: the state of a review, to decide, and to undo."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from selfpaced._errors import require
from selfpaced._page.content import Case, Gallery
from selfpaced.audit._cases.file import read_gallery
from selfpaced.audit._decisions.precision import progress
from selfpaced.audit._decisions.store import Decision, Decisions
from selfpaced.audit._folder.config import read_config
from selfpaced.audit._folder.files import CASES, CONFIG, LEDGER
from selfpaced.audit._folder.seal import FILES, unbroken

# The keys of a decision that a page sends.
KEYS = {"place", "action", "label", "new", "drawn"}


class Replaced(ValueError):
    """Another audit has replaced the run that is reviewed."""


class Gone(LookupError):
    """A decision is about a sample that is not in the list."""


@dataclass(frozen=True, eq=False)
class Desk:
    """The review of a run by one person. Every answer is read from the database anew.

    Args:
        folder: The folder of the run.
        reviewer: The name of the person.
        gallery: The samples to decide about.
        decisions: The database.
    """

    folder: Path
    reviewer: str
    gallery: Gallery
    decisions: Decisions
    cases: Mapping[str, Case] = field(init=False)

    def __post_init__(self) -> None:
        """Find the samples by their places."""
        object.__setattr__(self, "cases", {each.sample.place: each for each in self.gallery.cases})

    @property
    def places(self) -> list[str]:
        """The places of the samples, the most suspicious first."""
        return list(self.cases)

    def state(self) -> dict[str, Any]:
        """Return all decisions that count, and what they say, as values that JSON can hold."""
        self._require_same_run()
        latest = self.decisions.latest()
        return {
            "reviewer": self.reviewer,
            "decisions": {place: _told(of_place) for place, of_place in latest.items()},
            **self._progress(latest),
        }

    def decide(self, asked: object) -> dict[str, Any]:
        """Save a decision.

        Args:
            asked: What a page sends: "place"; "action" ("keep", "change" or "unsure"); "label", the
                new one, if it changes; "new", whether the label may be one that no sample has; and
                "drawn", whether the sample was drawn at random.

        Returns:
            The decisions about this sample, and what all of them say.

        Raises:
            Replaced: If another audit has replaced the run.
            Gone: For a sample that is not in the list.
            ValueError: For a request of another form, and for a label that cannot be given.
        """
        self._require_same_run()
        wanted = _checked(asked)
        place, action, label = wanted["place"], wanted["action"], wanted["label"]
        case = self.cases.get(place)
        if case is None:
            raise Gone(f"There is no {self.gallery.noun} {place!r:.80} in the list of this run.")
        if label is not None:
            label = self._label(label, new=wanted["new"])
            if label == case.given:
                action, label = "keep", None
        self.decisions.add(place, action, label, self.reviewer, drawn=wanted["drawn"])
        return self._about(place)

    def undo(self) -> dict[str, Any]:
        """Take back the last decision of this reviewer; "place" is None if there is none."""
        self._require_same_run()
        taken = self.decisions.undo(self.reviewer)
        if taken is None:
            return {"place": None, **self._progress(self.decisions.latest())}
        return self._about(taken.place)

    def _about(self, place: str) -> dict[str, Any]:
        """Return the decisions about a sample, and what all of them say."""
        latest = self.decisions.latest()
        told = _told(latest.get(place, {}))
        return {"place": place, "decisions": told, **self._progress(latest)}

    def _progress(self, latest: Mapping[str, Mapping[str, Decision]]) -> dict[str, Any]:
        """Return how far the review is, in sentences and numbers."""
        found = progress(self.places, latest)
        return {"sentences": found.sentences, "left": found.left, "all": len(self.cases)}

    def _label(self, label: str, *, new: bool) -> str:
        """Return a label that can be given: a class, a number in a regression, or a new class."""
        if not self.gallery.classes:
            require(_is_number(label), f"The labels are numbers; got {label!r:.80}.")
            return label.strip()
        require(
            new or label in self.gallery.classes,
            f"{label!r:.80} is no class of this run. Choose one, or add it as a new class.",
        )
        require(bool(label.strip()), "A label cannot be empty.")
        return label

    def _require_same_run(self) -> None:
        """Raise if another audit has replaced the run."""
        try:
            config = json.loads((self.folder / CONFIG).read_text(encoding="utf-8"))
            same = config[FILES][LEDGER] == self.decisions.run
        except (OSError, ValueError, KeyError, TypeError):
            same = False
        if not same:
            raise Replaced(
                f"Another audit has replaced the run in {self.folder}, or it was removed. Start "
                f"the review again. All decisions so far are saved."
            )


def open_desk(folder: Path, reviewer: str) -> Desk:
    """Open the review of a finished run.

    Args:
        folder: The folder of the run.
        reviewer: The name of the person who decides.

    Raises:
        FileNotFoundError: For a folder without a run, and for a run without cases.json.
        ValueError: For a run or a database of another version or damaged, for a run without
            suspects, and for an empty name.
    """
    require(bool(reviewer.strip()), "A review needs the name of the reviewer; got an empty one.")
    config = read_config(folder)
    with unbroken(folder, config, (CASES,)):
        gallery = read_gallery(folder)
    require(
        bool(gallery.cases),
        f"The run in {folder} has no suspects: there is nothing to review.",
    )
    return Desk(folder, reviewer.strip(), gallery, Decisions(folder, config))


def _told(of_place: Mapping[str, Decision]) -> dict[str, dict[str, Any]]:
    """Return decisions about a sample by reviewer, as values that JSON can hold."""
    return {
        by: {"action": each.action, "label": each.label, "drawn": each.drawn}
        for by, each in of_place.items()
    }


def _checked(asked: object) -> dict[str, Any]:
    """Return a request to decide, or raise for one of another form."""
    require(
        isinstance(asked, dict) and set(asked) == KEYS,
        f"A decision has the keys {', '.join(sorted(KEYS))}.",
    )
    wanted: dict[str, Any] = dict(asked)  # type: ignore[call-overload]  # checked above
    texts = isinstance(wanted["place"], str) and isinstance(wanted["action"], str)
    switches = isinstance(wanted["new"], bool) and isinstance(wanted["drawn"], bool)
    label = wanted["label"] is None or isinstance(wanted["label"], str)
    require(
        texts and switches and label,
        "A decision has a place, an action and a label in text; new and drawn are true or false.",
    )
    require(
        (wanted["label"] is not None) == (wanted["action"] == "change"),
        "A decision to change a label has a new label, and no other has one.",
    )
    return wanted


def _is_number(text: str) -> bool:
    """Say whether a text is a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
