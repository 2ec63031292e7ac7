"""Train on digits with Lightning; 40 % of the labels are wrong."""

import torch
from lightning.pytorch import LightningModule, Trainer
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class Classifier(LightningModule):
    """A small network that classifies digits."""

    def __init__(self) -> None:
        """Make the layers."""
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        """Return the loss of a batch."""
        x, y = batch
        loss = F.cross_entropy(self.net(x), y)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer."""
        return torch.optim.Adam(self.parameters(), lr=3e-3)


torch.manual_seed(0)
pixels, digits = load_digits(return_X_y=True)
order = torch.randperm(len(digits))
x, truth = torch.tensor(pixels, dtype=torch.float32)[order] / 16, torch.tensor(digits)[order]
wrong = torch.rand(1200) < 0.4
labels = torch.where(wrong, (truth[:1200] + torch.randint(1, 10, (1200,))) % 10, truth[:1200])
dataset = TensorDataset(x[:1200], labels)

loader = DataLoader(dataset, batch_size=32, shuffle=True)
trainer = Trainer(
    accelerator="cpu",
    max_epochs=30,
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
model = Classifier()
trainer.fit(model, loader)

right = model.net(x[1200:]).argmax(1) == truth[1200:]
print(f"{right.float().mean():.1%} of the test images are recognised")
