"""The result of an audit: the table of samples, the count of wrong labels, and the model."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from selfpaced._errors import require_positive_int
from selfpaced._pacer.pacer import Pacer
from selfpaced._text import html, html_table, visible
from selfpaced.audit._learning.committee import Committee
from selfpaced.audit._reading.labels.votes import all_classes, codes_of
from selfpaced.audit._reading.words import are
from selfpaced.audit._reliability import Reliability, conclusion
from selfpaced.chain import Floats
from selfpaced.suspects import Count, Judge, confusion, consensus, judge_held_out

# The least held-out probability of a class.
LEAST = 1e-6
# Above this probability of a mistake, a label is a suspect.
SUSPECT = 0.5

# The largest number of suspects that a notebook shows.
MOST_SHOWN = 10
# The largest number of kinds of label errors that ``repr`` of a result lists.
MOST_KINDS = 5


@dataclass(frozen=True, eq=False)
class Agreement:
    """What several annotators say about n samples.

    Args:
        consensus: A row per sample, in their order: ``consensus``, the most probable label by the
            votes and the models; ``probability``, that it is right; ``votes``, their number; and
            ``agreement``, the share of the votes that give it.
        annotators: A row per annotator, the least reliable first: ``labels``, their number;
            ``quality``, how often the annotator is right, estimated; and ``agreement``, how often
            the annotator gave the consensus.
    """

    consensus: pd.DataFrame
    annotators: pd.DataFrame


@dataclass(frozen=True, eq=False, repr=False)
class Audit:
    """The result of an audit.

    Args:
        table: A row per sample, most suspicious first: those whose label is more probably wrong
            than right, then all others, each by their loss; samples that no model has judged, whose
            ``probability`` is NaN, come last. Its index is the position of the sample. Columns:
            ``label``, ``probability`` that the label is wrong, ``suggested`` label (the most
            probable other class; with ``folds=0`` the most probable class), ``confidence`` (the
            probability of the suggested label by the features alone; no column for a regression),
            ``loss`` (higher is more suspect: -ln of the held-out probability of the label; with
            ``folds=0``, and as squared errors of a regression, ``Ledger.suspicion``).
        count: How many labels are wrong, with a range; see ``selfpaced.suspects``.
        confusion: Expected number of wrong labels by the class that was meant (rows) and the label
            given (columns), over the samples where another class is suggested; None for a
            regression, whose labels are numbers.
        history: A row per epoch: ``Pacer.history``.
        model: The trained model: a torch module in eval mode, or a mixture of several models.
        pacer: The pacer of the training, or of its last part.
        reliability: How well the models predict labels that they did not learn; None with
            ``folds=0`` and for a regression.
        votes: What several annotators say; None for one label per sample. ``label`` is then the
            consensus of their votes alone, and judged by the votes and the models together.
        every_class: Whether ``suspects`` has labels of withheld classes, too; see ``Reliability``.
        probabilities: The probability of each class, by models that did not learn the label of the
            sample, or with ``folds=0`` of the model that learned it; float, shape (n, C), in the
            order of the samples and of the classes of ``confusion``. With several annotators, the
            probabilities by the votes and the models together. None for a regression.
    """

    table: pd.DataFrame
    count: Count
    confusion: pd.DataFrame | None
    history: pd.DataFrame
    model: Any
    pacer: Pacer
    reliability: Reliability | None = None
    every_class: bool = False
    votes: Agreement | None = None
    probabilities: Floats | None = None

    @property
    def numeric(self) -> bool:
        """Whether the labels are numbers: the audit was of a regression."""
        return self.confusion is None

    @property
    def suspects(self) -> pd.DataFrame:
        """The rows of ``table`` whose label is more probably wrong than right.

        Of classes, only rows with a suggested label other than the given one, and none of a class
        that is withheld.
        """
        table = self._judged
        if self.numeric:
            return table[table["probability"] > SUSPECT]
        return table[(table["probability"] > SUSPECT) & (table["suggested"] != table["label"])]

    @property
    def _judged(self) -> pd.DataFrame:
        """The rows of ``table`` whose label may be called wrong."""
        if self.reliability is None or self.every_class:
            return self.table
        return self.table[~self.table["label"].isin(self.reliability.withheld)]

    @property
    def conclusion(self) -> list[str]:
        """What may be concluded about the labels: a headline without a full stop, and sentences."""
        n, k, what = len(self.table), len(self.suspects), "numbers" if self.numeric else "labels"
        known, every = self.reliability, self.every_class
        return conclusion(n, k, what, self.count, known, every_class=every)

    def doubtful(self, top: int | None = None) -> pd.DataFrame:
        """Return the suspects, then the rows that are only doubtful, most suspicious first.

        A row is doubtful if it is no suspect, and of classes only if another label is suggested.
        More labels may be wrong than there are suspects; these rows are where to look for them.

        Args:
            top: The largest number of rows; a small one cuts the suspects short. Rows of withheld
                classes are then among the doubtful ones. None: as many rows as the upper end of
                ``count``, but at least all suspects.

        Returns:
            Rows of ``table`` with one more column: ``suspect``, whether the row is a suspect.

        Raises:
            ValueError: For ``top`` below 1.
            TypeError: For ``top`` that is no int.
        """
        if top is not None:
            require_positive_int("top", top, "Audit.doubtful")
        judged = self._judged if top is None else self.table
        table = judged.assign(suspect=judged.index.isin(self.suspects.index))
        listed = table["suspect"] | table["probability"].notna()
        if not self.numeric:
            listed &= table["suggested"] != table["label"]
        n = max(len(self.suspects), math.ceil(self.count.high)) if top is None else top
        return table[listed].sort_values("suspect", ascending=False, kind="stable").head(n)

    def _repr_html_(self) -> str:
        """Return the result for a notebook: what can be concluded, and the first suspects."""
        title, *told = self.conclusion
        shown = self.suspects.head(MOST_SHOWN)
        rows = [
            (place, row.label, row.suggested, f"{row.probability:.1%}")
            for place, row in zip(shown.index, shown.itertuples(index=False), strict=True)
        ]
        table = html_table(("index", "label", "suggested", "label wrong"), rows) if rows else ""
        said = "".join(f"<p>{html(line)}</p>" for line in told)
        more = f"<p>{len(self.suspects) - len(rows):,} more suspects.</p>"
        rest = more if len(self.suspects) > len(rows) else ""
        return f"<div><p><b>{html(title)}.</b></p>{said}{table}{rest}</div>"

    def __repr__(self) -> str:
        """Say what can be concluded about the labels, and which classes are confused."""
        suspects, k = self.suspects, len(self.suspects)
        title, *text = self.conclusion
        lines = [f"{title}.", *text]
        if self.numeric:
            return "\n".join(lines)
        kinds = suspects.groupby(["label", "suggested"], observed=True).size().reset_index(name="n")
        for kind in kinds.sort_values("n", ascending=False).head(MOST_KINDS).to_dict("records"):
            k -= kind["n"]
            given, meant = (visible(" ".join(str(kind[x]).split())) for x in ("label", "suggested"))
            lines.append(f"  {kind['n']:,} labelled {given} {are(kind['n'])} probably {meant}")
        return "\n".join([*lines, f"  {k:,} more of other kinds"] if k else lines)


def result(model: Any, pacer: Pacer, labels: Tensor, names: Iterable[Any]) -> Audit:
    """Return the result of a training on classes.

    Args:
        model: The trained model.
        pacer: The pacer of its training.
        labels: Classes, int64, shape (n,).
        names: The user's names of the C classes, in the order of their numbers.
    """
    judgement, classes = Judge().judge(pacer), pd.Index(list(names))
    suggested = judgement.suggested.numpy()
    table = pd.DataFrame(
        {
            "label": classes.take(labels.numpy()),
            "probability": judgement.probability.numpy(),
            "suggested": classes.take(np.maximum(suggested, 0)),
            "confidence": judgement.confidence.numpy(),
            "loss": pacer.ledger.suspicion.cpu().numpy(),
        }
    ).rename_axis("index")
    mistaken = confusion(judgement.probability, labels, judgement.suggested, len(classes))
    dynamics = pacer.ledger.dynamics
    return Audit(
        table.sort_values("loss", ascending=False, kind="stable"),
        judgement.count,
        pd.DataFrame(mistaken.numpy(), index=classes, columns=classes),
        pacer.history.to_frame(),
        in_eval_mode(model),
        pacer,
        probabilities=None if dynamics is None else dynamics.probability.cpu().double().numpy(),
    )


def in_eval_mode(model: Any) -> Any:
    """Return the model; a torch module is set to eval mode."""
    return model.eval() if isinstance(model, nn.Module) else model


def result_held_out(
    committee: Committee, labels: Tensor, names: Iterable[Any], model: Any
) -> Audit:
    """Return the result of trainings in which no label was judged by a model that learned it.

    Args:
        committee: The trainings, to their end.
        labels: Classes, int64, shape (n,).
        names: The user's names of the C classes, in the order of their numbers.
        model: The trained model.
    """
    classes = pd.Index(list(names))
    p = committee.probabilities[:, : len(classes)]
    p = np.clip(p / np.clip(p.sum(1, keepdims=True), LEAST, None), LEAST, None).astype(np.float64)
    judged = committee.judged
    p[~judged] = np.nan
    found = judge_held_out(torch.from_numpy(p), labels)
    own, chance = p[np.arange(len(labels)), labels.numpy()], found.probability.numpy()
    table = pd.DataFrame(
        {
            "label": classes.take(labels.numpy()),
            "probability": chance,
            "suggested": classes.take(np.where(judged, found.suggested.numpy(), labels)),
            "confidence": found.confidence.numpy(),
            "loss": -np.log(own),
        }
    ).rename_axis("index")
    mistaken = confusion(found.probability, labels, found.suggested, len(classes))
    pacer = committee.parts[-1].pacer
    return Audit(
        table.iloc[np.lexsort((own, ~(chance > SUSPECT)))],
        found.count,
        pd.DataFrame(mistaken.numpy(), index=classes, columns=classes),
        pacer.history.to_frame(),
        in_eval_mode(model),
        pacer,
        Reliability.of(found.learned, classes, committee.shares or {}),
        probabilities=p,
    )


def with_votes(found: Audit, votes: pd.DataFrame, p: Floats | None) -> Audit:
    """Return a result that judges labels by the votes of several annotators, too.

    Args:
        found: The result for their consensus by the votes alone.
        votes: The labels, shape (n, A); NaN for none.
        p: Held-out probabilities, shape (n, classes); None without.
    """
    known = pd.Index([] if found.confusion is None else found.confusion.index)
    classes = all_classes(votes, known)
    codes, table = codes_of(votes, classes), found.table.sort_index()
    if p is not None:  # models do not know classes that are no consensus of votes
        p = np.pad(p, ((0, 0), (0, len(classes) - len(known))))
    both = consensus(codes, None if p is None else torch.from_numpy(p), len(classes))
    right, given = both.probability.double().numpy(), classes.get_indexer(pd.Index(table["label"]))
    places = np.arange(len(table))
    own, others = right[places, given], right.copy()
    others[places, given] = -1
    wrong = torch.from_numpy(1 - own)
    table = table.assign(
        probability=1 - own,
        suggested=classes.take(others.argmax(1)),
        confidence=others.max(1),
        loss=-np.log(np.clip(own, LEAST, None)),
    )
    n = (codes >= 0).sum(1)
    agreed = ((codes == both.label[:, None]) & (codes >= 0)).sum(1)
    told = {
        "consensus": classes.take(both.label.numpy()),
        "probability": right.max(1),
        "votes": n.numpy(),
        "agreement": (agreed / n).numpy(),
    }
    of_each = {"labels": (codes >= 0).sum(0), "quality": both.quality, "agreement": both.agreement}
    columns = {name: column.numpy() for name, column in of_each.items()}
    annotators = pd.DataFrame(columns, votes.columns)
    suggested = torch.from_numpy(others.argmax(1))
    mistaken = confusion(wrong, torch.from_numpy(given), suggested, len(classes))
    return replace(
        found,
        table=table.iloc[np.lexsort((own, own >= SUSPECT))],
        count=Count.of(wrong),
        confusion=pd.DataFrame(mistaken.numpy(), index=classes, columns=classes),
        votes=Agreement(pd.DataFrame(told), annotators.sort_values("quality", kind="stable")),
        probabilities=right,
    )
