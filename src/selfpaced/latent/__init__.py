"""Self-paced learning for latent variable models: the search, and estimators that stand on it.

``Search`` needs PyTorch and NumPy only; a name is imported when it is first read, so that each
estimator asks for its own packages.
"""

from typing import TYPE_CHECKING

from selfpaced._public import lazy

if TYPE_CHECKING:
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
    "miSVM",
    "restarts",
]

_HOMES = {
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
    "miSVM": "_bags.estimators",
    "restarts": "_search.starts",
}

if not TYPE_CHECKING:  # where types are checked, a name that is not above does not exist
    __getattr__, __dir__ = lazy(__name__, _HOMES, extra="latent")
