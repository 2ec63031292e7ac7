"""Claims about the trainings, animations and sentences of the blobs."""

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


def test_all_orders_have_as_many_epochs_and_the_controls_keep_the_same_shares(story: Story) -> None:
    assert list(story.runs) == [EASY, PLAIN, RANDOM, HARD]
    assert {len(run.frames) for run in story.runs.values()} == {2}
    shares = story.runs[EASY].shares
    assert story.runs[RANDOM].shares == pytest.approx(shares)
    assert story.runs[HARD].shares == pytest.approx(shares)
    assert story.runs[PLAIN].shares == [1.0, 1.0]


def test_the_search_continues_easy_first(story: Story) -> None:
    assert story.search.frames[:2] == story.runs[EASY].frames
    left = [int((torch.as_tensor(frame.weight) == 0).sum()) for frame in story.search.frames]
    assert left[-1] == len(story.left_out) < FEW <= left[-2]


def test_the_planted_point_has_the_largest_loss_of_those_left_out(story: Story) -> None:
    assert story.left_out[0] == story.data.planted


def test_watch_is_called_after_each_epoch(story: Story, seen: Seen) -> None:
    assert seen[0] == (EASY, 1, None)
    assert (HARD, 2, 2) in seen
    assert len(seen) == len(story.search.frames) + 6


def test_the_captions_hold_the_numbers_of_the_runs(story: Story) -> None:
    easy, hard, search = captions(story)
    share, last = story.runs[EASY].shares[0], story.runs[EASY].shares[-1]
    assert f"In epoch 1 the threshold is 0.1 and keeps {share:.1%} of the points" in easy
    assert f"in epoch 2 it is {story.runs[EASY].frames[-1].age:.2f} and keeps {last:.1%}" in easy
    assert f"the test accuracy after epoch 1 is {story.runs[HARD].accuracies[0]:.1%}" in hard
    assert f"with easy first it is {story.runs[EASY].accuracies[0]:.1%}" in hard
    assert f"{story.data.planted} (the planted one)" in search
    assert f"After {len(story.search.frames)} epochs" in search


def test_the_caption_says_that_no_point_is_left_out(story: Story) -> None:
    assert captions(replace(story, left_out=[]))[2].endswith("largest loss first: none.")


@pytest.mark.parametrize(
    ("easy", "said"),
    [(0.99, "1.0 points above"), (0.97, "1.0 points below"), (0.98, "level with all at once")],
)
def test_the_verdict_compares_easy_first_with_all_at_once(
    story: Story, easy: float, said: str
) -> None:
    frames = [replace(story.runs[EASY].frames[-1], weight=torch.ones(4000))]
    runs = {EASY: Run(frames, [easy]), PLAIN: Run(frames, [0.98])}
    assert said in verdict(replace(story, runs=runs))


def test_the_verdict_says_that_only_one_class_is_kept(story: Story) -> None:
    half = [replace(story.runs[EASY].frames[-1], weight=story.data.y)]
    runs = {EASY: Run(half, [0.5]), PLAIN: Run(half, [0.98])}
    assert "keeps only that class" in verdict(replace(story, runs=runs))


def test_three_animations_and_pictures_of_their_last_frames_are_written(
    story: Story, tmp_path: Path
) -> None:
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
