"""Claims about what a run is made from."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from threadpoolctl import threadpool_limits

from selfpaced.audit import Options, Source, read
from selfpaced.audit._features.fit import fit
from selfpaced.audit._folder.origin import (
    differences,
    of_code,
    of_folder,
    of_inputs,
    of_samples,
    origin,
    versions,
)
from selfpaced.audit._learning.inputs import Inputs
from selfpaced.audit._learning.networks import build


def source(features: Any, labels: list[Any]) -> Source:
    where = pd.Series(range(len(labels)), name="row")
    none = pd.DataFrame()
    return Source(Path("a"), "table", features, pd.Series(labels), where, none, False, (), none)


FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
OTHERS = [
    source(FRAME, [1, 1]),
    source(FRAME.rename(columns={"a": "c"}), [1, 2]),
    source(FRAME.assign(a=[1, 3]), [1, 2]),
    source(np.zeros((2, 2)), [1, 2]),
    source(np.zeros((2, 2), np.float32), [1, 2]),
    source(np.zeros((2, 1, 2)), [1, 2]),
    source(np.ones((2, 2)), [1, 2]),
]


def test_samples_that_differ_have_other_hashes() -> None:
    prints = [of_samples(each) for each in [source(FRAME, [1, 2]), *OTHERS]]
    assert len(set(prints)) == len(prints)
    assert of_samples(source(FRAME.copy(), [1, 2])) == prints[0]


def test_inputs_that_differ_in_any_view_have_other_hashes() -> None:
    rows, words = np.eye(3, dtype=np.float32), sparse.eye_array(3, format="csr")
    different = [
        Inputs(rows),
        Inputs(rows, words),
        Inputs(rows, words, words),
        Inputs(rows, 2 * words, words),
        Inputs(rows, words[:, ::-1], words),
        Inputs(2 * rows, words, words),
        Inputs(rows.reshape(3, 3, 1), words, words),
    ]
    assert len({of_inputs(each) for each in different}) == len(different)
    assert of_inputs(Inputs(rows.copy(), words.copy())) == of_inputs(different[1])


def test_the_number_of_threads_changes_no_feature(tmp_path: Path) -> None:
    words = ["good", "bad", "slow", "film", "plot", "actor", "music", "long", "short", "dull"]
    lines = [
        f"{' '.join(words[(i * k) % 10] for k in range(2, 40))} {i},name {i * 7 % 400} of {i % 9}\n"
        for i in range(1_500)
    ]
    (tmp_path / "a.csv").write_text("said,who\n" + "".join(lines))
    source, hashes = read(tmp_path / "a.csv", Options(known=False)), set()
    for threads in (1, 2, 4):
        with threadpool_limits(threads):
            hashes.add(of_inputs(fit(source)[1]))
    assert len(hashes) == 1


NETS = """
import torch
from torch import nn
import {other}

def make(shape, outputs):
    return nn.Sequential(nn.Flatten(), {other}.layer(shape[0], outputs))
"""
LAYERS = """
from torch import nn

def layer(width, outputs):
    return nn.Sequential(nn.Linear(width, outputs), nn.ReLU())
"""
Code = Callable[..., str]


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Code:
    """Return a function that writes two modules, and returns the hash of a network of them."""
    monkeypatch.syspath_prepend(tmp_path)

    def of(nets: str = NETS, layers: str = LAYERS) -> str:
        for name in ("nets_of_user", "layers_of_user"):
            sys.modules.pop(name, None)
        (tmp_path / "nets_of_user.py").write_text(nets.format(other="layers_of_user"))
        (tmp_path / "layers_of_user.py").write_text(layers)
        for folder in tmp_path.glob("__pycache__/*"):
            folder.unlink()
        return of_code("nets_of_user:make", build("nets_of_user:make", (4,), 2))

    return of


def test_other_code_of_a_factory_or_of_what_it_imports_has_another_hash(code: Code) -> None:
    first = code()
    assert code() == first
    assert code(NETS + "# a remark\n", LAYERS.replace("\n\n", "\n\n\n")) == first
    assert code(NETS.replace("nn.Flatten(), ", "")) != first
    assert code(layers=LAYERS.replace("ReLU", "Tanh")) != first


def test_the_code_of_a_class_that_the_factory_only_uses_counts(code: Code) -> None:
    layers = "from torch import nn\nclass Own(nn.Linear):\n    scale = {}\nlayer = Own\n"
    assert code(layers=layers.format(1)) != code(layers=layers.format(2))


def test_another_file_in_a_folder_has_another_hash(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_text("2")
    hashes = [of_folder(tmp_path)]
    (tmp_path / "b" / "c").write_text("3")
    hashes.append(of_folder(tmp_path))
    (tmp_path / "b" / "c").rename(tmp_path / "b" / "d")
    hashes.append(of_folder(tmp_path))
    assert len(set(hashes)) == 3


def test_an_origin_has_what_there_is(tmp_path: Path) -> None:
    inputs = Inputs(np.eye(2, dtype=np.float32))
    bare = origin(source(FRAME, [1, 2]), inputs, None, None)
    assert bare.keys() == versions().keys() | {"samples", "features"}
    whole = origin(source(FRAME, [1, 2]), inputs, "1234", tmp_path)
    assert whole.keys() - bare.keys() == {"code", "text_model", "transformers"}
    assert "features" not in whole  # those of a text model differ in the last bits
    assert differences(bare, bare) == []
