"""Claims about the animations of a training."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray
from PIL import Image

from selfpaced.report import DARK, LIGHT, Frame, Theme, animate_boundary, animate_embedding, grid
from selfpaced.report._animation.frames import choose_drawn, limits
from selfpaced.report._animation.marks import Marks, look
from selfpaced.report._animation.scene import MAP
from selfpaced.report._drawing import Numbers

# The number of samples.
N = 60
# The number of frames.
N_FRAMES = 3
Y = np.arange(N) % 2
X = np.random.default_rng(0).normal(size=(N, 2)) + 3.0 * Y[:, None]


def probabilities_on_grid(x: NDArray[np.float64], slope: float) -> NDArray[np.float64]:
    """Return the probabilities of a linear classifier at the points of the grid."""
    right = 1 / (1 + np.exp(-slope * (grid(x).sum(1, dtype=np.float64) - 3)))
    return np.stack([1 - right, right], 1)


def make_frame(place: int, **changes: object) -> Frame:
    weight = np.ones(N)
    weight[: 10 * (N_FRAMES - 1 - place)] = 0
    made = Frame(place + 1, 0.1 * (place + 1), weight, probabilities_on_grid(X, place + 1.0), [5])
    return replace(made, **changes)  # type: ignore[arg-type]  # the names are checked at run time


FRAMES = [make_frame(place) for place in range(N_FRAMES)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    path = tmp_path_factory.mktemp("made") / "boundary.gif"
    return animate_boundary(X, Y, FRAMES, path, title="Two classes")


def pictures(path: Path) -> list[NDArray[np.uint8]]:
    shown = []
    with Image.open(path) as image:
        for place in range(getattr(image, "n_frames", 1)):
            image.seek(place)
            shown.append(np.array(image.convert("RGB")))
    return shown


def around(
    picture: NDArray[np.uint8], x: NDArray[np.float64], place: int, radius: int = 3
) -> NDArray[np.uint8]:
    """Return the pixels around a sample."""
    low, high = limits(x)
    share = (x[place] - low) / (high - low)
    column = round(MAP[0] + share[0] * MAP[2])
    row = round(len(picture) - MAP[1] - share[1] * MAP[3])
    return picture[row - radius : row + radius + 1, column - radius : column + radius + 1]


def test_the_animation_and_its_last_frame_are_written(made: list[Path]) -> None:
    assert [path.name for path in made] == ["boundary.gif", "boundary.png"]
    with Image.open(made[0]) as animation, Image.open(made[1]) as poster:
        assert getattr(animation, "n_frames", 1) == N_FRAMES
        assert animation.size == poster.size
        assert min(animation.size[0], 640) == 640
        difference = np.abs(pictures(made[0])[-1].astype(int) - np.array(poster.convert("RGB")))
    assert difference.mean() < 1
    assert sorted(path.name for path in made[0].parent.iterdir()) == [
        "boundary.gif",
        "boundary.png",
    ]


def test_it_loops_for_ever_and_shows_the_last_frame_longer(made: list[Path]) -> None:
    durations = []
    with Image.open(made[0]) as animation:
        assert animation.info["loop"] == 0
        for place in range(N_FRAMES):
            animation.seek(place)
            durations.append(animation.info["duration"])
    assert durations == [600, 600, 2500]


def test_a_sample_is_filled_when_it_is_kept(made: list[Path]) -> None:
    blue = np.array([0x00, 0x72, 0xB2])
    middle = [around(picture, X, 0, 1).reshape(-1, 3) for picture in pictures(made[0])]
    is_blue = [bool((np.abs(pixels - blue) < 20).all()) for pixels in middle]
    assert [bool(frame.weight[0]) for frame in FRAMES] == [False, False, True]  # type: ignore[index]
    assert is_blue == [False, False, True]


def test_an_anomaly_has_a_ring(tmp_path: Path) -> None:
    frames = [make_frame(2, anomalies=[]), make_frame(2, anomalies=[5])]
    path = animate_boundary(X, Y, frames, tmp_path / "ring.gif")[0]
    dark = [int((around(picture, X, 5, 16).max(-1) < 60).sum()) for picture in pictures(path)]
    assert dark[1] > dark[0] + 150


def test_the_regions_follow_the_classifier(tmp_path: Path) -> None:
    slopes = (1.0, 0.01, -1.0)
    frames = [make_frame(2, probabilities=probabilities_on_grid(X, slope)) for slope in slopes]
    shown = pictures(animate_boundary(X, Y, frames, tmp_path / "a.gif")[0])
    corner = len(shown[0]) - MAP[1] - 10, MAP[0] + 10
    red, _, blue = np.array([picture[corner] for picture in shown]).astype(int).T
    assert blue[0] > red[0] + 50  # class 0
    assert min(red[1], blue[1]) > 235  # almost white, since the classifier is unsure
    assert red[2] > blue[2] + 50  # class 1


def test_nothing_around_the_map_moves(made: list[Path]) -> None:
    first, *others = pictures(made[0])
    bottom, top = len(first) - MAP[1], len(first) - MAP[1] - MAP[3]
    for other in others:
        assert (
            first[bottom + 1 :, : MAP[0] + MAP[2]] == other[bottom + 1 :, : MAP[0] + MAP[2]]
        ).all()
        assert (first[:, : MAP[0] - 1] == other[:, : MAP[0] - 1]).all()
        assert (first[top : top + 150, 600:] == other[top : top + 150, 600:]).all()
        assert (first[:40] == other[:40]).all()


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_background_has_the_colour_of_the_theme(tmp_path: Path, theme: Theme) -> None:
    path = animate_boundary(X, Y, FRAMES[:1], tmp_path / "a.gif", theme=theme)[0]
    red, green, blue = pictures(path)[0][-1, 0].tolist()
    assert f"#{red:02X}{green:02X}{blue:02X}" == theme.background


def test_tensors_give_the_same_bytes_as_arrays(tmp_path: Path, made: list[Path]) -> None:
    frames = [
        replace(
            frame,
            weight=torch.tensor(frame.weight, requires_grad=True),
            probabilities=torch.tensor(frame.probabilities),
        )
        for frame in FRAMES
    ]
    path = tmp_path / "tensors.gif"
    animate_boundary(torch.tensor(X), torch.tensor(Y), frames, path, title="Two classes")
    assert path.read_bytes() == made[0].read_bytes()
    assert path.with_suffix(".png").read_bytes() == made[1].read_bytes()


def test_the_users_rcparams_change_nothing(
    tmp_path: Path, made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib import rcParams

    monkeypatch.setitem(rcParams, "axes.grid", True)
    monkeypatch.setitem(rcParams, "font.size", 20.0)
    path = animate_boundary(X, Y, FRAMES, tmp_path / "a.gif", title="Two classes")[0]
    assert path.read_bytes() == made[0].read_bytes()
    assert rcParams["font.size"] == 20.0


def test_watch_is_called_after_each_frame(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = tmp_path / "a.gif"
    animate_embedding(X, Y, FRAMES, path, watch=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("d", [1, 2, 5, 100])
def test_samples_of_any_dimension_are_projected(tmp_path: Path, d: int) -> None:
    x = np.random.default_rng(0).normal(size=(N, d))
    path = animate_embedding(x, Y, FRAMES, tmp_path / "a.gif", seconds_per_frame=0.1)[0]
    first, *_, last = pictures(path)
    assert (first != last).any()


def test_samples_at_one_point_can_be_drawn(tmp_path: Path) -> None:
    assert animate_embedding(np.zeros((N, 3)), Y, FRAMES, tmp_path / "a.gif")[0].exists()


def test_long_texts_are_cut_off_inside_the_picture(tmp_path: Path) -> None:
    frames = [make_frame(0, note="note $x_ " * 40, age=float("inf"))]
    path = animate_boundary(X, Y, frames, tmp_path / "a.gif", title="Long title\n" * 30)[0]
    (picture,) = pictures(path)
    assert (picture[:60, 745:] == 255).all()
    assert (picture[:, :4] == 255).all()


def test_a_picture_of_many_samples_is_small_and_draws_few(tmp_path: Path) -> None:
    x, y = np.tile(X, (100, 1)), np.tile(Y, 100)
    weight = np.arange(len(x)) < 4000
    frames = [
        Frame(place, 1.0, weight, probabilities_on_grid(x, place + 1.0), [7]) for place in range(4)
    ]
    path = animate_boundary(x, y, frames, tmp_path / "a.gif")[0]
    assert path.stat().st_size < 400_000


def test_the_samples_drawn_include_the_ringed_ones_and_every_class() -> None:
    labels = np.zeros(10_000, np.int64)
    labels[:3000], labels[9_000:9_004] = 1, 2
    ringed = np.array([17, 9_999])
    drawn = choose_drawn(labels, ringed)
    assert len(drawn) == len(np.unique(drawn)) == 1500
    assert np.isin(ringed, drawn).all()
    assert np.isin(np.arange(9_000, 9_004), drawn).all()
    assert (labels[drawn] == 1).mean() == pytest.approx(0.3, abs=0.01)
    assert (drawn == choose_drawn(labels, ringed)).all()


def test_more_anomalies_than_samples_to_draw_are_all_drawn() -> None:
    ringed = np.arange(2000)
    assert np.isin(ringed, choose_drawn(np.arange(10_000) % 2, ringed)).all()


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_no_two_classes_look_the_same(theme: Theme) -> None:
    looks = [look(label, theme)[:2] for label in range(4 * len(theme.colours))]
    assert len(set(looks)) == len(looks)
    assert len({shape for shape, _ in looks[:4]}) == 4


def test_the_grid_holds_all_samples_with_a_margin() -> None:
    points = grid(X)
    assert points.dtype == np.float32
    assert (points.min(0) < X.min(0)).all()
    assert (points.max(0) > X.max(0)).all()
    assert (grid(torch.tensor(X)) == points).all()


def test_indices_of_anomalies_stay_inside_the_map_and_do_not_overlap() -> None:
    figure = Figure((7, 5), 100)
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    points = np.array([[0.99, 0.99], [0.98, 0.97], [0.97, 0.99], [0.02, 0.02], [0.5, 0.5]])
    frames = [Frame(1, 1.0, np.ones(5), anomalies=[0, 1, 2, 3, 4])]
    marks = Marks(axes, points, np.array([0, 1, 0, 1, 0]), frames, LIGHT)
    marks.show(0)
    figure.draw_without_rendering()
    inside = axes.get_window_extent()
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    assert [text.get_text() for text in axes.texts] == ["#0", "#1", "#2", "#3", "#4"]
    assert all(inside.contains(*corner) for box in boxes for corner in box.get_points())
    assert not any(box.overlaps(other) for box, other in combinations(boxes, 2))


NAN = np.where(np.arange(2 * N).reshape(N, 2) == 7, np.nan, X)
HALF = probabilities_on_grid(X, 1.0)[:50]


@pytest.mark.parametrize(
    ("x", "y", "frames", "message"),
    [
        (X[:, :1], Y, FRAMES, r"x of shape (n, 2); got shape (60, 1). Use animate_embedding"),
        (X[:, 0], Y, FRAMES, r"got shape (60,). Use animate_embedding"),
        (NAN, Y, FRAMES, "x must be finite; got NaN or inf in rows [3]"),
        (X, Y[:-1], FRAMES, "one class for each of the 60 samples; got shape (59,)"),
        (X, 0 * Y, FRAMES, "at least 2 classes; got 1"),
        (X, Y - 1, FRAMES, "classes from 0 to 19, as many as can be told apart; got -1 to 0"),
        (X, 20 * Y, FRAMES, "got 0 to 20. Number them from 0"),
        (X, Y, [], "An animation needs at least one frame; got 0"),
        (X, Y, [make_frame(0, weight=np.ones(59))], "frames[0].weight must hold one value for"),
        (X, Y, [make_frame(0, weight=-np.ones(N))], "frames[0].weight must be finite and 0 or"),
        (X, Y, [make_frame(0, age=float("nan"))], "frames[0].age must be a number; got nan"),
        (X, Y, [make_frame(0, anomalies=[3, 60])], "indices from 0 to 59; got [60]"),
        (X, Y, [FRAMES[0], make_frame(1, anomalies=[-1])], "frames[1].anomalies must be"),
        (X, Y, [make_frame(0, probabilities=None)], "frames[0].probabilities is missing"),
        (X, Y, [make_frame(0, probabilities=HALF)], "must have shape (10000, C)"),
        (X, 2 * Y, [FRAMES[0]], "and C from 3 to 20; got shape (10000, 2)"),
        (
            X,
            Y,
            [make_frame(0, probabilities=5 * probabilities_on_grid(X, 1.0))],
            "Apply a softmax to logits",
        ),
        (
            X,
            Y,
            [FRAMES[0], make_frame(1, probabilities=np.full((10000, 3), 1 / 3))],
            "probabilities of the same classes; got [2, 3] columns",
        ),
    ],
)
def test_values_that_do_not_fit_are_refused(
    tmp_path: Path, x: Numbers, y: Numbers, frames: Sequence[Frame], message: str
) -> None:
    with pytest.raises(ValueError) as raised:
        animate_boundary(x, y, frames, tmp_path / "a.gif")
    assert message in str(raised.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("x", "y", "frames", "message"),
    [
        ([["a", "b"]] * N, Y, FRAMES, "x must hold numbers; got list"),
        (X, 0.5 * Y, FRAMES, "y must hold ints, one class per sample; got float64"),
        (X, Y, FRAMES[0], "frames must be a list of Frame; got Frame"),
        (X, Y, [1], "frames must be a list of Frame; got list"),
        (X, Y, [make_frame(0, weight=["a"] * N)], "frames[0].weight must hold numbers"),
        (X, Y, [make_frame(0, age=None)], "an int epoch and a float age; got 1 and None"),
        (X, Y, [make_frame(0, epoch=1.5)], "an int epoch and a float age; got 1.5"),
        (X, Y, [make_frame(0, anomalies=[1.5])], "frames[0].anomalies must be a list of ints"),
    ],
)
def test_wrong_types_are_refused(
    tmp_path: Path, x: Numbers, y: Numbers, frames: Sequence[Frame], message: str
) -> None:
    with pytest.raises(TypeError) as raised:
        animate_boundary(x, y, frames, tmp_path / "a.gif")
    assert message in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_samples_of_an_embedding_are_rows(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got shape \\(60, 2, 1\\). Flatten each sample"):
        animate_embedding(X[..., None], Y, FRAMES, tmp_path / "a.gif")


@pytest.mark.parametrize("seconds", [0.0, 0.01, 61.0, float("nan")])
def test_a_frame_that_is_shown_too_short_or_too_long_is_refused(
    tmp_path: Path, seconds: float
) -> None:
    with pytest.raises(ValueError, match="seconds_per_frame must be from 0.02 to 60; got"):
        animate_boundary(X, Y, FRAMES, tmp_path / "a.gif", seconds_per_frame=seconds)


def test_other_kinds_of_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"written as .gif or .mp4; got 'a.webp'"):
        animate_boundary(X, Y, FRAMES, tmp_path / "a.webp")


def test_a_path_that_is_not_a_str_or_a_path_is_refused() -> None:
    with pytest.raises(TypeError, match="path must be a str or a Path; got 3"):
        animate_boundary(X, Y, FRAMES, 3)  # type: ignore[arg-type]  # that is the mistake


def test_a_folder_must_exist_and_be_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="The folder '.*nowhere' does not exist. Create it first"):
        animate_boundary(X, Y, FRAMES, tmp_path / "nowhere" / "a.gif")
    (tmp_path / "folder.gif").mkdir()
    with pytest.raises(ValueError, match="folder.gif' cannot be written"):
        animate_boundary(X, Y, FRAMES, tmp_path / "folder.gif")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ValueError, match="a.gif' cannot be written. Choose a folder that you can"):
        animate_boundary(X, Y, FRAMES, str(tmp_path / "a.gif"))


def test_an_mp4_needs_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="An .mp4 needs ffmpeg, which is not on the PATH"):
        animate_boundary(X, Y, FRAMES, tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def put_ffmpeg(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def test_an_mp4_gets_every_pixel_and_shows_the_last_frame_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_ffmpeg(tmp_path, 'for last; do :; done; cat > "$last"', monkeypatch)
    film, poster = animate_boundary(X, Y, FRAMES, tmp_path / "a.mp4", seconds_per_frame=0.5)
    (last,) = pictures(poster)
    raw = film.read_bytes()
    assert len(raw) == (N_FRAMES - 1 + 5) * last.size
    assert raw[-last.size :] == last.tobytes()
    assert last.shape[0] % 2 == last.shape[1] % 2 == 0


def test_an_mp4_that_fails_gives_the_reason_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_ffmpeg(tmp_path, "echo no such codec >&2; exit 3", monkeypatch)
    with pytest.raises(RuntimeError, match="ffmpeg failed with exit code 3: no such codec"):
        animate_boundary(X, Y, FRAMES, tmp_path / "a.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


def test_a_stop_half_way_keeps_the_earlier_file(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "a.gif"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        animate_boundary(X, Y, FRAMES, path, watch=stop)
    assert path.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in ("matplotlib", "contourpy")]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in [name for name in sys.modules if name.startswith("selfpaced.report")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "selfpaced\[report\]"'):
        import_module("selfpaced.report._animation.animate")
