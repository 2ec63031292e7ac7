"""A net with its own ``get_loss`` minimises what it says, times the weights of the pacer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skorch import NeuralNetClassifier
from torch import Tensor, nn

from selfpaced.age import Quantile
from selfpaced.pacing import Constant
from selfpaced.skorch import SelfPacedMixin, SelfPacedNetClassifier

Floats = NDArray[np.float32]
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(48, 3)).astype(np.float32)
Y = GENERATOR.integers(0, 2, 48)
MASS = np.where(Y == 0, 3.0, 0.5).astype(np.float32)
ROWS = {"data": X, "sample_weight": MASS}


class Module(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, data: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        scores: Tensor = self.layer(data)
        return scores


def recipe(base: Any) -> Any:
    """The net of skorch's FAQ: sample weights are a part of X."""

    class Recipe(base):  # type: ignore[misc]  # skorch has no types
        def __init__(self, *args: Any, criterion__reduction: str = "none", **kw: Any) -> None:
            super().__init__(*args, criterion__reduction=criterion__reduction, **kw)

        def get_loss(self, y_pred: Any, y_true: Any, X: Any, *args: Any, **kw: Any) -> Any:
            loss = super().get_loss(y_pred, y_true, X, *args, **kw)
            return (X["sample_weight"] * loss).mean()

    return Recipe


def fitted(kind: Any, rows: Any = ROWS, **settings: Any) -> Any:
    torch.manual_seed(0)
    chosen: dict[str, Any] = {"criterion": nn.CrossEntropyLoss, "train_split": None, "verbose": 0}
    chosen |= {"max_epochs": 4, "lr": 0.1, "batch_size": 16}
    return kind(Module, **(chosen | settings)).fit(rows, Y)


def layer(net: Any) -> Tensor:
    found: Tensor = net.module_.layer.weight.detach()
    return found


def test_the_recipe_for_sample_weights_trains_as_in_skorch_where_everything_is_kept() -> None:
    own = fitted(recipe(NeuralNetClassifier))
    paced = fitted(recipe(SelfPacedNetClassifier), pacer__age=None)
    torch.testing.assert_close(layer(paced), layer(own))
    np.testing.assert_allclose(
        paced.history[:, "train_loss"], own.history[:, "train_loss"], rtol=1e-5
    )


def test_the_recipe_weighs_as_the_column_of_sample_weights_does() -> None:
    age = Quantile(Constant(0.5))
    recipes = fitted(recipe(SelfPacedNetClassifier), pacer__age=age)
    mass = {"sample_weight": MASS}
    column = fitted(SelfPacedNetClassifier, X, pacer__age=age, pacer__columns=mass, max_epochs=1)
    first = fitted(recipe(SelfPacedNetClassifier), pacer__age=age, max_epochs=1)
    torch.testing.assert_close(layer(first), layer(column))  # before the first cut, by mass or not
    assert recipes.weights_.mean() == 0.5


def test_the_recipe_multiplies_the_weights_of_the_pacer() -> None:
    class Kept(SelfPacedNetClassifier):
        def get_loss(self, *args: Any, **kw: Any) -> Any:
            self.losses_ = super().get_loss(*args, **kw)
            return self.losses_.mean()

    settings: dict[str, Any] = {"criterion__reduction": "none", "batch_size": 48, "lr": 0.0}
    net = fitted(Kept, X, pacer__age=Quantile(Constant(0.5)), **settings)
    plain = nn.functional.cross_entropy(
        net.module_(torch.from_numpy(X)), torch.from_numpy(Y), reduction="none"
    )
    expected = torch.where(plain <= plain.median(), plain, 0.0)
    torch.testing.assert_close(net.losses_, expected)


def test_a_loss_per_output_keeps_its_shape() -> None:
    class Squares(nn.Module):
        def forward(self, scores: Tensor, y: Tensor) -> Tensor:
            return (scores - y[:, None]).square()

    class Masked(SelfPacedNetClassifier):
        def get_loss(self, *args: Any, **kw: Any) -> Any:
            losses = super().get_loss(*args, **kw)
            assert losses.shape == (16, 2)
            return losses.mean()

    own = fitted(SelfPacedNetClassifier, X, criterion=Squares, pacer__age=None)
    torch.testing.assert_close(
        layer(fitted(Masked, X, criterion=Squares, pacer__age=None)), layer(own)
    )


@pytest.mark.parametrize("forwards", [True, False])
def test_a_subclass_may_add_to_the_loss(forwards: bool) -> None:
    class Penalised(SelfPacedNetClassifier):
        def get_loss(self, y_pred: Any, y_true: Any, *args: Any, **kw: Any) -> Any:
            more = (args, kw) if forwards else ((), {})
            return super().get_loss(y_pred, y_true, *more[0], **more[1]) + 0 * y_pred.sum()

    age = Quantile(Constant(0.5))
    added, own = (
        fitted(Penalised, X, pacer__age=age),
        fitted(SelfPacedNetClassifier, X, pacer__age=age),
    )
    torch.testing.assert_close(layer(added), layer(own))
    assert added.history[-1, "spl/frac_selected"] == 0.5


def test_gradients_may_be_accumulated_over_batches() -> None:
    class Accumulating(SelfPacedNetClassifier):
        def get_loss(self, y_pred: Any, y_true: Any, *args: Any, **kw: Any) -> Any:
            return super().get_loss(y_pred, y_true) / 3

        def train_step(self, batch: Any, **fit_params: Any) -> Any:
            step = self.train_step_single(batch, **fit_params)
            if len(self.history[-1, "batches"]) == 3:
                self.optimizer_.step()
                self.optimizer_.zero_grad()
            return step

    age = Quantile(Constant(0.5))
    parts = fitted(Accumulating, X, pacer__age=age)
    whole = fitted(SelfPacedNetClassifier, X, pacer__age=age, batch_size=48)
    torch.testing.assert_close(layer(parts), layer(whole))


def test_a_validation_loss_of_the_recipe_is_not_paced() -> None:
    def valid(base: Any, **settings: Any) -> list[float]:
        torch.manual_seed(0)
        net = recipe(base)(
            Module, criterion=nn.CrossEntropyLoss, lr=0.0, max_epochs=2, verbose=0, **settings
        )
        found: list[float] = net.fit(ROWS, Y).history[:, "valid_loss"]
        return found

    paced = valid(SelfPacedNetClassifier, pacer__age=Quantile(Constant(0.1)))
    np.testing.assert_allclose(paced, valid(NeuralNetClassifier), rtol=1e-6)


class Around(SelfPacedNetClassifier):
    """Takes the loss from the criterion itself."""

    def get_loss(self, y_pred: Any, y_true: Any, *args: Any, **kw: Any) -> Any:
        return self.criterion_(y_pred, y_true)


class After(SelfPacedMixin, recipe(NeuralNetClassifier)):  # type: ignore[misc]  # skorch has no types
    """The mixin before a net that reduces."""


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: fitted(Around, X),
            "no loss of this epoch reached the pacer. If Around has a get_",
        ),
        (lambda: fitted(After), r"shape \(16, ...\); got shape \(\).*class Net\(SelfPacedNetC"),
        (
            lambda: fitted(recipe(SelfPacedNetClassifier), pacer__reduction="kept"),
            "pacer__reduction has no effect, because get_loss of Recipe reduces",
        ),
    ],
)
def test_a_get_loss_that_cannot_be_weighed_is_refused(
    make: Callable[[], Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make()
