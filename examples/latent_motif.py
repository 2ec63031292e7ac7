"""Find a motif in DNA that nobody has marked: which sequences hold it is known, where is not."""

import numpy as np

from selfpaced.latent import LatentSVM
from selfpaced.latent.problems import Motif

LETTERS = np.array(list("ACGT"))
MOTIF = "GATTACA"


def made(n: int, seed: int) -> tuple[list[str], list[int], list[int]]:
    """Return sequences of 40 letters, 1 for half that hold the motif, else -1, and its places."""
    random = np.random.default_rng(seed)
    letters = LETTERS[random.integers(4, size=(n, 40))]
    y = random.permutation(np.repeat([1, -1], n // 2))
    place = np.where(y > 0, random.integers(40 - len(MOTIF), size=n), -1)
    for row in np.flatnonzero(y > 0):
        letters[row, place[row] : place[row] + len(MOTIF)] = list(MOTIF)
    return ["".join(row) for row in letters], y.tolist(), place.tolist()


def main() -> None:
    """Train, and say what was found."""
    sequences, y, _ = made(400, seed=0)
    new, truth, place = made(1000, seed=1)
    model = LatentSVM(Motif(length=len(MOTIF)), C=50.0, n_init=4, random_state=0)
    model.fit(sequences, y)
    found = model.predict_latent(new)
    there = np.array(truth) > 0
    word = "".join(LETTERS[model.coef_[: 4 * len(MOTIF)].reshape(-1, 4).argmax(1)])
    print(f"{model.score(new, truth):.1%} of the new sequences are told right")
    print(f"{(found == place)[there].mean():.1%} of the motifs are found where they are")
    print(f"the motif reads {word}")
    print(f"objective {model.objective_:.3f}, the last fit at most {model.gap_:.3f} from its best")


if __name__ == "__main__":
    main()
