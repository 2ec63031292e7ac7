"""What every difficulty promises."""

from collections.abc import Sequence

import torch
from torch import Tensor

from selfpaced.chain import Difficulty, Rows
from selfpaced.testing._settings import check_settings, expect


def check_difficulty(rule: Difficulty, columns: Sequence[str] = ()) -> None:
    """Check a difficulty: finite scores per sample, pure, with its inputs left alone.

    Args:
        rule: The difficulty.
        columns: The ledger columns that it reads.

    Raises:
        AssertionError: Naming the first promise that is broken.

    >>> from selfpaced.difficulty import Smoothed
    >>> check_difficulty(Smoothed())
    """
    check_settings(rule)
    loss, rows = _samples(columns)
    score = _score(rule, loss, rows)
    expect(torch.equal(_score(rule, loss, rows), score), f"{rule!r} is not pure")
    fresh_loss, fresh = _samples(columns)
    before = [fresh_loss, fresh.index, fresh.memory, fresh.visits, *fresh.columns.values()]
    after = [loss, rows.index, rows.memory, rows.visits, *rows.columns.values()]
    unchanged = all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    expect(unchanged, f"{rule!r} writes to its inputs")
    picked = torch.tensor([3, 1])
    alone = _score(rule, loss[picked], _at(rows, picked))
    expect(torch.equal(alone, score[picked]), f"{rule!r}: a sample's score depends on its batch")
    _score(rule, loss[:0], _at(rows, picked[:0]))


def _samples(columns: Sequence[str]) -> tuple[Tensor, Rows]:
    """Losses of all sizes, of samples new and old."""
    loss = torch.tensor([0.0, 1e-30, 0.5, 2.0, 1e4, 1e30])
    visits = torch.tensor([0.0, 1.0, 2.0, 3.0, 10.0, 1000.0])
    n = len(loss)
    memory = torch.where(visits > 0, torch.linspace(0, 5, n), 0.0)
    return loss, Rows(
        torch.arange(n), memory, visits, {c: torch.linspace(0, 1, n) for c in columns}
    )


def _at(rows: Rows, places: Tensor) -> Rows:
    """Pick some rows."""
    columns = {name: column[places] for name, column in rows.columns.items()}
    return Rows(rows.index[places], rows.memory[places], rows.visits[places], columns)


def _score(rule: Difficulty, loss: Tensor, rows: Rows) -> Tensor:
    """Fold and score, looking at both."""
    memory = rule.fold(loss, rows)
    score = rule(memory, rows)
    for name, value in (("the memory", memory), ("the score", score)):
        expect(value.shape == loss.shape, f"{rule!r}: {name} is not of shape (B,)")
        expect(value.dtype == torch.float32, f"{rule!r}: {name} is not float32")
        expect(bool(value.isfinite().all()), f"{rule!r}: {name} is not finite")
    return score
