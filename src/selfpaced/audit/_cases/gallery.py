"""The gallery of a run: its suspects and doubtful samples, with what a person judges them by."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfpaced._page.content import Case, Gallery, Neighbour
from selfpaced._page.pictures import cell
from selfpaced.audit._cases.near import Columns, Near, neighbours
from selfpaced.audit._cases.shown import SHORT, Viewer
from selfpaced.audit._prepare import Prepared
from selfpaced.audit._reliability import most_shown
from selfpaced.audit._result import Audit

# The largest number of samples of a gallery, and of images.
MOST_CASES, MOST_IMAGES = 1_000, 500
# The number of classes whose probability is shown, besides the given one.
CLASSES = 4


def gallery(
    found: Audit, prepared: Prepared, rows: NDArray[np.float32], top: int | None = None
) -> Gallery:
    """Return the samples to look at: the first of ``Audit.doubtful``.

    Args:
        found: The result of an audit of n samples.
        prepared: The samples.
        rows: Places of the samples, shape (n, d), in which neighbours are near.
        top: The number of samples, as in ``Audit.doubtful``. None: 1,000 at most, or 500 images.
    """
    source, viewer = prepared.source, Viewer(prepared)
    most = MOST_IMAGES if source.kind == "images" else MOST_CASES
    whole = found.doubtful(top)
    listed = whole.head(most if top is None else top)
    which = [int(place) for place in listed.index]
    n = len(found.table)
    labels = np.zeros(n, np.int64) if found.numeric else prepared.labels.numpy()
    near = neighbours(rows, labels, which)
    features = source.features
    columns = Columns(features) if isinstance(features, pd.DataFrame) else None
    chances = _chances(found, which)
    cases = tuple(
        _case(viewer, row, each, columns, chance)
        for row, each, chance in zip(listed.reset_index().itertuples(), near, chances, strict=True)
    )
    names = () if prepared.names is None else tuple(map(str, prepared.names))
    name = source.path.name or str(source.path)
    place, more = str(source.where.name), len(whole) - len(cases)
    return Gallery(name, viewer.noun, place, names, cases, more, most_shown(found.count))


def _case(
    viewer: Viewer,
    row: Any,
    near: Near,
    columns: Columns | None,
    chances: tuple[tuple[str, float], ...],
) -> Case:
    """Return a sample to look at.

    Args:
        viewer: Shows samples.
        row: A row of ``Audit.doubtful``, as a named tuple with ``index``.
        near: Its neighbours.
        columns: The columns of a table.
        chances: The probabilities of its classes.
    """
    place, source = int(row.index), viewer.prepared.source
    given = source.labels
    others = [Neighbour(viewer.shown(int(at), small=True), str(given.iloc[at])) for at in near.any]
    told = [] if columns is None else columns.different(place, near.alike)
    texts = set(viewer.texts)
    return Case(
        viewer.shown(place),
        bool(row.suspect),
        _label(row.label),
        _label(row.suggested),
        float(row.probability),
        chances,
        tuple((n, cell(x, SHORT), cell(y, SHORT)) for n, x, y in told if n not in texts),
        tuple(others),
        None if source.lines is None else int(source.lines[place]),
    )


def _label(label: Any) -> str:
    """Return a label as text; a number with the digits that tell something."""
    return cell(label, SHORT) if isinstance(label, float) else str(label)


def _chances(found: Audit, which: Sequence[int]) -> list[tuple[tuple[str, float], ...]]:
    """Return the probabilities of the most probable classes of samples, and of the given ones."""
    p = found.probabilities
    if p is None or found.confusion is None:
        return [()] * len(which)
    names = found.confusion.index
    codes = names.get_indexer(pd.Index(found.table["label"].loc[list(which)]))
    listed = []
    for place, own in zip(which, codes, strict=True):
        order = [int(code) for code in np.argsort(-p[place], kind="stable")[:CLASSES]]
        order += [] if own in order else [int(own)]
        listed.append(tuple((str(names[code]), round(float(p[place, code]), 4)) for code in order))
    return listed
