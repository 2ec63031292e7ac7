"""Claims about the report of a pacer in a training loop of one's own."""

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from selfpaced import Pacer
from selfpaced.report import write

LABELS = torch.tensor([0, 0, 0, 1, 1, 1])


def run(logits: bool = True, n: int = 6) -> Pacer:
    """Return a pacer of six samples; the model takes sample 2 for class 1."""
    pacer, index = Pacer(n), torch.arange(n)
    labels = LABELS if n == 6 else index % 2
    sure = torch.where(index == 2, -3.0, 3.0) if n == 6 else torch.ones(n) + index / n
    out = torch.stack([torch.where(labels == 0, sure, -sure), torch.zeros(n)], 1)
    loss = torch.nn.functional.cross_entropy(out, labels, reduction="none")
    for _ in range(3):
        if logits:
            pacer.observe(loss, index, out, labels, probabilities=True)
        else:
            pacer.observe(loss, index)
        pacer.step()
    return pacer


def block(text: str, name: str) -> bytes:
    found = re.search(rf'id="array-{name}"[^>]*>(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return zlib.decompress(base64.b64decode(found[1]))


def cases(path: Path) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(block(path.read_text(), "cases"))
    return told


def data(path: Path) -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', path.read_text(), re.DOTALL)
    assert found is not None
    told: dict[str, Any] = json.loads(found[1])
    return told


def test_with_logits_there_are_probabilities_and_suggestions(tmp_path: Path) -> None:
    path = write(run(), tmp_path / "a.html", samples=[f"text {k}" for k in range(6)], names="ab")
    first = cases(path)[0]
    assert (first["sample"]["place"], first["sample"]["text"]) == ("2", "text 2")
    assert (first["given"], first["suggested"], first["suspect"]) == ("a", "b", True)
    assert first["probability"] > 0.5
    assert "1 of 6 labels are probably wrong (16.7%)." in path.read_text()
    told = data(path)
    assert told["confusion"] == [[1, 0, 1]]
    assert told["map"]["maps"][0]["name"] == "Margin and correctness"
    assert list(told["curves"]["series"]) == ["kept share", "mean loss", "median difficulty"]


def test_without_logits_only_losses_are_shown_and_this_is_said(tmp_path: Path) -> None:
    path = write(run(logits=False), tmp_path / "a.html", top=2)
    found = cases(path)
    assert len(found) == 2
    assert found[0]["probability"] is None
    assert dict(found[0]["sample"]["row"])["loss"] == "3.04859"
    assert "Only losses were observed" in path.read_text()
    assert "confusion" not in data(path)


def test_labels_of_the_user_count_before_those_observed(tmp_path: Path) -> None:
    path = write(run(), tmp_path / "a.html", labels=[1, 1, 1, 0, 0, 0], names=["a", "b"])
    assert cases(path)[0]["given"] == "b"


def test_an_embedding_gives_a_map_and_neighbours(tmp_path: Path) -> None:
    places = np.array([[0.0], [1.0], [2.1], [3.0], [10.0], [11.0]])
    path = write(run(), tmp_path / "a.html", embedding=np.hstack([places] * 5))
    first = cases(path)[0]
    assert [each["sample"]["place"] for each in first["neighbours"]] == ["3", "1", "0"]
    assert [each["label"] for each in first["neighbours"]] == ["1", "0", "0"]
    assert [each["name"] for each in data(path)["map"]["maps"]][-1] == "Embedding"
    across = np.frombuffer(block(path.read_text(), "across1"), "<u2").astype(float)
    assert abs(np.corrcoef(across, places[:, 0])[0, 1]) > 0.999


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((6, 4, 4), np.uint8),
        np.zeros((6, 1, 4, 4), np.float32),
        np.zeros((6, 4, 4, 3), np.uint8),
        torch.zeros(6, 3, 4, 4),
    ],
)
def test_images_of_any_usual_shape_are_shown(tmp_path: Path, images: Any) -> None:
    path = write(run(), tmp_path / "a.html", samples=images)
    assert cases(path)[0]["sample"]["image"].startswith("data:image/png;base64,")


def test_rows_of_a_table_are_shown(tmp_path: Path) -> None:
    frame = pd.DataFrame({"ears": range(6), "name": list("abcdef")})
    path = write(run(), tmp_path / "a.html", samples=frame)
    assert cases(path)[0]["sample"]["row"][:2] == [["ears", "2"], ["name", "c"]]


def test_of_very_many_samples_a_part_is_on_the_map(tmp_path: Path) -> None:
    path = write(run(n=150_000), tmp_path / "a.html")
    told = data(path)["map"]
    assert (told["n"], told["total"]) == (100_000, 150_000)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"labels": [0, 1]}, "labels needs a value for each of the 6 samples of the pacer; got 2."),
        ({"labels": [0.5] * 6}, "labels needs the class of each sample in integers, shape"),
        ({"labels": ["a"] * 6}, "labels needs the class of each sample in integers, shape"),
        ({"labels": [[0]] * 6}, "labels needs the class of each sample in integers, shape"),
        ({"labels": [0, 1, 0, 1, 0, 10**6]}, "labels needs classes from 0 to 9,999, or -1"),
        ({"samples": ["a"]}, "samples needs a value for each of the 6 samples of the pacer; got 1"),
        ({"names": ["a"]}, "names needs a name for each of the 2 classes; got 1."),
        ({"embedding": torch.ones(5, 2)}, "embedding needs a value for each of the 6 samples"),
        ({"embedding": torch.full((6, 2), torch.nan)}, "embedding needs finite numbers of shape"),
        (
            {"embedding": torch.ones(6)},
            r"embedding needs finite numbers of shape \(n, d\); got",
        ),
        ({"samples": np.zeros((6, 2, 5, 5))}, "An image has the shape"),
    ],
)
def test_what_does_not_fit_the_run_is_refused(
    tmp_path: Path, more: dict[str, Any], error: str
) -> None:
    with pytest.raises(ValueError, match=error):
        write(run(), tmp_path / "a.html", **more)
    assert not (tmp_path / "a.html").exists()


def test_a_run_that_has_not_begun_and_a_path_that_cannot_be_are_refused(tmp_path: Path) -> None:
    for pacer in (Pacer(6), Pacer()):
        with pytest.raises(ValueError, match=r"report.write needs a pacer made as Pacer\(len"):
            write(pacer, tmp_path / "a.html")
    with pytest.raises(FileNotFoundError, match="There is no folder .*none for a.html"):
        write(run(), tmp_path / "none" / "a.html")
    with pytest.raises(IsADirectoryError, match="is a folder. Give the name of a file"):
        write(run(), tmp_path)
