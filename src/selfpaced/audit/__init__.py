"""Find the labels that are wrong, on arrays or with a torch model; load what a run learnt."""

from selfpaced.audit.arrays import find_label_errors
from selfpaced.audit.datasets import audit
from selfpaced.audit.keeping import load
from selfpaced.audit.result import Audit

__all__ = ["Audit", "audit", "find_label_errors", "load"]
