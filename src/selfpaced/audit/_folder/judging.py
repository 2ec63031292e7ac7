"""Labels of new samples, judged by a trained model, which did not learn them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from selfpaced._errors import require
from selfpaced.audit._fixing.spelling import key
from selfpaced.audit._learning.trained import Trained
from selfpaced.audit._reading.source import Source
from selfpaced.audit._reading.words import are, count
from selfpaced.audit._reliability import Reliability, conclusion
from selfpaced.audit._result import SUSPECT
from selfpaced.suspects import Count, judge_held_out


@dataclass(frozen=True, eq=False)
class Judged:
    """The labels of new samples, judged.

    Args:
        table: The table of ``Trained.predict`` with two more columns: ``given``, the label, and
            ``probability``, that it is wrong. Both are missing for a sample without a label, or
            with one that the model does not know.
        count: How many labels are wrong, with a range.
        reliability: How well the model predicts the labels.
        unknown: The number of labels that are no class of the model.
    """

    table: pd.DataFrame
    count: Count
    reliability: Reliability
    unknown: int = 0

    @property
    def suspects(self) -> pd.DataFrame:
        """The rows whose label is more probably wrong than right, of classes not withheld."""
        withheld = self.table["given"].isin(self.reliability.withheld)
        wrong = self.table["probability"] > SUSPECT
        return self.table[wrong & ~withheld & (self.table["given"] != self.table["predicted"])]

    @property
    def conclusion(self) -> list[str]:
        """What may be concluded about the labels: a headline without a full stop, and sentences."""
        n = int(self.table["probability"].notna().sum())
        said = conclusion(n, len(self.suspects), "labels", self.count, self.reliability)
        if not self.unknown:
            return said
        which = f"{count(self.unknown, 'label')} {are(self.unknown)} no class of the run"
        return [*said, f"{which}, and {are(self.unknown)} not judged."]


def given_labels(source: Source, label: str | None) -> pd.Series | None:
    """Return the labels of samples that were read without them; None if there are none.

    Args:
        source: The samples: a table may have the column of labels, and files may lie in folders of
            classes.
        label: The column of labels.
    """
    if label is not None and label in source.own.columns:
        return source.own[label]
    if source.where.name != "file":
        return None
    inside = source.where.str.contains("/", regex=False)
    return source.where.str.split("/").str[0].where(inside) if inside.any() else None


def judge(trained: Trained, source: Source, given: pd.Series) -> Judged | None:
    """Predict the label of each sample, and judge the labels that they have.

    Args:
        trained: A model of classes that did not learn these samples.
        source: The samples.
        given: Their labels, shape (n,).

    Returns:
        The judgement; None if no label is a class of the model.

    Raises:
        ValueError: For a model of numbers, and as ``Trained.predict`` does.
    """
    names = trained.names
    require(names is not None, "judge needs a model of classes; this one predicts numbers.")
    classes = pd.Index(list(names or ()))
    codes = _codes(given, classes)
    if (codes < 0).all():
        return None
    p = trained.outputs(trained.inputs(source))
    table = trained.table(source, p)
    p[codes < 0] = np.nan
    known = np.maximum(codes, 0)
    found = judge_held_out(torch.from_numpy(p), torch.from_numpy(known))
    own = pd.Series(classes.take(known).astype(object)).where(codes >= 0)
    table = table.assign(given=own, probability=found.probability.numpy())
    unknown = int((codes < 0).sum() - given.isna().sum())
    return Judged(table, found.count, Reliability.of(found.learned, classes, {}), unknown)


def _codes(given: pd.Series, classes: pd.Index) -> NDArray[np.int64]:
    """Return the number of the class of each label; -1 for another label."""
    exact = {str(name): place for place, name in enumerate(classes)}
    alike: dict[Any, int] = {}
    for place, name in enumerate(classes):
        alike.setdefault(key(name), place)

    def code(label: Any) -> int:
        """Return the number of a class, -1 for none."""
        return exact.get(str(label), alike.get(key(label), -1))

    each = zip(given, given.isna(), strict=True)
    return np.array([-1 if missing else code(label) for label, missing in each], np.int64)
