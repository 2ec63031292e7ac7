"""Find a motif in DNA: it is known which sequences hold it, but not at which position."""

import numpy as np

from selfpaced.latent import LatentSVM
from selfpaced.latent.problems import Motif

LETTERS = np.array(list("ACGT"))
MOTIF = "GATTACA"


def make_sequences(n: int, seed: int) -> tuple[list[str], list[int], list[int]]:
    """Return n sequences of 40 letters, their labels, and the positions of the motif.

    Half of the sequences hold the motif (label 1); the others have label -1 and position -1.
    """
    random = np.random.default_rng(seed)
    letters = LETTERS[random.integers(4, size=(n, 40))]
    y = random.permutation(np.repeat([1, -1], n // 2))
    position = np.where(y > 0, random.integers(40 - len(MOTIF), size=n), -1)
    for row in np.flatnonzero(y > 0):
        letters[row, position[row] : position[row] + len(MOTIF)] = list(MOTIF)
    return ["".join(row) for row in letters], y.tolist(), position.tolist()


def main() -> None:
    """Train on 400 sequences, and print how well 1,000 new ones are predicted."""
    sequences, y, _ = make_sequences(400, seed=0)
    new_sequences, new_y, position = make_sequences(1000, seed=1)
    model = LatentSVM(Motif(length=len(MOTIF)), C=50.0, n_init=4, random_state=0)
    model.fit(sequences, y)
    found = model.predict_latent(new_sequences)
    right = (found == position)[np.array(new_y) > 0]
    letter_weights = model.coef_[: 4 * len(MOTIF)].reshape(-1, 4)
    motif = "".join(LETTERS[letter_weights.argmax(1)])
    print(f"{model.score(new_sequences, new_y):.1%} of the new sequences get the right label")
    print(f"{right.mean():.1%} of the motifs are found at their position")
    print(f"the motif reads {motif}")
    print(f"objective {model.objective_:.3f}; the last fit is within {model.gap_:.3f} of its best")


if __name__ == "__main__":
    main()
