"""Claims about ``selfpaced predict``."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from selfpaced import _files as trace
from selfpaced._cli.predict import predict
from selfpaced.audit import Options, Source, Trained, read
from selfpaced.audit._features.fit import fit
from selfpaced.audit._folder.model import save
from selfpaced.audit._learning.aims import Classes, Numbers
from selfpaced.audit._learning.estimators import Rounds
from selfpaced.audit._learning.training import Settings

app = typer.Typer()
app.command()(predict)


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "100"})


def refused(result: Result) -> str:
    """Return the one line of an error."""
    assert result.exit_code == 2 and result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert "Traceback" not in line
    return line


def kept(source: Source, folder: Path, told: dict[str, Any], scale: float = 1.0) -> Path:
    """Train on a source, and save the run."""
    folder.mkdir()
    features, rows, _ = fit(source)
    names: tuple[Any, ...] | None
    aim: Classes | Numbers
    if source.numeric:
        labels, names, aim = torch.tensor(source.labels / scale).float(), None, Numbers()
    else:
        codes, known = pd.factorize(source.labels, sort=True)
        labels, names, aim = torch.tensor(codes), tuple(known), Classes(len(known))
    rounds = Rounds("logistic", rows, labels, aim, Settings(epochs=10))
    rounds.run()
    built = {"network": "logistic", "shape": list(rows.shape[1:]), "outputs": aim.outputs}
    save(Trained(rounds.model, features, names, (0.0, scale), built), told, folder)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run on a table of pets."""
    lines = [f"{place / 10 + 9 * (place % 2)},{place},{'cd'[place % 2]}" for place in range(60)]
    path = tmp_path / "pets.csv"
    path.write_text("\n".join(["ears,id,kind", *lines]) + "\n")
    source = read(path, Options(label="kind", ignore=("id",)))
    options = {"label": "kind", "labels": None, "ignore": ["id"], "use": [], "side": None}
    return kept(source, tmp_path / "run", {"options": options, "text_model": None})


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """New pets, with a label that says nothing."""
    path = tmp_path / "new.csv"
    path.write_text("kind,ears,name\nc,-3,Tom [b]\n,19,Rex\nc,18,Bo\n")
    return path


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_new_samples_get_a_label_each(run: Path, new: Path) -> None:
    result = call(run, new)
    assert result.exit_code == 0 and result.stderr == ""
    table = pd.read_csv("predictions.csv")
    assert list(table.columns) == ["row", "predicted", "confidence"]
    assert table["row"].tolist() == [1, 2, 3]
    assert table["predicted"].tolist() == ["c", "d", "d"]
    assert table["confidence"].between(0.5, 1).all()
    lines = result.stdout.splitlines()
    assert lines[0] == "new.csv: 3 samples, predicted d 2, c 1"
    assert "Tom [b]" in result.stdout and "confidence" in result.stdout
    assert lines[-1] == "predictions.csv  all of them"


def test_only_the_first_rows_are_shown(run: Path, tmp_path: Path) -> None:
    many = tmp_path / "many.csv"
    many.write_text("ears\n" + "\n".join(f"{place}.125" for place in range(30)) + "\n")
    result = call(run, many, "-o", "out.csv")
    assert "9.125" in result.stdout and "10.125" not in result.stdout
    assert len(pd.read_csv("out.csv")) == 30


def test_what_was_noticed_is_told(run: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.csv"
    torn.write_text("ears\n" + "1\n" * 40 + "1,2,3\n")
    result = call(run, torn)
    assert "1 row could not be read and is left out (line 42)" in result.stdout
    assert len(pd.read_csv("predictions.csv")) == 40


def test_json_is_all_that_is_printed(run: Path, new: Path) -> None:
    result = call(run, new, "--json")
    assert json.loads(result.stdout) == {
        "output": "predictions.csv",
        "samples": 3,
        "notes": [],
        "predicted": {"d": 2, "c": 1},
    }
    assert Path("predictions.csv").exists()


def test_quiet_prints_nothing(run: Path, new: Path) -> None:
    result = call(run, new, "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert Path("predictions.csv").exists()


def test_numbers_are_predicted(tmp_path: Path) -> None:
    path = tmp_path / "homes.csv"
    path.write_text("size,price\n" + "\n".join(f"{n + 0.5},{300 * n}.5" for n in range(50)) + "\n")
    source = read(path, Options(label="price"))
    told = {"options": {"label": "price"}, "text_model": None}
    run = kept(source, tmp_path / "run", told, scale=1000.0)
    result = call(run, path)
    assert "50 samples, predicted from " in result.stdout
    table = pd.read_csv("predictions.csv")
    assert list(table.columns) == ["row", "predicted"]
    assert float((table["predicted"] - source.labels).abs().max()) < 500
    told = json.loads(call(run, path, "--json", "--force").stdout)
    assert told["lowest"] == table["predicted"].min() and "predicted" not in told


def test_images_get_the_size_of_the_run(tmp_path: Path) -> None:
    for shade in ("dark", "light"):
        (tmp_path / "shades" / shade).mkdir(parents=True)
        for place in range(10):
            image = Image.new("L", (12, 8), place + 200 * (shade == "light"))
            image.save(tmp_path / "shades" / shade / f"{place}.png")
    source = read(tmp_path / "shades", Options(side=9))
    run = kept(source, tmp_path / "run", {"options": {"label": None, "side": None}})
    (tmp_path / "new").mkdir()
    Image.new("L", (30, 20), 190).save(tmp_path / "new" / "a.png")
    assert call(run, "new").exit_code == 0
    assert Path("predictions.csv").read_text().splitlines()[1].startswith("a.png,light,")


def test_arrays_need_no_labels(tmp_path: Path) -> None:
    x = np.arange(60.0)[:, None] % 2 + np.linspace(0, 0.1, 60)[:, None]
    np.save("x.npy", x)
    np.save("y.npy", np.arange(60) % 2)
    source = read(Path("x.npy"), Options(labels=Path("y.npy")))
    run = kept(source, tmp_path / "run", {"options": {"label": None, "labels": "y.npy"}})
    assert call(run, "x.npy", "--quiet").exit_code == 0
    table = pd.read_csv("predictions.csv")
    assert table["index"].tolist() == list(range(60))
    assert (table["predicted"] == np.arange(60) % 2).all()


def test_nothing_is_replaced_unasked(run: Path, new: Path) -> None:
    output = Path("predictions.csv")
    output.write_text("mine")
    assert refused(call(run, new)) == (
        "predictions.csv exists. Choose another name, or pass --force."
    )
    assert output.read_text() == "mine"
    assert call(run, new, "--force").exit_code == 0
    assert output.read_text().startswith("row,predicted,confidence\n1,c,")


def test_the_data_is_never_replaced(run: Path, new: Path) -> None:
    before = new.read_text()
    said = refused(call(run, new, "-o", f"../{new.parent.name}/new.csv", "--force"))
    assert "is the data itself, which is never changed" in said
    assert new.read_text() == before


def test_what_the_model_needs_must_be_there(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("ear,name\n3,Tom\n")
    assert refused(call(run, other)) == (
        f"{other} lacks what the model learnt from: no column 'ears'. Did you mean 'ear'? The "
        f"columns are ear, name."
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
def test_what_is_not_there_is_told(run: Path, new: Path, words: tuple[str, ...], said: str) -> None:
    assert said in refused(call(*words))
    assert not Path("predictions.csv").exists()


def test_a_model_of_text_that_is_gone_is_told(run: Path, new: Path) -> None:
    config = json.loads((run / "config.json").read_text())
    config["run"]["text_model"] = "bert"
    (run / "config.json").write_text(json.dumps(config))
    assert "transformers model in bert, which is gone. Bring it" in refused(call(run, new))


def test_a_full_disk_leaves_nothing(run: Path, new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trace, "sync", full)
    said = refused(call(run, new))
    assert (
        said == "--output: predictions.csv cannot be written: No space left on device. Nothing was."
    )
    assert not list(Path().glob("*predictions*"))


def test_debug_shows_where_an_error_arose(run: Path) -> None:
    result = call(run, "knew.csv", "--debug")
    assert isinstance(result.exception, FileNotFoundError)
