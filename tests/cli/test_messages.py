import io

import pandas as pd
import pytest
from rich.console import Console

from selfpaced._cli.messages import _table


def drawn(shown: pd.DataFrame, width: int) -> str:
    console = Console(width=width, file=io.StringIO())
    console.print(_table(shown, width - 1))
    out = console.file
    assert isinstance(out, io.StringIO)
    return out.getvalue()


@pytest.mark.parametrize("width", [55, 60, 80, 120])
def test_only_the_columns_of_the_user_give_way(width: int) -> None:
    ours: dict[str, list[object]] = {
        "row": [73401],
        "given": ["neutral"],
        "probably": ["negative"],
        "how sure": ["98.2%"],
    }
    own = {"review": ["a long story, told at length"], "who": ["somebody of a long name"]}
    text = drawn(pd.DataFrame(ours | own), width)
    assert all(str(cell) in text for cells in ours.values() for cell in cells)
    assert "│ a long" in text
    assert max(map(len, text.splitlines())) <= width


def test_without_columns_of_the_user_there_are_ours() -> None:
    shown = pd.DataFrame({"index": [3], "given": [1], "probably": [7], "how sure": ["60.0%"]})
    assert "60.0%" in drawn(shown, 40)
