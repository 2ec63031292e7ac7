"""Conformance checks that anyone can run on a class of their own.

Each check raises ``AssertionError`` and says which promise is broken. Our own members are found
by discovery and run through the same checks.
"""

from selfpaced.testing._age import check_age
from selfpaced.testing._difficulty import check_difficulty
from selfpaced.testing._pacing import check_pacing
from selfpaced.testing._settings import check_settings
from selfpaced.testing._weighting import check_weighting

__all__ = ["check_age", "check_difficulty", "check_pacing", "check_settings", "check_weighting"]
