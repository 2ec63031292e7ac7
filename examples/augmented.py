"""Augmentation and self-paced learning add up: 1,200 digits, of which 40 % have a wrong label."""

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

from selfpaced import Pacer
from selfpaced.difficulty import LeaveOneOut

EPOCHS, BATCH = 60, 64

torch.set_num_threads(1)
images, truth = load_digits(return_X_y=True)
x, y = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(truth)
order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
train, test = order[:1200], order[1200:]
wrong = torch.arange(1200) % 5 < 2
labels = torch.where(wrong, (y[train] + torch.arange(1200) % 9 + 1) % 10, y[train])


def turned(batch: Tensor) -> Tensor:
    """Turn each image of 8 x 8 pixels by up to 15 degrees, and move it by up to half a pixel."""
    angle = torch.empty(len(batch)).uniform_(-0.26, 0.26)
    move = torch.empty(2, len(batch)).uniform_(-0.125, 0.125)  # 2 is the width of an image
    rows = [angle.cos(), -angle.sin(), move[0]], [angle.sin(), angle.cos(), move[1]]
    affine = torch.stack([torch.stack(row, 1) for row in rows], 1)
    grid = F.affine_grid(affine, [len(batch), 1, 8, 8], align_corners=False)
    return F.grid_sample(batch.view(-1, 1, 8, 8), grid, align_corners=False).flatten(1)


def accuracy(augment: bool, paced: bool) -> float:
    """Train with these two switches; return the accuracy on test images."""
    torch.manual_seed(0)
    body, head = nn.Sequential(nn.Linear(64, 256), nn.ReLU()), nn.Linear(256, 10)
    optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=3e-3)
    pacer = Pacer(1200, columns={"group": labels}, difficulty=LeaveOneOut())
    for _ in range(EPOCHS):
        for index in torch.randperm(1200).split(BATCH):
            batch = x[train[index]]
            features = body(turned(batch) if augment else batch)
            losses = F.cross_entropy(head(features), labels[index], reduction="none")
            loss = pacer(losses, index, features=features) if paced else losses.mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if paced:
            pacer.step()
    return float((head(body(x[test])).argmax(1) == y[test]).float().mean())


for augment in (False, True):
    plain, paced = accuracy(augment, False), accuracy(augment, True)
    images_are = "turned and moved" if augment else "as they are"
    print(f"images {images_are}: plain {plain:.1%}, self-paced {paced:.1%}")
