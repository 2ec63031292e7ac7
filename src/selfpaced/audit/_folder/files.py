"""The files of a run: their names, and what they hold."""

import errno
from collections.abc import Iterable
from pathlib import Path

from selfpaced._errors import causes, require

# The page for the reader. It is moved into the folder last: where it exists, all files do.
SUMMARY = "summary.md"
# The table of the labels that are probably wrong.
SUSPECTS = "suspects.csv"
# The picture of the suspects.
SUSPECTS_PICTURE = "suspects.png"
# The table of equal samples with different labels.
CONFLICTS = "conflicts.csv"
# The tables of the consensus of several annotators, and of these.
CONSENSUS, ANNOTATORS = "consensus.csv", "annotators.csv"
# The picture of the training.
CURVES = "curves.png"
# The table of all samples.
LEDGER = "ledger.parquet"
# The table of all epochs.
HISTORY = "history.parquet"
# The weights of a trained network.
WEIGHTS = "model.safetensors"
# The trained scikit-learn models, as plain data.
ESTIMATOR = "estimators.safetensors"
# The settings of the run, and what is needed to build the model again.
CONFIG = "config.json"
# The fitted features, as plain data.
FEATURES = "features.safetensors"
# The samples to look at, and what the report says.
CASES = "cases.json"
# The report for people, which needs no other file.
REPORT = "report.html"
# The state of an unfinished training.
CHECKPOINT = "checkpoint.pt"
# What the column confidence of suspects.csv means; a regression has no such column.
CONFIDENCE = "; confidence: how probable the suggested label is by the features alone"
# Every file that a run writes, with the description that the summary gives of it.
FILES = {
    SUMMARY: "this page",
    REPORT: "everything that was found, to look at in a browser; it shows the suspects with their "
    "neighbours, a map of all samples and the training, needs no network, and can be sent",
    SUSPECTS: "the labels that are probably wrong, most suspicious first, then the most doubtful "
    "others, for a spreadsheet; an apostrophe stands before text that it would run as a formula; "
    "fix: yes for a label that is probably wrong, which selfpaced fix "
    "changes, no for one that is only doubtful; probability: how probable it is that the given "
    f"label is wrong{CONFIDENCE}",
    SUSPECTS_PICTURE: "a picture of them",
    CONFLICTS: "samples that appear more than once, with different labels",
    CONSENSUS: "the consensus of the annotators: the most probable label of each sample by the "
    "votes and the models; probability: that it is right; agreement: the share of the votes for it",
    ANNOTATORS: "the annotators, the least reliable first; quality: how often one is right, "
    "estimated; agreement: how often one gave the consensus",
    CURVES: "a picture of the training: the kept share and the loss over the epochs",
    CASES: "the suspects as the report and selfpaced review show them",
    LEDGER: "every sample, in the order of the file, with its probability, loss and weight, for "
    "programs; for a spreadsheet, the option top of the audit lists more rows in suspects.csv",
    HISTORY: "every epoch, with its age, kept share and mean loss",
    WEIGHTS: "the weights of the trained network",
    ESTIMATOR: "the trained model",
    CONFIG: "the settings of the run, and how the model is built",
    FEATURES: "how a row becomes the numbers that the model takes",
    CHECKPOINT: "the state of the training, to go on with",
}
# Files that together identify the folder of a run: no other program writes both.
MARKS_OF_A_RUN = {LEDGER, CONFIG}
# Error numbers of a full disk and of a used-up quota.
FULL = (errno.ENOSPC, errno.EDQUOT)


def described(names: Iterable[str], *, numeric: bool) -> dict[str, str]:
    """Return what each file holds, by name; a label of a regression is called a number."""
    if not numeric:
        return {name: FILES[name] for name in names}
    return {name: FILES[name].removesuffix(CONFIDENCE).replace("label", "number") for name in names}


def require_checkpoint(folder: Path) -> None:
    """Raise unless the folder holds a run that can be continued.

    Raises:
        FileNotFoundError: If the run is finished, and if there is no run.
    """
    if (folder / CHECKPOINT).is_file():
        return
    if (folder / SUMMARY).is_file():
        raise FileNotFoundError(
            f"The run in {folder} is over: there is nothing to go on with. Begin again with "
            f"force=True, or choose another folder."
        )
    raise FileNotFoundError(
        f"{folder} holds no {CHECKPOINT} to go on with. Leave out resume=True to begin."
    )


def require_no_result(path: Path, folder: Path) -> None:
    """Raise for a path that is a file of a run in this folder.

    >>> require_no_result(Path("run/reviews.csv"), Path("run"))
    >>> require_no_result(Path("run/suspects.csv"), Path("run"))
    Traceback (most recent call last):
    ValueError: run/suspects.csv is a file of the run itself. Choose another name or folder.
    """
    inside = path.resolve().parent == folder.resolve()
    require(
        not (inside and path.name in FILES),
        f"{path} is a file of the run itself. Choose another name or folder.",
    )


def disk_is_full(error: BaseException | None) -> bool:
    """Return whether an error, or one of its causes, is a full disk or a used-up quota."""
    return any(
        (isinstance(each, OSError) and each.errno in FULL)
        or "No space left on device" in str(each)  # safetensors raises an error of its own type
        for each in causes(error)
    )
