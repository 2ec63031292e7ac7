"""Claims about the model in the folder of a run."""

import json
import os
import pickle
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
from safetensors import SafetensorError
from torch import Tensor, nn

from selfpaced import Indexed
from selfpaced.audit import Options, Source, Trained, load, read
from selfpaced.audit._features.fit import fit
from selfpaced.audit._folder import model as module
from selfpaced.audit._folder.files import FILES
from selfpaced.audit._folder.model import read_config, save
from selfpaced.audit._folder.origin import of_code, of_folder
from selfpaced.audit._folder.seal import write_config
from selfpaced.audit._folder.staging import staged
from selfpaced.audit._learning.aims import Classes, Numbers
from selfpaced.audit._learning.batches import Rows
from selfpaced.audit._learning.committee import Committee, Learner
from selfpaced.audit._learning.estimators import Kind, Rounds
from selfpaced.audit._learning.inputs import Inputs
from selfpaced.audit._learning.mixture import Blend
from selfpaced.audit._learning.networks import build
from selfpaced.audit._learning.settings import Settings
from selfpaced.audit._learning.trained import Network
from selfpaced.audit._learning.training import Training
from selfpaced.audit._plain import pack

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
    return read(path, Options(label="kind", use=("coat",)))


def built_of(mixture: Blend, name: str, inputs: Inputs, outputs: int, folds: int = 0) -> Any:
    """Return what is needed to build a model again."""
    shares = None if mixture.shares is None else {k: list(v) for k, v in mixture.shares.items()}
    built = {"network": name, "folds": folds, "shape": list(inputs.dense.shape[1:])}
    return built | {"outputs": outputs, "members": list(mixture.members), "shares": shares}


def trained_of(
    source: Source,
    names: tuple[Any, ...],
    *kinds: Kind,
    network: str | None = None,
    folds: int = 0,
) -> Trained:
    """Train estimators, a network, or both for a few epochs."""
    features, inputs, _ = fit(source)
    labels = torch.tensor([names.index(label) for label in source.labels])
    aim, parts = Classes(len(names)), list[Learner]()
    if kinds:
        parts.append(Rounds(kinds, inputs, labels, aim, Settings(epochs=5)))
    if network is not None:
        torch.manual_seed(0)
        net = build(network, inputs.dense.shape[1:], len(names))
        settings = Settings(epochs=5, batch_size=16, learning_rate=0.01, folds=folds)
        dataset = Indexed(Rows(inputs.dense, labels))
        parts.append(Training(dataset, net, labels, aim, settings))
    committee = Committee(parts, labels)
    committee.run()
    mixture = committee.mixture(Network)
    built = built_of(mixture, network or "mlp", inputs, len(names), folds)
    return Trained(mixture, features, names, (0.0, 1.0), built)


def network_of(source: Source, names: tuple[Any, ...], kind: str = "mlp") -> Trained:
    """Train a network on a source for a few epochs."""
    return trained_of(source, names, network=kind)


def module_of(trained: Trained) -> Any:
    """Return the network of a model."""
    return trained.model.members["network"].module


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a folder with the model of a run on pets."""
    folder = tmp_path / "run"
    folder.mkdir()
    save(network_of(pets(tmp_path), ("cat", "dog")), RUN, folder)
    return folder


ASKED: list[tuple[tuple[Kind, ...], dict[str, Any]]] = [
    ((), {"network": "mlp"}),
    ((), {"network": "mlp", "folds": 3}),
    (("boosting",), {}),
    (("logistic", "kernel", "trees"), {}),
    (("logistic", "boosting"), {"network": "mlp", "folds": 2}),
]


@pytest.mark.parametrize(("kinds", "asked"), ASKED, ids=str)
def test_a_loaded_model_predicts_as_the_saved_one(
    kinds: tuple[Kind, ...], asked: dict[str, Any], tmp_path: Path
) -> None:
    source = pets(tmp_path)
    trained = trained_of(source, ("cat", "dog"), *kinds, **asked)
    save(trained, RUN, tmp_path)
    before = torch.get_rng_state()
    loaded = load(str(tmp_path))
    assert torch.equal(torch.get_rng_state(), before)
    assert set(loaded.model.members) == {*kinds, *["network"] * ("network" in asked)}
    assert loaded.model.shares == trained.model.shares and loaded.built == trained.built
    inputs = loaded.features.inputs(source)
    outputs = loaded.outputs(inputs)
    assert outputs.shape == (80, 2) and outputs.dtype == np.float64
    assert (outputs == trained.outputs(inputs)).all()
    np.testing.assert_allclose(outputs.sum(1), 1, rtol=1e-6)
    table = loaded.predict(source)
    assert list(table.columns) == ["row", "predicted", "confidence"]
    assert table["row"].tolist() == source.where.tolist()
    assert (table["predicted"] == source.labels).mean() > 0.95
    assert (table["confidence"] == outputs.max(1)).all()


def test_a_model_of_texts_is_loaded(tmp_path: Path) -> None:
    lines = [f"{('good', 'awful')[place % 2]} film number {place}" for place in range(60)]
    pd.DataFrame({"said": lines, "kind": ["cat", "dog"] * 30}).to_csv(tmp_path / "a.csv")
    source = read(tmp_path / "a.csv", Options(label="kind", use=("said",)))
    trained = trained_of(source, ("cat", "dog"), "words", "letters", "bayes")
    save(trained, RUN, tmp_path)
    loaded = load(tmp_path)
    assert loaded.predict(source).equals(trained.predict(source))
    assert (loaded.predict(source)["predicted"] == source.labels).mean() > 0.95


@pytest.mark.parametrize(
    ("kinds", "asked", "files"),
    [
        ((), {"network": "mlp"}, {"model.safetensors"}),
        (("logistic",), {}, {"estimators.safetensors"}),
        (
            ("logistic",),
            {"network": "mlp", "folds": 2},
            {"model.safetensors", "estimators.safetensors"},
        ),
    ],
    ids=["network", "estimators", "both"],
)
def test_the_files_of_a_model_are_files_of_a_run(
    tmp_path: Path, kinds: tuple[Kind, ...], asked: dict[str, Any], files: set[str]
) -> None:
    save(trained_of(pets(tmp_path), ("cat", "dog"), *kinds, **asked), RUN, tmp_path)
    written = set(os.listdir(tmp_path)) - {"pets.csv"}
    assert written == {"config.json", "features.safetensors"} | files <= set(FILES)


def test_a_model_that_is_saved_again_gives_the_same_bytes(tmp_path: Path, run: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    save(load(run), dict(reversed(RUN.items())), again)
    assert (again / "model.safetensors").read_bytes() == (run / "model.safetensors").read_bytes()
    config = read_config(run)
    assert read_config(again) | {"files": None} == config | {"files": None}
    assert list(config) == sorted(config)
    assert config["run"] == RUN
    assert config["model"]["built"] == {
        **{"network": "mlp", "folds": 0, "shape": [3], "outputs": 2},
        **{"members": ["network"], "shares": None},
    }
    assert {"python", "torch", "numpy", "scikit-learn"} <= set(config["versions"])


@pytest.mark.parametrize("labels", [(3, 14), (True, False), ("über, alles", '"x"'), (0.5, 1.0)])
def test_names_of_classes_keep_their_type(labels: tuple[Any, Any], tmp_path: Path) -> None:
    source = pets(tmp_path)
    trained = trained_of(source, ("cat", "dog"), "logistic")
    names = tuple(np.array(labels))  # names with NumPy's types
    save(replace(trained, names=names), {}, tmp_path)
    loaded = load(tmp_path)
    assert loaded.names == labels
    assert [type(name) for name in loaded.names] == [type(label) for label in labels]
    assert set(loaded.predict(source)["predicted"].tolist()) == set(labels)


def test_a_name_of_a_class_that_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    trained = trained_of(pets(tmp_path), ("cat", "dog"), "logistic")
    with pytest.raises(TypeError, match="text, numbers or bools to be saved; got b'a'"):
        save(replace(trained, names=(b"a", b"b")), {}, tmp_path)


@pytest.mark.parametrize("kind", ["mlp", "logistic"])
def test_predicted_numbers_have_the_unit_of_the_user(kind: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=200)
    lines = [f"{value},{1000 + 50 * value}" for value in x]
    path = tmp_path / "homes.csv"
    path.write_text("\n".join(["size,price", *lines]) + "\n")
    source = read(path, Options(label="price", numeric=True))
    features, inputs, _ = fit(source)
    given = torch.from_numpy(((source.labels.to_numpy() - 1000) / 50).astype(np.float32))
    part: Learner
    if kind == "mlp":
        torch.manual_seed(0)
        settings = Settings(epochs=15, batch_size=16)
        dataset = Indexed(Rows(inputs.dense, given))
        part = Training(dataset, build("mlp", (1,), 1), given, Numbers(), settings)
    else:
        part = Rounds(["logistic"], inputs, given, Numbers(), Settings(epochs=5))
    part.run()
    mixture = Committee([part], given).mixture(Network)
    built = built_of(mixture, "mlp", inputs, 1)
    save(Trained(mixture, features, None, (1000.0, 50.0), built), {}, tmp_path)
    loaded = load(tmp_path)
    table = loaded.predict(source)
    assert list(table.columns) == ["row", "predicted"]
    assert float(np.abs(table["predicted"] - source.labels).mean()) < 15
    assert (table["predicted"].round(5) == table["predicted"]).all()  # a millionth of the spread
    np.testing.assert_allclose(table["predicted"], loaded.outputs(inputs), atol=1e-5)


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
    trained = network_of(pets(tmp_path), ("cat", "dog"), "pets_model:make")
    save(trained, RUN, tmp_path, {"code": of_code("pets_model:make", Tied(3, 2))})
    return tmp_path


def test_a_network_of_the_user_with_shared_weights_is_loaded(tied: Path) -> None:
    loaded = load(tied, model="pets_model:make")
    network = module_of(loaded)
    assert network.first.weight is network.second.weight and not network.training
    inputs = loaded.features.inputs(pets(tied))
    outputs = loaded.outputs(inputs)
    assert (outputs == loaded.outputs(inputs)).all()  # no dropout
    one = loaded.outputs(Inputs(inputs.dense[:1]))
    np.testing.assert_allclose(outputs[:1], one, rtol=1e-6)  # no batch norm


def test_copies_of_a_network_with_shared_weights_are_loaded(tied: Path) -> None:
    trained = trained_of(pets(tied), ("cat", "dog"), network="pets_model:make", folds=2)
    save(trained, RUN, tied, read_config(tied)["origin"])
    loaded = load(tied, model="pets_model:make")
    for each in module_of(loaded).networks:
        assert each.first.weight is each.second.weight
    inputs = loaded.features.inputs(pets(tied))
    assert (loaded.outputs(inputs) == trained.outputs(inputs)).all()


CHANGED = [
    ("", r"The model pets_model:make cannot be imported: .* no attribute 'make'"),
    ("def make(shape, outputs):\n    return 3\n", "must return a torch module; it returned int"),
    (
        "import torch\ndef make(shape, outputs):\n    return torch.nn.Linear(shape[0], outputs)\n",
        r"config.json: since the run, the code of model=\.\.\. changed, so that the model would "
        r"predict something else. Restore it, or audit again.",
    ),
    (
        "import tied_here\ndef make(shape, outputs):\n    return tied_here.Tied(5, outputs)\n",
        r"since the run, the code of model=\.\.\. changed",
    ),
]


@pytest.mark.parametrize(("body", "said"), CHANGED)
def test_a_factory_that_has_changed_is_refused(
    tied: Path, write_module: WriteModule, body: str, said: str
) -> None:
    write_module("pets_model", body)
    with pytest.raises(ValueError, match=said) as raised:
        load(tied, model="pets_model:make")
    assert "\n" not in str(raised.value)


def test_a_text_model_that_has_changed_is_refused(run: Path, tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.mkdir()
    (words / "config.json").write_text("{}")
    (words / "model.safetensors").write_bytes(b"weights")
    told = RUN | {"text_model": str(words)}
    save(load(run), told, run, {"text_model": of_folder(words)})
    load(run)
    (words / "model.safetensors").write_bytes(b"others!")
    said = r"since the run, the files of text_model=\.\.\. changed, so that the model would predict"
    with pytest.raises(ValueError, match=said):
        load(run)


def test_a_network_of_the_user_is_imported_only_if_the_caller_names_it(tied: Path) -> None:
    sys.modules.pop("pets_model", None)
    said = "to load it runs the code of pets_model:make. If you trust that code, pass model='pets_"
    with pytest.raises(ValueError, match=said):
        load(tied)
    with pytest.raises(ValueError, match="model='os:system' is not the network of the run in"):
        load(tied, model="os:system")
    assert "pets_model" not in sys.modules
    assert load(tied, model="pets_model:make").names == ("cat", "dog")


def test_a_model_is_named_only_for_a_network_of_the_user(run: Path) -> None:
    with pytest.raises(ValueError, match="has no network of your own. Leave out model=..."):
        load(run, model="pets_model:make")


def test_a_pickle_in_the_place_of_a_file_is_not_run(run: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "canary"),)

    for name in ("features.safetensors", "model.safetensors", "estimators.safetensors"):
        (run / name).write_bytes(pickle.dumps(Evil()))
        sealed(run)
        edited(run, lambda c: c["model"]["built"].update(members=["trees", "network"]))
        edited(
            run, lambda c: c["model"]["built"].update(shares={"trees": [1, 1], "network": [1, 1]})
        )
        with pytest.raises(ValueError, match="cannot be read"):
            load(run)
    assert not (tmp_path / "canary").exists()


def test_weights_that_do_not_fit_are_refused_before_memory_is_taken(run: Path) -> None:
    edited(run, lambda c: c["model"]["built"].update(shape=[10**8]))  # 100 GB of weights
    with pytest.raises(ValueError, match="model.safetensors does not fit the network mlp"):
        load(run)


def test_a_model_whose_features_were_swapped_says_so(run: Path, tmp_path: Path) -> None:
    features = pack.read(run / "features.safetensors")
    features.maker.scales = None
    pack.write(features, run / "features.safetensors")
    sealed(run)
    loaded = load(run)
    with pytest.raises(ValueError, match="The model in .*run cannot read these samples .TypeErr"):
        loaded.predict(pets(tmp_path))


def test_a_model_whose_features_are_not_numbers_any_more_says_so_in_one_line(
    tmp_path: Path,
) -> None:
    save(trained_of(pets(tmp_path), ("cat", "dog"), "logistic"), RUN, tmp_path)
    features = pack.read(tmp_path / "features.safetensors")
    features.maker.scales[""].unit[:] = np.nan
    pack.write(features, tmp_path / "features.safetensors")
    sealed(tmp_path)
    with pytest.raises(ValueError, match="cannot read these samples .ValueError: ") as raised:
        load(tmp_path).predict(pets(tmp_path))
    assert "\n" not in str(raised.value)


def test_a_factory_that_was_removed_is_reported(tied: Path) -> None:
    (tied / "pets_model.py").unlink()
    sys.modules.pop("pets_model", None)
    with pytest.raises(ValueError, match="No module named 'pets_model'. Is its folder on PYTHONP"):
        load(tied, model="pets_model:make")


def test_a_state_of_more_than_tensors_is_refused(
    tmp_path: Path, with_text: type[nn.Linear]
) -> None:
    trained = network_of(pets(tmp_path), ("cat", "dog"))
    other = Blend({"network": Network(with_text(4, 2))}, None)
    said = r"more than tensors, \['_extra_state'\]. Remove them from get_extra_state"
    with pytest.raises(ValueError, match=said):
        save(replace(trained, model=other), {}, tmp_path)


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


def cut(folder: Path, name: str, keep: float = 0.5) -> Path:
    """Keep only the first part of a file."""
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: int(len(whole) * keep)])
    return folder


def sealed(folder: Path) -> None:
    """Write config.json with the hashes of the files as they are now."""
    write_config(json.loads((folder / "config.json").read_text()), folder)


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
        lambda f: edited(f, lambda c: c.update(layout=9, selfpaced="9.1")),
        ValueError,
        r"layout 9, of selfpaced 9\.1; selfpaced .* reads layout 5\. Use the version that wrote it",
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
    (
        lambda f: (f / "features.safetensors").unlink(),
        FileNotFoundError,
        "features.safetensors is missing",
    ),
    (
        lambda f: cut(f, "features.safetensors"),
        ValueError,
        "features.safetensors is not the file that the",
    ),
    (
        lambda f: sealed(cut(f, "features.safetensors")),
        ValueError,
        "cannot be read: .* Copy the folder",
    ),
    (
        lambda f: sealed(cut(f, "features.safetensors", 0)),
        ValueError,
        "features.safetensors cannot be read: ",
    ),
    (lambda f: (f / "model.safetensors").unlink(), FileNotFoundError, "Copy the whole folder of"),
    (lambda f: cut(f, "model.safetensors"), ValueError, "model.safetensors is not the file that"),
    (lambda f: sealed(cut(f, "model.safetensors")), ValueError, "model.safetensors is damaged: "),
    (
        lambda f: (f / "estimators.safetensors").touch(),
        ValueError,
        "estimators.safetensors is not the file that the",
    ),
    (
        lambda f: edited(f, lambda c: c["model"]["built"].update(members=["trees"])),
        FileNotFoundError,
        "estimators.safetensors is missing",
    ),
    (
        lambda f: edited(f, lambda c: c["model"]["built"].update(folds=2)),
        ValueError,
        "does not fit the network mlp",
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


def test_a_model_that_is_replaced_while_it_is_read_is_refused(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = pack.read

    def replaced(path: Path) -> Any:
        edited(run, lambda config: config["run"].update(seed=9))
        return read(path)

    monkeypatch.setattr(pack, "read", replaced)
    with pytest.raises(
        ValueError, match="Another run has replaced the files of .* Read them again"
    ):
        load(run)


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
    monkeypatch.setattr(pack, "save_file", full_disk)
    with pytest.raises(OSError, match="The disk is full"), staged(run) as stage:
        save(trained, RUN, stage)
