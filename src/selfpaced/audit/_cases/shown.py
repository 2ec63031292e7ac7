"""A sample as a person sees it: its text, its picture, or its row."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from selfpaced._page.content import Shown
from selfpaced._page.pictures import as_uri, cell, of_pixels
from selfpaced.audit._features.table import Encoder
from selfpaced.audit._prepare import Prepared

# The largest number of letters of a text that are shown, and of a neighbour and a cell.
LONGEST, SHORT = 100_000, 400
# The largest width and height of a picture, and of one of a neighbour, in pixels.
SIDE, SMALL = 320, 112
# The largest number of columns of a row that are shown.
MOST_COLUMNS = 60


@dataclass(frozen=True, eq=False)
class Viewer:
    """Shows samples of a run.

    Args:
        prepared: The samples.
        texts: The columns of free text.
        columns: The columns of a table, by their names.
    """

    prepared: Prepared
    texts: tuple[str, ...] = field(init=False)
    columns: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        """Find the columns of text; files of text have one column."""
        maker, source = self.prepared.features.maker, self.prepared.source
        texts = tuple(maker.readers) if isinstance(maker, Encoder) else ()
        if source.kind == "table" and source.where.name == "file":
            texts = tuple(map(str, source.own.columns))
        columns = {str(name): source.own[name].array for name in source.own.columns}
        object.__setattr__(self, "texts", texts)
        object.__setattr__(self, "columns", columns)

    @property
    def noun(self) -> str:
        """What a sample is called."""
        source = self.prepared.source
        if source.kind == "images":
            return "image"
        return {"row": "row", "file": "text", "index": "sample"}[str(source.where.name)]

    def shown(self, place: int, *, small: bool = False) -> Shown:
        """Return a sample as a person sees it.

        Args:
            place: Its position.
            small: Whether it is shown beside another one: texts are short, and pictures small.
        """
        source = self.prepared.source
        name, longest = str(source.where.iloc[place]), SHORT if small else LONGEST
        alone = self.texts[0] if len(self.texts) == 1 else None
        text = "" if alone is None else cell(self.columns[alone][place], longest)
        hidden = {source.labels.name} | ({alone} if text else set())
        cells = tuple(
            (column, cell(values[place], SHORT))
            for column, values in self.columns.items()
            if column not in hidden
        )
        image = self._picture(place, SMALL if small else SIDE) if source.kind == "images" else ""
        if source.kind == "array":
            flat = np.asarray(source.features[place]).ravel()
            cells = tuple((f"{at}", cell(value, SHORT)) for at, value in enumerate(flat))
        return Shown(name, text, image, cells[:MOST_COLUMNS])

    def _picture(self, place: int, side: int) -> str:
        """Return the picture of an image: from its file, or of the pixels that the model saw."""
        source = self.prepared.source
        if source.where.name == "file" and source.depth == 8:
            # Not at the top: Pillow is slow to import, and only images need it.
            from selfpaced.audit._reading.pixels import UNREADABLE

            try:
                return of_file(source.path / str(source.where.iloc[place]), side)
            except UNREADABLE:  # the file was removed or changed since it was read
                pass
        return of_pixels(np.asarray(source.features)[place], side)


def of_file(path: Path, side: int) -> str:
    """Return the picture of a file as a data URI, of this width and height at most.

    Raises:
        Exception: One of ``pixels.UNREADABLE``, if it cannot be read.
    """
    from PIL import ImageOps  # as above

    from selfpaced.audit._reading.pixels import opened

    with opened(path) as file:
        file.draft("RGB", (side, side))
        image = ImageOps.exif_transpose(file)
        return as_uri(image.convert("L" if image.mode in ("1", "L") else "RGB"), side)
