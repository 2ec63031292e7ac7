"""The four ways to train that most comparisons have: the default pacer and three controls."""

from collections.abc import Callable
from typing import TypeVar

from selfpaced import Pacer
from selfpaced.age import Quantile
from selfpaced.chain import Age, Difficulty
from selfpaced.difficulty import RandomOrder, Smoothed
from selfpaced.pacing import Constant, Recorded

Out = TypeVar("Out")

WAYS = ("default", "plain", "random", "told")  # Names of the ways, in the order of the tables.


def compare(
    default: Pacer, train: Callable[[Pacer], Out], right: float, seed: int
) -> dict[str, Out]:
    """Train once in each way; return what each training returns, by way.

    - default: the given pacer.
    - plain: every sample has weight 1.
    - random: keeps the same share as the default at each step, of samples drawn at random.
    - told: keeps the easiest samples, as many as have right labels, from the third epoch on.

    Args:
        default: A new pacer, the one under test. It is trained first.
        train: Trains a new model with a pacer, each time from the same weights and in the same
            order of samples.
        right: True share of right labels, for told.
        seed: Seed of random, which draws new samples every epoch.
    """
    results = {"default": train(default)}
    controls: dict[str, tuple[Age, Difficulty]] = {
        "plain": (Quantile(Constant(1.0)), Smoothed()),
        "random": (Quantile(Recorded((1.0, *kept_shares(default)))), RandomOrder(seed)),
        "told": (Quantile(Recorded((1.0, 1.0, right))), Smoothed()),
    }
    for way, (age, difficulty) in controls.items():
        results[way] = train(Pacer(default.n_samples, age=age, difficulty=difficulty))
    return results


def kept_shares(pacer: Pacer) -> list[float]:
    """Return the kept share after each step."""
    return [share for row in pacer.history if isinstance(share := row["kept_share"], float)]
