"""Free text as features, by the embedding of a language model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch

from selfpaced._errors import require
from selfpaced.audit._features.text import Floats, Read
from selfpaced.audit._reading.kinds import require_model_folder

# The number of texts that a language model reads at a time.
BATCH = 32
# The number of tokens after which a language model cuts off a text.
MOST_TOKENS = 256


@dataclass(eq=False)
class Embedding:
    """The mean of a language model's last layer over the tokens of a text, scaled to length 1.

    Only the folder of the model is stored; the model is loaded for each call of ``read``.

    Args:
        folder: The folder of a transformers or sentence-transformers model.
        width: The number of features per text.
    """

    folder: Path
    width: int
    keeps_proportions = False

    @property
    def names(self) -> list[str]:
        """The names of the features: their positions, from 0."""
        return [str(place) for place in range(self.width)]

    def read(self, texts: Sequence[str]) -> Read:
        """Return the features of n texts, shape (n, width).

        Texts of similar length are in one batch, so that little is padded.
        """
        tokenizer, model = _load(self.folder)
        out = np.empty((len(texts), self.width), np.float32)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(texts), BATCH):
            batch = order[start : start + BATCH]
            tokens = tokenizer(
                [texts[place] for place in batch],
                padding=True,
                truncation=True,
                max_length=MOST_TOKENS,
                return_tensors="pt",
            )
            out[batch] = _mean_state(model, tokens)
        return Read(out)


def embedding(folder: Path) -> Embedding:
    """Return the reader of text by a local model.

    Raises:
        ModuleNotFoundError: If transformers is not installed.
        FileNotFoundError: If the folder does not exist.
        ValueError: If the folder has no model.
    """
    _, model = _load(folder)
    return Embedding(folder, int(model.config.hidden_size))


def _load(folder: Path) -> tuple[Any, Any]:
    """Load the tokenizer and the model from the folder.

    Nothing is downloaded, and no code of the folder runs: its weights are read as numbers only.
    """
    require_model_folder(folder)
    try:
        from transformers import AutoConfig, AutoModel, AutoTokenizer
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"text_model=... needs {missing.name}, which is not installed: "
            f"pip install transformers",
            name=missing.name,
        ) from missing
    place, safe = str(folder), {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(place, **safe)
        require(
            "/" not in str(config._attn_implementation),
            f"it asks for the code {config._attn_implementation}, which is not a part of it",
        )
        tokenizer = AutoTokenizer.from_pretrained(place, **safe)
        model = AutoModel.from_pretrained(place, config=config, weights_only=True, **safe)
    except UnpicklingError as error:
        raise ValueError(
            f"text_model={place!r} has weights that hold code, which is not run. Save them as "
            f"safetensors."
        ) from error
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        said = str(error).strip().splitlines()[0]
        raise ValueError(f"text_model={place!r} has no transformers model: {said}") from error
    return tokenizer, model.eval()


@torch.no_grad()
def _mean_state(model: Any, tokens: Any) -> Floats:
    """Return the mean of the last layer over the tokens of each text, scaled to length 1."""
    states, mask = model(**tokens).last_hidden_state, tokens["attention_mask"][..., None]
    mean = (states * mask).sum(1) / mask.sum(1)
    return np.asarray(torch.nn.functional.normalize(mean, dim=1).float().numpy(), np.float32)
