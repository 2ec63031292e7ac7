"""What a command finds around it: the letters of the terminal, and the home of the user."""

import atexit
import io
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

# The folders of matplotlib in the home of the user, by the environment variable that says where
# they are instead.
PLACES = {
    "XDG_CACHE_HOME": ".cache/matplotlib",
    "XDG_CONFIG_HOME": ".config/matplotlib",
    "": ".matplotlib",  # on macOS and Windows
}


def prepare() -> None:
    """Make sure that a command can print everything, and leaves nothing in the home."""
    write_all_letters()
    keep_home_clean()


def write_all_letters() -> None:
    r"""Let stdout and stderr print letters that their encoding lacks, as \xe4.

    In the locale C, and in many terminals of Windows, printing the name of a column could end the
    program.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def keep_home_clean() -> None:
    """Let matplotlib keep its list of fonts in a folder that is removed when the program ends.

    Else it makes folders in the home of the user, or warns that it cannot. Where it has a folder
    already, or the user chose one, that one is used.
    """
    if os.environ.get("MPLCONFIGDIR") or any(map(_has_folder, PLACES)):
        return
    with suppress(OSError):  # no folder for temporary files: matplotlib says so when it is needed
        made = tempfile.mkdtemp(prefix="selfpaced-")
        atexit.register(shutil.rmtree, made, ignore_errors=True)
        os.environ["MPLCONFIGDIR"] = made


def _has_folder(variable: str) -> bool:
    """Say whether matplotlib has a folder where a variable says, and may write to it."""
    try:
        chosen = os.environ.get(variable)
        folder = Path(chosen, "matplotlib") if chosen else Path.home() / PLACES[variable]
    except RuntimeError:  # there is no home
        return False
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
