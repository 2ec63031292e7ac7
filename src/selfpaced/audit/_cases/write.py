"""Write what a run shows to people and programs: the ledger, the cases and the report."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from selfpaced._files import write_parquet, write_text
from selfpaced._page.report import report_page
from selfpaced.audit._cases.file import write_cases
from selfpaced.audit._cases.gallery import gallery
from selfpaced.audit._cases.maps import places
from selfpaced.audit._cases.report import report_of
from selfpaced.audit._cases.space import space
from selfpaced.audit._cases.told import told_of
from selfpaced.audit._folder.files import LEDGER, REPORT
from selfpaced.audit._folder.tables import ledger_table
from selfpaced.audit._learning.trained import Trained
from selfpaced.audit._plan import Plan
from selfpaced.audit._prepare import Prepared
from selfpaced.audit._result import Audit


def write_shown(
    stage: Path,
    folder: Path,
    plan: Plan,
    prepared: Prepared,
    found: Audit,
    trained: Trained,
    *,
    losses: NDArray[Any] | None = None,
    top: int | None = None,
    words: Sequence[str] = (),
) -> None:
    """Write ledger.parquet, cases.json and report.html.

    Args:
        stage: The folder to write to.
        folder: The folder of the run, as commands name it.
        plan: The settings of the run.
        prepared: The samples.
        found: The result of the training.
        trained: The model.
        losses: Losses after each epoch, shape (epochs, n); None if they were not kept.
        top: The number of samples to look at, as in ``Audit.doubtful``.
        words: Words of the command line that the plan does not have.
    """
    source = prepared.source
    with threadpool_limits(1):  # the same bits with any number of threads
        rows = space(trained, prepared.inputs)
        shown = places(found, rows, losses)
        cases = gallery(found, prepared, rows, top)
    write_parquet(ledger_table(found, source.where, source.fingerprints, shown), stage / LEDGER)
    write_cases(cases, told_of(found, prepared, words, losses), stage)
    write_text(report_page(report_of(stage, plan, folder)), stage / REPORT)
