"""Claims about what may be concluded from how well labels can be predicted."""

from dataclasses import replace

import pandas as pd
import pytest

from selfpaced.audit._reliability import Reliability, conclusion, most_shown
from selfpaced.suspects import Count

NAMES = pd.Index(["cat", "dog", "eel"])


def known(
    *,
    learned: tuple[bool, ...] = (True, True, True),
    flagged: tuple[float, ...] = (0.1, 0.0, 0.0),
    told_apart: bool = True,
) -> Reliability:
    withheld = [not known or share > 0.5 for known, share in zip(learned, flagged, strict=True)]
    classes = pd.DataFrame(
        {
            "rows": [50, 40, 10],
            "recall": [0.9, 0.8, 0.5],
            "flagged": flagged,
            "learned": learned,
            "withheld": withheld,
        },
        NAMES,
    )
    return Reliability(0.85, 0.5, 0.4, 0.9, classes, {"trees": 0.7, "bayes": 0.3}, told_apart)


def said(k: int, found: Count, reliability: Reliability | None) -> list[str]:
    return conclusion(100, k, "labels", found, reliability)


def test_labels_that_can_be_told_from_overlap_are_counted() -> None:
    title, count = said(5, Count(7.0, 3.0, 12.0), known())
    assert title == "5 of 100 labels are probably wrong (5.0%)"
    assert count == "All in all about 7 are wrong (3 to 12)."
    assert said(0, Count(0.0, 0.0, 2.0), known()) == [
        "None of 100 labels looks wrong",
        "At most 2 are wrong.",
    ]
    assert said(0, Count(0.0, 0.0, 1.0), known())[1] == "At most 1 is wrong."
    assert said(0, Count(0.0, 0.0, 0.0), known())[1] == "None is wrong."
    assert said(1, Count(1.0, 0.0, 2.0), None)[0] == "1 of 100 labels is probably wrong (1.0%)"


def test_the_range_comes_first_where_overlap_and_wrong_labels_cannot_be_told_apart() -> None:
    title, why = said(5, Count(7.0, 0.0, 30.0), known(told_apart=False))
    assert title == "Between 0 and 30 of 100 labels are wrong"
    assert why.endswith("cannot be told. 5 look wrong (5.0%); check each of them.")
    _, none = said(0, Count(0.0, 0.0, 30.0), known(told_apart=False))
    assert none.endswith("None is listed.")


def test_nothing_is_said_about_labels_that_nobody_can_predict() -> None:
    title, why, how = said(0, Count(0.0, 0.0, 30.0), known(learned=(False,) * 3))
    assert title == "Nothing can be said about the 100 labels"
    assert why == (
        "No class was predicted clearly better than by chance, so no label is called wrong."
    )
    assert how.startswith("Models that did not learn a label predict it for 85.0% of the samples;")


def test_classes_that_are_kept_back_are_named() -> None:
    found = said(
        2, Count(7.0, 3.0, 12.0), known(learned=(True, False, True), flagged=(0.0, 0, 0.6))
    )
    assert found[2] == (
        "No label of 1 class is called wrong, as it was not predicted clearly better than by "
        "chance: dog."
    )
    assert found[3].startswith("More than half of the labels of 1 class look wrong, which is more")
    assert found[3].endswith(
        "eel (60%). None of them is called wrong; every_class=True lists them."
    )


def test_no_probability_above_ninety_per_cent_is_shown_beside_a_range_that_begins_near_0() -> None:
    assert most_shown(Count(5.0, 0.4, 9.0)) == 0.9
    assert most_shown(Count(5.0, 2.0, 9.0)) == 0.999


def test_the_models_are_named_by_their_weight() -> None:
    assert known().learned_by == (
        "Judged by randomised trees (70%), naive Bayes on words (30%), with the weights that "
        "predict the labels best."
    )
    assert known().withheld.empty
    assert list(known(flagged=(0.0, 0.0, 0.51)).withheld) == ["eel"]


@pytest.mark.parametrize("learned", [(True, False, False), (False, False, False)])
def test_one_class_is_enough_to_have_learned_something(learned: tuple[bool, ...]) -> None:
    assert known(learned=learned).learned == any(learned)


def test_where_fewer_are_expected_to_be_wrong_than_are_listed_only_the_range_is_said() -> None:
    assert said(73, Count(55.2, 30.0, 80.0), known())[1] == "Between 30 and 80 labels are wrong."


def test_of_classes_that_are_listed_on_request_nothing_is_kept_back() -> None:
    of = known(learned=(True, False, True), flagged=(0.6, 0.0, 0.0))
    assert len(said(5, Count(7.0, 3.0, 12.0), of)) == 4
    assert len(conclusion(100, 5, "labels", Count(7.0, 3.0, 12.0), of, every_class=True)) == 2


def test_one_label_is_checked_and_one_model_has_no_weight() -> None:
    assert said(1, Count(1.0, 0.0, 30.0), known(told_apart=False))[1].endswith(
        "1 looks wrong (1.0%); check it."
    )
    alone = replace(known(), learners={"trees": 1.0})
    assert alone.learned_by == "Judged by randomised trees."
