"""Claims about ``selfpaced audit --annotator``."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

Say = Callable[..., str]
RNG = np.random.default_rng(0)

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def votes() -> pd.DataFrame:
    """Write a table with three annotators, of whom one is often wrong; return it with the truth."""
    truth = RNG.integers(0, 2, 200)
    table = pd.DataFrame({"x": truth * 3 + RNG.normal(size=200), "y": RNG.normal(size=200)})
    for name, rate in (("ann", 0.95), ("bob", 0.9), ("eve", 0.6)):
        table[name] = np.array(["no", "yes"])[np.where(RNG.random(200) < rate, truth, 1 - truth)]
    table.to_csv("votes.csv", index=False)
    return table.assign(truth=np.array(["no", "yes"])[truth])


WORDS = ("audit", "votes.csv", *("--annotator", "ann", "--annotator", "bob", "--annotator", "eve"))


def test_the_consensus_and_the_annotators_are_written(done: Say, votes: pd.DataFrame) -> None:
    said = done(*WORDS, "--learner", "logistic")
    made, each = pd.read_csv("votes-audit/consensus.csv"), pd.read_csv("votes-audit/annotators.csv")
    assert made["row"].tolist() == list(range(1, 201)) and (made["votes"] == 3).all()
    right = (made["consensus"] == votes["truth"]).mean()
    assert right > max((votes[name] == votes["truth"]).mean() for name in ("ann", "bob", "eve"))
    assert each["annotator"].tolist() == ["eve", "bob", "ann"]
    assert "(eve) to" in said and "## Annotators" in Path("votes-audit/summary.md").read_text()
    suspects = pd.read_csv("votes-audit/suspects.csv").query("fix == 'yes'")
    changed = made.set_index("row")["consensus"][suspects["row"]]
    assert changed.tolist() == suspects["suggested"].tolist()


def test_fix_is_refused(done: Say, refused: Say, votes: pd.DataFrame) -> None:
    assert "--fix does not change the labels of several" in refused(*WORDS, "--fix", "fixed.csv")
    done(*WORDS, "--learner", "logistic")
    assert "consensus.csv in votes-audit has the label of each" in refused(
        "fix", "votes-audit", "f.csv"
    )


def test_a_class_of_a_single_vote_is_counted(done: Say, votes: pd.DataFrame) -> None:
    table = pd.read_csv("votes.csv")
    table.loc[0, "eve"] = "perhaps"
    table.loc[1, ["ann", "bob"]] = None
    table.to_csv("votes.csv", index=False)
    done(*WORDS, "--learner", "logistic")
    made = pd.read_csv("votes-audit/consensus.csv")
    assert made["votes"].tolist()[:3] == [3, 1, 3]
    assert set(made["consensus"]) == {"no", "yes"}
