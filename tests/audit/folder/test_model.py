"""Claims about the model in the folder of a run."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor, nn

from selfpaced import Indexed
from selfpaced.audit import Options, Source, Trained, load, read
from selfpaced.audit._features.fit import fit
from selfpaced.audit._folder import model as module
from selfpaced.audit._folder.files import FILES, staged
from selfpaced.audit._folder.model import read_config, save
from selfpaced.audit._learning.aims import Classes, Numbers
from selfpaced.audit._learning.batches import Rows
from selfpaced.audit._learning.estimators import Name, Rounds
from selfpaced.audit._learning.networks import build
from selfpaced.audit._learning.training import Settings, Training

WriteModule = Callable[[str, str], None]

# How to read samples without labels.
NEW = Options(known=False)
# The section "run" of config.json.
RUN = {"options": {"label": "kind"}, "seed": 7}


def pets(folder: Path, labels: tuple[object, object] = ("cat", "dog")) -> Source:
    """Read a table in which a number, with gaps, and a category tell two kinds apart."""
    random = np.random.default_rng(0)
    lines = ["ears,coat,kind"]
    for place in range(80):
        dog = place % 2
        ears = "" if place % 20 == 0 else f"{random.normal() + 8 * dog:.2f}"
        lines.append(f"{ears},{('soft', 'wiry')[dog]},{labels[dog]}")
    path = folder / "pets.csv"
    path.write_text("\n".join(lines) + "\n")
    return read(path, Options(label="kind"))


def network_of(source: Source, names: tuple[Any, ...], kind: str = "mlp") -> Trained:
    """Train a network on a source for a few epochs."""
    features, rows, _ = fit(source)
    labels = torch.tensor([names.index(label) for label in source.labels])
    built = {"network": kind, "shape": list(rows.shape[1:]), "outputs": len(names)}
    torch.manual_seed(0)
    network = build(kind, rows.shape[1:], len(names))
    aim, settings = Classes(len(names)), Settings(epochs=5, batch_size=16, learning_rate=0.01)
    Training(Indexed(Rows(rows, labels)), network, labels, aim, settings).run()
    return Trained(network, features, names, (0.0, 1.0), built)


def estimator_of(source: Source, name: Name, names: tuple[Any, ...]) -> Trained:
    """Train an estimator on a source."""
    features, rows, _ = fit(source)
    labels = torch.tensor([names.index(label) for label in source.labels])
    rounds = Rounds(name, rows, labels, Classes(len(names)), Settings(epochs=5))
    rounds.run()
    built = {"network": name, "shape": list(rows.shape[1:]), "outputs": len(names)}
    return Trained(rounds.model, features, names, (0.0, 1.0), built)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a folder with the model of a run on pets."""
    folder = tmp_path / "run"
    folder.mkdir()
    save(network_of(pets(tmp_path), ("cat", "dog")), RUN, folder)
    return folder


@pytest.mark.parametrize("kind", ["mlp", "hgb", "logistic"])
def test_a_loaded_model_predicts_as_the_saved_one(kind: str, tmp_path: Path) -> None:
    source, names = pets(tmp_path), ("cat", "dog")
    if kind == "mlp":
        trained = network_of(source, names)
    else:
        trained = estimator_of(source, "hgb" if kind == "hgb" else "logistic", names)
    save(trained, RUN, tmp_path)
    before = torch.get_rng_state()
    loaded = load(str(tmp_path))
    assert torch.equal(torch.get_rng_state(), before)
    rows = loaded.features.transform(source)
    outputs = loaded.outputs(rows)
    assert outputs.shape == (80, 2) and outputs.dtype == np.float64
    assert (outputs == trained.outputs(rows)).all()
    np.testing.assert_allclose(outputs.sum(1), 1, rtol=1e-6)
    table = loaded.predict(source)
    assert list(table.columns) == ["row", "predicted", "confidence"]
    assert table["row"].tolist() == source.where.tolist()
    assert (table["predicted"] == source.labels).mean() > 0.95
    assert (table["confidence"] == outputs.max(1)).all()


def test_the_files_of_a_model_are_files_of_a_run(tmp_path: Path) -> None:
    source, names = pets(tmp_path), ("cat", "dog")
    for trained in (network_of(source, names), estimator_of(source, "logistic", names)):
        save(trained, RUN, tmp_path)
    assert set(os.listdir(tmp_path)) - {"pets.csv"} == {
        "config.json", "features.joblib", "model.joblib", "model.safetensors"
    }  # fmt: skip
    assert set(os.listdir(tmp_path)) - {"pets.csv"} <= set(FILES)


def test_a_model_that_is_saved_again_gives_the_same_bytes(tmp_path: Path, run: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    save(load(run), dict(reversed(RUN.items())), again)
    for name in ("config.json", "model.safetensors"):
        assert (again / name).read_bytes() == (run / name).read_bytes()
    config = read_config(run)
    assert list(config) == sorted(config)
    assert config["run"] == RUN
    assert config["model"]["built"] == {"network": "mlp", "shape": [3], "outputs": 2}
    assert {"python", "torch", "numpy", "scikit-learn"} <= set(config["versions"])


@pytest.mark.parametrize("labels", [(3, 14), (True, False), ("über, alles", '"x"'), (0.5, 1.0)])
def test_names_of_classes_keep_their_type(labels: tuple[Any, Any], tmp_path: Path) -> None:
    source = pets(tmp_path)
    codes = (source.labels == "dog").astype(int)
    features, rows, _ = fit(source)
    rounds = Rounds("logistic", rows, torch.tensor(codes), Classes(2), Settings(epochs=5))
    rounds.run()
    names = tuple(np.array(labels))  # names with NumPy's types
    built = {"network": "logistic", "shape": [3], "outputs": 2}
    save(Trained(rounds.model, features, names, (0.0, 1.0), built), {}, tmp_path)
    loaded = load(tmp_path)
    assert loaded.names == labels
    assert [type(name) for name in loaded.names] == [type(label) for label in labels]
    assert set(loaded.predict(source)["predicted"].tolist()) == set(labels)


def test_a_name_of_a_class_that_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    trained = estimator_of(pets(tmp_path), "logistic", ("cat", "dog"))
    other = Trained(trained.network, trained.features, (b"a", b"b"), (0, 1), trained.built)
    with pytest.raises(TypeError, match="text, numbers or bools to be saved; got b'a'"):
        save(other, {}, tmp_path)


@pytest.mark.parametrize("kind", ["mlp", "logistic"])
def test_predicted_numbers_have_the_unit_of_the_user(kind: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=200)
    lines = [f"{value},{1000 + 50 * value}" for value in x]
    path = tmp_path / "homes.csv"
    path.write_text("\n".join(["size,price", *lines]) + "\n")
    source = read(path, Options(label="price", numeric=True))
    features, rows, _ = fit(source)
    given = torch.from_numpy(((source.labels.to_numpy() - 1000) / 50).astype(np.float32))
    built: dict[str, Any] = {"network": kind, "shape": [1], "outputs": 1}
    if kind == "mlp":
        torch.manual_seed(0)
        network: Any = build("mlp", (1,), 1)
        settings = Settings(epochs=15, batch_size=16)
        Training(Indexed(Rows(rows, given)), network, given, Numbers(), settings).run()
    else:
        rounds = Rounds("logistic", rows, given, Numbers(), Settings(epochs=5))
        rounds.run()
        network = rounds.model
    save(Trained(network, features, None, (1000.0, 50.0), built), {}, tmp_path)
    loaded = load(tmp_path)
    table = loaded.predict(source)
    assert list(table.columns) == ["row", "predicted"]
    assert float(np.abs(table["predicted"] - source.labels).mean()) < 15
    assert (table["predicted"].round(5) == table["predicted"]).all()  # a millionth of the spread
    np.testing.assert_allclose(table["predicted"], loaded.outputs(rows), atol=1e-5)


class Tied(nn.Module):
    """A network with two layers that share their weights, batch normalisation and dropout."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(features, features), nn.Linear(features, features)
        self.second.weight = self.first.weight
        self.more = nn.Sequential(nn.BatchNorm1d(features), nn.Dropout(0.5))
        self.last = nn.Linear(features, outputs)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(self.more(self.second(self.first(x))))
        return out


@pytest.fixture
def tied(tmp_path: Path, write_module: WriteModule, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a run of a network of the user whose layers share weights."""
    monkeypatch.setitem(sys.modules, "tied_here", sys.modules[__name__])
    body = "import tied_here\ndef make(shape, n):\n    return tied_here.Tied(*shape, n)\n"
    write_module("pets_model", body)
    save(network_of(pets(tmp_path), ("cat", "dog"), "pets_model:make"), RUN, tmp_path)
    return tmp_path


def test_a_network_of_the_user_with_shared_weights_is_loaded(tied: Path) -> None:
    loaded = load(tied)
    assert loaded.network.first.weight is loaded.network.second.weight
    assert not loaded.network.training
    rows = loaded.features.transform(pets(tied))
    outputs = loaded.outputs(rows)
    assert (outputs == loaded.outputs(rows)).all()  # no dropout
    np.testing.assert_allclose(outputs[:1], loaded.outputs(rows[:1]), rtol=1e-6)  # no batch norm


CHANGED = [
    ("", r"The model pets_model:make cannot be imported: .* no attribute 'make'"),
    ("def make(shape, outputs):\n    return 3\n", "must return a torch module; it returned int"),
    (
        "import torch\ndef make(shape, outputs):\n    return torch.nn.Linear(shape[0], outputs)\n",
        "does not fit the network pets_model:make, which has changed since the run. Restore the "
        "code of the network. .* Missing key",
    ),
    (
        "import tied_here\ndef make(shape, outputs):\n    return tied_here.Tied(5, outputs)\n",
        "does not fit the network .* size mismatch",
    ),
]


@pytest.mark.parametrize(("body", "said"), CHANGED)
def test_a_factory_that_has_changed_is_refused(
    tied: Path, write_module: WriteModule, body: str, said: str
) -> None:
    write_module("pets_model", body)
    with pytest.raises(ValueError, match=said) as raised:
        load(tied)
    assert "\n" not in str(raised.value)


def test_a_factory_that_was_removed_is_reported(tied: Path) -> None:
    (tied / "pets_model.py").unlink()
    sys.modules.pop("pets_model", None)
    with pytest.raises(ValueError, match="No module named 'pets_model'. Is its folder on PYTHONP"):
        load(tied)


def test_a_state_of_more_than_tensors_is_refused(
    tmp_path: Path, with_text: type[nn.Linear]
) -> None:
    trained = network_of(pets(tmp_path), ("cat", "dog"))
    other = Trained(with_text(4, 2), trained.features, trained.names, (0, 1), trained.built)
    said = r"more than tensors, \['_extra_state'\]. Remove them from get_extra_state"
    with pytest.raises(ValueError, match=said):
        save(other, {}, tmp_path)


def images(folder: Path, size: tuple[int, int], mode: str = "L") -> Path:
    """Write a folder of twelve dark and twelve bright images."""
    for bright in range(2):
        (folder / f"{bright}").mkdir(parents=True, exist_ok=True)
        for place in range(12):
            shade = 20 + 180 * bright + place
            picture = Image.new("L", size, shade).convert(mode)
            picture.save(folder / f"{bright}" / f"{place}.png")
    return folder


def test_predictions_of_images_name_their_files(tmp_path: Path) -> None:
    source = read(images(tmp_path / "shades", (8, 9)))
    save(network_of(source, ("0", "1"), "cnn"), RUN, tmp_path)
    loaded = load(tmp_path)
    table = loaded.predict(read(tmp_path / "shades", NEW))
    assert table["file"].tolist()[:2] == ["0/0.png", "0/1.png"]
    assert table["predicted"].isin(["0", "1"]).all()
    for name, size, mode, said in (
        ("wide", (9, 9), "L", r"of 8 x 9 pixels, grey; those of .*wide are 9 x 9 pixels, grey"),
        ("bright", (8, 9), "RGB", r"grey; those of .*bright are 8 x 9 pixels, in colour. Convert"),
    ):
        other = read(images(tmp_path / name, size, mode), NEW)
        with pytest.raises(ValueError, match=said):
            loaded.predict(other)


def test_a_missing_column_is_reported_with_the_nearest_name(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("Ears,coat,more\n1,soft,x\n")
    with pytest.raises(ValueError) as raised:
        load(run).predict(read(path, NEW))
    assert str(raised.value) == (
        f"{path} lacks a column that the model was trained on: no column 'ears'. Did you mean "
        f"'Ears'? The columns are Ears, coat, more."
    )


def test_additional_columns_are_ignored(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("more,coat,ears,kind\n7,soft,0.1,dog\n8,wiry,8,dog\n9,hairy,,\n")
    table = load(run).predict(read(path, NEW))
    assert table["predicted"].tolist()[:2] == ["cat", "dog"] and len(table) == 3


def test_another_kind_of_data_is_refused(run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "new.npy", np.zeros((3, 4)))
    with pytest.raises(ValueError, match="a source of kind 'table'; got 'array'"):
        load(run).predict(read(tmp_path / "new.npy", NEW))


def edited(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change config.json."""
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


def cut(folder: Path, name: str, keep: float = 0.5) -> None:
    """Keep only the first part of a file."""
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: int(len(whole) * keep)])


BROKEN: list[tuple[Callable[[Path], object], type[Exception], str]] = [
    (lambda f: (f / "config.json").unlink(), FileNotFoundError, "no run has ended there. Give a"),
    (
        lambda f: (f / "config.json").rename(f / "checkpoint.pt"),
        FileNotFoundError,
        "holds no config.json: no run has ended there. Its audit was stopped: go on with resume",
    ),
    (lambda f: cut(f, "config.json"), ValueError, "config.json is damaged: .* Copy the folder"),
    (
        lambda f: (f / "config.json").write_text("[]"),
        ValueError,
        "config.json is not the config.json of a run",
    ),
    (
        lambda f: edited(f, lambda c: c.update(layout=4, selfpaced="9.1")),
        ValueError,
        r"layout 4, of selfpaced 9\.1; selfpaced .* reads layout 3\. Use the version that wrote it",
    ),
    (lambda f: edited(f, lambda c: c.pop("run")), ValueError, r"it lacks \['run'\]"),
    (lambda f: edited(f, lambda c: c["model"].pop("names")), ValueError, r"it lacks \['names'\]"),
    (
        lambda f: edited(f, lambda c: c.update(run=None)),
        ValueError,
        "damaged: run is not an object",
    ),
    (
        lambda f: edited(f, lambda c: c["model"].update(built=None)),
        ValueError,
        "config.json is damaged: built is not an object",
    ),
    (lambda f: (f / "features.joblib").unlink(), FileNotFoundError, "features.joblib is missing"),
    (lambda f: cut(f, "features.joblib"), ValueError, "features.joblib cannot be read: .* damaged"),
    (lambda f: cut(f, "features.joblib", 0), ValueError, "features.joblib cannot be read: "),
    (lambda f: (f / "model.safetensors").unlink(), FileNotFoundError, "Copy the whole folder of"),
    (lambda f: cut(f, "model.safetensors"), ValueError, "model.safetensors is damaged: "),
    (
        lambda f: edited(f, lambda c: c["model"]["built"].update(network="hgb")),
        FileNotFoundError,
        "model.joblib is missing",
    ),
]


@pytest.mark.parametrize(("harm", "kind", "said"), BROKEN)
def test_a_run_that_is_damaged_or_incomplete_is_refused(
    run: Path, harm: Callable[[Path], object], kind: type[Exception], said: str
) -> None:
    harm(run)
    with pytest.raises(kind, match=said) as raised:
        load(run)
    assert "\n" not in str(raised.value)


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="There is no folder .*runn. Check the name"):
        load(tmp_path / "runn")


def test_load_warns_once_about_another_version_of_scikit_learn(run: Path) -> None:
    edited(run, lambda config: config["versions"].update({"scikit-learn": "1.6.0"}))
    said = "written with scikit-learn 1.6.0, and version .* is installed"
    with pytest.warns(UserWarning, match=said) as warned:
        load(run)
    assert len(warned) == 1


def test_a_full_disk_leaves_the_earlier_model(
    run: Path, full_disk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_for_safetensors(*_: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device")

    trained = load(run)
    monkeypatch.setattr(module, "save_model", full_for_safetensors)
    with pytest.raises(OSError, match="The disk is full"), staged(run) as stage:
        save(trained, RUN, stage)
    assert load(run).names == ("cat", "dog")
    monkeypatch.undo()
    monkeypatch.setattr(joblib, "dump", full_disk)
    with pytest.raises(OSError, match="The disk is full"), staged(run) as stage:
        save(trained, RUN, stage)
