"""Reading whatever file a user points at: tables, folders of images, arrays."""

from pathlib import Path

from selfpaced.audit._reading.kinds import kind_of
from selfpaced.audit._reading.source import Options, Source

__all__ = ["Options", "Source", "read"]


def read(path: Path, options: Options = Options()) -> Source:
    r"""Read samples and their labels, and say what was left out or noticed.

    Tables: CSV, TSV, text (with .gz too), JSON Lines and Parquet. Images: a folder with a subfolder
    for each class. Arrays: .npz of X and y, .npy and idx files, a folder of MNIST's idx files.

    Args:
        path: A file or a folder.
        options: What the user says about it.

    Raises:
        FileNotFoundError: When there is no such path.
        ValueError: In one line: what was expected, what came, what to do.

    >>> from pathlib import Path
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "pets.csv"
    ...     _ = path.write_text("ears,kind\n2.5,cat\n7.5,dog\n2.0,cat\n")
    ...     source = read(path, Options(label="kind"))
    >>> len(source), source.kind, list(source.features), source.labels.tolist()
    (3, 'table', ['ears'], ['cat', 'dog', 'cat'])
    """
    kind = kind_of(path)
    if kind == "images":  # what reads each kind is imported for it only
        from selfpaced.audit._reading.images import read_images

        return read_images(path, options)
    if kind in ("npz", "npy", "idx", "pair"):
        from selfpaced.audit._reading.arrays import read_arrays

        return read_arrays(path, kind, options)
    from selfpaced.audit._reading.tables import read_table

    return read_table(path, kind, options)
