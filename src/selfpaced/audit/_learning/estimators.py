"""Self-paced training of scikit-learn estimators: each round fits them to the samples kept."""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits
from torch import Tensor

from selfpaced._errors import choose, require
from selfpaced._saved import Assign, Saved
from selfpaced.audit._learning.aims import Classes, Numbers, require_classes
from selfpaced.audit._learning.batches import spread
from selfpaced.audit._learning.ensembles import VIEWS, Ensemble, Kind, make, predictions
from selfpaced.audit._learning.inputs import Inputs
from selfpaced.audit._learning.machine import ONE_THREAD
from selfpaced.audit._learning.mixture import (
    LEAST_PROBABILITY,
    Blend,
    Share,
    mixed,
    shares_of,
)
from selfpaced.audit._learning.settings import FEWEST, Settings, require_same
from selfpaced.audit._learning.training import Watch
from selfpaced.audit._plain.pack import Packed, pack, unpack

__all__ = ["Kind", "Rounds"]


# The version and the keys of a saved state.
VERSION = 1
KEYS = {"kinds", "models", "pacer", "settings", "epoch", "held_out"}
# The weight of a row that is left out: with a weight of 0, scikit-learn would drop the row, and
# with the last row of a class the class.
LEFT_OUT_WEIGHT = 1e-6
# A probability may be above 1 by less than this.
ROUNDING = 1e-3
# What can be done about a state that does not fit.
ANEW = "Begin again with force=True."
# scikit-learn takes seeds below this number.
SEED_LIMIT = 2**32


class Rounds:
    """A self-paced training of scikit-learn estimators, round by round; see ``Training``.

    The rows are split into folds. For each kind there is an estimator per fold, which is fitted to
    the kept samples of the other folds: no label is judged by an estimator that was fitted to it. A
    round continues the training of all of them. The kinds are mixed with the weights that maximise
    the likelihood of the labels, and the loss of a sample is -ln of its probability in the mixture.

    "logistic" is logistic regression, and "kernel" the same on 300 features of a Gaussian kernel
    (Williams, Seeger, *Using the Nyström Method to Speed Up Kernel Machines*, NIPS 2000).
    "boosting" is gradient boosting, to which a round adds nine small trees, and "trees" are
    extremely randomised trees, 13 more in each round. Of texts, "words" and "letters" are
    logistic regressions on TF-IDF, and "bayes" is complement naive Bayes. For numbers, "logistic"
    is ridge regression.

    Args:
        kinds: Kinds of the estimators; for numbers a single one.
        inputs: The samples.
        labels: Shape (n,): int64 for classes, float32 for numbers.
        aim: Whether classes or numbers are learned.
        settings: The number of rounds (``epochs``), of folds (0: three), and the seed; the
            other settings are for networks.
        groups: Rows with the same number are in one fold, such as copies of a row, shape (n,); None
            for rows of their own.

    Attributes:
        pacer: The pacer of the training.
        epoch: Number of finished rounds.

    Raises:
        ValueError: For an unknown kind, for labels that are not classes, and if the number of rows
            is not the number of labels.

    >>> rows = np.concatenate([np.arange(30.0), np.arange(30.0) + 100])[:, None]
    >>> labels = torch.arange(60) // 30
    >>> labels[7] = 1
    >>> inputs = Inputs(rows.astype(np.float32))
    >>> rounds = Rounds(["logistic"], inputs, labels, Classes(2), Settings(epochs=10))
    >>> rounds.run(), int(rounds.pacer.suspects(1))
    (True, 7)
    """

    def __init__(
        self,
        kinds: Sequence[Kind],
        inputs: Inputs,
        labels: Tensor,
        aim: Classes | Numbers,
        settings: Settings,
        groups: NDArray[np.int64] | None = None,
    ) -> None:
        """Start before the first round."""
        for kind in kinds:
            choose("learner", kind, tuple(VIEWS))
        require(
            len(inputs) == len(labels),
            f"Rounds needs a label per row; got {len(inputs)} rows and {len(labels)} labels.",
        )
        self.kinds, self.labels, self.aim, self.settings = kinds, labels.cpu(), aim, settings
        self._classes = aim.outputs if isinstance(aim, Classes) else None
        if self._classes is not None:
            require_classes(self.labels, len(inputs))
        folds, seed = settings.folds or FEWEST, settings.seed % SEED_LIMIT
        numeric = self._classes is None
        self._models = {kind: make(kind, inputs, numeric, folds, seed) for kind in kinds}
        self._inputs = {kind: one.learn_inputs(inputs) for kind, one in self._models.items()}
        self._fold = spread(self.labels.numpy(), folds, settings.seed, groups)
        self.pacer = aim.pacer(self.labels, held_out=True)
        self._held_out: dict[str, NDArray[np.float32]] = {}
        self.epoch = 0

    @property
    def model(self) -> Blend:
        """The estimators as one model, mixed as in the last round."""
        members: dict[str, Any] = {kind: one for kind, one in self._models.items()}
        return Blend(members, None if self._classes is None else self._shares())

    @property
    def held_out(self) -> dict[str, NDArray[np.float32]]:
        """The probabilities for each row by the estimators that were not fitted to its label.

        By kind, float32, shape (n, classes), after the last round; empty for numbers.
        """
        return {} if self._classes is None else dict(self._held_out)

    @property
    def predicted(self) -> NDArray[np.float32] | None:
        """The prediction for each number by the estimator that was not fitted to it, shape (n,).

        None for classes, and before the first round.
        """
        return self._held_out.get(self.kinds[0]) if self._classes is None else None

    @property
    def pulses(self) -> int:
        """The number of calls of ``pulse`` of the whole training."""
        return self.settings.epochs

    @property
    def done(self) -> int:
        """The number of calls of ``pulse`` so far."""
        return self.epoch

    def run(self, watch: Watch | None = None, pulse: Callable[[], bool] = lambda: False) -> bool:
        """Train to the last round, or until ``pulse`` returns True.

        Args:
            watch: Called after each round with its number, ``epochs`` and the kept share.
            pulse: Called after each round; if it returns True, the training stops.

        Returns:
            Whether the training is finished.
        """
        threads = 1 if len(self.labels) <= ONE_THREAD else None
        with threadpool_limits(threads):
            while self.epoch < self.settings.epochs:
                self._round()
                if watch is not None:
                    kept = float((self.pacer.weight > 0).float().mean())
                    watch(self.epoch, self.settings.epochs, kept)
                if pulse():
                    break
        return self.epoch == self.settings.epochs

    def state_dict(self) -> dict[str, Any]:
        """Return everything needed to continue bit for bit."""
        fitted = self._models.items() if self.epoch else ()
        text, arrays = pack({kind: one.estimators for kind, one in fitted})
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        return {
            "version": VERSION,
            "kinds": list(self.kinds),
            "models": {"parts": text, "arrays": tensors},
            "pacer": self.pacer.state_dict(),
            "settings": asdict(self.settings),
            "epoch": self.epoch,
            "held_out": {kind: torch.from_numpy(p) for kind, p in self._held_out.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state, without running code of it; on an error nothing changes.

        Raises:
            ValueError: For a state that is incomplete, of other kinds of estimators, of another
                number of samples, or of a newer version.
        """
        self._read(state)()

    def _read(self, state: object) -> Assign:
        """Check a state; return the function that continues from it."""
        saved = Saved(state, "Rounds", KEYS, newest=VERSION)
        kinds = saved["kinds"]
        words = isinstance(kinds, list | tuple) and all(isinstance(kind, str) for kind in kinds)
        saved.require("kinds", words, "a list of kinds", kinds)
        require(
            list(kinds) == list(self.kinds),
            f"Rounds of {', '.join(self.kinds)} cannot load a state of "
            f"{', '.join(kinds)}. Make Rounds with the kinds that the state was saved "
            f"with.",
        )
        require_same(saved["settings"], self.settings)
        epoch = saved.count("epoch", most=self.settings.epochs)
        held_out = self._read_held_out(saved)
        pacer, models = self.pacer._read(saved["pacer"]), self._read_models(saved, epoch)

        def assign() -> None:
            """Assign what was read."""
            pacer()
            self._models, self._held_out, self.epoch = models, held_out, epoch

        return assign

    def _read_held_out(self, saved: Saved) -> dict[str, NDArray[np.float32]]:
        """Return the predictions of held-out rows in a state: none before the first round."""
        kinds = {*self.kinds} if saved["epoch"] else frozenset()
        found = Saved(saved["held_out"], "Rounds", kinds, name="state's held-out predictions")
        n, high = len(self.labels), math.inf if self._classes is None else 1 + ROUNDING
        shape = (n,) if self._classes is None else (n, self._classes)
        low = -math.inf if self._classes is None else 0
        read = {
            kind: found.tensor(kind, torch.float32, shape, low=low, high=high) for kind in kinds
        }
        return {kind: read[kind].numpy().copy() for kind in self.kinds if kind in read}

    def _read_models(self, saved: Saved, epoch: int) -> dict[Kind, Ensemble]:
        """Return the models in a state: new ones before the first round."""
        found, models = _estimators(saved["models"]), {}
        for kind, own in self._models.items():
            model = replace(own, estimators=[clone(one) for one in own.estimators])
            if epoch:
                model.grow(epoch)
                self._require_alike(kind, model.estimators, found.get(kind))
                model.estimators = found[kind]
            models[kind] = model
        return models

    def _require_alike(self, kind: Kind, own: Sequence[Any], saved: Any) -> None:
        """Raise unless saved estimators are like those of this training."""
        width, told = self._inputs[kind].shape[1], [_form(one) for one in own]
        alike = isinstance(saved, list) and told == [_form(one) for one in saved]
        alike = alike and all(getattr(one, "n_features_in_", width) == width for one in saved)
        require(alike, f"The checkpoint holds other models of the kind {kind}. {ANEW}")

    def _round(self) -> None:
        """Continue the training of all kinds, judge the labels, and decide which are kept."""
        for kind in self.kinds:
            self._fit(self._models[kind], self._inputs[kind])
            self._held_out[kind] = self._predicted(self._models[kind], self._inputs[kind])
        self._observe()
        self.pacer.step()
        self.epoch += 1

    def _fit(self, model: Ensemble, inputs: Any) -> None:
        """Continue the training of each estimator on the kept samples of its folds."""
        weight, labels = np.maximum(self.pacer.weight.numpy(), LEFT_OUT_WEIGHT), self.labels.numpy()
        firsts = np.unique(labels, return_index=True)[1]  # one row per class: all know all classes
        model.grow(self.epoch + 1)
        for fold, estimator in enumerate(model.estimators):
            fitted = self._fold != fold
            own = np.where(fitted, weight, LEFT_OUT_WEIGHT)
            if self._classes is not None:
                fitted[firsts] = True
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # the next round continues
                estimator.fit(inputs[fitted], labels[fitted], sample_weight=own[fitted])

    def _predicted(self, model: Ensemble, inputs: Any) -> NDArray[np.float32]:
        """Return the prediction for each row by the estimator that was not fitted to its label."""
        n = len(self._fold)
        found = np.zeros(n if self._classes is None else (n, self._classes), np.float32)
        for fold, estimator in enumerate(model.estimators):
            rows = np.flatnonzero(self._fold == fold)
            if len(rows):
                found[rows] = predictions(estimator, inputs[rows], self._classes)
        return found

    def _shares(self) -> dict[str, Share]:
        """Return the share of each kind: those that maximise the likelihood of the labels."""
        return shares_of(self._held_out, self.labels.numpy())

    def _observe(self) -> None:
        """Pass held-out losses of all rows to the pacer; for classes, log-probabilities too."""
        index = torch.arange(len(self.labels))
        if self._classes is None:
            predicted = torch.from_numpy(self._held_out[self.kinds[0]])
            self.pacer.observe((predicted - self.labels).square(), index)
            return
        shares = self._shares()
        mixture = mixed((p, shares[kind]) for kind, p in self._held_out.items())
        probabilities = torch.from_numpy(mixture).float()
        logits = probabilities.clamp(min=LEAST_PROBABILITY).log()
        loss = -logits.gather(1, self.labels[:, None]).squeeze(1)
        self.pacer.observe(loss, index, logits, self.labels, probabilities=True)


def _form(estimator: Any) -> tuple[type, dict[str, Any]]:
    """Return the class of an estimator and its settings."""
    return type(estimator), estimator.get_params(deep=False)


def _estimators(saved: Any) -> dict[str, Any]:
    """Return the estimators in a saved state, by kind."""
    try:
        require(isinstance(saved, dict), "they are of another version")
        arrays = {name: array.numpy() for name, array in saved["arrays"].items()}
        return dict(unpack(Packed(saved["parts"], arrays)))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"The models in the checkpoint cannot be read: {error}. {ANEW}") from error
