from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from selfpaced._demo.blobs import EASY, HARD, PLAIN, RANDOM, Run
from selfpaced._demo.blobs_story import FEW, Story, captions, tell, verdict, write_animations

Seen = list[tuple[str, int, int | None]]


@pytest.fixture(scope="module")
def seen() -> Seen:
    return []


@pytest.fixture(scope="module")
def story(seen: Seen) -> Story:
    return tell(4000, 2, 1445, lambda *call: seen.append(call))


def test_all_orders_train_as_long_and_the_controls_keep_as_many(story: Story) -> None:
    assert list(story.runs) == [EASY, PLAIN, RANDOM, HARD]
    assert {len(run.frames) for run in story.runs.values()} == {2}
    shares = story.runs[EASY].shares
    assert story.runs[RANDOM].shares == pytest.approx(shares)
    assert story.runs[HARD].shares == pytest.approx(shares)
    assert story.runs[PLAIN].shares == [1.0, 1.0]


def test_the_search_goes_on_where_easy_first_ended(story: Story) -> None:
    assert story.search.frames[:2] == story.runs[EASY].frames
    left = [int((torch.as_tensor(frame.weight) == 0).sum()) for frame in story.search.frames]
    assert left[-1] == len(story.left_out) < FEW <= left[-2]


def test_the_search_names_the_planted_one_first(story: Story) -> None:
    assert story.left_out[0] == story.data.planted


def test_each_epoch_is_watched(story: Story, seen: Seen) -> None:
    assert seen[0] == (EASY, 1, None)
    assert (HARD, 2, 2) in seen
    assert len(seen) == len(story.search.frames) + 6


def test_the_captions_say_what_happened(story: Story) -> None:
    easy, hard, search = captions(story)
    assert f"keeps {story.runs[EASY].shares[0]:.1%} of the points in epoch 1" in easy
    assert f"{story.runs[HARD].accuracies[0]:.1%} after epoch 1" in hard
    assert f"{story.data.planted} (the planted one)" in search
    assert f"After {len(story.search.frames)} epochs" in search


def test_nothing_left_out_is_said(story: Story) -> None:
    assert captions(replace(story, left_out=[]))[2].endswith("largest loss first: none.")


@pytest.mark.parametrize(
    ("easy", "said"),
    [(0.99, "1.0 points above"), (0.97, "1.0 points below"), (0.98, "level with all at once")],
)
def test_the_verdict_goes_whichever_way_it_went(story: Story, easy: float, said: str) -> None:
    frames = [replace(story.runs[EASY].frames[-1], weight=torch.ones(4000))]
    runs = {EASY: Run(frames, [easy]), PLAIN: Run(frames, [0.98])}
    assert said in verdict(replace(story, runs=runs))


def test_a_class_that_was_never_let_in_is_told(story: Story) -> None:
    half = [replace(story.runs[EASY].frames[-1], weight=story.data.y)]
    runs = {EASY: Run(half, [0.5]), PLAIN: Run(half, [0.98])}
    assert "took one class for easy" in verdict(replace(story, runs=runs))


def test_three_animations_and_their_posters_are_written(story: Story, tmp_path: Path) -> None:
    seen: Seen = []
    paths = write_animations(story, tmp_path, dark=True, watch=lambda *call: seen.append(call))
    assert [path.name for path in paths] == ["easy_first.gif", "hard_first.gif", "anomalies.gif"]
    with Image.open(paths[2]) as film:
        assert getattr(film, "n_frames", 1) == len(story.search.frames)
        assert film.width >= 640
    assert {path.name for path in tmp_path.glob("*.png")} == {
        "easy_first.png", "hard_first.png", "anomalies.png",
    }  # fmt: skip
    assert seen[-1] == ("anomalies.gif", len(story.search.frames), len(story.search.frames))
