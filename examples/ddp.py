"""Several processes: ``torchrun --nproc-per-node 2 examples/ddp.py``, or plain ``python``.

Ranks send each other nothing for the pacer until ``pacer.step()``, which merges what each has seen;
after it all draw the same order, and each takes its share.
"""

import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset

from selfpaced import Indexed, PacedSampler, Pacer

if "RANK" in os.environ:
    dist.init_process_group("gloo")  # "nccl" on GPUs
rank = int(os.environ.get("RANK", "0"))

generator = torch.Generator().manual_seed(0)
truth = torch.arange(2000) % 2
x = torch.randn(2000, 2, generator=generator) + 3.0 * truth[:, None]
wrong = torch.rand(2000, generator=generator) < 0.2
y = torch.where(wrong, 1 - truth, truth)

torch.manual_seed(0)
model: nn.Module = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 2))
if dist.is_initialized():
    model = DistributedDataParallel(model)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
pacer = Pacer(len(y), columns={"group": y})
dataset = Indexed(TensorDataset(x, y))
loader = DataLoader(dataset, batch_size=64, sampler=PacedSampler(pacer))
for _ in range(12):
    for index, inputs, targets in loader:
        loss = pacer(F.cross_entropy(model(inputs), targets, reduction="none"), index)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    pacer.step()

if rank == 0:
    found = wrong[pacer.suspects(100)].float().mean()
    kept = pacer.history[-1]["kept_share"]
    print(f"kept share {kept:.2f}, truly right {1 - wrong.float().mean():.2f}")
    print(f"of the first 100 suspects {found:.0%} are mislabeled")
if dist.is_initialized():
    dist.destroy_process_group()
