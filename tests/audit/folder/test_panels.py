"""Claims about the two panels of suspects."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from selfpaced.audit import Audit
from selfpaced.audit._folder.panels import panels
from selfpaced.report import LIGHT


def labels(axes: Axes) -> list[str]:
    legend = axes.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend is not None else []


def overlaps(figure: Figure) -> list[str]:
    """Upright texts that lie on each other; ticks outside the limits exist but are not drawn."""
    figure.draw_without_rendering()
    hidden = {
        id(tick)
        for axes in figure.axes
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim()))
        for tick in axis.get_ticklabels()
        if not min(low, high) <= tick.get_position()[axis is axes.yaxis] <= max(low, high)
    }
    every = {id(text): text for text in figure.findobj(Text) if text.get_visible()}
    shown = [
        (text.get_text(), text.get_window_extent())
        for key, text in every.items()
        if isinstance(text, Text) and text.get_text() and key not in hidden
        if text.get_rotation() in (0, 90)
    ]
    return [
        f"{one} on {other}"
        for (one, box), (other, second) in combinations(shown, 2)
        if box.overlaps(second)
    ]


def test_the_left_panel_says_how_sure(classes_found: Audit) -> None:
    left = panels(classes_found, LIGHT).axes[0]
    assert left.get_title("left") == "2 of 4 labels are probably wrong"
    assert labels(left) == ["almost surely wrong: 1", "doubtful: 2", "right: 1"]


def test_the_right_panel_counts_meant_by_given(classes_found: Audit) -> None:
    table = pd.concat([classes_found.table] * 3).set_axis(range(12))
    found = replace(classes_found, table=table)
    right = panels(found, LIGHT).axes[1]
    at = {text.get_position(): text.get_text() for text in right.texts}
    assert at == {(1, 0): "3", (0, 1): "3"}  # given stands across, meant down
    assert right.get_title("left") == "Most often cat was labelled dog"
    assert [tick.get_text() for tick in right.get_xticklabels()] == ["cat", "dog"]


def test_numbers_are_drawn_against_what_was_expected(numbers_found: Audit) -> None:
    left, right = panels(numbers_found, LIGHT).axes
    assert left.get_title("left") == "1 of 4 numbers is probably wrong"
    assert labels(right) == ["all others: 3", "suspects: 1"]
    assert np.asarray(right.collections[1].get_offsets()).tolist() == [[3.125, 900.0]]


def test_no_suspect_is_said(classes_found: Audit) -> None:
    none = replace(classes_found, table=classes_found.table.assign(probability=0.01))
    right = panels(none, LIGHT).axes[1]
    assert [text.get_text() for text in right.texts] == ["No label is under suspicion."]


@pytest.mark.parametrize("classes", [2, 3, 10, 40])
@pytest.mark.parametrize("n", [40, 50_000])
def test_no_texts_overlap(classes_found: Audit, classes: int, n: int) -> None:
    names = [f"a class {place}" * (1 + place % 2) for place in range(classes)]
    table = pd.DataFrame(
        {
            "label": [names[place % classes] for place in range(n)],
            "probability": np.linspace(1, 0, n) ** 4,
            "suggested": [names[(place + 1) % classes] for place in range(n)],
        }
    )
    confusion = pd.DataFrame(0.0, index=names, columns=names)
    found = replace(classes_found, table=table, confusion=confusion)
    figure = panels(found, LIGHT)
    assert overlaps(figure) == []
    assert len(figure.axes[1].get_xticks()) == min(
        len(set(found.suspects["label"])) + 1, classes, 12
    )


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e9])
def test_no_texts_of_numbers_overlap(numbers_found: Audit, scale: float) -> None:
    table = numbers_found.table.copy()
    table[["label", "suggested"]] *= scale
    assert overlaps(panels(replace(numbers_found, table=table), LIGHT)) == []
