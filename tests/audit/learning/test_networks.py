"""Claims about the networks of an audit."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from selfpaced.audit._learning.machine import Dropout
from selfpaced.audit._learning.networks import Copies, build, cnn, factory, mlp

WriteModule = Callable[[str, str], None]


@pytest.mark.parametrize(("features", "dropped"), [(2, 0.0), (100, 0.3)])
def test_inputs_are_dropped_only_if_there_are_many_features(features: int, dropped: float) -> None:
    layers = [layer for layer in mlp((features,), 2).modules() if isinstance(layer, Dropout)]
    assert [layer.p for layer in layers] == [dropped, 0.5, 0.5]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (3, 33, 50)])
def test_the_cnn_takes_images_of_any_size(shape: tuple[int, ...]) -> None:
    assert cnn(shape, 4)(torch.zeros(2, *shape)).shape == (2, 4)


@pytest.mark.parametrize("shape", [(5,), (1, 7, 8)])
def test_the_cnn_refuses_rows_and_small_images(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expects images, .* of 8 pixels a side or more; got"):
        cnn(shape, 2)


def test_a_model_of_the_user_is_imported(write_module: WriteModule) -> None:
    write_module("mine", "def make(shape, outputs):\n    return (shape, outputs)\n")
    assert factory("mine:make")((3,), 2) == (((3,), 2))  # type: ignore[comparison-overlap]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mine", "expects package.module:factory; got 'mine'"),
        ("no_such_module:make", "No module named 'no_such_module'. Is its folder on PYTHONPATH"),
        ("math:no_such_function", "no attribute 'no_such_function'"),
        ("math:pi", "is not a function; got float"),
    ],
)
def test_a_model_that_cannot_be_imported_is_refused(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        factory(name)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("def make(:", "broken_model:make cannot be imported: .*invalid syntax|'\\)'"),
        ("1 / 0", "broken_model:make cannot be imported: division by zero"),
        (
            "def make(shape):\n    pass",
            "could not be made for samples of shape \\(3,\\) and 2 outputs: TypeError",
        ),
    ],
)
def test_a_mistake_in_a_model_of_the_user_is_shown(
    write_module: WriteModule, body: str, said: str
) -> None:
    write_module("broken_model", f"{body}\n")
    with pytest.raises(ValueError, match=said):
        build("broken_model:make", (3,), 2)


def test_networks_are_built_by_name(write_module: WriteModule) -> None:
    write_module(
        "built",
        "import torch\n\ndef make(shape, outputs):\n    return torch.nn.Linear(*shape, outputs)\n"
        "\ndef nothing(shape, outputs):\n    return None\n",
    )
    assert build("mlp", (5,), 2)(torch.zeros(3, 5)).shape == (3, 2)
    assert build("cnn", (1, 8, 8), 2)(torch.zeros(3, 1, 8, 8)).shape == (3, 2)
    assert build("built:make", (5,), 4)(torch.zeros(3, 5)).shape == (3, 4)
    with pytest.raises(ValueError, match="built:nothing must return a torch module; it returned N"):
        build("built:nothing", (5,), 4)


def net() -> nn.Module:
    """Return a network with dropout and batch normalisation."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))


def test_copies_begin_with_the_weights_of_the_network_and_share_none() -> None:
    network = net()
    copies = Copies(network, 3)
    assert len(copies.networks) == 3
    for each in copies.networks:
        torch.testing.assert_close(each.state_dict(), network.state_dict(), rtol=0, atol=0)
    kept = [id(p) for p in [*network.parameters(), *copies.parameters()]]
    assert len(set(kept)) == len(kept)


def test_the_copies_of_other_folds_learn_and_that_of_the_fold_judges() -> None:
    copies, x = Copies(net(), 3), torch.randn(5, 4)
    with torch.no_grad():
        for number, each in enumerate(copies.networks):
            each[3].bias.fill_(float(number))  # type: ignore[index]  # a Sequential
    torch.manual_seed(1)
    learned, held_out = copies(x, 1)
    torch.manual_seed(1)
    torch.testing.assert_close(learned, torch.stack([copies.networks[k](x) for k in (0, 2)]))
    torch.testing.assert_close(held_out, copies.networks[1].eval()(x))
    assert learned.requires_grad and not held_out.requires_grad


def test_the_copy_of_the_fold_judges_without_dropout_and_changes_no_statistic() -> None:
    copies, x = Copies(net(), 2).train(), torch.randn(5, 4)
    before = {name: value.clone() for name, value in copies.networks[0].state_dict().items()}
    _, first = copies(x, 0)
    _, again = copies(x, 0)
    assert torch.equal(first, again)
    torch.testing.assert_close(copies.networks[0].state_dict(), before, rtol=0, atol=0)
    assert all(module.training for module in copies.modules())


def test_the_loss_has_no_gradient_for_the_copy_of_the_fold() -> None:
    copies = Copies(net(), 3)
    learned, held_out = copies(torch.randn(5, 4), 1)
    (learned.square().sum() + held_out.sum()).backward()
    assert all(p.grad is None for p in copies.networks[1].parameters())
    for number in (0, 2):
        grads = [p.grad for p in copies.networks[number].parameters()]
        assert any(grad is not None and bool(grad.any()) for grad in grads)


def test_only_the_copies_that_learn_see_what_is_learned() -> None:
    copies, x, moved = Copies(nn.Linear(4, 3), 2), torch.randn(5, 4), torch.randn(5, 4)
    learned, held_out = copies(x, 0, moved)
    torch.testing.assert_close(learned, copies.networks[1](moved)[None])
    torch.testing.assert_close(held_out, copies.networks[0](x))


def test_without_a_fold_copies_predict_the_mean_of_their_probabilities() -> None:
    copies, x = Copies(nn.Linear(4, 3), 3), torch.randn(6, 4)
    for number, each in enumerate(copies.networks):
        torch.manual_seed(number)
        each.reset_parameters()  # type: ignore[operator]  # of a linear layer
    mean = torch.stack([each(x).softmax(1) for each in copies.networks]).mean(0)
    torch.testing.assert_close(copies(x).softmax(1), mean)
    torch.testing.assert_close(copies(x).exp(), mean)
