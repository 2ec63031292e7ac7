"""Find the labels that are wrong, on arrays or with a torch model; load what a run learnt."""

from selfpaced.audit._datasets import audit
from selfpaced.audit._find import find_label_errors
from selfpaced.audit._folder.model import load
from selfpaced.audit._result import Audit

__all__ = ["Audit", "audit", "find_label_errors", "load"]
