"""Stop in the middle of an epoch, save, and go on in a new program, to the bit."""

import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from selfpaced import Indexed, PacedSampler, Pacer

EPOCHS, STOP, CHECKPOINT = 8, 70, Path("checkpoint.pt")  # python resume.py [stop]

generator = torch.Generator().manual_seed(0)
x = torch.randn(1000, 2, generator=generator)
y = (x[:, 0] > 0).long()
y[::4] = 1 - y[::4]  # a quarter of the labels is wrong
dataset = Indexed(TensorDataset(x, y))

torch.manual_seed(0)
model = nn.Linear(2, 2)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
pacer = Pacer(len(dataset), columns={"group": y})
sampler = PacedSampler(pacer)  # an epoch visits what is kept, and a tenth of the rest
loader = DataLoader(dataset, batch_size=64, sampler=sampler)
parts: dict[str, Any] = {"model": model, "optimizer": optimizer, "pacer": pacer, "sampler": sampler}

if CHECKPOINT.exists():
    for name, state in torch.load(CHECKPOINT).items():
        parts[name].load_state_dict(state)

steps = 0
while pacer.steps < EPOCHS:
    for index, inputs, targets in loader:
        loss = pacer(F.cross_entropy(model(inputs), targets, reduction="none"), index)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        steps += 1
        if sys.argv[1:] == ["stop"] and steps == STOP:
            torch.save({name: part.state_dict() for name, part in parts.items()}, CHECKPOINT)
            sys.exit(f"stopped in epoch {sampler.epoch}; run again to go on")
    pacer.step()

print("weights", [round(value, 6) for value in model.weight.flatten().tolist()])
