"""Claims about ``selfpaced audit --probabilities``."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

Say = Callable[..., str]
RNG = np.random.default_rng(0)
TRUTH = np.arange(200) % 2
Y = np.where(np.arange(200) < 10, 1 - TRUTH, TRUTH)
P = np.stack([1 - TRUTH, TRUTH], 1) * 0.8 + 0.1
NAMES = np.array(["cat", "dog"])
AUDIT = ("audit", "pets.csv", "--label", "kind", "--probabilities")

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture(autouse=True)
def pets(here: Path) -> None:
    """Write a table of 200 labels and one gap, and the probabilities of all rows."""
    table = pd.DataFrame({"a": RNG.random(201), "kind": [*NAMES[Y], None]})
    table.to_csv("pets.csv", index=False)
    np.save("p.npy", np.concatenate([P, [[0.5, 0.5]]]))
    pd.DataFrame(P, columns=NAMES).to_csv("p.csv", index=False)


@pytest.mark.parametrize("name", ["p.npy", "p.csv"])
def test_labels_are_judged_by_the_probabilities_of_a_file(done: Say, name: str) -> None:
    done(*AUDIT, name)
    suspects = pd.read_csv("pets-audit/suspects.csv").query("fix == 'yes'")
    assert sorted(suspects["row"]) == list(range(1, 11))
    assert "the probabilities that were given" in Path("pets-audit/summary.md").read_text()
    assert f"--probabilities {name}" in Path("pets-audit/summary.md").read_text()


def test_such_a_run_cannot_predict(done: Say, refused: Say) -> None:
    done(*AUDIT, "p.npy")
    said = refused("predict", "pets-audit", "pets.csv")
    assert "no model was trained" in said and "--probabilities" in said


def test_settings_of_a_training_are_refused(refused: Say) -> None:
    said = refused(*AUDIT, "p.npy", "--epochs", "3")
    assert "--epochs is a setting of a training, and with --probabilities there is none" in said
    assert "expects an .npy file or a table; got " in refused(*AUDIT, ".")
    assert "There is no file or folder none.npy" in refused(*AUDIT, "none.npy")
