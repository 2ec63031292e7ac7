"""A loop of Accelerate on digits with wrong labels; ``torchrun --nproc-per-node 2`` also runs it.

Without selfpaced, for comparison.
"""

import torch
from accelerate import Accelerator
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

x, truth = map(torch.as_tensor, load_digits(return_X_y=True))
x, generator = x.float() / 16, torch.Generator().manual_seed(0)
test = torch.rand(len(x), generator=generator) < 0.25
wrong = torch.rand(len(x), generator=generator) < 0.4
y = (truth + wrong * torch.randint(1, 10, truth.shape, generator=generator)) % 10
y, wrong = y[~test], wrong[~test]
train = TensorDataset(x[~test], y)

torch.manual_seed(0)
accelerator = Accelerator(cpu=True)
loader = DataLoader(train, batch_size=64, shuffle=True)
model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
for _ in range(40):
    for inputs, targets in loader:
        loss = F.cross_entropy(model(inputs), targets)
        optimizer.zero_grad()
        accelerator.backward(loss)
        optimizer.step()

accuracy = (model(x[test]).argmax(1) == truth[test]).float().mean()
accelerator.print(f"accuracy {accuracy:.1%}")
accelerator.end_training()
