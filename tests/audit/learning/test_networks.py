"""Claims about the networks of an audit."""

from collections.abc import Callable

import pytest
import torch

from selfpaced.audit._learning.machine import Dropout
from selfpaced.audit._learning.networks import build, cnn, factory, mlp

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
