"""Claims about columns of free text."""

import pandas as pd
import pytest

from selfpaced.audit._features.text import is_text

TEXTS = [f"{'good' if i % 2 else 'awful'} film number {i}" for i in range(60)]


def test_text_is_of_many_values_and_words_and_no_dates() -> None:
    days = pd.date_range("2024-01-01", periods=60)
    assert is_text(pd.Series(TEXTS))
    assert not is_text(pd.Series(TEXTS[:30]))
    assert not is_text(pd.Series(TEXTS[:5] * 200))
    assert not is_text(pd.Series([f"two words{i}" for i in range(60)]))
    assert not is_text(pd.Series(days.strftime("%d %B %Y")))
    assert not is_text(pd.Series(range(60)))


@pytest.mark.parametrize("form", ["%d %B %Y", "%b %d %H:%M:%S %Y", "%d %m %Y %H:%M:%S"])
def test_dates_of_several_words_are_no_text(form: str) -> None:
    days = pd.Series(pd.date_range("2024-01-01", periods=60).strftime(form))
    assert not is_text(days)
    assert is_text(days.where(days.index != 50, "some time in May"))


def test_texts_of_which_one_begins_like_dates_are_text() -> None:
    assert is_text(pd.Series(["31 January 2024", *TEXTS]))
