"""Claims about what notebooks show of pacers, audits and searches."""

import numpy as np
import pandas as pd
import torch

from selfpaced import Pacer
from selfpaced.audit import find_label_errors
from selfpaced.latent import Result


def test_a_pacer_shows_its_settings_and_its_last_step() -> None:
    pacer = Pacer(4)
    assert "<td>samples</td><td>4</td>" in pacer._repr_html_()
    for _ in range(2):
        pacer.observe(torch.tensor([0.5, 1.0, 1.5, 2.0]), torch.arange(4))
        pacer.step()
    shown = pacer._repr_html_()
    assert "Pacer(n_samples=4" in shown
    for name, value in (("seen", "4"), ("steps", "2"), ("mean loss", "1.25")):
        assert f"<td>{name}</td><td>{value}</td>" in shown
    assert shown.count("<svg") == 2
    assert "<script" not in shown


def test_an_audit_shows_its_conclusion_and_first_suspects_as_text() -> None:
    rng = np.random.default_rng(0)
    labels = np.array(["<b>a</b>", "b"])[np.arange(200) % 2]
    rows = rng.normal(size=(200, 2)) + 6 * (np.arange(200) % 2)[:, None]
    labels[:12] = labels[:12][::-1]
    found = find_label_errors(pd.DataFrame(rows, columns=["x", "y"]), labels)
    shown = found._repr_html_()
    assert f"<b>{found.conclusion[0]}.</b>" in shown
    assert "&lt;b&gt;a&lt;/b&gt;" in shown
    assert "<b>a" not in shown
    assert shown.count("<tr>") == 11
    assert f"{len(found.suspects) - 10} more suspects." in shown


def test_a_search_shows_its_objective() -> None:
    found = Result(w=0, h=0, v=np.array([1.0, 0.0]), objective=2.5, history=[], converged=False)
    shown = found._repr_html_()
    assert "<td>objective</td><td>2.5</td>" in shown
    assert "1 of 2" in shown
    assert "stopped before it converged" in shown
