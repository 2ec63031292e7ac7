"""The seal of a run: hashes by which a reader knows that files are those that the run wrote."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import Any

from selfpaced._errors import require
from selfpaced._files import write_text
from selfpaced.audit._folder.files import (
    CASES,
    CONFIG,
    ESTIMATOR,
    FEATURES,
    LEDGER,
    SUSPECTS,
    WEIGHTS,
)

# The files of the model. Programs read them and the ledger again; people may change the others.
MODEL = (FEATURES, ESTIMATOR, WEIGHTS)
# The hash of suspects.csv says whether a person has changed it.
SEALED = (*MODEL, LEDGER, CASES, SUSPECTS)
# The section of config.json that holds the hashes.
FILES = "files"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def write_config(config: Mapping[str, Any], folder: Path) -> None:
    """Write config.json with the hashes of the files in the folder that programs read again."""
    files = {name: digest(folder / name) for name in SEALED if (folder / name).is_file()}
    text = json.dumps(
        {**config, FILES: files}, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False
    )
    write_text(text + "\n", folder / CONFIG)


@contextmanager
def unbroken(folder: Path, config: Mapping[str, Any], names: Iterable[str]) -> Iterator[None]:
    """Check files of a run, and that they are not replaced while the block reads them.

    Args:
        folder: The folder of the run.
        config: Its config.json, as ``read_config`` returned it.
        names: The names of the files, of SEALED.

    Raises:
        FileNotFoundError: For a file that is missing.
        ValueError: For a file that the run did not write, and if another run has replaced the files
            by the end of the block.
    """
    for name in names:
        known, path = config[FILES].get(name), folder / name
        if known is not None:
            require_file(path)
        require(
            known == (digest(path) if path.is_file() else None),
            f"{path} is not the file that the run wrote. Copy the whole folder again, or audit "
            f"again with force=True.",
        )
    yield
    require(
        json.loads((folder / CONFIG).read_text(encoding="utf-8")) == config,
        f"Another run has replaced the files of {folder} while they were read. Read them again.",
    )


def require_file(path: Path) -> None:
    """Raise unless the file exists."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing. Copy the whole folder of the run.")
