"""Weightings: rules that compute a weight v from difficulty and age by minimising v d + g(v; age).

``_rule.py`` has the base classes. ``_cutting.py`` and ``_mixture.py`` have the rules that leave
samples out, ``_smooth.py`` has those whose weight stays above 0, and ``_superloss.py`` SuperLoss.
"""

from selfpaced._public import publish
from selfpaced.weighting._cutting import Hard, Linear, Logarithmic, Polynomial, RandomOrder
from selfpaced.weighting._mixture import Mixture, Mixture2
from selfpaced.weighting._rule import Rule, ScaleFree
from selfpaced.weighting._smooth import L1L2, Cauchy, Huber, Logistic, Welsch
from selfpaced.weighting._superloss import SuperLoss

__all__ = [
    "L1L2",
    "Cauchy",
    "Hard",
    "Huber",
    "Linear",
    "Logarithmic",
    "Logistic",
    "Mixture",
    "Mixture2",
    "Polynomial",
    "RandomOrder",
    "Rule",
    "ScaleFree",
    "SuperLoss",
    "Welsch",
]

publish(__name__)
