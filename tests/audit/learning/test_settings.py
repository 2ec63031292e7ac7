"""Claims about the settings of a training."""

import math
from dataclasses import asdict
from typing import Any

import pytest

from selfpaced.audit._learning.settings import (
    Settings,
    folds_for,
    for_network,
    for_rounds,
    require_folds,
    require_same,
)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epochs": 0}, "epochs must be"),
        ({"batch_size": -1}, "batch_size must be"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0, and finite; got 0"),
        ({"learning_rate": math.inf}, "learning_rate must be above 0, and finite; got inf"),
        ({"seed": -1}, "seed"),
        ({"folds": 1}, "folds must be 2 or more, or 0 to judge labels by models that learned them"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Settings(**settings)


@pytest.mark.parametrize(
    ("rows", "network", "folds"),
    [
        (1, False, 5),
        (2_000, False, 5),
        (2_001, False, 4),
        (20_000, False, 4),
        (20_001, False, 3),
        (20_000, True, 3),
        (20_001, True, 2),
        (10**6, False, 3),
    ],
)
def test_more_rows_have_fewer_folds(rows: int, network: bool, folds: int) -> None:
    assert folds_for(rows, network=network) == folds


@pytest.mark.parametrize("folds", [1, -1, -2, 2.0, True, None])
def test_other_numbers_of_folds_are_refused(folds: Any) -> None:
    said = r"^audit: folds must be 2 or more, or 0 to judge labels by models that learned them; got"
    with pytest.raises(ValueError, match=rf"{said} {folds}\."):
        require_folds(folds)


@pytest.mark.parametrize("folds", [0, 2, 3, 10])
def test_0_and_2_or_more_folds_are_allowed(folds: int) -> None:
    require_folds(folds)
    assert Settings(folds=folds).folds == folds


def test_a_batch_size_out_of_range_is_refused_before_epochs_are_counted() -> None:
    with pytest.raises(ValueError, match="batch_size must be"):
        for_network(100, batch_size=0)


def test_what_is_given_is_used() -> None:
    given = {"epochs": 7, "batch_size": 9, "learning_rate": 0.5, "seed": 3, "folds": 2}
    assert for_network(100, **given, beside=True) == Settings(**given)  # type: ignore[arg-type]
    assert for_rounds(100, epochs=7, seed=3, folds=2) == Settings(epochs=7, seed=3, folds=2)


def test_no_folds_are_left_to_networks() -> None:
    assert for_network(100, folds=0).folds == 0
    assert for_rounds(100, folds=0).folds == 5


def test_a_state_of_other_settings_is_refused() -> None:
    settings = Settings(folds=3)
    require_same(asdict(settings), settings)
    said = "saved with other settings: epochs 2, now 30; folds None, now 3. Go on with the settings"
    saved = asdict(settings) | {"epochs": 2}
    del saved["folds"]
    with pytest.raises(ValueError, match=said):
        require_same(saved, settings)
