"""The nets: skorch's, with a pacer between the criterion and the optimizer."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from skorch import NeuralNet, NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import PrintLog
from skorch.utils import is_dataset
from torch import Tensor, nn
from torch.utils.data import DataLoader

from selfpaced._errors import require, require_keys
from selfpaced._pacer.pacer import Pacer
from selfpaced.age import Deviations
from selfpaced.skorch._rows import (
    Apart,
    Numbered,
    Placed,
    Places,
    codes,
    mark_of,
    rows_of,
    taken,
    targets_of,
)
from selfpaced.tracking import scalars


@contextmanager
def unreduced(criterion: Any) -> Iterator[None]:
    """Have the criterion give one loss per sample within the block.

    >>> criterion = torch.nn.L1Loss()
    >>> with unreduced(criterion):
    ...     criterion(torch.tensor([1.0, 3.0]), torch.zeros(2))
    tensor([1., 3.])
    >>> criterion.reduction
    'mean'
    """
    before = getattr(criterion, "reduction", None)
    if before is None:  # one of the user's, that may give a loss per sample anyway
        yield
        return
    criterion.reduction = "none"
    try:
        yield
    finally:
        criterion.reduction = before


def judged_by(criterion: Any, loss: Tensor, y_true: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return what samples are judged by, and what the criterion divides their sum by.

    For cross-entropies -ln p, without class weights and never below 0 (skorch adds an epsilon to
    p), and the sum of the weights, of labels that are not ignored. None for the loss itself, and
    for the batch size.

    >>> criterion = torch.nn.CrossEntropyLoss(torch.tensor([1.0, 4.0]))
    >>> judged_by(criterion, torch.tensor([0.5, 2.0]), torch.tensor([0, 1]))
    (tensor([0.5000, 0.5000]), tensor(5.))
    """
    if not hasattr(criterion, "ignore_index"):  # as CrossEntropyLoss and NLLLoss have
        return None, None
    judged, weight = loss.detach().clamp(min=0), criterion.weight
    if y_true.ndim != 1 or y_true.is_floating_point():
        return judged, None
    known = (y_true != criterion.ignore_index).to(loss.device)
    scale = known.to(loss.dtype)
    if weight is not None:
        scale = scale * weight[y_true.to(loss.device).where(known, 0)]
    return torch.where(scale > 0, judged / scale, judged), scale.sum()


class Waiting(nn.Module):
    """Keeps a state that is loaded before the data, and with it the pacer's size, is known."""

    state: Any = None

    def get_extra_state(self) -> Any:
        """Return what was loaded; None for nothing."""
        return self.state

    def set_extra_state(self, state: Any) -> None:
        """Keep it for the pacer to come."""
        self.state = state


class RowPacer(Pacer):
    """A pacer whose state says which rows of X it is of, and which targets they have."""

    def __init__(self, rows: Places, n_rows: int, mark: int, settings: dict[str, Any]) -> None:
        """Make it of some of n_rows rows, whose targets have the mark."""
        super().__init__(len(rows), **settings)
        self.rows, self.n_rows, self.mark = torch.from_numpy(rows), n_rows, mark

    def get_extra_state(self) -> dict[str, Any]:
        """Return the pacer's state with its rows and the mark of their targets."""
        return {**super().get_extra_state(), "rows": self.rows, "mark": self.mark}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take up a state of the same rows."""
        require_keys(state, {"rows", "mark"}, "SelfPacedMixin")
        require(
            torch.equal(self.rows, state["rows"].cpu()) and self.mark == state["mark"],
            "SelfPacedMixin: the pacer remembers other samples. partial_fit, warm_start and "
            "checkpoints go on with the same rows, targets and train_split (one with a "
            "random_state). For other data call initialize(), or fit without warm_start.",
        )
        super().set_extra_state(state)

    def spread(self, places: Tensor, values: Tensor, rest: float) -> NDArray[np.float64]:
        """Return values at some places as values of all rows of X, float64."""
        whole = np.full(self.n_rows, rest)
        whole[self.rows[places.cpu()].numpy()] = values.double().cpu().numpy()
        return whole


class KeptShareLog(PrintLog):  # type: ignore[misc]  # skorch has no types
    """The table of skorch with one of our columns; the history has them all."""

    def table(self, row: dict[str, Any]) -> str:
        """Format a row without the other columns."""
        shown = {k: v for k, v in row.items() if k[:4] != "spl/" or k == "spl/frac_selected"}
        return str(super().table(shown))


class SelfPacedMixin(NeuralNet):  # type: ignore[misc]  # skorch has no types
    """Makes a net of skorch self-paced: put it before the net's class.

    ``class Net(SelfPacedMixin, NeuralNetBinaryClassifier): ...`` is all; for the usual two there
    are ``SelfPacedNetClassifier`` and ``SelfPacedNetRegressor``. The module, the criterion, the
    data and the callbacks stay as they are. The criterion must know ``reduction="none"``, as
    PyTorch's do; it is asked for one loss per sample in training steps only, so validation losses
    and scores are skorch's own. A loss of several numbers per sample counts as their mean. Class
    weights of cross-entropies weigh, and are left out where a sample is judged; ``pos_weight`` is
    not. A label that the criterion ignores trains nothing, and counts as the easiest.

    Settings of the pacer are parameters of the net: ``pacer__age``, ``pacer__weighting``, ... as
    ``Pacer`` has them. ``pacer__columns`` are of the rows given to ``fit``. Classifiers
    protect each class (``columns={"group": y}``); regressors have ``Deviations()``.
    ``iterator_train__sampler=PacedSampler``, the class or a ``functools.partial`` of it, visits
    what is kept.

    ``history`` has ``selfpaced.tracking.scalars`` of each epoch. Its ``train_loss`` is what is
    minimised: the weighted loss, smaller the more is left out; ``valid_loss`` is the plain mean.

    ``fit`` starts anew; ``partial_fit`` and ``warm_start`` go on, with the same rows.
    ``save_params(f_pacer=...)``, ``load_params``, and ``Checkpoint(f_pacer=...)`` keep the pacer.

    Attributes:
        pacer_: The pacer, once there was data; its indices are places in the training data that
            ``train_split`` left.
        weights_: v, from 0, left out, to 1, float64, shape (n,), of the n rows of X; 1 for rows
            never trained on, such as those of the validation.
        difficulty_: Higher is harder, float64, shape (n,); NaN for rows never trained on.
        suspects_: Rows of X that were trained on, int64, most suspicious first.

    Raises:
        TypeError: From ``fit``, for data without a length, and for an ``iterator_train`` that is
            no ``DataLoader`` or makes no batches.
        ValueError: From ``fit``, for losses that are not per sample, settings that do not fit, and
            for going on with other rows.
    """

    prefixes_: ClassVar[list[str]] = [*NeuralNet.prefixes_, "pacer"]
    cuda_dependent_attributes_: ClassVar[list[str]] = ["pacer_"]

    @property
    def weights_(self) -> NDArray[np.float64]:
        """The weights of all rows of X."""
        pacer = self._begun()
        return pacer.spread(torch.arange(len(pacer.rows)), pacer.weight, 1.0)

    @property
    def difficulty_(self) -> NDArray[np.float64]:
        """The difficulties of all rows of X."""
        pacer = self._begun()
        seen, population = pacer.ledger.population(pacer.difficulty)
        return pacer.spread(seen, population.difficulty, np.nan)

    @property
    def suspects_(self) -> Places:
        """The rows of X that were trained on, most suspicious first."""
        pacer = self._begun()
        return np.asarray(pacer.rows[pacer.suspects(len(pacer.rows)).cpu()].numpy())

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        """The callbacks of skorch, with a table that stays readable."""
        callbacks = super()._default_callbacks
        return [(name, KeptShareLog() if name == "print_log" else c) for name, c in callbacks]

    def initialize(self) -> Self:
        """Initialize the net; the pacer begins anew with the data."""
        self.pacer_: RowPacer | Waiting = Waiting()
        super().initialize()
        return self

    def initialize_virtual_params(self) -> None:
        """Let the pacer's settings change without initializing anything."""
        super().initialize_virtual_params()
        self._register_virtual_param("pacer__*")

    def get_split_datasets(self, X: Any, y: Any = None, **fit_params: Any) -> tuple[Any, Any]:
        """Split the data, and make the pacer of what is trained on."""
        train, valid = super().get_split_datasets(X, y, **fit_params)
        rows, n_rows = rows_of(train, X if is_dataset(X) else self.dataset)
        targets = targets_of(train, y, rows)
        settings = self._settings(targets, rows, n_rows)
        pacer = RowPacer(rows, n_rows, mark_of(targets), settings)
        before = self.pacer_.get_extra_state()
        if before is not None:
            pacer.set_extra_state(before)
        self.pacer_ = pacer
        return train, valid

    def get_params_for(self, prefix: str) -> dict[str, Any]:
        """Return parameters; a sampler that is a class, or a partial of one, is made here."""
        params: dict[str, Any] = super().get_params_for(prefix)
        if prefix == "iterator_train" and callable(params.get("sampler")):
            params["sampler"] = params["sampler"](self.pacer_)
            params["sampler"].set_epoch(self.pacer_.steps)
        return params

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Return a loader; one to train on says where its samples are."""
        if not training:
            return super().get_iterator(dataset, training=False)
        loader = super().get_iterator(Numbered(dataset), training=True)
        if not isinstance(loader, DataLoader) or loader.batch_sampler is None:
            raise TypeError(
                f"SelfPacedMixin needs iterator_train to be a DataLoader of torch that makes "
                f"batches; got {type(loader).__name__} with batch_size="
                f"{getattr(loader, 'batch_size', None)}. Give it a batch_size."
            )
        loader.collate_fn = Apart(loader.collate_fn)
        return loader

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Run an epoch; in training, remember where each batch comes from."""
        batches = self._remembering(iterator) if training else iterator
        super().run_single_epoch(batches, training, prefix, step_fn, **fit_params)

    def evaluation_step(self, batch: Any, training: bool = False) -> Any:
        """Predict a batch, of whichever loader."""
        plain = batch.batch if isinstance(batch, Placed) else batch
        return super().evaluation_step(plain, training=training)

    def get_loss(self, y_pred: Any, y_true: Any, X: Any = None, training: bool = False) -> Tensor:
        """Return the criterion's loss; in training the weighted one."""
        if not training:
            loss: Tensor = super().get_loss(y_pred, y_true, X=X, training=False)
            return loss
        with unreduced(self.criterion_):
            loss = super().get_loss(y_pred, y_true, X=X, training=True)
        loss = loss.flatten(1).mean(1) if loss.ndim > 1 else loss
        pacer = self._begun()
        if pacer.weight.device != loss.device:
            pacer.to(loss.device)
        difficulty, total = judged_by(self.criterion_, loss, y_true)
        weighted: Tensor = pacer(
            loss,
            self.places_.to(loss.device),
            difficulty=difficulty,
            denominator=total if pacer.reduction == "mean" else None,
        )
        return weighted

    def validation_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Validate a batch; a loss per sample, where the user asks for it, becomes the mean."""
        step: dict[str, Any] = super().validation_step(batch, **fit_params)
        return {**step, "loss": step["loss"].mean()}

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Let the pacer grow, and record what a chart shows."""
        super().on_epoch_end(net, **kwargs)
        self._begun().step()
        for name, value in scalars(self._begun()).items():
            self.history.record(name, value)

    def _groups(self, targets: NDArray[Any] | None) -> dict[str, Tensor]:
        """Return the column of classes, where a net classifies one label per sample."""
        if targets is None and is_classifier(self):
            warnings.warn(
                f"{type(self).__name__}: the labels of the dataset are not known without loading "
                f"its items, so no class is protected. Give y to fit, or keep them in an "
                f"attribute targets of the dataset.",
                stacklevel=2,
            )
        if targets is None or targets.ndim != 1 or not is_classifier(self):
            return {}
        return {"group": codes(targets)}

    def _begun(self) -> RowPacer:
        """Return the pacer, or say that there is none yet."""
        pacer = getattr(self, "pacer_", None)
        if not isinstance(pacer, RowPacer) and getattr(pacer, "state", None) is not None:
            raise NotFittedError(
                f"{type(self).__name__} has loaded a pacer, which waits for its rows: call "
                f"partial_fit(X, y, epochs=0) with them; fit would start anew."
            )
        if not isinstance(pacer, RowPacer):
            raise NotFittedError(f"{type(self).__name__} has seen no data yet: call fit first.")
        return pacer

    def _remembering(self, loader: Iterable[Placed]) -> Iterator[Any]:
        """Yield plain batches; where the running one comes from is in ``places_``."""
        for self.places_, batch in loader:
            yield batch

    def _settings(self, targets: NDArray[Any] | None, rows: Places, n_rows: int) -> dict[str, Any]:
        """Return the pacer's arguments: what suits the net, and what the user says."""
        given, criterion = self.get_params_for("pacer"), self.criterion_
        settings: dict[str, Any] = {"reduction": "mean"}
        if getattr(criterion, "reduction", "mean") == "sum":
            settings["reduction"] = "sum"
        if is_regressor(self):
            settings["age"] = Deviations(power=1.0 if isinstance(criterion, nn.L1Loss) else 2.0)
        columns = self._groups(targets)
        for name, column in (given.pop("columns", None) or {}).items():
            columns[name] = taken(name, column, rows, n_rows)
        settings |= given
        require(
            settings["reduction"] != "none",
            'SelfPacedMixin: a net minimises one number; pacer__reduction="none" makes none. Use '
            '"mean", "kept" or "sum".',
        )
        return settings | {"columns": columns}


class SelfPacedNetClassifier(SelfPacedMixin, NeuralNetClassifier):  # type: ignore[misc]  # untyped
    """``NeuralNetClassifier`` of skorch, self-paced; see ``SelfPacedMixin``.

    >>> import numpy as np
    >>> from torch import nn
    >>> X = np.concatenate([np.arange(30.0), np.arange(30.0) + 100])[:, None].astype(np.float32)
    >>> y = np.repeat([0, 1], 30)
    >>> y[7] = 1
    >>> net = SelfPacedNetClassifier(
    ...     nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 2)),
    ...     criterion=nn.CrossEntropyLoss,
    ...     train_split=None,
    ...     lr=0.5,
    ...     verbose=0,
    ... )
    >>> net.fit(X, y).suspects_[:1]
    array([7])
    """


class SelfPacedNetRegressor(SelfPacedMixin, NeuralNetRegressor):  # type: ignore[misc]  # untyped
    """``NeuralNetRegressor`` of skorch, self-paced; see ``SelfPacedMixin``.

    ``Deviations()``, the default age, reads squared errors (``nn.MSELoss``) or, with
    ``nn.L1Loss``, absolute ones.
    """
