"""The trainings of ``selfpaced demo blobs``, their animations, and the sentences about them."""

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

# The classic program runs until fewer samples than this are left out.
FEW = 6
# The classic program stops after this number of epochs in any case.
MOST_EPOCHS = 100

# Called after each epoch with the name of the order, the number of epochs done, and the number of
# all epochs (None if it is not known).
Watch = Callable[[str, int, int | None], None]


@dataclass(frozen=True, eq=False)
class Story:
    """Four trainings that differ only in the order, and the search for the wrong label.

    Args:
        data: The data that they were trained on.
        runs: The trainings, by the name of the order.
        search: The classic program, continued until few samples are left out.
        left_out: Indices of these samples, those with the largest loss first.
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
    """Train in each order, and continue easy first until few samples are left out.

    Args:
        samples: Number of points.
        n_epochs: Number of epochs of each order.
        seed: Seed of the initial weights and of the batches, which are equal in all orders.
        watch: Called after each epoch with the name of the order, the number of epochs done, and
            the number of all epochs (None if it is not known).
        orders: The orders to compare easy first with.
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
    """Write three animations, each with a picture of its last frame; return their paths."""
    search = story.search.frames
    final = replace(search[-1], anomalies=story.left_out)
    films = {
        "easy_first.gif": (story.runs[EASY].frames, "Easy first"),
        "hard_first.gif": (story.runs[HARD].frames, "Hard first"),
        "anomalies.gif": ([*search[:-1], final], "What is still left out at the end"),
    }
    for name, (frames, title) in films.items():
        animate_boundary(
            story.data.x,
            story.data.y,
            frames,
            folder / name,
            title=title,
            theme=DARK if dark else LIGHT,
            watch=partial(watch, name),
        )
    return [folder / name for name in films]


def captions(story: Story) -> list[str]:
    """Return a caption for each animation, in the order of the files."""
    easy, hard = story.runs[EASY], story.runs[HARD]
    first, last = f"{easy.shares[0]:.1%}", f"{easy.shares[-1]:.1%}"
    are = "is" if len(story.left_out) == 1 else "are"
    named = ", ".join(
        f"{index} (the planted one)" if index == story.data.planted else str(index)
        for index in story.left_out
    )
    return [
        f"In epoch 1 the threshold is 0.1 and keeps {first} of the points; in epoch "
        f"{len(easy.frames)} it is {easy.frames[-1].age:.2f} and keeps {last}.",
        f"The same number of points per epoch, those with the largest losses first: the test "
        f"accuracy after epoch 1 is {hard.accuracies[0]:.1%}; with easy first it is "
        f"{easy.accuracies[0]:.1%}.",
        f"After {len(story.search.frames)} epochs {len(story.left_out)} of "
        f"{len(story.data.y):,} points {are} left out, largest loss first: {named or 'none'}.",
    ]


def verdict(story: Story) -> str:
    """Return a sentence that compares the last epoch of easy first with all at once."""
    easy, plain = (story.runs[name].accuracies[-1] for name in (EASY, PLAIN))
    kept = torch.as_tensor(story.runs[EASY].frames[-1].weight) > 0
    if len(story.data.y[kept].unique()) < 2:
        return (
            "The untrained model had small losses on one class only, and the threshold still "
            f"keeps only that class: the test accuracy is {easy:.1%} with easy first and "
            f"{plain:.1%} with all at once. The default Pacer keeps all samples for three epochs "
            "before it leaves any out."
        )
    return (
        f"Easy first ended {against(easy - plain)} all at once: with one wrong label in "
        f"{len(story.data.y):,} there is no accuracy to gain. What easy first gives is the list of "
        "the samples that it left out."
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
    """Train in one order; easy first continues until few samples are left out."""
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
    """Return the number of samples that are left out."""
    return int((torch.as_tensor(weight) == 0).sum())
