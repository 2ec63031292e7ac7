"""Find wrong labels in arrays, torch datasets or files; load the model of a finished run.

Names are imported on first access, so that the command line checks paths and settings before it
imports torch.
"""

from typing import TYPE_CHECKING

from selfpaced._public import lazy

if TYPE_CHECKING:
    from selfpaced.audit._find import audit, find_label_errors
    from selfpaced.audit._folder.model import load
    from selfpaced.audit._learning.trained import Trained
    from selfpaced.audit._reading import read
    from selfpaced.audit._reading.source import Options, Source
    from selfpaced.audit._result import Audit

__all__ = [
    "Audit",
    "Options",
    "Source",
    "Trained",
    "audit",
    "find_label_errors",
    "load",
    "read",
]

_HOMES = {
    "Audit": "_result",
    "Options": "_reading.source",
    "Source": "_reading.source",
    "Trained": "_learning.trained",
    "audit": "_find",
    "find_label_errors": "_find",
    "load": "_folder.model",
    "read": "_reading",
}

if not TYPE_CHECKING:  # type checkers must not see __getattr__: it would allow any name
    __getattr__, __dir__ = lazy(__name__, _HOMES, extra="audit")
