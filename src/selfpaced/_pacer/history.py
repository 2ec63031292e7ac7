"""``History``: one dict per step of a run, and their table."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from selfpaced._files import read_parquet
from selfpaced._saved import Saved, is_number
from selfpaced.chain import Population

if TYPE_CHECKING:
    import pandas

Row = dict[str, float | int | list[float]]
KEYS = {"step", "age", "kept_share", "seen", "mean_loss", "median_difficulty"}  # of every row


class History(list[Row]):
    """One dict per step, in order.

    Keys: ``step`` (the step that begins), ``age`` (a list for ages per group), ``kept_share`` (the
    share of the seen samples' mass with a weight that is not 0), ``seen`` (the number of seen
    samples), ``mean_loss`` (of the last losses), ``median_difficulty``, ``probe`` (whether the step
    is a probe of the age, whose losses are no evidence about labels).

    >>> History([{"step": 1, "kept_share": 0.5}]).to_frame()
       step  kept_share
    0     1         0.5
    """

    def to_frame(self) -> "pandas.DataFrame":
        """Return the rows as a DataFrame.

        Raises:
            ModuleNotFoundError: Without pandas; the message names the extra to install.
        """
        try:
            import pandas
        except ModuleNotFoundError as missing:
            message = 'to_frame needs pandas: pip install "selfpaced[report]"'
            raise ModuleNotFoundError(message) from missing
        return pandas.DataFrame(list(self))


def describe(step: int, age: Tensor, population: Population, weight: Tensor, loss: Tensor) -> Row:
    """Return the row of the history for the step that begins.

    Args:
        step: Number of the step.
        age: Age of the step, shape () or (groups,).
        population: The samples seen so far, n of them.
        weight: Their weights at that age, shape (n,).
        loss: Their last losses, shape (n,).
    """
    mass = None if population.mass is None else population.mass.double()
    if mass is None or not bool((mass > 0).any()):
        mass = torch.ones_like(weight, dtype=torch.float64)
    return {
        "step": step,
        "age": age.tolist(),
        "kept_share": float((mass * (weight > 0)).sum() / mass.sum()),
        "seen": len(loss),
        "mean_loss": float(loss.mean()),
        "median_difficulty": float(population.difficulty.median()),
    }


def saved_history(saved: Saved, steps: int, n_samples: int, age: Tensor) -> History:
    """Return a copy of the history of a state. A row may also have keys of the user.

    Args:
        saved: The state.
        steps: Its number of steps: that of the last row.
        n_samples: Number of rows of the ledger.
        age: The age, shape () or (groups,).

    Raises:
        ValueError: For what is not a list of rows.
    """
    rows, what = saved["history"], "a list of a dict per step"
    saved.require("history", isinstance(rows, list | tuple), what, rows)
    for row in rows:
        good = isinstance(row, dict) and row.keys() >= KEYS and _is_row(row, n_samples, age)
        saved.require("history", good, what, row)
    numbers = [row["step"] for row in rows]
    rising = numbers == sorted({*numbers}) and numbers[-1:] in ([], [steps])
    saved.require("history", rising, f"{what}, the last of step {steps}", numbers[-3:])
    return History(dict(row) for row in rows)


def _is_row(row: Row, n_samples: int, age: Tensor) -> bool:
    """Return whether the values of a row are those of a step."""
    ages = row["age"]
    fits = isinstance(ages, list) and len(ages) == len(age) if age.ndim else is_number(ages)
    numbers = [*(ages if isinstance(ages, list) else []), row["mean_loss"]]
    numbers += [row["median_difficulty"], row["kept_share"]]
    counts = type(row["step"]) is int and row["step"] >= 0
    counts = counts and type(row["seen"]) is int and 0 <= row["seen"] <= n_samples
    return (
        fits
        and counts
        and all(is_number(number) for number in numbers)
        and 0 <= row["kept_share"] <= 1  # type: ignore[operator]  # it is a number
        and isinstance(row.get("probe", False), bool)
    )


def read_history(path: Path) -> History:
    """Read a history from its table, which ``write_parquet`` wrote.

    Raises:
        ModuleNotFoundError: Without pandas or pyarrow; the message names the extra to install.
        ValueError: For a file that is not Parquet, is cut short or is damaged.
    """
    rows = read_parquet(path).to_dict("records")
    return History(
        {str(name): value.tolist() if hasattr(value, "tolist") else value for name, value in items}
        for items in (row.items() for row in rows)
    )
