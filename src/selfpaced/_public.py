"""Public names: set the module path that they report, and import them on first access."""

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from types import FunctionType
from typing import TypeVar

Member = TypeVar("Member", bound=type | Callable[..., object])


def public(path: str) -> Callable[[Member], Member]:
    """Return a decorator that sets ``__module__`` to the path from which users import the member.

    ``help()``, errors and pickles then name ``selfpaced.Pacer`` and not its private module, which
    may move. The price: ``inspect.getsource`` looks for a class there, and does not find it.
    """

    def set_path(member: Member) -> Member:
        """Set the path of a class or a function."""
        member.__module__ = path
        return member

    return set_path


def publish(package: str) -> None:
    """Apply ``public`` to the members of a package's ``__all__`` from its private modules.

    Args:
        package: Name of the package; call this at the end of its ``__init__.py``.
    """
    module = sys.modules[package]
    _set_paths(package, (getattr(module, name) for name in module.__all__))


def lazy(
    package: str, homes: Mapping[str, str], extra: str | None = None
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` for a package that imports names on first access.

    Members from private modules of the package are published as ``publish`` does.

    Args:
        package: Name of the package.
        homes: The module of each name, relative to the package; a module maps to its own name.
        extra: The extra to install if a third-party package is missing; None for none.

    Raises:
        AttributeError: For a name that is not in ``homes``.
        ImportError: If the name needs a package that is not installed.
    """

    def load(name: str) -> object:
        """Import a name and store it in the package."""
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
        _set_paths(package, _imported(package, homes))
        return value

    def names() -> list[str]:
        """Return all names, imported or not."""
        return sorted({*vars(sys.modules[package]), *homes})

    return load, names


def _set_paths(package: str, members: Iterable[object]) -> None:
    """Set the path of the classes and functions from private modules of the package."""
    for member in members:
        if isinstance(member, type | FunctionType) and member.__module__.startswith(f"{package}._"):
            public(package)(member)


def _imported(package: str, homes: Mapping[str, str]) -> list[object]:
    """Return the members whose modules are imported: those that were asked for, and their parts."""
    modules = {name: sys.modules.get(f"{package}.{home}") for name, home in homes.items()}
    held = {name: {} if module is None else vars(module) for name, module in modules.items()}
    return [held[name][name] for name in homes if name in held[name]]
