"""Find the labels that are wrong: on arrays, and on any torch dataset with any model."""

from selfpaced.audit.arrays import find_label_errors
from selfpaced.audit.datasets import audit
from selfpaced.audit.result import Audit

__all__ = ["Audit", "audit", "find_label_errors"]
