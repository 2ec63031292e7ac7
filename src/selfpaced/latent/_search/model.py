"""What a latent variable model provides for the search."""

from typing import Protocol, TypeVar

from selfpaced._public import public
from selfpaced.chain import Floats

H = TypeVar("H")
W = TypeVar("W")


@public("selfpaced.latent")
class LatentModel(Protocol[H, W]):
    """A model of n units, such as samples, bags or matrix entries.

    The objective is ``regulariser(w) + losses(w, h).sum()``: constants such as C / n belong to the
    losses. The model chooses the types of ``h`` and ``w``: arrays, tuples of arrays, or None.
    """

    @property
    def tolerance(self) -> float:
        """The precision of ``fit``, in the unit of the objective; smaller changes mean nothing."""
        ...

    def __len__(self) -> int:
        """Return n."""
        ...

    def impute(self, w: W) -> H:
        """Return the latent values that w prefers: an argmax, or responsibilities."""
        ...

    def losses(self, w: W, h: H) -> Floats:
        """Return f_i(w, h_i), float64, shape (n,); lower is easier, negative is allowed."""
        ...

    def fit(self, h: H, v: Floats, w0: W | None) -> W:
        """Return argmin r(w) + sum_i v_i f_i(w, h_i), to the model's own tolerance.

        Args:
            h: Latent values.
            v: Weights, float64, shape (n,).
            w0: The result of the last fit, which may serve as a start; None for the first fit.
        """
        ...

    def regulariser(self, w: W) -> float:
        """Return r(w)."""
        ...
