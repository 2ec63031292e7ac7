"""Pictures of rules and runs, drawn from plain arrays, and reports; needs the extra ``report``.

Most functions draw on ``ax``, or on a new figure, and return the axes; ``axes.figure.savefig``
writes a file. ``animate_boundary`` and ``animate_embedding`` write an animation. ``write`` writes
the report of a pacer as one HTML file.
"""

from selfpaced._public import publish

try:
    import matplotlib  # noqa: F401 - only to find out whether it is installed
except ModuleNotFoundError as missing:
    message = 'The pictures need matplotlib: pip install "selfpaced[report]"'
    raise ModuleNotFoundError(message, name="matplotlib") from missing

from selfpaced.report._animation.animate import Frame, animate_boundary, animate_embedding, grid
from selfpaced.report._rules import plot_latent_losses, plot_pacings, plot_weightings
from selfpaced.report._runs import (
    plot_accuracies,
    plot_ages,
    plot_curves,
    plot_kept_share,
    plot_searches,
)
from selfpaced.report._samples import plot_cartography, plot_loss_bands
from selfpaced.report._suspects import plot_suspects
from selfpaced.report._theme import DARK, LIGHT, Theme
from selfpaced.report._written import write

__all__ = [
    "DARK",
    "LIGHT",
    "Frame",
    "Theme",
    "animate_boundary",
    "animate_embedding",
    "grid",
    "plot_accuracies",
    "plot_ages",
    "plot_cartography",
    "plot_curves",
    "plot_kept_share",
    "plot_latent_losses",
    "plot_loss_bands",
    "plot_pacings",
    "plot_searches",
    "plot_suspects",
    "plot_weightings",
    "write",
]

publish(__name__)
