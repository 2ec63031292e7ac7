"""Self-paced learning for latent variable models."""

from selfpaced.latent._search.model import LatentModel
from selfpaced.latent._search.run import Result, Row
from selfpaced.latent._search.search import NotConverged, Search, Stop

__all__ = ["LatentModel", "NotConverged", "Result", "Row", "Search", "Stop"]
