"""Claims about how precise a list of suspects has been, and what is left."""

import pytest

from selfpaced.audit._decisions.precision import in_short, interval, progress
from selfpaced.audit._decisions.store import Action, Decision


def decided(actions: dict[str, Action], by: str = "ann") -> dict[str, dict[str, Decision]]:
    """Return decisions of one reviewer; a change is to dog."""
    return {
        place: {by: Decision(place, action, "dog" if action == "change" else None, by, "")}
        for place, action in actions.items()
    }


def numbered(n: int, wrong: set[int], places: range) -> dict[str, dict[str, Decision]]:
    """Return decisions about the samples of a range: those in ``wrong`` were wrong."""
    return decided({str(at): "change" if at in wrong else "keep" for at in places if at < n})


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0),
        (34, 40, 0.7016, 0.9429),
    ],
)
def test_the_interval_is_that_of_clopper_and_pearson(
    k: int, n: int, low: float, high: float
) -> None:
    found = interval(k, n)
    assert found.share == k / n
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_nothing_is_said_before_the_first_decision() -> None:
    found = progress(["1", "2"], {})
    assert (found.left, found.precision) == (2, None)
    assert found.sentences == ["Nothing is decided yet."]


def test_wrong_right_and_unsure_labels_are_counted_apart() -> None:
    found = progress(["1", "2", "3", "4"], decided({"1": "change", "2": "keep", "3": "unsure"}))
    assert (found.wrong, found.right, found.unsure, found.left) == (1, 1, 1, 1)
    assert found.sentences[:2] == [
        "1 of 2 decided labels were wrong (50%; between 1% and 99%).",
        "Not counted: 1 unsure.",
    ]
    assert in_short(found) == "3 samples are decided: 1 wrong, 1 right, 1 unsure; 1 left."


def test_reviewers_who_disagree_count_as_neither() -> None:
    both = {"1": {**decided({"1": "keep"})["1"], **decided({"1": "change"}, "bob")["1"]}}
    both |= {"2": {**decided({"2": "keep"})["2"], **decided({"2": "unsure"}, "bob")["2"]}}
    found = progress(["1", "2"], both)
    assert (found.disagree, found.right, found.wrong) == (1, 1, 0)
    assert "1 where reviewers disagree" in found.sentences[1]


def test_after_thirty_right_labels_in_order_one_may_stop() -> None:
    places = [str(at) for at in range(100)]
    found = progress(places, numbered(100, set(range(10)), range(40)))
    assert found.last is not None
    assert found.last.high == pytest.approx(1 - 0.05 ** (1 / 30), abs=1e-6)  # 9.5 %
    assert found.following == 60
    assert found.sentences[-2:] == [
        "If the list is sorted well, at most 10% of the 60 that follow are wrong: 0% of the last "
        "30 were.",
        "You may stop here.",
    ]


def test_while_labels_are_wrong_nobody_is_told_to_stop() -> None:
    places = [str(at) for at in range(100)]
    found = progress(places, numbered(100, set(range(0, 40, 2)), range(40)))
    assert found.sentences[-1].startswith("If the list is sorted well, at most 66% of the 60")


def test_with_few_decisions_the_page_asks_for_a_random_draw() -> None:
    found = progress([str(at) for at in range(100)], numbered(100, set(), range(29)))
    assert found.last is None
    assert found.sentences[-1] == (
        "To learn how many of those left are wrong, decide some drawn at random."
    )


def test_a_random_draw_tells_of_what_is_left_without_an_assumption() -> None:
    places = [str(at) for at in range(200)]
    latest = numbered(200, set(range(50)), range(50))
    for at in range(100, 140):
        drawn = Decision(str(at), "keep", None, "ann", "", drawn=True)
        latest[str(at)] = {"ann": drawn}
    found = progress(places, latest)
    assert found.drawn is not None
    assert found.drawn.share == 0
    assert found.sentences[-2:] == [
        "By those drawn at random, between 0% and 9% of the 110 left are wrong.",
        "You may stop here.",
    ]


def test_when_all_is_decided_only_the_precision_is_said() -> None:
    found = progress(["1"], decided({"1": "change"}))
    assert found.sentences == ["1 of 1 decided labels were wrong (100%; between 3% and 100%)."]


def test_nobody_is_told_to_stop_while_samples_before_are_undecided() -> None:
    found = progress([str(at) for at in range(100)], numbered(100, set(), range(50, 80)))
    assert found.following == 20
    assert found.left == 70
    assert found.sentences[-1].startswith("If the list is sorted well, at most 10% of the 20")
