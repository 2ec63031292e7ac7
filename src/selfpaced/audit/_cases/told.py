"""What the report of an audit says in words and numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfpaced.audit._cases.curves import curves
from selfpaced.audit._cases.file import Told
from selfpaced.audit._folder.origin import versions
from selfpaced.audit._folder.summary import any_doubts, doubts, panel
from selfpaced.audit._prepare import Prepared
from selfpaced.audit._reading.words import count
from selfpaced.audit._result import Audit


def told_of(
    found: Audit, prepared: Prepared, words: Sequence[str], losses: NDArray[Any] | None
) -> Told:
    """Return what the report says.

    Args:
        found: The result of an audit of n samples.
        prepared: The samples.
        words: Words of the command line that the plan does not have.
        losses: Losses after each epoch, shape (epochs, n); None if they were not kept.
    """
    headline, *sentences = found.conclusion
    known = found.reliability
    heads: list[str] = []
    rows: list[list[str]] = []
    if known is not None:
        table = panel(known, every_class=found.every_class)
        heads, rows = list(table.columns), table.astype(str).to_numpy().tolist()
    if known is not None and known.learned:  # else the conclusion says it
        sentences.append(known.predicted)
    reasons = [*(what + why for what, why in doubts(found)), *any_doubts(found)]
    told = (headline, sentences, _facts(found), reasons, heads, rows, _how(found, prepared))
    return Told(*told, words, curves(found, losses))


def _facts(found: Audit) -> Sequence[tuple[str, str]]:
    """Return the numbers that matter most."""
    n, k, wrong = len(found.table), len(found.suspects), found.count
    what = "numbers" if found.numeric else "labels"
    facts = [
        ("samples", f"{n:,}"),
        ("suspects", f"{k:,}"),
        (f"wrong {what}, estimated", f"{wrong.low:,.0f} to {wrong.high:,.0f}"),
    ]
    if found.reliability is not None:
        accuracy, base = found.reliability.accuracy, found.reliability.base_accuracy
        facts.append(("held-out accuracy", f"{accuracy:.1%}"))
        facts.append(("of the most frequent class", f"{base:.1%}"))
    return facts


def _how(found: Audit, prepared: Prepared) -> list[tuple[str, str]]:
    """Return how the report was made: the data, the models and versions."""
    source = prepared.source
    how = [("data", f"{source.path}: {count(len(source), 'sample')}")]
    if found.reliability is not None:
        how.append(("judged by", found.reliability.learned_by))
    elif np.isfinite(found.table["probability"]).any():
        how.append(("judged by", "The model that learned the labels, from its losses over time."))
    how += [("noticed while reading", note) for note in prepared.notes]
    how.append(("versions", ", ".join(f"{name} {each}" for name, each in versions().items())))
    return how
