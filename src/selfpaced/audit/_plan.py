"""What a user asked an audit for: all that decides its result."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast

from selfpaced._errors import require
from selfpaced.audit._features.text import require_folder
from selfpaced.audit._learning.estimators import ROUNDS, Name
from selfpaced.audit._learning.networks import factory
from selfpaced.audit._learning.training import EPOCHS, LEARNING_RATE, Settings, batch_for
from selfpaced.audit._reading.kinds import Kind, kind_of
from selfpaced.audit._reading.source import Options

TABLES = ("delimited", "lines", "parquet")
ALONE = ("npy", "idx")  # files of features without labels
FLAGS = ("text_model", "model", "estimator", "precision", "epochs", "batch_size", "learning_rate")
EXACT = "no"  # the precision of float32


@dataclass(frozen=True)
class Plan:
    """What is audited, and how.

    Args:
        path: The samples.
        options: How to read them.
        text_model: Folder of a transformers model that reads text.
        model: ``package.module:factory`` of a network of the user's; None for one of ours.
        estimator: Name of a scikit-learn model in place of a network.
        precision: Of the training: "no" (float32), "bf16" or "fp16".
        epochs: How often every sample is visited; None for 30, or 15 for "hgb".
        batch_size: None for 128, for fewer than 2,000 samples 32, from 50,000 on 512.
        learning_rate: Adam's; None for .001.
        seed: Of initial weights and order.

    >>> plan = Plan(Path("pets.csv"), Options(label="kind"), seed=3)
    >>> plan.settings(100)
    Settings(epochs=30, batch_size=32, learning_rate=0.001, workers=0, seed=3)
    >>> from_json(to_json(plan)) == plan
    True
    """

    path: Path
    options: Options = Options()
    text_model: Path | None = None
    model: str | None = None
    estimator: str | None = None
    precision: str = EXACT
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    seed: int = 0

    def settings(self, samples: int) -> Settings:
        """Return how to train on so many samples.

        Raises:
            ValueError: For settings out of range.
        """
        return Settings(
            self._epochs(),
            batch_for(samples) if self.batch_size is None else self.batch_size,
            LEARNING_RATE if self.learning_rate is None else self.learning_rate,
            seed=self.seed,
        )

    def _epochs(self) -> int:
        """Return how many epochs were asked for, or are usual."""
        if self.epochs is not None:
            return self.epochs
        return EPOCHS if self.estimator is None else ROUNDS[cast(Name, self.estimator)]


def check(plan: Plan) -> None:
    """Raise for options that do nothing here, before anything is read.

    Raises:
        FileNotFoundError: When there is no such file or folder.
        ValueError: For a kind of file that is not read, options that do not go together, settings
            out of range, and a model that cannot be imported.
    """
    _check_options(plan.path, kind_of(plan.path), plan.options)
    plan.settings(1)
    network = {
        "--model": plan.model is not None,
        "--batch-size": plan.batch_size is not None,
        "--learning-rate": plan.learning_rate is not None,
        "--precision": plan.precision != EXACT,
    }
    for flag, given in network.items():
        require(
            plan.estimator is None or not given,
            f"{flag} is of a network; --estimator {plan.estimator} is none. Drop one.",
        )
    if plan.text_model is not None:
        require_folder(plan.text_model)
    if plan.model is not None:
        factory(plan.model)


def to_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON has it."""
    return _plain(asdict(plan))


def from_json(told: dict[str, Any]) -> Plan:
    """Return the plan that ``to_json`` wrote; what else is there is left out."""
    known = {field.name: told[field.name] for field in fields(Plan)}
    options = dict(known.pop("options"))
    for name in ("ignore", "use"):
        options[name] = tuple(options[name])
    if options["labels"] is not None:
        options["labels"] = Path(options["labels"])
    text_model = known.pop("text_model")
    return Plan(
        **known | {"path": Path(known["path"])},
        options=Options(**options),
        text_model=None if text_model is None else Path(text_model),
    )


def differences(one: Plan, other: Plan) -> list[str]:
    """Return what two plans differ in, a flag each with both values.

    >>> from dataclasses import replace
    >>> plan = Plan(Path("pets.csv"))
    >>> differences(plan, replace(plan, seed=3, epochs=5))
    ['--epochs (None, then 5)', '--seed (0, then 3)']
    """
    ours, theirs = (_flat(plan) for plan in (one, other))
    return [
        f"{_flag(name)} ({ours[name]}, then {theirs[name]})"
        for name in ours
        if ours[name] != theirs[name]
    ]


def command(plan: Plan, folder: Path, more: Sequence[str] = ()) -> str:
    """Return the command line of a plan.

    Args:
        plan: What to write down.
        folder: Of the run.
        more: Words to add.

    >>> command(Plan(Path("my pets.csv"), Options(label="kind"), epochs=5), Path("run"))
    "selfpaced audit 'my pets.csv' --label kind --epochs 5 --output run"
    """
    options = plan.options
    words = ["selfpaced", "audit", str(plan.path)]
    for name in ("label", "labels", "side"):
        words += _words(name, getattr(options, name))
    for name in ("ignore", "use"):
        words += [word for value in getattr(options, name) for word in _words(name, value)]
    if options.numeric is not None:
        words.append("--numbers" if options.numeric else "--classes")
    usual = Plan(plan.path)
    for name in (*FLAGS, "seed"):
        value = getattr(plan, name)
        words += _words(name, None if value == getattr(usual, name) else value)
    return shlex.join([*words, "--output", str(folder), *more])


def _check_options(path: Path, kind: Kind, options: Options) -> None:
    """Raise for an option of another kind of file."""
    table = kind in TABLES
    columns = table or (kind in ALONE and options.labels is not None)
    given = {
        "--label": (options.label is not None and not columns, "names a column of a table"),
        "--ignore": (bool(options.ignore) and not table, "names a column of a table"),
        "--use": (bool(options.use) and not table, "names a column of a table"),
        "--labels": (
            options.labels is not None and kind not in ALONE,
            "goes with a lone .npy or idx file",
        ),
        "--side": (options.side is not None and kind != "images", "goes with a folder of images"),
    }
    for flag, (useless, what) in given.items():
        require(not useless, f"{flag} {what}; {path} is none. Leave it out.")
    require(
        options.side is None or options.side >= 1,
        f"--side must be a positive number of pixels; got {options.side}.",
    )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return values as JSON reads them back."""
    told: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            told[name] = _plain(value)
        elif isinstance(value, tuple):
            told[name] = list(value)
        else:
            told[name] = str(value) if isinstance(value, Path) else value
    return told


def _flat(plan: Plan) -> dict[str, Any]:
    """Return all settings side by side."""
    told = to_json(plan)
    options: dict[str, Any] = told.pop("options")
    return options | told


def _flag(name: str) -> str:
    """Return how the command line calls a setting."""
    return {"path": "the file", "numeric": "--classes or --numbers"}.get(
        name, f"--{name.replace('_', '-')}"
    )


def _words(name: str, value: object) -> list[str]:
    """Return a flag with its value; nothing for None."""
    return [] if value is None else [_flag(name), str(value)]
