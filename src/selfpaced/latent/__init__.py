"""Self-paced learning for latent variable models."""

from selfpaced.latent.model import LatentModel
from selfpaced.latent.run import Result, Row
from selfpaced.latent.search import NotConverged, Search, Stop

__all__ = ["LatentModel", "NotConverged", "Result", "Row", "Search", "Stop"]
