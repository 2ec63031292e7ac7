"""Claims about taking suspects to another program, and decisions back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest

from selfpaced._page.content import Case, Gallery, Shown
from selfpaced.audit._cases.file import Told, write_cases
from selfpaced.audit._decisions.exchange import export_to, import_from
from selfpaced.audit._decisions.label_studio import answers, interface, tasks
from selfpaced.audit._decisions.store import Decisions
from selfpaced.audit._folder.config import read_config
from selfpaced.audit._folder.seal import write_config

TOLD = Told("h", [], [], [], [], [], [], [], {"series": {}})
HOSTILE = ["<script>", "=1+1", "\u202eabc", "\U0001f600", 'a"b&c']


def gallery_of(classes: tuple[str, ...] = ("cat", "dog"), place: str = "row") -> Gallery:
    """Return three cases: labelled with the first class, or a number, and text in a column."""
    cases = tuple(
        Case(
            Shown(str(at), f"text {at}", row=(("ears", "2"),)),
            True,
            classes[0] if classes else str(at),
            classes[-1] if classes else "2.5",
            0.9,
            ((classes[-1], 0.75),) if classes else (),
        )
        for at in range(1, 4)
    )
    return Gallery("pets.csv", "row", place, classes, cases)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes the folder of a run with a gallery."""

    def write(gallery: Gallery | None = None, name: str = "run") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "ledger.parquet").write_bytes(name.encode())
        write_cases(gallery_of() if gallery is None else gallery, TOLD, folder)
        built = {"folds": 0, "members": ["logistic"], "network": "mlp", "outputs": 1, "shape": [1]}
        model = {"built": built | {"shares": None}, "names": None, "scale": [0.0, 1.0]}
        plan = {"path": "a.csv", "options": {"label": "kind"}}
        config = {"layout": 5, "model": model, "origin": {}, "run": plan, "selfpaced": "0"}
        write_config(config | {"versions": {}}, folder)
        return folder

    return write


def decided(folder: Path) -> dict[str, dict[str, tuple[str, str | None]]]:
    latest = Decisions(folder, read_config(folder)).latest()
    return {
        place: {by: (each.action, each.label) for by, each in of.items()}
        for place, of in latest.items()
    }


def labelled(folder: Path, path: Path, *labels: str | None, flat: bool = False) -> Path:
    """Export a run, give labels as Label Studio does, and return the file; None is a skip."""
    export_to(folder, path, force=True)
    told = json.loads(path.read_text())
    for number, (task, label) in enumerate(zip(told, labels, strict=True)):
        value: dict[str, Any] = {"choices": [label]}
        result = {"from_name": "label", "to_name": "sample", "type": "choices", "value": value}
        who = {"id": 3, "email": "bob@x"}
        annotation: dict[str, Any] = {"completed_by": who, "result": [result]}
        annotation |= {"was_cancelled": label is None, "updated_at": "2026-01-02T00:00:00Z"}
        task |= {"id": number, "annotations": [annotation]}
    if flat:
        told = [
            {**task["data"], "label": label, "annotator": 3}
            for task, label in zip(told, labels, strict=True)
        ]
    path.write_text(json.dumps(told))
    return path


def test_a_task_of_label_studio_has_the_sample_and_the_suggestion() -> None:
    first = tasks(gallery_of(), "hash")[0]
    assert first["data"]["sample"] == "text 1\nears: 2"
    assert (first["data"]["given"], first["data"]["suggested"]) == ("cat", "dog")
    prediction = first["predictions"][0]
    assert prediction["score"] == 0.75
    assert prediction["result"][0]["value"] == {"choices": ["dog"]}
    assert tasks(gallery_of(()), "hash")[0]["predictions"][0]["result"][0]["value"] == {
        "number": 2.5
    }


def test_the_labelling_interface_offers_the_classes() -> None:
    view = ElementTree.fromstring(
        interface(gallery_of(("cat", *HOSTILE[:2], HOSTILE[3], HOSTILE[4])))
    )
    assert [each.get("value") for each in view.iter("Choice")] == [
        *("cat", "<script>", "=1+1", "\U0001f600", 'a"b&c')
    ]
    assert view.find("Text") is not None
    assert ElementTree.fromstring(interface(gallery_of(()))).find("Number") is not None
    with pytest.raises(ValueError, match="has characters that the labelling interface of Label"):
        interface(gallery_of(("cat", "\x1b[31m")))


def test_labels_of_label_studio_come_back_as_decisions(
    run: Callable[..., Path], tmp_path: Path
) -> None:
    folder = run()
    made = import_from(folder, labelled(folder, tmp_path / "a.json", "cat", "dog", None))
    assert made == (2, ("Label Studio bob@x",), 1)
    by = "Label Studio bob@x"
    assert decided(folder) == {"1": {by: ("keep", None)}, "2": {by: ("change", "dog")}}
    latest = Decisions(folder, read_config(folder)).latest()["2"][by]
    assert (latest.at, latest.source) == ("2026-01-02T00:00:00Z", "a.json")


def test_the_flat_format_is_read_too_and_a_name_can_be_given(
    run: Callable[..., Path], tmp_path: Path
) -> None:
    folder = run()
    path = labelled(folder, tmp_path / "a.json", "dog", "cat", "dog", flat=True)
    import_from(folder, path, "eva")
    assert decided(folder)["1"] == {"eva": ("change", "dog")}
    import_from(folder, path)
    assert set(decided(folder)["1"]) == {"eva", "Label Studio 3"}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_table_takes_decisions_there_and_back(
    run: Callable[..., Path], tmp_path: Path, suffix: str
) -> None:
    folder, other = run(), run(name="other")
    Decisions(folder, read_config(folder)).add("2", "change", "dog", "ann")
    Decisions(folder, read_config(folder)).add("2", "keep", None, "bob")
    path = tmp_path / f"a{suffix}"
    export_to(folder, path)
    assert import_from(other, path).people == ("ann", "bob")
    assert decided(other) == decided(folder)


def test_line_separators_in_texts_and_other_spellings_do_no_harm(
    run: Callable[..., Path], tmp_path: Path
) -> None:
    odd = Case(Shown("1", "a\u2028b\x85c"), True, "1", "2", 0.9)
    folder = run(Gallery("a.csv", "row", "row", ("1", "2"), (odd,)))
    export_to(folder, tmp_path / "a.jsonl")
    line = json.loads((tmp_path / "a.jsonl").read_text(encoding="utf-8"))
    assert line["sample"] == "a\u2028b\x85c"
    text = json.dumps(line | {"new_label": "2.0"}, ensure_ascii=False)
    (tmp_path / "b.jsonl").write_text(text + "\n", encoding="utf-8")
    import_from(folder, tmp_path / "b.jsonl", "ann")
    assert decided(folder) == {"1": {"ann": ("change", "2")}}


@pytest.mark.parametrize("broken", [None, ["text"], [{"result": None}], [{"result": [7]}]])
def test_an_export_of_another_form_is_one_line_of_error(
    run: Callable[..., Path], tmp_path: Path, broken: object
) -> None:
    folder = run()
    path = labelled(folder, tmp_path / "a.json", "cat", "cat", "cat")
    told = json.loads(path.read_text())
    told[0]["annotations"] = broken
    path.write_text(json.dumps(told))
    with pytest.raises(ValueError, match="is no export of Label Studio that can be read"):
        import_from(folder, path)


def test_a_workbook_with_decisions_is_read(run: Callable[..., Path], tmp_path: Path) -> None:
    frame = pd.DataFrame({"row": [1, 2, 3], "decision": ["accept", "keep", "unsure"]})
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    folder = run()
    import_from(folder, tmp_path / "a.xlsx", "ann")
    said = {place: of["ann"] for place, of in decided(folder).items()}
    assert said == {"1": ("change", "dog"), "2": ("keep", None), "3": ("unsure", None)}


def test_text_that_a_spreadsheet_would_run_is_no_formula_in_a_table(
    run: Callable[..., Path], tmp_path: Path
) -> None:
    folder = run(gallery_of(("=1+1", "dog")))
    export_to(folder, tmp_path / "a.csv")
    assert ",'=1+1," in (tmp_path / "a.csv").read_text()
    (tmp_path / "b.csv").write_text("row,new_label\n1,'=1+1\n2,dog\n")
    import_from(folder, tmp_path / "b.csv", "ann")
    assert decided(folder) == {"1": {"ann": ("keep", None)}, "2": {"ann": ("change", "dog")}}


def test_an_export_replaces_nothing_without_force(run: Callable[..., Path], tmp_path: Path) -> None:
    folder = run()
    (tmp_path / "a.json.interface.xml").write_text("mine")
    with pytest.raises(FileExistsError, match=r"a.json.interface.xml exists. Choose another name"):
        export_to(folder, tmp_path / "a.json")
    assert not (tmp_path / "a.json").exists()
    with pytest.raises(ValueError, match=r"a.xml has no known format: .json is for Label Studio"):
        export_to(folder, tmp_path / "a.xml")
    with pytest.raises(ValueError, match=r"cases.json is a file of the run itself"):
        export_to(folder, folder / "cases.json", force=True)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{}", "An export of Label Studio is a list of tasks"),
        ("[1]", "An export of Label Studio is a list of tasks"),
        ("[", "is no JSON"),
        ('[{"data": {"text": "x"}}]', "A task has no selfpaced_place and selfpaced_run"),
        ("[]", "holds no decision"),
    ],
)
def test_a_file_that_is_no_export_is_refused(
    run: Callable[..., Path], tmp_path: Path, text: str, error: str
) -> None:
    folder, path = run(), tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=error):
        import_from(folder, path)
    assert decided(folder) == {}


def test_decisions_that_do_not_fit_the_run_are_refused_as_a_whole(
    run: Callable[..., Path], tmp_path: Path
) -> None:
    folder, other = run(), run(name="other")
    path = labelled(folder, tmp_path / "a.json", "cat", "dog", "bird")
    with pytest.raises(ValueError, match="The task of '1' is of another run"):
        import_from(other, path)
    with pytest.raises(ValueError, match="gives the label 'bird', which is no class of the run"):
        import_from(folder, path)
    assert decided(folder) == {}
    import_from(folder, path, force=True)
    assert len(decided(folder)) == 3
    (tmp_path / "b.csv").write_text("row,decision\n1,keep\n8,keep\n9,keep\n")
    with pytest.raises(ValueError, match="decides about '8', and 1 more, which the run"):
        import_from(other, tmp_path / "b.csv")
    with pytest.raises(FileNotFoundError, match=r"There is no .*c.json. Check the name"):
        import_from(other, tmp_path / "c.json")


def test_a_task_needs_one_label() -> None:
    task = {"data": {"selfpaced_place": "1", "selfpaced_run": "r"}, "annotations": [{"result": []}]}
    with pytest.raises(ValueError, match="The task of '1' has 0 labels. Give it one"):
        answers([task], "r", None)
