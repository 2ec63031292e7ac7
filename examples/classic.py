"""The classic self-paced program: a threshold that grows, and what is left out at the end."""

import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

from selfpaced import Indexed, SPLLoss
from selfpaced.report import Frame, animate_boundary, grid

torch.manual_seed(1445)
y = torch.arange(2000) // 1000
x = torch.randn(2000, 2) + 3.0 * y[:, None]
planted = int((x - 3.0).norm(dim=1).argmax())  # farthest from the blob at (3, 3)
y[planted] = 1  # and labeled as if it belonged there

dataset = Indexed(TensorDataset(x, y))
batches = BatchSampler(RandomSampler(dataset), batch_size=32, drop_last=False)
loader = DataLoader(dataset, sampler=batches, batch_size=None)  # one indexing a batch
model = nn.Sequential(nn.Linear(2, 2), nn.LogSoftmax(dim=1))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = SPLLoss(n_samples=len(dataset))  # keeps losses below 0.1, then 0.135, ...

frames: list[Frame] = []
while (criterion.v == 0).sum() > 5:
    for index, inputs, targets in loader:
        optimizer.zero_grad()
        criterion(model(inputs), targets, index).backward()
        optimizer.step()
    with torch.no_grad():
        probabilities = model(torch.from_numpy(grid(x))).exp()
    frames.append(Frame(len(frames) + 1, criterion.threshold, criterion.v.clone(), probabilities))
    criterion.increase_threshold()

left_out = (criterion.v == 0).nonzero().squeeze(1).tolist()
print(f"after {len(frames)} epochs {left_out} are left out; {planted} was planted")
print(*animate_boundary(x, y, frames, "classic.gif"))
