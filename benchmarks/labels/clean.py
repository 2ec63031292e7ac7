"""What the default costs on clean labels: ``python -m benchmarks.labels.clean``.

The default, ``Pacer(n, columns={"group": labels})``, against plain training of 8, 10, 20 and 40
epochs, with Adam at a constant learning rate and with SGD whose learning rate falls to 0 along a
cosine. The default does not know the number of epochs. Data and networks:

- blobs8, blobs10: 2,000 samples of ``make_classification`` with 20 features, 8 classes of two
  clusters or 10 classes of one, and an MLP. After 10 epochs it is far from its final accuracy.
- mnist: 4,000 images and an MLP; fashion: 20,000 images of Fashion-MNIST and a small CNN.

Where the default keeps all samples at all steps the two trainings are equal to the bit, so that
plain training is not run again (``tests/pacer/test_pacer.py`` has the proof). Each run appends one
line to ``results/clean.jsonl``; finished runs are skipped.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import torch
from sklearn.datasets import make_classification
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.shared import data
from benchmarks.shared.comparison import kept_shares
from benchmarks.shared.images import BATCH, LEARNING_RATE, SETTINGS, accuracy, network
from benchmarks.shared.result_lines import RESULTS, interval, parser, run_or_print
from selfpaced import Pacer

FILE = RESULTS / "clean.jsonl"
CLUSTERS = {"blobs8": (8, 2, 1.2), "blobs10": (10, 1, 1.0)}  # Classes, clusters each, distance.
TASKS = (*CLUSTERS, "mnist", "fashion")  # Names of the tasks.
LENGTHS = (8, 10, 20, 40)  # Numbers of epochs.
SEEDS = range(5)  # Seeds of every task: data of the blobs, initial weights and orders.
SMALL_BATCH = 64  # Samples in a batch of the blobs.
SMALL_RATE = 3e-3  # Adam's learning rate for the blobs.
SGD_RATE = 0.05  # First learning rate of SGD, with a momentum of 0.9.
MOST_LOSS = 0.003  # Claimed largest loss of accuracy, in the mean over seeds.


@dataclass(frozen=True)
class Row:
    """One pair of trainings.

    Args:
        task: Name of the data and network.
        optimiser: adam or sgd.
        epochs: Number of epochs. Runs with Adam are the first epochs of its longest run.
        seed: See ``SEEDS``.
        plain: Test accuracy of plain training after each epoch.
        default: The same for the default.
        least_kept: Smallest kept share of the default at any step that was trained.
    """

    task: str
    optimiser: str
    epochs: int
    seed: int
    plain: list[float]
    default: list[float]
    least_kept: float


def splits(task: str, seed: int) -> tuple[data.Split, data.Split]:
    """Return the train and test parts of a task; all labels are as the source has them."""
    if task not in CLUSTERS:
        source, n_train = SETTINGS[task].source, SETTINGS[task].n_train
        return data.read(source, "train", n_train), data.read(source, "t10k")
    classes, clusters, distance = CLUSTERS[task]
    x, y = make_classification(
        4_000,
        20,
        n_informative=12,
        n_classes=classes,
        n_clusters_per_class=clusters,
        class_sep=distance,
        flip_y=0.0,
        random_state=seed,
    )
    inputs, labels = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    return data.Split(inputs[:2_000], labels[:2_000]), data.Split(inputs[2_000:], labels[2_000:])


def model_of(task: str) -> nn.Module:
    """Make the network of a task."""
    if task not in CLUSTERS:
        return network(task)
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, CLUSTERS[task][0]))


def train(task: str, optimiser: str, epochs: int, seed: int, pacer: Pacer | None) -> list[float]:
    """Train once, plainly without a pacer; return the test accuracy after each epoch."""
    rows, test = splits(task, seed)
    torch.manual_seed(seed)
    model = model_of(task)
    step = _optimiser(model, task, optimiser)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(step, epochs) if optimiser == "sgd" else None
    shuffle, found = torch.Generator().manual_seed(seed), []
    for _ in range(epochs):
        order = torch.randperm(len(rows.labels), generator=shuffle)
        for index in torch.split(order, SMALL_BATCH if task in CLUSTERS else BATCH):
            loss = _loss(model(rows.images[index]), rows.labels[index], index, pacer)
            step.zero_grad()
            loss.backward()
            step.step()
        if pacer is not None:
            pacer.step()
        if fall is not None:
            fall.step()
        found.append(accuracy(model, test))
    return found


def _loss(logits: Tensor, labels: Tensor, index: Tensor, pacer: Pacer | None) -> Tensor:
    """Return the loss that is minimised."""
    if pacer is None:
        return F.cross_entropy(logits, labels)
    loss: Tensor = pacer(F.cross_entropy(logits, labels, reduction="none"), index)
    return loss


def _optimiser(model: nn.Module, task: str, name: str) -> torch.optim.Optimizer:
    """Make the optimiser."""
    if name == "sgd":
        return torch.optim.SGD(model.parameters(), lr=SGD_RATE, momentum=0.9)
    rate = SMALL_RATE if task in CLUSTERS else LEARNING_RATE
    return torch.optim.Adam(model.parameters(), lr=rate)


def execute(task: str, optimiser: str, epochs: int, seed: int) -> Row:
    """Train with the default, and plainly unless the default kept everything."""
    labels = splits(task, seed)[0].labels
    pacer = Pacer(len(labels), columns={"group": labels})
    default = train(task, optimiser, epochs, seed, pacer)
    least = min(kept_shares(pacer)[:-1])  # the share after the last epoch was never used
    plain = default if least == 1 else train(task, optimiser, epochs, seed, None)
    return Row(task, optimiser, epochs, seed, plain, default, least)


def planned() -> Iterator[tuple[object, ...]]:
    """Yield the arguments of all runs, short ones first."""
    for task, seed in product(TASKS, SEEDS):
        yield task, "adam", max(LENGTHS), seed
        for epochs in LENGTHS:
            yield task, "sgd", epochs, seed


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the table of plain accuracy and the difference of the default, and the claim."""
    yield "| data | optimiser | epochs | plain | default less plain | least kept |"
    yield "|---|---|---|---|---|---|"
    worst = 0.0
    for task, optimiser, epochs in product(TASKS, ("adam", "sgd"), LENGTHS):
        run = max(LENGTHS) if optimiser == "adam" else epochs
        found = [r for r in rows if (r.task, r.optimiser, r.epochs) == (task, optimiser, run)]
        if not found:
            continue
        plain = [row.plain[epochs - 1] for row in found]
        gaps = [row.default[epochs - 1] - row.plain[epochs - 1] for row in found]
        mean = sum(gaps) / len(gaps)
        worst = min(worst, mean)
        shown = f"{100 * sum(plain) / len(plain):.1f} | {interval([100 * gap for gap in gaps])}"
        least = min(row.least_kept for row in found)
        yield f"| {task} | {optimiser} | {epochs} | {shown} | {least:.2f} |"
    verdict = "holds" if worst >= -MOST_LOSS else "FAILS"
    yield f"\nNever more than .3 points below plain training ({100 * worst:+.2f}): {verdict}"


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table."""
    options = parser(__doc__, FILE).parse_args(arguments)
    run_or_print(options, Row, planned(), execute, table)


if __name__ == "__main__":
    main(sys.argv[1:])
