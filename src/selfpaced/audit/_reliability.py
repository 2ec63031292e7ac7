"""How well labels can be predicted, and what may be concluded from that."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import pandas as pd

from selfpaced.audit._learning.mixture import Share
from selfpaced.audit._reading.words import are, count, listed
from selfpaced.suspects import Count, Learned

# A range begins near 0 if its lower end is below this.
NEAR_ZERO = 1.0
# The largest probability that is shown, and the largest one beside a range that begins near 0.
MOST_SHOWN, MOST_SHOWN_NEAR_ZERO = 0.999, 0.9
# What the kinds of models are called.
NAMES = {
    "network": "a neural network",
    "logistic": "logistic regression",
    "kernel": "kernel logistic regression",
    "boosting": "boosted trees",
    "trees": "randomised trees",
    "words": "logistic regression on words",
    "letters": "logistic regression on letters",
    "bayes": "naive Bayes on words",
    "given": "the probabilities that were given",
}
# Where the estimate is below this share of the suspects, only the range is said.
MOSTLY = 0.9
# Kinds of models with a smaller weight are not named.
LEAST_NAMED = 0.005


@dataclass(frozen=True, eq=False)
class Reliability:
    """How well the models predict labels that they did not learn, and what may be concluded.

    Args:
        accuracy: Share of the labels that are the most probable class.
        base_accuracy: The accuracy of always predicting the most frequent class.
        log_loss: Mean of -ln p of the label, in nats.
        base_log_loss: The log loss of always predicting the frequencies of the classes.
        classes: A row per class: ``rows``, ``recall`` (the share of its rows of which it is the
            most probable class), ``flagged`` (the share whose label is probably wrong), ``learned``
            (whether it was learned better than by chance) and ``withheld`` (whether none of its
            labels is called wrong: it was not learned, or more than half would be).
        learners: The weight of each kind of model in the mixture that judges the labels.
        told_apart: Whether wrong labels can be told from classes that overlap.
    """

    accuracy: float
    base_accuracy: float
    log_loss: float
    base_log_loss: float
    classes: pd.DataFrame
    learners: dict[str, float]
    told_apart: bool

    @classmethod
    def of(cls, learned: Learned, names: pd.Index, shares: Mapping[str, Share]) -> Self:
        """Return what a judgement of held-out labels says, with the user's names of the classes."""
        columns = {
            "rows": learned.rows,
            "recall": learned.recall,
            "flagged": learned.flagged,
            "learned": learned.classes,
            "withheld": learned.withheld,
        }
        table = pd.DataFrame({name: column.numpy() for name, column in columns.items()}, names)
        return cls(
            learned.accuracy,
            learned.base_accuracy,
            learned.log_loss,
            learned.base_log_loss,
            table,
            {kind: share.weight for kind, share in shares.items()},
            learned.told_apart,
        )

    @property
    def learned(self) -> bool:
        """Whether any class was learned better than by chance."""
        return bool(self.classes["learned"].any())

    @property
    def withheld(self) -> pd.Index:
        """The names of the classes of which no label is called wrong."""
        return self.classes.index[self.classes["withheld"]]

    @property
    def predicted(self) -> str:
        """How well labels are predicted, in a sentence."""
        return (
            f"Models that did not learn a label predict it for {self.accuracy:.1%} of the samples; "
            f"always saying the most frequent class is right for {self.base_accuracy:.1%}. "
            f"The log loss is {abs(self.log_loss):.3f}, and {self.base_log_loss:.3f} for the "
            f"frequencies of the classes."
        )

    @property
    def learned_by(self) -> str:
        """Which kinds of models judge the labels, in a sentence."""
        ranked = sorted(self.learners.items(), key=lambda item: -item[1])
        if len(ranked) == 1:
            return f"Judged by {NAMES[ranked[0][0]]}."
        named = [f"{NAMES[kind]} ({w:.0%})" for kind, w in ranked if w >= LEAST_NAMED]
        return f"Judged by {listed(named)}, with the weights that predict the labels best."


def conclusion(
    n: int,
    k: int,
    what: str,
    found: Count,
    reliability: Reliability | None,
    *,
    every_class: bool = False,
) -> list[str]:
    """Return what may be concluded: a headline without a full stop, and sentences.

    Args:
        n: Number of labels.
        k: Number of those that are called wrong.
        what: What the labels are called, in plural.
        found: The number of wrong labels.
        reliability: How well labels can be predicted; None if that is not known.
        every_class: Whether labels of all classes may be called wrong.
    """
    low, high, about = f"{found.low:,.0f}", f"{found.high:,.0f}", round(found.estimate)
    if reliability is not None and not reliability.learned:
        return [
            f"Nothing can be said about the {n:,} {what}",
            "No class was predicted clearly better than by chance, so no label is called wrong.",
            reliability.predicted,
        ]
    kept_back = [] if reliability is None or every_class else _kept_back(reliability)
    if reliability is not None and not reliability.told_apart:
        some = (
            f"{k:,} {'look' if k != 1 else 'looks'} wrong ({k / n:.1%})" if k else "None is listed"
        )
        return [
            f"Between {low} and {high} of {n:,} {what} are wrong",
            "The classes overlap, or some of their labels are noise: which of the two cannot be "
            f"told. {some}{_to_check(k)}.",
            *kept_back,
        ]
    title = f"{k:,} of {n:,} {what} {are(k)} probably wrong ({k / n:.1%})"
    if not k:
        title = f"None of {n:,} {what} looks wrong"
    number = f"All in all about {about:,} {are(about)} wrong ({low} to {high})."
    if about < MOSTLY * k:
        number = f"Between {low} and {high} {what} are wrong."
    if not about and low == "0":
        number = (
            f"At most {high} {are(round(found.high))} wrong." if high != "0" else "None is wrong."
        )
    return [title, number, *kept_back]


def _to_check(k: int) -> str:
    """Return the end of a sentence on k labels that look wrong."""
    if not k:
        return ""
    return "; check it" if k == 1 else "; check each of them"


def most_shown(found: Count) -> float:
    """Return the largest probability to show beside a range; higher ones become "> 90 %"."""
    return MOST_SHOWN_NEAR_ZERO if found.low < NEAR_ZERO else MOST_SHOWN


def _kept_back(reliability: Reliability) -> list[str]:
    """Return sentences on the classes of which no label is called wrong."""
    table = reliability.classes
    chance, most = ~table["learned"], table["learned"] & table["withheld"]
    sentences = []
    if chance.any():
        names = listed(table.index[chance])
        sentences.append(
            f"No label of {count(int(chance.sum()), 'class')} is called wrong, as "
            f"{'it was' if chance.sum() == 1 else 'they were'} not predicted clearly better than "
            f"by chance: {names}."
        )
    if most.any():
        flagged = [f"{name} ({share:.0%})" for name, share in table["flagged"][most].items()]
        sentences.append(
            f"More than half of the labels of {count(int(most.sum()), 'class')} look wrong, which "
            f"is more likely a class that is hard to learn: {listed(flagged)}. None of them is "
            f"called wrong; every_class=True lists them."
        )
    return sentences
