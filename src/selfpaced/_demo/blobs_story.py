"""What the blobs show: three animations, a comparison and its words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from selfpaced._demo.blobs import (
    EASY,
    HARD,
    PLAIN,
    RANDOM,
    Blobs,
    Run,
    blobs,
    epochs,
    linear,
    order_of,
)
from selfpaced._demo.verdict import against
from selfpaced.report import DARK, LIGHT, animate_boundary

FEW = 6  # the search ends when fewer samples are left out
MOST_EPOCHS = 100

Watch = Callable[[str, int, int | None], None]


@dataclass(frozen=True, eq=False)
class Story:
    """Four trainings that differ in the order alone, and the search for the odd one out.

    Args:
        data: What they were trained on.
        runs: By the order's name.
        search: The classic program, gone on with until few samples are left out.
        left_out: Indices of those, the one with the largest loss first.
    """

    data: Blobs
    runs: dict[str, Run]
    search: Run
    left_out: list[int]


def tell(
    samples: int,
    n_epochs: int,
    seed: int,
    watch: Watch,
    orders: Sequence[str] = (PLAIN, RANDOM, HARD),
) -> Story:
    """Train in each order, and search.

    Args:
        samples: Number of points.
        n_epochs: Of each order.
        seed: Decides initial weights and batches, equal in all orders.
        watch: Called after each epoch with the order's name, the number of epochs done, and of
            how many (None where nobody knows).
        orders: What to compare easy first with.
    """
    data = blobs(samples)
    model = linear(seed)
    whole = _train(data, model, EASY, [], seed, watch, n_epochs)
    few = (place for place, frame in enumerate(whole.frames) if _left(frame.weight) < FEW)
    end = next(few, len(whole.frames) - 1)
    losses = F.nll_loss(model(data.x), data.y, reduction="none")
    last = torch.as_tensor(whole.frames[end].weight) == 0
    left_out = [int(i) for i in losses.argsort(descending=True) if last[i]]
    search = Run(whole.frames[: end + 1], whole.accuracies[: end + 1])
    easy = Run(whole.frames[:n_epochs], whole.accuracies[:n_epochs])
    runs = {EASY: easy}
    for name in orders:
        runs[name] = _train(data, linear(seed), name, easy.shares, seed, watch, n_epochs)
    return Story(data, runs, search, left_out)


def write_animations(story: Story, folder: Path, *, dark: bool, watch: Watch) -> list[Path]:
    """Write the three animations with a poster each; return the paths of the animations."""
    search = story.search.frames
    final = replace(search[-1], anomalies=story.left_out)
    films = {
        "easy_first.gif": (story.runs[EASY].frames, "Easy first"),
        "hard_first.gif": (story.runs[HARD].frames, "Hard first"),
        "anomalies.gif": ([*search[:-1], final], "What is still left out at the end"),
    }
    for name, (frames, title) in films.items():
        animate_boundary(
            *(story.data.x, story.data.y, frames, folder / name),
            title=title,
            theme=DARK if dark else LIGHT,
            watch=partial(watch, name),
        )
    return [folder / name for name in films]


def captions(story: Story) -> list[str]:
    """Say what each animation shows, in the order of the files."""
    easy, hard = story.runs[EASY], story.runs[HARD]
    first, last = f"{easy.shares[0]:.1%}", f"{easy.shares[-1]:.1%}"
    are = "is" if len(story.left_out) == 1 else "are"
    named = ", ".join(
        f"{index} (the planted one)" if index == story.data.planted else str(index)
        for index in story.left_out
    )
    return [
        f"The threshold of 0.1 keeps {first} of the points in epoch 1; at {easy.frames[-1].age:.2f}"
        f", in epoch {len(easy.frames)}, it keeps {last}.",
        f"As many points an epoch, hardest first: test accuracy {hard.accuracies[0]:.1%} after "
        f"epoch 1, where easy first had {easy.accuracies[0]:.1%}.",
        f"After {len(story.search.frames)} epochs {len(story.left_out)} of "
        f"{len(story.data.y):,} points {are} left out, largest loss first: {named or 'none'}.",
    ]


def verdict(story: Story) -> str:
    """Say how easy first ended against all at once, whichever way it went."""
    easy, plain = (story.runs[name].accuracies[-1] for name in (EASY, PLAIN))
    kept = torch.as_tensor(story.runs[EASY].frames[-1].weight) > 0
    if len(story.data.y[kept].unique()) < 2:
        return (
            "The untrained model took one class for easy, and the threshold still keeps to it: "
            f"easy first is at {easy:.1%}, all at once at {plain:.1%}. Pacer's default waits for "
            "two epochs before it judges."
        )
    return (
        f"Easy first ended {against(easy - plain)} all at once: with one wrong label in "
        f"{len(story.data.y):,} there is nothing to gain. What it gives is the list of what was "
        "left out."
    )


def _train(
    data: Blobs,
    model: nn.Module,
    name: str,
    shares: list[float],
    seed: int,
    watch: Watch,
    n_epochs: int,
) -> Run:
    """Train in one order; easy first goes on until few samples are left out."""
    test = blobs(len(data.y), seed=1, plant=False)
    run, order = Run(), order_of(name, data, model, shares, seed)
    for frame in epochs(data, model, order, seed):
        run.frames.append(frame)
        with torch.no_grad():
            right = model(test.x).argmax(1) == test.y
        run.accuracies.append(float(right.double().mean()))
        watch(name, frame.epoch, None if name == EASY else n_epochs)
        searching = name == EASY and _left(frame.weight) >= FEW and frame.epoch < MOST_EPOCHS
        if frame.epoch >= n_epochs and not searching:
            return run
    raise AssertionError("the epochs never end by themselves")


def _left(weight: object) -> int:
    """How many samples are left out."""
    return int((torch.as_tensor(weight) == 0).sum())
