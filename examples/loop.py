"""The three lines in a plain PyTorch loop, on data made here: two blobs, a fifth mislabeled."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from selfpaced import Indexed, Pacer

generator = torch.Generator().manual_seed(0)
truth = torch.arange(1000) % 2
x = torch.randn(1000, 2, generator=generator) + 3.0 * truth[:, None]
wrong = torch.rand(1000, generator=generator) < 0.2
labels = torch.where(wrong, 1 - truth, truth)

dataset = TensorDataset(x, labels)
model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

loader = DataLoader(Indexed(dataset), batch_size=64, shuffle=True, generator=generator)
pacer = Pacer(len(dataset), columns={"group": labels})
for _ in range(20):
    for index, inputs, targets in loader:
        loss = pacer(F.cross_entropy(model(inputs), targets, reduction="none"), index)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    pacer.step()

suspects = pacer.suspects(100)
kept = pacer.history[-1]["kept_share"]
print(f"kept share {kept:.2f}, truly right {1 - wrong.float().mean():.2f}")
print(f"of the first 100 suspects {wrong[suspects].float().mean():.0%} are mislabeled")
