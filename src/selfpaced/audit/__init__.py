"""Find wrong labels in arrays, torch datasets or files; load the model of a finished run."""

from selfpaced._public import publish
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

publish(__name__)
