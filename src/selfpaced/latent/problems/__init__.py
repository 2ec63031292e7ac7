"""Latent structural problems that are ready for ``LatentSVM``."""

from selfpaced.latent.problems._boxes import Boxes, Gradients
from selfpaced.latent.problems._digits import Digits, Rotated
from selfpaced.latent.problems._mentions import Mentions
from selfpaced.latent.problems._motif import Motif

__all__ = ["Boxes", "Digits", "Gradients", "Mentions", "Motif", "Rotated"]
