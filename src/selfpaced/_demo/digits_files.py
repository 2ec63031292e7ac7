"""The files of ``selfpaced demo digits``: a table and a picture of the suspects, and curves."""

import csv
from pathlib import Path

from torch import Tensor

from selfpaced._demo.digits import Comparison, predict
from selfpaced.report import plot_curves, plot_suspects

# The number of suspects in the picture.
PICTURED = 25


def write_files(folder: Path, comparison: Comparison) -> list[Path]:
    """Write ``suspects.png``, ``curves.png`` and ``suspects.csv``; older files are replaced.

    Args:
        folder: A folder that exists and can be written to.
        comparison: The trainings to show.

    Returns:
        The paths of the files.

    Raises:
        OSError: If a file cannot be written.
    """
    suspects = comparison.suspects
    suggested = predict(comparison.paced.model, comparison.data.train.images[suspects])
    names = ("suspects.png", "curves.png", "suspects.csv")
    pictures, curves, table = paths = [folder / name for name in names]
    first = suspects[:PICTURED]
    images = plot_suspects(
        comparison.data.train.images[first].numpy(),
        comparison.given[first].tolist(),
        suggested[:PICTURED].tolist(),
        comparison.planted[first].tolist(),
    )
    images[0].figure.canvas.figure.savefig(pictures)
    # The self-paced run comes first, so that it has the colour of the curve of its kept share.
    runs = comparison.paced, comparison.plain, comparison.clean
    left, _ = plot_curves(
        {run.name: run.accuracies for run in runs},
        [float(str(row["kept_share"])) for row in comparison.pacer.history],
        1 - comparison.planted.double().mean().item(),
    )
    left.figure.canvas.figure.savefig(curves)
    _write_table(table, comparison, suspects, suggested)
    return paths


def _write_table(path: Path, comparison: Comparison, suspects: Tensor, suggested: Tensor) -> None:
    """Write one row per suspect; the suspicion is a loss, and higher is more suspect."""
    suspicion = comparison.pacer.ledger.suspicion[suspects]
    columns = (suspects, comparison.given[suspects], suggested)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["rank", "index", "given label", "suggested label", "suspicion"])
        numbers = zip(*(column.tolist() for column in columns), suspicion.tolist(), strict=True)
        for rank, (index, given, better, score) in enumerate(numbers, start=1):
            table.writerow([rank, index, given, better, f"{score:.4f}"])
