"""Claims about the report of a run: what an audit writes, and what is read back."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from selfpaced._page.packing import chosen
from selfpaced.audit import Options
from selfpaced.audit._cases.file import read_cases, read_gallery
from selfpaced.audit._cases.report import report_of, write_report
from selfpaced.audit._decisions.store import DECISIONS, Decisions
from selfpaced.audit._folder.config import read_config
from selfpaced.audit._folder.write import write
from selfpaced.audit._plan import Plan
from selfpaced.audit._run import Run

Start = Callable[[Plan, Path], Run]


@pytest.fixture(scope="module")
def plan(wine: Path) -> Plan:
    return Plan(wine, Options(label="kind"), learner="logistic")


@pytest.fixture(scope="module")
def folder(start: Start, plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run on wines."""
    folder = tmp_path_factory.mktemp("run")
    run = start(plan, folder)
    run.train()
    write(folder, plan, run.prepared, *run.conclude(), losses=run.losses_by_epoch())
    return folder


def test_the_gallery_lists_the_rows_of_suspects_csv(folder: Path, wine: Path) -> None:
    gallery, told = read_cases(folder)
    suspects = pd.read_csv(folder / "suspects.csv")
    assert [case.sample.place for case in gallery.cases] == suspects["row"].astype(str).tolist()
    assert [case.suspect for case in gallery.cases] == (suspects["fix"] == "yes").tolist()
    assert (gallery.noun, gallery.place, gallery.classes) == (
        "row",
        "row",
        ("red", "rosé", "white"),
    )
    table, first = pd.read_csv(wine), gallery.cases[0]
    row = table.iloc[int(first.sample.place) - 1]
    assert first.given == row["kind"]
    assert dict(first.sample.row)["alcohol"] == f"{row['alcohol']:.6g}"
    assert "kind" not in dict(first.sample.row)
    assert first.line == int(first.sample.place) + 1
    assert len(first.neighbours) == 3
    assert first.probabilities[0][1] >= first.probabilities[-1][1]
    assert {name for name, _ in first.probabilities} >= {first.given, first.suggested}
    assert 1 <= len(first.differs) <= 5
    assert "".join(told.headline)


def test_the_report_has_all_parts(folder: Path, plan: Plan) -> None:
    report = report_of(folder, plan, Path("run"))
    assert report.samples is not None
    assert (len(report.samples.places), report.samples.total) == (178, 178)
    assert [each.name for each in report.maps] == [
        "What the model sees",
        "Confidence and variability",
    ]
    assert report.meant is not None
    assert report.meant.sum() == report.samples.suspect.sum() > 20
    assert report.curves is not None
    assert len(report.curves.edges) == 41
    total = report.curves.suspects.sum(1) + report.curves.others.sum(1)
    assert set(total.tolist()) == {178}
    assert report.how[0] == (
        "command",
        f"selfpaced audit {plan.path} --label kind --learner logistic --output run",
    )
    assert "<!doctype html>" in (folder / "report.html").read_text()[:20]


def test_decisions_are_part_of_a_report_that_is_written_again(folder: Path, tmp_path: Path) -> None:
    before = (folder / "report.html").read_text().replace(str(folder), "run")
    assert write_report(folder) == (folder / "report.html", 0)
    assert not (folder / DECISIONS).exists()
    place = read_gallery(folder).cases[0].sample.place
    Decisions(folder, read_config(folder)).add(place, "change", "red", "ann")
    path, decided = write_report(folder, tmp_path / "told.html")
    assert decided == 1
    assert '"change to red"' in path.read_text()
    (folder / DECISIONS).unlink()
    assert (folder / "report.html").read_text().replace(str(folder), "run") == before


def test_a_report_replaces_nothing_without_force(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("mine")
    with pytest.raises(FileExistsError, match=r"a.html exists. Choose another name, or pass force"):
        write_report(folder, tmp_path / "a.html")
    write_report(folder, tmp_path / "a.html", force=True)
    with pytest.raises(ValueError, match=r"The report is an HTML file; got output='.*a.txt'"):
        write_report(folder, tmp_path / "a.txt")
    with pytest.raises(ValueError, match=r"report.html is a file of the run itself"):
        write_report(folder, folder / "report.html")
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*none for a.html"):
        write_report(folder, tmp_path / "none" / "a.html")
    (tmp_path / "b.html").mkdir()
    with pytest.raises(IsADirectoryError, match=r"b.html is a folder"):
        write_report(folder, tmp_path / "b.html")


def damage(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ('"version":1', '"version":2', "has version 2, of a newer selfpaced"),
        ('"version":1', '"version":"1"', "is not the cases.json of a run"),
        ('"image":""', '"image":"http://x/y.png"', "a picture begins with 'http://x/y.png'"),
        ('"suspect":true', '"x":true', "is damaged: KeyError: 'suspect'"),
        ('"place":"', '"place":7,"x":"', "is damaged: TypeError: a text is 7"),
        ('"probability":0', '"probability":7', "a probability is"),
        ('"cases":[', '"cases":{},"x":[', "a list is {}"),
        ("{", "", "is damaged"),
    ],
)
def test_a_damaged_file_is_one_line_of_error(
    folder: Path, tmp_path: Path, old: str, new: str, error: str
) -> None:
    text = (folder / "cases.json").read_text(encoding="utf-8")
    (tmp_path / "cases.json").write_text(damage(text, old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=error) as said:
        read_cases(tmp_path)
    assert "\n" not in str(said.value)


def test_a_run_of_an_older_version_is_said_to_be_one(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"cases.json: an older selfpaced made this run"):
        read_gallery(tmp_path)
    (tmp_path / "cases.json").write_bytes((folder / "cases.json").read_bytes())
    pd.read_parquet(folder / "ledger.parquet").drop(columns="suspect").to_parquet(
        tmp_path / "ledger.parquet"
    )
    with pytest.raises(ValueError, match=r"ledger.parquet lacks what a report shows"):
        report_of(tmp_path, Plan(Path("a.csv")), tmp_path)
    raw = (folder / "ledger.parquet").read_bytes()
    (tmp_path / "ledger.parquet").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(ValueError, match=r"ledger.parquet is a Parquet file that is cut short"):
        report_of(tmp_path, Plan(Path("a.csv")), tmp_path)


def test_a_map_of_many_samples_has_the_suspects_and_a_random_part() -> None:
    suspect = np.zeros(1_000, bool)
    suspect[::20] = True
    drawn = chosen(suspect, 200)
    assert len(drawn) == 200
    assert suspect[drawn].sum() == 50
    assert (np.diff(drawn) > 0).all()
    assert suspect[chosen(np.ones(1_000, bool), 200)[:1]].shape == (1,)
    assert len(chosen(np.ones(1_000, bool), 200)) == 100
    assert chosen(suspect, 1_000).tolist() == list(range(1_000))


def test_images_are_shown_as_they_are_in_their_files(start: Start, tmp_path: Path) -> None:
    rng, home = np.random.default_rng(0), tmp_path / "pictures"
    for place in range(60):
        shade = 40 + 150 * (place % 2)
        label = "dark" if (place % 2 == 0) != (place in (7, 20)) else "light"
        pixels = (shade + rng.integers(0, 30, (100, 80, 3))).astype(np.uint8)
        (home / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(home / label / f"{place}.png")
    plan, run_folder = Plan(home, learner="logistic"), tmp_path / "run"
    run_folder.mkdir()
    run = start(plan, run_folder)
    run.train()
    (home / "dark" / "7.png").write_bytes(b"no image any more")
    write(run_folder, plan, run.prepared, *run.conclude())
    gallery = read_gallery(run_folder)
    assert (gallery.noun, gallery.place) == ("image", "file")
    assert {case.sample.place for case in gallery.cases} >= {"dark/7.png", "light/20.png"}
    pictures = {case.sample.place: case.sample.image for case in gallery.cases}
    assert pictures["light/20.png"].startswith("data:image/jpeg;base64,")
    assert pictures["dark/7.png"].startswith("data:image/")  # from the pixels that were read
    assert json.loads((run_folder / "cases.json").read_text())["version"] == 1
