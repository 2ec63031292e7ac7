"""The report of a run as one page in HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from numpy.typing import NDArray

from selfpaced._page.content import Report
from selfpaced._page.packing import confusion, curves, one_map, packed, samples
from selfpaced._page.page import page
from selfpaced._text import html

# The styles and scripts of the page.
STYLES = ("theme.css", "card.css", "report.css")
SCRIPTS = (
    *("card.js", "gallery.js", "plane.js", "map.js", "confusion.js", "curves.js"),
    "report.js",
)
# The sections that a script fills, by their ids.
SECTIONS = {
    "suspects": "Look at these",
    "map": "Map of the samples",
    "confusion": "What is mistaken for what",
    "training": "The training",
}

# Up to this number of classes, their table is unfolded.
FEW = 12


def report_page(report: Report) -> str:
    """Return the page: the summary is part of it, and a script fills the other sections.

    Args:
        report: What it says.
    """
    arrays: dict[str, NDArray[Any]] = {}
    data: dict[str, Any] = {
        "title": report.title,
        "place": report.gallery.place,
        "more": report.gallery.more,
        "most": report.gallery.most,
        "classes": report.gallery.classes,
        "decided": dict(report.decided),
    }
    arrays["cases"] = packed([asdict(case) for case in report.gallery.cases])
    if report.samples is not None and report.maps:
        data["map"] = samples(report.samples, arrays)
        data["map"]["maps"] = [one_map(each, at, arrays) for at, each in enumerate(report.maps)]
    if report.meant is not None and report.meant.any():
        data["confusion"] = confusion(report.meant)
    if report.curves is not None and report.curves.series:
        data["curves"] = curves(report.curves)
    shown = [name for name in SECTIONS if name in ("suspects", *_names(data))]
    return page(
        f"{report.title}: {report.headline}",
        _body(report, shown),
        data=data,
        arrays=arrays,
        styles=STYLES,
        scripts=SCRIPTS,
    )


def _names(data: Mapping[str, Any]) -> list[str]:
    """Return the ids of the sections that have data."""
    ids = {"map": "map", "confusion": "confusion", "curves": "training"}
    return [ids[name] for name in ids if name in data]


def _body(report: Report, shown: Sequence[str]) -> str:
    """Return the content of the page: the summary, and sections for the script to fill."""
    links = {"summary": "Summary"} | {name: SECTIONS[name] for name in shown}
    if report.how:
        links["how"] = "How it was made"
    nav = "".join(f'<a href="#{name}">{title}</a>' for name, title in links.items())
    filled = "".join(f'<section id="{name}"><h2>{SECTIONS[name]}</h2></section>' for name in shown)
    return (
        f'<header><p class="file">{html(report.title)}</p>'
        f'<nav aria-label="Sections">{nav}</nav></header>\n'
        f"<main>{_summary(report)}<noscript><p>The samples, the map and the training need "
        f"JavaScript, which this browser does not run.</p></noscript>{filled}{_how(report)}</main>"
    )


def _summary(report: Report) -> str:
    """Return the summary: what was found, how far to trust it, and the panel of classes."""
    facts = "".join(
        f"<div><dt>{html(name)}</dt><dd>{html(value)}</dd></div>" for name, value in report.facts
    )
    told = "".join(f"<p>{html(line)}</p>" for line in report.told)
    doubts = "".join(f"<li>{html(line)}</li>" for line in report.doubts)
    trust = f"<h3>How far to trust this</h3><ul>{doubts}</ul>" if doubts else ""
    return (
        f'<section id="summary"><h1 dir="auto">{html(report.headline)}.</h1>'
        f'<dl class="facts">{facts}</dl><div class="columns"><div>{told}</div>'
        f"<div>{trust}</div></div>{_panel(report)}</section>"
    )


def _panel(report: Report) -> str:
    """Return the table of how well each class is predicted; "" without."""
    if not report.panel:
        return ""
    heads = "".join(f'<th scope="col">{html(head)}</th>' for head in report.heads)
    rows = "".join(
        f'<tr><th scope="row" dir="auto">{html(row[0])}</th>'
        + "".join(f"<td>{html(value)}</td>" for value in row[1:])
        + "</tr>"
        for row in report.panel
    )
    folded = "" if len(report.panel) <= FEW else " (all classes)"
    table = f'<table class="panel"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    is_open = " open" if len(report.panel) <= FEW else ""
    return (
        f"<details{is_open}><summary>How well each class can be predicted{folded}</summary>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="Classes">{table}</div>'
        f"</details>"
    )


def _how(report: Report) -> str:
    """Return how the report was made; "" without."""
    if not report.how:
        return ""
    rows = "".join(
        f"<dt>{html(name)}</dt><dd>{_value(name, value)}</dd>" for name, value in report.how
    )
    return f'<section id="how"><h2>How it was made</h2><dl class="how">{rows}</dl></section>'


def _value(name: str, value: str) -> str:
    """Return a value in HTML; a command is code."""
    return f"<code>{html(value)}</code>" if name == "command" else html(value)
