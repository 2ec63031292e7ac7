"""Conformance checks that anyone can run on a class of their own.

Each check raises ``AssertionError`` and says which promise is broken. Our own members are found
by discovery and run through the same checks.
"""

from selfpaced._public import publish
from selfpaced.testing._checks import check_age, check_difficulty, check_pacing, check_settings
from selfpaced.testing._structure import check_structure
from selfpaced.testing._weighting import check_weighting

__all__ = [
    "check_age",
    "check_difficulty",
    "check_pacing",
    "check_settings",
    "check_structure",
    "check_weighting",
]

publish(__name__)
