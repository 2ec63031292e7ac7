"""How many of the suspects were wrong so far, and how many of the others may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from selfpaced.audit._decisions.store import Decision
from selfpaced.audit._reading.words import are, count

# The confidence of the intervals.
CONFIDENCE = 0.95
# The number of the last decided samples from which the share among those that follow is judged: if
# none of them was wrong, it is below ``ENOUGH``.
LAST = 30
# A list may be left where at most this share of what is left is wrong.
ENOUGH = 0.1


class Interval(NamedTuple):
    """A share, and the limits between which it lies with 95 % confidence."""

    share: float
    low: float
    high: float


def interval(k: int, n: int) -> Interval:
    """Return the exact interval of a share of which k of n were observed.

    Args:
        k: How often it was so.
        n: Of how many, 1 or more.

    References:
        Clopper and Pearson, *The Use of Confidence or Fiducial Limits Illustrated in the Case of
        the Binomial*, Biometrika 1934.

    >>> [round(limit, 3) for limit in interval(0, 20)]
    [0.0, 0.0, 0.168]
    """
    # Not at the top: scipy is slow to import.
    from scipy.stats import beta

    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if k == 0 else float(beta.ppf(tail, k, n - k + 1))
    high = 1.0 if k == n else float(beta.ppf(1 - tail, k + 1, n - k))
    return Interval(k / n, low, high)


def _at_most(k: int, n: int) -> Interval:
    """Return a share of which k of n were observed, and its upper limit with 95 % confidence."""
    from scipy.stats import beta  # as above

    return Interval(k / n, 0.0, 1.0 if k == n else float(beta.ppf(CONFIDENCE, k + 1, n - k)))


@dataclass(frozen=True)
class Progress:
    """What was decided about the samples of a list, the most suspicious first.

    Args:
        wrong: How many labels were wrong: all reviewers changed them.
        right: How many were kept by all reviewers.
        unsure: How many nobody decided, as all who looked were unsure.
        disagree: How many some changed and others kept, or changed to different labels.
        left: How many are undecided.
        precision: The share of wrong labels among those that were decided; None if none were.
        last: The share of wrong labels among the last 30 in the order of the list that were
            decided: not less than that among those that follow, if the list is sorted well. None if
            fewer were decided.
        following: How many undecided ones follow the first of these in the list.
        drawn: The share among those that were drawn at random; None if none were.
    """

    wrong: int
    right: int
    unsure: int
    disagree: int
    left: int
    precision: Interval | None
    last: Interval | None
    following: int
    drawn: Interval | None

    @property
    def sentences(self) -> list[str]:
        """What can be said, in sentences."""
        if self.precision is None:
            return ["Nothing is decided yet."]
        n = self.wrong + self.right
        said = [f"{self.wrong:,} of {n:,} decided labels were wrong{_limits(self.precision)}."]
        apart = [(self.unsure, "unsure"), (self.disagree, "where reviewers disagree")]
        more = [f"{k:,} {what}" for k, what in apart if k]
        if more:
            said.append(f"Not counted: {', '.join(more)}.")
        if self.left:
            said += self._about_the_rest()
        return said

    def _about_the_rest(self) -> list[str]:
        """Say how many of those that are left may be wrong, and whether one may stop."""
        if self.drawn is not None:
            limits = f"between {self.drawn.low:.0%} and {self.drawn.high:.0%}"
            said = f"By those drawn at random, {limits} of the {self.left:,} left are wrong."
            high = self.drawn.high
        elif self.last is not None and self.following:
            said = (
                f"If the list is sorted well, at most {self.last.high:.0%} of the "
                f"{self.following:,} that follow are wrong: {self.last.share:.0%} of the last "
                f"{LAST} were."
            )
            high = self.last.high
        else:
            return ["To learn how many of those left are wrong, decide some drawn at random."]
        whole = self.drawn is not None or self.following == self.left
        return [said, "You may stop here."] if high <= ENOUGH and whole else [said]


def progress(places: Sequence[str], decisions: Mapping[str, Mapping[str, Decision]]) -> Progress:
    """Return what was decided about the samples of a list.

    Args:
        places: The places of the samples, the most suspicious first.
        decisions: The decisions by place and reviewer, as ``Decisions.latest`` returns them.
    """
    verdicts = [verdict(decisions.get(place, {})) for place in places]
    told = [at for at, each in enumerate(verdicts) if each in ("wrong", "right")]
    wrong, n, last = verdicts.count("wrong"), len(told), told[-LAST:]
    drawn = [verdicts[at] for at in told if _was_drawn(decisions[places[at]])]
    return Progress(
        wrong,
        n - wrong,
        verdicts.count("unsure"),
        verdicts.count("disagree"),
        verdicts.count(""),
        interval(wrong, n) if n else None,
        _at_most(sum(verdicts[at] == "wrong" for at in last), LAST) if n >= LAST else None,
        verdicts[last[0] :].count("") if last else 0,
        interval(drawn.count("wrong"), len(drawn)) if drawn else None,
    )


def verdict(of_place: Mapping[str, Decision]) -> str:
    """Return what the reviewers say of a label: "wrong", "right", "unsure" or "disagree".

    "" means that nobody looked. Those who are unsure count only if all are.

    >>> kept = Decision("3", "keep", None, "ann", "")
    >>> changed = Decision("3", "change", "dog", "bob", "")
    >>> verdict({"ann": kept}), verdict({"ann": kept, "bob": changed}), verdict({})
    ('right', 'disagree', '')
    """
    if not of_place:
        return ""
    said = {(each.action, each.label) for each in of_place.values() if each.action != "unsure"}
    if not said:
        return "unsure"
    if len(said) > 1:
        return "disagree"
    return "right" if next(iter(said))[0] == "keep" else "wrong"


def _was_drawn(of_place: Mapping[str, Decision]) -> bool:
    """Say whether a sample was drawn at random."""
    return any(each.drawn for each in of_place.values())


def _limits(share: Interval) -> str:
    """Return a share with its limits in brackets."""
    return f" ({share.share:.0%}; between {share.low:.0%} and {share.high:.0%})"


def in_short(found: Progress) -> str:
    """Return how many labels were decided, as a line for a terminal.

    >>> in_short(progress(["1", "2"], {"1": {"ann": Decision("1", "keep", None, "ann", "")}}))
    '1 sample is decided: 0 wrong, 1 right; 1 left.'
    """
    n = found.wrong + found.right + found.unsure + found.disagree
    parts = [f"{found.wrong:,} wrong", f"{found.right:,} right"]
    parts += [f"{found.unsure:,} unsure"] if found.unsure else []
    parts += [f"{found.disagree:,} disputed"] if found.disagree else []
    return f"{count(n, 'sample')} {are(n)} decided: {', '.join(parts)}; {found.left:,} left."
