"""What a run leaves behind to predict with: kept in its folder, and loaded again."""

import json
import platform
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from torch import Tensor, nn

from selfpaced._errors import require, require_keys
from selfpaced._files import write_text
from selfpaced._version import __version__
from selfpaced.audit._learning.networks import build
from selfpaced.audit._learning.trained import Trained

__all__ = ["Trained", "load", "read_config", "save"]

CONFIG, FEATURES = "config.json", "features.joblib"
WEIGHTS, ESTIMATOR = "model.safetensors", "model.joblib"
LAYOUT = 1  # of the folder; another number when an older version could not read it
KEYS = {"layout", "model", "run", "selfpaced", "versions"}  # of config.json
PARTS = {"built", "names", "scale"}  # of its section "model"
PACKAGES = ("numpy", "pandas", "scikit-learn", "skrub", "torch")
ESTIMATORS = ("hgb", "logistic")


def save(trained: Trained, run: dict[str, Any], folder: Path) -> None:
    """Write the model, how it reads samples, and config.json into a folder.

    Args:
        trained: What is kept.
        run: What the run was asked for, as JSON has it; the section "run" of config.json.
        folder: Exists; files of these names are replaced.

    Raises:
        ValueError: For a network whose state is not of tensors.
        TypeError: For names of classes that JSON does not have.
        OSError, SafetensorError: When the disk is full.
    """
    names = None if trained.names is None else [_plain(name) for name in trained.names]
    config = {
        "layout": LAYOUT,
        "model": {"built": trained.built, "names": names, "scale": list(trained.scale)},
        "run": run,
        "selfpaced": __version__,
        "versions": {name: version(name) for name in PACKAGES}
        | {"python": platform.python_version()},
    }
    text = json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    if isinstance(trained.network, nn.Module):
        require_tensors(trained.network)
        save_model(trained.network, str(folder / WEIGHTS))
    else:
        joblib.dump(trained.network, folder / ESTIMATOR)
    joblib.dump(trained.features, folder / FEATURES)
    write_text(text + "\n", folder / CONFIG)


def require_tensors(network: nn.Module) -> None:
    """Raise for a network whose state holds more than tensors: it could not be saved."""
    strange = [k for k, v in network.state_dict().items() if not isinstance(v, Tensor)]
    require(
        not strange,
        f"The network cannot be saved: its state holds more than tensors, {strange}. Keep them "
        f"out of get_extra_state.",
    )


def load(folder: str | Path) -> Trained:
    r"""Load the model of a run; on a GPU where there is one.

    Its files ``features.joblib`` and ``model.joblib`` are pickles, which can run any code: load
    only runs that you trust.

    Args:
        folder: That ``selfpaced audit`` wrote.

    Raises:
        FileNotFoundError: For a folder that is missing, holds no run or lacks a file of it.
        ValueError: For a damaged file, a run of another version, and a network that can no longer
            be made or does not fit its weights.

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
            f"{folder} was written with scikit-learn {before}, and this is "
            f"{version('scikit-learn')}: its predictions may differ.",
            stacklevel=2,
        )
    features = _unpickle(folder / FEATURES)
    known = model["built"]["network"] in ESTIMATORS
    network = _unpickle(folder / ESTIMATOR) if known else _network(folder, model["built"])
    names = None if model["names"] is None else tuple(model["names"])
    middle, spread = model["scale"]
    return Trained(network, features, names, (middle, spread), model["built"])


def read_config(folder: Path) -> dict[str, Any]:
    """Read config.json of a run.

    Raises:
        FileNotFoundError: Where no run has ended.
        ValueError: For a damaged file, and for a run of another version.
    """
    path = folder / CONFIG
    if not folder.exists():
        raise FileNotFoundError(f"There is no folder {folder}. Check the name.")
    if not path.is_file():
        stopped = (folder / "checkpoint.pt").is_file()
        do = "Go on with --resume" if stopped else "Give the folder that selfpaced audit wrote"
        raise FileNotFoundError(f"{folder} holds no {CONFIG}: no run has ended there. {do}.")
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}. Copy the folder anew.") from error
    require(isinstance(config, dict) and "layout" in config, f"{path} is no config of a run.")
    require(
        config["layout"] == LAYOUT,
        f"{path} has layout {config['layout']}, of selfpaced {config.get('selfpaced')}; selfpaced "
        f"{__version__} reads layout {LAYOUT}. Use that version, or audit again.",
    )
    require_keys(config, KEYS, str(path))
    for section in ("model", "run", "versions"):
        require(isinstance(config[section], dict), f"{path} is damaged: {section} is no object.")
    require_keys(config["model"], PARTS, str(path))
    built = config["model"]["built"]
    require(isinstance(built, dict), f"{path} is damaged: built is no object.")
    return config


def _network(folder: Path, built: dict[str, Any]) -> nn.Module:
    """Make the network again, and give it its weights."""
    path = folder / WEIGHTS
    _require_file(path)
    with torch.random.fork_rng(devices=[]):
        network = build(built["network"], tuple(built["shape"]), built["outputs"])
    try:
        load_model(network, path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}. Copy the folder anew.") from error
    except RuntimeError as error:
        said = " ".join(str(error).split())
        raise ValueError(
            f"{path} does not fit the network {built['network']}, which has changed since. {said}"
        ) from error
    return network.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def _unpickle(path: Path) -> Any:
    """Read a file of joblib's."""
    from sklearn.exceptions import InconsistentVersionWarning

    _require_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)  # told once by ``load``
            return joblib.load(path)
    except Exception as error:  # whatever a pickle raises
        said = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"{path} cannot be read: {said}. It is damaged, or needs the versions in {CONFIG}."
        ) from error


def _require_file(path: Path) -> None:
    """Raise unless a file of the run is there."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing. Copy the whole folder of the run.")


def _plain(name: Any) -> Any:
    """Return the name of a class as JSON reads it back: text, a number or a truth value."""
    value = name.item() if isinstance(name, np.generic) else name
    if isinstance(value, str | int | float):
        return value
    raise TypeError(
        f"Names of classes must be text, numbers or truth values to be saved; got {name!r}."
    )
