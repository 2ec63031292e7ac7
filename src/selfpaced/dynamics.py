"""What logits tell about a sample over time: margin, correctness, forgetting, probabilities."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from selfpaced.errors import require, values_can_be_read
from selfpaced.placing import place


class Dynamics:
    """Per-sample columns that ``Pacer.observe`` fills when it is given logits and targets.

    Like the ledger's losses they count once a step, and the last visit within a step wins.

    Args:
        n_samples: Number of rows.
        n_classes: Number of classes for which smoothed probabilities are kept; 0 keeps none.
        device: Where the columns live.

    Attributes:
        visits: Number of steps with logits, int32, shape (n_samples,).
        correct: Number of steps in which the target had the highest logit, int32.
        forgotten: Number of times a correct sample was wrong at the next visit, int32 (Toneva et
            al., *An Empirical Study of Example Forgetting*, ICLR 2019); 0 for never learned.
        probability: Mean probability per class over the steps, each counting by its evidence (see
            ``Ledger.suspicion``), float32, shape (n_samples, n_classes).
        target: The target last seen, int32; 0 for none.

    >>> dynamics = Dynamics(2, 0, torch.device("cpu"))
    >>> for logit in (1.0, -1.0):
    ...     dynamics.write(torch.tensor([1]), torch.tensor([[logit, 0.0]]), torch.tensor([0]))
    ...     dynamics.commit(torch.ones(2))
    >>> dynamics.forgotten, dynamics.margin
    (tensor([0, 1], dtype=torch.int32), tensor([nan, 0.]))
    """

    def __init__(self, n_samples: int, n_classes: int, device: torch.device) -> None:
        """Make empty columns."""
        self._tensors = {
            name: torch.zeros(n_samples, dtype=torch.int32, device=device)
            for name in ("visits", "correct", "forgotten", "was_correct", "target")
        }
        for name in ("now", "now_correct", "now_target"):
            self._tensors[name] = torch.zeros(n_samples, dtype=torch.int32, device=device)
        for name in ("margin_total", "now_margin", "evidence"):
            self._tensors[name] = torch.zeros(n_samples, dtype=torch.float32, device=device)
        for name in ("probability", "now_probability"):
            self._tensors[name] = torch.zeros(
                n_samples, n_classes, dtype=torch.float32, device=device
            )

    @property
    def visits(self) -> Tensor:
        """Number of steps with logits, int32, shape (n_samples,)."""
        return self._tensors["visits"]

    @property
    def correct(self) -> Tensor:
        """Number of steps in which the target had the highest logit, int32, (n_samples,)."""
        return self._tensors["correct"]

    @property
    def forgotten(self) -> Tensor:
        """Number of times a correct sample was wrong at the next visit, int32, (n_samples,)."""
        return self._tensors["forgotten"]

    @property
    def margin(self) -> Tensor:
        """Mean of the target's logit minus the highest other, float32; NaN without a visit.

        The area under the margin of Pleiss et al. (NeurIPS 2020); lower is more suspect.
        """
        return self._tensors["margin_total"] / self.visits

    @property
    def probability(self) -> Tensor:
        """Mean probability per class, float32, shape (n_samples, n_classes)."""
        return self._tensors["probability"]

    @property
    def target(self) -> Tensor:
        """The target last seen, int32, shape (n_samples,)."""
        return self._tensors["target"]

    def write(
        self, index: Tensor, logits: Tensor, target: Tensor, valid: Tensor | None = None
    ) -> None:
        """Keep a batch until ``commit``: logits (B, C), target int64 (B,), where valid."""
        logits = logits.float()
        own = logits.gather(1, target[:, None]).squeeze(1)
        others = logits.scatter(1, target[:, None], -torch.inf).amax(1)
        new = {"now": torch.ones_like(index, dtype=torch.int32), "now_margin": own - others}
        new["now_correct"], new["now_target"] = (own > others).int(), target.int()
        if self.probability.shape[1]:
            new["now_probability"] = F.softmax(logits, 1)
        place([(self._tensors[name], values) for name, values in new.items()], index, valid)

    def commit(self, evidence: Tensor) -> None:
        """Fold the waiting visits in.

        Args:
            evidence: What this step's visit counts in the probabilities, shape (n_samples,).
        """
        column = self._tensors
        at = column["now"].nonzero().squeeze(1)
        correct = column["now_correct"][at]
        column["visits"][at] += 1
        column["correct"][at] += correct
        column["forgotten"][at] += column["was_correct"][at] * (1 - correct)
        column["was_correct"][at] = correct
        column["margin_total"][at] += column["now_margin"][at]
        column["target"][at] = column["now_target"][at]
        column["evidence"][at] += evidence[at]
        share = (evidence[at] / column["evidence"][at]).nan_to_num(nan=1.0)
        old = self.probability[at]
        column["probability"][at] = old + share[:, None] * (column["now_probability"][at] - old)
        column["now"].zero_()

    def apply(self, change: Callable[[Tensor], Tensor]) -> None:
        """Replace every column by what the function makes of it."""
        self._tensors = {name: change(column) for name, column in self._tensors.items()}

    def waiting(self) -> dict[str, Tensor]:
        """Return the columns of the visits that wait, for a merge over ranks to fill in place."""
        return {name: c for name, c in self._tensors.items() if name.startswith("now")}

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of all columns."""
        return {name: column.clone() for name, column in self._tensors.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take up the columns of ``state_dict``."""
        self._tensors = {name: column.clone() for name, column in state.items()}


def check_logits(loss: Tensor, logits: Tensor, target: Tensor, n_classes: int) -> None:
    """Raise unless there is a row of logits and a label in it for each loss.

    Args:
        loss: Shape (B,).
        logits: Shape (B, C).
        target: Class labels, int64, shape (B,).
        n_classes: C of the probabilities kept so far; 0 where none are.
    """
    require(
        logits.ndim == 2 and target.shape == logits.shape[:1] == loss.shape,
        f"Pacer.observe expects logits (batch, classes) and a target per loss; got "
        f"{tuple(logits.shape)} and {tuple(target.shape)} for losses {tuple(loss.shape)}.",
    )
    require(
        n_classes in (0, logits.shape[1]),
        f"Pacer.observe has kept probabilities of {n_classes} classes; got {logits.shape[1]}.",
    )
    if target.dtype != torch.int64:
        raise TypeError(f"Pacer.observe expects the target as int64 labels; got {target.dtype}.")
    if values_can_be_read(target):
        bad = target[(target < 0) | (target >= logits.shape[1])]
        require(
            len(bad) == 0,
            f"Pacer.observe expects targets from 0 to {logits.shape[1] - 1}; got "
            f"{bad[:5].tolist()}. Leave ignored samples out of the call.",
        )


def without_nan(logits: Tensor, *, skip_nan: bool) -> Tensor | None:
    """Return the rows without NaN, bool, shape (B,); None for all. Raise unless they are skipped.

    Args:
        logits: Shape (B, C).
        skip_nan: Leave rows with NaN out instead of raising; an accelerator always leaves them out.
    """
    nan = logits.isnan().any(1)
    if values_can_be_read(logits):
        rows = nan.nonzero().squeeze(1).tolist()
        if not rows:
            return None
        require(
            skip_nan,
            f"Pacer.observe got NaN logits in rows {rows[:10]}. Lower the learning rate or mend "
            f"the data; skip_nan=True leaves such samples out.",
        )
    return ~nan
