"""A page in HTML that needs no other file and no network, and runs no code but its own."""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfpaced._text import html

# The folder of the styles and scripts of all pages.
STATIC = files("selfpaced._page") / "static"
# Characters that could end a block of JSON in HTML, or a line of a script.
LIVE = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def page(
    title: str,
    body: str,
    *,
    data: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]] | None = None,
    styles: Sequence[str] = ("theme.css",),
    scripts: Sequence[str] = (),
    server: bool = False,
) -> str:
    r"""Return a page.

    Styles and scripts are part of it. A content security policy names their hashes, so that no
    other script runs and nothing is loaded, whatever the data of the user contain.

    Args:
        title: The title, as plain text.
        body: The content in HTML; texts of the user in it are escaped, see ``_text.html``.
        data: Values that JSON can hold, without NaN; the script reads them by ``page.data``.
        arrays: Numbers, of any shape; the script reads them by ``page.array(name)``. Arrays of 8,
            16 or 32 bits; they are deflated.
        styles: Names of files in ``static``.
        scripts: Names of files in ``static``, in the order in which they run.
        server: Whether the script may ask the server that the page comes from.

    >>> made = page("a < b", "<p>Hello.</p>", data={"label": "</script>"})
    >>> "<title>a &lt; b</title>" in made, r"\u003c/script" in made
    (True, True)
    """
    style = "\n".join(_read(name) for name in styles)
    script = "\n".join(_read(name) for name in ("page.js", *scripts))
    policy = (
        f"default-src 'none'; img-src data: blob:; style-src 'sha256-{_hash(style)}'; "
        f"script-src 'sha256-{_hash(script)}'; base-uri 'none'; form-action 'none'"
        + ("; connect-src 'self'" if server else "")
    )
    blocks = [f'<script type="application/json" id="data">{_json(data)}</script>']
    for name, array in (arrays or {}).items():
        blocks.append(_block(name, array))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n'
        f"<title>{html(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n"
        + "\n".join(blocks)
        + f"\n<script>{script}</script>\n</body>\n</html>\n"
    )


def _read(name: str) -> str:
    """Return a style or script."""
    return (STATIC / name).read_text(encoding="utf-8")


def _hash(source: str) -> str:
    """Return the SHA-256 of a script in base64."""
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode("ascii")


def _json(data: Mapping[str, Any]) -> str:
    """Return values as JSON in which nothing can end the block."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(
        LIVE
    )


def _block(name: str, array: NDArray[Any]) -> str:
    """Return numbers as a block of text: deflated, in base64, the lowest byte of each first."""
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    packed = base64.b64encode(zlib.compress(little.tobytes(), 9)).decode("ascii")
    return (
        f'<script type="application/octet-stream" id="array-{html(name)}" '
        f'data-type="{array.dtype.name}">{packed}</script>'
    )
