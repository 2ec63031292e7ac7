"""What a run is made from beside its settings: versions, samples, features, code and text model.

A checkpoint goes on only with the same, and a model predicts only with the same code and text
model: else two runs would be mixed without a word.
"""

import ast
import inspect
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from selfpaced._errors import require
from selfpaced._version import __version__
from selfpaced.audit._folder.seal import digest
from selfpaced.audit._learning.inputs import Inputs
from selfpaced.audit._reading.source import Source

# The packages whose versions matter.
PACKAGES = ("numpy", "pandas", "scikit-learn", "skrub", "torch")
# What an entry of an origin is called in an error; others are versions of packages.
WORDS = {
    "features": "the numbers that the samples become",
    "code": "the code of model=...",
    "text_model": "the files of text_model=...",
}
# Packages whose classes are known by their versions.
KNOWN = ("builtins", "selfpaced", "torch", "typing", "abc")


def origin(
    source: Source, inputs: Inputs, code: str | None, text_model: Path | None
) -> dict[str, str]:
    """Return what a run is made from: versions, and hashes of 32 hexadecimal digits.

    Args:
        source: The samples.
        inputs: The same as numbers.
        code: The hash of the code of the user's network; None without one.
        text_model: The folder of a transformers model; None without one.
    """
    found = versions() | {"samples": of_samples(source)}
    if code is not None:
        found["code"] = code
    if text_model is None:
        return found | {"features": of_inputs(inputs)}
    # Its features depend on the number of threads in their last bits: its files tell the rest.
    found["text_model"] = of_folder(text_model)
    return found | {"transformers": version("transformers")}


def versions() -> dict[str, str]:
    """Return the versions of selfpaced and of the packages that it computes with."""
    return {"selfpaced": __version__} | {name: version(name) for name in PACKAGES}


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return what differs between two origins, in words; of versions, both.

    >>> differences({"torch": "2.6", "code": "a"}, {"torch": "2.7", "code": "b"})
    ['the code of model=...', 'torch (2.6, then 2.7)']
    """
    changed = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    return [
        WORDS.get(name, f"{name} ({before.get(name)}, then {now.get(name)})") for name in changed
    ]


def require_same(path: Path, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise for a model whose code or text model has changed since the run.

    Args:
        path: The config.json of the run.
        before: The origin of the run.
        now: Those entries that are known now.
    """
    changed = differences({name: str(before.get(name)) for name in now}, now)
    require(
        not changed,
        f"{path}: since the run, {' and '.join(changed)} changed, so that the model would predict "
        f"something else. Restore it, or audit again.",
    )


def of_samples(source: Source) -> str:
    """Return a hash of the samples and labels.

    >>> frame, where = pd.DataFrame({"a": [1, 2]}), pd.Series([1, 2], name="row")
    >>> def data(labels):
    ...     labels = pd.Series(labels)
    ...     return Source(Path("a"), "table", frame, labels, where, frame, False, (), frame)
    >>> of_samples(data(["x", "y"])) == of_samples(data(["y", "x"]))
    False
    """
    parts: list[Any] = []
    rows = source.features
    if isinstance(rows, pd.DataFrame):
        parts += ["\0".join(rows.columns).encode(), _hashes(rows)]
    else:
        parts += [str(rows.shape).encode(), np.ascontiguousarray(rows).data]
    return _hashed([*parts, _hashes(source.labels), _hashes(source.where)])


def of_inputs(inputs: Inputs) -> str:
    """Return a hash of samples as numbers, in all views."""
    parts: list[Any] = [str(inputs.dense.shape).encode(), np.ascontiguousarray(inputs.dense).data]
    for matrix in (inputs.words, inputs.letters):
        if matrix is not None:
            parts += [matrix.indptr.data, matrix.indices.data, matrix.data.data]
    return _hashed(parts)


def of_code(name: str, network: nn.Module) -> str:
    """Return a hash of the code of a network, without comments.

    It is that of the modules that define the factory and the classes of the network, and of those
    that they import, except for installed packages. A module without a source counts by its name.

    Args:
        name: The name of the factory, ``package.module:factory``.
        network: The network.
    """
    classes = {base for module in network.modules() for base in type(module).__mro__}
    wanted = {name.partition(":")[0], *(each.__module__ for each in classes)}
    found: dict[str, bytes] = {}
    while wanted:
        module = wanted.pop()
        if module in found or module not in sys.modules or module.partition(".")[0] in KNOWN:
            continue
        found[module] = _source(module)
        if not _is_installed(module):
            wanted |= {each for each in _imported(module, found[module]) if not _is_installed(each)}
    return _hashed(part for each in sorted(found) for part in (each.encode(), found[each]))


def of_folder(folder: Path) -> str:
    """Return a hash of the names and contents of all files in a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return _hashed(f"{path.relative_to(folder)}\0{digest(path)}".encode() for path in files)


def _source(module: str) -> bytes:
    """Return the source of a module, as Python writes it; nothing if it has none."""
    try:
        return ast.unparse(ast.parse(inspect.getsource(sys.modules[module]))).encode()
    except (OSError, TypeError, SyntaxError):
        return b""


def _imported(module: str, source: bytes) -> set[str]:
    """Return the names of what a module imports, of modules and of what is in them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")
            if not hasattr(sys.modules[module], "__path__"):
                above.pop()
            above = above[: len(above) + 1 - node.level] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            names |= {origin, *(f"{origin}.{alias.name}" for alias in node.names)}
    return names


def _is_installed(module: str) -> bool:
    """Say whether a module belongs to Python or to an installed package."""
    place = getattr(sys.modules.get(module), "__file__", None)
    if place is None:
        return True
    path = Path(place).resolve()
    return bool({"site-packages", "dist-packages"} & {*path.parts}) or path.is_relative_to(
        sysconfig.get_path("stdlib")
    )


def _hashes(values: pd.DataFrame | pd.Series) -> bytes:
    """Return a hash of 8 bytes for each row."""
    return bytes(pd.util.hash_pandas_object(values, index=False).to_numpy().tobytes())


def _hashed(parts: Iterable[Any]) -> str:
    """Return the hash of parts in this order; where one ends makes a difference."""
    whole = blake2b(digest_size=16)
    for part in parts:
        whole.update(blake2b(part, digest_size=16).digest())
    return whole.hexdigest()
