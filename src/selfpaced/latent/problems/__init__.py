"""Latent structural problems that are ready for ``LatentSVM``."""

from selfpaced.latent.problems.digits import Digits, Rotated
from selfpaced.latent.problems.motif import Motif, Sequences

__all__ = ["Digits", "Motif", "Rotated", "Sequences"]
