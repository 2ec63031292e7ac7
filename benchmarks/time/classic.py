"""The three animations of the classic program, ours and as published.

``python -m benchmarks.time.classic`` trains and draws easy first, hard first and the anomaly search
in both ways, alternating. It prints the seconds of each and their ratio, and the same for loading
alone and for training alone. It needs ``pip install --group bench``.

The published way is rebuilt from its parts: a dataset that returns one sample at a time, the
default DataLoader, mlxtend's decision regions, celluloid's camera, matplotlib's GIF. Its pictures
are smaller than ours (640 x 480 pixels) and show less. Its hard first keeps the samples above a
threshold that starts at 1 and falls.
"""

import argparse
import statistics
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import celluloid
import matplotlib as mpl
import torch
import tqdm
from matplotlib import pyplot as plt
from mlxtend.plotting import plot_decision_regions
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from benchmarks.time.order_statistics import seconds
from selfpaced._demo import blobs as ours
from selfpaced._demo.blobs import BATCH, EASY, HARD, LEARNING_RATE, Blobs
from selfpaced._demo.blobs_story import tell, write_animations

EPOCHS = 10  # Epochs of easy first and of hard first.
FEW = 6  # The anomaly search ends when fewer samples are left out.
# File names of the published animations.
ANIMATIONS = ("easy_first", "hard_first", "anomalies")


class OneByOne(Dataset[tuple[int, Tensor, Tensor]]):
    """The points as a dataset that returns one sample per call."""

    def __init__(self, data: Blobs) -> None:
        """Store the points."""
        self.data = data

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.data.y)

    def __getitem__(self, index: int) -> tuple[int, Tensor, Tensor]:
        """Return index, point and label."""
        return index, self.data.x[index], self.data.y[index]


class Snippet(nn.NLLLoss):
    """The published loss, without checks or saved state."""

    def __init__(self, n_samples: int, hard: bool) -> None:
        """Set the threshold; keep no sample yet."""
        super().__init__()
        self.hard = hard
        self.threshold, self.growing_factor = (1.0, 1 / 1.35) if hard else (0.1, 1.35)
        self.v = torch.zeros(n_samples).int()

    def forward(self, input: Tensor, target: Tensor, index: Tensor) -> Tensor:  # type: ignore[override]  # as published
        """Return the mean of the kept losses."""
        loss = F.nll_loss(input, target, reduction="none")
        v = (loss > self.threshold if self.hard else loss < self.threshold).int()
        self.v[index] = v
        return (loss * v).mean()


class Classifier(nn.Sequential):
    """The linear model with the method that mlxtend calls."""

    def predict(self, x: Tensor) -> Tensor:
        """Return a label for each point."""
        with torch.no_grad():
            labels: Tensor = self(torch.as_tensor(x, dtype=torch.float32)).argmax(1).numpy()
            return labels


def published_loader(data: Blobs) -> DataLoader[tuple[int, Tensor, Tensor]]:
    """Make the default loader, which collates single samples."""
    return DataLoader(OneByOne(data), batch_size=BATCH, shuffle=True)


def published_epochs(data: Blobs, criterion: Snippet, model: nn.Module) -> Iterator[None]:
    """Train in the published way; yield after each epoch."""
    loader = published_loader(data)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    while True:
        for index, x, y in tqdm.tqdm(loader, disable=None):
            optimizer.zero_grad()
            loss = criterion(model(x), y, index)
            loss.backward()
            optimizer.step()
        criterion.threshold *= criterion.growing_factor
        yield


def published(data: Blobs, name: str, path: Path, seed: int) -> None:
    """Train and draw one animation in the published way."""
    torch.manual_seed(seed)
    model, criterion = Classifier(*ours.linear(seed)), Snippet(len(data.y), name == "hard_first")
    figure = plt.figure()
    camera = celluloid.Camera(figure)
    for epoch, _ in enumerate(published_epochs(data, criterion, model), start=1):
        kept = criterion.v == 1
        plt.scatter(data.x[:, 0], data.x[:, 1], alpha=0)
        plot_decision_regions(data.x[kept].numpy(), data.y[kept].numpy(), clf=model, legend=None)
        camera.snap()
        if (int((criterion.v == 0).sum()) < FEW) if name == "anomalies" else epoch == EPOCHS:
            break
    camera.animate().save(path)
    plt.close(figure)


def selfpaced(data: Blobs, folder: Path, seed: int) -> None:
    """Draw the three animations with the library; the search continues the easy-first training."""
    story = tell(len(data.y), EPOCHS, seed, lambda *seen: None, orders=[HARD])
    write_animations(story, folder, dark=False, watch=lambda *seen: None)


def train_published(data: Blobs, seed: int) -> None:
    """Train one epoch in the published way."""
    torch.manual_seed(seed)
    next(published_epochs(data, Snippet(len(data.y), hard=False), ours.linear(seed)))


def train_selfpaced(data: Blobs, seed: int) -> None:
    """Train one epoch with the library."""
    model = ours.linear(seed)
    next(ours.epochs(data, model, ours.order_of(EASY, data, model, [], seed), seed))


def compare(name: str, published: Callable[[], None], ours: Callable[[], None], n: int) -> None:
    """Time both, alternating; print the median seconds and the median of published / ours."""
    pairs = [(seconds(published), seconds(ours)) for _ in range(n)]
    ratio = statistics.median(theirs / own for theirs, own in pairs)
    medians = [statistics.median(column) for column in zip(*pairs, strict=True)]
    print(f"| {name} | {medians[0]:.3g} | {medians[1]:.3g} | {ratio:.2f} |", flush=True)


def published_all(data: Blobs, folder: Path, seed: int) -> None:
    """Draw the three animations in the published way."""
    for name in ANIMATIONS:
        published(data, name, folder / f"{name}.gif", seed)


def main() -> None:
    """Measure; print the table and the sizes of our files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3, help="repetitions of the animations")
    parser.add_argument("--epochs", type=int, default=9, help="repetitions of the single epochs")
    parser.add_argument("--seed", type=int, default=1445)
    options = parser.parse_args()
    torch.set_num_threads(1)
    mpl.use("Agg")
    data, seed = ours.blobs(), options.seed
    print("| what | published, s | selfpaced, s | published / selfpaced |\n|---|---|---|---|")
    compare(
        "loading alone, one epoch",
        lambda: deque(published_loader(data), maxlen=0).clear(),
        lambda: deque(ours.loader_of(data, seed), maxlen=0).clear(),
        options.epochs,
    )
    compare(
        "training alone, one epoch",
        partial(train_published, data, seed),
        partial(train_selfpaced, data, seed),
        options.epochs,
    )
    with tempfile.TemporaryDirectory() as theirs, tempfile.TemporaryDirectory() as own:
        compare(
            "training and drawing all three animations",
            partial(published_all, data, Path(theirs), seed),
            partial(selfpaced, data, Path(own), seed),
            options.repeats,
        )
        for path in sorted(Path(own).glob("*.gif")):
            print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
