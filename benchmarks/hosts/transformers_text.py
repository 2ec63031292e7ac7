"""MiniLM fine-tuned on texts with wrong labels: ``python -m benchmarks.hosts.transformers_text``.

1,500 movie snippets that most raters call positive or negative are the training set, 500 others the
test set. A share of the training labels, drawn by the seed, is flipped. ``transformers.Trainer`` is
compared with ``SelfPacedTrainer`` and its default pacer: same weights, orders and arguments (3
epochs, Adam, learning rate 5e-5, batches of 16). The default leaves nothing out in its first three
steps, so in 3 epochs its accuracy is that of plain training, and the suspects are the result;
``--epochs 6`` shows the effect on accuracy.

Each run appends one line to ``results/transformers_text.jsonl``; finished runs are skipped.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

from benchmarks.shared import data, texts
from benchmarks.shared.result_lines import RESULTS, machine, parser, run_or_print, versions
from selfpaced.transformers import SelfPacedTrainer

FILE = RESULTS / "transformers_text.jsonl"
N_TRAIN = 1_500  # Snippets to train on.
N_TEST = 500  # Snippets to test on.
LONGEST = 64  # Tokens after which a snippet is cut off.


@dataclass(frozen=True)
class Row:
    """Both trainers on one share of wrong labels, number of epochs and seed.

    Args:
        wrong: Share of the labels that were flipped.
        accuracy: Accuracy on the test snippets, by trainer.
        seconds: Training time, by trainer.
        precision: Share of wrong labels among the first suspects, by the number of suspects.
        kept: Kept share of the last step.
        versions: Versions of Python and the packages.
        machine: Processor, cores and threads.
    """

    wrong: float
    epochs: int
    seed: int
    accuracy: dict[str, float]
    seconds: dict[str, float]
    precision: dict[str, float]
    kept: float
    versions: dict[str, str]
    machine: dict[str, str | int]


def snippets(seed: int) -> tuple[list[str], NDArray[np.int64]]:
    """Return the training and test texts, drawn by the seed, and labels: 1 is positive."""
    rated = texts.read("movies", 0)
    decided = (rated.most != 1).nonzero()[0]
    drawn = np.random.default_rng(seed).permutation(decided)[: N_TRAIN + N_TEST]
    return [rated.text[place] for place in drawn], (rated.most[drawn] == 2).astype(np.int64)


def execute(wrong: float, epochs: int, seed: int) -> Row:
    """Train with both trainers and return the result line."""
    folder = str(data.fetch(texts.MINILM))
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    text, truth = snippets(seed)
    ids = tokenizer(text, truncation=True, max_length=LONGEST)["input_ids"]
    flipped = np.random.default_rng(seed + 1).permutation(N_TRAIN) < round(wrong * N_TRAIN)
    given = np.concatenate([truth[:N_TRAIN] ^ flipped, truth[N_TRAIN:]])
    items = [{"input_ids": x, "labels": int(y)} for x, y in zip(ids, given, strict=True)]
    accuracy, seconds = {}, {}
    run: Any = None
    for kind in (Trainer, SelfPacedTrainer):
        start: Any = kind
        with tempfile.TemporaryDirectory() as made:
            run = start(
                model=_model(folder, seed),
                args=_arguments(made, epochs, seed),
                train_dataset=items[:N_TRAIN],
                data_collator=DataCollatorWithPadding(tokenizer),
            )
            begin = time.perf_counter()
            run.train()
            seconds[kind.__name__] = time.perf_counter() - begin
            said = run.predict(items[N_TRAIN:]).predictions.argmax(1)
        accuracy[kind.__name__] = float((said == truth[N_TRAIN:]).mean())
    suspects = run.pacer.suspects(N_TRAIN).numpy()
    first = (50, 100, round(wrong * N_TRAIN))
    precision = {str(k): float(flipped[suspects[:k]].mean()) for k in first if k}
    kept = float(run.pacer.history[-1]["kept_share"])
    return Row(wrong, epochs, seed, accuracy, seconds, precision, kept, versions(), machine())


def _model(folder: str, seed: int) -> torch.nn.Module:
    """Return MiniLM with an untrained last layer."""
    torch.manual_seed(seed)
    model: torch.nn.Module = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=2, local_files_only=True
    )
    return model


def _arguments(folder: str, epochs: int, seed: int) -> TrainingArguments:
    """Return the arguments of both trainers."""
    return TrainingArguments(
        output_dir=folder,
        num_train_epochs=epochs,
        per_device_train_batch_size=16,
        learning_rate=5e-5,
        seed=seed,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
    )


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of a Markdown table, one per run."""
    yield (
        "| wrong labels | epochs | seed | accuracy: Trainer | SelfPacedTrainer | "
        "wrong among the first suspects | kept after the last step | seconds |"
    )
    yield "|---" * 8 + "|"
    for row in rows:
        found = ", ".join(f"{share:.0%} of {k}" for k, share in row.precision.items())
        took = " / ".join(f"{seconds:.0f}" for seconds in row.seconds.values())
        yield (
            f"| {row.wrong:.0%} | {row.epochs} | {row.seed} | {row.accuracy['Trainer']:.3f} | "
            f"{row.accuracy['SelfPacedTrainer']:.3f} | {found} | {row.kept:.2f} | {took} |"
        )


def main(arguments: list[str]) -> None:
    """Run what is missing, or print the table."""
    made = parser(__doc__, FILE)
    made.add_argument("--wrong", type=float, default=0.4, help="share of flipped labels")
    made.add_argument("--epochs", type=int, default=3)
    made.add_argument("--seed", type=int, default=0)
    options = made.parse_args(arguments)
    planned = [(options.wrong, options.epochs, options.seed)]
    run_or_print(options, Row, planned, execute, table)


if __name__ == "__main__":
    main(sys.argv[1:])
