"""Claims about probabilities that the user has computed."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from selfpaced.audit import find_label_errors
from selfpaced.audit._learning.committee import Committee
from selfpaced.audit._learning.given import Given, probabilities_of
from selfpaced.suspects import judge_held_out

RNG = np.random.default_rng(0)
TRUTH = np.arange(200) % 2
Y = np.where(np.arange(200) < 10, 1 - TRUTH, TRUTH)
P = np.stack([1 - TRUTH, TRUTH], 1) * 0.8 + 0.1 + 0.02 * RNG.random((200, 1)) * [[1, -1]]
NAMES = np.array(["cat", "dog"])


@pytest.mark.parametrize("how", ["positional", "y", "frame"])
def test_labels_are_judged_as_by_judge_held_out(how: str) -> None:
    y: Any = NAMES[Y]
    frame = pd.DataFrame(P[:, ::-1], columns=["dog", "cat"])
    given: dict[str, Any] = {
        "positional": lambda: find_label_errors(y, pred_probs=P),
        "y": lambda: find_label_errors(y=y, pred_probs=P),
        "frame": lambda: find_label_errors(y, pred_probs=frame),
    }
    found = given[how]()
    assert sorted(found.suspects.index) == list(range(10))
    assert set(found.suspects["suggested"]) == {"cat", "dog"}
    judged = judge_held_out(torch.from_numpy(P), torch.from_numpy(Y))
    np.testing.assert_allclose(
        found.table.sort_index()["probability"], judged.probability.numpy(), atol=1e-5
    )
    assert found.reliability is not None
    assert found.reliability.learned_by == "Judged by the probabilities that were given."
    with pytest.raises(ValueError, match="no model was trained: none can predict"):
        found.model.predict(None, 2)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"pred_probs": P[:9]}, r"must have a row for each of the 200 labels .* got the shape \(9, 2"),
    (
        {"pred_probs": P[:, :1]},
        r"for each of the 2 classes, in the order .*: cat, dog; got",
    ),
    ({"pred_probs": np.log(P)}, "must be at least 0 and add up to 1 in each row. Apply softmax"),
    ({"pred_probs": P * np.nan}, "must be at least 0 and add up to 1 in each row"),
    ({"pred_probs": [["a", "b"]] * 200}, "pred_probs must be numbers"),
    ({"pred_probs": pd.DataFrame(P, columns=["cat", "eel"])}, "must be the classes cat, dog; got"),
    ({"pred_probs": P, "epochs": 3}, "nothing is trained; leave out X and all settings"),
    ({"pred_probs": P, "y": Y}, "nothing is trained; leave out X and all settings"),
    ({}, "needs X and y, or y and pred_probs"),
]


@pytest.mark.parametrize(("asked", "said"), REFUSED)
def test_what_does_not_fit_is_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        find_label_errors(NAMES[Y], **asked)


def test_the_losses_are_those_of_the_probabilities() -> None:
    labels = torch.from_numpy(Y)
    given = Given(probabilities_of(P, 200, pd.Index([0, 1]), "p"), labels)
    assert Committee([given], labels).progress == 0
    watched: list[Any] = []
    assert given.run(lambda *each: watched.append(each)) and given.run()
    assert watched[0][:2] == (1, 1) and given.done == given.pulses
    own = P[np.arange(200), Y]
    np.testing.assert_allclose(given.pacer.ledger.loss.numpy(), -np.log(own), rtol=1e-4)
