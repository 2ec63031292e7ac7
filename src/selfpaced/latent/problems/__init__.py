"""Ready-made latent structural problems for ``LatentSVM``."""

from selfpaced._public import publish

try:
    from selfpaced.latent.problems._boxes import Boxes, Gradients
    from selfpaced.latent.problems._digits import Digits, Rotated
    from selfpaced.latent.problems._mentions import Mentions
    from selfpaced.latent.problems._motif import Motif
except ModuleNotFoundError as missing:
    raise ImportError(
        f"selfpaced.latent.problems needs {missing.name}. "
        f'Install it with: pip install "selfpaced[latent]"',
        name=missing.name,
    ) from missing

__all__ = ["Boxes", "Digits", "Gradients", "Mentions", "Motif", "Rotated"]

publish(__name__)
