"""Claims about what a reviewer may ask for."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selfpaced._page.content import Gallery
from selfpaced._review.desk import Desk, Gone, Replaced, open_desk

FolderOf = Callable[..., Path]


@pytest.fixture
def desk(folder_of: FolderOf) -> Desk:
    return open_desk(folder_of(), "ann")


def asked(place: str, action: str, label: str | None = None, **more: bool) -> dict[str, Any]:
    told = {"place": place, "action": action, "label": label}
    return {**told, "new": False, "drawn": False, **more}


def saved(desk: Desk, place: str) -> tuple[str, str | None]:
    decision = desk.decisions.latest()[place]["ann"]
    return decision.action, decision.label


def test_a_decision_is_saved_and_said_back(desk: Desk) -> None:
    told = desk.decide(asked("3", "change", "fish"))
    assert told["place"] == "3"
    assert told["decisions"] == {"ann": {"action": "change", "label": "fish", "drawn": False}}
    assert (told["left"], told["all"]) == (11, 12)
    assert told["sentences"][0] == "1 of 1 decided labels were wrong (100%; between 3% and 100%)."
    assert desk.state()["decisions"]["3"] == told["decisions"]


def test_a_change_to_the_given_label_keeps_it(desk: Desk) -> None:
    desk.decide(asked("1", "change", "cat"))
    assert saved(desk, "1") == ("keep", None)


def test_a_new_class_has_to_be_meant(desk: Desk) -> None:
    with pytest.raises(ValueError, match="'bird' is no class of this run. Choose one, or add it"):
        desk.decide(asked("1", "change", "bird"))
    desk.decide(asked("1", "change", "bird", new=True))
    assert saved(desk, "1") == ("change", "bird")
    with pytest.raises(ValueError, match="A label cannot be empty"):
        desk.decide(asked("1", "change", " ", new=True))


def test_labels_of_a_regression_are_numbers(
    folder_of: FolderOf, gallery: Callable[..., Gallery]
) -> None:
    desk = open_desk(folder_of(gallery(3, ())), "ann")
    desk.decide(asked("2", "change", " 7.25 "))
    assert saved(desk, "2") == ("change", "7.25")
    for wrong in ("many", "nan", "inf"):
        with pytest.raises(ValueError, match=f"The labels are numbers; got '{wrong}'"):
            desk.decide(asked("2", "change", wrong))


def test_undo_takes_back_the_last_decision(desk: Desk) -> None:
    desk.decide(asked("1", "keep"))
    desk.decide(asked("2", "unsure"))
    assert desk.undo()["place"] == "2"
    told = desk.undo()
    assert (told["place"], told["decisions"]) == ("1", {})
    assert desk.undo()["place"] is None
    assert desk.state()["left"] == 12


def test_a_sample_that_is_not_in_the_list_cannot_be_decided(desk: Desk) -> None:
    with pytest.raises(Gone, match="There is no row '99' in the list of this run"):
        desk.decide(asked("99", "keep"))


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {},
        {"place": "1"},
        asked("1", "keep") | {"more": 1},
        asked("1", "keep") | {"new": 1},
        asked("1", "keep") | {"place": 1},
        asked("1", "keep", "dog"),
        asked("1", "change"),
        asked("1", "delete"),
    ],
)
def test_a_request_of_another_form_is_refused_and_saves_nothing(desk: Desk, wrong: object) -> None:
    with pytest.raises(ValueError, match="A decision"):
        desk.decide(wrong)
    assert desk.decisions.latest() == {}


def test_two_people_do_not_replace_each_others_decisions(folder_of: FolderOf) -> None:
    folder = folder_of()
    ann, bob = open_desk(folder, "ann"), open_desk(folder, "bob")
    ann.decide(asked("1", "keep"))
    bob.decide(asked("1", "change", "dog"))
    told = ann.state()["decisions"]["1"]
    assert {by: each["action"] for by, each in told.items()} == {"ann": "keep", "bob": "change"}
    assert ann.state()["left"] == 11


def test_after_another_audit_nothing_is_saved(desk: Desk) -> None:
    path = desk.folder / "config.json"
    config = json.loads(path.read_text())
    config["files"]["ledger.parquet"] = "another"
    path.write_text(json.dumps(config))
    for ask in (desk.state, desk.undo, lambda: desk.decide(asked("1", "keep"))):
        with pytest.raises(Replaced, match="Another audit has replaced the run"):
            ask()
    assert desk.decisions.latest() == {}
    path.unlink()
    with pytest.raises(Replaced, match="or it was removed"):
        desk.state()


def test_a_run_that_cannot_be_reviewed_is_refused(
    folder_of: FolderOf, gallery: Callable[..., Gallery], tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        open_desk(tmp_path / "none", "ann")
    with pytest.raises(ValueError, match="has no suspects: there is nothing to review"):
        open_desk(folder_of(gallery(0), "empty"), "ann")
    folder = folder_of()
    with pytest.raises(ValueError, match="needs the name of the reviewer; got an empty one"):
        open_desk(folder, " ")
    (folder / "cases.json").write_text("{}")
    with pytest.raises(ValueError, match="cases.json is not the file that the run wrote"):
        open_desk(folder, "ann")
    (folder / "cases.json").unlink()
    with pytest.raises(FileNotFoundError, match="cases.json is missing"):
        open_desk(folder, "ann")
