"""Self-paced training of scikit-learn estimators: each round fits them to the samples kept."""

import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from selfpaced._errors import choose, require, require_keys
from selfpaced.audit._learning.aims import Classes, Numbers, require_classes
from selfpaced.audit._learning.ensembles import Ensemble, Name, make
from selfpaced.audit._learning.trained import estimator_outputs, flat
from selfpaced.audit._learning.training import Settings, Watch
from selfpaced.chain import Floats

__all__ = ["ROUNDS", "Name", "Rounds"]


# The default number of rounds of a run, for each kind of estimator.
ROUNDS: dict[Name, int] = {"hgb": 15, "logistic": 30}
# The keys of a saved state.
KEYS = {"name", "model", "pacer", "epoch"}
# The number of folds; the rows of a fold are judged by an estimator fitted to the other folds.
FOLDS = 3
# The number of boosting iterations that a round adds: each is one tree per class.
TREES = 5
# The weight of a row that is left out: with a weight of 0, scikit-learn would drop the row, and
# with the last row of a class the class.
LEFT_OUT_WEIGHT = 1e-6
# The least probability of a class in a loss, so that no loss is infinite.
LEAST_PROBABILITY = 1e-6
# scikit-learn takes seeds below this number.
SEED_LIMIT = 2**32


class Rounds:
    """A self-paced training of scikit-learn estimators, round by round; see ``Training``.

    The rows are split into three folds. A round continues the training of three estimators of the
    same kind, each on the kept samples of two folds, and computes the losses on the third fold: no
    label is judged by an estimator that was fitted to it. "hgb" is gradient boosting, to which a
    round adds five small trees. "logistic" is logistic regression, with two solver steps per
    round; for numbers it is ridge regression.

    With 20 % of the labels wrong at random in scikit-learn's breast cancer, wine and digits (3
    seeds), this share of the first k suspects is wrong, where k is the number of wrong labels: hgb
    .88, .88, .96; logistic .90, .94, .96; the network of ``find_label_errors`` .94, .94, .98. The
    estimated number of wrong labels, divided by the true number, is .99, .90, .98 with hgb and
    .99, .83, .93 with logistic.

    Args:
        name: Kind of the estimators.
        rows: float32, or uint8 from 0 to 255, shape (n, ...), without missing values.
        labels: Shape (n,): int64 for classes, float32 for numbers.
        aim: Whether classes or numbers are learned.
        settings: The number of rounds (``epochs``) and the seed; the other settings are for
            networks.

    Attributes:
        pacer: The pacer of the training.
        epoch: Number of finished rounds.
        model: The estimators as one model that takes rows of shape (n, features).

    Raises:
        ValueError: For an unknown name, for labels that are not classes, and if the number of rows
            is not the number of labels.

    >>> rows = np.concatenate([np.arange(30.0), np.arange(30.0) + 100])[:, None]
    >>> labels = torch.arange(60) // 30
    >>> labels[7] = 1
    >>> rounds = Rounds("logistic", rows, labels, Classes(2), Settings(epochs=10))
    >>> rounds.run(), int(rounds.pacer.suspects(1))
    (True, 7)
    """

    def __init__(
        self,
        name: Name,
        rows: NDArray[Any],
        labels: Tensor,
        aim: Classes | Numbers,
        settings: Settings,
    ) -> None:
        """Start before the first round."""
        choose("estimator", name, tuple(ROUNDS))
        require(
            len(rows) == len(labels),
            f"Rounds needs a label per row; got {len(rows)} rows and {len(labels)} labels.",
        )
        self.name, self.labels, self.aim, self.settings = name, labels.cpu(), aim, settings
        self._classes = aim.outputs if isinstance(aim, Classes) else None
        if self._classes is not None:
            require_classes(self.labels, len(rows))
        self.model = make(name, self._classes is None, FOLDS, settings.seed % SEED_LIMIT)
        self._inputs = self.model.inputs.fit_transform(flat(rows))
        self._fold = _folds(self.labels.numpy(), settings.seed)
        self.pacer = aim.pacer(self.labels)
        self.epoch = 0

    def run(self, watch: Watch | None = None, pulse: Callable[[], bool] = lambda: False) -> bool:
        """Train to the last round, or until ``pulse`` returns True.

        Args:
            watch: Called after each round with its number, ``epochs`` and the kept share.
            pulse: Called after each round; if it returns True, the training stops.

        Returns:
            Whether the training is finished.
        """
        while self.epoch < self.settings.epochs:
            self._fit()
            self._observe()
            self.pacer.step()
            self.epoch += 1
            if watch is not None:
                kept = float((self.pacer.weight > 0).float().mean())
                watch(self.epoch, self.settings.epochs, kept)
            if pulse():
                break
        return self.epoch == self.settings.epochs

    def outputs(self, rows: NDArray[Any]) -> Floats:
        """Return the predictions of the model for rows, old or new.

        Returns:
            float64: probabilities of all classes, shape (n, C), or numbers in the unit of
            ``labels``, shape (n,).
        """
        return estimator_outputs(self.model, rows, self._classes)

    def state_dict(self) -> dict[str, Any]:
        """Return everything needed to continue bit for bit; the model is pickled."""
        return {
            "name": self.name,
            "model": torch.frombuffer(bytearray(pickle.dumps(self.model)), dtype=torch.uint8),
            "pacer": self.pacer.state_dict(),
            "epoch": self.epoch,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state. The model is unpickled: load only states that you trust.

        Raises:
            ValueError: For a state that is incomplete, of another kind of estimator, of another
                number of samples, or of a version of selfpaced with other classes.
        """
        require_keys(state, KEYS, "Rounds")
        require(
            state["name"] == self.name,
            f"Rounds({self.name!r}) cannot load a state of {state['name']!r}. Make Rounds with "
            f"the name that the state was saved with.",
        )
        self.pacer.load_state_dict(state["pacer"])
        self.model = _unpickled(state["model"])
        self.epoch = state["epoch"]

    def _fit(self) -> None:
        """Continue the training of each estimator on the kept samples of its folds."""
        weight, labels = np.maximum(self.pacer.weight.numpy(), LEFT_OUT_WEIGHT), self.labels.numpy()
        firsts = np.unique(labels, return_index=True)[1]  # one row per class: all know all classes
        for fold, estimator in enumerate(self.model.estimators):
            fitted = self._fold != fold
            own = np.where(fitted, weight, LEFT_OUT_WEIGHT)
            if self._classes is not None:
                fitted[firsts] = True
            if self.name == "hgb":
                estimator.set_params(max_iter=TREES * (self.epoch + 1))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # the next round continues
                estimator.fit(self._inputs[fitted], labels[fitted], sample_weight=own[fitted])

    def _held_out_predictions(self) -> Floats:
        """Return the prediction for each row by the estimator that was not fitted to its label."""
        n = len(self._fold)
        predictions = np.zeros(n if self._classes is None else (n, self._classes))
        for fold, estimator in enumerate(self.model.estimators):
            rows = np.flatnonzero(self._fold == fold)
            if not len(rows):
                continue
            if self._classes is None:
                predictions[rows] = estimator.predict(self._inputs[rows])
            else:
                probabilities = estimator.predict_proba(self._inputs[rows])
                predictions[np.ix_(rows, estimator.classes_)] = probabilities
        return predictions

    def _observe(self) -> None:
        """Pass held-out losses of all rows to the pacer; for classes, log-probabilities too."""
        index = torch.arange(len(self.labels))
        predictions = torch.from_numpy(self._held_out_predictions())
        if self._classes is None:
            self.pacer.observe((predictions.float() - self.labels).square(), index)
            return
        logits = predictions.clamp(min=LEAST_PROBABILITY).log().float()
        loss = -logits.gather(1, self.labels[:, None]).squeeze(1)
        self.pacer.observe(loss, index, logits, self.labels, probabilities=True)


def _folds(labels: NDArray[Any], seed: int) -> NDArray[np.int64]:
    """Return the fold of each row, drawn at random; the labels are spread evenly over the folds."""
    drawn = np.random.default_rng(seed).permutation(len(labels))
    by_label = drawn[np.argsort(labels[drawn], kind="stable")]
    folds = np.empty(len(labels), np.int64)
    folds[by_label] = np.arange(len(labels)) % FOLDS
    return folds


def _unpickled(model: Tensor) -> Ensemble:
    """Return the model in a saved state."""
    try:
        found: Ensemble = pickle.loads(model.numpy().tobytes())
    except (AttributeError, ModuleNotFoundError) as error:
        raise ValueError(
            f"The checkpoint holds a model of another version of selfpaced ({error}). Use that "
            f"version, or begin again with force=True."
        ) from error
    return found
