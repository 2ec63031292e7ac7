"""Draw the pictures of the documentation: ``make pictures``.

The animations come from ``selfpaced demo blobs``; these are the rules, and a run on scikit-learn's
digits with 40 % of the labels made wrong.
"""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from selfpaced import Pacer
from selfpaced._demo import noise
from selfpaced._demo.digits import Data, from_scikit_learn, network
from selfpaced.chain import Weighting
from selfpaced.pacing import Cosine, Exponential, Geometrical, Linear, Ramp, Root, Shape, Steps
from selfpaced.report import (
    plot_ages,
    plot_cartography,
    plot_kept_share,
    plot_latent_losses,
    plot_loss_bands,
    plot_pacings,
    plot_weightings,
)
from selfpaced.weighting import (
    L1L2,
    Cauchy,
    Hard,
    Huber,
    Logistic,
    Mixture,
    Mixture2,
    Polynomial,
    SuperLoss,
    Welsch,
)
from selfpaced.weighting import Linear as LinearWeighting

FOLDER = Path(__file__).parent / "pictures"
CUTTING: list[Weighting] = [Hard(), LinearWeighting(), Mixture(), Mixture2(), Polynomial()]
SMOOTH: list[Weighting] = [Logistic(), Welsch(), Cauchy(), Huber(), L1L2(), SuperLoss()]
SHAPES: list[Shape] = [Linear(), Root(2), Geometrical(), Steps(4), Cosine(), Exponential()]
EPOCHS, BATCH, WRONG = 60, 32, 0.4


def train(data: Data, given: Tensor) -> tuple[Pacer, Tensor]:
    """Train on the given labels; return the pacer and the losses, shape (epochs, n)."""
    model, images = network(data, seed=0), data.train.images
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    pacer = Pacer(len(given), columns={"group": given})
    generator = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(EPOCHS):
        for index in torch.randperm(len(given), generator=generator).split(BATCH):
            loss = pacer(
                F.cross_entropy(model(images[index]), given[index], reduction="none"), index
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        pacer.step()
        with torch.no_grad():
            losses.append(F.cross_entropy(model(images), given, reduction="none"))
    return pacer, torch.stack(losses)


def main() -> None:
    """Draw all of them."""
    torch.set_num_threads(1)
    data = from_scikit_learn()
    labels = data.train.labels
    given = torch.from_numpy(noise.symmetric(labels.numpy(), WRONG, data.n_classes, seed=0))
    pacer, losses = train(data, given)
    probability = (-losses).exp()
    ages = [min(torch.as_tensor(row["age"]).tolist()) for row in pacer.history]  # most classes'
    pictures = {
        "weightings_cutting": plot_weightings(CUTTING),
        "weightings_smooth": plot_weightings(SMOOTH),
        "latent_losses": plot_latent_losses([*CUTTING[:3], *SMOOTH[1:3]]),
        "pacings": plot_pacings([Ramp(0.3, 1.0, 10, shape) for shape in SHAPES], 12),
        "kept_share": plot_kept_share([row["kept_share"] for row in pacer.history], 1 - WRONG),
        "ages": plot_ages(ages),
        "loss_bands": plot_loss_bands(losses, given != labels),
        "cartography": plot_cartography(
            *(probability.mean(0), probability.std(0), (probability > 0.5).double().mean(0)),
            marked=pacer.suspects(25),
        ),
    }
    for name, axes in pictures.items():
        axes.figure.canvas.figure.savefig(FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
