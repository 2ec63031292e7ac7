"""Claims about the processes of launchers, and leftovers of them in the environment."""

import os

import pytest

from selfpaced.audit._learning.launcher import ACCELERATE, LAUNCHERS, is_main, launched, rank_told

HOST = {"MASTER_ADDR": "here"}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove what a launcher may have set."""
    known = {name for names in LAUNCHERS for name in names}
    for name in list(os.environ):
        if name in known or name.startswith(ACCELERATE):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("told", "rank"),
    [
        (HOST | {"RANK": "0", "WORLD_SIZE": "1"}, 0),
        (HOST | {"RANK": "1", "WORLD_SIZE": "2"}, 1),
        ({"PMI_RANK": "2", "PMI_SIZE": "3"}, 2),
        ({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"}, 0),
        ({"MV2_COMM_WORLD_RANK": "1", "MV2_COMM_WORLD_SIZE": "2"}, 1),
        ({}, None),
        ({"RANK": "3"}, None),
        ({"RANK": "3", "WORLD_SIZE": "4"}, None),
        (HOST | {"RANK": "4", "WORLD_SIZE": "4"}, None),
        (HOST | {"RANK": "abc", "WORLD_SIZE": "4"}, None),
        (HOST | {"RANK": "-1", "WORLD_SIZE": "4"}, None),
        ({"PMI_RANK": "", "PMI_SIZE": "2"}, None),
        ({"LOCAL_RANK": "5"}, None),
    ],
    ids=str,
)
def test_a_rank_counts_only_with_a_number_of_processes(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str], rank: int | None
) -> None:
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert rank_told() == rank
    assert launched() == (rank is not None) and is_main() == (not rank)


def test_accelerate_is_a_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    assert launched() and is_main()
