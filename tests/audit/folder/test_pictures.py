"""Claims about the pictures of a run."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import image
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from selfpaced.audit import Audit
from selfpaced.audit._folder.pictures import draw, panels
from selfpaced.audit._reliability import Reliability
from selfpaced.report import LIGHT

RNG = np.random.default_rng(0)


def made(folder: Path) -> dict[str, Any]:
    return {path.name: image.imread(path) for path in folder.iterdir()}


def look(found: Audit, folder: Path, images: Any = None, **given: Any) -> Any:
    """Draw both pictures, and return the pixels of suspects.png."""
    draw(found, folder, images, **given)
    return made(folder)["suspects.png"]


@pytest.mark.parametrize("dark", [False, True])
def test_both_pictures_have_the_light_or_the_dark_background(
    classes_found: Audit, numbers_found: Audit, tmp_path: Path, dark: bool
) -> None:
    background = [0x14 / 255, 0x17 / 255, 0x1C / 255] if dark else [1.0, 1.0, 1.0]
    for found in (classes_found, numbers_found):
        draw(found, tmp_path, None, dark=dark)
        pictures = made(tmp_path)
        assert sorted(pictures) == ["curves.png", "suspects.png"]
        for picture in pictures.values():
            np.testing.assert_allclose(picture[0, 0, :3], background, atol=1e-6)
            assert picture[..., :3].std() > 0.02


def test_the_same_audit_gives_the_same_bytes_and_rcparams_do_not_change(
    classes_found: Audit, tmp_path: Path
) -> None:
    before = dict(mpl.rcParams)
    draw(classes_found, tmp_path, None)
    first = [(tmp_path / name).read_bytes() for name in ("curves.png", "suspects.png")]
    draw(classes_found, tmp_path, None)
    assert first == [(tmp_path / name).read_bytes() for name in ("curves.png", "suspects.png")]
    assert dict(mpl.rcParams) == before


def test_losses_are_drawn_if_they_are_passed(classes_found: Audit, tmp_path: Path) -> None:
    draw(classes_found, tmp_path, None)
    means = made(tmp_path)["curves.png"]
    draw(classes_found, tmp_path, None, losses=RNG.random((2, 4)))
    assert (made(tmp_path)["curves.png"] != means).any()


SHAPES = [(4, 8, 8), (4, 1, 8, 8), (4, 8, 8, 1)]


def test_only_images_of_suspects_are_drawn(classes_found: Audit, tmp_path: Path) -> None:
    images = RNG.random((4, 3, 8, 8))
    first = look(classes_found, tmp_path, images)
    images[[0, 2]] = RNG.permuted(images[[0, 2]])
    assert (look(classes_found, tmp_path, images) == first).all()
    images[3] = RNG.permuted(images[3])
    assert (look(classes_found, tmp_path, images) != first).any()


def test_images_may_have_channels_first_or_last_or_none(
    classes_found: Audit, tmp_path: Path
) -> None:
    grey = (255 * RNG.random((4, 8, 8))).astype(np.uint8)
    pictures = [look(classes_found, tmp_path, grey.reshape(shape)) for shape in SHAPES]
    assert (pictures[0] == pictures[1]).all() and (pictures[0] == pictures[2]).all()
    red = np.zeros((4, 3, 8, 8), np.uint8)
    red[:, 0, :4] = 255
    picture = look(classes_found, tmp_path, red)
    assert (picture == look(classes_found, tmp_path, np.moveaxis(red, 1, -1))).all()
    assert (picture[..., :3] == [1, 0, 0]).all(-1).mean() > 0.05


def test_ink_is_drawn_dark_and_a_photograph_keeps_its_grey_values(
    classes_found: Audit, tmp_path: Path
) -> None:
    ink = np.zeros((4, 8, 8))
    ink[:, 3:5] = 1
    photograph = np.ones((4, 8, 8))
    photograph[:, 3:5] = 0
    assert look(classes_found, tmp_path, ink)[..., :3].mean() > 0.7
    assert look(classes_found, tmp_path, photograph)[..., :3].mean() > 0.7


@pytest.mark.parametrize("shape", [(4, 8), (4, 2, 8, 8), (4, 8, 8, 4), (4, 1, 1, 8, 8)])
def test_arrays_of_another_shape_are_refused(
    classes_found: Audit, tmp_path: Path, shape: tuple[int, ...]
) -> None:
    said = "with 1 or 3 channels or none; got images of shape"
    with pytest.raises(ValueError, match=said):
        draw(classes_found, tmp_path, np.zeros(shape))


def test_a_picture_is_drawn_without_any_suspect(
    classes_found: Audit, numbers_found: Audit, tmp_path: Path
) -> None:
    for found in (classes_found, numbers_found):
        none = replace(found, table=found.table.assign(probability=0.01))
        assert look(none, tmp_path, np.zeros((4, 8, 8))).std() > 0.02


@pytest.mark.parametrize(
    "name", ["$a$", "$5 or $6 \\frac{", "猫", "a\nb", "\0\x1b\u202e", "x" * 300]
)
def test_any_name_of_a_class_can_be_drawn(classes_found: Audit, tmp_path: Path, name: str) -> None:
    table = classes_found.table.replace({"label": {"cat": name}, "suggested": {"cat": name}})
    classes = [name, "dog"]
    confusion = pd.DataFrame(0.0, index=classes, columns=classes)
    found = replace(classes_found, table=table, confusion=confusion)
    look(found, tmp_path)
    look(found, tmp_path, np.zeros((4, 8, 8)))


def test_many_classes_can_be_drawn(classes_found: Audit, tmp_path: Path) -> None:
    n, classes = 400, list(range(50))
    table = pd.DataFrame(
        {
            "label": [place % 50 for place in range(n)],
            "probability": np.linspace(1, 0, n),
            "suggested": [(place + 1) % 50 for place in range(n)],
        }
    )
    confusion = pd.DataFrame(0.0, index=classes, columns=classes)
    look(replace(classes_found, table=table, confusion=confusion), tmp_path)


def labels(axes: Axes) -> list[str]:
    legend = axes.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend is not None else []


def overlaps(figure: Figure) -> list[str]:
    """Return pairs of upright texts that overlap, without the ticks outside the limits."""
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


def test_the_left_panel_counts_labels_by_probability(classes_found: Audit) -> None:
    left = panels(classes_found, LIGHT).axes[0]
    assert left.get_title("left") == "2 of 4 labels are probably wrong (50.0%)"
    assert labels(left) == ["above 90%: 1", "between: 2", "below 10%: 1"]


def test_the_right_panel_counts_suspects_by_meant_and_given_class(classes_found: Audit) -> None:
    table = pd.concat([classes_found.table] * 3).set_axis(range(12))
    found = replace(classes_found, table=table)
    right = panels(found, LIGHT).axes[1]
    at = {text.get_position(): text.get_text() for text in right.texts}
    assert at == {(1, 0): "3", (0, 1): "3"}  # the column is the given class, the row the meant one
    assert right.get_title("left") == "Most often cat was labelled dog"
    assert [tick.get_text() for tick in right.get_xticklabels()] == ["cat", "dog"]


def test_given_numbers_are_drawn_over_predicted_ones(numbers_found: Audit) -> None:
    left, right = panels(numbers_found, LIGHT).axes
    assert left.get_title("left") == "1 of 4 numbers is probably wrong (25.0%)"
    assert labels(right) == ["all others: 3", "suspects: 1"]
    assert np.asarray(right.collections[1].get_offsets()).tolist() == [[3.125, 900.0]]


def test_the_right_panel_says_that_there_are_no_suspects(classes_found: Audit) -> None:
    none = replace(classes_found, table=classes_found.table.assign(probability=0.01))
    right = panels(none, LIGHT).axes[1]
    assert [text.get_text() for text in right.texts] == ["There are no suspects."]


def test_where_no_class_was_learned_no_label_is_counted(classes_found: Audit) -> None:
    classes = pd.DataFrame(
        {"rows": [1, 3], "recall": [0.0, 1.0], "flagged": 0.0, "learned": False, "withheld": True},
        ["a cat with a long name", "dog"],
    )
    known = Reliability(0.75, 0.75, 0.6, 0.6, classes, {"trees": 1.0}, told_apart=False)
    figure = panels(replace(classes_found, reliability=known), LIGHT)
    left, right = figure.axes
    assert left.get_title("left") == "Nothing can be said about the 4 labels"
    assert [text.get_text() for text in left.texts] == ["75.0%", "75.0%"]
    assert right.get_title("left") == "No class is clearly better than chance"
    assert [tick.get_text() for tick in right.get_yticklabels()] == ["dog", "a cat with …"]
    assert [text.get_text() for text in right.texts] == ["100.0%", "0.0%"]
    assert overlaps(figure) == []


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
