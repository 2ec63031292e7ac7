"""What tells wrong labels from right ones in training: ``python -m benchmarks.labels.evidence``.

An MLP learns 4,000 images of MNIST with wrong labels in 30 epochs. The age is the default, so that
only the judge changes: the difficulty. Unless the list says otherwise, means over visits are
exponential with a decay of .7, as that of the default.

- loss: the default, the mean loss.
- margin: the largest other logit minus that of the label, of the mean logits.
- mean probability: -ln of the mean probability of the label.
- mean logits: the loss of the mean logits.
- longer memory: the mean loss with a decay of .85.
- rotating folds: after four epochs, a fifth of the samples in turn gets weight 0 for two epochs.
  A sample is judged by its losses after epochs in which it had weight 0, once it has any; their
  mean has a decay of .5.
- ridge, logits: a ridge regression without the sample, on the logits and random features of them.
- ridge, last layer: the same on the last hidden layer. Neither of the two reads the loss.
- LeaveOneOut, last layer; LeaveOneOut, all layers: ``LeaveOneOut()`` on hidden layers.
- averaged weights: the mean loss of a moving average of the weights, decay .99 a batch.
- valleys of classes: the loss; each class has its own valley, or the common one if it has none.
  Without the floor that protects a class.
- told after 3 epochs, told: the wrong labels are known and left out; the upper bound.

Each run appends one line to ``results/evidence.jsonl``; finished runs are skipped.
"""

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from operator import attrgetter
from statistics import fmean

import torch
from sklearn.metrics import average_precision_score
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from benchmarks.shared import data, images
from benchmarks.shared.result_lines import RESULTS, machine, parser, run_or_print, versions
from selfpaced import Pacer
from selfpaced.age import Auto, Threshold
from selfpaced.chain import Age, Difficulty, Population, Rows
from selfpaced.difficulty import LeaveOneOut, Loss, Shifted, Smoothed
from selfpaced.pacing import Constant, Recorded

FILE = RESULTS / "evidence.jsonl"
SETTING = "mnist"
TASK = images.SETTINGS[SETTING]
SEEDS = (0, 1, 2)  # Seeds of the noise, the weights and the order.
DECAY = 0.7  # Weight of the old value in means over visits.
RANDOM = 128  # Random features of the logits,
FREQUENCY = 2.0  # and their scale.
FOLDS = 5  # Parts of the samples that are held out in turn,
HELD = 2  # each for so many epochs,
FIRST = 4  # from this step on.
AVERAGE = 0.99  # Decay of the moving average of weights, per batch.
APART = 1_000.0  # More than any loss: what a label that is told to be wrong adds to its loss.
Batches = Iterator[tuple[Tensor, Tensor, Tensor]]


@dataclass(frozen=True)
class Batch:
    """One batch and what the model says of it, without gradients."""

    at: Tensor
    pictures: Tensor
    labels: Tensor
    logits: Tensor
    hidden: Tensor
    loss: Tensor


@dataclass
class Judge:
    """Judges by the loss; the parent of all others.

    Args:
        model: The model that is trained.
        n_samples: Number of samples.
        difficulty: Difficulty of the pacer.
        age: Age of the pacer.
        features: Returns what the difficulty reads; None if it reads no features.
    """

    model: nn.Sequential
    n_samples: int
    difficulty: Difficulty = Smoothed(DECAY)
    age: Age = Auto()
    features: Callable[[Batch], Tensor] | None = None

    def score(self, batch: Batch, step: int) -> Tensor | None:
        """Return what judges in place of the loss, shape (B,); None for the loss."""
        return None

    def trained(self, batch: Batch, weighted: Tensor) -> None:
        """Take note of the weighted losses that the model was trained on, shape (B,)."""

    def stepped(self, pacer: Pacer) -> None:
        """Prepare the next epoch."""


class MeanLogits(Judge):
    """Judges by the mean logits of a sample: by their loss, or by the margin."""

    def __init__(self, model: nn.Sequential, n_samples: int, margin: bool = False) -> None:
        """Begin with no visits."""
        super().__init__(model, n_samples, difficulty=Loss())
        self.mean, self.margin = torch.zeros(n_samples, images.CLASSES), margin

    def score(self, batch: Batch, step: int) -> Tensor:
        """Fold in the logits; return the loss of a margin, ln(1 + e^margin), or of all logits."""
        mean, own = self.mean[batch.at], batch.labels[:, None]
        mean += (batch.logits - mean) / _weights(DECAY, step)
        self.mean[batch.at] = mean
        if not self.margin:
            return F.cross_entropy(mean, batch.labels, reduction="none")
        others = mean.scatter(1, own, -math.inf).amax(1)
        return F.softplus(others - mean.gather(1, own).squeeze(1))


class Folds(Judge):
    """Judges by the losses of samples that the model was not trained on, where there are any."""

    def __init__(self, model: nn.Sequential, n_samples: int) -> None:
        """Draw the folds."""
        super().__init__(model, n_samples, difficulty=Loss())
        draw = torch.Generator().manual_seed(0)
        self.fold = torch.randperm(n_samples, generator=draw) % FOLDS
        self.away = torch.zeros(n_samples, dtype=torch.bool)  # untrained in the last epoch
        self.smoothed = torch.zeros(n_samples)
        self.held_out = torch.full((n_samples,), math.nan)

    def score(self, batch: Batch, step: int) -> Tensor:
        """Fold in the losses; return the held-out ones, and the smoothed ones where none is."""
        index, loss = batch.at, batch.loss
        smoothed, held_out = self.smoothed[index], self.held_out[index]
        smoothed += (loss - smoothed) / _weights(DECAY, step)
        mean = torch.where(held_out.isnan(), loss, (held_out + loss) / 2)
        held_out = torch.where(self.away[index], mean, held_out)
        self.smoothed[index], self.held_out[index] = smoothed, held_out
        return smoothed if step < FIRST else torch.where(held_out.isnan(), smoothed, held_out)

    def trained(self, batch: Batch, weighted: Tensor) -> None:
        """Remember which samples had no weight."""
        self.away[batch.at] = weighted == 0

    def stepped(self, pacer: Pacer) -> None:
        """Hold out the next fold."""
        if pacer.steps >= FIRST:
            turn = (pacer.steps - FIRST) // HELD % FOLDS
            pacer.importance = (self.fold != turn).float()


class Averaged(Judge):
    """Judges by the loss of a moving average of the weights."""

    def __init__(self, model: nn.Sequential, n_samples: int) -> None:
        """Begin with the first weights."""
        super().__init__(model, n_samples)
        self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE))

    def score(self, batch: Batch, step: int) -> Tensor:
        """Return the losses of the averaged model."""
        return F.cross_entropy(self.average(batch.pictures), batch.labels, reduction="none")

    def trained(self, batch: Batch, weighted: Tensor) -> None:
        """Fold in the new weights."""
        self.average.update_parameters(self.model)


@dataclass(frozen=True)
class MeanProbability(Smoothed):
    """Minus the logarithm of the mean probability of the label."""

    def fold(self, loss: Tensor, rows: Rows) -> Tensor:
        """Return the mean probability after this visit."""
        return super().fold((-loss).exp(), rows)

    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        """Return the difficulty."""
        return -memory.clamp(1e-7, 1).log()


@dataclass(frozen=True)
class Doubt(LeaveOneOut):
    """The verdict of the ridge regression alone, without the loss."""

    def __call__(self, memory: Tensor, rows: Rows) -> Tensor:
        """Return the difficulty, shape (B,)."""
        doubt = torch.zeros_like(memory) if rows.doubt is None else rows.doubt
        return F.softplus(self.sharpness * doubt)


@dataclass(frozen=True)
class ClassValleys(Auto):
    """The default with the valley of each class, where a class has one."""

    def __call__(self, step: int, population: Population | None, previous: Tensor) -> Tensor:
        """Return the age of each class."""
        ages = super().__call__(step, population, previous)
        if population is None or step < self.warmup or self.probing(step, population, previous):
            return ages
        group = population.columns[self.by]
        for label in group.unique():
            found = self.cut(Population(population.difficulty[group == label], None, {}))
            ages[label] = ages[label] if found is None else found
        return ages


def _weights(decay: float, step: int) -> float:
    """Return the sum of the weights of a mean over the visits of ``step`` + 1 epochs."""
    return (1 - math.pow(decay, step + 1)) / (1 - decay)


def random_features(batch: Batch) -> Tensor:
    """Return the direction of the logits and random cosines of it, shape (B, 10 + RANDOM)."""
    draw = torch.Generator().manual_seed(0)
    turn = FREQUENCY * torch.randn(images.CLASSES, RANDOM, generator=draw)
    phase = 2 * math.pi * torch.rand(RANDOM, generator=draw)
    direction = F.normalize(batch.logits - batch.logits.mean(1, keepdim=True), eps=1e-6)
    return torch.cat([direction, torch.cos(direction @ turn + phase)], 1)


def last_hidden(batch: Batch) -> Tensor:
    """Return the activations of the last of the two hidden layers, which are equally wide."""
    return batch.hidden[:, batch.hidden.shape[1] // 2 :]


TOLD = partial(Judge, difficulty=Shifted("wrong", APART))
LATE = Recorded((math.inf, math.inf, math.inf, APART / 2))
BOTH = attrgetter("hidden")
JUDGES: dict[str, Callable[[nn.Sequential, int], Judge]] = {
    "loss": Judge,
    "margin": partial(MeanLogits, margin=True),
    "mean probability": partial(Judge, difficulty=MeanProbability(DECAY)),
    "mean logits": MeanLogits,
    "longer memory": partial(Judge, difficulty=Smoothed(0.85)),
    "rotating folds": Folds,
    "ridge, logits": partial(Judge, difficulty=Doubt(), features=random_features),
    "ridge, last layer": partial(Judge, difficulty=Doubt(), features=last_hidden),
    "LeaveOneOut, last layer": partial(Judge, difficulty=LeaveOneOut(), features=last_hidden),
    "LeaveOneOut, all layers": partial(Judge, difficulty=LeaveOneOut(), features=BOTH),
    "averaged weights": Averaged,
    "valleys of classes": partial(Judge, age=ClassValleys()),
    "told after 3 epochs": partial(TOLD, age=Threshold(LATE)),
    "told": partial(TOLD, age=Threshold(Constant(APART / 2))),
}


@dataclass(frozen=True)
class Row:
    """One training.

    Args:
        noise: Kind and per cent of wrong labels.
        judge: A name of ``JUDGES``.
        seed: Seed of the noise, the weights and the order.
        accuracy: Test accuracy after each epoch.
        wrong_kept: Share of all samples that are wrong but kept after the last step.
        right_left_out: Share of all samples that are right but left out after the last step.
        ap: Average precision of the last difficulty at finding the wrong labels; for judges that
            are told them, of the smoothed loss.
        versions: Versions of the packages.
        machine: Processor, cores and threads.
    """

    noise: str
    judge: str
    seed: int
    accuracy: list[float]
    wrong_kept: float
    right_left_out: float
    ap: float
    versions: dict[str, str]
    machine: dict[str, str | int]


def train_epoch(judge: Judge, optimiser: Optimizer, pacer: Pacer, batches: Batches) -> None:
    """Train on each batch of index, images and labels once."""
    for index, pictures, labels in batches:
        logits, hidden = images.with_features(judge.model, pictures)
        loss = F.cross_entropy(logits, labels, reduction="none")
        batch = Batch(index, pictures, labels, logits.detach(), hidden.detach(), loss.detach())
        with torch.no_grad():
            score = judge.score(batch, pacer.steps)
        features = None if judge.features is None else judge.features(batch)
        weighted = pacer(loss, index, difficulty=score, features=features)
        optimiser.zero_grad()
        weighted.mean().backward()
        optimiser.step()
        judge.trained(batch, weighted.detach())
    pacer.step()
    judge.stepped(pacer)


def execute(noise: str, name: str, seed: int) -> Row:
    """Train once and return the result line."""
    train, wrong = images.corrupted(SETTING, noise, seed)
    n, test = len(wrong), data.read(TASK.source, "t10k")
    torch.manual_seed(seed)
    model = images.network(SETTING)
    optimiser = torch.optim.Adam(model.parameters(), lr=images.LEARNING_RATE)
    judge = JUDGES[name](model, n)
    told = isinstance(judge.difficulty, Shifted)
    columns = {"wrong": wrong.astype("float32")} if told else {"group": train.labels}
    pacer = Pacer(n, age=judge.age, difficulty=judge.difficulty, columns=columns, reduction="none")
    shuffle, found = torch.Generator().manual_seed(seed), []
    for _ in range(TASK.epochs):
        order = torch.randperm(n, generator=shuffle).split(images.BATCH)
        batches = ((index, train.images[index], train.labels[index]) for index in order)
        train_epoch(judge, optimiser, pacer, batches)
        found.append(images.accuracy(model, test))
    kept, read = pacer.weight.numpy() > 0, Smoothed(DECAY) if told else judge.difficulty
    ap = average_precision_score(wrong, pacer.ledger.population(read)[1].difficulty.numpy())
    errors = float((wrong & kept).mean()), float((~wrong & ~kept).mean())
    return Row(noise, name, seed, found, *errors, float(ap), versions(), machine())


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the table of means over the seeds."""
    yield "| noise | judge | accuracy | of each seed | wrong but kept | right but left out | AP |"
    yield "|---|---|---|---|---|---|---|"
    for noise, name in product(images.WRONG_SHARE, JUDGES):
        found = [row for row in rows if (row.noise, row.judge) == (noise, name)]
        if found:
            each = [100 * row.accuracy[-1] for row in sorted(found, key=lambda row: row.seed)]
            shown = f"{fmean(each):.1f} | {' '.join(f'{value:.1f}' for value in each)}"
            kept = 100 * fmean(row.wrong_kept for row in found)
            out = 100 * fmean(row.right_left_out for row in found)
            shown += f" | {kept:.2f} % | {out:.2f} % | {fmean(row.ap for row in found):.3f}"
            yield f"| {noise} | {name} | {shown} |"
    yield "\nShares are of all samples, after the last step. AP: average precision of the last"
    yield "difficulty; for judges that are told the wrong labels, of the mean loss."


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table."""
    made = parser(__doc__, FILE)
    kinds = [kind for kind, share in images.WRONG_SHARE.items() if share]
    made.add_argument("--noise", choices=kinds, nargs="+", default=["sym40"])
    options = made.parse_args(arguments)
    run_or_print(options, Row, product(options.noise, JUDGES, SEEDS), execute, table)


if __name__ == "__main__":
    main(sys.argv[1:])
