"""What an audit found: a table of samples, numbers, and the run behind them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor, nn

from selfpaced.pacer import Pacer
from selfpaced.suspects import Count, confusion, judge

SHOWN = 5  # kinds of mistakes that the summary names


@dataclass(frozen=True)
class Audit:
    """The result of an audit.

    Args:
        table: A row per sample, most suspicious first; its index is the sample's position. Columns:
            ``label``, ``probability`` that it is wrong, ``suggested`` label, ``confidence`` (the
            probability of that label), ``loss`` (mean since the third visit, in nats; higher is
            more suspect).
        count: Estimated number of wrong labels, with an interval of 95 %.
        confusion: Expected number of samples by the class that was meant (rows) and the label
            given (columns); wrong ones only.
        history: A row per epoch: ``Pacer.history``.
        model: The trained model, in eval mode.
        pacer: Its memory.
    """

    table: pd.DataFrame
    count: Count
    confusion: pd.DataFrame
    history: pd.DataFrame
    model: nn.Module
    pacer: Pacer

    @property
    def suspects(self) -> pd.DataFrame:
        """The samples whose label is more probably wrong than right, most suspicious first."""
        return self.table[self.table["probability"] > 0.5]

    def __str__(self) -> str:
        """Say how many labels are wrong and of which kind."""
        n, found = len(self.table), self.count
        lines = [
            f"{found.estimate:,.0f} of {n:,} labels are probably wrong "
            f"({found.estimate / n:.1%}; between {found.low:,.0f} and {found.high:,.0f})."
        ]
        counts = self.confusion.to_numpy()
        for cell in np.argsort(-counts, axis=None)[:SHOWN]:
            meant, given = np.unravel_index(cell, counts.shape)
            if counts[meant, given] >= 1:
                lines.append(
                    f"  about {counts[meant, given]:,.0f} are labelled "
                    f"{self.confusion.columns[given]} and are probably "
                    f"{self.confusion.index[meant]}"
                )
        return "\n".join(lines)


def result(model: nn.Module, pacer: Pacer, labels: Tensor, names: Iterable[Any]) -> Audit:
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
        model.eval(),
        pacer,
    )
