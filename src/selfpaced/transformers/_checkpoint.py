"""A state of tensors and plain Python as one safetensors file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from selfpaced._errors import require
from selfpaced._files import replacing

FILE = "selfpaced.safetensors"
TENSOR = "tensor:"  # what stands in the JSON in a tensor's place begins with it


def write(state: Mapping[str, Any], path: Path) -> None:
    """Write a nested dict, whole or not at all: tensors as tensors, the rest as JSON beside them.

    Args:
        state: Of dicts with str keys, lists, tensors, str, numbers, bool and None.
        path: Where to.

    Raises:
        OSError: When it cannot be written; an earlier file stays as it was.

    >>> import torch
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write({"a": {"b": torch.ones(2), "c": [1, float("inf")]}}, Path(folder, FILE))
    ...     read(Path(folder, FILE))
    {'a': {'b': tensor([1., 1.]), 'c': [1, inf]}}
    """
    tensors: dict[str, Tensor] = {}
    rest = json.dumps(_flatten(state, "", tensors))
    with replacing(path) as made:
        save_file(tensors, made, metadata={"selfpaced": rest})


def read(path: Path) -> dict[str, Any]:
    """Read what ``write`` wrote, onto the CPU.

    Raises:
        ValueError: For a file that is damaged, or of something else.
        OSError: When it cannot be read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            said = (file.metadata() or {}).get("selfpaced")
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except SafetensorError as damaged:
        raise ValueError(f"{path} is damaged: {damaged}. Resume from another one.") from damaged
    require(said is not None, f"{path} is no file of selfpaced: its metadata lacks it.")
    state: dict[str, Any] = _nest(json.loads(str(said)), tensors)
    return state


def _flatten(value: object, name: str, tensors: dict[str, Tensor]) -> object:
    """Return the value with a name in place of each tensor, which goes into ``tensors``."""
    if isinstance(value, Tensor):
        tensors[name] = value.detach().cpu().contiguous()
        return TENSOR + name
    if isinstance(value, Mapping):
        return {key: _flatten(part, f"{name}.{key}", tensors) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_flatten(part, f"{name}.{i}", tensors) for i, part in enumerate(value)]
    return value


def _nest(value: Any, tensors: Mapping[str, Tensor]) -> Any:  # noqa: ANN401 - whatever was written
    """Return the value with each tensor in the place of its name."""
    if isinstance(value, str) and value.startswith(TENSOR):
        return tensors[value.removeprefix(TENSOR)]
    if isinstance(value, dict):
        return {key: _nest(part, tensors) for key, part in value.items()}
    return [_nest(part, tensors) for part in value] if isinstance(value, list) else value
