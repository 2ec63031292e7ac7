"""How old the learner is: the lambda of the papers, always in the unit of the difficulty."""

from selfpaced.age._auto import Auto
from selfpaced.age._background import Background, Spheres
from selfpaced.age._deviations import Deviations
from selfpaced.age._growing import Growing
from selfpaced.age._quantile import Age, Quantile, Threshold
from selfpaced.age._usual import Usual

__all__ = [
    "Age",
    "Auto",
    "Background",
    "Deviations",
    "Growing",
    "Quantile",
    "Spheres",
    "Threshold",
    "Usual",
]
