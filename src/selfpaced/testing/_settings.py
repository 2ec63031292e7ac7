"""What every strategy promises: it is plain settings."""

import dataclasses
import math
import pickle


def check_settings(member: object) -> None:
    """Check that a strategy pickles, compares, and that its repr makes it again.

    Args:
        member: An instance of a strategy; the classes of dataclasses inside it are known too.

    Raises:
        AssertionError: Naming the promise that is broken.

    >>> from selfpaced.weighting import Mixture
    >>> check_settings(Mixture(full=0.3))
    """
    try:
        copy = pickle.loads(pickle.dumps(member))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise AssertionError(f"{member!r} cannot be pickled: {error}") from error
    expect(copy == member, f"{member!r} does not survive pickling")
    try:
        again = eval(repr(member), {"inf": math.inf, "nan": math.nan} | _classes(member))
    except (SyntaxError, NameError, TypeError) as error:
        raise AssertionError(f"eval of {member!r} fails: {error}") from error
    expect(again == member, f"eval of {member!r} is another object")


def _classes(member: object) -> dict[str, object]:
    """The classes that the repr names: the member's own and those of its settings."""
    found: dict[str, object] = {type(member).__name__: type(member)}
    if dataclasses.is_dataclass(member):
        for field in dataclasses.fields(member):
            found |= _classes(getattr(member, field.name))
    return found


def expect(condition: bool, promise: str) -> None:
    """Raise ``AssertionError`` with the broken promise."""
    if not condition:
        raise AssertionError(promise)
