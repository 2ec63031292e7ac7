"""The settings of a training, and their defaults; imports neither torch nor numpy."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from selfpaced._errors import require, require_positive_int, require_seed

# The default number of rows per batch.
BATCH = 128
# The default learning rate of Adam.
LEARNING_RATE = 1e-3
# The default number of epochs.
EPOCHS = 30
# The default number of epochs of many rows where other models are trained, too.
EPOCHS_BESIDE = 15
# The least number of steps of the optimizer in a training, by default.
LEAST_STEPS = 600
# Below this number of rows, ``batch_for`` returns SMALL_BATCH.
FEW_ROWS = 2_000
# Rows per batch where there are few rows.
SMALL_BATCH = 32
# From this number of rows on, ``batch_for`` returns LARGE_BATCH.
MANY_ROWS = 50_000
# Rows per batch where there are many rows.
LARGE_BATCH = 512
# The default number of rounds of scikit-learn models.
ROUNDS = 8
# The default number of folds of estimators up to each number of rows; FEWEST above.
FOLDS = ((2_000, 5), (20_000, 4))
# The default number of folds of many rows, and of networks: each fold costs a training.
FEWEST = 3
# Above this number of rows a network has HALVES: two copies learn as much as one without folds.
LARGE = 20_000
# Two folds.
HALVES = 2


@dataclass(frozen=True)
class Settings:
    """The settings of a training; ``audit`` explains them.

    With 0 folds a model judges the labels that it learns. Images are shifted by up to ``shift``
    pixels before the model learns from them.
    """

    epochs: int = EPOCHS
    batch_size: int = BATCH
    learning_rate: float = LEARNING_RATE
    workers: int = 0
    seed: int = 0
    folds: int = 0
    shift: int = 0

    def __post_init__(self) -> None:
        """Check the settings."""
        for name in ("epochs", "batch_size"):
            require_positive_int(name, getattr(self, name), "audit")
        require(
            0 < self.learning_rate < math.inf,
            f"audit: learning_rate must be above 0, and finite; got {self.learning_rate}.",
        )
        require_seed(self.seed, "audit")
        require_folds(self.folds)


def require_same(saved: dict[str, Any], settings: Settings) -> None:
    """Raise unless a state was saved with the same settings.

    Raises:
        ValueError: Naming the settings that differ.
    """
    require(isinstance(saved, dict), "The state of the training is damaged: it has no settings.")
    now = asdict(settings)
    differ = [name for name in now if saved.get(name) != now[name]]
    other = [f"{name} {saved.get(name)}, now {now[name]}" for name in differ]
    require(
        not other,
        f"The training was saved with other settings: {'; '.join(other)}. Go on with the settings "
        f"of before, or begin again with force=True.",
    )


def for_network(
    rows: int,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    seed: int = 0,
    folds: int | None = None,
    beside: bool = False,
) -> Settings:
    """Return the settings of the training of a network; None stands for a default.

    Args:
        rows: The number of rows.
        epochs: See ``epochs_for``.
        batch_size: See ``batch_for``.
        learning_rate: The learning rate of Adam.
        seed: The seed.
        folds: See ``folds_for``.
        beside: Whether other models judge the same labels; see ``epochs_for``.

    Raises:
        ValueError: For settings out of range.

    >>> for_network(5_000).epochs, for_network(5_000, beside=True).epochs
    (30, 15)
    """
    size = batch_for(rows) if batch_size is None else batch_size
    require_positive_int("batch_size", size, "audit")
    if epochs is None:
        epochs = epochs_for(rows, size, beside=beside)
    rate = LEARNING_RATE if learning_rate is None else learning_rate
    folds = folds_for(rows, network=True) if folds is None else folds
    return Settings(epochs, size, rate, seed=seed, folds=folds)


def for_rounds(
    rows: int, *, epochs: int | None = None, seed: int = 0, folds: int | None = None
) -> Settings:
    """Return the settings of the training of scikit-learn models; None stands for a default.

    Args:
        rows: The number of rows.
        epochs: The number of rounds.
        seed: The seed.
        folds: See ``folds_for``; 0 is the default, too, as they always leave out folds.

    Raises:
        ValueError: For settings out of range.

    >>> for_rounds(2_000)
    Settings(epochs=8, batch_size=128, learning_rate=0.001, workers=0, seed=0, folds=5, shift=0)
    """
    return Settings(ROUNDS if epochs is None else epochs, seed=seed, folds=folds or folds_for(rows))


def epochs_for(rows: int, batch_size: int, *, beside: bool = False) -> int:
    """Return the number of epochs for a number of rows: enough steps, however few the rows.

    Args:
        rows: The number of rows.
        batch_size: Rows per batch.
        beside: Whether other models judge the same labels: fewer epochs are then enough.

    >>> epochs_for(60, 32), epochs_for(5_000, 128), epochs_for(5_000, 128, beside=True)
    (300, 30, 15)
    """
    usual = EPOCHS_BESIDE if beside and rows >= FEW_ROWS else EPOCHS
    return max(usual, math.ceil(LEAST_STEPS / math.ceil(rows / batch_size)))


def batch_for(rows: int) -> int:
    """Return the batch size for a number of rows: smaller data gets smaller batches, more steps.

    >>> batch_for(500), batch_for(5_000), batch_for(500_000)
    (32, 128, 512)
    """
    if rows < FEW_ROWS:
        return SMALL_BATCH
    return LARGE_BATCH if rows >= MANY_ROWS else BATCH


def folds_for(rows: int, *, network: bool = False) -> int:
    """Return the default number of folds for a number of rows.

    >>> folds_for(400), folds_for(5_000), folds_for(400, network=True)
    (5, 4, 3)
    """
    if network:
        return HALVES if rows > LARGE else FEWEST
    return next((folds for most, folds in FOLDS if rows <= most), FEWEST)


def require_folds(folds: int) -> None:
    """Raise for a number of folds that is not 0, or 2 or more."""
    require(
        type(folds) is int and (folds == 0 or folds >= HALVES),
        f"audit: folds must be 2 or more, or 0 to judge labels by models that learned them; got "
        f"{folds!r}.",
    )
