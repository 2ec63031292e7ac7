"""cases.json: the gallery of a run, and what its report says.

The file may come from a stranger: every value is checked here before a page shows it.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from selfpaced._errors import require
from selfpaced._files import write_text
from selfpaced._page.content import Case, Gallery, Neighbour, Shown
from selfpaced.audit._folder.files import CASES

# The version of the file.
VERSION = 1
# How a picture in it begins.
PICTURES = ("data:image/png;base64,", "data:image/jpeg;base64,")


@dataclass(frozen=True)
class Told:
    """What a report says in words and numbers; see ``content.Report`` for each.

    Args:
        headline: What was found.
        told: What may be concluded.
        facts: The numbers that matter most.
        doubts: Reasons to doubt the result.
        heads: The heads of the panel of classes.
        panel: How well each class is predicted.
        how: How the report was made, without the command.
        words: Words of the command that config.json does not have.
        curves: The training, as ``curves.curves`` returns it.
    """

    headline: str
    told: Sequence[str]
    facts: Sequence[Sequence[str]]
    doubts: Sequence[str]
    heads: Sequence[str]
    panel: Sequence[Sequence[str]]
    how: Sequence[Sequence[str]]
    words: Sequence[str]
    curves: Mapping[str, Any]


def write_cases(gallery: Gallery, told: Told, folder: Path) -> None:
    """Write cases.json into the folder of a run."""
    values = {"version": VERSION, **asdict(gallery), "report": asdict(told)}
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    write_text(text + "\n", folder / CASES)


def read_gallery(folder: Path) -> Gallery:
    """Read the gallery of a run.

    Raises:
        FileNotFoundError: For a run without cases.json.
        ValueError: For a file that is damaged, or of a newer version.
    """
    return read_cases(folder)[0]


def read_cases(folder: Path) -> tuple[Gallery, Told]:
    """Read the gallery of a run, and what its report says; raises as ``read_gallery``."""
    path = folder / CASES
    values = _values(path)
    try:
        gallery = _gallery(values)
        told = Told(**{name: _told(name, values["report"][name]) for name in KINDS})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{path} is damaged: {type(error).__name__}: {error}. Copy the whole folder again, or "
            f"audit again."
        ) from error
    return gallery, told


def _values(path: Path) -> dict[str, Any]:
    """Read the file as JSON of a version that is known."""
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no {path}: an older selfpaced made this run. Audit again with force=True."
        )
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}. Copy the whole folder again.") from error
    require(
        isinstance(values, dict) and type(values.get("version")) is int,
        f"{path} is not the cases.json of a run. Give the folder that selfpaced audit wrote.",
    )
    require(
        values["version"] <= VERSION,
        f"{path} has version {values['version']}, of a newer selfpaced; this one reads version "
        f"{VERSION}. Use the version that wrote it.",
    )
    return values


def _gallery(values: dict[str, Any]) -> Gallery:
    """Return the gallery, or raise for values that none has."""
    cases = tuple(_case(each) for each in _list(values["cases"]))
    classes = tuple(_text(name) for name in _list(values["classes"]))
    name, noun, place = (_text(values[key]) for key in ("name", "noun", "place"))
    more = values["more"]
    if type(more) is not int or more < 0:
        raise ValueError(f"the number of further samples is {more!r:.40}")
    return Gallery(name, noun, place, classes, cases, more, _share(values["most"]))


def _case(case: dict[str, Any]) -> Case:
    """Return a case."""
    chances = [(_text(name), _share(p)) for name, p in _list(case["probabilities"])]
    differs = [(_text(a), _text(b), _text(c)) for a, b, c in _list(case["differs"])]
    near = [
        Neighbour(_shown(each["sample"]), _text(each["label"]))
        for each in _list(case["neighbours"])
    ]
    line = case["line"]
    if line is not None and type(line) is not int:
        raise ValueError(f"a line is {line!r:.40}")
    return Case(
        _shown(case["sample"]),
        case["suspect"] is True,
        _text(case["given"]),
        _text(case["suggested"]),
        _share(case["probability"]),
        tuple(chances),
        tuple(differs),
        tuple(near),
        line,
    )


def _shown(sample: dict[str, Any]) -> Shown:
    """Return a sample."""
    image = _text(sample["image"])
    if image and not image.startswith(PICTURES):
        raise ValueError(f"a picture begins with {image[:30]!r}")
    row = tuple((_text(name), _text(value)) for name, value in _list(sample["row"]))
    return Shown(_text(sample["place"]), _text(sample["text"]), image, row)


def _told(name: str, value: Any) -> Any:
    """Return a part of what a report says, or raise for a value that none has."""
    return KINDS[name](value)


def _texts(value: Any) -> list[str]:
    """Return a list of texts."""
    return [_text(each) for each in _list(value)]


def _rows(value: Any) -> list[list[str]]:
    """Return a list of lists of texts."""
    return [_texts(each) for each in _list(value)]


def _curves(value: Any) -> dict[str, Any]:
    """Return curves: their numbers, and as many bins for each epoch."""
    series = {_text(name): _numbers(each) for name, each in value["series"].items()}
    if "edges" not in value:
        return {"series": series}
    edges = _numbers(value["edges"])
    counts = {name: [_numbers(row) for row in value[name]] for name in ("suspects", "others")}
    wrong = {len(row) for rows in counts.values() for row in rows} - {len(edges) - 1}
    if wrong or len(counts["suspects"]) != len(counts["others"]):
        raise ValueError("the losses of an epoch are not counted in the bins")
    return {"series": series, "edges": edges, **counts}


def _numbers(value: Any) -> list[float | None]:
    """Return a list of numbers; None stands for a missing one."""
    for each in _list(value):
        if each is not None and not _is_number(each):
            raise ValueError(f"a number is {each!r:.40}")
    return list(value)


def _is_number(value: Any) -> bool:
    """Say whether a value is a finite number that float32 can hold."""
    return type(value) in (int, float) and math.isfinite(value) and abs(value) < 1e38


def _share(value: Any) -> float:
    """Return a number from 0 to 1."""
    if not _is_number(value) or not 0 <= value <= 1:
        raise ValueError(f"a probability is {value!r:.40}")
    return float(value)


def _text(value: Any) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise TypeError(f"a text is {value!r:.40}")
    return value


def _list(value: Any) -> list[Any]:
    """Return a list."""
    if not isinstance(value, list):
        raise TypeError(f"a list is {value!r:.40}")
    return value


# How each part of ``Told`` is checked.
KINDS: dict[str, Callable[[Any], Any]] = {
    "headline": _text,
    "told": _texts,
    "facts": _rows,
    "doubts": _texts,
    "heads": _texts,
    "panel": _rows,
    "how": _rows,
    "words": _texts,
    "curves": _curves,
}
