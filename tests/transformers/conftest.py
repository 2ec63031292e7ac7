"""The trainer that several test files run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import TrainingArguments

from selfpaced import Pacer
from selfpaced.transformers import SelfPacedTrainer

Make = Callable[..., Any]


@pytest.fixture
def arguments(tiny: Any, tmp_path: Path) -> Make:
    """Return a function that makes arguments of one epoch, with two batches of 4 per step."""

    def make(**settings: Any) -> TrainingArguments:
        defaults: dict[str, Any] = {"gradient_accumulation_steps": 2, "num_train_epochs": 1}
        defaults |= {"learning_rate": 1e-2, "per_device_train_batch_size": 4}
        made: TrainingArguments = tiny.arguments(tmp_path, **(defaults | settings))
        return made

    return make


@pytest.fixture
def paced(tiny: Any, arguments: Make) -> Make:
    """Return a function that makes a self-paced trainer, by default one of 14 sentences.

    It takes the arguments of the trainer and those of ``TrainingArguments``.
    """

    def make(**given: Any) -> SelfPacedTrainer:
        settings = {name: given.pop(name) for name in [*given] if hasattr(TrainingArguments, name)}
        defaults = {
            "model": tiny.bert(),
            "args": arguments(**settings),
            "train_dataset": tiny.sentences(14),
            "data_collator": tiny.padding(),
        }
        made = SelfPacedTrainer(**(defaults | given))
        assert isinstance(made.pacer, Pacer)
        return made

    return make
