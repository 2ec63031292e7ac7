"""The plan of an audit: every setting that decides its result."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from selfpaced._errors import choose, require
from selfpaced._text import operand, shell_line
from selfpaced.audit._learning.settings import Settings, for_network, for_rounds
from selfpaced.audit._reading.kinds import Kind, kind_of, require_model_folder
from selfpaced.audit._reading.source import Options

# Kinds of files that hold a table.
TABLES = ("delimited", "lines", "parquet", "workbook", "shards")
# Kinds of files that hold features without labels.
WITHOUT_LABELS = ("npy", "idx")
# The kinds of models that can be asked for.
LEARNERS = ("auto", "network", "logistic", "kernel", "boosting", "trees")
# Fields of a Plan that a command line repeats where they are not the default, in this order.
SETTINGS = (
    "text_model",
    "probabilities",
    "model",
    "learner",
    "folds",
    "precision",
    "epochs",
    "batch_size",
    "learning_rate",
    "seed",
)
# The value of ``precision`` for float32: no mixed precision.
FLOAT32 = "no"


@dataclass(frozen=True)
class Plan:
    """The samples to audit, and the settings of the training.

    Args:
        path: The file or folder of the samples.
        options: How to read them.
        text_model: Folder of a transformers model that turns text into numbers.
        model: ``package.module:factory`` of a network of the user; None for a built-in network.
        learner: The kind of model: "auto" for a mixture of those that suit the samples, or one of
            ``LEARNERS``.
        folds: Each label is judged by models that learned the other folds; 0: by a model that
            learned all labels. None: 5, or 4 above 2,000 samples, or 3 above 20,000; for networks
            3, or 2 above 20,000.
        shifts: Whether a network sees images shifted at random by a few pixels.
        precision: Precision of the training: "no" (float32), "bf16" or "fp16".
        epochs: Number of epochs of a network, or of rounds of other models. None: 30 epochs, or
            more where there are few samples, and 8 rounds.
        batch_size: Samples per batch. None: 32 below 2,000 samples, 512 from 50,000, else 128.
        learning_rate: Learning rate of Adam; None for 0.001.
        seed: Seed of the initial weights and of the order of the samples.
        probabilities: A file of held-out probabilities that the user has computed; no model is
            trained then. An .npy file, shape (n, classes), classes in the order of their names, or
            a table with a column for each class.

    >>> plan = Plan(Path("pets.csv"), Options(label="kind"), seed=3)
    >>> plan.settings(5_000).epochs, plan.rounds(2_000).folds
    (30, 5)
    >>> from_json(to_json(plan)) == plan
    True
    """

    path: Path
    options: Options = Options()
    text_model: Path | None = None
    model: str | None = None
    learner: str = "auto"
    folds: int | None = None
    shifts: bool = True
    precision: str = FLOAT32
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    seed: int = 0
    probabilities: Path | None = None

    def settings(self, samples: int, *, numeric: bool = False, beside: bool = False) -> Settings:
        """Return the settings of the training of a network.

        Args:
            samples: The number of samples.
            numeric: Whether the labels are numbers; there are no folds then.
            beside: Whether other models are trained on the same table; see ``epochs_for``.

        Raises:
            ValueError: For settings out of range.
        """
        return for_network(
            samples,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            seed=self.seed,
            folds=0 if numeric else self.folds,
            beside=beside,
        )

    def rounds(self, samples: int) -> Settings:
        """Return the settings of the training of scikit-learn models.

        Raises:
            ValueError: For settings out of range.
        """
        return for_rounds(samples, epochs=self.epochs, seed=self.seed, folds=self.folds)


def check(plan: Plan) -> None:
    """Raise for settings that cannot be used with this file, before anything is read.

    Only ``check_model`` imports torch, and the model of the user.

    Raises:
        FileNotFoundError: If a file or folder does not exist.
        ValueError: For a kind of file that is not supported, settings that cannot be combined or
            have no effect, and settings out of range.
    """
    _check_options(plan.path, kind_of(plan.path), plan.options)
    _check_training(plan)
    for name in _of_networks(plan):
        require(
            plan.learner in ("auto", "network"),
            f"{name}=... is a setting of networks, and learner={plan.learner} is not a network. "
            f"Leave one of them out.",
        )
    if plan.text_model is not None:
        require_model_folder(plan.text_model)
    if plan.probabilities is not None:
        _check_probabilities(plan, plan.probabilities)


def check_effect(plan: Plan, *, network: bool, images: bool, numeric: bool) -> None:
    """Raise for settings that have no effect on these samples.

    Args:
        plan: The settings.
        network: Whether a network is trained.
        images: Whether the samples are images.
        numeric: Whether the labels are numbers.

    Raises:
        ValueError: Naming the setting.
    """
    for name in _of_networks(plan):
        require(
            network,
            f"{name}=... is a setting of networks, and no network is trained on these samples. "
            f"Leave it out, or use learner=network.",
        )
    require(
        plan.shifts or (images and network),
        "shifts=False is for images that a network learns. Leave it out.",
    )
    require(
        not (numeric and network and plan.folds),
        "folds=... is for classes: a network learns all numbers. Leave it out, or use "
        "learner=boosting.",
    )


def check_model(plan: Plan) -> None:
    """Raise if the plan has a model of the user that cannot be imported.

    Raises:
        ValueError: For a name of another form, and for a name that cannot be imported or called.
    """
    if plan.model is not None:
        from selfpaced.audit._learning.networks import factory  # not at the top, as above

        factory(plan.model)


def to_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as values that JSON can hold."""
    return _plain(asdict(plan))


def from_json(saved: dict[str, Any]) -> Plan:
    """Return the plan that ``to_json`` wrote; other keys are ignored."""
    known = {field.name: saved[field.name] for field in fields(Plan)}
    told = known.pop("options")
    options = options_from({field.name: told[field.name] for field in fields(Options)})
    for name in ("path", "text_model", "probabilities"):
        known[name] = None if known[name] is None else Path(known[name])
    return Plan(**known, options=options)


def options_from(saved: dict[str, Any]) -> Options:
    """Return the options that ``to_json`` wrote."""
    options = dict(saved)
    for name in ("ignore", "use", "annotator"):
        options[name] = tuple(options.get(name) or ())
    if options.get("labels") is not None:
        options["labels"] = Path(options["labels"])
    return Options(**options)


def differences(one: Plan, other: Plan) -> list[str]:
    """Return the settings in which two plans differ, each with both values.

    >>> from dataclasses import replace
    >>> plan = Plan(Path("pets.csv"))
    >>> differences(plan, replace(plan, seed=3, epochs=5))
    ['epochs=... (None, then 5)', 'seed=... (0, then 3)']
    """
    before, after = (_flat(plan) for plan in (one, other))
    return [
        f"{name}=... ({before[name]}, then {after[name]})"
        for name in before
        if before[name] != after[name]
    ]


def command(plan: Plan, folder: Path, more: Sequence[str] = ()) -> str:
    """Return the command line that runs a plan.

    Args:
        plan: The plan to write as a command.
        folder: The folder for the results.
        more: Words to append.

    >>> command(Plan(Path("my pets.csv"), Options(label="kind"), epochs=5), Path("run"))
    "selfpaced audit 'my pets.csv' --label kind --epochs 5 --output run"
    """
    options = plan.options
    words = ["selfpaced", "audit", operand(plan.path)]
    for name in ("label", "labels", "group", "side", "depth", "sheet", "item"):
        words += _words(name, getattr(options, name))
    for name in ("ignore", "use", "annotator"):
        words += [word for value in getattr(options, name) for word in _words(name, value)]
    if options.numeric is not None:
        words.append("--numbers" if options.numeric else "--classes")
    if options.exact:
        words.append("--exact")
    default = Plan(plan.path)
    for name in SETTINGS:
        value = getattr(plan, name)
        words += _words(name, None if value == getattr(default, name) else value)
    if not plan.shifts:
        words.append("--no-shifts")
    return shell_line([*words, *_words("output", folder), *more])


def _check_options(path: Path, kind: Kind, options: Options) -> None:
    """Raise for an option that belongs to another kind of file."""
    table = kind in TABLES
    columns = table or (kind in WITHOUT_LABELS and options.labels is not None)
    of_columns, of_arrays = "a table", "a single .npy or idx file"
    misplaced = {
        "label": (options.label is not None and not columns, of_columns),
        "group": (options.group is not None and not table, of_columns),
        "ignore": (bool(options.ignore) and not table, of_columns),
        "use": (bool(options.use) and not table, of_columns),
        "annotator": (bool(options.annotator) and not table, of_columns),
        "item": (options.item is not None and not table, of_columns),
        "labels": (options.labels is not None and kind not in WITHOUT_LABELS, of_arrays),
        "side": (options.side is not None and not (table or kind == "images"), "images"),
        "depth": (options.depth is not None and not (table or kind == "images"), "images"),
        "sheet": (options.sheet is not None and kind != "workbook", "a workbook (.xlsx)"),
    }
    for name, (useless, expected) in misplaced.items():
        require(not useless, f"{name}=... needs {expected}; {path} is not one. Leave it out.")
    require(
        options.side is None or options.side >= 1,
        f"side=... must be a positive number of pixels; got {options.side}.",
    )


def _check_probabilities(plan: Plan, path: Path) -> None:
    """Raise for a file that holds no probabilities, and for settings of a training."""
    require(
        kind_of(path) in (*TABLES, "npy"),
        f"probabilities=... expects an .npy file or a table; got {path}.",
    )
    default = Plan(plan.path)
    require(
        plan.options.group is None,
        "group=... decides which labels are held out together, and with probabilities=... none is. "
        "Leave one of them out.",
    )
    for name in (*SETTINGS, "shifts"):
        require(
            name == "probabilities" or getattr(plan, name) == getattr(default, name),
            f"{name}=... is a setting of a training, and with probabilities=... there is none. "
            f"Leave one of them out.",
        )


def _of_networks(plan: Plan) -> list[str]:
    """Return the names of the settings of networks that are given."""
    given = {
        "model": plan.model is not None,
        "batch_size": plan.batch_size is not None,
        "learning_rate": plan.learning_rate is not None,
        "precision": plan.precision != FLOAT32,
    }
    return [name for name, there in given.items() if there]


def _check_training(plan: Plan) -> None:
    """Raise for numbers out of range, and for an unknown learner."""
    names = ("epochs", "batch_size", "learning_rate", "seed", "folds")
    given = {name: getattr(plan, name) for name in names}
    Settings(**{name: value for name, value in given.items() if value is not None})
    choose("learner", plan.learner, LEARNERS)
    require(
        plan.folds != 0 or plan.learner in ("auto", "network"),
        f"folds=0 needs a network; learner={plan.learner} always leaves out folds. Leave out one "
        f"of them.",
    )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values as JSON reads them back: tuples as lists, paths as text."""
    plain: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            plain[name] = _plain(value)
        elif isinstance(value, tuple):
            plain[name] = list(value)
        else:
            plain[name] = str(value) if isinstance(value, Path) else value
    return plain


def _flat(plan: Plan) -> dict[str, Any]:
    """Return all settings in one dict, those of ``options`` first."""
    settings = to_json(plan)
    options: dict[str, Any] = settings.pop("options")
    return options | settings


def _words(name: str, value: object) -> list[str]:
    """Return a flag of the command line and its value; no words for None."""
    if value is None:
        return []
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, Path):
        return [flag, operand(value)]
    return [f"{flag}={value}"] if str(value).startswith("-") else [flag, str(value)]
