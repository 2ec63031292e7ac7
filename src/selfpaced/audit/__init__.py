"""Find the labels that are wrong: on arrays, and on any torch dataset with any model."""

from selfpaced.audit.arrays import find_label_errors
from selfpaced.audit.result import Audit
from selfpaced.audit.training import audit

__all__ = ["Audit", "audit", "find_label_errors"]
