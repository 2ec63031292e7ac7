"""Samples and decisions in the JSON of Label Studio.

A file to import there is a list of tasks: "data" has the sample, "predictions" the suggested label.
An export from there is the same list with "annotations", or flat objects (JSON_MIN). The formats
are those of https://labelstud.io/guide/task_format and https://labelstud.io/guide/export.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from xml.sax.saxutils import quoteattr

from selfpaced._errors import require
from selfpaced._page.content import Case, Gallery
from selfpaced._text import visible

# The keys of the data of a task that say which sample it is.
PLACE, RUN = "selfpaced_place", "selfpaced_run"
# The names of the labels and of the sample in the labelling interface.
LABEL, SAMPLE = "label", "sample"


class Answer(NamedTuple):
    """A label that somebody gave in another program.

    Args:
        place: The place of the sample.
        label: The label.
        by: Who gave it.
        at: When, in ISO 8601; None if it is not said.
    """

    place: str
    label: str
    by: str
    at: str | None


def tasks(gallery: Gallery, run: str) -> list[dict[str, Any]]:
    """Return the samples of a gallery as tasks to import into Label Studio.

    Args:
        gallery: The samples.
        run: What identifies the run.
    """
    return [_task(case, run, numeric=not gallery.classes) for case in gallery.cases]


def _task(case: Case, run: str, *, numeric: bool) -> dict[str, Any]:
    """Return a sample as a task, with the suggested label as a prediction."""
    sample = case.sample
    data: dict[str, Any] = {PLACE: sample.place, RUN: run}
    data |= {"given": case.given, "suggested": case.suggested}
    data |= {"probability": round(case.probability or 0, 4), SAMPLE: sample.image or as_text(case)}
    kind, value = ("number", float(case.suggested)) if numeric else ("choices", [case.suggested])
    result = {"from_name": LABEL, "to_name": SAMPLE, "type": kind, "value": {kind: value}}
    score = dict(case.probabilities).get(case.suggested, case.probability or 0)
    return {
        "data": data,
        "predictions": [{"model_version": "selfpaced", "score": score, "result": [result]}],
    }


def as_text(case: Case) -> str:
    """Return a sample as text: a line for each column of a row."""
    rows = [f"{name}: {value}" for name, value in case.sample.row]
    return "\n".join([*([case.sample.text] if case.sample.text else []), *rows])


def interface(gallery: Gallery) -> str:
    """Return the labelling interface for the tasks, as Label Studio takes it.

    Raises:
        ValueError: For a class whose name has control characters, which XML cannot hold.
    """
    tag = "Image" if gallery.noun == "image" else "Text"
    lines = ["<View>", '  <Header value="Given: $given"/>']
    lines.append(f'  <{tag} name="{SAMPLE}" value="${SAMPLE}"/>')
    if not gallery.classes:
        return (
            "\n".join([*lines, f'  <Number name="{LABEL}" toName="{SAMPLE}"/>', "</View>"]) + "\n"
        )
    lines.append(f'  <Choices name="{LABEL}" toName="{SAMPLE}" choice="single">')
    for name in gallery.classes:
        require(
            visible(name) == name,
            f"The class {name!r:.60} has characters that the labelling interface of Label Studio "
            f"cannot hold. Export to CSV or JSON Lines.",
        )
        lines.append(f"    <Choice value={quoteattr(name)}/>")
    return "\n".join([*lines, "  </Choices>", "</View>"]) + "\n"


def answers(exported: object, run: str, reviewer: str | None) -> tuple[list[Answer], int]:
    """Return the labels that people gave in Label Studio.

    Args:
        exported: The JSON of an export, in either format.
        run: What identifies the run.
        reviewer: The name of all who gave labels; None for their names or numbers there.

    Returns:
        The labels, and how many tasks were skipped there.

    Raises:
        ValueError: For a file that is no export, or of another run, and for a task with other than
            one label.
    """
    require(
        isinstance(exported, list) and all(isinstance(task, dict) for task in exported),
        "An export of Label Studio is a list of tasks. Export as JSON or JSON_MIN.",
    )
    found: list[Answer] = []
    skipped = 0
    tasks: Sequence[Mapping[str, Any]] = exported  # type: ignore[assignment]  # checked above
    for task in tasks:
        data = task.get("data", task)
        place = _place(data, run)
        if "annotations" not in task:
            found += _flat(task, place, reviewer)
            continue
        for annotation in task["annotations"]:
            if annotation.get("was_cancelled"):
                skipped += 1
            else:
                found.append(_answer(annotation, place, reviewer))
    return found, skipped


def _place(data: Mapping[str, Any], run: str) -> str:
    """Return the place of the sample of a task."""
    require(
        isinstance(data, dict) and PLACE in data and RUN in data,
        f"A task has no {PLACE} and {RUN}: it does not come from selfpaced export.",
    )
    require(
        data[RUN] == run,
        f"The task of {data[PLACE]!r:.60} is of another run. Import it into that run, or export "
        f"this run again.",
    )
    return str(data[PLACE])


def _answer(annotation: Mapping[str, Any], place: str, reviewer: str | None) -> Answer:
    """Return the label of an annotation."""
    labels = [
        one
        for result in annotation.get("result", [])
        if result.get("from_name") == LABEL
        for one in _values(result.get("value", {}))
    ]
    by = reviewer or _person(annotation.get("completed_by"))
    at = annotation.get("updated_at") or annotation.get("created_at")
    return Answer(place, _one(labels, place), by, None if at is None else str(at))


def _flat(task: Mapping[str, Any], place: str, reviewer: str | None) -> list[Answer]:
    """Return the label of a task in the flat format; none for a task without one."""
    if LABEL not in task:
        return []
    value = task[LABEL]
    labels = _values(value) if isinstance(value, dict) else [value]
    at = task.get("updated_at") or task.get("created_at")
    by = reviewer or _person(task.get("annotator"))
    return [Answer(place, _one(labels, place), by, None if at is None else str(at))]


def _values(value: Mapping[str, Any]) -> list[Any]:
    """Return the labels of a result."""
    return [*value.get("choices", []), *([value["number"]] if "number" in value else [])]


def _one(labels: Sequence[Any], place: str) -> str:
    """Return the label, if there is one."""
    require(
        len(labels) == 1,
        f"The task of {place!r:.60} has {len(labels)} labels. Give it one.",
    )
    return str(labels[0])


def _person(who: Any) -> str:  # a number, or an object
    """Return the name of a person: an address, or a number."""
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    return "Label Studio" if who is None else f"Label Studio {who}"
