"""Claims about what skrub decides."""

import pandas as pd

from selfpaced.audit._features.encoding import are_dates


def test_dates_are_of_one_format() -> None:
    days = pd.date_range("2024-01-01", periods=60)
    assert are_dates(pd.Series(days.strftime("%d %B %Y")))
    assert not are_dates(pd.Series([*days.strftime("%d %B %Y"), "2024-01-31"]))
    assert not are_dates(pd.Series([*days.strftime("%d %B %Y"), "a cat"]))
