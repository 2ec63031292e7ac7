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


@dataclass(frozen=True, eq=False, repr=False)
class Audit:
    """The result of an audit.

    Args:
        table: A row per sample, most suspicious first; its index is the sample's position. Columns:
            ``label``, ``probability`` that it is wrong, ``suggested`` label, ``confidence`` (the
            probability of that label), ``loss`` (a mean of the visits, in nats; higher is more
            suspect: ``Ledger.suspicion``).
        count: How many labels are wrong, by the model's contradictions where it is sure, with the
            range of what can be told; see ``selfpaced.suspects.judge``.
        confusion: Expected number of wrong labels by the class that was meant (rows) and the label
            given (columns), of the samples where another class is suggested; None for a
            regression, whose labels are numbers.
        history: A row per epoch: ``Pacer.history``.
        model: The trained model, in eval mode.
        pacer: Its memory.
    """

    table: pd.DataFrame
    count: Count
    confusion: pd.DataFrame | None
    history: pd.DataFrame
    model: nn.Module
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
        lines = [
            f"{len(suspects):,} of {n:,} {what} are probably wrong ({len(suspects) / n:.1%}).",
            f"All in all about {found.estimate:,.0f} are wrong ({found.low:,.0f} to "
            f"{found.high:,.0f}).",
        ]
        if self.numeric:
            return "\n".join(lines)
        kinds = suspects.groupby(["label", "suggested"], observed=True).size().reset_index(name="n")
        for kind in kinds.sort_values("n", ascending=False).head(SHOWN).to_dict("records"):
            lines.append(
                f"  {kind['n']:,} labelled {kind['label']} are probably {kind['suggested']}"
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
