"""The alternating search: fit what is easy, judge all rows, decide anew what is easy."""

from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from selfpaced._pacer.pacer import Pacer
from selfpaced.chain import Floats
from selfpaced.sklearn._rows import Places, Rows, learn, learn_and_judge

Part = tuple[Places, Places]  # the rows that a model learns from, and those that it judges


class Search:
    """A search in progress.

    Args:
        rows: What is fitted.
        pacer: Weighs the rows by their losses.
        template: The estimator, cloned for each fit.
        folds: Rows to learn from and rows to judge, model by model; None for one model that does
            both with all rows.
        warm: Whether a fit goes on from the last one.
        n_jobs: How many folds are fitted at once.
    """

    def __init__(
        self,
        rows: Rows,
        pacer: Pacer,
        template: Any,
        folds: list[Part] | None,
        *,
        warm: bool,
        n_jobs: int | None,
    ) -> None:
        """Begin with all rows."""
        self.rows, self.pacer, self.template = rows, pacer, template
        self.warm, self.n_jobs = warm, n_jobs
        self.everyone = np.arange(len(rows.y))
        self.alone = folds is None
        self.parts = [(self.everyone, self.everyone)] if folds is None else folds
        self.models = [clone(template) for _ in self.parts]
        self.weight, self.loss = np.ones(len(rows.y)), np.full(len(rows.y), np.nan)
        self.fitted: Floats | None = None  # the weights that the models learned from

    def round(self) -> None:
        """Fit and judge, where that would tell anything new, and grow by one step."""
        if self.warm or not self._has_fitted(self.weight):
            self._fit_and_judge()
        seen = np.flatnonzero((self.rows.counts > 0) & ~np.isnan(self.loss))
        self.pacer.observe(torch.from_numpy(self.loss[seen]), torch.from_numpy(seen))
        self.pacer.step()
        self.weight = self.pacer.weight.double().numpy().copy()

    def end(self) -> Any:
        """Return an estimator fitted to all that is easy now."""
        if self.alone and not self.warm and self._has_fitted(self.weight):
            return self.models[0]
        model = self.models[0] if self.alone and self.warm else clone(self.template)
        kept, arguments = self.rows.kept(self.everyone, self.weight, self.loss)
        return learn(model, self.rows.X, self.rows.y, kept, arguments)

    def _fit_and_judge(self) -> None:
        X, y, classes = self.rows.X, self.rows.y, self.rows.classes
        models = self.models if self.warm else [clone(self.template) for _ in self.parts]
        tasks = [
            (model, X, y, *self.rows.kept(learned, self.weight, self.loss), judged, classes)
            for model, (learned, judged) in zip(models, self.parts, strict=True)
        ]
        if self.alone:  # nothing to share out, wherever joblib would send it
            done = [learn_and_judge(*tasks[0])]
        else:
            done = Parallel(self.n_jobs)(delayed(learn_and_judge)(*task) for task in tasks)
        self.models = [model for model, _ in done]
        for (_, judged), (_, loss) in zip(self.parts, done, strict=True):
            self.loss[judged] = loss
        self.fitted = self.weight

    def _has_fitted(self, weight: Floats) -> bool:
        return self.fitted is not None and np.array_equal(self.fitted, weight)
