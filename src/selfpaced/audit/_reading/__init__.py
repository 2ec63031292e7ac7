"""Read samples and their labels from tables, folders of images, and arrays."""

from pathlib import Path

from selfpaced.audit._reading.folder_kinds import IMAGES
from selfpaced.audit._reading.kinds import kind_of
from selfpaced.audit._reading.source import Options, Source

__all__ = ["Options", "Source", "read"]


def read(path: str | Path, options: Options = Options()) -> Source:
    r"""Read samples and their labels; notes say what was left out, converted or noticed.

    Tables are CSV, TSV, text and JSON Lines, each with .gz too, Parquet, sheets of .xlsx, folders
    of Parquet files, and folders that the package datasets saved to disk; a column of them may hold
    images, as bytes or as paths. Images and texts are in a folder with a subfolder for each class.
    Arrays are .npz files, .npy and idx files, and folders of idx files with the names of MNIST's
    files. One image alone can be read without a label (``Options(known=False)``).

    Args:
        path: A file or a folder.
        options: How to read it.

    Raises:
        FileNotFoundError: If the path does not exist.
        ValueError: For a file that cannot be read, and for options that do not match it. The
            message is one line: what was expected, what came, what to do.

    >>> from pathlib import Path
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "pets.csv"
    ...     _ = path.write_text("ears,kind\n2.5,cat\n7.5,dog\n2.0,cat\n")
    ...     source = read(path, Options(label="kind"))
    >>> len(source), source.kind, list(source.features), source.labels.tolist()
    (3, 'table', ['ears'], ['cat', 'dog', 'cat'])
    """
    path = Path(path)
    if not options.known and path.is_file() and path.suffix.lower() in IMAGES:
        from selfpaced.audit._reading.folders import read_image  # as below

        return read_image(path, options)
    kind = kind_of(path)
    if kind in ("images", "texts"):  # each reader is imported only for its kind of file
        from selfpaced.audit._reading.folders import read_images, read_texts

        return (read_images if kind == "images" else read_texts)(path, options)
    if kind in ("npz", "npy", "idx", "pair"):
        from selfpaced.audit._reading.arrays import read_arrays

        return read_arrays(path, kind, options)
    from selfpaced.audit._reading.tables.reading import read_table

    return read_table(path, kind, options)
