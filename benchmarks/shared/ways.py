"""The ways that every comparison has: the default, plain training, random order, told the rate."""

from collections.abc import Callable
from typing import TypeVar

from selfpaced import Pacer
from selfpaced.age import Quantile
from selfpaced.chain import Age, Difficulty
from selfpaced.difficulty import RandomOrder, Smoothed
from selfpaced.pacing import Constant, Recorded

Out = TypeVar("Out")

WAYS = ("default", "plain", "random", "told")


def compare(
    default: Pacer, train: Callable[[Pacer], Out], right: float, seed: int
) -> dict[str, Out]:
    """Train once a way and return what each training gives.

    Args:
        default: A new pacer of the way under test, which is trained first.
        train: Trains a new model with a pacer; starts from the same weights and order each time.
        right: The true share of right labels: told keeps it from the third epoch on.
        seed: Of random, which keeps as many as the default did, chosen anew every epoch.
    """
    results = {"default": train(default)}
    others: dict[str, tuple[Age, Difficulty]] = {
        "plain": (Quantile(Constant(1.0)), Smoothed()),
        "random": (Quantile(Recorded((1.0, *kept_shares(default)))), RandomOrder(seed)),
        "told": (Quantile(Recorded((1.0, 1.0, right))), Smoothed()),
    }
    for way, (age, difficulty) in others.items():
        results[way] = train(Pacer(default.n_samples, age=age, difficulty=difficulty))
    return results


def kept_shares(pacer: Pacer) -> list[float]:
    """Return the share that was kept after each step."""
    return [share for row in pacer.history if isinstance(share := row["kept_share"], float)]
