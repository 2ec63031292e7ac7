"""Schedules: an integer step in, a number out, each a closed form of the step.

A pacing knows nothing of units. Its number is an age (in difficulty units) inside
``age.Threshold`` and a share (from 0 to 1) inside ``age.Quantile``.
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
