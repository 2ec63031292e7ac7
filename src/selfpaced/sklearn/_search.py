"""The alternating search: fit to the easy rows, judge all rows, decide again which are easy."""

from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from selfpaced._pacer.pacer import Pacer
from selfpaced.chain import Floats
from selfpaced.sklearn._rows import Places, Rows, learn, learn_and_judge

Part = tuple[Places, Places]  # the rows that a model is fitted to, and the rows that it judges


class Search:
    """A search in progress.

    Args:
        rows: The rows to fit to.
        pacer: Weighs the rows by their losses.
        template: The estimator, cloned for each fit.
        folds: For each model, the rows to fit it to and the rows that it judges; None for one model
            that is fitted to all rows and judges them all.
        warm: Whether a fit continues the previous one.
        n_jobs: How many folds are fitted at the same time.
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
        """Start with the weight 1 for every row."""
        self.rows, self.pacer, self.template = rows, pacer, template
        self.warm, self.n_jobs = warm, n_jobs
        self.all_rows = np.arange(len(rows.y))
        self.one_model = folds is None
        self.parts = [(self.all_rows, self.all_rows)] if folds is None else folds
        self.models = [clone(template) for _ in self.parts]
        self.weight, self.loss = np.ones(len(rows.y)), np.full(len(rows.y), np.nan)
        self.fitted: Floats | None = None  # the weights of the last fit

    def round(self) -> None:
        """Fit and judge, unless the weights are those of the last fit; then step the pacer."""
        if self.warm or not self._has_fitted(self.weight):
            self._fit_and_judge()
        seen = np.flatnonzero((self.rows.counts > 0) & ~np.isnan(self.loss))
        self.pacer.observe(torch.from_numpy(self.loss[seen]), torch.from_numpy(seen))
        self.pacer.step()
        self.weight = self.pacer.weight.double().numpy().copy()

    def end(self) -> Any:
        """Return an estimator that is fitted to all rows that are easy now."""
        if self.one_model and not self.warm and self._has_fitted(self.weight):
            return self.models[0]
        model = self.models[0] if self.one_model and self.warm else clone(self.template)
        kept, arguments = self.rows.kept(self.all_rows, self.weight, self.loss)
        return learn(model, self.rows.X, self.rows.y, kept, arguments)

    def _fit_and_judge(self) -> None:
        """Fit each model to its kept rows, and store the losses of the rows that it judges."""
        X, y, classes = self.rows.X, self.rows.y, self.rows.classes
        models = self.models if self.warm else [clone(self.template) for _ in self.parts]
        tasks = [
            (model, X, y, *self.rows.kept(learned, self.weight, self.loss), judged, classes)
            for model, (learned, judged) in zip(models, self.parts, strict=True)
        ]
        if self.one_model:  # one task: it runs here, whatever backend joblib has
            done = [learn_and_judge(*tasks[0])]
        else:
            done = Parallel(self.n_jobs)(delayed(learn_and_judge)(*task) for task in tasks)
        self.models = [model for model, _ in done]
        for (_, judged), (_, loss) in zip(self.parts, done, strict=True):
            self.loss[judged] = loss
        self.fitted = self.weight

    def _has_fitted(self, weight: Floats) -> bool:
        """Say whether the last fit had these weights."""
        return self.fitted is not None and np.array_equal(self.fitted, weight)
