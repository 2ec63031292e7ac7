"""Claims about the command ``selfpaced audit``."""

import gzip
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from typer.testing import Result

from selfpaced.audit._folder.claim import claimed
from selfpaced.audit._folder.files import FILES
from selfpaced.audit._run import Run as Training

Run = Callable[..., Result]
Say = Callable[..., str]
WriteIdx = Callable[[Path, str, int, int], None]

pytestmark = pytest.mark.usefixtures("here")

# Flags of a short training, for tests in which the kind of model is not the point.
FAST = ("--learner", "logistic")


def test_a_person_reads_what_was_read_found_and_written_and_what_comes_next(
    done: Say, wine: Path
) -> None:
    said = done("audit", wine, "--label", "kind", "-o", "run", *FAST)
    assert said.startswith("wine.csv: 178 rows; kind: ")
    assert "rosé (" in said and "Learned from 13 numbers" in said
    assert "Look at these first" in said and "alcohol" in said
    assert re.search(r"\nBetween 0 and \d\d of 178 labels are wrong\.\n", said)
    assert re.search(r" \d\d look wrong \(\d\d\.\d%\); check each of them\.\n", said)
    assert re.search(r"\n  \d+ labelled \S+ are probably \S+\n", said)
    assert re.search(r"\nModels that did not learn a label predict it for \d\d\.\d% of the", said)
    assert "\nJudged by logistic regression.\n" in said
    assert said.endswith(
        "\nNext, decide about the suspects, then write the corrected data:\n"
        "  selfpaced review run\n  selfpaced fix run wine-corrected.csv\n"
    )
    assert "\x1b" not in said and "training" not in said.replace("the training", "")
    shown = said[said.index("Look at") : said.index(" of 178 labels")].splitlines()
    assert max(map(len, shown)) <= 100 and len(shown) == 18
    assert "\nRow 1 is the first row after the header.\n" in said
    for name in os.listdir("run"):
        assert name in said


def test_wrong_labels_of_classes_that_do_not_overlap_are_counted(done: Say) -> None:
    rng, dog = np.random.default_rng(0), np.arange(400) % 2
    frame = pd.DataFrame(rng.normal(size=(400, 2)) + 6 * dog[:, None], columns=["ears", "tail"])
    wrong = np.arange(400) % 10 == 0
    frame["kind"] = np.where(wrong ^ (np.arange(400) % 20 == 9), 1 - dog, dog)
    frame.to_csv("pets.csv", index=False)
    said = done("audit", "pets.csv", "--label", "kind", "-o", "run", *FAST)
    assert "\n60 of 400 labels are probably wrong (15.0%).\n" in said
    found = re.search(r"\nAll in all about (\d+) are wrong \((\d+) to (\d+)\)\.\n", said)
    assert found is not None
    about, low, high = map(int, found.groups())
    assert low < about < high and about == pytest.approx(60, abs=5)
    assert "\n  40 labelled 1 are probably 0\n  20 labelled 0 are probably 1\n" in said


def test_a_withheld_class_is_named_and_every_class_lists_it(done: Say) -> None:
    rng, place = np.random.default_rng(0), np.arange(440)
    kinds = np.where(place < 400, np.array(["cat", "dog"])[place % 2], "owl")
    centers = {"cat": (0, 0), "dog": (8, 0), "owl": (0, 8)}
    meant = np.where((place >= 400) & (place < 425), "dog", kinds)  # 25 of 40 owls are dogs
    x = rng.normal(size=(440, 2)) + np.array([centers[kind] for kind in meant])
    pd.DataFrame(x, columns=["ears", "tail"]).assign(kind=kinds).to_csv("pets.csv", index=False)
    words = ("audit", "pets.csv", "--label", "kind", "--learner", "trees")
    said = done(*words, "-o", "some")
    assert "look wrong, which is more likely a class that is hard to learn: owl (6" in said
    assert "None of them is called wrong; --every-class lists them." in said
    fix = pd.read_csv("some/suspects.csv")
    assert "owl" not in set(fix["given"])
    said = done(*words, "--every-class", "-o", "all")
    assert "  25 labelled owl are probably dog\n" in said
    assert Path("all/summary.md").read_text().endswith("--output all --every-class\n```\n")


def test_all_kinds_of_models_are_named(done: Say, wine: Path) -> None:
    said = done("audit", wine, "--label", "kind", "-o", "run", "--epochs", 2)
    (judged,) = [line for line in said.splitlines() if line.startswith("Judged by ")]
    kinds = ("a neural network", "kernel logistic regression", "boosted trees", "randomised trees")
    assert all(f"{kind} (" in judged for kind in kinds)
    assert {"estimators.safetensors", "model.safetensors"} <= set(os.listdir("run"))


def test_a_network_that_judges_labels_that_it_learned_says_how_little_few_samples_tell(
    done: Say, wine: Path
) -> None:
    said = done("audit", wine, "--label", "kind", "-o", "run", "--folds", 0, "--epochs", 20)
    assert "178 samples are few. With fewer than 400" in said and "Judged by" not in said


def test_a_terminal_shows_the_training(done: Say, wine: Path) -> None:
    said = done("audit", wine, "--label", "kind", "--epochs", 2, "-o", "run", FORCE_COLOR="1")
    for words in ("Reading", "in doubt", "2 of 4", "4 of 4", "━━", "Writing to run"):
        assert words in said  # two rounds, then two epochs


def test_the_folder_is_named_after_the_data(done: Say, wine: Path, here: Path) -> None:
    packed = here / "some.wines.csv.gz"
    packed.write_bytes(gzip.compress(wine.read_bytes()))
    said = done("audit", packed, "--label", "kind", *FAST)
    assert (here / "some.wines-audit" / "summary.md").is_file()
    assert "selfpaced" in said


def test_json_is_one_object_and_nothing_else(done: Say, wine: Path) -> None:
    told = json.loads(
        done("audit", wine, "--label", "kind", "-o", "run", "--json", "--fix", "new.csv", *FAST)
    )
    assert told["samples"] == 178 and told["data"] == str(wine)
    suspects = pd.read_csv(told["suspects_csv"])
    assert told["suspects"] == (suspects["fix"] == "yes").sum() > 20
    assert told["wrong"]["low"] <= told["wrong"]["estimate"] <= told["wrong"]["high"]
    assert sum(kind["count"] for kind in told["kinds"]) == told["suspects"]
    assert told["kinds"][0].keys() == {"given", "suggested", "count"}
    assert set(told["files"]) == set(os.listdir("run")) and told["folder"] == "run"
    assert told["fixed"] == "new.csv" and told["changed"] == told["suspects"]
    for kind in told["kinds"]:
        assert told["changes"][kind["given"]][kind["suggested"]] == kind["count"]
    assert sum(n for to in told["changes"].values() for n in to.values()) == told["changed"]
    none = json.loads(
        done("audit", wine, "--label", "kind", "-o", "2", "--json", "--top", 3, *FAST)
    )
    assert none["fixed"] is None and none["changed"] == 0 and none["changes"] == {}
    assert len(pd.read_csv("2/suspects.csv")) == 3 < none["suspects"]
    assert Path("2/summary.md").read_text().endswith("--output 2 --top 3\n```\n")
    assert told["notes"][0].startswith("Learned from 13 numbers") and told["seconds"] > 0
    judged = told["reliability"]
    assert judged["learned"] and judged["learners"] == {"logistic": 1.0}
    assert judged["base_accuracy"] < judged["accuracy"] < 0.9
    assert [row["class"] for row in judged["classes"]] == ["red", "rosé", "white"]
    assert sum(row["rows"] for row in judged["classes"]) == 178


def test_quiet_prints_nothing(done: Say, wine: Path) -> None:
    assert done("audit", wine, "--label", "kind", "-o", "run", "--quiet", *FAST) == ""


def test_the_same_seed_gives_the_same_bytes(done: Say, wine: Path) -> None:
    words = ("audit", wine, "--label", "kind", "--epochs", 1)
    done(*words, "-o", "one")
    done(*words, "--output", "two", "--dark", "--json")
    done(*words, "--output", "three", "--seed", 1)
    for name in sorted(os.listdir("one")):
        if not name.endswith((".png", "summary.md", "report.html")):  # the pages name the folder
            assert Path("one", name).read_bytes() == Path("two", name).read_bytes(), name
    assert Path("one/suspects.csv").read_bytes() != Path("three/suspects.csv").read_bytes()
    assert Path("one/curves.png").read_bytes() != Path("two/curves.png").read_bytes()


def test_the_number_of_threads_changes_nothing_and_is_put_back(done: Say, wine: Path) -> None:
    before = torch.get_num_threads()
    try:
        for n in (1, 2):
            torch.set_num_threads(n)
            done("audit", wine, "--label", "kind", "-o", n, "--epochs", 1)
            assert torch.get_num_threads() == n
    finally:
        torch.set_num_threads(before)
    assert Path("1/suspects.csv").read_bytes() == Path("2/suspects.csv").read_bytes()


@pytest.mark.parametrize("drop", [False, True])
def test_a_corrected_copy_is_written_and_the_table_stays(done: Say, wine: Path, drop: bool) -> None:
    before = wine.read_bytes()
    flags = ["--fix", "new.csv", *["--drop"] * drop, *FAST]
    said = done("audit", wine, "--label", "kind", "-o", "run", *flags)
    suspects, new = pd.read_csv("run/suspects.csv"), pd.read_csv("new.csv")
    assert set(suspects["fix"]) == {"yes", "no"}
    suspects = suspects[suspects["fix"] == "yes"]
    assert wine.read_bytes() == before and len(suspects) > 20
    if drop:
        assert (
            len(new) == 178 - len(suspects) and f"new.csv  {len(suspects)} samples left out" in said
        )
    else:
        changed = new[new["selfpaced_was"].notna()]
        assert sorted(changed.index + 1) == sorted(suspects["row"])
        assert f"new.csv  {len(suspects)} labels changed" in said
    assert "selfpaced predict run new.csv" in said
    # what was found is what `fix` writes later
    assert f"later.csv  {len(suspects)} {'samples' if drop else 'labels'}" in done(
        "fix", "run", "later.csv", *["--drop"] * drop
    )
    assert Path("later.csv").read_bytes() == Path("new.csv").read_bytes()


def test_rows_that_move_while_an_audit_trains_are_found(
    done: Say, wine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, *lines = wine.read_text().splitlines()
    table, train = Path("table.csv"), Training.train
    table.write_bytes(wine.read_bytes())

    def with_a_new_first_row(self: Training, *given: Any, **settings: Any) -> bool:
        table.write_text("\n".join([head, lines[70], *lines]) + "\n")
        return train(self, *given, **settings)

    monkeypatch.setattr(Training, "train", with_a_new_first_row)
    done("audit", table, "--label", "kind", "-o", "run", "--fix", "new.csv", *FAST)
    suspects = pd.read_csv("run/suspects.csv").query("fix == 'yes'")
    new = pd.read_csv("new.csv")
    changed = new[new["selfpaced_was"].notna()]
    assert len(suspects) > 20
    assert sorted(changed.index) == sorted(suspects["row"])  # one more row above
    assert changed["kind"].tolist() == suspects.sort_values("row")["suggested"].tolist()


def test_labels_that_are_numbers_make_a_regression(done: Say, here: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    y = x @ [3.0, -2.0, 1.0] + 0.1 * rng.normal(size=300)
    y[::30] += 40
    pd.DataFrame(x, columns=list("abc")).assign(y=y).to_csv("numbers.csv", index=False)
    said = done("audit", "numbers.csv", "--label", "y", "-o", "run", "--epochs", 60)
    assert "numbers.csv: 300 rows; y from " in said and ", median " in said
    assert "of 300 numbers are probably wrong" in said
    assert said.endswith("selfpaced fix run numbers-corrected.csv --drop\n")
    assert set(range(1, 301, 30)) <= set(pd.read_csv("run/suspects.csv")["row"])
    classes = pd.DataFrame({"x": np.arange(40) % 7, "y": [0.5, 1.5] * 20})
    classes.to_csv("halves.csv", index=False)
    assert "y: 0.5 (20), 1.5 (20)" in done(
        "audit", "halves.csv", "--label", "y", "--classes", *FAST
    )
    pd.DataFrame({"x": np.arange(40) % 7, "y": [1, 2] * 20}).to_csv("whole.csv", index=False)
    assert "y from 1 to 2, median 1.5" in done(
        "audit", "whole.csv", "--label", "y", "--numbers", *FAST
    )


def test_the_next_command_names_a_network_of_the_user(
    done: Say, wine: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "from torch import nn\n\ndef make(shape, n):\n    return nn.Linear(*shape, n)\n"
    (here / "next_net.py").write_text(body)
    monkeypatch.syspath_prepend(str(here))
    words = ("--model", "next_net:make", "--epochs", 20, "--fix", "new.csv", "-o", "run")
    said = done("audit", wine, "--label", "kind", *words)
    assert "selfpaced predict run new.csv --model next_net:make" in said


def test_a_folder_of_images(done: Say, here: Path) -> None:
    rng = np.random.default_rng(0)
    for place in range(24):
        folder = here / "pictures" / ("dark", "light")[place % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 60, (9, 9), dtype=np.uint8) + 150 * (place % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{place}.png")
    said = done("audit", "pictures", "--epochs", 2, "--learner", "network")
    assert said.startswith("pictures: 24 images; labels: dark (12), light (12)\n")
    assert "selfpaced predict pictures-audit new" in said
    built = json.loads(Path("pictures-audit/config.json").read_text())["model"]["built"]
    assert built == {
        **{"network": "cnn", "folds": 3, "shape": [1, 9, 9], "outputs": 2},
        **{"members": ["network"], "shares": {"network": built["shares"]["network"]}},
    }
    said = done("audit", "pictures", "--epochs", 1, "--no-shifts", "-o", "all")
    assert "--no-shifts" in Path("all/summary.md").read_text() and "randomised trees" in said


def test_arrays(done: Say, here: Path, write_idx: WriteIdx) -> None:
    x, y = np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 3
    np.savez("a.npz", X=x, y=y)
    assert "a.npz: 30 samples; labels: 0 (10), 1 (10), 2 (10)" in done("audit", "a.npz", *FAST)
    np.save("x.npy", x)
    np.save("y.npy", y)
    done("audit", "x.npy", "--labels", "y.npy", *FAST, "-o", "run")
    write_idx(here, "train", 30, 8)
    assert "30 samples" in done("audit", here, *FAST, "-o", here.parent / "idx")


def test_notes_name_columns_like_ids_and_the_flag_to_use_them(done: Say, here: Path) -> None:
    frame = pd.DataFrame({"id": range(40), "x": np.arange(40) % 7, "z": np.arange(40) % 5})
    frame.assign(y=np.where(np.arange(40) % 2, "b", "a")).to_csv("a.csv", index=False)
    words = ("audit", "a.csv", "--label", "y", *FAST)
    said = done(*words)
    assert "like an id, is left out: id. To learn from one, pass --use with its name." in said
    assert "Learned from 2 numbers" in said
    assert "Learned from 3 numbers" in done(*words, "--use", "id", "-o", "b")
    said = done(*words, "--ignore", "x", "--ignore", "id", "-o", "c")
    assert "Learned from 1 number" in said


def test_samples_that_contradict_each_other_are_listed(done: Say, here: Path) -> None:
    Path("a.csv").write_text("x,y\n" + "".join(f"{n},{'ab'[n % 2]}\n" for n in range(20)) + "3,a\n")
    said = done("audit", "a.csv", "--label", "y", *FAST)
    assert FILES["conflicts.csv"] in said and "conflicts.csv" in said


@pytest.mark.parametrize("name", ["network", "logistic", "kernel", "boosting", "trees"])
def test_one_kind_of_model_can_be_asked_for(done: Say, wine: Path, name: str) -> None:
    words = ("audit", wine, "--label", "kind", "--epochs", 1, "--folds", 2, "--learner", name)
    told = json.loads(done(*words, "-o", "run", "--json"))
    assert told["reliability"]["learners"] == {name: 1.0}
    kind = "model.safetensors" if name == "network" else "estimators.safetensors"
    assert {kind, "suspects.csv"} <= set(os.listdir("run"))
    assert (
        f"--learner {name} --folds 2 --epochs 1 --output run" in Path("run/summary.md").read_text()
    )


def test_another_kind_of_model_is_refused(run: Run, wine: Path) -> None:
    said = run("audit", wine, "--learner", "foo").stderr
    assert "'foo' is not one of 'auto', 'network', 'logistic'" in said and "'trees'." in said


def test_labels_that_tell_nothing_are_not_called_wrong(done: Say) -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=200), "y": rng.choice(["a", "b"], 200)})
    frame.to_csv("random.csv", index=False)
    said = done("audit", "random.csv", "--label", "y", "-o", "run", *FAST)
    assert "\nNothing can be said about the 200 labels.\n" in said
    why = "No class was predicted clearly better than by chance, so no label is called wrong."
    assert f"\n{why}\n" in said
    assert "Look at these first" not in said
    assert said.endswith("Next, add samples, or columns from which the labels can be told.\n")
    assert "yes" not in set(pd.read_csv("run/suspects.csv")["fix"])


ERRORS: list[tuple[str, str]] = [
    ("nothing.csv --label y", "There is no file or folder nothing.csv. Check the name"),
    ("wine.csv", "which column holds the labels? Pass --label with one of alcohol,"),
    ("wine.csv --label kin", "--label: no column 'kin'. Did you mean 'kind'?"),
    ("empty.csv --label y", "empty.csv is empty. Is it the right file?"),
    ("wine.xlsx --label kind", "wine.xlsx is not what its name says"),
    ("wine.parquet --label kind", "wine.parquet is not what its name says"),
    ("wine.csv --label kind --ignore alcohl", "--ignore: no column 'alcohl'. Did you mean 'alcoho"),
    ("wine.csv --label kind --side 9", "--side is for images; wine.csv has no column of images"),
    (
        "wine.csv --label kind --text-model no",
        "--text-model expects the folder of a transformers model; there is no folder no",
    ),
    ("wine.csv --label kind --model no", "--model expects package.module:factory; got 'no'"),
    ("wine.csv --label kind --epochs 0", "epochs must be a positive int; got 0"),
    ("wine.csv --label kind --numbers", "the labels of a regression must be numbers"),
    ("wine.csv --label kind --precision fp16", "--precision fp16 needs a GPU"),
    (
        "wine.csv --label kind --learner boosting --batch-size 9",
        "--batch-size is a setting of networks, and --learner boosting",
    ),
    ("wine.csv --label kind --folds 1", "folds must be 2 or more, or 0 to judge labels by models"),
    ("wine.csv --label kind --folds -1 --learner trees", "folds must be 2 or more"),
    (
        "wine.csv --label kind --folds 0 --learner trees",
        "needs a network; --learner trees always leaves out folds. Leave out one of them",
    ),
    ("wine.csv --label kind -o full", "full exists. Choose another folder, or pass --force"),
    ("wine.csv --label kind -o wine.csv", "wine.csv is a file, and a run writes to a folder"),
    ("wine.csv --label kind -o full --resume", "full holds no checkpoint.pt"),
    ("wine.csv --label kind --resume --force -o new", "holds no checkpoint.pt"),
    ("wine.csv --label kind --drop", "--drop needs --fix FILE"),
    (
        "wine.csv --label kind --top 0",
        "--top must be a positive number of rows; got 0. Leave it out to list the suspects and",
    ),
    ("wine.csv --label kind --top -7 --json", "--top must be a positive number of rows; got -7."),
    (
        "wine.csv --label kind --fix wine.csv",
        "wine.csv is the table itself, which is never changed",
    ),
    ("wine.csv --label kind --fix empty.csv", "empty.csv exists. Choose another name, or pass --f"),
    ("wine.csv --label kind --fix new.parquet", "must be a .csv file; got new.parquet"),
    ("wine.csv --label kind --fix no/new.csv", "There is no folder no for new.csv"),
    ("wine.csv --label kind --json --quiet", "Choose --json or --quiet; got both"),
    ("pictures -o pictures/run", "pictures/run is inside the data. Choose another folder"),
    ("pictures", "pictures contains no images"),
]


@pytest.mark.parametrize(("words", "says"), ERRORS)
def test_an_error_is_one_line_and_leaves_nothing_behind(
    refused: Say, wine: Path, here: Path, words: str, says: str
) -> None:
    for name in ("wine.csv", "wine.xlsx", "wine.parquet"):
        (here / name).write_bytes(wine.read_bytes())
    (here / "empty.csv").touch()
    for name in ("pictures", "full"):
        (here / name).mkdir()
    (here / "full" / "mine.txt").touch()
    before = sorted(here.rglob("*"))
    for more in ((), ("--quiet",)):
        if "--json" not in words or not more:
            assert says in refused("audit", *words.split(), *more)
    assert sorted(here.rglob("*")) == before


def test_too_little_memory_is_an_error(
    refused: Say, wine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("selfpaced.audit._features.fit.estimate", lambda source: 10**15)
    assert "need about 1,000.00 TB of memory" in refused("audit", wine, "--label", "kind")


def test_a_full_disk_leaves_nothing_half_written(
    done: Say, refused: Say, wine: Path, monkeypatch: pytest.MonkeyPatch, here: Path
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    words = ("audit", wine, "--label", "kind", *FAST)
    with monkeypatch.context() as patch:
        patch.setattr("selfpaced.audit._folder.write.draw", full)
        said = refused(*words, "-o", "run", begun=True)
    assert "The disk is full: nothing of the results was written to run." in said
    assert os.listdir("run") == ["checkpoint.pt"]
    done(*words, "-o", "run", "--resume")
    done(*words, "-o", "whole")
    assert Path("run/suspects.csv").read_bytes() == Path("whole/suspects.csv").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        said = refused(*words, "-o", "other", begun=True)
    assert "checkpoint.pt could not be written. Free some space and begin again" in said
    assert not Path("other").exists()


def test_force_replaces_a_run_only_once_the_next_one_is_over(
    done: Say, refused: Say, wine: Path
) -> None:
    words = ("-o", "run", "--force", *FAST)
    done("audit", wine, "--label", "kind", "--epochs", 1, *words)
    before = Path("run/suspects.csv").read_bytes()
    refused("audit", wine, "--label", "knd", "--epochs", 5, *words)
    assert Path("run/suspects.csv").read_bytes() == before
    done("audit", wine, "--label", "kind", "--epochs", 5, *words)
    assert Path("run/suspects.csv").read_bytes() != before


def test_a_folder_that_a_run_writes_to_is_refused(refused: Say, wine: Path) -> None:
    with claimed(Path("run"), force=False, resume=False):
        said = refused("audit", wine, "--label", "kind", "-o", "run", "--force", *FAST)
    assert said.startswith("run is in use: process ") and "choose another folder." in said


def test_debug_shows_where_an_error_came_from(run: Run) -> None:
    result = run("audit", "nothing.csv", "--debug")
    assert result.exit_code == 1 and isinstance(result.exception, FileNotFoundError)


def test_a_bug_keeps_its_traceback(run: Run, wine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("selfpaced.audit._prepare.prepare", broken)
    result = run("audit", wine, "--label", "kind")
    assert result.exit_code == 1 and isinstance(result.exception, ZeroDivisionError)
