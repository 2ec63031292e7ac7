"""The numbers of a run arrive in TensorBoard, MLflow and W&B through the host's own logger."""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
Charts = dict[str, list[tuple[int, float]]]  # the name of a number: its steps and values
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's
STEPS = list(range(1, 13))
NAMES = {"spl/frac_selected", "spl/eff_samples", "spl/weight_entropy", "spl/n_suspect"}
NAMES |= {f"spl/loss_q{q}" for q in (10, 50, 90)}
NAMES |= {f"spl/class_{k}/{what}" for what in ("age", "frac_selected") for k in (0, 1)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    """Run the example offline in an empty folder; return the folder and the printed numbers."""
    folder = tmp_path_factory.mktemp("trackers")
    env = {
        **{"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT / "src")},
        **{"OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"},
        **{"MLFLOW_TRACKING_URI": f"file://{folder}/mlruns", "MLFLOW_ALLOW_FILE_STORE": "true"},
        **{"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"},
    }
    program = [str(ROOT / "examples" / "trackers.py"), "tensorboard", "mlflow", "wandb"]
    result = subprocess.run(
        [sys.executable, *program], capture_output=True, text=True, check=True, cwd=folder, env=env
    )
    lines = [line.split() for line in result.stdout.splitlines() if line.startswith("spl/")]
    return folder, {name: float(value) for name, value in lines}


def of_tensorboard(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Charts:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "runs" / "selfpaced"))
    events.Reload()
    names = events.Tags()["scalars"]
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in names}


def of_mlflow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Charts:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"file://{folder}/mlruns")
    (experiment,) = [e for e in client.search_experiments() if e.name == "selfpaced"]
    (found,) = client.search_runs([experiment.experiment_id])
    return {
        name: [(m.step, m.value) for m in client.get_metric_history(found.info.run_id, name)]
        for name in found.data.metrics
    }


def of_wandb(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Charts:
    from wandb.proto.wandb_internal_pb2 import Record  # type: ignore[attr-defined]  # made at import

    (file,) = (folder / "wandb").glob("offline-run-*/*.wandb")
    charts: Charts = {}
    for data in records(file.read_bytes()):
        items = Record.FromString(data).history.item
        row = {i.key or ".".join(i.nested_key): json.loads(i.value_json) for i in items}
        for name in row:
            if name.startswith("spl/"):
                charts.setdefault(name, []).append((row["_step"], row[name]))
    return charts


def records(data: bytes) -> Iterator[bytes]:
    """Read the log of an offline run of W&B: 7 bytes of its own, then the format of LevelDB."""
    block, head, place, record = 32_768, 7, 7, b""
    while place + head <= len(data):
        if block - place % block < head:  # the block's rest is zeros: too short for a record
            place += block - place % block
            continue
        length, kind = struct.unpack_from("<HB", data, place + 4)  # after a checksum
        record += data[place + head : place + head + length]
        place += head + length
        if kind in (1, 4):  # a whole record, or the last part of one
            yield record
            record = b""


@pytest.mark.parametrize("read", [of_tensorboard, of_mlflow, of_wandb])
def test_the_numbers_arrive_under_their_names(
    run: tuple[Path, dict[str, float]], read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, said = run
    charts = read(folder, monkeypatch)
    assert set(charts) == set(said) == NAMES
    for name, value in said.items():
        assert charts[name][-1] == (12, pytest.approx(value, rel=1e-6))
    assert [step for step, _ in charts["spl/frac_selected"]] == STEPS


def test_all_trackers_have_the_same_numbers(
    run: tuple[Path, dict[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = run
    first, *others = (read(folder, monkeypatch) for read in (of_mlflow, of_tensorboard, of_wandb))
    for charts in others:
        for name, points in first.items():
            assert [step for step, _ in charts[name]] == [step for step, _ in points]
            values = [value for _, value in points]
            assert [value for _, value in charts[name]] == pytest.approx(values)


def test_nothing_is_written_outside_the_folder(run: tuple[Path, dict[str, float]]) -> None:
    folder, _ = run
    made = {path.name for path in folder.iterdir()}
    assert {"runs", "mlruns", "wandb"} <= made
    assert made <= {"runs", "mlruns", "wandb", ".cache", ".config"}
