"""Self-paced learning for latent variable models: the alternating search, and estimators with it.

``Search`` needs PyTorch and NumPy only. Each name is imported when it is first used, so that an
estimator's own packages are needed only for that estimator.
"""

from typing import TYPE_CHECKING

from selfpaced._public import lazy

if TYPE_CHECKING:
    from selfpaced.latent._bags.bags import Bags, bags_of
    from selfpaced.latent._bags.estimators import MISVM, miSVM
    from selfpaced.latent._clusters.kmeans import SelfPacedKMeans
    from selfpaced.latent._clusters.mixture import SelfPacedGaussianMixture
    from selfpaced.latent._clusters.views import MultiViewSelfPacedClustering
    from selfpaced.latent._factors.estimator import SelfPacedFactorisation
    from selfpaced.latent._search.model import LatentModel
    from selfpaced.latent._search.run import Result, Row
    from selfpaced.latent._search.search import NotConverged, Search, Stop
    from selfpaced.latent._search.starts import restarts
    from selfpaced.latent._svm.estimator import LatentSVM
    from selfpaced.latent._svm.one_by_one import OneByOne, SampleProblem
    from selfpaced.latent._svm.structure import Guess, Structure

__all__ = [
    "MISVM",
    "Bags",
    "Guess",
    "LatentModel",
    "LatentSVM",
    "MultiViewSelfPacedClustering",
    "NotConverged",
    "OneByOne",
    "Result",
    "Row",
    "SampleProblem",
    "Search",
    "SelfPacedFactorisation",
    "SelfPacedGaussianMixture",
    "SelfPacedKMeans",
    "Stop",
    "Structure",
    "bags_of",
    "miSVM",
    "restarts",
]

_HOMES = {
    "Bags": "_bags.bags",
    "Guess": "_svm.structure",
    "LatentModel": "_search.model",
    "LatentSVM": "_svm.estimator",
    "MISVM": "_bags.estimators",
    "MultiViewSelfPacedClustering": "_clusters.views",
    "NotConverged": "_search.search",
    "OneByOne": "_svm.one_by_one",
    "Result": "_search.run",
    "Row": "_search.run",
    "SampleProblem": "_svm.one_by_one",
    "Search": "_search.search",
    "SelfPacedFactorisation": "_factors.estimator",
    "SelfPacedGaussianMixture": "_clusters.mixture",
    "SelfPacedKMeans": "_clusters.kmeans",
    "Stop": "_search.search",
    "Structure": "_svm.structure",
    "bags_of": "_bags.bags",
    "miSVM": "_bags.estimators",
    "restarts": "_search.starts",
}

if not TYPE_CHECKING:  # type checkers must not see __getattr__: it would allow any name
    __getattr__, __dir__ = lazy(__name__, _HOMES, extra="latent")
