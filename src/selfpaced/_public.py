"""Public names: the path that they say is theirs, and names that are imported when first read."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import FunctionType
from typing import TypeVar

Member = TypeVar("Member", bound=type | Callable[..., object])


def public(path: str) -> Callable[[Member], Member]:
    """Return a decorator that gives a class or a function the path that users import it from.

    ``help()``, errors and pickles then name ``selfpaced.Pacer``, not the private module that it is
    written in, which may move.
    """

    def name(member: Member) -> Member:
        member.__module__ = path
        return member

    return name


def publish(package: str) -> None:
    """Do the same for all classes and functions in the ``__all__`` of a package.

    Args:
        package: Its ``__name__``; call this at the end of its ``__init__.py``.
    """
    module = sys.modules[package]
    for member in (getattr(module, name) for name in module.__all__):
        if isinstance(member, type | FunctionType) and member.__module__.startswith(f"{package}._"):
            public(package)(member)


def lazy(
    package: str, homes: Mapping[str, str], extra: str | None = None
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package whose names are imported when first read.

    Args:
        package: Its ``__name__``.
        homes: The module of each name, below the package; the home of a module is its own name.
        extra: What to install where a package of somebody else is missing.

    Raises:
        AttributeError: For a name that there is not.
        ImportError: When the name needs a package that is not installed.
    """

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            module = import_module(f"{package}.{homes[name]}")
        except ModuleNotFoundError as missing:
            if extra is None:
                raise
            raise ImportError(
                f"{package}.{name} needs {missing.name}. "
                f'Install it with: pip install "selfpaced[{extra}]"',
                name=missing.name,
            ) from missing
        value = module if homes[name] == name else getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return load, names
