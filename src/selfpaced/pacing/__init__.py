"""Pacings: schedules from an integer step to a number, each a closed form of the step.

The number has no unit of its own: it is an age (in difficulty units) in ``age.Threshold`` and a
share (from 0 to 1) in ``age.Quantile``. ``_schedules.py`` has the schedules, and ``_shapes.py`` the
curves of a ``Ramp``.
"""

from selfpaced._public import publish
from selfpaced.pacing._schedules import Constant, Geometric, Ramp, Recorded
from selfpaced.pacing._shapes import (
    Cosine,
    Exponential,
    Geometrical,
    Linear,
    Logarithmic,
    Root,
    Shape,
    Sine,
    Steps,
)

__all__ = [
    "Constant",
    "Cosine",
    "Exponential",
    "Geometric",
    "Geometrical",
    "Linear",
    "Logarithmic",
    "Ramp",
    "Recorded",
    "Root",
    "Shape",
    "Sine",
    "Steps",
]

publish(__name__)
