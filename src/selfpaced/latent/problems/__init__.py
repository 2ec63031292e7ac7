"""Latent structural problems that are ready for ``LatentSVM``."""

from selfpaced.latent.problems.boxes import Boxes, Gradients
from selfpaced.latent.problems.digits import Digits, Rotated
from selfpaced.latent.problems.mentions import Mentions
from selfpaced.latent.problems.motif import Motif

__all__ = ["Boxes", "Digits", "Gradients", "Mentions", "Motif", "Rotated"]
