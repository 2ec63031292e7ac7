"""The model in the folder of a run: how it is saved, and how it is loaded again."""

import json
import platform
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import joblib
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from torch import Tensor, nn

from selfpaced._errors import require, require_keys
from selfpaced._version import __version__
from selfpaced.audit._folder.files import CHECKPOINT, CONFIG, ESTIMATOR, FEATURES, WEIGHTS
from selfpaced.audit._folder.origin import of_code, of_folder, require_same, versions
from selfpaced.audit._folder.seal import FILES, MODEL, require_file, unbroken, write_config
from selfpaced.audit._folder.staging import settle
from selfpaced.audit._learning.mixture import Blend, Share
from selfpaced.audit._learning.networks import Copies, build
from selfpaced.audit._learning.trained import Network, Trained

__all__ = ["Trained", "load", "read_config", "save"]

# The version of the folder's layout. It grows whenever an older version of selfpaced could not read
# what is written.
LAYOUT = 5
# The keys of config.json.
KEYS = {"layout", "model", "run", "selfpaced", "versions", "origin", FILES}
# The keys of the section "model" of config.json.
MODEL_KEYS = {"built", "names", "scale"}
NOTHING: Mapping[str, str] = MappingProxyType({})
# The member of the model that is a network; all others are pickled.
NETWORK = "network"


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
        joblib.dump(members, folder / ESTIMATOR)
    joblib.dump(trained.features, folder / FEATURES)
    write_config(config, folder)


def require_tensors(network: nn.Module) -> None:
    """Raise for a network whose state holds more than tensors: it could not be saved."""
    others = [k for k, v in network.state_dict().items() if not isinstance(v, Tensor)]
    require(
        not others,
        f"The network cannot be saved: its state holds more than tensors, {others}. Remove them "
        f"from get_extra_state.",
    )


def load(folder: str | Path) -> Trained:
    r"""Load the model of a finished run, onto a GPU if there is one.

    The files ``features.joblib`` and ``model.joblib`` are pickles, and a pickle can run any code:
    load only runs that you trust.

    Args:
        folder: The folder that ``selfpaced audit`` wrote.

    Raises:
        FileNotFoundError: If the folder is missing, holds no finished run, or lacks a file.
        ValueError: For a damaged file, for a run of another version, and for a network that cannot
            be built any more or does not match its weights.

    ::

        model = load("run/")
        source = read(Path("new.csv"), Options(known=False))
        model.predict(source)["predicted"]
    """
    folder = Path(folder)
    config = read_config(folder)
    model, before = config["model"], config["versions"].get("scikit-learn")
    if before != version("scikit-learn"):
        warnings.warn(
            f"{folder} was written with scikit-learn {before}, and version "
            f"{version('scikit-learn')} is installed: the predictions may differ.",
            stacklevel=2,
        )
    built = model["built"]
    with unbroken(folder, config, MODEL):
        features = _unpickle(folder / FEATURES)
        members = _unpickle(folder / ESTIMATOR) if set(built["members"]) - {NETWORK} else {}
        if NETWORK in built["members"]:
            members |= {NETWORK: Network(_network(folder, config))}
        _require_text_model(folder, config)
    shares = built["shares"] and {kind: Share(*share) for kind, share in built["shares"].items()}
    names = None if model["names"] is None else tuple(model["names"])
    center, spread = model["scale"]
    return Trained(Blend(members, shares), features, names, (center, spread), built)


def read_config(folder: Path) -> dict[str, Any]:
    """Read the config.json of a finished run.

    Raises:
        FileNotFoundError: If the folder does not exist or holds no finished run.
        ValueError: For a damaged file, and for a run of another version.
    """
    path = folder / CONFIG
    if not folder.exists():
        raise FileNotFoundError(f"There is no folder {folder}. Check the name.")
    settle(folder)
    if not path.is_file():
        stopped = (folder / CHECKPOINT).is_file()
        do = (
            "Its audit was stopped: go on with resume=True"
            if stopped
            else "Give a folder that selfpaced audit wrote"
        )
        raise FileNotFoundError(f"{folder} holds no {CONFIG}: no run has ended there. {do}.")
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}. Copy the folder again.") from error
    require(
        isinstance(config, dict) and "layout" in config,
        f"{path} is not the config.json of a run. Give the folder that selfpaced audit wrote.",
    )
    require(
        config["layout"] == LAYOUT,
        f"{path} has layout {config['layout']}, of selfpaced {config.get('selfpaced')}; selfpaced "
        f"{__version__} reads layout {LAYOUT}. Use the version that wrote it, or audit again.",
    )
    require_keys(config, KEYS, str(path))
    for section in ("model", "run", "versions", "origin", FILES):
        _require_object(config[section], section, path)
    require_keys(config["model"], MODEL_KEYS, str(path))
    _require_object(config["model"]["built"], "built", path)
    return config


def _require_object(value: object, name: str, path: Path) -> None:
    """Raise unless a section of config.json is an object."""
    require(
        isinstance(value, dict),
        f"{path} is damaged: {name} is not an object. Copy the folder again.",
    )


def _require_text_model(folder: Path, config: dict[str, Any]) -> None:
    """Raise if the transformers model that read the text of a run is another one now."""
    place = config["run"].get("text_model")
    if place is not None and Path(place).is_dir():  # the reader of text tells if it is gone
        now = {"text_model": of_folder(Path(place))}
        require_same(folder / CONFIG, config["origin"], now)


def _network(folder: Path, config: dict[str, Any]) -> nn.Module:
    """Build the network again, and load its weights."""
    path, built = folder / WEIGHTS, config["model"]["built"]
    require_file(path)
    with torch.random.fork_rng(devices=[]):
        network = build(built["network"], tuple(built["shape"]), built["outputs"])
        if ":" in built["network"]:
            now = {"code": of_code(built["network"], network)}
            require_same(folder / CONFIG, config["origin"], now)
        network = Copies(network, built["folds"]) if built["folds"] else network
    try:
        load_model(network, path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}. Copy the folder again.") from error
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{path} does not fit the network {built['network']}, which has changed since the run. "
            f"Restore the code of the network. {reason}"
        ) from error
    return network.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def _unpickle(path: Path) -> Any:
    """Read a file that joblib wrote."""
    from sklearn.exceptions import InconsistentVersionWarning

    require_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)  # ``load`` warns once
            return joblib.load(path)
    except Exception as error:  # a pickle can raise any exception
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"{path} cannot be read: {reason}. It is damaged, or needs the package versions that "
            f"{CONFIG} lists."
        ) from error


def _plain(name: Any) -> Any:
    """Return the name of a class as JSON reads it back: a str, a number or a bool."""
    value = name.item() if isinstance(name, np.generic) else name
    if isinstance(value, str | int | float):
        return value
    raise TypeError(
        f"Names of classes must be text, numbers or bools to be saved; got {name!r}. Convert the "
        f"labels."
    )
