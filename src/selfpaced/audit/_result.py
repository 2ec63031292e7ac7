"""What an audit found: a table of samples, numbers, and the run behind them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced.audit._numbers import Floats, probability_wrong
from selfpaced.audit._reading.words import are
from selfpaced.suspects import Count, confusion, count, judge

SHOWN = 5  # kinds of mistakes that the summary names


@dataclass(frozen=True, eq=False, repr=False)
class Audit:
    """The result of an audit.

    Args:
        table: A row per sample, most suspicious first; its index is the sample's position. Columns:
            ``label``, ``probability`` that it is wrong, ``suggested`` label, ``confidence`` (the
            probability of that label; none for a regression), ``loss`` (a mean of the visits, in
            nats or as the squared error of training; higher is more suspect:
            ``Ledger.suspicion``).
        count: How many labels are wrong, by the model's contradictions where it is sure, with the
            range of what can be told; see ``selfpaced.suspects.judge``.
        confusion: Expected number of wrong labels by the class that was meant (rows) and the label
            given (columns), of the samples where another class is suggested; None for a
            regression, whose labels are numbers.
        history: A row per epoch: ``Pacer.history``.
        model: The trained model: a torch module in eval mode, or an estimator of scikit-learn.
        pacer: Its memory.
    """

    table: pd.DataFrame
    count: Count
    confusion: pd.DataFrame | None
    history: pd.DataFrame
    model: Any
    pacer: Pacer

    @property
    def numeric(self) -> bool:
        """Whether the labels are numbers: the audit was of a regression."""
        return self.confusion is None

    @property
    def suspects(self) -> pd.DataFrame:
        """The samples more probably wrong than right; of classes, with another one to suggest."""
        table = self.table
        if self.numeric:
            return table[table["probability"] > 0.5]
        return table[(table["probability"] > 0.5) & (table["suggested"] != table["label"])]

    def __repr__(self) -> str:
        """Say how many labels are wrong and of which kind."""
        n, suspects, found = len(self.table), self.suspects, self.count
        what = "numbers" if self.numeric else "labels"
        k, about = len(suspects), round(found.estimate)
        lines = [
            f"{k:,} of {n:,} {what} {are(k)} probably wrong ({k / n:.1%}).",
            f"All in all about {about:,} {are(about)} wrong ({found.low:,.0f} to "
            f"{found.high:,.0f}).",
        ]
        if self.numeric:
            return "\n".join(lines)
        kinds = suspects.groupby(["label", "suggested"], observed=True).size().reset_index(name="n")
        for kind in kinds.sort_values("n", ascending=False).head(SHOWN).to_dict("records"):
            k -= kind["n"]
            probably = f"{are(kind['n'])} probably {kind['suggested']}"
            lines.append(f"  {kind['n']:,} labelled {kind['label']} {probably}")
        return "\n".join([*lines, f"  {k:,} more of other kinds"] if k else lines)


def result(model: Any, pacer: Pacer, labels: Tensor, names: Iterable[Any]) -> Audit:
    """Put together what a run found.

    Args:
        model: The trained model.
        pacer: The pacer of its training.
        labels: Classes, int64, shape (n,).
        names: What the user calls them, C of them.
    """
    judgement, classes = judge(pacer), pd.Index(list(names))
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
    return Audit(
        table.sort_values("loss", ascending=False, kind="stable"),
        judgement.count,
        pd.DataFrame(mistaken.numpy(), index=classes, columns=classes),
        pacer.history.to_frame(),
        _at_rest(model),
        pacer,
    )


def result_of_numbers(model: Any, pacer: Pacer, given: Floats, predicted: Floats) -> Audit:
    """Put together what a run on numbers found.

    The probability of a mistake ranks them, not the loss: it knows how usual such a number is, and
    what the model says at the end, when it has left the wrong ones out. Equal probabilities go by
    how far number and prediction are apart.

    Args:
        model: The trained model.
        pacer: The pacer of its training.
        given: The numbers, in the user's unit, shape (n,).
        predicted: What the model says of the same samples, in the same unit, shape (n,). All of
            them are judged, also one that the training never visited.

    Raises:
        ValueError: For another number of predictions, and for ones that are NaN or infinite.
    """
    error = _errors(given, predicted, len(pacer.weight))
    probability = probability_wrong(given, predicted).astype(np.float32)
    table = pd.DataFrame(
        {
            "label": given,
            "probability": probability,
            "suggested": predicted,
            "loss": pacer.ledger.suspicion.cpu().numpy(),
        }
    ).rename_axis("index")
    return Audit(
        table.iloc[np.lexsort((-error, -probability))],
        count(torch.from_numpy(probability)),
        None,
        pacer.history.to_frame(),
        _at_rest(model),
        pacer,
    )


def _at_rest(model: Any) -> Any:
    """Return the model, a torch module in eval mode."""
    return model.eval() if isinstance(model, nn.Module) else model


def _errors(given: Floats, predicted: Floats, n: int) -> Floats:
    """Return how far each number and its prediction are apart, or raise."""
    require(
        given.shape == predicted.shape == (n,),
        f"result_of_numbers needs a number and a prediction for each sample, shape ({n},); got "
        f"{given.shape} and {predicted.shape}.",
    )
    error = np.asarray(np.abs(given - predicted))
    lost = np.flatnonzero(~np.isfinite(error))
    require(
        len(lost) == 0,
        f"The model predicts NaN or infinity for {len(lost)} of {n} samples, at "
        f"{lost[:SHOWN].tolist()}. Lower the learning rate.",
    )
    return error
