"""The model in the folder of a run: how it is saved, and how it is loaded again."""

import platform
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_model, save_model
from torch import Tensor, nn

from selfpaced._errors import require
from selfpaced._version import __version__
from selfpaced.audit._features.fit import Features
from selfpaced.audit._folder.config import LAYOUT, NETWORK, read_config
from selfpaced.audit._folder.files import CONFIG, ESTIMATOR, FEATURES, WEIGHTS
from selfpaced.audit._folder.origin import of_code, of_folder, require_same, versions
from selfpaced.audit._folder.seal import MODEL, require_file, unbroken, write_config
from selfpaced.audit._learning.ensembles import Ensemble
from selfpaced.audit._learning.mixture import Blend, Share
from selfpaced.audit._learning.networks import BUILT_IN, Copies, build
from selfpaced.audit._learning.trained import Network, Trained
from selfpaced.audit._plain import pack

__all__ = ["Trained", "load", "read_config", "save"]

# What can be done about a damaged file.
COPY = "Copy the folder again."
# The origin of a model that was not made by a run.
NOTHING: Mapping[str, str] = MappingProxyType({})


def save(
    trained: Trained, run: dict[str, Any], folder: Path, origin: Mapping[str, str] = NOTHING
) -> None:
    """Write the model, its features and config.json into a folder.

    Args:
        trained: The model.
        run: The settings of the run, as values that JSON can hold; the section "run" of
            config.json.
        folder: A folder that exists; files with the same names are replaced.
        origin: What the run is made from; see ``origin.py``.

    Raises:
        ValueError: For a network whose state holds more than tensors.
        TypeError: For names of classes that JSON cannot hold.
        OSError, SafetensorError: If the disk is full.
    """
    names = None if trained.names is None else [_plain(name) for name in trained.names]
    config = {
        "layout": LAYOUT,
        "model": {"built": trained.built, "names": names, "scale": list(trained.scale)},
        "run": run,
        "selfpaced": __version__,
        "origin": dict(origin),
        "versions": versions() | {"python": platform.python_version()},
    }
    members = dict(trained.model.members)
    network = members.pop(NETWORK, None)
    if network is not None:
        require_tensors(network.module)
        save_model(network.module, str(folder / WEIGHTS))
    if members:
        pack.write(members, folder / ESTIMATOR)
    pack.write(trained.features, folder / FEATURES)
    write_config(config, folder)


def require_tensors(network: nn.Module) -> None:
    """Raise for a network whose state holds more than tensors: it could not be saved."""
    others = [k for k, v in network.state_dict().items() if not isinstance(v, Tensor)]
    require(
        not others,
        f"The network cannot be saved: its state holds more than tensors, {others}. Remove them "
        f"from get_extra_state.",
    )


def load(folder: str | Path, *, model: str | None = None) -> Trained:
    r"""Load the model of a finished run, onto a GPU if there is one.

    No file of the folder can run code: the model is stored as numbers and text. Only a network of
    your own is code, and it is imported only if you name it here.

    Args:
        folder: The folder that ``selfpaced audit`` wrote.
        model: ``package.module:factory`` of the network of the run, if it is one of your own.

    Raises:
        FileNotFoundError: If the folder is missing, holds no finished run, or lacks a file.
        ValueError: For a damaged file, for a run of another version, for a network of your own that
            ``model`` does not name, and for one that cannot be built any more or does not match its
            weights.

    ::

        model = load("run/")
        source = read(Path("new.csv"), Options(known=False))
        model.predict(source)["predicted"]
    """
    folder = Path(folder)
    config = read_config(folder)
    told, before = config["model"], config["versions"].get("scikit-learn")
    built = told["built"]
    _require_named(folder, built, model)
    if before != version("scikit-learn"):
        warnings.warn(
            f"{folder} was written with scikit-learn {before}, and version "
            f"{version('scikit-learn')} is installed: the predictions may differ.",
            stacklevel=2,
        )
    with unbroken(folder, config, MODEL):
        features = _read(folder / FEATURES)
        members = _members(folder, config)
        _require_text_model(folder, config)
    require(isinstance(features, Features), f"{folder / FEATURES} holds no features. {COPY}")
    shares = built["shares"] and {kind: Share(*share) for kind, share in built["shares"].items()}
    names = None if told["names"] is None else tuple(told["names"])
    center, spread = told["scale"]
    return Trained(Blend(members, shares), features, names, (center, spread), built, folder)


def _require_named(folder: Path, built: dict[str, Any], model: str | None) -> None:
    """Raise unless the caller has named the network of the run, where it is code of the user."""
    name = built["network"]
    own = NETWORK in built["members"] and name not in BUILT_IN
    require(
        own or model is None,
        f"The run in {folder} has no network of your own. Leave out model=....",
    )
    require(
        not own or model is not None,
        f"{folder} has a network of your own: to load it runs the code of {name}. If you trust "
        f"that code, pass model={name!r}.",
    )
    require(
        not own or model == name,
        f"model={model!r} is not the network of the run in {folder}: that is {name}.",
    )


def _require_text_model(folder: Path, config: dict[str, Any]) -> None:
    """Raise if the transformers model that read the text of a run is another one now."""
    place = config["run"].get("text_model")
    # The reader of text tells if it is gone; another folder may hold any number of files.
    if place is not None and (Path(place) / "config.json").is_file():
        now = {"text_model": of_folder(Path(place))}
        require_same(folder / CONFIG, config["origin"], now)


def _members(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Read the members of the mixture."""
    built = config["model"]["built"]
    kinds = set(built["members"]) - {NETWORK}
    members = _read(folder / ESTIMATOR) if kinds else {}
    alike = isinstance(members, dict) and set(members) == kinds
    alike = alike and all(type(one) is Ensemble and one.kind == k for k, one in members.items())
    require(alike, f"{folder / ESTIMATOR} does not hold the models of {CONFIG}. {COPY}")
    if NETWORK in built["members"]:
        members |= {NETWORK: Network(_network(folder, config))}
    return dict(members)


def _read(path: Path) -> Any:
    """Read a file of plain data."""
    require_file(path)
    try:
        return pack.read(path)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read: {error}. {COPY}") from error


def _network(folder: Path, config: dict[str, Any]) -> nn.Module:
    """Build the network again, and load its weights."""
    path, built = folder / WEIGHTS, config["model"]["built"]
    require_file(path)
    try:
        if built["network"] in BUILT_IN:
            _require_weights(path, built)
        with torch.random.fork_rng(devices=[]):
            network = build(built["network"], tuple(built["shape"]), built["outputs"])
            if built["network"] not in BUILT_IN:
                now = {"code": of_code(built["network"], network)}
                require_same(folder / CONFIG, config["origin"], now)
            network = Copies(network, built["folds"]) if built["folds"] else network
        load_model(network, path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}. {COPY}") from error
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{path} does not fit the network {built['network']}, which has changed since the run. "
            f"Restore the code of the network. {reason}"
        ) from error
    return network.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def _require_weights(path: Path, built: dict[str, Any]) -> None:
    """Raise unless a file has the weights of a built-in network; no memory is taken for them."""
    with safe_open(path, "pt") as file:
        there = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}
    fits = built["folds"] <= len(there)
    if fits:
        with torch.device("meta"):
            network = build(built["network"], tuple(built["shape"]), built["outputs"])
            network = Copies(network, built["folds"]) if built["folds"] else network
            fits = there == {k: tuple(v.shape) for k, v in network.state_dict().items()}
    require(fits, f"{path} does not fit the network {built['network']} of {CONFIG}. {COPY}")


def _plain(name: Any) -> Any:
    """Return the name of a class as JSON reads it back: a str, a number or a bool."""
    value = name.item() if isinstance(name, np.generic) else name
    if isinstance(value, str | int | float):
        return value
    raise TypeError(
        f"Names of classes must be text, numbers or bools to be saved; got {name!r}. Convert the "
        f"labels."
    )
