"""How old the learner is: the lambda of the papers, always in the unit of the difficulty."""

from selfpaced._public import publish
from selfpaced.age._auto import Auto
from selfpaced.age._background import Background, Spheres
from selfpaced.age._deviations import Deviations
from selfpaced.age._growing import Growing
from selfpaced.age._quantile import EachView, Quantile, Threshold
from selfpaced.age._usual import Usual

__all__ = [
    "Auto",
    "Background",
    "Deviations",
    "EachView",
    "Growing",
    "Quantile",
    "Spheres",
    "Threshold",
    "Usual",
]

publish(__name__)
