"""What the founding paper printed, and what a comparison says beside it, in one honest sentence."""

from statistics import mean
from typing import NamedTuple

from selfpaced._demo.latent import CCCP, EPS, LONG, PACED, RANDOM, SLOW, Comparison, Run

SOURCE = (
    "Kumar, Packer, Koller, Self-Paced Learning for Latent Variable Models, NIPS 2010; numbers "
    "from the paper's LaTeX source, github.com/dgboy2000/spl"
)


class Protein(NamedTuple):
    """Means of the paper's five folds, best of four starts by objective; errors in %."""

    objective: tuple[float, float]  # CCCP, self-paced
    train: tuple[float, float]
    test: tuple[float, float]


PAPERS_PROTEINS = (
    Protein((92.77, 92.37), (27.10, 26.94), (27.10, 27.08)),
    Protein((106.50, 106.60), (32.03, 32.04), (32.15, 32.24)),
    Protein((94.00, 93.51), (26.90, 26.81), (27.10, 27.03)),
    Protein((116.63, 107.18), (34.89, 30.31), (35.42, 30.84)),
    Protein((75.51, 74.23), (20.09, 19.52), (20.25, 19.65)),
)
PAPERS_MOTIFS = (
    "There, about 20,950 sequences of 60 letters each, half of them bound, C = 150. CCCP ended "
    "stuck at 50% test error in 18 of 100 runs, self-paced in 1 of 100, in 824 and 1,287 seconds. "
    "The proteins and their data are others than here: compare directions, not numbers."
)
PAPERS_DIGITS = (
    "The paper shows its objectives on digits as a figure only, without numbers: MNIST, 10 "
    "principal components, 11 angles, C from 25 to 300; 18 minutes for CCCP, 53 for self-paced. It "
    "states that latent angles improve the test error by 12, 8, 11 and 22% on its four pairs, over "
    "none. Here the images are of 8 x 8 pixels, far fewer, and not the paper's."
)


class Score(NamedTuple):
    """From how many starts self-paced ended lower, and higher, by more than C eps."""

    lower: int
    higher: int


def against(comparison: Comparison, other: str, search: str = PACED) -> Score:
    """Return how often a search ended lower than another from the same start."""
    pairs = zip(comparison.runs[search], comparison.runs[other], strict=True)
    gains = [theirs.objective - ours.objective for ours, theirs in pairs]
    least = comparison.C * EPS
    return Score(sum(gain > least for gain in gains), sum(gain < -least for gain in gains))


def best(runs: list[Run]) -> Run:
    """Return the run with the lowest objective, as one would keep it."""
    return min(runs, key=lambda run: run.objective)


def sentence(comparison: Comparison) -> str:
    """Say what these runs show, whichever way they went."""
    starts = len(comparison.runs[PACED])
    scores = {other: against(comparison, other) for other in (CCCP, LONG, RANDOM)}
    paced = mean(len(run.steps) for run in comparison.runs[PACED])
    usual = mean(len(run.steps) for run in comparison.runs[CCCP])
    said = "; ".join(
        f"than {name} in {score.lower}, higher in {score.higher}"
        for name, score in (
            ("CCCP by the paper's rule", scores[CCCP]),
            ("CCCP with as many fits", scores[LONG]),
            ("a random order", scores[RANDOM]),
        )
    )
    return (
        f"Of {starts} start{'s' * (starts > 1)}, self-paced ended lower {said} (by more than C eps "
        f"= {comparison.C * EPS:g}), after {paced:.0f} fits for CCCP's {usual:.0f}. "
        f"{_conclusion(scores)} {_patience(comparison)}"
    )


def _patience(comparison: Comparison) -> str:
    """Say what more time came to."""
    score = against(comparison, LONG, SLOW)
    fits = mean(len(run.steps) for run in comparison.runs[SLOW])
    return (
        f"The patient search ended lower than CCCP that goes on in {score.lower}, higher in "
        f"{score.higher}, after {fits:.0f} fits."
    )


def _conclusion(scores: dict[str, Score]) -> str:
    """Say what helped: the order, the number of fits, leaving out as such, or nothing."""
    won = {name: score.lower > score.higher for name, score in scores.items()}
    if all(won.values()):
        return "Here the order helped: neither more fits nor another order did as well."
    if not won[CCCP]:
        return "Here self-paced learning did not help."
    if not won[LONG]:
        return "What helped here is the number of fits: CCCP that goes on as long does as well."
    return "What helped here is to leave samples out, whichever: a random order does as well."
