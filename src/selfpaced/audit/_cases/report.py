"""The report of a run, from the files in its folder."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced._files import read_parquet, require_free, write_text
from selfpaced._page.content import Report, Samples
from selfpaced._page.packing import chosen
from selfpaced._page.report import report_page
from selfpaced.audit._cases.curves import curves_from
from selfpaced.audit._cases.file import read_cases
from selfpaced.audit._cases.maps import maps_of
from selfpaced.audit._decisions.store import Decision, Decisions, has_decisions
from selfpaced.audit._folder.config import read_config
from selfpaced.audit._folder.files import CASES, LEDGER, REPORT, require_no_result
from selfpaced.audit._folder.seal import unbroken
from selfpaced.audit._plan import Plan, command, from_json

# With more classes, the classes that are confused are not counted.
MOST_CLASSES = 1_000
# The columns of a ledger that a report reads.
NEEDED = {"given", "suggested", "probability", "suspect"}


def write_report(
    folder: Path, output: Path | None = None, *, force: bool = False
) -> tuple[Path, int]:
    """Write the report of a finished run, with the decisions that people made since.

    Args:
        folder: The folder of the run.
        output: The file; None for report.html in the folder, which is replaced.
        force: Replace ``output`` if it exists.

    Returns:
        The file, and the number of samples about which something was decided.

    Raises:
        FileNotFoundError: For a folder without a run, and for an output in a folder that does not
            exist.
        FileExistsError: If ``output`` exists, without ``force``.
        ValueError: For a run of another version, for files that are damaged, and for an output that
            is no HTML file or a file of the run.
    """
    config = read_config(folder)
    if output is not None:
        _require_free(output, folder, force=force)
    with unbroken(folder, config, (CASES, LEDGER)):
        decided = Decisions(folder, config).latest() if has_decisions(folder) else {}
        page = report_page(report_of(folder, from_json(config["run"]), folder, decided))
    path = folder / REPORT if output is None else output
    write_text(page, path)
    return path, len(decided)


def _require_free(output: Path, folder: Path, *, force: bool) -> None:
    """Raise for a file that cannot be written, or must not be replaced."""
    require(
        output.suffix.lower() in (".html", ".htm"),
        f"The report is an HTML file; got output={str(output)!r}. Give a name that ends in .html.",
    )
    require_no_result(output, folder)
    if output.is_dir():
        raise IsADirectoryError(f"{output} is a folder. Give the name of a file.")
    require_free(output, force=force)


def report_of(
    folder: Path,
    plan: Plan,
    named: Path,
    decisions: Mapping[str, Mapping[str, Decision]] | None = None,
) -> Report:
    """Return the report of a run.

    Args:
        folder: The folder with cases.json and ledger.parquet.
        plan: The settings of the run.
        named: The folder of the run as the command names it.
        decisions: What people decided, by place and reviewer, as ``Decisions.latest`` returns it.

    Raises:
        FileNotFoundError: For a run without these files.
        ValueError: For files that are damaged, or of another version.
    """
    gallery, told = read_cases(folder)
    ledger = read_parquet(folder / LEDGER)
    require(
        set(ledger) >= NEEDED,
        f"{folder / LEDGER} lacks what a report shows: an older selfpaced made this run. Audit "
        f"again with force=True.",
    )
    classes = pd.Index(list(gallery.classes))
    how = [("command", command(plan, named, told.words)), *((a, b) for a, b in told.how)]
    drawn = ledger.iloc[chosen(ledger["suspect"].to_numpy(bool))]
    return Report(
        gallery.name,
        told.headline,
        told.told,
        [(name, value) for name, value in told.facts],
        told.doubts,
        gallery,
        _samples(drawn, classes, len(ledger)),
        maps_of(drawn, numeric=not len(classes)),
        _meant(ledger, classes),
        told.panel,
        told.heads,
        curves_from(told.curves),
        how,
        {place: in_words(of_place) for place, of_place in (decisions or {}).items()},
    )


def in_words(of_place: Mapping[str, Decision]) -> str:
    """Return what was decided about a sample; reviewers who disagree are all named.

    >>> ann = Decision("3", "change", "dog", "ann", "")
    >>> bob = Decision("3", "keep", None, "bob", "")
    >>> in_words({"ann": ann}), in_words({"ann": ann, "bob": bob})
    ('change to dog', 'ann: change to dog; bob: keep')
    """
    said = {
        by: f"change to {each.label}" if each.action == "change" else str(each.action)
        for by, each in of_place.items()
    }
    if len(set(said.values())) == 1:
        return next(iter(said.values()))
    return "; ".join(f"{by}: {what}" for by, what in said.items())


def _samples(drawn: pd.DataFrame, classes: pd.Index, total: int) -> Samples:
    """Return the samples of the maps, from their rows of the ledger."""
    where = drawn.iloc[:, 0]
    given, suggested = (_codes(drawn[name], classes) for name in ("given", "suggested"))
    return Samples(
        where.tolist(),
        given,
        suggested,
        tuple(classes),
        drawn["probability"].to_numpy(np.float32),
        drawn["suspect"].to_numpy(bool),
        total,
    )


def _codes(labels: pd.Series, classes: pd.Index) -> NDArray[np.int32]:
    """Return the position of each label in the classes; -1 for none."""
    if not len(classes):
        return np.full(len(labels), -1, np.int32)
    codes, names = pd.factorize(labels)
    places = classes.get_indexer(pd.Index([str(name) for name in names]))
    return np.where(codes < 0, -1, places[codes]).astype(np.int32)


def _meant(ledger: pd.DataFrame, classes: pd.Index) -> NDArray[np.int64] | None:
    """Return how many suspects have a label (columns) where another is suggested (rows)."""
    c = len(classes)
    if not 1 <= c <= MOST_CLASSES:
        return None
    suspects = ledger[ledger["suspect"].to_numpy(bool)]
    given, meant = (_codes(suspects[name], classes) for name in ("given", "suggested"))
    counts = np.zeros((c, c), np.int64)
    known = (given >= 0) & (meant >= 0)
    np.add.at(counts, (meant[known], given[known]), 1)
    return counts
