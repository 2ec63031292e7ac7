"""Claims about the plan of an audit."""

import math
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from selfpaced._cli import app
from selfpaced.audit import Options
from selfpaced.audit._learning.settings import Settings
from selfpaced.audit._plan import (
    LEARNERS,
    Plan,
    check,
    check_effect,
    check_model,
    command,
    differences,
    from_json,
    to_json,
)

FULL = Plan(
    Path("my pets.csv"),
    Options("kind", None, ("a b", "c"), ("id",), numeric=False),
    Path("models/small"),
    "nets.small:make",
    "network",
    4,
    False,
    "bf16",
    7,
    64,
    0.01,
    5,
)


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    path = tmp_path / "pets.csv"
    path.write_text("ears,kind\n2.5,cat\n7.5,dog\n")
    return path


def test_settings_that_are_not_given_are_the_defaults() -> None:
    plan = Plan(Path("a"))
    assert plan.settings(1_999) == Settings(30, 32, 1e-3, seed=0, folds=3)
    assert plan.settings(2_000) == Settings(38, 128, 1e-3, seed=0, folds=3)  # of 600 steps or more
    assert plan.settings(20_001) == Settings(30, 128, 1e-3, seed=0, folds=2)
    assert plan.settings(50_000) == Settings(30, 512, 1e-3, seed=0, folds=2)
    assert FULL.settings(9) == Settings(7, 64, 0.01, seed=5, folds=4)


def test_a_regression_has_no_folds() -> None:
    assert Plan(Path("a")).settings(1_999, numeric=True).folds == 0
    assert FULL.settings(9, numeric=True) == Settings(7, 64, 0.01, seed=5, folds=0)


def test_rounds_of_other_models_have_their_own_defaults() -> None:
    plan = Plan(Path("a"))
    assert plan.rounds(2_000) == Settings(8, seed=0, folds=5)
    assert [plan.rounds(n).folds for n in (2_001, 20_001)] == [4, 3]
    assert FULL.rounds(9) == Settings(7, seed=5, folds=4)
    assert replace(plan, epochs=3).rounds(9).epochs == 3


@pytest.mark.parametrize("plan", [FULL, Plan(Path("x.npy"), Options(labels=Path("y.npy"), side=8))])
def test_a_plan_is_read_back_from_json(plan: Plan) -> None:
    assert from_json(to_json(plan) | {"more": 1}) == plan


@pytest.mark.parametrize("plan", [FULL, Plan(Path("a"), Options(numeric=True), learner="trees")])
def test_the_command_of_a_plan_runs_the_same_plan(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Plan] = []
    monkeypatch.setattr("selfpaced._cli.audit_run.carry_out", lambda plan, _: asked.append(plan))
    words = shlex.split(command(plan, Path("my run"), ["--dark"]))
    result = CliRunner().invoke(app, words[1:])
    assert words[0] == "selfpaced" and result.exit_code == 0, result.output
    assert asked == [plan]


def test_words_that_begin_with_a_dash_are_no_options() -> None:
    options = Options(label="-kind", ignore=("--x",), sheet="- y")
    words = shlex.split(command(Plan(Path("-a.csv"), options), Path("-run")))
    assert words == [
        *("selfpaced", "audit", "./-a.csv", "--label=-kind", "--sheet=- y", "--ignore=--x"),
        *("--output", "./-run"),
    ]


def test_every_setting_that_differs_is_named() -> None:
    other = replace(FULL, options=replace(FULL.options, label="is", numeric=True), seed=6)
    assert differences(FULL, other) == [
        "label=... (kind, then is)",
        "numeric=... (False, then True)",
        "seed=... (5, then 6)",
    ]


WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {"options": Options(labels=Path("y.npy"))},
        r"^labels=\.\.\. needs a single .npy or idx file; .*pets.csv is not one. Leave it out",
    ),
    (
        {"options": Options(sheet="A")},
        r"^sheet=\.\.\. needs a workbook \(.xlsx\); .*pets.csv is not one. Leave it out",
    ),
    (
        {"learner": "boosting", "model": "a:b"},
        r"^model=\.\.\. is a setting of networks, and learner=boosting is not a network",
    ),
    (
        {"learner": "trees", "batch_size": 8},
        r"^batch_size=\.\.\. is a setting of networks, and learner=trees is not",
    ),
    (
        {"learner": "kernel", "learning_rate": 1.0},
        r"^learning_rate=\.\.\. is a setting of networks",
    ),
    ({"learner": "logistic", "precision": "bf16"}, r"^precision=\.\.\. is a setting of networks"),
    (
        {"learner": "logistic", "folds": 0},
        r"^folds=0 needs a network; learner=logistic always leaves out folds. Leave out one of",
    ),
    ({"learner": "hgb"}, r"^learner must be one of .*; got 'hgb'"),
    ({"learner": "networks"}, r"Did you mean 'network'\?"),
]


@pytest.mark.parametrize(("asked", "said"), WRONG)
def test_settings_that_cannot_be_used_are_refused(
    pets: Path, asked: dict[str, Any], said: str
) -> None:
    check(Plan(pets, Options(label="kind")))
    with pytest.raises(ValueError, match=said):
        check(replace(Plan(pets, Options(label="kind")), **asked))


OUT_OF_RANGE: list[dict[str, Any]] = [
    {"epochs": 0},
    {"batch_size": -1},
    {"learning_rate": -1.0},
    {"learning_rate": math.inf},
    {"learning_rate": math.nan},
    {"seed": -1},
    {"seed": 2**63},
    {"folds": 1},
    {"folds": -1},
]


def test_settings_of_networks_are_allowed_where_one_may_be_trained(pets: Path) -> None:
    plan = Plan(pets, Options(label="kind"), folds=0, batch_size=8, learning_rate=0.1)
    for learner in ("auto", "network"):
        check(replace(plan, learner=learner, precision="bf16"))
    for learner in LEARNERS:
        check(Plan(pets, Options(label="kind"), learner=learner, folds=2, epochs=3))


@pytest.mark.parametrize("asked", OUT_OF_RANGE)
def test_numbers_out_of_range_are_refused_as_the_training_refuses_them(
    pets: Path, asked: dict[str, Any]
) -> None:
    with pytest.raises(ValueError) as refused:
        check(replace(Plan(pets, Options(label="kind")), **asked))
    with pytest.raises(ValueError) as expected:
        Settings(**asked)
    assert str(refused.value) == str(expected.value)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("nothing", r"^model=\.\.\. expects package.module:factory; got 'nothing'"),
        ("nowhere.at:all", "nowhere.at:all cannot be imported"),
    ],
)
def test_a_model_that_cannot_be_imported_is_refused_last(pets: Path, model: str, said: str) -> None:
    plan = Plan(pets, Options(label="kind"), model=model)
    check(plan)
    with pytest.raises(ValueError, match=said):
        check_model(plan)
    check_model(replace(plan, model=None))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options(label="kind"), r"^label=\.\.\. needs a table; .*x.npz is not one. Leave it out"),
        (Options(ignore=("a",)), r"^ignore=\.\.\. needs a table; .*x.npz is not one"),
        (Options(use=("a",)), r"^use=\.\.\. needs a table; .*x.npz is not one"),
    ],
)
def test_names_of_columns_need_a_table(tmp_path: Path, options: Options, said: str) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, X=np.zeros((2, 2)), y=np.arange(2))
    with pytest.raises(ValueError, match=said):
        check(Plan(path, options))


def test_the_side_of_an_image_is_positive(tmp_path: Path) -> None:
    said = r"^side=\.\.\. must be a positive number of pixels; got 0"
    with pytest.raises(ValueError, match=said):
        check(Plan(tmp_path, Options(side=0)))


def test_a_label_may_name_a_column_of_a_table_of_labels(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((2, 2)))
    check(Plan(path, Options(label="kind", labels=tmp_path / "y.csv")))
    with pytest.raises(ValueError, match=r"^label=\.\.\. needs a table; .* is not one"):
        check(Plan(path, Options(label="kind")))


def test_the_folder_of_a_text_model_must_exist(pets: Path, tmp_path: Path) -> None:
    said = r"^text_model=\.\.\. expects the folder of a transformers model; there is no .*nowhere"
    with pytest.raises(FileNotFoundError, match=said):
        check(Plan(pets, Options(label="kind"), tmp_path / "nowhere"))


WITHOUT_EFFECT: list[tuple[dict[str, Any], dict[str, bool], str]] = [
    ({"batch_size": 7}, {}, "batch_size=... is a setting of networks, and no network is trained"),
    ({"learning_rate": 0.1}, {}, "learning_rate=... is a setting of networks"),
    ({"precision": "bf16"}, {}, "precision=... is a setting of networks"),
    ({"shifts": False}, {}, "shifts=False is for images that a network learns. Leave it out."),
    ({"shifts": False}, {"network": True}, "shifts=False is for images"),
    ({"folds": 5}, {"network": True, "numeric": True}, "a network learns all numbers"),
]


@pytest.mark.parametrize(("asked", "of", "said"), WITHOUT_EFFECT)
def test_settings_without_effect_are_refused(
    asked: dict[str, Any], of: dict[str, bool], said: str
) -> None:
    none = {"network": False, "images": False, "numeric": False}
    with pytest.raises(ValueError, match=re.escape(said)):
        check_effect(Plan(Path("pets.csv"), **asked), **none | of)


def test_settings_with_an_effect_are_allowed() -> None:
    plan = Plan(Path("pets"), batch_size=7, learning_rate=0.1, shifts=False, folds=3)
    check_effect(plan, network=True, images=True, numeric=False)
    check_effect(Plan(Path("a"), folds=5), network=False, images=False, numeric=True)
