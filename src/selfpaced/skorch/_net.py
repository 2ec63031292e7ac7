"""The nets of skorch with a pacer between the criterion and the optimizer."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
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

from selfpaced._errors import require
from selfpaced._pacer.pacer import Pacer
from selfpaced._pacer.state import KEYS, VERSION, Plain
from selfpaced._sampling.collated import InOrder
from selfpaced._saved import Assign, Saved
from selfpaced.age import Deviations
from selfpaced.skorch._losses import (
    difficulty_and_divisor,
    require_one_per_sample,
    require_seen,
    unreduced,
    warn_of_tags,
    weighed,
)
from selfpaced.skorch._rows import (
    Numbered,
    PlacedBatch,
    PlacedCollate,
    Places,
    codes,
    column_of_rows,
    mark_of,
    rows_of,
    targets_of,
)
from selfpaced.tracking import scalars

ROW_KEYS = {"rows", "mark"}  # the keys of a RowPacer's state, besides those of a Pacer's
LARGEST_MARK = 2**32 - 1  # of a checksum


class RowPacer(Pacer):
    """A pacer for some rows of X, whose state says which rows and with which targets.

    Args:
        rows: The rows of X that are trained on, int64, shape (n_samples,).
        n_rows: Number of rows of X.
        mark: Checksum of the targets of these rows.
        settings: Arguments of ``Pacer``.
    """

    def __init__(self, rows: Places, n_rows: int, mark: int, settings: dict[str, Any]) -> None:
        """Make a pacer with one sample per row that is trained on."""
        super().__init__(len(rows), **settings)
        self.rows, self.n_rows, self.mark = torch.from_numpy(rows), n_rows, mark

    def _own_state(self) -> dict[str, Any]:
        """Return the pacer's state, with the rows and the checksum of their targets."""
        return {**super()._own_state(), "rows": self.rows, "mark": self.mark}

    def _read_own_state(self, state: object) -> Assign:
        """Check the state of a pacer for the same rows and targets."""
        saved = Saved(state, "SelfPacedMixin", KEYS | ROW_KEYS, newest=VERSION, optional={"owners"})
        rows = saved.tensor("rows", torch.int64, (None,))
        require(
            torch.equal(self.rows, rows) and saved.count("mark", most=LARGEST_MARK) == self.mark,
            "SelfPacedMixin: the pacer remembers other samples. partial_fit, warm_start and "
            "checkpoints continue with the same rows, targets and train_split (give it a "
            "random_state). For other data call initialize(), or fit without warm_start.",
        )
        return super()._read_own_state(saved.without(ROW_KEYS))

    def weights(self, loss: Tensor, difficulty: Tensor | None, places: Tensor) -> Tensor:
        """Return the weights of a batch, float32, shape (B,), and remember its losses.

        Args:
            loss: One per sample, shape (B,).
            difficulty: Judges the samples in place of the loss, shape (B,).
            places: Indices of the samples, int64, shape (B,).
        """
        score = loss.detach().float() if difficulty is None else difficulty.float()
        weight: Tensor = self(torch.ones_like(score), places, difficulty=score)
        return weight

    def spread(self, places: Tensor, values: Tensor, rest: float) -> NDArray[np.float64]:
        """Return one value per row of X, float64, shape (n_rows,).

        Args:
            places: Indices of samples, shape (m,).
            values: Their values, shape (m,).
            rest: The value of all other rows of X.
        """
        whole = np.full(self.n_rows, rest)
        whole[self.rows[places.cpu()].numpy()] = values.double().cpu().numpy()
        return whole


class PendingState(Plain):
    """Holds a loaded state until the data is known, and with the data the size of the pacer."""

    state: Any = None

    def _own_state(self) -> Any:
        """Return the loaded state; None where none was loaded."""
        return self.state

    def _read_own_state(self, state: object) -> Assign:
        """Check the keys of a state, and keep it for the pacer that the data will make."""
        if state is not None:
            Saved(state, "SelfPacedMixin", KEYS | ROW_KEYS, newest=VERSION, optional={"owners"})
        return partial(setattr, self, "state", state)


class KeptShareLog(PrintLog):  # type: ignore[misc]  # skorch has no types
    """skorch's table with one column of ours, the kept share; the history has all of them."""

    def table(self, row: dict[str, Any]) -> str:
        """Format a row without our other columns."""
        shown = {k: v for k, v in row.items() if k[:4] != "spl/" or k == "spl/frac_selected"}
        return str(super().table(shown))


class SelfPacedMixin(NeuralNet):  # type: ignore[misc]  # skorch has no types
    """Makes a net of skorch self-paced: put it before the net's class.

    ``class Net(SelfPacedMixin, NeuralNetBinaryClassifier): ...`` needs no body;
    ``SelfPacedNetClassifier`` and ``SelfPacedNetRegressor`` are made in this way. The module, the
    criterion, the data and the callbacks stay as they are. The criterion must accept
    ``reduction="none"``, as PyTorch's do. Only training steps ask it for one loss per sample, so
    validation losses and scores are skorch's own. If a sample has several losses, their mean
    counts. Class weights of a cross-entropy multiply its loss but do not change the difficulty;
    ``pos_weight`` changes both. A label that the criterion ignores trains nothing, and counts as
    the easiest.

    A subclass may have its own ``get_loss``, and calls ``super().get_loss``: the result is the
    weighted loss. If the criterion does not reduce (``criterion__reduction="none"``, as in skorch's
    recipe for sample weights in X), it is the weighted loss of each sample, for the subclass to
    reduce. ``pacer__columns={"sample_weight": ...}`` multiplies the weights without a subclass.

    The arguments of ``Pacer`` are parameters of the net: ``pacer__age``, ``pacer__weighting``, ...
    ``pacer__columns`` has one value per row given to ``fit``. Classifiers protect each class by
    default (``columns={"group": y}``); the default age of regressors is ``Deviations()``. With
    ``iterator_train__sampler=PacedSampler``, the class or a ``functools.partial`` of it, an epoch
    visits the kept samples.

    ``history`` gets the numbers of ``selfpaced.tracking.scalars`` after each epoch. Its
    ``train_loss`` is the weighted loss that is minimised: it is the smaller, the more is left out.
    ``valid_loss`` is the plain mean.

    ``fit`` starts anew; ``partial_fit`` and ``warm_start`` continue, with the same rows.
    ``save_params(f_pacer=...)``, ``load_params`` and ``Checkpoint(f_pacer=...)`` keep the pacer.

    Attributes:
        pacer_: The pacer, once data was given. Its indices are places in the training part that
            ``train_split`` made.
        weights_: The weights v, from 0 (left out) to 1, float64, shape (n,), one per row of X; 1
            for rows that were never trained on, such as those of the validation part.
        difficulty_: Higher is harder, float64, shape (n,); NaN for rows never trained on.
        suspects_: Rows of X that were trained on, int64, most suspicious first.

    Raises:
        TypeError: From ``fit``, for data without a length, and for an ``iterator_train`` that is
            no ``DataLoader`` or makes no batches.
        ValueError: From ``fit``, for losses that are not per sample, for settings that do not fit
            together, and for continuing with other rows.
    """

    prefixes_: ClassVar[list[str]] = [*NeuralNet.prefixes_, "pacer"]
    cuda_dependent_attributes_: ClassVar[list[str]] = ["pacer_"]
    places_: Tensor  # the places of the current batch, in training
    weighs_ = False  # whether a training step is going on

    @property
    def weights_(self) -> NDArray[np.float64]:
        """The weights of all rows of X."""
        pacer = self._fitted_pacer()
        return pacer.spread(torch.arange(len(pacer.rows)), pacer.weight, 1.0)

    @property
    def difficulty_(self) -> NDArray[np.float64]:
        """The difficulties of all rows of X."""
        pacer = self._fitted_pacer()
        seen, population = pacer.ledger.population(pacer.difficulty)
        return pacer.spread(seen, population.difficulty, np.nan)

    @property
    def suspects_(self) -> Places:
        """The rows of X that were trained on, most suspicious first."""
        pacer = self._fitted_pacer()
        return np.asarray(pacer.rows[pacer.suspects(len(pacer.rows)).cpu()].numpy())

    def initialize(self) -> Self:
        """Initialize the net; the pacer is made when the data is given."""
        self.pacer_: RowPacer | PendingState = PendingState()
        super().initialize()
        return self

    def initialize_virtual_params(self) -> None:
        """Let the pacer's settings change without initializing anything."""
        super().initialize_virtual_params()
        self._register_virtual_param("pacer__*")

    def get_split_datasets(self, X: Any, y: Any = None, **fit_params: Any) -> tuple[Any, Any]:
        """Split the data, and make a pacer for the training part."""
        train, valid = super().get_split_datasets(X, y, **fit_params)
        rows, n_rows = rows_of(train, X if is_dataset(X) else self.dataset)
        targets = targets_of(train, y, rows)
        settings = self._settings(targets, rows, n_rows)
        pacer = RowPacer(rows, n_rows, mark_of(targets), settings)
        warn_of_tags(self.criterion_, targets, pacer)
        before = self.pacer_.get_extra_state()
        if before is not None:
            pacer.set_extra_state(before)
        self.pacer_ = pacer
        return train, valid

    def get_params_for(self, prefix: str) -> dict[str, Any]:
        """Return the parameters; a sampler given as a class or a partial is made here."""
        params: dict[str, Any] = super().get_params_for(prefix)
        if prefix == "iterator_train" and callable(params.get("sampler")):
            params["sampler"] = params["sampler"](self.pacer_)
            params["sampler"].set_epoch(self.pacer_.steps)
        return params

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Return a loader; the batches of a training loader come with the places of samples."""
        if not training:
            return super().get_iterator(dataset, training=False)
        loader = super().get_iterator(Numbered(dataset), training=True)
        if not isinstance(loader, DataLoader) or loader.batch_sampler is None:
            raise TypeError(
                f"SelfPacedMixin needs iterator_train to be a DataLoader of torch that makes "
                f"batches; got {type(loader).__name__} with batch_size="
                f"{getattr(loader, 'batch_size', None)}. Set a batch_size."
            )
        loader.collate_fn = PlacedCollate(InOrder(loader.collate_fn))
        return loader

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Run an epoch; in training, keep the places of the current batch in ``places_``."""
        batches = self._without_places(iterator) if training else iterator
        super().run_single_epoch(batches, training, prefix, step_fn, **fit_params)

    def evaluation_step(self, batch: Any, training: bool = False) -> Any:
        """Predict a batch, with or without places."""
        plain = batch.batch if isinstance(batch, PlacedBatch) else batch
        return super().evaluation_step(plain, training=training)

    def train_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Make an optimizer step, in which every loss is weighed."""
        with self._weighing():
            step: dict[str, Any] = super().train_step(batch, **fit_params)
        return step

    def train_step_single(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Compute gradients of the weighted loss, also for a ``train_step`` of a subclass."""
        with self._weighing():
            step: dict[str, Any] = super().train_step_single(batch, **fit_params)
        return step

    def get_loss(self, y_pred: Any, y_true: Any, X: Any = None, training: bool = False) -> Tensor:
        """Return the criterion's loss; in training the weighted loss, a number.

        In training a subclass that has its own ``get_loss``, and whose criterion does not reduce,
        gets the weighted losses in the shape of the criterion's losses.
        """
        if not (training or self.weighs_):
            loss: Tensor = super().get_loss(y_pred, y_true, X=X, training=False)
            return loss
        with unreduced(self.criterion_):
            losses = super().get_loss(y_pred, y_true, X=X, training=True)
        require_one_per_sample(losses, len(self.places_))
        loss = losses.flatten(1).mean(1) if losses.ndim > 1 else losses
        self.places_ = self.places_.to(loss.device)  # once for all calls of a closure
        pacer, places = self._fitted_pacer(), self.places_
        if pacer.weight.device != loss.device:
            pacer.to(loss.device)
        difficulty, divisor = difficulty_and_divisor(self.criterion_, loss, y_true)
        if pacer.reduction == "none":
            return weighed(losses, pacer.weights(loss, difficulty, places))
        divisor = divisor if pacer.reduction == "mean" else None
        weighted: Tensor = pacer(loss, places, difficulty=difficulty, denominator=divisor)
        return weighted

    def validation_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Validate a batch; if the user's criterion returns a loss per sample, take the mean."""
        step: dict[str, Any] = super().validation_step(batch, **fit_params)
        return {**step, "loss": step["loss"].mean()}

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Step the pacer, and record its numbers in the history."""
        super().on_epoch_end(net, **kwargs)
        pacer = self._fitted_pacer()
        require_seen(pacer.ledger, type(self).__name__)
        pacer.step()
        for name, value in scalars(pacer).items():
            self.history.record(name, value)

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        """The callbacks of skorch, with a shorter table."""
        callbacks = super()._default_callbacks
        return [(name, KeptShareLog() if name == "print_log" else c) for name, c in callbacks]

    def _settings(self, targets: NDArray[Any] | None, rows: Places, n_rows: int) -> dict[str, Any]:
        """Return the pacer's arguments: our defaults for this net, and what the user gave."""
        given, criterion = self.get_params_for("pacer"), self.criterion_
        settings: dict[str, Any] = {"reduction": "mean"}
        if getattr(criterion, "reduction", "mean") == "sum":
            settings["reduction"] = "sum"
        if is_regressor(self):
            settings["age"] = Deviations(power=1.0 if isinstance(criterion, nn.L1Loss) else 2.0)
        columns = self._groups(targets)
        for name, column in (given.pop("columns", None) or {}).items():
            columns[name] = column_of_rows(name, column, rows, n_rows)
        settings |= given
        require(
            settings["reduction"] != "none",
            'SelfPacedMixin: a net minimises one number, and pacer__reduction="none" returns one '
            'per sample. Use "mean", "kept" or "sum".',
        )
        if self._reduces():
            require(
                "reduction" not in given,
                f"SelfPacedMixin: pacer__reduction has no effect, because get_loss of "
                f"{type(self).__name__} reduces the losses itself. Leave it out.",
            )
            settings["reduction"] = "none"
        return settings | {"columns": columns}

    @contextmanager
    def _weighing(self) -> Iterator[None]:
        """Weigh every loss within the block, also if ``training`` was not passed on."""
        before, self.weighs_ = self.weighs_, True
        try:
            yield
        finally:
            self.weighs_ = before

    def _reduces(self) -> bool:
        """Return whether a subclass reduces losses that its criterion does not."""
        own = type(self).get_loss is not SelfPacedMixin.get_loss
        return own and getattr(self.criterion_, "reduction", "none") == "none"

    def _groups(self, targets: NDArray[Any] | None) -> dict[str, Tensor]:
        """Return the column of classes, if the net classifies and each sample has one label."""
        if targets is None and is_classifier(self):
            warnings.warn(
                f"{type(self).__name__}: the labels of the dataset are not known without loading "
                f"its items, so no class is protected. Give y to fit, or give the dataset an "
                f"attribute targets that holds them.",
                stacklevel=2,
            )
        if targets is None or targets.ndim != 1 or not is_classifier(self):
            return {}
        return {"group": codes(targets)}

    def _fitted_pacer(self) -> RowPacer:
        """Return the pacer, or raise where no data has made it yet."""
        pacer = getattr(self, "pacer_", None)
        if not isinstance(pacer, RowPacer) and getattr(pacer, "state", None) is not None:
            raise NotFittedError(
                f"{type(self).__name__} has loaded a pacer, which waits for its rows. Call "
                f"partial_fit(X, y, epochs=0) with these rows; fit would start anew."
            )
        if not isinstance(pacer, RowPacer):
            raise NotFittedError(f"{type(self).__name__} has seen no data yet: call fit first.")
        return pacer

    def _without_places(self, loader: Iterable[PlacedBatch]) -> Iterator[Any]:
        """Yield plain batches; ``places_`` holds the places of the current one."""
        for self.places_, batch in loader:
            yield batch


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

    The default age, ``Deviations()``, reads squared errors (``nn.MSELoss``) or, with
    ``nn.L1Loss``, absolute errors.
    """
