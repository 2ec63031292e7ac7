"""Log the numbers of a run to trackers: python trackers.py tensorboard mlflow wandb.

``scalars`` returns a plain dict. Here Accelerate passes it on to the trackers. The loggers of
Lightning and Transformers, ``mlflow`` and ``wandb`` take it, too.
"""

import sys

import torch
from accelerate import Accelerator
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from selfpaced import Indexed, Pacer
from selfpaced.tracking import scalars

generator = torch.Generator().manual_seed(0)
truth = torch.arange(1000) % 2
x = torch.randn(1000, 2, generator=generator) + 3.0 * truth[:, None]
y = torch.where(torch.rand(1000, generator=generator) < 0.2, 1 - truth, truth)

accelerator = Accelerator(cpu=True, log_with=sys.argv[1:] or ["tensorboard"], project_dir="runs")
accelerator.init_trackers("selfpaced")
loader = DataLoader(Indexed(TensorDataset(x, y)), batch_size=64, shuffle=True, generator=generator)
model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
pacer = Pacer(len(x), columns={"group": y}).to(accelerator.device)
for _ in range(12):
    for index, inputs, targets in loader:
        loss = pacer(F.cross_entropy(model(inputs), targets, reduction="none"), index)
        optimizer.zero_grad()
        accelerator.backward(loss)
        optimizer.step()
    pacer.step()
    accelerator.log(scalars(pacer), step=pacer.steps)
accelerator.end_training()
for name, value in scalars(pacer).items():
    print(name, value)
