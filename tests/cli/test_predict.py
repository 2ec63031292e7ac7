"""Claims about ``selfpaced predict``."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from typer.testing import Result

from selfpaced import _files
from selfpaced.audit import Options, Source, Trained, load, read
from selfpaced.audit._features.fit import fit
from selfpaced.audit._folder.model import read_config, save
from selfpaced.audit._folder.origin import of_code
from selfpaced.audit._learning.aims import Classes, Numbers
from selfpaced.audit._learning.estimators import Rounds
from selfpaced.audit._learning.mixture import Blend
from selfpaced.audit._learning.networks import build
from selfpaced.audit._learning.settings import Settings
from selfpaced.audit._learning.trained import Network

Run = Callable[..., Result]
Say = Callable[..., str]

pytestmark = pytest.mark.usefixtures("here")


def kept(source: Source, folder: Path, told: dict[str, Any], scale: float = 1.0) -> Path:
    """Train on a source, and save the run."""
    folder.mkdir()
    features, inputs, _ = fit(source)
    names: tuple[Any, ...] | None
    aim: Classes | Numbers
    if source.numeric:
        labels, names, aim = torch.tensor(source.labels / scale).float(), None, Numbers()
    else:
        codes, known = pd.factorize(source.labels, sort=True)
        labels, names, aim = torch.tensor(codes), tuple(known), Classes(len(known))
    rounds = Rounds(["logistic"], inputs, labels, aim, Settings(epochs=10))
    rounds.run()
    found = rounds.model.shares
    built: dict[str, Any] = {"network": "mlp", "folds": 0, "shape": [*inputs.dense.shape[1:]]}
    built |= {"outputs": aim.outputs, "members": ["logistic"]}
    built |= {"shares": None if found is None else {"logistic": [*found["logistic"]]}}
    save(Trained(rounds.model, features, names, (0.0, scale), built), told, folder)
    return folder


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Return the folder of a run on a table of pets."""
    lines = [f"{place / 10 + 9 * (place % 2)},{place},{'cd'[place % 2]}" for place in range(60)]
    path = tmp_path / "pets.csv"
    path.write_text("\n".join(["ears,id,kind", *lines]) + "\n")
    source = read(path, Options(label="kind", ignore=("id",)))
    options = {"label": "kind", "labels": None, "ignore": ["id"], "use": [], "side": None}
    return kept(source, tmp_path / "run", {"options": options, "text_model": None})


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Return a table of new pets without labels."""
    path = tmp_path / "new.csv"
    path.write_text("ears,name\n-3,Tom [b]\n19,Rex\n18,Bo\n")
    return path


def test_new_samples_get_a_label_each(done: Say, pets: Path, new: Path) -> None:
    said = done("predict", pets, new)
    table = pd.read_csv("predictions.csv")
    assert list(table.columns) == ["row", "predicted", "confidence", "ears", "name"]
    assert table["name"].tolist() == pd.read_csv(new)["name"].tolist()
    assert table["row"].tolist() == [1, 2, 3]
    assert table["predicted"].tolist() == ["c", "d", "d"]
    assert table["confidence"].between(0.5, 1).all()
    lines = said.splitlines()
    assert lines[0] == "new.csv: 3 samples, predicted d 2, c 1"
    assert "Tom [b]" in said and "confidence" in said
    assert lines[-1] == "predictions.csv  all predictions"


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Return a table of new pets: every tenth label is wrong, one is missing, one is unknown."""
    kinds = ["cd"[(place + (place % 10 == 0)) % 2] for place in range(100)]
    kinds[1], kinds[2] = "", "eel"
    lines = [f"{kind},{place / 20 + 9 * (place % 2)}" for place, kind in enumerate(kinds)]
    path = tmp_path / "labelled.csv"
    path.write_text("\n".join(["kind,ears", *lines]) + "\n")
    return path


def test_labels_of_new_samples_are_judged(done: Say, pets: Path, labelled: Path) -> None:
    said = done("predict", pets, labelled)
    table = pd.read_csv("predictions.csv")
    assert list(table.columns)[:5] == ["row", "predicted", "confidence", "given", "probability"]
    own = list(pd.read_csv(labelled).columns)
    assert list(table.columns)[5:] == own
    wrong = table["probability"] > 0.5
    assert (table["row"][wrong] - 1).tolist() == list(range(0, 100, 10))
    assert table["probability"].isna().to_numpy().nonzero()[0].tolist() == [1, 2]
    assert "10 of 98 labels are probably wrong (10.2%)." in said
    told = json.loads(done("predict", pets, labelled, "--json", "--force"))
    assert (told["labels"], told["suspects"]) == (98, 10)
    assert told["wrong"]["low"] <= 10 <= told["wrong"]["high"]


def test_the_samples_of_the_run_are_not_judged_again(done: Say, pets: Path, tmp_path: Path) -> None:
    told = json.loads((pets / "config.json").read_text())
    told["run"]["path"] = str(tmp_path / "pets.csv")
    (pets / "config.json").write_text(json.dumps(told))
    done("predict", pets, tmp_path / "pets.csv")
    assert "probability" not in pd.read_csv("predictions.csv")


def test_only_the_first_rows_are_shown(done: Say, pets: Path, tmp_path: Path) -> None:
    many = tmp_path / "many.csv"
    many.write_text("ears\n" + "\n".join(f"{place}.125" for place in range(30)) + "\n")
    said = done("predict", pets, many, "-o", "out.csv")
    assert "9.125" in said and "10.125" not in said
    assert len(pd.read_csv("out.csv")) == 30


def test_notes_are_printed(done: Say, pets: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.csv"
    torn.write_text("ears\n" + "1\n" * 40 + "1,2,3\n")
    said = done("predict", pets, torn)
    assert "1 row could not be read and is left out (line 42)" in said
    assert len(pd.read_csv("predictions.csv")) == 40


def test_json_is_all_that_is_printed(done: Say, pets: Path, new: Path) -> None:
    assert json.loads(done("predict", pets, new, "--json")) == {
        "output": "predictions.csv",
        "samples": 3,
        "notes": [],
        "predicted": {"d": 2, "c": 1},
    }
    assert Path("predictions.csv").exists()


def test_quiet_prints_nothing(done: Say, pets: Path, new: Path) -> None:
    assert done("predict", pets, new, "--quiet") == ""
    assert Path("predictions.csv").exists()


def test_numbers_are_predicted(done: Say, tmp_path: Path) -> None:
    path = tmp_path / "homes.csv"
    path.write_text("size,price\n" + "\n".join(f"{n + 0.5},{300 * n}.5" for n in range(50)) + "\n")
    source = read(path, Options(label="price"))
    told = {"options": {"label": "price"}, "text_model": None}
    folder = kept(source, tmp_path / "run", told, scale=1000.0)
    assert "50 samples, predicted from " in done("predict", folder, path)
    table = pd.read_csv("predictions.csv")
    assert list(table.columns) == ["row", "predicted", "size", "price"]
    assert float((table["predicted"] - source.labels).abs().max()) < 500
    told = json.loads(done("predict", folder, path, "--json", "--force"))
    assert told["lowest"] == table["predicted"].min() and "predicted" not in told


def test_images_get_the_size_of_the_run(done: Say, tmp_path: Path) -> None:
    for shade in ("dark", "light"):
        (tmp_path / "shades" / shade).mkdir(parents=True)
        for place in range(10):
            image = Image.new("L", (12, 8), place + 200 * (shade == "light"))
            image.save(tmp_path / "shades" / shade / f"{place}.png")
    source = read(tmp_path / "shades", Options(side=9))
    folder = kept(source, tmp_path / "run", {"options": {"label": None, "side": None}})
    (tmp_path / "new").mkdir()
    Image.new("L", (30, 20), 190).save(tmp_path / "new" / "a.png")
    done("predict", folder, "new")
    assert Path("predictions.csv").read_text().splitlines()[1].startswith("a.png,light,")


def test_one_image_is_predicted_in_one_line(
    done: Say, refused: Say, pets: Path, tmp_path: Path
) -> None:
    for shade in ("[dark]", "light"):
        (tmp_path / "shades" / shade).mkdir(parents=True)
        for place in range(10):
            image = Image.new("L", (12, 8), place + 200 * (shade == "light"))
            image.save(tmp_path / "shades" / shade / f"{place}.png")
    source = read(tmp_path / "shades", Options(side=9))
    folder = kept(source, tmp_path / "images", {"options": {"label": None, "side": None}})
    Image.new("L", (30, 20), 190).save("one.png")
    said = done("predict", folder, "one.png")
    assert re.fullmatch(r"one.png: light \(light \d+.\d%, \[dark\] \d+.\d%\)\n", said)
    assert not Path("predictions.csv").exists()
    told = json.loads(done("predict", folder, "one.png", "--json"))
    assert (told["output"], told["samples"], told["predicted"]) == (None, 1, {"light": 1})
    assert sum(told["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert "told.csv  all predictions" in done("predict", folder, "one.png", "-o", "told.csv")
    assert Path("told.csv").read_text().splitlines()[1].startswith("one.png,light,")
    Path("two.png").write_text("no image")
    assert "none of 1 image can be read" in refused("predict", folder, "two.png")
    assert "got 'images'. Give one of the same kind" in refused("predict", pets, "one.png")
    assert "one.png: .png cannot be read" in refused("audit", "one.png")


def test_columns_of_the_user_keep_their_names_and_values(
    done: Say, pets: Path, tmp_path: Path
) -> None:
    Path("own.csv").write_text("ears,name,predicted,row\n9.5,007,=1+1,a\n0.5,,b,c\n")
    done("predict", pets, "own.csv")
    lines = Path("predictions.csv").read_text().splitlines()
    assert lines[0] == "selfpaced_row,selfpaced_predicted,confidence,ears,name,predicted,row"
    assert lines[1].startswith("1,d,") and lines[1].endswith(",9.5,007,=1+1,a")
    assert lines[2].endswith(",0.5,,b,c")


def test_arrays_need_no_labels(done: Say, tmp_path: Path) -> None:
    x = np.arange(60.0)[:, None] % 2 + np.linspace(0, 0.1, 60)[:, None]
    np.save("x.npy", x)
    np.save("y.npy", np.arange(60) % 2)
    source = read(Path("x.npy"), Options(labels=Path("y.npy")))
    folder = kept(source, tmp_path / "run", {"options": {"label": None, "labels": "y.npy"}})
    done("predict", folder, "x.npy", "--quiet")
    table = pd.read_csv("predictions.csv")
    assert table["index"].tolist() == list(range(60))
    assert (table["predicted"] == np.arange(60) % 2).all()


def test_a_file_is_replaced_only_with_force(done: Say, refused: Say, pets: Path, new: Path) -> None:
    output = Path("predictions.csv")
    output.write_text("mine")
    assert refused("predict", pets, new) == (
        "predictions.csv exists. Choose another name, or pass --force."
    )
    assert output.read_text() == "mine"
    done("predict", pets, new, "--force")
    assert output.read_text().startswith("row,predicted,confidence,ears,name\n1,c,")


def test_the_data_is_never_replaced(refused: Say, pets: Path, new: Path) -> None:
    before = new.read_text()
    said = refused("predict", pets, new, "-o", f"../{new.parent.name}/new.csv", "--force")
    assert "is the data itself, which is never changed" in said
    assert new.read_text() == before


def test_a_missing_column_is_an_error(refused: Say, pets: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("ear,name\n3,Tom\n")
    assert refused("predict", pets, other) == (
        f"{other} lacks a column that the model was trained on: no column 'ears'. Did you "
        f"mean 'ear'? The columns are ear, name."
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("runn", "new.csv"), "There is no folder runn. Check the name."),
        (("run", "knew.csv"), "There is no file or folder knew.csv"),
        (("run", "new.csv", "-o", "no/such.csv"), "there is no folder no. Make it first."),
        (("run", "new.csv", "-o", "run"), "run is a folder. Give the name of a file."),
        (("run", "new.csv", "--json", "--quiet"), "Choose --json or --quiet; got both."),
    ],
)
def test_missing_files_and_wrong_outputs_are_one_line(
    refused: Say, pets: Path, new: Path, words: tuple[str, ...], said: str
) -> None:
    assert said in refused("predict", *words)
    assert not Path("predictions.csv").exists()


def test_a_missing_text_model_is_an_error(refused: Say, pets: Path, new: Path) -> None:
    config = json.loads((pets / "config.json").read_text())
    config["run"]["text_model"] = "bert"
    (pets / "config.json").write_text(json.dumps(config))
    assert "transformers model in bert, which does not exist. Restore it" in refused(
        "predict", pets, new
    )


def test_a_full_disk_leaves_nothing(
    refused: Say, pets: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files, "sync", full)
    assert refused("predict", pets, new) == (
        "--output: predictions.csv cannot be written: No space left on device. Nothing was written."
    )
    assert not list(Path().glob("*predictions*"))


def test_a_network_of_the_user_is_named_with_model(
    done: Say, refused: Say, pets: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "from torch import nn\n\ndef make(shape, n):\n    return nn.Linear(*shape, n)\n"
    Path("nets_here.py").write_text(body)
    monkeypatch.syspath_prepend(str(Path.cwd()))
    trained, told = load(pets), read_config(pets)["run"]
    built = trained.built | {"network": "nets_here:make", "members": ["network"], "shares": None}
    module = build("nets_here:make", tuple(built["shape"]), 2)
    made = replace(trained, model=Blend({"network": Network(module)}, None), built=built)
    save(made, told, pets, {"code": of_code("nets_here:make", module)})
    del sys.modules["nets_here"]
    said = refused("predict", pets, new)
    assert (
        "to load it runs the code of nets_here:make. If you trust that code, pass --model" in said
    )
    assert "nets_here" not in sys.modules
    assert "os:system is not the network" in refused("predict", pets, new, "--model", "os:system")
    assert "new.csv" in done("predict", pets, new, "--model", "nets_here:make")
    del sys.modules["nets_here"]


def test_debug_raises_the_error(run: Run, pets: Path) -> None:
    result = run("predict", pets, "knew.csv", "--debug")
    assert isinstance(result.exception, FileNotFoundError)


def test_labels_are_judged_as_they_are_written(done: Say, pets: Path, labelled: Path) -> None:
    table = pd.read_csv(labelled)
    table["kind"] = table["kind"].fillna(" C ")
    table.to_csv(labelled, index=False)
    said = done("predict", pets, labelled)
    assert pd.read_csv("predictions.csv")["given"].iloc[1] == "c"
    assert "1 label is no class of the run, and is not judged." in said
