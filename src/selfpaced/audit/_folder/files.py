"""The files of a run: their names, and how the folder is prepared, filled and protected."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, TemporaryFile

from selfpaced._errors import require
from selfpaced._files import PARTIAL, sync

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
# A trained scikit-learn model, pickled.
ESTIMATOR = "model.joblib"
# The settings of the run, and what is needed to build the model again.
CONFIG = "config.json"
# The fitted features, pickled.
FEATURES = "features.joblib"
# The state of an unfinished training.
CHECKPOINT = "checkpoint.pt"
# What the column confidence of suspects.csv means; a regression has no such column.
CONFIDENCE = "; confidence: how probable the suggested label is by the features alone"
# Every file that a run writes, with the description that the summary gives of it.
FILES = {
    SUMMARY: "this page",
    SUSPECTS: "the labels that are probably wrong, most suspicious first, then the most doubtful "
    "others, for a spreadsheet; fix: yes for a label that is probably wrong, which selfpaced fix "
    "changes, no for one that is only doubtful; probability: how probable it is that the given "
    f"label is wrong{CONFIDENCE}",
    SUSPECTS_PICTURE: "a picture of them",
    CONFLICTS: "samples that appear more than once, with different labels",
    CONSENSUS: "the consensus of the annotators: the most probable label of each sample by the "
    "votes and the models; probability: that it is right; agreement: the share of the votes for it",
    ANNOTATORS: "the annotators, the least reliable first; quality: how often one is right, "
    "estimated; agreement: how often one gave the consensus",
    CURVES: "a picture of the training: the kept share and the loss over the epochs",
    LEDGER: "every sample, in the order of the file, with its probability, loss and weight, for "
    "programs; for a spreadsheet, the option top of the audit lists more rows in suspects.csv",
    HISTORY: "every epoch, with its age, kept share and mean loss",
    WEIGHTS: "the weights of the trained model",
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


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder; its files move into ``folder`` if the block raises no error.

    They replace everything that an earlier run wrote there, including the checkpoint. If the block
    raises, the temporary folder is removed and ``folder`` does not change.

    Args:
        folder: A folder that exists and can be written to.

    Raises:
        OSError: If the disk is full; the run can then be continued from its checkpoint.
        IsADirectoryError: If a folder has the name of a file of the run.

    >>> with TemporaryDirectory() as run:
    ...     with staged(Path(run)) as stage:
    ...         _ = (stage / "summary.md").write_text("All is well.")
    ...     os.listdir(run)
    ['summary.md']
    """
    try:
        with TemporaryDirectory(prefix=PARTIAL, dir=folder) as stage:
            yield Path(stage)
            _publish(Path(stage), folder)
    except Exception as error:
        if not disk_is_full(error):
            raise
        raise OSError(
            f"The disk is full: nothing of the results was written to {folder}. Free some space "
            f"and go on with resume=True."
        ) from error


def claim(folder: Path, *, force: bool, resume: bool) -> None:
    """Create the folder of a run, or raise if it holds files that a run must not replace.

    Args:
        folder: The folder; it may exist. Missing parents are created.
        force: The folder may hold an earlier run; ``staged`` replaces its files and no others.
        resume: The folder may hold a run, which will be continued.

    Raises:
        FileExistsError: For a folder that is not empty, without ``force`` or ``resume``; with
            ``force``, for a folder that holds files with the names of a run but no run.
        NotADirectoryError: If the path is a file.
        ValueError: For ``force`` and ``resume`` together.
        OSError: For a folder that cannot be written to.

    >>> with TemporaryDirectory() as parent:
    ...     claim(Path(parent, "run"), force=False, resume=False)
    ...     os.listdir(parent)
    ['run']
    """
    require(not (force and resume), "Choose force=True or resume=True; got both.")
    if folder.is_file():
        raise NotADirectoryError(
            f"{folder} is a file, and a run writes to a folder. Choose another name."
        )
    if not (force or resume) and folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(
            f"{folder} exists. Choose another folder, or pass force=True to replace an earlier "
            f"run, or resume=True to go on with it."
        )
    _make(folder)
    if force:
        _require_run(folder)
    if force or resume:
        _remove_partial(folder)


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


def _make(folder: Path) -> None:
    """Create the folder if it does not exist, and check that files can be written to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(prefix=PARTIAL, dir=folder):
            pass
    except OSError as error:
        raise OSError(
            f"{folder} cannot be written to: {error.strerror}. Choose another folder."
        ) from error


def _require_run(folder: Path) -> None:
    """Raise if files have the names of a run but there is no run: they would be replaced."""
    present = [name for name in FILES if os.path.lexists(folder / name)]
    if not MARKS_OF_A_RUN <= set(present) and set(present) - {CHECKPOINT}:
        raise FileExistsError(
            f"{folder} holds {', '.join(present)}, but no earlier run. Choose another folder."
        )


def _remove_partial(folder: Path) -> None:
    """Remove partly written files of a run that was killed."""
    for path in folder.glob(f"{PARTIAL}*"):
        if path.is_dir() and not path.is_symlink():
            rmtree(path)
        else:
            path.unlink()


def _publish(stage: Path, folder: Path) -> None:
    """Move all files into the folder, after a sync to the disk, and remove those of before."""
    made = sorted(stage.iterdir(), key=lambda path: (path.name == SUMMARY, path.name))
    for path in made:
        if (folder / path.name).is_dir():
            raise IsADirectoryError(
                f"{folder / path.name} is a folder, and a run writes a file of that name. "
                f"Move it away and go on with resume=True."
            )
        path.chmod(folder.stat().st_mode & 0o666)  # safetensors lets only the owner read its file
        sync(path)
    if any(path.name == SUMMARY for path in made):
        (folder / SUMMARY).unlink(missing_ok=True)
    for path in made:
        os.replace(path, folder / path.name)
    for name in set(FILES) - {path.name for path in made}:
        if os.path.lexists(folder / name) and not (folder / name).is_dir():
            (folder / name).unlink()


def disk_is_full(error: BaseException | None) -> bool:
    """Return whether an error, or one of its causes, is a full disk or a used-up quota."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        if "No space left on device" in str(error):  # safetensors raises an error of its own type
            return True
        error = error.__cause__ or error.__context__
    return False
