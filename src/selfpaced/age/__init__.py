"""Ages: how the lambda of the papers is decided, always in the unit of the difficulty.

``_quantile.py`` has the ages that follow a pacing. ``_auto.py`` cuts at a valley in the losses,
which ``_valley.py`` finds; ``_deviations.py`` is for regressions, ``_growing.py`` is the age of the
paper of 2010, and ``_background.py`` and ``_usual.py`` leave out outliers of clusters.
"""

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
