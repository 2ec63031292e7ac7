"""A pacer as a notebook shows it."""

import math
from typing import TYPE_CHECKING

from selfpaced._text import html, html_line, html_table

if TYPE_CHECKING:
    from selfpaced._pacer.pacer import Pacer

# The numbers of a history that are drawn, and what they are called.
DRAWN = {"kept_share": "kept share", "mean_loss": "mean loss"}


def as_html(pacer: "Pacer") -> str:
    """Return a pacer in HTML: its settings, what it has seen, and its last step."""
    n = pacer.n_samples
    rows = [("steps", f"{pacer.steps:,}")]
    if n is not None:
        seen = int((pacer.ledger.visits > 0).sum())
        rows = [("samples", f"{n:,}"), ("seen", f"{seen:,}"), *rows]
    if pacer.history:
        last = pacer.history[-1]
        age = last["age"]
        ages = "one for each group" if isinstance(age, list) else f"{age:.4g}"
        rows += [("kept share", f"{last['kept_share']:.1%}"), ("age", ages)]
        rows += [("mean loss", f"{last['mean_loss']:.4g}")]
    table = html_table(("", ""), rows)
    lines = "".join(
        f"<div>{html(name)} {line}</div>"
        for key, name in DRAWN.items()
        if (line := html_line(_numbers(pacer, key), name))
    )
    return f"<div><pre>{html(repr(pacer))}</pre>{table}{lines}</div>"


def _numbers(pacer: "Pacer", key: str) -> list[float]:
    """Return a number of each step; NaN where there is none."""
    values = [row[key] for row in pacer.history]
    return [float(each) if isinstance(each, int | float) else math.nan for each in values]
