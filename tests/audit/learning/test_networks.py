import sys
from pathlib import Path

import pytest
import torch

from selfpaced.audit._learning.machine import Dropout
from selfpaced.audit._learning.networks import build, cnn, factory, mlp


@pytest.mark.parametrize(("features", "dropped"), [(2, 0.0), (100, 0.3)])
def test_only_of_many_features_some_are_dropped(features: int, dropped: float) -> None:
    layers = [layer for layer in mlp((features,), 2).modules() if isinstance(layer, Dropout)]
    assert [layer.p for layer in layers] == [dropped, 0.5, 0.5]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (3, 33, 50)])
def test_the_cnn_takes_images_of_any_size(shape: tuple[int, ...]) -> None:
    assert cnn(shape, 4)(torch.zeros(2, *shape)).shape == (2, 4)


@pytest.mark.parametrize("shape", [(5,), (1, 7, 8)])
def test_the_cnn_refuses_what_is_no_image(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expects images .* of 8 pixels a side or more; got"):
        cnn(shape, 2)


def test_a_model_of_ones_own_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text("def make(shape, outputs):\n    return (shape, outputs)\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert factory("mine:make")((3,), 2) == (((3,), 2))  # type: ignore[comparison-overlap]
    sys.modules.pop("mine")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mine", "expects package.module:factory; got 'mine'"),
        ("no_such_module:make", "No module named 'no_such_module'. Is its folder on PYTHONPATH"),
        ("math:no_such_function", "no attribute 'no_such_function'"),
        ("math:pi", "is no function; got float"),
    ],
)
def test_a_model_that_cannot_be_had_is_told(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        factory(name)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("def make(:", "broken_model:make cannot be imported: .*invalid syntax|'\\)'"),
        ("1 / 0", "broken_model:make cannot be imported: division by zero"),
        ("def make(shape):\n    pass", "could not be made of \\(3,\\) and 2: TypeError"),
    ],
)
def test_a_mistake_in_a_model_of_ones_own_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, said: str
) -> None:
    (tmp_path / "broken_model.py").write_text(f"{body}\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=said):
        build("broken_model:make", (3,), 2)
    sys.modules.pop("broken_model", None)


def test_networks_are_built_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "built.py").write_text(
        "import torch\n\ndef make(shape, outputs):\n    return torch.nn.Linear(*shape, outputs)\n"
        "\ndef nothing(shape, outputs):\n    return None\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert build("mlp", (5,), 2)(torch.zeros(3, 5)).shape == (3, 2)
    assert build("cnn", (1, 8, 8), 2)(torch.zeros(3, 1, 8, 8)).shape == (3, 2)
    assert build("built:make", (5,), 4)(torch.zeros(3, 5)).shape == (3, 4)
    with pytest.raises(ValueError, match="built:nothing must return a torch module; it returned N"):
        build("built:nothing", (5,), 4)
    sys.modules.pop("built")
