"""The report of a pacer in a training loop of one's own, as one HTML file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfpaced._errors import require, require_positive_int
from selfpaced._files import write_text
from selfpaced._pacer.pacer import Pacer
from selfpaced._page.content import (
    SERIES,
    Case,
    Curves,
    Gallery,
    Map,
    Neighbour,
    Report,
    Samples,
    Shown,
)
from selfpaced._page.packing import chosen
from selfpaced._page.pictures import as_picture, cell
from selfpaced._page.report import report_page
from selfpaced._version import __version__
from selfpaced.suspects import Judge, Judgement

# The largest number of letters of a text, and of one beside another sample.
LONGEST, SHORT = 100_000, 400
# The width and height of a picture at most, and of one beside another sample, in pixels.
SIDE, SMALL = 320, 112
# The number of neighbours that are shown.
NEAREST = 3
# The largest number of classes, as the confused ones are counted for each pair.
MOST_CLASSES = 10_000
# Above this probability a label is a suspect.
SUSPECT = 0.5


def write(
    pacer: Pacer,
    path: str | Path,
    *,
    samples: Any = None,  # noqa: ANN401  # texts, rows or images of the user
    labels: Sequence[int] | Tensor | NDArray[Any] | None = None,
    names: Sequence[str] | None = None,
    embedding: Tensor | NDArray[Any] | None = None,
    title: str = "The run",
    top: int = 200,
) -> Path:
    """Write a report of a run: its suspects, a map of all samples, and the training.

    The report is one HTML file for a browser. It loads nothing from elsewhere.

    Args:
        pacer: The pacer of the training, of n samples. With logits and targets (``pacer(loss,
            index, logits=logits, target=y, probabilities=True)``) the report has probabilities and
            suggested labels; without, it has losses only.
        path: The file; an existing one is replaced.
        samples: The samples in the order of the dataset, to be shown: n texts, a DataFrame of n
            rows, or images of shape (n, height, width), (n, channels, height, width) or (n, height,
            width, channels), uint8 from 0 to 255 or floats from 0 to 1. None: their indices only.
        labels: The class of each sample, int, shape (n,). None: the targets that were observed.
        names: The names of the classes. None: their numbers.
        embedding: A place of each sample, shape (n, d), for a map and for the nearest samples; of
            more than two dimensions the map shows the first principal components.
        title: The title of the page.
        top: The number of samples that are shown, most suspicious first.

    Returns:
        The path.

    Raises:
        ValueError: For a pacer without ``n_samples`` or without a step, for lengths that differ,
            and for a label without a name.
        FileNotFoundError: If the folder of the file does not exist.
        IsADirectoryError: If the path is a folder.

    >>> import torch
    >>> from tempfile import TemporaryDirectory
    >>> from selfpaced import Pacer
    >>> pacer = Pacer(3)
    >>> pacer.observe(torch.tensor([0.1, 2.0, 0.2]), torch.arange(3))
    >>> pacer.step()
    >>> with TemporaryDirectory() as folder:
    ...     file = write(pacer, f"{folder}/report.html", samples=["good", "bad", "fine"])
    ...     "<title>The run" in file.read_text()
    True
    """
    require_positive_int("top", top, "write")
    path = Path(path)
    _require_file(path)
    run = _Run.of(pacer, samples, labels, names, embedding)
    write_text(report_page(_report(run, title, top)), path)
    return path


@dataclass(frozen=True, eq=False)
class _Run:
    """A run as the report shows it.

    Args:
        pacer: The pacer, of n samples.
        samples: The samples of the user; None for none.
        given: The class of each, int64, shape (n,); -1 for one that is not known.
        names: The names of the classes; () if no labels are known.
        judgement: What the losses say about the labels; None without logits.
        embedding: A place of each sample, float32, shape (n, d); None for none.
    """

    pacer: Pacer
    samples: Any
    given: NDArray[np.int64]
    names: tuple[str, ...]
    judgement: Judgement | None
    embedding: Tensor | None

    @classmethod
    def of(
        cls,
        pacer: Pacer,
        samples: Any,  # noqa: ANN401  # those of the user
        labels: Any,  # noqa: ANN401  # numbers of any kind
        names: Sequence[str] | None,
        embedding: Any,  # noqa: ANN401  # as above
    ) -> "_Run":
        """Check what the user gives, and judge the run."""
        require(
            pacer.n_samples is not None and pacer.steps > 0,
            "report.write needs a pacer made as Pacer(len(dataset)) and trained for at least one "
            "step.",
        )
        n = int(pacer.n_samples or 0)
        dynamics = pacer.ledger.dynamics
        given = np.full(n, -1, np.int64)
        if labels is not None:
            given = _classes(labels)
        elif dynamics is not None:
            seen = (dynamics.visits > 0).cpu().numpy()
            given = np.where(seen, dynamics.target.cpu().numpy(), -1).astype(np.int64)
        _require_length("labels", len(given), n)
        if samples is not None:
            _require_length("samples", len(samples), n)
        judgement = None if dynamics is None else Judge().judge(pacer)
        places = None
        if embedding is not None:
            places = torch.as_tensor(embedding).detach().float().cpu()
            _require_length("embedding", len(places), n)
            require(
                places.ndim == 2 and bool(places.isfinite().all()),
                f"embedding needs finite numbers of shape (n, d); got {tuple(places.shape)}.",
            )
        suggested = -1 if judgement is None else int(judgement.suggested.max())
        classes = _names(names, max(int(given.max(initial=-1)), suggested) + 1)
        return cls(pacer, samples, given, classes, judgement, places)

    def label(self, code: int) -> str:
        """Return the name of a class; "" for none."""
        return self.names[code] if 0 <= code < len(self.names) else ""


def _report(run: _Run, title: str, top: int) -> Report:
    """Return the content of the page."""
    pacer, judgement = run.pacer, run.judgement
    order = pacer.suspects(top).tolist()
    suspect = np.zeros(len(run.given), bool)
    if judgement is None:
        suspect[order] = True
        headline, told = f"The {len(order):,} samples with the highest losses", [NO_LOGITS]
    else:
        wrong = (judgement.probability > SUSPECT) & (
            judgement.suggested != torch.from_numpy(run.given)
        )
        suspect = wrong.numpy()
        n, k = len(suspect), int(suspect.sum())
        headline = f"{k:,} of {n:,} labels are probably wrong ({k / n:.1%})"
        told = [SELF_JUDGED]
    cases = _cases(run, order, suspect)
    more = int(suspect.sum()) - sum(case.suspect for case in cases)
    return Report(
        title,
        headline,
        told,
        _facts(run, suspect),
        DOUBTS,
        Gallery(title, _noun(run.samples), "index", run.names, cases, more),
        _samples(run, suspect),
        _maps(run, chosen(suspect)),
        _meant(run, suspect),
        curves=_curves(pacer),
        how=[("pacer", repr(pacer)), ("selfpaced", __version__), ("torch", torch.__version__)],
    )


# What is said of a run without logits, of one with logits, and of every run.
NO_LOGITS = (
    "Only losses were observed: how probable it is that a label is wrong, and which class was "
    "meant, cannot be told. Call the pacer with logits and targets to learn both."
)
SELF_JUDGED = (
    "The model judges labels that it has learned itself. The longer it trains, the more wrong "
    "labels it memorises; those look right then."
)
DOUBTS = (
    "A rare sample with a right label can look wrong. Check a sample before you change its label.",
    "Mistakes that always follow the same rule look right, because the model learns the rule.",
)


def _facts(run: _Run, suspect: NDArray[np.bool_]) -> list[tuple[str, str]]:
    """Return the numbers that matter most."""
    seen = int((run.pacer.ledger.visits > 0).sum())
    facts = [("samples", f"{len(suspect):,}"), ("seen", f"{seen:,}")]
    if run.judgement is not None:
        count = run.judgement.count
        facts += [("suspects", f"{int(suspect.sum()):,}")]
        facts += [("wrong labels, estimated", f"{count.low:,.0f} to {count.high:,.0f}")]
    kept = run.pacer.history[-1]["kept_share"]
    return [*facts, ("steps", f"{run.pacer.steps:,}"), ("kept share at the end", f"{kept:.1%}")]


def _cases(run: _Run, order: list[int], suspect: NDArray[np.bool_]) -> tuple[Case, ...]:
    """Return the samples to look at, most suspicious first, with the numbers of the ledger."""
    ledger, judgement = run.pacer.ledger, run.judgement
    columns: dict[str, Tensor] = {"loss": ledger.loss, "weight": run.pacer.weight}
    columns |= {"mean loss": ledger.suspicion, "visits": ledger.visits}
    if ledger.dynamics is not None:
        dynamics = ledger.dynamics
        columns |= {"margin": dynamics.margin, "correct": dynamics.correct}
        columns |= {"forgotten": dynamics.forgotten}
    numbers = {name: column.cpu().numpy() for name, column in columns.items()}
    near = _neighbours(run, order)
    cases = []
    for place, others in zip(order, near, strict=True):
        told = tuple((name, cell(column[place], SHORT)) for name, column in numbers.items())
        shown = _shown(run.samples, place, told)
        suggested, chance = -1, None
        if judgement is not None:
            suggested = int(judgement.suggested[place])
            p = float(judgement.probability[place])
            chance = p if p == p else None
        cases.append(
            Case(
                shown,
                bool(suspect[place]),
                run.label(int(run.given[place])),
                run.label(suggested),
                chance,
                neighbours=others,
            )
        )
    return tuple(cases)


def _neighbours(run: _Run, order: list[int]) -> list[tuple[Neighbour, ...]]:
    """Return the nearest samples of each, by the embedding; none without."""
    if run.embedding is None:
        return [()] * len(order)
    found = []
    for place in order:
        far = (run.embedding - run.embedding[place]).square().sum(1)
        far[place] = torch.inf
        nearest = far.topk(min(NEAREST, len(far) - 1), largest=False).indices.tolist()
        found.append(
            tuple(
                Neighbour(_shown(run.samples, at, small=True), run.label(int(run.given[at])))
                for at in nearest
            )
        )
    return found


def _shown(
    samples: Any,  # noqa: ANN401  # those of the user
    place: int,
    told: tuple[tuple[str, str], ...] = (),
    *,
    small: bool = False,
) -> Shown:
    """Return a sample as a person sees it, with further numbers."""
    longest = SHORT if small else LONGEST
    if samples is None:
        return Shown(str(place), row=told)
    if hasattr(samples, "iloc") and getattr(samples, "ndim", 1) == 2:
        row = samples.iloc[place]
        own = tuple((str(name), cell(row[name], SHORT)) for name in samples.columns)
        return Shown(str(place), row=own + told)
    value = samples.iloc[place] if hasattr(samples, "iloc") else samples[place]
    if isinstance(value, str):
        return Shown(str(place), cell(value, longest), row=told)
    picture = as_picture(np.asarray(torch.as_tensor(value).cpu()), SMALL if small else SIDE)
    return Shown(str(place), image=picture, row=told)


def _noun(samples: Any) -> str:  # noqa: ANN401  # those of the user
    """Return what a sample is called."""
    if samples is None:
        return "sample"
    if hasattr(samples, "iloc") and getattr(samples, "ndim", 1) == 2:
        return "row"
    first = samples.iloc[0] if hasattr(samples, "iloc") else samples[0]
    return "text" if isinstance(first, str) else "image"


def _samples(run: _Run, suspect: NDArray[np.bool_]) -> Samples:
    """Return the samples of the maps."""
    drawn, judgement = chosen(suspect), run.judgement
    suggested = np.full(len(suspect), -1, np.int64)
    chance = np.full(len(suspect), np.nan, np.float32)
    if judgement is not None:
        suggested, chance = judgement.suggested.numpy(), judgement.probability.numpy()
    return Samples(
        drawn.tolist(),
        run.given[drawn].astype(np.int32),
        suggested[drawn].astype(np.int32),
        run.names,
        chance[drawn],
        suspect[drawn],
        len(suspect),
    )


def _maps(run: _Run, drawn: NDArray[np.int64]) -> list[Map]:
    """Return the maps: by the ledger, and by the embedding."""
    ledger, found = run.pacer.ledger, []
    if ledger.dynamics is not None:
        visits = ledger.dynamics.visits
        share = (ledger.dynamics.correct / visits).cpu().numpy()[drawn]
        margin = ledger.dynamics.margin.cpu().numpy()[drawn]
        x = "share of the steps in which the label had the highest logit"
        about = "Low and to the left: the model never learned the label."
        found.append(Map("Margin and correctness", x, "mean margin", share, margin, about))
    else:
        last, mean = (column.cpu().numpy()[drawn] for column in (ledger.loss, ledger.suspicion))
        about = "Up and to the right: the loss was high all the time."
        found.append(Map("Losses", "last loss", "mean loss", last, mean, about))
    if run.embedding is not None:
        flat = _flat(run.embedding)[drawn].numpy()
        about = "The samples by their embedding; the axes have no unit."
        found.append(Map("Embedding", "", "", flat[:, 0], flat[:, 1], about))
    return found


def _flat(embedding: Tensor) -> Tensor:
    """Return an embedding in two dimensions: the first principal components."""
    d = embedding.shape[1]
    if d == 2:
        return embedding
    if d < 2:
        return torch.cat([embedding, torch.zeros(len(embedding), 2 - d)], 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _, _, axes = torch.pca_lowrank(embedding, q=min(6, *embedding.shape))
    return (embedding - embedding.mean(0)) @ axes[:, :2]


def _meant(run: _Run, suspect: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """Return how many suspects have a label where another class is suggested; None without."""
    if run.judgement is None or not run.names:
        return None
    counts = np.zeros((len(run.names), len(run.names)), np.int64)
    given, meant = run.given[suspect], run.judgement.suggested.numpy()[suspect]
    known = (given >= 0) & (meant >= 0)
    np.add.at(counts, (meant[known], given[known]), 1)
    return counts


def _curves(pacer: Pacer) -> Curves:
    """Return the numbers of each step; ages of several groups are left out."""
    series = {}
    for key, name in SERIES.items():
        values = [row[key] for row in pacer.history]
        numbers = [float(v) if isinstance(v, int | float) else np.nan for v in values]
        if np.isfinite(numbers).any():
            series[name] = numbers
    return Curves(series)


def _names(names: Sequence[str] | None, classes: int) -> tuple[str, ...]:
    """Return the names of the classes."""
    if names is None:
        return tuple(map(str, range(classes)))
    require(
        len(names) >= classes,
        f"names needs a name for each of the {classes} classes; got {len(names)}.",
    )
    return tuple(map(str, names))


def _classes(labels: Any) -> NDArray[np.int64]:  # noqa: ANN401  # numbers of any kind
    """Return the labels of the user, or raise unless they are classes, shape (n,)."""
    row = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
    require(
        row.ndim == 1 and row.dtype.kind in "iu",
        f"labels needs the class of each sample in integers, shape (n,); got {row.dtype} of shape "
        f"{row.shape}. Number the classes, and pass names=... with their names.",
    )
    require(
        len(row) == 0 or (row.min() >= -1 and row.max() < MOST_CLASSES),
        f"labels needs classes from 0 to {MOST_CLASSES - 1:,}, or -1 for none; got {row.min()} to "
        f"{row.max()}."
        if len(row)
        else "",
    )
    return row.astype(np.int64)


def _require_length(name: str, length: int, n: int) -> None:
    """Raise unless there is a value for each sample."""
    require(
        length == n,
        f"{name} needs a value for each of the {n:,} samples of the pacer; got {length:,}.",
    )


def _require_file(path: Path) -> None:
    """Raise unless a file can be written to this path."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder. Give the name of a file.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} for {path.name}. Make it first.")
