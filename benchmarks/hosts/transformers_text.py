"""MiniLM on snippets with wrong labels: ``python -m benchmarks.hosts.transformers_text``.

1,500 snippets that most raters call positive or negative (``shared/texts.py``) train, 500 others
test. Of the labels a share, drawn by the seed, is turned round. ``transformers.Trainer`` beside
``SelfPacedTrainer`` with its default pacer: the same weights, orders and arguments (3 epochs, Adam
5e-5, batches of 16). The default leaves nothing out in its first three steps, so that the accuracy
is plain training's in 3 epochs; what counts there is the suspects. ``--epochs 6`` shows the rest.

Every run appends one line to ``results/transformers_text.jsonl`` and prints it; runs that are there
are skipped. ``--table`` prints the table.
"""

import argparse
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
from benchmarks.shared.lines import RESULTS, append, read
from benchmarks.shared.provenance import machine, versions
from selfpaced.transformers import SelfPacedTrainer

FILE = RESULTS / "transformers_text.jsonl"
N_TRAIN, N_TEST, LONGEST = 1_500, 500, 64


@dataclass(frozen=True)
class Row:
    """Both trainers on one share of wrong labels, number of epochs and seed.

    Args:
        wrong: Share of the labels that were turned round.
        accuracy: On the test snippets, by trainer.
        seconds: Of training, by trainer.
        precision: Share of wrong labels among the first suspects, by their number.
        kept: The kept share of the last step.
        versions: Of Python and packages.
        machine: Where it ran.
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
    """Return as many texts as are needed, drawn by the seed, and 1 for a positive one."""
    rated = texts.read("movies", 0)
    decided = (rated.most != 1).nonzero()[0]
    drawn = np.random.default_rng(seed).permutation(decided)[: N_TRAIN + N_TEST]
    return [rated.text[place] for place in drawn], (rated.most[drawn] == 2).astype(np.int64)


def execute(wrong: float, epochs: int, seed: int) -> Row:
    """Train both and return the line."""
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
    where = versions(), machine()
    return Row(wrong, epochs, seed, accuracy, seconds, precision, kept, *where)


def _model(folder: str, seed: int) -> torch.nn.Module:
    """Return MiniLM with a last layer that knows nothing."""
    torch.manual_seed(seed)
    model: torch.nn.Module = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=2, local_files_only=True
    )
    return model


def _arguments(folder: str, epochs: int, seed: int) -> TrainingArguments:
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
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--wrong", type=float, default=0.4)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", action="store_true", help="print the table, run nothing")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    plan = options.wrong, options.epochs, options.seed
    done = {(row.wrong, row.epochs, row.seed) for row in read(FILE, Row)}
    if not options.table and plan not in done:
        append(FILE, execute(*plan))
    print("\n".join(table(read(FILE, Row))))


if __name__ == "__main__":
    main(sys.argv[1:])
