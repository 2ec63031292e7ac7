"""Models of scikit-learn, trained self-paced: round by round on what is easy."""

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
from selfpaced.audit._learning.ensembles import Name, make
from selfpaced.audit._learning.trained import answers, flat
from selfpaced.audit._learning.training import Settings, Watch
from selfpaced.chain import Floats

__all__ = ["ROUNDS", "Name", "Rounds"]


ROUNDS: dict[Name, int] = {"hgb": 15, "logistic": 30}  # that a run takes unless told otherwise
KEYS = {"name", "model", "pacer", "epoch"}  # of a state
PARTS = 3  # of the rows; each is judged by an estimator that learns from the others
TREES = 5  # that a round adds for each class
LEAST = 1e-6  # weight of a row left out: at 0, scikit-learn would forget that it is there
TINY = 1e-6  # probability of a class that the model rules out
SEEDS = 2**32  # that scikit-learn takes


class Rounds:
    """A self-paced training of an estimator, from its first round to its last; see ``Training``.

    The rows are parted in three. In each round three estimators of a kind are fitted further, each
    to what is kept of two parts, and the third part gives its losses: no label is judged by what
    has learnt it. "hgb" is gradient boosting, of which a round adds five small trees; "logistic"
    is logistic regression, two steps of its solver a round, and for numbers ridge regression.

    With 20 % of the labels wrong at random in scikit-learn's breast cancer, wine and digits (3
    seeds), this share of the first k suspects is wrong, k the number of wrong labels: hgb .88, .88,
    .96; logistic .90, .94, .96; the network of ``find_label_errors`` .94, .94, .98. The number of
    wrong labels is said as .99, .90, .98 of what it is by hgb, .99, .83, .93 by logistic.

    Args:
        name: Of the estimator.
        rows: float32, or uint8 from 0 to 255, shape (n, ...), without gaps.
        labels: Shape (n,): int64 for classes, float32 for numbers.
        aim: What it is to learn.
        settings: How many rounds (``epochs``) and the seed; the rest is of networks.

    Attributes:
        pacer: The memory of the run.
        epoch: Rounds that are over.
        model: The estimators, as one that takes rows of one axis.

    Raises:
        ValueError: For an unknown name, for labels that are no classes, and for another number of
            rows than labels.

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
        """Begin before the first round."""
        choose("estimator", name, tuple(ROUNDS))
        require(
            len(rows) == len(labels),
            f"Rounds needs a label per row; got {len(rows)} rows and {len(labels)} labels.",
        )
        self.name, self.labels, self.aim, self.settings = name, labels.cpu(), aim, settings
        self._classes = aim.outputs if isinstance(aim, Classes) else None
        if self._classes is not None:
            require_classes(self.labels, len(rows))
        self.model = make(name, self._classes is None, PARTS, settings.seed % SEEDS)
        self._inputs = self.model.inputs.fit_transform(flat(rows))
        self._part = _parts(self.labels.numpy(), settings.seed)
        self.pacer = aim.pacer(self.labels)
        self.epoch = 0

    def run(self, watch: Watch | None = None, pulse: Callable[[], bool] = lambda: False) -> bool:
        """Train to the last round, or until it is asked to stop.

        Args:
            watch: Called after each round with its number, ``epochs`` and the kept share.
            pulse: Called after each round; True stops here.

        Returns:
            Whether the training is over.
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
        """Return what the model says of rows, such as new ones.

        Returns:
            float64: probabilities of all classes, shape (n, C), or numbers as it was given them,
            shape (n,).
        """
        return answers(self.model, rows, self._classes)

    def state_dict(self) -> dict[str, Any]:
        """Return all that it takes to go on to the bit; the model is pickled."""
        return {
            "name": self.name,
            "model": torch.frombuffer(bytearray(pickle.dumps(self.model)), dtype=torch.uint8),
            "pacer": self.pacer.state_dict(),
            "epoch": self.epoch,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a training where it was. It unpickles the model: load states that you trust.

        Raises:
            ValueError: For a state that is cut short, of another estimator, or of another number
                of samples.
        """
        require_keys(state, KEYS, "Rounds")
        require(
            state["name"] == self.name,
            f"Rounds: the state is of {state['name']!r}; got one for {self.name!r}. Make it with "
            f"the estimator it was saved with.",
        )
        self.pacer.load_state_dict(state["pacer"])
        self.model = pickle.loads(state["model"].numpy().tobytes())
        self.epoch = state["epoch"]

    def _fit(self) -> None:
        """Fit each estimator further, to what is kept of the parts that it learns from."""
        weight, labels = np.maximum(self.pacer.weight.numpy(), LEAST), self.labels.numpy()
        firsts = np.unique(labels, return_index=True)[1]  # so that every one knows every class
        for part, estimator in enumerate(self.model.estimators):
            others = self._part != part
            own = np.where(others, weight, LEAST)
            if self._classes is not None:
                others[firsts] = True
            if self.name == "hgb":
                estimator.set_params(max_iter=TREES * (self.epoch + 1))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # the next round goes on
                estimator.fit(self._inputs[others], labels[others], sample_weight=own[others])

    def _judged(self) -> Floats:
        """Return what is said of each row by the estimator that did not learn from it."""
        said = np.zeros(
            len(self._part) if self._classes is None else (len(self._part), self._classes)
        )
        for part, estimator in enumerate(self.model.estimators):
            mine = np.flatnonzero(self._part == part)
            if not len(mine):
                continue
            if self._classes is None:
                said[mine] = estimator.predict(self._inputs[mine])
            else:
                told = estimator.predict_proba(self._inputs[mine])
                said[np.ix_(mine, estimator.classes_)] = told
        return said

    def _observe(self) -> None:
        """Remember the losses of all rows, and of classes the probabilities."""
        said, index = torch.from_numpy(self._judged()), torch.arange(len(self.labels))
        if self._classes is None:
            self.pacer.observe((said.float() - self.labels).square(), index)
            return
        logits = said.clamp(min=TINY).log().float()
        loss = -logits.gather(1, self.labels[:, None]).squeeze(1)
        self.pacer.observe(loss, index, logits, self.labels, probabilities=True)


def _parts(labels: NDArray[Any], seed: int) -> NDArray[np.int64]:
    """Return the part of each row, drawn at random; each part has its share of all labels."""
    drawn = np.random.default_rng(seed).permutation(len(labels))
    alike = drawn[np.argsort(labels[drawn], kind="stable")]
    parts = np.empty(len(labels), np.int64)
    parts[alike] = np.arange(len(labels)) % PARTS
    return parts
