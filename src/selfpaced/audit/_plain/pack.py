"""Trained models as text and arrays of numbers, and their file, which can run no code.

The text is a JSON list of parts. Each part is made of values, and of parts before it, and the last
one is the model. There are parts of few kinds, in ``FORMS``, and objects of few classes, in
``classes``.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from selfpaced._errors import require
from selfpaced.audit._plain.classes import kept, known, made

# The types of numbers in an array.
DTYPES = (
    *("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("float32", "float64"),
)
# The type of a column of times; the time zone is a name or a difference.
TIMES = re.compile(r"datetime64\[(s|ms|us|ns)(, [\w/+:-]+)?\]", re.ASCII)
# The names of the types of trees, and of their parts.
TREES = ("Tree", "TreePredictor")
# The name of the text in the file.
TEXT = "parts"


class Packed(NamedTuple):
    """A model as plain data.

    Args:
        text: Its parts, in JSON.
        arrays: The arrays that the text names.
    """

    text: str
    arrays: dict[str, NDArray[Any]]


def pack(model: object) -> Packed:
    """Return a model as plain data; equal models give equal data.

    Raises:
        TypeError: For an object of a class that is not listed.

    >>> pack([1.5, "a", None]).text
    '[["list", [1.5, "a", null]]]'
    >>> unpack(pack({"a": (np.arange(3), True)}))
    {'a': (array([0, 1, 2]), True)}
    """
    packing = _Packing()
    packing(model)
    return Packed(json.dumps(packing.parts, ensure_ascii=False), packing.arrays)


def unpack(packed: Packed) -> Any:
    """Return the model of plain data.

    Raises:
        ValueError: For data that ``pack`` does not write.
    """
    unpacking = _Unpacking(packed.arrays)
    try:
        for name, state in json.loads(packed.text):
            unpacking.parts.append(FORMS[name].make(unpacking, state))
        return unpacking.parts[-1]
    except MemoryError:
        raise
    except Exception as error:  # data of an attacker can raise any exception
        reason = " ".join(str(error).split())
        raise ValueError(f"{type(error).__name__}, {reason}") from error


def write(model: object, path: Path) -> None:
    """Write a model into a file.

    Raises:
        TypeError: For an object of a class that is not listed.
        OSError, SafetensorError: If the disk is full.
    """
    packed = pack(model)
    save_file(packed.arrays, path, {TEXT: packed.text})


def read(path: Path) -> Any:
    """Read the model of a file that ``write`` wrote; no code of the file runs.

    Raises:
        ValueError: For another file, and for a damaged one.
    """
    try:
        with safe_open(path, "np") as file:
            text = (file.metadata() or {})[TEXT]
            arrays = {name: file.get_tensor(name) for name in file.keys()}
    except (OSError, MemoryError):
        raise
    except Exception as error:  # safetensors raises several types
        raise ValueError(" ".join(str(error).split())) from error
    return unpack(Packed(text, arrays))


class _Packing:
    """Writes objects as parts, each once."""

    def __init__(self) -> None:
        """Begin without parts."""
        self.parts: list[Any] = []
        self.arrays: dict[str, NDArray[Any]] = {}
        self._places: dict[int, tuple[int, object]] = {}  # the object is kept, and so its id

    def __call__(self, value: Any) -> Any:
        """Return a value as JSON holds it, or the place of its part."""
        if isinstance(value, np.bool | np.integer | np.float64):
            value = value.item()
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if id(value) not in self._places:
            part = self._part(value)
            self._places[id(value)] = len(self.parts), value
            self.parts.append(part)
        return {"part": self._places[id(value)][0]}

    def _part(self, value: Any) -> list[Any]:
        """Return the part of an object."""
        name = type(value).__name__
        if name not in TREES:
            name = next(name for name, form in FORMS.items() if isinstance(value, form.kind))
        return [name, FORMS[name].state(self, value)]

    def array(self, array: NDArray[Any]) -> str:
        """Keep an array, and return its name."""
        name = f"a{len(self.arrays)}"
        require(array.dtype.name in DTYPES, f"Arrays of {array.dtype} cannot be saved.")
        self.arrays[name] = np.ascontiguousarray(array)
        return name


class _Unpacking:
    """Makes objects of parts."""

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Begin without parts."""
        self.parts: list[Any] = []
        self.arrays = arrays

    def __call__(self, value: Any) -> Any:
        """Return a value, or the part at a place."""
        if not isinstance(value, dict):
            require(not isinstance(value, list), "A list is no value.")
            return value
        place = value["part"]
        require(type(place) is int and 0 <= place < len(self.parts), "A part does not exist.")
        return self.parts[place]

    def pairs(self, state: list[Any]) -> dict[Any, Any]:
        """Return a dict of pairs."""
        return {self(key): self(value) for key, value in state}


class Form(NamedTuple):
    """A kind of part.

    Args:
        kind: The types of its objects; none for trees, whose types are imported where a model has
            some.
        state: Returns an object as values.
        make: Returns the object of values.
    """

    kind: Any
    state: Callable[[_Packing, Any], Any]
    make: Callable[[_Unpacking, Any], Any]


def _state_of_array(pack: _Packing, array: NDArray[Any]) -> Any:
    """Return the name of an array, and whether its columns lie together, or values of any kind.

    The sums of a product of matrices depend on how they lie in memory.
    """
    if array.dtype.kind in "OU":
        require(array.ndim == 1, "Arrays of text must have one dimension to be saved.")
        return [[pack(value) for value in array.tolist()], array.dtype == object]
    columns = array.flags.f_contiguous and not array.flags.c_contiguous
    return [pack.array(array.T if columns else array), columns]


def _array(unpack: _Unpacking, state: Any) -> NDArray[Any]:
    """Return an array."""
    values, flag = state
    if isinstance(values, str):
        return unpack.arrays[values].T if flag else unpack.arrays[values]
    if not flag:
        return np.array([str(value) for value in values])
    array = np.empty(len(values), object)
    for place, value in enumerate(values):
        array[place] = unpack(value)
    return array


def _dtype(_: _Unpacking, name: str) -> Any:
    """Return the type of numbers or times."""
    if name in DTYPES:
        return np.dtype(name)
    zoned = TIMES.fullmatch(name)
    require(zoned is not None, f"{name} is no type of numbers or times.")
    return pd.api.types.pandas_dtype(name)


def _name_of_type(_: _Packing, kind: type[Any]) -> str:
    """Return the name of a type of numbers."""
    name = kind.__name__
    require(name in DTYPES and kind is np.dtype(name).type, f"{kind} cannot be saved.")
    return name


def _number_type(_: _Unpacking, name: str) -> type[Any]:
    """Return a type of numbers."""
    require(name in DTYPES, f"{name} is no type of numbers.")
    return np.dtype(name).type


def _generator(_: _Unpacking, state: dict[str, Any]) -> np.random.Generator:
    """Return a random number generator."""
    source: Any = np.random.PCG64(0)
    source.state = {**state, "bit_generator": "PCG64"}
    return np.random.Generator(source)


def _state_of_generator(_: _Packing, generator: np.random.Generator) -> Any:
    """Return the state of a random number generator."""
    require(isinstance(generator.bit_generator, np.random.PCG64), "Only PCG64 can be saved.")
    return dict(generator.bit_generator.state)


def _state_of_tree(pack: _Packing, tree: Any) -> Any:
    """Return a tree of a forest as matrices."""
    from selfpaced.audit._plain.trees import matrices  # not at the top: few models have trees

    state = tree.__getstate__()
    arrays = [pack.array(array) for array in (*matrices(state["nodes"]), state["values"])]
    classes = int(tree.n_classes[0])
    return [int(tree.n_features), classes, int(state["max_depth"]), *arrays]


def _tree(unpack: _Unpacking, state: Any) -> Any:
    """Return a tree of a forest."""
    from selfpaced.audit._plain.trees import NODE_DTYPE, forest_tree, nodes_of

    features, classes, depth, *names = state
    whole, others, values = (unpack.arrays[name] for name in names)
    return forest_tree(features, classes, depth, nodes_of(whole, others, NODE_DTYPE), values)


def _state_of_predictor(pack: _Packing, tree: Any) -> Any:
    """Return a tree of boosting as matrices."""
    from selfpaced.audit._plain.trees import matrices

    return [pack.array(array) for array in matrices(tree.nodes)]


def _predictor(unpack: _Unpacking, names: list[str]) -> Any:
    """Return a tree of boosting."""
    from selfpaced.audit._plain.trees import PREDICTOR_RECORD_DTYPE, boosting_tree, nodes_of

    whole, others = (unpack.arrays[name] for name in names)
    return boosting_tree(nodes_of(whole, others, PREDICTOR_RECORD_DTYPE))


def _state_of_object(pack: _Packing, value: Any) -> Any:
    """Return the name of the class, and the attributes that are kept."""
    kind = type(value)
    if not known(kind):
        raise TypeError(f"An object of {kind.__module__}.{kind.__qualname__} cannot be saved.")
    own = vars(value)
    return [kind.__name__, [[name, pack(own[name])] for name in kept(kind) if name in own]]


# The kinds of parts, by their names. An object is of one of the classes in ``classes``.
FORMS = {
    "list": Form(
        list, lambda pack, x: [pack(v) for v in x], lambda unpack, x: list(map(unpack, x))
    ),
    "tuple": Form(
        tuple, lambda pack, x: [pack(v) for v in x], lambda unpack, x: tuple(map(unpack, x))
    ),
    "dict": Form(
        dict, lambda pack, x: [[pack(k), pack(v)] for k, v in x.items()], _Unpacking.pairs
    ),
    "array": Form(np.ndarray, _state_of_array, _array),
    "float32": Form(np.float32, lambda _, x: float(x), lambda _, x: np.float32(x)),
    "dtype": Form((np.dtype, pd.DatetimeTZDtype), lambda _, x: str(x), _dtype),
    "type": Form(type, _name_of_type, _number_type),
    "path": Form(Path, lambda _, x: str(x), lambda _, x: Path(x)),
    "generator": Form(np.random.Generator, _state_of_generator, _generator),
    "Tree": Form((), _state_of_tree, _tree),
    "TreePredictor": Form((), _state_of_predictor, _predictor),
    "object": Form(object, _state_of_object, lambda unpack, x: made(x[0], unpack.pairs(x[1]))),
}
